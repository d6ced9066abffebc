/**
 * Do servers that applied the same log hold the same store? The leader says now and then which hash its store had at
 * which entry; everybody else compares when it has applied just that. A difference is a bug, a bad memory, or another
 * version of this program: nothing that going on could mend, so a server that differs stops.
 *
 * Where the leader is the odd one, the others stop, and with them its leadership: nobody can tell from two hashes who
 * is right. The logs can (inspect --diff), and a replay of each (inspect --at).
 */
import type { LogIndex, Millis, NodeId } from "../base/numbers.ts";
import { later, millis, noIndex } from "../base/numbers.ts";
import type { StoreHash } from "../codec/store-hash.ts";
import type { Counters } from "./counters.ts";

export const comparisonLimits = {
  /** How often a leader says its hash. */
  sayMs: 1000,
} as const;

export type Difference = {
  readonly index: LogIndex;
  readonly peer: NodeId;
  readonly theirs: number;
  readonly ours: number;
};

export class Comparison {
  /** Compared as soon as this entry is applied; index 0: nothing is waited for. */
  awaited: LogIndex = noIndex;
  /** Once there is one, this server cannot go on. */
  difference: Difference | null = null;
  private expected: { readonly peer: NodeId; readonly hash: number } | null = null;
  private sayAt: Millis = millis(0);
  private readonly counters: Counters;

  constructor(counters: Counters) {
    this.counters = counters;
  }

  /** What a leader has to say now, if it is time for it. */
  toSay(now: Millis, applied: LogIndex, hash: number): StoreHash | null {
    if (now < this.sayAt || applied === noIndex) return null;
    this.sayAt = later(now, comparisonLimits.sayMs);
    return { index: applied, hash };
  }

  /** A peer had this hash after this entry; here `applied` is applied, and the hash is `ours`. */
  onHash(
    peer: NodeId,
    theirs: StoreHash,
    { applied, ours }: { applied: LogIndex; ours: number },
  ): void {
    if (this.awaited <= applied) this.awaited = noIndex;
    if (theirs.index < applied) return this.counters.add("hashes-too-late");
    // The first one is waited for: who is far behind would else never reach any.
    if (theirs.index > applied && this.awaited !== noIndex) return;
    this.awaited = theirs.index;
    this.expected = { peer, hash: theirs.hash };
    if (theirs.index === applied) this.reached(ours);
  }

  /** The entry that was waited for is applied. */
  reached(ours: number): void {
    const { expected, awaited: index } = this;
    this.awaited = noIndex;
    this.expected = null;
    if (expected === null) return;
    this.counters.add("hashes-compared");
    if (expected.hash === ours) return;
    this.difference = { index, peer: expected.peer, theirs: expected.hash, ours };
  }
}
