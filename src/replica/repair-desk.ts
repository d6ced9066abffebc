/**
 * What a server gives one that repairs its journal: entries of its log, and its snapshot in pieces (docs/recovery.md).
 * A server that repairs its own answers as well, from what it can still read: so several that are damaged in different
 * places mend each other.
 */
import {
  type LogIndex,
  later,
  type Millis,
  maxIndex,
  millis,
  minIndex,
  type NodeId,
  nextIndex,
  type Term,
} from "../base/numbers.ts";
import { entryBytes } from "../codec/entry.ts";
import type { RepairAnswer, RepairQuestion, RepairRequest } from "../codec/repair.ts";
import type { DiskEffect } from "../journal/effects.ts";
import { sameSnapshot } from "../journal/snapshot-format.ts";
import type { Log } from "../raft/log.ts";
import type { TermRun } from "../raft/term-run.ts";
import type { Entry, SnapshotId } from "../raft/types.ts";
import type { Counters } from "./counters.ts";
import type { SnapshotFile } from "./snapshot-file.ts";
import type { Wire } from "./wire.ts";

/** A log that may have gaps. */
export type RepairSource = {
  readonly base: { readonly index: LogIndex };
  readonly last: { readonly index: LogIndex };
  readonly commit: LogIndex;
  /** Null where this log does not know it. */
  readonly termAt: (index: LogIndex) => Term | null;
  readonly at: (index: LogIndex) => Entry | null;
};

/** The log of a server in good order. */
export const sourceOf = (log: Log, commit: LogIndex): RepairSource => ({
  ...{ base: log.base, last: log.last, commit },
  termAt: (index) => log.termAt(index),
  at: (index) => (index > log.base.index && index <= log.lastIndex ? log.at(index) : null),
});

/** Room for what surrounds entries or a piece in an answer. */
const answerHeadBytes = 64;
/** Pieces that are being read for others, at most. */
const readsMax = 16;

export const fetchPace = {
  /** A snapshot stays for so long after it was last asked for, however many newer ones there are. */
  patienceMs: 5000,
  /** A piece that goes in several datagrams is not sent again before. */
  resendMs: 1000,
} as const;

type Piece = Extract<RepairRequest, { readonly kind: "piece" }>;
type Reading = { readonly to: NodeId; readonly request: Piece; readonly source: SnapshotFile };
/** What somebody fetches, and which piece was read for it last. */
type Fetching = {
  readonly source: SnapshotFile;
  readonly askedAt: Millis;
  readonly piece: { readonly round: number; readonly offset: number; readonly at: Millis };
};

export class RepairDesk {
  private readonly parts: {
    readonly wire: Pick<Wire, "appendBytesMax" | "sendRepairResponse">;
    readonly source: () => RepairSource;
    readonly newest: () => SnapshotFile | null;
    /** Of a snapshot, at once; one datagram takes so much in any case. */
    readonly pieceBytes: number;
    readonly now: () => Millis;
    readonly takeTicket: () => number;
    readonly counters: Counters;
  };
  private readonly datagramBytes: number;
  private readonly pieceBytes: number;
  private readonly resendMs: number;
  private readonly readings = new Map<number, Reading>();
  private readonly fetches = new Map<NodeId, Fetching>();
  private reads: DiskEffect[] = [];

  constructor(parts: RepairDesk["parts"]) {
    this.parts = parts;
    this.datagramBytes = parts.wire.appendBytesMax - answerHeadBytes;
    this.pieceBytes = Math.max(this.datagramBytes, parts.pieceBytes);
    // Of what goes in chunks, those that are lost go again by themselves.
    this.resendMs = this.pieceBytes > this.datagramBytes ? fetchPace.resendMs : 0;
  }

  onRequest(from: NodeId, request: RepairRequest): void {
    const { source, counters } = this.parts;
    counters.add("repair-requests");
    if (request.kind === "piece") return this.onPiece(from, request);
    this.answer(from, request.round, answerFor(source(), request, this.datagramBytes));
  }

  /** Until when this file may be asked for: it is not to be removed before. */
  keptUntil(file: string): Millis {
    let until = millis(0);
    for (const { source, askedAt } of this.fetches.values()) {
      const lapsesAt = later(askedAt, fetchPace.patienceMs);
      if (source.file === file && lapsesAt > until) until = lapsesAt;
    }
    return until;
  }

