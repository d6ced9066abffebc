/**
 * The log as this server holds it in memory.
 *
 *     base        first               last
 *     (3, t1)     4 t1   5 t2   6 t2  7 t4        firstUnrecorded = 6: the journal has not been given 6 and 7
 *
 * `base` names the entry before the first: (0, 0), or one that a snapshot stands for, with all before it. Terms never
 * decrease along it.
 */
import { assert, must } from "../base/assert.ts";
import type { LogIndex, Millis, Term } from "../base/numbers.ts";
import {
  entryCount,
  indexAfter,
  millis,
  minIndex,
  nextIndex,
  noIndex,
  noTerm,
  previousIndex,
} from "../base/numbers.ts";
import type { Entry, EntryId } from "./types.ts";

export const beginning: EntryId = { index: noIndex, term: noTerm };

/** Bytes an entry is counted with beyond its command, for windows and datagram sizes. */
export const entryOverheadBytes = 32;

/** What an entry costs on the wire, in bytes, as far as windows care. */
export const entryCost = (entry: Entry): number => entryOverheadBytes + bodyCost(entry);

function bodyCost(entry: Entry): number {
  if (entry.kind === "command") return entry.body.length;
  const places = entry.body?.places ?? [];
  return 64 + places.reduce((sum, { address }) => sum + 16 + (address?.host.length ?? 0), 0);
}

/** §5.4.1: the log with the later last term, or of equal ones the longer, is more up to date. */
export const isBehind = (mine: EntryId, other: EntryId): boolean =>
  mine.term !== other.term ? mine.term < other.term : mine.index < other.index;

export class Log {
  base: EntryId;
  /** Cluster time of the entry at `base`. */
  private baseTime: Millis;
  private entries: Entry[];
  /** The lowest index that the journal does not hold as it stands here. */
  private firstUnrecorded: LogIndex;
  /** How often entries were taken back; a leader's never moves. */
  truncations = 0;

  constructor(base: EntryId, recovered: readonly Entry[], baseTime: Millis = millis(0)) {
    this.base = base;
    this.baseTime = baseTime;
    this.entries = [];
    this.firstUnrecorded = nextIndex(base.index);
    for (const entry of recovered) this.append(entry);
    this.firstUnrecorded = nextIndex(this.lastIndex);
  }

  get firstIndex(): LogIndex {
    return nextIndex(this.base.index);
  }

  get lastIndex(): LogIndex {
    return indexAfter(this.base.index, this.entries.length);
  }

  get lastTerm(): Term {
    return this.entries.length === 0 ? this.base.term : this.entries[this.entries.length - 1]!.term;
  }

  /** Cluster time of the last entry. */
  get lastTime(): Millis {
    return this.entries[this.entries.length - 1]?.time ?? this.baseTime;
  }

  get last(): EntryId {
    return { index: this.lastIndex, term: this.lastTerm };
  }

  /** The term of the entry at `index`, or null where this log does not know it. */
  termAt(index: LogIndex): Term | null {
    if (index === this.base.index) return this.base.term;
    return this.entries[index - this.base.index - 1]?.term ?? null;
  }

  at(index: LogIndex): Entry {
    return must(this.entries[index - this.base.index - 1], "the entry asked for is in the log");
  }

  append(entry: Entry): void {
    assert(entry.index === nextIndex(this.lastIndex), "an entry follows the last one");
    assert(entry.term >= this.lastTerm, "terms never decrease along a log");
    this.entries.push(entry);
  }

  /** Takes back `from` and all after it: they conflict with the leader's (paper Fig. 2, AppendEntries 3). */
  truncate(from: LogIndex, commit: LogIndex): void {
    assert(from > commit, "a committed entry is never taken back");
    assert(from <= this.lastIndex, "there is something to take back");
    this.entries.length = from - this.base.index - 1;
    this.firstUnrecorded = minIndex(this.firstUnrecorded, from);
    this.truncations += 1;
  }

  /** Forgets the entries up to `to`, which a snapshot stands for (dissertation 5.1). The rest stays as it is. */
  compact(to: LogIndex): void {
    if (to <= this.base.index) return;
    assert(to < this.firstUnrecorded, "the journal was given what is forgotten here");
    const { index, term, time } = this.at(to);
    this.entries = this.entries.slice(entryCount(this.base.index, to));
    this.base = { index, term };
    this.baseTime = time;
  }

  /** Nothing of it is of use beside a snapshot that ends with `base`: it begins anew behind that entry. */
  restart(base: EntryId, time: Millis): void {
    assert(this.termAt(base.index) !== base.term, "a log that holds the entry is kept");
    if (this.entries.length > 0) this.truncations += 1;
    this.entries = [];
    this.base = { index: base.index, term: base.term };
    this.baseTime = time;
    this.firstUnrecorded = nextIndex(base.index);
  }

  /** The index behind which so many entries, and so many bytes of them, lie up to `last` at most. */
  beginningOfTail(
    last: LogIndex,
    most: { readonly entries: number; readonly bytes: number },
  ): LogIndex {
    let at = last;
    let bytes = 0;
    while (at > this.base.index && entryCount(at, last) < most.entries) {
      bytes += entryCost(this.at(at));
      if (bytes > most.bytes) break;
      at = previousIndex(at);
    }
    return at;
  }

  /** Entries from `from` on whose cost fits `bytesMax`; one at least, where there is one. */
  slice(from: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from >= this.firstIndex, "entries before the first are not here any more");
    const start = from - this.base.index - 1;
    let bytes = 0;
    let end = start;
    while (end < this.entries.length) {
      bytes += entryCost(this.entries[end]!);
      if (bytes > bytesMax && end > start) break;
      end += 1;
    }
    return this.entries.slice(start, end);
  }

  /**
   * The last entry at or below `index` whose term is not above `term` (§5.3, end of the section); null where it is one
   * that this log does not have any more.
   */
  lastNotAbove(index: LogIndex, term: Term): EntryId | null {
    const { base } = this;
    let at = minIndex(index, this.lastIndex);
    while (at > base.index && this.at(at).term > term) at = previousIndex(at);
    if (at > base.index) return { index: at, term: this.at(at).term };
    return at === base.index && base.term <= term ? base : null;
  }

  /** The entries that differ from what the journal holds, in order; they count as handed over. */
  takeUnrecorded(): readonly Entry[] {
    if (this.firstUnrecorded > this.lastIndex) return none;
    const changed = this.entries.slice(this.firstUnrecorded - this.base.index - 1);
    this.firstUnrecorded = nextIndex(this.lastIndex);
    return changed;
  }
}

const none: readonly Entry[] = [];
