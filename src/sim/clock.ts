/**
 * Pretended time: it stands still until somebody moves it, and then jumps from one event to the next. Events of
 * one moment happen in the order in which they were asked for, so that a run is a function of its seed.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { later, type Millis, millis } from "../base/numbers.ts";

type Event = { readonly at: Millis; readonly order: number; call: (() => void) | null };

const isBefore = (a: Event, b: Event): boolean => (a.at !== b.at ? a.at < b.at : a.order < b.order);

export class SimClock implements Clock {
  private moment: Millis = millis(0);
  private count = 0;
  /** A binary heap: the next event first. */
  private readonly heap: Event[] = [];

  readonly now = (): Millis => this.moment;

  readonly wake = (moment: Millis, call: () => void): (() => void) => {
    this.count += 1;
    const at = moment > this.moment ? moment : this.moment;
    const event: Event = { at, order: this.count, call };
    if (at < Number.POSITIVE_INFINITY) this.add(event);
    return () => {
      event.call = null;
    };
  };

  /** Lets everything happen that is due within `ms` from now. */
  run(ms: number): void {
    const end = later(this.moment, ms);
    while (this.heap.length > 0 && this.heap[0]!.at <= end) this.next();
    this.moment = end;
  }

  /** Moves to the next event and lets it happen. */
  next(): "happened" | "nothing-left" {
    const event = this.take();
    if (event === undefined) return "nothing-left";
    assert(event.at >= this.moment, "time does not go back");
    this.moment = event.at;
    event.call?.();
    return "happened";
  }

  private add(event: Event): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  private take(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
