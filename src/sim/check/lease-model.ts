/**
 * Leases, once more, as plainly as possible, with all that ever was: which began where, when each was kept alive, and
 * where it ended. Which keys go with one is the keys' own to say (model.ts). Shares no code with kv/.
 */
import { must } from "../../base/assert.ts";
import { type LogIndex, later, type Millis, type Term } from "../../base/numbers.ts";
import type { LeaseId, LeaseItem } from "../../kv/command.ts";

/** Where and when something was committed. */
export type Moment = { readonly index: LogIndex; readonly time: Millis; readonly term: Term };

type Known = {
  readonly id: LeaseId;
  readonly origin: "granted" | "own";
  readonly ttlMs: number;
  /** It began, and was kept alive, at these. */
  readonly renewals: Moment[];
  endedAt: LogIndex | null;
};

export type LeaseCounts = {
  granted: number;
  kept: number;
  /** Kept alive in another term than the one before. */
  keptAcrossElections: number;
  expired: number;
  revoked: number;
  /** Named by an expiry, and kept alive or gone by then. */
  spared: number;
};

export class LeaseModel {
  readonly counts: LeaseCounts = {
    ...{ granted: 0, kept: 0, keptAcrossElections: 0 },
    ...{ expired: 0, revoked: 0, spared: 0 },
  };
  private readonly known: Known[] = [];

  begin(parts: Pick<Known, "id" | "origin" | "ttlMs">, at: Moment): void {
    this.known.push({ ...parts, renewals: [at], endedAt: null });
    this.counts.granted += 1;
  }

  /** The lease, where it has not ended. */
  open(id: LeaseId): Pick<Known, "id" | "origin" | "ttlMs"> | null {
    return this.find(id);
  }

  keep(id: LeaseId, at: Moment): void {
    const { renewals } = must(this.find(id), "what is kept alive is open");
    this.counts.kept += 1;
    if (renewals.at(-1)?.term !== at.term) this.counts.keptAcrossElections += 1;
    renewals.push(at);
  }

  end(id: LeaseId, at: LogIndex): void {
    must(this.find(id), "what ends is open").endedAt = at;
  }

  /** Where an open lease was last begun or kept alive, and when its time is up. */
  standing(id: LeaseId): { readonly renewed: Moment; readonly deadline: Millis } | null {
    const lease = this.find(id);
    if (lease === null) return null;
    const renewed = must(lease.renewals.at(-1), "a lease began somewhere");
    return { renewed, deadline: later(renewed.time, lease.ttlMs) };
  }

  /** What there was right after an entry. */
  listAt(
    index: number,
    asked: { readonly after: LeaseId; readonly limit: number },
    keysOf: (id: LeaseId) => number,
  ): { readonly items: readonly LeaseItem[]; readonly more: "more" | "end" } {
    const all = this.known.filter(({ id, endedAt }) => {
      return id <= index && id > asked.after && (endedAt === null || endedAt > index);
    });
    const items = all.slice(0, asked.limit).map(({ id, origin, ttlMs, renewals }) => {
      const renewed = renewals.findLast((one) => one.index <= index);
      const { time } = must(renewed, "a lease that is there began before");
      return { lease: id, origin, ttlMs, deadline: later(time, ttlMs), keys: keysOf(id) };
    });
    return { items, more: all.length > items.length ? "more" : "end" };
  }

  /** The leases that there are now. */
  get openIds(): readonly LeaseId[] {
    return this.known.filter(({ endedAt }) => endedAt === null).map(({ id }) => id);
  }

  private find(id: LeaseId): Known | null {
    return this.known.findLast((one) => one.id === id && one.endedAt === null) ?? null;
  }
}
