/**
 * What servers say while one of them repairs its journal (docs/recovery.md), as bodies of datagrams.
 *
 * repair-request, a MessagePack array; "id" is two fields, an index and a term; NAME four (snapshot-message.ts)
 *    0, round, previous id, to, RUN, RUN, …   entries behind previous, up to `to`, of a log that holds one of the
 *                                             entries that the runs name: each three fields, first and last index, term
 *    1, round, NAME, offset                   a piece of that snapshot
 * repair-response
 *    0, round, NAME, reason                   none of it: 0 behind, 1 damaged, 2 compacted, 3 other-snapshot
 *    1, round, NAME, entries                  one binary value, ENTRY after ENTRY (entry.ts), one at least
 *    2, round, NAME, id                       this entry is committed, and a run names another one at its index
 *    3, round, NAME                           a named entry is held, and before it another one than previous
 *    4, round, NAME, offset, piece            of the snapshot of that name
 *
 * NAME in a response is the snapshot that the sender has and can send, all four 0 where it has none. A previous term
 * of 0 with an index of 1 or more is unknown.
 *
 * Valid when the array has exactly these fields, runs are one to nine and ascend from `to` on, every number is whole
 * and below 2^48, a NAME is as in a snapshot message or all 0, entries follow each other with terms that do not fall,
 * and a piece is not empty and lies within the snapshot's bytes.
 */
import { unreachable } from "../base/assert.ts";
import type { LogIndex, Term } from "../base/numbers.ts";
import { configurationProblem } from "../raft/membership.ts";
import { type TermRun, termRunsMax } from "../raft/term-run.ts";
import type { Entry, EntryId, SnapshotId } from "../raft/types.ts";
import { readEntry } from "./entry.ts";
import { entriesToBytes } from "./message.ts";
import { choiceOf, type Field, isBytes, isCount, packFields } from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

/** Who repairs -> everybody. Answers carry the round. */
export type RepairRequest = { readonly round: number } & RepairQuestion;

export type RepairQuestion =
  | {
      readonly kind: "entries";
      /** The term is null where it is not known. */
      readonly previous: { readonly index: LogIndex; readonly term: Term | null };
      readonly to: LogIndex;
      readonly anchors: readonly TermRun[];
    }
  | { readonly kind: "piece"; readonly snapshot: SnapshotId; readonly offset: number };

/** Everybody -> who repairs. */
export type RepairResponse = {
  readonly round: number;
  /** What it could send pieces of. */
  readonly offered: SnapshotId | null;
  readonly answer: RepairAnswer;
};

/** Why a server has nothing of what is asked for. */
export type RepairLack = (typeof lacks)[number];

export type RepairAnswer =
  | { readonly kind: "none"; readonly because: RepairLack }
  | { readonly kind: "entries"; readonly entries: readonly Entry[] }
  | { readonly kind: "refuted"; readonly truth: EntryId }
  | { readonly kind: "parted" }
  | { readonly kind: "piece"; readonly offset: number; readonly piece: Uint8Array };

/** "behind": its log holds none of what was named. "damaged": it cannot read it itself. */
const lacks = ["behind", "damaged", "compacted", "other-snapshot"] as const;
const answers = ["none", "entries", "refuted", "parted", "piece"] as const;
const nameFields = 4;
const runsAt = 5;
const runFields = 3;

export function encodeRepairRequest(request: RepairRequest): Uint8Array {
  const { round } = request;
  if (request.kind === "piece") {
    return packFields([1, round, ...nameOf(request.snapshot), request.offset]);
  }
  const { previous, to, anchors } = request;
  const runs = anchors.flatMap((run) => [run.from, run.to, run.term]);
  return packFields([0, round, previous.index, previous.term ?? 0, to, ...runs]);
}

/** The request, or null where the body is none. Never throws. */
export function decodeRepairRequest(body: Uint8Array): RepairRequest | null {
  const fields = unpackFields(body);
  if (fields === null) return null;
  const [kind, round] = fields;
  if (!isCount(round)) return null;
  if (kind === 0) return readQuestion(round, fields);
  const snapshot = readName(fields, 2);
  const offset = fields[6];
  if (kind !== 1 || fields.length !== 7 || snapshot === null || !isCount(offset)) return null;
  return offset >= snapshot.bytes ? null : { kind: "piece", round, snapshot, offset };
}

