/** One datagram of every kind, with contents that show every field at its place. */
import { utf8 } from "../../../src/base/bytes.ts";
import {
  type LogIndex,
  logIndex,
  millis,
  nodeId,
  type Term,
  term,
} from "../../../src/base/numbers.ts";
import {
  type AdministrationRequest,
  encodeAdministrationRequest,
  encodeAdministrationResponse,
} from "../../../src/codec/administration.ts";
import { deriveKeys, type Keys, noKeys } from "../../../src/codec/authentication.ts";
import { encodeChunk, encodeChunkAck } from "../../../src/codec/chunk.ts";
import type { ClientRequest, ClientResponse } from "../../../src/codec/client-message.ts";
import { encodeCommand } from "../../../src/codec/command.ts";
import { type Opener, sealDatagram } from "../../../src/codec/datagram.ts";
import { type DatagramKind, groupOfKind } from "../../../src/codec/kinds.ts";
import { encodeMessage } from "../../../src/codec/message.ts";
import {
  encodeRepairRequest,
  encodeRepairResponse,
  type RepairRequest,
} from "../../../src/codec/repair.ts";
import { encodeRequestBatch } from "../../../src/codec/request-batch.ts";
import { encodeResponseBatch } from "../../../src/codec/response-batch.ts";
import { encodeStatusRequest, encodeStatusResponse } from "../../../src/codec/status.ts";
import { encodeStoreHash } from "../../../src/codec/store-hash.ts";
import {
  encodeWatchCancel,
  encodeWatchEnd,
  encodeWatchEvents,
  encodeWatchRequest,
} from "../../../src/codec/watch.ts";
import type { Command } from "../../../src/kv/command.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { EntryId } from "../../../src/raft/types.ts";

export const cluster = 0x0a0b0c0d0e0f;
export const incarnation = 0x010203040506;
export const node1 = nodeId(1);
export const node2 = nodeId(2);
export const ends = { from: node1, to: node2 };
export const keys = deriveKeys(utf8("not a secret"));

/** Who opens the samples: node 2. */
export const opener: Opener = { cluster, me: node2, keys: noKeys };

export const id = (index: number, itsTerm: number): EntryId => ({
  index: logIndex(index),
  term: term(itsTerm),
});

export const put: Command = {
  kind: "request",
  session: 12,
  sequence: 3,
  acknowledged: 2,
  operation: {
    kind: "put",
    key: "color",
    value: utf8("blue"),
    condition: { kind: "always" },
  },
};

const appended = { time: millis(9000), ...id(41, 2) };

const snapshot = { last: id(40, 2), bytes: 1000, checksum: 0xc0ffee };

export const messages: readonly Message[] = [
  { kind: "pre-vote-request", ...ends, term: term(3), lastLog: id(42, 2) },
  { kind: "pre-vote-response", ...ends, term: term(3), answer: "granted" },
  { kind: "vote-request", ...ends, term: term(3), lastLog: id(42, 2), reason: "transfer" },
  { kind: "vote-response", ...ends, term: term(3), answer: "log-behind" },
  {
    kind: "append-request",
    ...ends,
    term: term(3),
    previous: id(40, 2),
    entries: [
      { ...appended, kind: "command", body: encodeCommand(put) },
      { ...appended, ...id(42, 3), kind: "noop", body: null },
    ],
    commit: logIndex(39),
  },
  {
    kind: "append-response",
    ...ends,
    term: term(3),
    answer: { kind: "mismatched", previous: logIndex(40), hint: id(37, 1) },
  },
  { kind: "heartbeat", ...ends, term: term(3), commit: logIndex(42), round: 7 },
  { kind: "heartbeat-response", ...ends, term: term(3), round: 7, last: logIndex(41) },
  { kind: "timeout-now", ...ends, term: term(3) },
  { kind: "snapshot-request", ...ends, term: term(3), snapshot, offset: 96, piece: utf8("piece") },
  { kind: "snapshot-response", ...ends, term: term(3), snapshot, received: 101 },
  { kind: "read-index-request", ...ends, term: term(3), id: 8 },
  { kind: "read-index-response", ...ends, term: term(3), id: 8, index: logIndex(42) },
];

export const requests: readonly ClientRequest[] = [
  { id: 1, body: { kind: "write", command: encodeCommand(put) } },
  {
    id: 2,
    body: {
      kind: "read",
      operation: { kind: "get", key: "color" },
      consistency: "linearizable",
    },
  },
  {
    id: 3,
    body: { kind: "bounded-read", operation: { kind: "get", key: "color" }, ageMsMax: 2000 },
  },
];

