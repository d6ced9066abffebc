/**
 * Raft's messages as bodies of datagrams. Sender and receiver stand in the header, the kind too.
 *
 * BODY of each kind, a MessagePack array; "id" is two fields, an index and a term:
 *    pre-vote-request    term, last log id
 *    pre-vote-response   term, answer
 *    vote-request        term, last log id, reason (0 timeout, 1 transfer)
 *    vote-response       term, answer
 *    append-request      term, previous id, commit, entries
 *    append-response     term, 0, matched index  |  term, 1, previous index, hint id
 *    heartbeat           term, commit, round
 *    heartbeat-response  term, round, last index
 *    timeout-now         term
 *    read-index-request  term, id
 *    read-index-response term, id, index
 *    snapshot-request, snapshot-response: snapshot-message.ts
 * entries: one binary value, ENTRY after ENTRY (entry.ts)
 * answer: 0 granted, 1 stale-term, 2 already-voted, 3 log-behind, 4 leader-alive
 *
 * Valid when the array has exactly these fields; every number is whole and below 2^48; a term is 1
 * or more (0 only in a pre-vote-response); an id has index 0 exactly where its term is 0, and a
 * term not above the message's; the entries fill their value exactly, follow `previous` one by one,
 * and their terms neither fall nor pass the message's; a configuration is sound (raft/membership.ts:
 * it has voters, none of whom is a learner, and not too many members).
 */
import { assert, unreachable } from "../base/assert.ts";
import { noBytes } from "../base/bytes.ts";
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import { configurationProblem } from "../raft/membership.ts";
import type { CampaignReason, Message, MessageKind, VoteAnswer } from "../raft/message.ts";
import type { Entry, EntryId } from "../raft/types.ts";
import { entryBytes, readEntry, writeEntry } from "./entry.ts";
import type { DatagramKind } from "./kinds.ts";
import { choiceOf, type Field, headBytesMax, isBytes, isCount, packFields } from "./messagepack.ts";
import { readSnapshotMessage, snapshotFields } from "./snapshot-message.ts";
import { unpackFields } from "./unpack.ts";

export type EncodedMessage = { readonly kind: MessageKind; readonly body: Uint8Array };

type Ends = { readonly from: NodeId; readonly to: NodeId };

const voteAnswers: readonly VoteAnswer[] = [
  "granted",
  "stale-term",
  "already-voted",
  "log-behind",
  "leader-alive",
];
const campaignReasons: readonly CampaignReason[] = ["timeout", "transfer"];
const appendAnswers = ["matched", "mismatched"] as const;

/** What surrounds the entries of an append, at most. */
const appendHeadBytesMax = headBytesMax.array + 4 * headBytesMax.number + headBytesMax.binary;

/**
 * How many bytes of entries (entryBytes) an append may carry whose body is to be this long at most.
 */
export const entriesBytesMax = (bodyBytes: number): number => bodyBytes - appendHeadBytesMax;

/** The body is new, and the caller's. */
export const encodeMessage = (message: Message): EncodedMessage => ({
  kind: message.kind,
  body: packFields(fieldsOf(message)),
});

function fieldsOf(message: Message): readonly Field[] {
  switch (message.kind) {
    case "pre-vote-request":
      return [message.term, message.lastLog.index, message.lastLog.term];
    case "pre-vote-response":
    case "vote-response":
      return [message.term, voteAnswers.indexOf(message.answer)];
    case "vote-request": {
      const { term, lastLog, reason } = message;
      return [term, lastLog.index, lastLog.term, campaignReasons.indexOf(reason)];
    }
    case "append-request": {
      const { term, previous, commit } = message;
      return [term, previous.index, previous.term, commit, writeEntries(message.entries)];
    }
    case "append-response": {
      const { term, answer } = message;
      if (answer.kind === "matched") return [term, 0, answer.index];
      return [term, 1, answer.previous, answer.hint.index, answer.hint.term];
    }
    case "heartbeat":
      return [message.term, message.commit, message.round];
    case "heartbeat-response":
      return [message.term, message.round, message.last];
    case "snapshot-request":
    case "snapshot-response":
      return snapshotFields(message);
    case "timeout-now":
      return [message.term];
    case "read-index-request":
      return [message.term, message.id];
    case "read-index-response":
      return [message.term, message.id, message.index];
    default:
      return unreachable(message);
  }
}

/**
 * The message, or null where the body is no valid one of this kind. Never throws. Keeps nothing of
 * `body`: entries are copied out.
 */
export function decodeMessage(kind: DatagramKind, body: Uint8Array, ends: Ends): Message | null {
  const fields = unpackFields(body);
  if (fields === null) return null;
  const term = fields[0];
  if (!isCount(term)) return null;
  if (kind === "pre-vote-response") return readVoteResponse(kind, term, fields, ends);
  if (term === 0) return null;
  switch (kind) {
    case "pre-vote-request":
    case "vote-request":
      return readVoteRequest(kind, term, fields, ends);
    case "vote-response":
      return readVoteResponse(kind, term, fields, ends);
    case "append-request":
      return readAppendRequest(term, fields, ends);
    case "append-response":
      return readAppendResponse(term, fields, ends);
    case "heartbeat": {
      const commit = indexField(fields[1]);
      const round = fields[2];
      if (fields.length !== 3 || commit === null || !isCount(round)) return null;
      return { kind, ...ends, term, commit, round };
    }
    case "heartbeat-response": {
      const round = fields[1];
      const last = indexField(fields[2]);
      if (fields.length !== 3 || last === null || !isCount(round)) return null;
      return { kind, ...ends, term, round, last };
    }
    case "snapshot-request":
    case "snapshot-response":
      return readSnapshotMessage(kind, term, fields, ends);
    case "timeout-now":
      return fields.length === 1 ? { kind, ...ends, term } : null;
    case "read-index-request":
    case "read-index-response":
      return readReadIndex(kind, term, fields, ends);
    default:
      return null;
  }
}

