/** Bodies that are no message: everything is checked before Raft sees it. */
import { expect, test } from "bun:test";
import { bytesOfHex } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { entryBytes, writeEntry } from "../../../src/codec/entry.ts";
import { datagramKinds, groupOfKind } from "../../../src/codec/kinds.ts";
import { decodeMessage, encodeMessage } from "../../../src/codec/message.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import type { Message, MessageKind } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { bodyOf, ends, messages } from "./samples.ts";

const entry = (index: number, itsTerm: number): Entry => ({
  index: logIndex(index),
  term: term(itsTerm),
  time: millis(1),
  kind: "noop",
  body: null,
});

const withConfiguration = (voters: number[], learners: number[]): Entry => ({
  ...entry(2, 1),
  kind: "configuration",
  body: { voters: voters.map(nodeId), outgoing: [], learners: learners.map(nodeId) },
});

function blob(...entries: Entry[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, each) => sum + entryBytes(each), 0));
  let at = 0;
  for (const each of entries) at = writeEntry(each, bytes, at);
  return bytes;
}

const none = new Uint8Array(0);
const tooLarge = 2 ** 48;
const piece = new Uint8Array(2);

const refused: readonly (readonly [string, MessageKind, readonly Field[]])[] = [
  ["no fields", "heartbeat", []],
  ["a field too few", "heartbeat", [3, 42]],
  ["a field too many", "heartbeat", [3, 42, 7, 0]],
  ["a fraction for a term", "heartbeat", [1.5, 42, 7]],
  ["a negative term", "heartbeat", [-1, 42, 7]],
  ["a term of 2^48", "heartbeat", [tooLarge, 42, 7]],
  ["text for a term", "heartbeat", ["3", 42, 7]],
  ["nothing for a commit index", "heartbeat", [3, null, 7]],
  ["not a number for a round", "heartbeat", [3, 42, Number.NaN]],
  ["infinity for a round", "heartbeat", [3, 42, Number.POSITIVE_INFINITY]],
  ["an array for a round", "heartbeat-response", [3, [7], 41]],
  ["term 0 of a leader", "heartbeat", [0, 42, 7]],
  ["term 0 of a candidate", "vote-request", [0, 0, 0, 0]],
  ["a field too many in a pre-vote", "pre-vote-request", [3, 42, 2, 0]],
  ["a last log id with an index and no term", "vote-request", [3, 42, 0, 0]],
  ["a last log id with a term and no index", "vote-request", [3, 0, 2, 0]],
  ["a last log id of a later term", "vote-request", [3, 42, 4, 0]],
  ["an unknown reason to campaign", "vote-request", [3, 42, 2, 2]],
  ["an unknown answer to a vote", "vote-response", [3, 5]],
  ["a fraction for an answer", "vote-response", [3, 0.5]],
  ["an answer too many", "pre-vote-response", [3, 0, 0]],
  ["an unknown answer to an append", "append-response", [3, 2, 40]],
  ["a match with a hint", "append-response", [3, 0, 40, 37, 1]],
  ["a mismatch without a hint", "append-response", [3, 1, 40]],
  ["a mismatch with a hint of a later term", "append-response", [3, 1, 40, 37, 4]],
  ["a timeout-now with a commit index", "timeout-now", [3, 42]],
  ["a question for an index with an index", "read-index-request", [3, 8, 42]],
  ["an index without its question", "read-index-response", [3, 42]],
  ["a snapshot of nothing", "snapshot-request", [3, 0, 0, 9, 1, 0, piece]],
  ["a snapshot of a later term", "snapshot-request", [3, 5, 4, 9, 1, 0, piece]],
  ["a snapshot whose checksum has 33 bits", "snapshot-request", [3, 5, 2, 9, 2 ** 32, 0, piece]],
  ["a piece of nothing", "snapshot-request", [3, 5, 2, 9, 1, 0, none]],
  ["a piece beyond the end", "snapshot-request", [3, 5, 2, 9, 1, 8, piece]],
  ["text for a piece", "snapshot-request", [3, 5, 2, 9, 1, 0, "ab"]],
  ["more received than there is", "snapshot-response", [3, 5, 2, 9, 1, 10]],
  ["a field too many about a snapshot", "snapshot-response", [3, 5, 2, 9, 1, 9, 0]],
  ["an append without a field for entries", "append-request", [3, 1, 1, 0]],
  ["an append with text for entries", "append-request", [3, 1, 1, 0, ""]],
  ["entries that leave a gap", "append-request", [3, 1, 1, 0, blob(entry(3, 1))]],
  ["entries that begin too early", "append-request", [3, 1, 1, 0, blob(entry(1, 1))]],
  ["entries that repeat", "append-request", [3, 1, 1, 0, blob(entry(2, 1), entry(2, 1))]],
  ["entries whose terms fall", "append-request", [3, 1, 1, 0, blob(entry(2, 2), entry(3, 1))]],
  ["entries older than what precedes", "append-request", [3, 1, 2, 0, blob(entry(2, 1))]],
  ["entries of a later term", "append-request", [3, 1, 1, 0, blob(entry(2, 4))]],
  ["entries cut short", "append-request", [3, 1, 1, 0, blob(entry(2, 1)).slice(0, -1)]],
  [
    "bytes after the entries",
    "append-request",
    [3, 1, 1, 0, new Uint8Array([...blob(entry(2, 1)), 0])],
  ],
  [
    "a configuration without voters",
    "append-request",
    [3, 1, 1, 0, blob(withConfiguration([], [1]))],
  ],
  ["a voter who only learns", "append-request", [3, 1, 1, 0, blob(withConfiguration([1, 2], [2]))]],
];

