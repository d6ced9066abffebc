/**
 * Ctrl-C and its relatives as something to wait for. While one of these exists, signals do not end
 * the program.
 */
import { repeatMs } from "../client/errand.ts";

const signalNames = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type SignalName = (typeof signalNames)[number];

export class Signals {
  readonly #arrived: SignalName[] = [];
  readonly #now: () => number;
  #lastAt = Number.NEGATIVE_INFINITY;
  #wake: ((name: SignalName) => void) | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    for (const name of signalNames) process.on(name, this.raise);
  }

  /** Also called for a key that means the same, where a terminal is in raw mode. */
  readonly raise = (name: SignalName): void => {
    const at = this.#now();
    if (at - this.#lastAt < repeatMs) return;
    this.#lastAt = at;
    const wake = this.#wake;
    this.#wake = null;
    if (wake === null) this.#arrived.push(name);
    else wake(name);
  };

  /** The next one. One waiter at a time: a later one takes the place of an earlier one. */
  next(): Promise<SignalName> {
    const waiting = this.#arrived.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    for (const name of signalNames) process.off(name, this.raise);
  }
}

export const exitOfSignal = (name: SignalName): 130 | 143 => (name === "SIGINT" ? 130 : 143);
