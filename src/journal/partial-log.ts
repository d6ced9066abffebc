/**
 * A log of which entries are missing: what a damaged journal still says, while the rest is fetched (docs/recovery.md).
 *
 *     base         held                                  last
 *     (3, t1)      4 t1   5 t1    -      -     8 t2      (9, t2), known by its name alone
 *                                 `----gap----´   `anchor of the gap
 *
 * The anchor of a gap is the first entry behind it whose name is known. Whoever holds that entry holds the same entries
 * before it (Log Matching, paper 5.3), so any log with it can fill the gap, and no other can.
 */
import { assert, must } from "../base/assert.ts";
import {
  type LogIndex,
  maxIndex,
  nextIndex,
  noIndex,
  noTerm,
  previousIndex,
  type Term,
} from "../base/numbers.ts";
import { type TermRun, termRunsMax } from "../raft/term-run.ts";
import type { Entry, EntryId } from "../raft/types.ts";

/** `term` is null where nothing is known of that entry but that a snapshot must stand for it. */
export type PartialBase = { readonly index: LogIndex; readonly term: Term | null };

/** The entries from `from` to `to` are missing. `to` is the anchor's index, or the one before it. */
export type Gap = {
  readonly previous: PartialBase;
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly anchor: EntryId;
};

type GapEnd = Pick<Gap, "to" | "anchor"> & { runs: readonly TermRun[] | null };

/** What is known of a hole from its two ends. */
export type HoleEnds = {
  readonly termBefore: Term;
  readonly termBehind: Term;
  readonly replaced: "nothing" | "unknown";
};

export class PartialLog {
  base: PartialBase;
  last: EntryId;
  /** Every entry up to it was committed: a lower bound. */
  commit: LogIndex;
  private held: (Entry | null)[] = [];
  /** No gap begins before this one. */
  private searchFrom: LogIndex;
  /** The end of the first gap, found once: a large one is filled from its beginning on, in many pieces. */
  private gapEnd: GapEnd | null = null;

  constructor(base: EntryId, commit: LogIndex) {
    this.base = nameOf(base);
    this.last = nameOf(base);
    this.commit = commit;
    this.searchFrom = nextIndex(base.index);
  }

  /** The term of the entry at `index`, or null where this log does not know it. */
  termAt(index: LogIndex): Term | null {
    if (index === this.last.index) return this.last.term;
    if (index === this.base.index) return this.base.term;
    return this.at(index)?.term ?? null;
  }

  at(index: LogIndex): Entry | null {
    return this.held[index - this.base.index - 1] ?? null;
  }

  /** The first gap, or null where nothing is missing behind the base. */
  get gap(): Gap | null {
    const { last, base } = this;
    let from = maxIndex(this.searchFrom, nextIndex(base.index));
    while (from <= last.index && this.at(from) !== null) from = nextIndex(from);
    this.searchFrom = from;
    if (from > last.index) return null;
    if (this.gapEnd === null || this.gapEnd.to < from) this.gapEnd = this.endOfGap(from);
    const { to, anchor } = this.gapEnd;
    const before = previousIndex(from);
    return { previous: { index: before, term: this.termAt(before) }, from, to, anchor };
  }

  private endOfGap(from: LogIndex): GapEnd {
    const { last } = this;
    let to = from;
    while (to < last.index && this.at(nextIndex(to)) === null) to = nextIndex(to);
    if (to === last.index) return { to, anchor: last, runs: null };
    return { to, anchor: nameOf(must(this.at(nextIndex(to)), "a gap ends")), runs: null };
  }

  /** The names of what is behind the first gap, the nearest first: others may have gaps of their own. */
  get anchors(): readonly TermRun[] {
    if (this.gap === null) return [];
    const end = must(this.gapEnd, "a gap has an end");
    end.runs ??= this.runsFrom(end.anchor.index);
    return end.runs;
  }

  private runsFrom(first: LogIndex): readonly TermRun[] {
    const { last } = this;
    const runs: TermRun[] = [];
    let index = first;
    while (index <= last.index && runs.length < termRunsMax) {
      const term = this.termAt(index);
      const from = index;
      while (index < last.index && this.termAt(nextIndex(index)) === term) index = nextIndex(index);
      if (term !== null) runs.push({ from, to: index, term });
      index = nextIndex(index);
    }
    if (runs.at(-1)?.to === last.index) return runs;
    return [...runs, { from: last.index, to: last.index, term: last.term }];
  }

  get missingCount(): number {
    return this.held.filter((entry) => entry === null).length;
  }

  /** All of it, where nothing is missing. */
  get entries(): readonly Entry[] {
    return this.held.map((entry) => must(entry, "a log that is asked for has no gap"));
  }

  // What the journal says.

  /** An entry at an index that exists replaces it and all that follow it. */
  append(entry: Entry): void {
    assert(entry.index <= nextIndex(this.last.index), "an entry follows the last one");
    if (entry.index <= this.base.index) {
      const before = previousIndex(entry.index);
      this.base = { index: before, term: before === noIndex ? noTerm : null };
      this.held = [];
    }
    this.held.length = entry.index - this.base.index - 1;
    this.held.push(entry);
    this.last = nameOf(entry);
    this.searchAgain(entry.index);
  }

