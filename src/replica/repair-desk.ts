/**
 * What a server gives one that repairs its journal: entries of its log, and its snapshot in pieces (docs/recovery.md).
 * A server that repairs its own answers as well, from what it can still read: so several that are damaged in different
 * places mend each other.
 */
import {
  type LogIndex,
  maxIndex,
  minIndex,
  type NodeId,
  nextIndex,
  type Term,
} from "../base/numbers.ts";
import { entryBytes } from "../codec/entry.ts";
import type { RepairAnswer, RepairQuestion, RepairRequest } from "../codec/repair.ts";
import type { DiskEffect } from "../journal/effects.ts";
import type { Log } from "../raft/log.ts";
import type { TermRun } from "../raft/term-run.ts";
import type { Entry } from "../raft/types.ts";
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

type Reading = { readonly to: NodeId; readonly round: number; readonly request: Piece };
type Piece = Extract<RepairRequest, { readonly kind: "piece" }>;

export class RepairDesk {
  private readonly parts: {
    readonly wire: Wire;
    readonly source: () => RepairSource;
    readonly newest: () => SnapshotFile | null;
    readonly takeTicket: () => number;
    readonly counters: Counters;
  };
  private readonly readings = new Map<number, Reading>();
  private reads: DiskEffect[] = [];

  constructor(parts: RepairDesk["parts"]) {
    this.parts = parts;
  }

  onRequest(from: NodeId, request: RepairRequest): void {
    const { wire, source, counters } = this.parts;
    counters.add("repair-requests");
    if (request.kind === "piece") return this.onPiece(from, request);
    const bytesMax = wire.appendBytesMax - answerHeadBytes;
    this.answer(from, request.round, answerFor(source(), request, bytesMax));
  }

  private onPiece(to: NodeId, request: Piece): void {
    const newest = this.parts.newest();
    const { round, snapshot, offset } = request;
    if (newest === null || newest.id.checksum !== snapshot.checksum) {
      return this.answer(to, round, { kind: "none", because: "other-snapshot" });
    }
    if (this.readings.size >= readsMax) return;
    const ticket = this.parts.takeTicket();
    this.readings.set(ticket, { to, round, request });
    const length = this.parts.wire.appendBytesMax - answerHeadBytes;
    this.reads.push({ kind: "read", file: newest.file, offset, length, ticket });
  }

  onRead(ticket: number, bytes: Uint8Array): "own" | "other" {
    const reading = this.readings.get(ticket);
    if (reading === undefined) return "other";
    this.readings.delete(ticket);
    const { to, round, request } = reading;
    const isSame = this.parts.newest()?.id.checksum === request.snapshot.checksum;
    if (bytes.length === 0 || !isSame) {
      this.answer(to, round, { kind: "none", because: "other-snapshot" });
    } else this.answer(to, round, { kind: "piece", offset: request.offset, piece: bytes });
    return "own";
  }

  /** To be done before anything is removed. */
  takeReads(): readonly DiskEffect[] {
    const { reads } = this;
    this.reads = [];
    return reads;
  }

  private answer(to: NodeId, round: number, answer: RepairAnswer): void {
    const offered = this.parts.newest()?.id ?? null;
    this.parts.wire.sendRepairResponse(to, { round, offered, answer });
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
    for (let index = from; index <= minIndex(to, source.last.index); index = nextIndex(index)) {
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