function readVoteRequest(
  kind: "pre-vote-request" | "vote-request",
  term: Term,
  fields: readonly unknown[],
  ends: Ends,
): Message | null {
  const lastLog = idField(fields, 1, term);
  if (lastLog === null) return null;
  if (kind === "pre-vote-request") {
    return fields.length === 3 ? { kind, ...ends, term, lastLog } : null;
  }
  const reason = choiceOf(campaignReasons, fields[3]);
  if (fields.length !== 4 || reason === null) return null;
  return { kind, ...ends, term, lastLog, reason };
}

function readVoteResponse(
  kind: "pre-vote-response" | "vote-response",
  term: Term,
  fields: readonly unknown[],
  ends: Ends,
): Message | null {
  const answer = choiceOf(voteAnswers, fields[1]);
  if (fields.length !== 2 || answer === null) return null;
  return { kind, ...ends, term, answer };
}

function readAppendRequest(term: Term, fields: readonly unknown[], ends: Ends): Message | null {
  const previous = idField(fields, 1, term);
  const commit = indexField(fields[3]);
  const bytes = fields[4];
  if (fields.length !== 5 || previous === null || commit === null || !isBytes(bytes)) return null;
  const entries = readEntries(bytes, { previous, term });
  if (entries === null) return null;
  return { kind: "append-request", ...ends, term, previous, entries, commit };
}

function readAppendResponse(term: Term, fields: readonly unknown[], ends: Ends): Message | null {
  const kind = "append-response";
  const index = indexField(fields[2]);
  if (index === null) return null;
  switch (choiceOf(appendAnswers, fields[1])) {
    case "matched":
      if (fields.length !== 3) return null;
      return { kind, ...ends, term, answer: { kind: "matched", index } };
    case "mismatched": {
      const hint = idField(fields, 3, term);
      if (fields.length !== 5 || hint === null) return null;
      return { kind, ...ends, term, answer: { kind: "mismatched", previous: index, hint } };
    }
    case null:
      return null;
  }
}

function readReadIndex(
  kind: "read-index-request" | "read-index-response",
  term: Term,
  fields: readonly unknown[],
  ends: Ends,
): Message | null {
  const id = fields[1];
  if (!isCount(id)) return null;
  if (kind === "read-index-request") {
    return fields.length === 2 ? { kind, ...ends, term, id } : null;
  }
  const index = indexField(fields[2]);
  if (fields.length !== 3 || index === null) return null;
  return { kind, ...ends, term, id, index };
}

const indexField = (field: unknown): LogIndex | null => (isCount(field) ? field : null);

/**
 * The index at `at` and the term after it, as what names an entry that a server in `newest` can
 * have.
 */
function idField(fields: readonly unknown[], at: number, newest: Term): EntryId | null {
  const index = fields[at];
  const term = fields[at + 1];
  if (!isCount(index) || !isCount(term)) return null;
  if ((index === 0) !== (term === 0) || term > newest) return null;
  return { index, term };
}

/**
 * The entries that were written last, and their bytes: a leader sends the same ones to each of its followers. An entry
 * stands for all before it (log matching), so equal ends mean an equal piece of the log.
 */
let written: { first: Entry; last: Entry; bytes: Uint8Array } | null = null;

function writeEntries(entries: readonly Entry[]): Uint8Array {
  const first = entries[0];
  const last = entries[entries.length - 1];
  if (first === undefined || last === undefined) return noBytes;
  if (written?.first === first && written.last === last) return written.bytes;
  const bytes = entriesToBytes(entries);
  written = { first, last, bytes };
  return bytes;
}

/** ENTRY after ENTRY; new, and the caller's. */
export function entriesToBytes(entries: readonly Entry[]): Uint8Array {
  let length = 0;
  for (const entry of entries) length += entryBytes(entry);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) at = writeEntry(entry, bytes, at);
  assert(at === length, "the entries take the room that was counted for them");
  return bytes;
}

function readEntries(
  bytes: Uint8Array,
  bounds: { readonly previous: EntryId; readonly term: Term },
): readonly Entry[] | null {
  const entries: Entry[] = [];
  let last: EntryId = bounds.previous;
  for (let at = 0; at < bytes.length; ) {
    const read = readEntry(bytes, at, bytes.length);
    if (read === null) return null;
    const { entry } = read;
    if (entry.index !== last.index + 1 || entry.term < last.term) return null;
    if (entry.kind === "configuration" && configurationProblem(entry.body) !== null) return null;
    entries.push(entry);
    last = entry;
    at = read.next;
  }
  return last.term <= bounds.term ? entries : null;
}