  private onPiece(to: NodeId, request: Piece): void {
    const { round, offset } = request;
    const source = this.sourceOf(request.snapshot);
    if (source === null) {
      return this.answer(to, round, { kind: "none", because: "other-snapshot" });
    }
    const now = this.parts.now();
    const last = this.fetches.get(to)?.piece ?? null;
    const isLast = last !== null && last.round === round && last.offset === offset;
    if (isLast && now < later(last.at, this.resendMs)) {
      this.fetches.set(to, { source, askedAt: now, piece: last });
      return;
    }
    if (this.readings.size >= readsMax) return;
    this.fetches.set(to, { source, askedAt: now, piece: { round, offset, at: now } });
    const ticket = this.parts.takeTicket();
    this.readings.set(ticket, { to, request, source });
    this.reads.push({ kind: "read", file: source.file, offset, length: this.pieceBytes, ticket });
  }

  /** The one in force, or an older one that somebody has begun to fetch. */
  private sourceOf(wanted: SnapshotId): SnapshotFile | null {
    const newest = this.parts.newest();
    if (newest !== null && sameSnapshot(newest.id, wanted)) return newest;
    for (const { source, askedAt } of this.fetches.values()) {
      const isKept = this.parts.now() < later(askedAt, fetchPace.patienceMs);
      if (isKept && sameSnapshot(source.id, wanted)) return source;
    }
    return null;
  }

  onRead(ticket: number, bytes: Uint8Array): "own" | "other" {
    const reading = this.readings.get(ticket);
    if (reading === undefined) return "other";
    this.readings.delete(ticket);
    const { to, request, source } = reading;
    const { round, offset } = request;
    if (bytes.length === 0) this.answer(to, round, { kind: "none", because: "other-snapshot" });
    else this.answer(to, round, { kind: "piece", offset, piece: bytes }, source);
    return "own";
  }

  /** To be done before anything is removed. */
  takeReads(): readonly DiskEffect[] {
    const { reads } = this;
    this.reads = [];
    return reads;
  }

  private answer(
    to: NodeId,
    round: number,
    answer: RepairAnswer,
    source = this.parts.newest(),
  ): void {
    this.parts.wire.sendRepairResponse(to, { round, offered: source?.id ?? null, answer });
  }
}

/**
 * What this log has of a gap. Whoever holds an entry behind it holds the same entries before that one. Whoever knows
 * another entry to be committed there knows that the one that was named never will be.
 */
export function answerFor(
  source: RepairSource,
  question: Extract<RepairQuestion, { readonly kind: "entries" }>,
  bytesMax: number,
): RepairAnswer {
  const { previous, to } = question;
  const compared = compare(source, question.anchors);
  if (compared.kind !== "same") return compared;
  const before = source.termAt(previous.index);
  if (previous.term !== null && before !== null && before !== previous.term) {
    return { kind: "parted" };
  }
  // With a gap there itself it cannot tell whether the logs part, and its entries would say that they do not.
  if (before === null && previous.index >= source.base.index) {
    return { kind: "none", because: "damaged" };
  }
  const from = maxIndex(nextIndex(previous.index), nextIndex(source.base.index));
  const entries = firstRun(source, { from, to, bytesMax });
  if (entries.length > 0) return { kind: "entries", entries };
  return { kind: "none", because: lackAt(source, nextIndex(previous.index)) };
}

/** The first name that this log can compare decides: two logs that share a later entry share that one as well. */
function compare(
  source: RepairSource,
  anchors: readonly TermRun[],
): { readonly kind: "same" } | Extract<RepairAnswer, { readonly kind: "none" | "refuted" }> {
  for (const { from, to, term } of anchors) {
    // Before its base it knows nothing.
    let index = maxIndex(from, source.base.index);
    for (; index <= minIndex(to, source.last.index); index = nextIndex(index)) {
      const held = source.termAt(index);
      if (held === term) return { kind: "same" };
      if (held === null) continue;
      if (index <= source.commit) return { kind: "refuted", truth: { index, term: held } };
      return { kind: "none", because: "behind" };
    }
  }
  return { kind: "none", because: lackAt(source, anchors.at(-1)!.to) };
}

function lackAt({ base, last }: RepairSource, index: LogIndex): "compacted" | "damaged" | "behind" {
  if (index <= base.index) return "compacted";
  return index <= last.index ? "damaged" : "behind";
}

/** Those that are held, from the first one on, as far as they follow each other and fit; one at least. */
function firstRun(
  source: RepairSource,
  { from, to, bytesMax }: { from: LogIndex; to: LogIndex; bytesMax: number },
): readonly Entry[] {
  const found: Entry[] = [];
  let bytes = 0;
  for (let index = from; index <= to; index = nextIndex(index)) {
    const entry = source.at(index);
    if (entry === null && found.length > 0) break;
    if (entry === null) continue;
    bytes += entryBytes(entry);
    if (bytes > bytesMax && found.length > 0) break;
    found.push(entry);
  }
  return found;
}