function readQuestion(round: number, fields: readonly unknown[]): RepairRequest | null {
  const [, , before, term, to] = fields;
  if (!isCount(before) || !isCount(term) || !isCount(to) || before > to) return null;
  const count = (fields.length - runsAt) / runFields;
  if (count < 1 || count > termRunsMax + 1 || !Number.isInteger(count)) return null;
  const anchors: TermRun[] = [];
  let least: number = to;
  for (let at = runsAt; at < fields.length; at += runFields) {
    const run = readTermRun(fields, at);
    if (run === null || run.from < least) return null;
    anchors.push(run);
    least = run.to + 1;
  }
  const previous = { index: before, term: term === 0 && before > 0 ? null : term };
  return { kind: "entries", round, previous, to, anchors };
}

function readTermRun(fields: readonly unknown[], at: number): TermRun | null {
  const from = fields[at];
  const to = fields[at + 1];
  const term = fields[at + 2];
  if (!isCount(from) || !isCount(to) || !isCount(term)) return null;
  return from === 0 || from > to || term === 0 ? null : { from, to, term };
}

export function encodeRepairResponse({ round, offered, answer }: RepairResponse): Uint8Array {
  const head = [answers.indexOf(answer.kind), round, ...nameOf(offered)];
  return packFields([...head, ...answerFields(answer)]);
}

function answerFields(answer: RepairAnswer): readonly Field[] {
  switch (answer.kind) {
    case "none":
      return [lacks.indexOf(answer.because)];
    case "entries":
      return [entriesToBytes(answer.entries)];
    case "refuted":
      return [answer.truth.index, answer.truth.term];
    case "parted":
      return [];
    case "piece":
      return [answer.offset, answer.piece];
    default:
      return unreachable(answer);
  }
}

/** The response, or null where the body is none. Never throws, and keeps nothing of `body`. */
export function decodeRepairResponse(body: Uint8Array): RepairResponse | null {
  const fields = unpackFields(body) ?? [];
  const kind = choiceOf(answers, fields[0]);
  const round = fields[1];
  if (kind === null || !isCount(round)) return null;
  const isNone = fields.slice(2, 2 + nameFields).every((field) => field === 0);
  const offered = isNone ? null : readName(fields, 2);
  if (offered === null && !isNone) return null;
  const answer = readAnswer(kind, fields.slice(2 + nameFields), offered);
  return answer === null ? null : { round, offered, answer };
}

function readAnswer(
  kind: RepairAnswer["kind"],
  fields: readonly unknown[],
  offered: SnapshotId | null,
): RepairAnswer | null {
  const [first, second] = fields;
  if (fields.length !== fieldCounts[kind]) return null;
  switch (kind) {
    case "none": {
      const because = choiceOf(lacks, first);
      return because === null ? null : { kind, because };
    }
    case "entries": {
      const entries = isBytes(first) ? readRun(first) : null;
      return entries === null ? null : { kind, entries };
    }
    case "refuted":
      if (!isCount(first) || !isCount(second) || first === 0 || second === 0) return null;
      return { kind, truth: { index: first, term: second } };
    case "parted":
      return { kind };
    case "piece": {
      if (offered === null || !isCount(first) || !isBytes(second) || second.length === 0)
        return null;
      return first + second.length > offered.bytes ? null : { kind, offset: first, piece: second };
    }
    default:
      return unreachable(kind);
  }
}

const fieldCounts = { none: 1, entries: 1, refuted: 2, parted: 0, piece: 2 } as const;

function readRun(bytes: Uint8Array): readonly Entry[] | null {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const read = readEntry(bytes, at, bytes.length);
    if (read === null) return null;
    const { entry } = read;
    const last = entries.at(-1);
    if (last !== undefined && (entry.index !== last.index + 1 || entry.term < last.term))
      return null;
    if (entry.kind === "configuration" && configurationProblem(entry.body) !== null) return null;
    entries.push(entry);
    at = read.next;
  }
  return entries.length === 0 ? null : entries;
}

const nameOf = (snapshot: SnapshotId | null): readonly number[] =>
  snapshot === null
    ? [0, 0, 0, 0]
    : [snapshot.last.index, snapshot.last.term, snapshot.bytes, snapshot.checksum];

function readName(fields: readonly unknown[], at: number): SnapshotId | null {
  const [index, term, bytes, checksum] = fields.slice(at, at + nameFields);
  if (!isCount(index) || !isCount(term) || !isCount(bytes) || !isCount(checksum)) return null;
  if (index === 0 || term === 0 || checksum > 0xffffffff) return null;
  return { last: { index, term }, bytes, checksum };
}
