/**
 * Reads a node's files in order and finds out what they amount to. Changes nothing: opening a
 * journal and `inspect --verify` are the same reading, so they cannot disagree about what is
 * damaged.
 */
import { AssertionError, assert, must, unreachable } from "../base/assert.ts";
import { type LogIndex, noIndex, previousIndex } from "../base/numbers.ts";
import type { Configuration, Entry, EntryId } from "../raft/types.ts";
import { committedBehind, findVouchingMark } from "./damage.ts";
import type { Header, Identity } from "./header.ts";
import {
  type BadReason,
  type JournalRecord,
  type Located,
  type ReadPlace,
  RecordReader,
  type RecordSource,
} from "./reader.ts";
import type { Mark, SnapshotMark } from "./record.ts";
import { type Contradiction, Standing } from "./standing.ts";

/**
 * A closed file was durable to its end when it was closed; the active one may end in the middle of
 * a write.
 */
export type SegmentFile = {
  readonly name: string;
  readonly role: "closed" | "active";
  readonly source: RecordSource;
};

/** What is wrong from `offset` of `file` on. Everything before it is right. */
export type Problem = { readonly file: string; readonly offset: number } & Wrong;

export type Wrong =
  /** The last write was interrupted. Nobody was told that it is there: it can be cut off. */
  | { readonly kind: "unfinished"; readonly reason: BadReason }
  /** What was durable once is not right any more. */
  | { readonly kind: "damaged"; readonly reason: BadReason; readonly witness: Witness }
  /** Intact, and not to be understood by this version. */
  | { readonly kind: "incompatible"; readonly reason: BadReason }
  | { readonly kind: "contradiction"; readonly contradiction: Contradiction }
  /** The file is intact, and does not follow the one before it. */
  | { readonly kind: "out-of-place"; readonly because: Misplacement };

/** How it is known that a bad byte was right once. */
export type Witness =
  | { readonly kind: "mark"; readonly mark: Mark }
  /** The file was closed, and is durable since. */
  | { readonly kind: "closed" }
  /** A header is durable before its file has its name. */
  | { readonly kind: "header" };

export type Misplacement =
  | "segment-missing"
  | "other-identity"
  | "chain-broken"
  | "header-disagrees";

export type Base = EntryId & {
  /** In force at that entry. */
  readonly configuration: Configuration;
  /**
   * "replaced": the first file began behind entries that were taken back later, of which nothing is known but that
   * others took their place. Then a snapshot stands for what was there.
   */
  readonly is: "known" | "replaced";
};

export type Reading = {
  /** The header of the first file, or null where it cannot be read. */
  readonly first: Header | null;
  /** What the records before the problem amount to; null together with `first`. */
  readonly standing: Standing | null;
  /** Of every file that was read, in order. */
  readonly headers: readonly Header[];
  /** What stands before the entries; null together with `first`. */
  readonly base: Base | null;
  /** The log after `base`, or nothing where it was not asked for. */
  readonly entries: readonly Entry[];
  readonly run: number;
  readonly recordCount: number;
  /** Every byte of the last file before this one was durable once: its marks say so, and its header is. */
  readonly vouched: number;
  /** Behind the last record that is right, and the header of that file. */
  readonly end: {
    readonly file: string;
    readonly header: Header;
    readonly place: ReadPlace;
  } | null;
  readonly problem: Problem | null;
};

export type ReadingOptions = {
  /** Whether the files must be all that is needed: from the first of the journal on, or from a snapshot on. */
  readonly from: "first-segment" | "any-segment";
  /** Keeping the entries needs all segments from the first. */
  readonly keep: "entries" | "nothing";
};

export function readJournal(files: readonly SegmentFile[], options: ReadingOptions): Reading {
  const reading = new JournalReading(options);
  const problem = firstProblem(files, reading);
  const isReadable = problem === null || problem.kind === "unfinished";
  const missing = isReadable ? beginningMissing(files, reading, options) : null;
  return reading.result(missing ?? problem);
}

function firstProblem(files: readonly SegmentFile[], reading: JournalReading): Problem | null {
  for (const file of files) {
    const problem = reading.readFile(file);
    if (problem !== null) return { file: file.name, ...problem };
  }
  return null;
}

/** Older files may only be gone where a snapshot stands for what was in them. */
function beginningMissing(
  files: readonly SegmentFile[],
  { first, standing }: JournalReading,
  { from }: ReadingOptions,
): Problem | null {
  const file = files[0]?.name;
  if (from === "any-segment" || file === undefined || first === null || first.segment === 1) {
    return null;
  }
  if ((standing?.snapshot?.last.index ?? 0) >= first.previous.index) return null;
  return { file, offset: 0, kind: "out-of-place", because: "segment-missing" };
}

/** What is known to have been committed though it cannot be read: the marks behind the problem say so. */
export function committedThough(reading: Reading, files: readonly SegmentFile[]): LogIndex {
  const { end, problem } = reading;
  if (problem === null || end === null || end.file !== problem.file) return noIndex;
  const source = files.find(({ name }) => name === problem.file)?.source;
  if (source === undefined || problem.kind === "unfinished") return noIndex;
  return committedBehind(source, { offset: problem.offset, seed: end.place.seed });
}

export type FileProblem = { readonly offset: number } & Wrong;

