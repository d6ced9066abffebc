/**
 * How old this server's store may be. Nobody can tell from a heartbeat: it may have been on its way for long, and
 * says no more than its receiver is known to hold. What can be told is this: a read index that was asked for at a
 * moment covers everything that was committed before that moment, and once it is applied the store is no older.
 *
 * Every linearizable read at this server makes it known anew. A stale read that finds nothing recent has it made
 * known for the next one, and waits for nothing itself. Moments are this server's own, on its monotonic clock, and
 * as good as that: while a machine is suspended, it does not count.
 */
import type { Millis } from "../base/numbers.ts";
import type { ReadTicket } from "../raft/state.ts";

export class Freshness {
  /** What is known more recently than this is not asked for again. */
  private readonly recentMs: number;
  /** When the tickets under way began. */
  private readonly begun = new Map<ReadTicket, Millis>();
  private knownAt: Millis | null = null;
  private wanted: "wanted" | "not-wanted" = "not-wanted";

  constructor(recentMs: number) {
    this.recentMs = recentMs;
  }

  /** Everything that was committed so long ago is in the store; null: nobody knows, since the start of this server. */
  ageMs(now: Millis): number | null {
    return this.knownAt === null ? null : Math.ceil(now - this.knownAt);
  }

  /** A stale read has come, or somebody else wants to know. */
  asked(now: Millis, recentMs = this.recentMs): void {
    const ageMs = this.ageMs(now);
    if (ageMs === null || ageMs > recentMs) this.wanted = "wanted";
  }

  /** Whether a ticket is wanted though no read waits for it. One is under way at most. */
  wantsTicket(): "wanted" | "not-wanted" {
    const { wanted } = this;
    this.wanted = "not-wanted";
    return this.begun.size === 0 ? wanted : "not-wanted";
  }

  begin(ticket: ReadTicket, now: Millis): void {
    this.begun.set(ticket, now);
  }

  forget(ticket: ReadTicket): void {
    this.begun.delete(ticket);
  }

  /** What the ticket's read index covers is applied. */
  confirmed(ticket: ReadTicket): void {
    const at = this.begun.get(ticket) ?? null;
    this.begun.delete(ticket);
    if (at !== null && (this.knownAt === null || at > this.knownAt)) this.knownAt = at;
  }
}
