/**
 * What a log holds, counted in one pass: records, bytes, entries and votes by term, and the store
 * at the end.
 */
import type { LogIndex } from "../../base/numbers.ts";
import type { JournalRecord } from "../../journal/reader.ts";
import { baseOf, type Item, type Judged, logItems } from "./log.ts";
import { Replay } from "./replay.ts";
import { Settling } from "./settle.ts";
import { snapshotBeside } from "./snapshot-beside.ts";

export type KindTally = { count: number; bytes: number };

/** One term as this node lived it. */
export type TermTally = {
  /** Entries of the term that are in the log in the end. */
  entries: number;
  votedFor: number | null;
};

export type Tally = {
  readonly kinds: ReadonlyMap<JournalRecord["kind"], KindTally>;
  readonly terms: ReadonlyMap<number, TermTally>;
  /** Entries that were written and then replaced. */
  readonly replaced: number;
  readonly bytes: number;
  /**
   * At the last entry known to be committed; null where the log does not reach back to the first, or to a snapshot.
   */
  readonly store: {
    readonly index: LogIndex;
    readonly keys: number;
    readonly sessions: number;
  } | null;
};

export function tallyLog(judged: Judged): Tally {
  const snapshot = baseOf(judged) === 0 ? null : snapshotBeside(judged);
  const isKnown = snapshot !== null || baseOf(judged) === 0;
  const counting = new Counting(isKnown ? new Replay(snapshot) : null);
  for (const item of logItems(judged)) counting.take(item);
  return counting.result();
}

class Counting {
  private readonly settling = new Settling();
  private readonly kinds = new Map<JournalRecord["kind"], KindTally>();
  private readonly terms = new Map<number, TermTally>();
  private replay: Replay | null;
  private replaced = 0;
  private bytes = 0;

  constructor(replay: Replay | null) {
    this.replay = replay;
  }

  take(item: Item): void {
    const { record, length } = item.located;
    this.bytes += length;
    const kind = this.kinds.get(record.kind) ?? { count: 0, bytes: 0 };
    kind.count += 1;
    kind.bytes += length;
    this.kinds.set(record.kind, kind);
    this.takeTerm(record);
    const { committed, replaced } = this.settling.take(item);
    this.replaced += replaced.length;
    for (const { entry } of replaced) this.termOf(entry.term).entries -= 1;
    for (const { entry } of committed) {
      const place = this.replay?.place(entry) ?? "known";
      if (place === "known") continue;
      if (place === "beyond" || this.replay?.apply(entry).kind === "unreadable") this.replay = null;
    }
  }

  result(): Tally {
    const { kinds, terms, replaced, bytes, replay } = this;
    const store =
      replay === null
        ? null
        : {
            index: replay.applied,
            keys: replay.store.values.size,
            sessions: replay.store.sessions.byId.size,
          };
    return { kinds, terms, replaced, bytes, store };
  }

  private takeTerm(record: JournalRecord): void {
    if (record.kind === "entry") this.termOf(record.entry.term).entries += 1;
    if (record.kind !== "state" && record.kind !== "header") return;
    const { term, votedFor } = record.hardState;
    if (term > 0) this.termOf(term).votedFor = votedFor;
  }

  private termOf(term: number): TermTally {
    const known = this.terms.get(term);
    if (known !== undefined) return known;
    const tally = { entries: 0, votedFor: null };
    this.terms.set(term, tally);
    return tally;
  }
}