class JournalReading {
  private readonly options: ReadingOptions;
  private readonly entries: Entry[] = [];
  first: Header | null = null;
  standing: Standing | null = null;
  private base: Base | null = null;
  private readonly headers: Header[] = [];
  private end: Reading["end"] = null;
  private run = 0;
  private vouched = 0;
  private recordCount = 0;

  constructor(options: ReadingOptions) {
    this.options = options;
  }

  result(problem: Problem | null): Reading {
    const { first, standing, headers, base, entries, run, recordCount, vouched, end } = this;
    return { first, standing, headers, base, entries, run, recordCount, vouched, end, problem };
  }

  readFile(file: SegmentFile): FileProblem | null {
    const reader = new RecordReader(file.source);
    const opening = reader.next();
    if (opening.kind === "end") return judge(file, reader.place, "cut-short");
    if (opening.kind === "bad") return judge(file, reader.place, opening.reason);
    const header = headerOf(opening);
    this.vouched = opening.length;
    const because = this.takeHeader(header);
    if (because !== null) return { offset: 0, kind: "out-of-place", because };
    const problem = this.readBody(file, reader);
    this.end = { file: file.name, header, place: reader.place };
    return problem;
  }

  private readBody(file: SegmentFile, reader: RecordReader): FileProblem | null {
    const standing = must(this.standing, "a file's header comes first");
    for (;;) {
      const next = reader.next();
      if (next.kind === "end") return null;
      if (next.kind === "bad") return judge(file, reader.place, next.reason);
      const contradiction = this.take(next.record, standing);
      if (contradiction !== null) {
        return { offset: next.offset, kind: "contradiction", contradiction };
      }
      this.recordCount += 1;
    }
  }

  private takeHeader(header: Header): Misplacement | null {
    const { end, standing } = this;
    this.recordCount += 1;
    this.run = header.run;
    this.headers.push(header);
    if (end === null || standing === null) {
      this.first = header;
      this.base = { ...header.previous, configuration: header.configuration, is: "known" };
      this.standing = new Standing(header);
      return null;
    }
    if (!sameIdentity(header.identity, end.header.identity)) return "other-identity";
    if (header.segment !== end.header.segment + 1) return "segment-missing";
    if (header.chain !== end.place.chain) return "chain-broken";
    standing.replacements = 0;
    return agrees(header, standing) ? null : "header-disagrees";
  }

  private take(record: JournalRecord, standing: Standing): Contradiction | null {
    switch (record.kind) {
      case "entry":
        return this.takeEntry(record.entry, standing);
      case "state":
        return standing.takeState(record.hardState);
      case "peer":
        standing.takePeer(record.node, record.incarnation);
        return null;
      case "mark":
        this.run = record.run;
        this.vouched = record.durable;
        return standing.takeMark(record);
      case "snapshot":
        return this.takeSnapshot(record, standing);
      case "header":
        throw new AssertionError("the reader reads a header only at the start of a file");
      default:
        return unreachable(record);
    }
  }

  private takeEntry(entry: Entry, standing: Standing): Contradiction | null {
    const contradiction = standing.takeEntry(entry);
    if (contradiction !== null || this.options.keep === "nothing") return contradiction;
    const { entries } = this;
    const base = must(this.base, "a header comes first");
    const at = entry.index - 1 - base.index;
    if (at < 0) this.base = { ...base, index: previousIndex(entry.index), is: "replaced" };
    if (at < entries.length) entries.length = Math.max(0, at);
    entries.push(entry);
    return null;
  }

  private takeSnapshot(mark: SnapshotMark, standing: Standing): Contradiction | null {
    const contradiction = standing.takeSnapshot(mark);
    if (contradiction !== null || mark.log === "kept") return contradiction;
    this.base = { ...mark.id.last, configuration: mark.configuration, is: "known" };
    this.entries.length = 0;
    return null;
  }
}

/** What it means that there is no right record where reading stopped. */
export function judge(file: SegmentFile, place: ReadPlace, reason: BadReason): FileProblem {
  const { offset } = place;
  if (reason === "unknown-version" || reason === "unknown-kind" || reason === "malformed") {
    return { offset, kind: "incompatible", reason };
  }
  const witness = findWitness(file, place);
  return witness === null
    ? { offset, kind: "unfinished", reason }
    : { offset, kind: "damaged", reason, witness };
}

function findWitness(file: SegmentFile, place: ReadPlace): Witness | null {
  if (place.offset === 0) return { kind: "header" };
  if (file.role === "closed") return { kind: "closed" };
  const mark = findVouchingMark(file.source, place);
  return mark === null ? null : { kind: "mark", mark };
}

function headerOf(located: Located): Header {
  assert(located.record.kind === "header", "the first record of a file is read as a header");
  return located.record;
}

export const sameIdentity = (a: Identity, b: Identity): boolean =>
  a.cluster === b.cluster && a.node === b.node && a.incarnation === b.incarnation;

/** Whether a header repeats what the files before it amount to. */
export function agrees(header: Header, standing: Standing): boolean {
  const { previous, hardState, commit, snapshot } = standing.parts();
  return (
    header.previous.index === previous.index &&
    header.previous.term === previous.term &&
    header.hardState.term === hardState.term &&
    header.hardState.votedFor === hardState.votedFor &&
    header.commit === commit &&
    header.snapshot?.checksum === snapshot?.checksum &&
    header.snapshot?.last.index === snapshot?.last.index
  );
}
