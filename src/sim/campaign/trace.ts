/**
 * What happened in a run: the last of it in the one notation, for people, and all of it as one number, by which
 * two runs of a seed are compared. Events are put into words only when somebody wants to read them.
 */
import type { Millis } from "../../base/numbers.ts";
import { print } from "../../sexp/print.ts";
import { form, type SexpList } from "../../sexp/value.ts";

export type Event = { readonly at: Millis; readonly render: () => SexpList };

const keptMax = 60;

export class Trace {
  /** Every event, from now on, as it happens. */
  onLine: ((line: string) => void) | null = null;
  private readonly last: Event[] = [];
  private next = 0;
  private state = 0x811c9dc5;

  /** Grows with every event; the same for the same run. */
  get hash(): number {
    return this.state >>> 0;
  }

  mix(value: number): void {
    this.state = Math.imul(this.state ^ (value | 0), 0x01000193) ^ (this.state >>> 15);
  }

  add(at: Millis, render: () => SexpList): void {
    const event = { at, render };
    this.mix(at * 1024);
    this.last[this.next] = event;
    this.next = (this.next + 1) % keptMax;
    this.onLine?.(lineOf(event));
  }

  /** The last events, the oldest first. */
  lines(): readonly string[] {
    return [...this.last.slice(this.next), ...this.last.slice(0, this.next)].map(lineOf);
  }
}

const lineOf = ({ at, render }: Event): string => print(form("at", Math.floor(at), render()));
