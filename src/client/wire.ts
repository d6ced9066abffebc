/**
 * Between requests and datagrams: batches, seals, and transfers for what is larger than a datagram.
 * Knows nothing of leaders and sessions.
 */
import { must } from "../base/assert.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import type { Millis, NodeId } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { Keys } from "../codec/authentication.ts";
import type {
  ClientRequest,
  ClientResponse,
  ResponseBatch,
  StatusResponse,
} from "../codec/client-message.ts";
import { bodyBytesMax, openDatagram, sealDatagram } from "../codec/datagram.ts";
import type { DatagramKind } from "../codec/kinds.ts";
import { packRequests } from "../codec/request-batch.ts";
import { decodeResponseBatch } from "../codec/response-batch.ts";
import { decodeStatusResponse, encodeStatusRequest } from "../codec/status.ts";
import { Transfers } from "../codec/transfer.ts";
import {
  decodeWatchEnd,
  decodeWatchEvents,
  encodeWatchCancel,
  encodeWatchRequest,
  type WatchEnd,
  type WatchEvents,
  type WatchRequest,
} from "../codec/watch.ts";
import type { Node, Nodes } from "./nodes.ts";
import { limits } from "./timing.ts";

export type WireOptions = {
  /** 0: not known. */
  readonly cluster: number;
  readonly keys: Keys;
  /** Of this process, chosen at random. */
  readonly incarnation: number;
  readonly datagramBytesMax: number;
  readonly random: Random;
};

/** An opened datagram that came from a node. `body` is a view of it. */
export type Envelope = {
  readonly sender: NodeId;
  readonly kind: DatagramKind;
  readonly body: Uint8Array;
};

export type Incoming =
  | { readonly kind: "responses"; readonly responses: readonly ClientResponse[] }
  | { readonly kind: "status"; readonly response: StatusResponse }
  | { readonly kind: "watch-events"; readonly batch: WatchEvents }
  | { readonly kind: "watch-end"; readonly end: WatchEnd }
  /** A piece of something large, or the word that one arrived. */
  | { readonly kind: "piece" }
  | { readonly kind: "dropped" };

/** Room in a body for what surrounds one request. */
const batchHeadBytes = 64;

export class Wire {
  readonly #options: WireOptions;
  readonly #nodes: Nodes;
  readonly #bodyBytes: number;
  /** A node's place is its number. */
  readonly #transfers: Transfers<number>;
  #datagrams: OutgoingDatagram[] = [];

  constructor(options: WireOptions, nodes: Nodes) {
    this.#options = options;
    this.#nodes = nodes;
    this.#bodyBytes = bodyBytesMax(options.datagramBytesMax);
    const { random } = options;
    this.#transfers = new Transfers({ group: "client", chunkBodyBytes: this.#bodyBytes, random });
  }

  /** Whether so many bytes of a request travel in pieces. */
  sizeOf(bytes: number): "small" | "large" {
    return bytes + batchHeadBytes <= this.#bodyBytes ? "small" : "large";
  }

  sendRequests(node: Node, requests: readonly ClientRequest[]): void {
    for (const body of packRequests(requests, this.#bodyBytes, limits.wholeBytes)) {
      if (body.length <= this.#bodyBytes) this.#seal(node, "request-batch", body);
      // Where it finds no room, it counts as a try that was lost.
      else this.#transfers.offer({ to: node.number, kind: "request-batch", body });
    }
  }

  sendStatusRequest(node: Node, id: number): void {
    this.#seal(node, "status-request", encodeStatusRequest({ id }));
  }

  sendWatchRequest(node: Node, request: WatchRequest): void {
    this.#seal(node, "watch-request", encodeWatchRequest(request));
  }

  sendWatchCancel(node: Node, id: number): void {
    this.#seal(node, "watch-cancel", encodeWatchCancel({ id }));
  }

  #seal(node: Node, kind: DatagramKind, body: Uint8Array): void {
    const { cluster, incarnation, keys } = this.#options;
    const bytes = sealDatagram({ kind, cluster, sender: 0, incarnation, receiver: 0, body, keys });
    this.#datagrams.push({ to: node.address, bytes });
  }

  /** How many large requests are on their way to a node. */
  transfersTo(node: Node): number {
    return this.#transfers.pendingTo(node.number);
  }

  abandonTransfers(node: Node): void {
    this.#transfers.abandon(node.number);
  }

  open(datagram: Uint8Array): Envelope | null {
    const { cluster, keys } = this.#options;
    const opened = openDatagram(datagram, { cluster, me: null, keys });
    if (opened.kind === "dropped" || opened.header.sender === 0) return null;
    return { sender: opened.header.sender, kind: opened.header.kind, body: opened.body };
  }

  receive({ kind, body }: Envelope, node: Node, now: Millis): Incoming {
    const from = node.number;
    if (kind === "client-chunk-ack") {
      this.#transfers.receiveAck({ from, body, now });
      return { kind: "piece" };
    }
    if (kind !== "client-chunk") return decode(kind, body);
    const received = this.#transfers.receiveChunk({ from, body, now });
    if (received.kind === "whole") return decode(received.inner, received.body);
    return received.kind === "noted" ? { kind: "piece" } : dropped;
  }

  take(now: Millis): readonly OutgoingDatagram[] {
    for (const { to, kind, body } of this.#transfers.take(now)) {
      this.#seal(must(this.#nodes.all[to], "a transfer goes to a node"), kind, body);
    }
    // How a transfer ended is not asked: an answer tells more, and its absence is noticed anyway.
    this.#transfers.takeEnded();
    const datagrams = this.#datagrams;
    this.#datagrams = [];
    return datagrams;
  }

  nextDeadline(): Millis {
    return this.#transfers.nextDeadline();
  }
}

const dropped: Incoming = { kind: "dropped" };

function decode(kind: DatagramKind, body: Uint8Array): Incoming {
  if (kind === "response-batch") {
    const responses: ResponseBatch | null = decodeResponseBatch(body);
    return responses === null ? dropped : { kind: "responses", responses };
  }
  if (kind === "watch-events") {
    const batch = decodeWatchEvents(body);
    return batch === null ? dropped : { kind, batch };
  }
  if (kind === "watch-end") {
    const end = decodeWatchEnd(body);
    return end === null ? dropped : { kind, end };
  }
  if (kind !== "status-response") return dropped;
  const response = decodeStatusResponse(body);
  return response === null ? dropped : { kind: "status", response };
}