for (const [what, kind, fields] of refused) {
  test(`a ${kind} with ${what} is none`, () => {
    expect(decodeMessage(kind, packFields(fields), ends)).toBeNull();
  });
}

test("minus zero is no number, though no encoder here would write it", () => {
  const zero = "93 03 cb 00 00 00 00 00 00 00 00 07";
  const minusZero = "93 03 cb 80 00 00 00 00 00 00 00 07";
  const decode = (spelled: string) =>
    decodeMessage("heartbeat", bytesOfHex(spelled.replaceAll(" ", ""))!, ends);
  expect(decode(zero)).not.toBeNull();
  expect(decode(minusZero)).toBeNull();
});

test("what the table refuses differs from what is taken by little", () => {
  const taken: readonly (readonly [MessageKind, readonly Field[]])[] = [
    ["heartbeat", [3, 42, 7]],
    ["heartbeat", [2 ** 48 - 1, 0, 2 ** 48 - 1]],
    ["vote-request", [3, 42, 2, 0]],
    ["vote-request", [1, 0, 0, 1]],
    ["pre-vote-response", [0, 0]],
    ["append-request", [3, 1, 1, 0, none]],
    ["append-request", [3, 1, 1, 0, blob(entry(2, 1), entry(3, 3))]],
    ["append-request", [3, 1, 1, 0, blob(withConfiguration([1, 2], [3]))]],
    ["append-response", [3, 0, 0]],
    ["append-response", [3, 1, 40, 0, 0]],
  ];
  for (const [kind, fields] of taken) {
    expect(decodeMessage(kind, packFields(fields), ends)?.kind).toBe(kind);
  }
});

test("the sender is the header's, whatever the body", () => {
  for (const message of messages) {
    const decoded = decodeMessage(message.kind, bodyOf(message.kind), ends);
    expect(decoded).toEqual(message);
  }
});

test("what is no message of Raft decodes to none, whatever its body", () => {
  const known: readonly string[] = messages.map(({ kind }) => kind);
  for (const kind of datagramKinds) {
    if (known.includes(kind)) continue;
    for (const { kind: other } of messages) {
      expect(decodeMessage(kind, bodyOf(other), ends)).toBeNull();
    }
  }
  expect(known.every((kind) => groupOfKind(kind as MessageKind) === "peer")).toBe(true);
});

test("an append of fewer entries than the one before it carries those, and no others", () => {
  // The bytes of entries that were written last are kept for the next follower.
  const entries = [1, 2, 3].map(
    (index): Entry => ({
      ...{ index: logIndex(index), term: term(1), time: millis(0) },
      ...{ kind: "command", body: new Uint8Array([index]) },
    }),
  );
  const ends = { from: nodeId(1), to: nodeId(2) };
  const append = (some: readonly Entry[]): Message => ({
    ...{ kind: "append-request", ...ends, term: term(1), commit: logIndex(0), entries: some },
    previous: { index: logIndex(0), term: term(0) },
  });
  for (const some of [entries, entries.slice(0, 2), entries, entries.slice(0, 1)]) {
    const { kind, body } = encodeMessage(append(some));
    expect(decodeMessage(kind, body, ends)).toMatchObject({ entries: some });
  }
});