const where: { readonly index: LogIndex; readonly term: Term } = id(42, 3);

export const responses: readonly ClientResponse[] = [
  {
    id: 1,
    outcome: { kind: "replied", reply: { kind: "written", index: where.index }, ...where },
  },
  { id: 2, outcome: { kind: "not-leader", leader: node1, address: "127.0.0.1:4001" } },
  { id: 3, outcome: { kind: "busy" } },
  { id: 4, outcome: { kind: "dated", reply: { kind: "absent" }, ...where, ageMs: 35 } },
];

export const administration: AdministrationRequest = {
  id: 5,
  wish: {
    kind: "change",
    seen: logIndex(42),
    edits: [
      {
        kind: "add",
        place: { id: nodeId(4), incarnation: 7, address: { host: "127.0.0.1", port: 7104 } },
      },
      { kind: "promote", id: nodeId(4) },
      { kind: "remove", id: nodeId(3) },
    ],
  },
};

export const wholeBytes = utf8("what is larger than a datagram");
export const chunk = {
  transfer: 99,
  totalBytes: 30,
  checksum: 0x12345678,
  stride: 20,
  number: 1,
  bytes: wholeBytes.slice(20),
};

const repairRequest: RepairRequest = {
  kind: "entries",
  round: 3,
  previous: id(40, 2),
  to: logIndex(42),
  anchors: [
    { from: logIndex(43), to: logIndex(47), term: term(2) },
    { from: logIndex(50), to: logIndex(50), term: term(3) },
  ],
};

type Sample = { readonly kind: DatagramKind; readonly body: Uint8Array };

export const samples: readonly Sample[] = [
  ...messages.map(encodeMessage),
  { kind: "store-hash", body: encodeStoreHash({ index: logIndex(42), hash: 0x89abcdef }) },
  { kind: "repair-request", body: encodeRepairRequest(repairRequest) },
  {
    kind: "repair-response",
    body: encodeRepairResponse({
      ...{ round: 3, offered: snapshot },
      answer: { kind: "entries", entries: [{ ...appended, kind: "noop", body: null }] },
    }),
  },
  { kind: "peer-chunk", body: encodeChunk({ ...chunk, kind: "append-request" }) },
  { kind: "peer-chunk-ack", body: encodeChunkAck({ transfer: 99, below: 1, others: [3, 4] }) },
  { kind: "request-batch", body: encodeRequestBatch(requests) },
  { kind: "response-batch", body: encodeResponseBatch(responses) },
  { kind: "status-request", body: encodeStatusRequest({ id: 4 }) },
  { kind: "status-response", body: encodeStatusResponse({ id: 4, text: "(node 1)" }) },
  { kind: "administration-request", body: encodeAdministrationRequest(administration) },
  {
    kind: "administration-response",
    body: encodeAdministrationResponse({
      id: 5,
      outcome: { kind: "waiting", because: "not-caught-up" },
    }),
  },
  {
    kind: "watch-request",
    body: encodeWatchRequest({ id: 5, next: logIndex(42), room: 4096, prefix: "col" }),
  },
  {
    kind: "watch-events",
    body: encodeWatchEvents({
      ...{ id: 5, from: logIndex(42), to: logIndex(44), head: logIndex(50), ageMs: 35 },
      events: [
        { index: logIndex(42), key: "color", value: utf8("blue") },
        { index: logIndex(44), key: "color", value: null },
      ],
    }),
  },
  {
    kind: "watch-end",
    body: encodeWatchEnd({ id: 5, because: "compacted", first: logIndex(40) }),
  },
  { kind: "watch-cancel", body: encodeWatchCancel({ id: 5 }) },
  { kind: "client-chunk", body: encodeChunk({ ...chunk, kind: "request-batch" }) },
  { kind: "client-chunk-ack", body: encodeChunkAck({ transfer: 99, below: 2, others: [] }) },
];

const askedByClients: readonly DatagramKind[] = [
  "request-batch",
  "status-request",
  "administration-request",
  "watch-request",
  "watch-cancel",
];

/** The sample as node 1 sends it to node 2 or to a client, or as a client sends it to any node. */
export const sealed = (sample: Sample, its: Keys = noKeys): Uint8Array =>
  sealDatagram({
    ...sample,
    cluster,
    sender: askedByClients.includes(sample.kind) ? 0 : node1,
    incarnation,
    receiver: groupOfKind(sample.kind) === "peer" ? node2 : 0,
    keys: its,
  });

export const bodyOf = (kind: DatagramKind): Uint8Array =>
  samples.find((sample) => sample.kind === kind)!.body;
