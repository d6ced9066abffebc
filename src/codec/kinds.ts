/**
 * The kinds of datagram. Below 0x80 servers talk to servers, from 0x80 on clients and servers talk:
 * the two groups are sealed with different keys (authentication.ts), so that what a client can say
 * is never Raft.
 */
import { assert } from "../base/assert.ts";
import type { MessageKind } from "../raft/message.ts";

export type Group = "peer" | "client";

export type PeerKind =
  | MessageKind
  | "store-hash"
  | "repair-request"
  | "repair-response"
  | "peer-chunk"
  | "peer-chunk-ack";

export type ClientKind =
  | "request-batch"
  | "response-batch"
  | "status-request"
  | "status-response"
  | "administration-request"
  | "administration-response"
  | "watch-request"
  | "watch-events"
  | "watch-end"
  | "watch-cancel"
  | "client-chunk"
  | "client-chunk-ack";

export type DatagramKind = PeerKind | ClientKind;

const firstClientCode = 0x80;

/** A code is never given to another kind, in no version: a kind that goes leaves a hole. */
const codes: Readonly<Record<DatagramKind, number>> = {
  "pre-vote-request": 0x01,
  "pre-vote-response": 0x02,
  "vote-request": 0x03,
  "vote-response": 0x04,
  "append-request": 0x05,
  "append-response": 0x06,
  heartbeat: 0x07,
  "heartbeat-response": 0x08,
  "timeout-now": 0x09,
  "snapshot-request": 0x0a,
  "snapshot-response": 0x0b,
  "read-index-request": 0x0c,
  "read-index-response": 0x0d,
  "store-hash": 0x0e,
  "peer-chunk": 0x10,
  "peer-chunk-ack": 0x11,
  "repair-request": 0x12,
  "repair-response": 0x13,
  "request-batch": 0x81,
  "response-batch": 0x82,
  "status-request": 0x83,
  "status-response": 0x84,
  "administration-request": 0x89,
  "administration-response": 0x8a,
  "watch-request": 0x85,
  "watch-events": 0x86,
  "watch-end": 0x87,
  "watch-cancel": 0x88,
  "client-chunk": 0x90,
  "client-chunk-ack": 0x91,
};

export const datagramKinds = Object.keys(codes) as readonly DatagramKind[];

const kindsByCode = new Array<DatagramKind | null>(256).fill(null);
for (const kind of datagramKinds) {
  assert(kindsByCode[codes[kind]] === null, "no two kinds share a code");
  kindsByCode[codes[kind]] = kind;
}

export const codeOfKind = (kind: DatagramKind): number => codes[kind];

/** The kind with this code, or null where this version knows none. */
export const kindOfCode = (code: number): DatagramKind | null => kindsByCode[code] ?? null;

export const groupOfCode = (code: number): Group => (code < firstClientCode ? "peer" : "client");

export const groupOfKind = (kind: DatagramKind): Group => groupOfCode(codes[kind]);