  /**
   * After a hole in the journal, the log ended with `last`. What stood before the hole may have been replaced in it,
   * unless
   *   - nothing was, as the mark behind it counts; or
   *   - it was committed before; or
   *   - it is a part of the very log that ends so (Log Matching); or
   *   - the last entry before the hole was of the term that is still in force behind it: only that term's leader has
   *     written in between, and what it has sent once it never takes back (Leader Append-Only).
   */
  resume(last: EntryId, hole: HoleEnds): void {
    const isSame = this.termAt(last.index) === last.term;
    const isOneLeaders = this.last.term === hole.termBehind && hole.termBefore === hole.termBehind;
    const isWhole = isSame || hole.replaced === "nothing" || isOneLeaders;
    const kept = isWhole && (isSame || last.index >= this.last.index) ? last.index : this.commit;
    this.last = nameOf(last);
    if (last.index < this.base.index) this.base = this.last;
    const length = last.index - this.base.index;
    this.held.length = Math.min(this.held.length, Math.max(0, kept - this.base.index), length);
    while (this.held.length < length) this.held.push(null);
    this.searchAgain(nextIndex(this.base.index));
  }

  /** Entries of a hole in which none took the place of another: what was written there is what the log holds. */
  restore(entries: readonly Entry[]): void {
    this.gapEnd = null;
    for (const entry of entries) {
      const at = entry.index - this.base.index - 1;
      if (this.held[at] === null) this.held[at] = entry;
    }
  }

  /** It begins anew behind an entry that a snapshot stands for. */
  restart(base: EntryId): void {
    this.base = nameOf(base);
    this.last = nameOf(base);
    this.held = [];
    this.commit = maxIndex(this.commit, base.index);
    this.gapEnd = null;
    this.searchFrom = nextIndex(base.index);
  }

  // What others say.

  /** Entries of a log that holds the gap's anchor. "wrong": they cannot be what is missing. */
  fill({ from, to, anchor, previous }: Gap, entries: readonly Entry[]): "filled" | "wrong" {
    const [first] = entries;
    if (first === undefined || first.index < from) return "wrong";
    let index = first.index;
    let term = previous.term ?? 0;
    for (const entry of entries) {
      if (entry.index !== index || index > to) return "wrong";
      if (entry.term < term || entry.term > anchor.term) return "wrong";
      if (entry.index === anchor.index && entry.term !== anchor.term) return "wrong";
      term = entry.term;
      index = nextIndex(index);
    }
    for (const entry of entries) this.held[entry.index - this.base.index - 1] = entry;
    if (first.index > from) this.gapEnd = null;
    return "filled";
  }

  /**
   * `truth` is committed, and this log holds another entry there: that one and all that came with it can never be
   * committed. What is known to be committed stays, and the rest up to `truth` is missing.
   */
  refute(truth: EntryId): void {
    assert(truth.index > this.commit, "what is committed is the same everywhere");
    const kept = this.commit;
    this.last = nameOf(truth);
    const length = truth.index - this.base.index;
    this.held.length = Math.min(length, Math.max(0, kept - this.base.index));
    while (this.held.length < length) this.held.push(null);
    this.commit = truth.index;
    this.searchAgain(nextIndex(this.base.index));
  }

  /** Nothing behind the base can be committed any more: another entry stands before it in the logs that hold it. */
  dropAll(): void {
    const { index, term } = this.base;
    this.restart({ index, term: must(term, "a base that was compared has a term") });
  }

  /**
   * A snapshot stands for all entries up to `end`, which is committed. What is behind it stays where it follows: not
   * behind another entry, and not with terms that fall. Where the entry at `end` is missing it is not known whether the
   * next one follows: then that one is missing as well, so that it is asked for together with what stands before it.
   */
  standOn(end: EntryId): void {
    if (end.index >= this.last.index) return this.restart(end);
    const term = this.termAt(end.index);
    if (term !== null && term !== end.term) return this.restart(end);
    if (this.firstTermBehind(end.index) < end.term) return this.restart(end);
    const between = this.base.index - end.index;
    const unknown = new Array<Entry | null>(Math.max(0, between)).fill(null);
    this.held = between > 0 ? unknown.concat(this.held) : this.held.slice(-between);
    this.base = nameOf(end);
    if (term === null && between <= 0) this.held[0] = null;
    this.commit = maxIndex(this.commit, end.index);
    this.gapEnd = null;
    this.searchFrom = nextIndex(end.index);
  }

  /** Of the first entry behind `index` whose name is known: the last one is. */
  private firstTermBehind(index: LogIndex): Term {
    let behind = nextIndex(index);
    while (behind < this.last.index && this.termAt(behind) === null) behind = nextIndex(behind);
    return must(this.termAt(behind), "the name of the last entry is known");
  }

  private searchAgain(from: LogIndex): void {
    this.gapEnd = null;
    if (from < this.searchFrom) this.searchFrom = from;
  }
}

const nameOf = ({ index, term }: EntryId): EntryId => ({ index, term });

/** All gaps, in order. */
export function gapsOf(log: PartialLog): readonly { from: LogIndex; to: LogIndex }[] {
  const gaps: { from: LogIndex; to: LogIndex }[] = [];
  for (let index = nextIndex(log.base.index); index <= log.last.index; index = nextIndex(index)) {
    if (log.at(index) !== null) continue;
    const open = gaps.at(-1);
    if (open !== undefined && open.to === previousIndex(index)) open.to = index;
    else gaps.push({ from: index, to: index });
  }
  return gaps;
}
