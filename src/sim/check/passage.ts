/**
 * Cluster time against the world's: along a log it passes no faster than the fastest clock of any server. A jump of a
 * clock may count for two heartbeats; a pause, an election, and all time without a leader count for nothing. So nothing
 * that ends by cluster time ends early.
 */
import type { Millis } from "../../base/numbers.ts";
import { Violation } from "./violation.ts";

/** When an entry was first seen in a log, and how often clocks had jumped by then. */
export type Seen = { readonly at: Millis; readonly jumps: number };

/** Stamps are cut to whole milliseconds, and a clock's alarm may be late by a rounding. */
const slackMs = 2;

export class Passage {
  private readonly now: () => Millis;
  private readonly jumpMsMax: number;
  private fastest = 1;
  private jumps = 0;

  constructor(parts: { now: () => Millis; heartbeatMs: number }) {
    this.now = parts.now;
    this.jumpMsMax = 2 * parts.heartbeatMs;
  }

  clockRuns(rate: number): void {
    this.fastest = Math.max(this.fastest, rate);
  }

  clockJumped(): void {
    this.jumps += 1;
  }

  see(): Seen {
    return { at: this.now(), jumps: this.jumps };
  }

  check(
    before: { time: Millis; seen: Seen },
    after: { time: Millis; seen: Seen },
    where: string,
  ): void {
    const passed = (after.seen.at - before.seen.at) * this.fastest;
    const jumped = (after.seen.jumps - before.seen.jumps) * this.jumpMsMax;
    const counted = after.time - before.time;
    if (counted <= passed + jumped + slackMs) return;
    const what = `${where}: cluster time moves ${counted} ms between two entries`;
    throw new Violation("I26", `${what}, and at most ${Math.ceil(passed + jumped)} ms have passed`);
  }
}
