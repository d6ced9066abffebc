/**
 * This server's end of the wire: datagrams into what they say, and back. What is malformed, foreign, forged or
 * from nobody known is counted and dropped here; what is too large for a datagram goes in chunks.
 */
import { type Address, formatAddress } from "../base/address.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import { earliest, type Millis, type NodeId } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import {
  type AdministrationRequest,
  type AdministrationResponse,
  decodeAdministrationRequest,
  encodeAdministrationResponse,
} from "../codec/administration.ts";
import type { Keys } from "../codec/authentication.ts";
import type { ClientRequest, ClientResponse } from "../codec/client-message.ts";
import {
  bodyBytesMax,
  type DatagramHeader,
  openDatagram,
  sealDatagram,
} from "../codec/datagram.ts";
import { type DatagramKind, groupOfKind } from "../codec/kinds.ts";
import { decodeMessage, encodeMessage, entriesBytesMax } from "../codec/message.ts";
import {
  decodeRepairRequest,
  decodeRepairResponse,
  encodeRepairRequest,
  encodeRepairResponse,
  type RepairRequest,
  type RepairResponse,
} from "../codec/repair.ts";
import { decodeRequestBatch } from "../codec/request-batch.ts";
import { packResponses } from "../codec/response-batch.ts";
import { decodeStatusRequest, encodeStatusResponse } from "../codec/status.ts";
import { decodeStoreHash, encodeStoreHash, type StoreHash } from "../codec/store-hash.ts";
import { Transfers } from "../codec/transfer.ts";
import { decodeWatchCancel, decodeWatchRequest, type WatchRequest } from "../codec/watch.ts";
import type { Message } from "../raft/message.ts";
import type { Configuration, Place } from "../raft/types.ts";
import type { Counters } from "./counters.ts";
import { Peers } from "./peers.ts";
import type { WatchWire } from "./watches.ts";

export type WireSettings = {
  readonly me: NodeId;
  readonly cluster: number;
  readonly incarnation: number;
  /** Where servers are, as far as no configuration says it; this one is among them. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly keys: Keys;
  readonly datagramBytesMax: number;
};

/** What a datagram turned out to say. */
export type Heard =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "new-peer"; readonly peer: NodeId; readonly incarnation: number }
  | { readonly kind: "requests"; readonly requests: readonly ClientRequest[] }
  | { readonly kind: "status-request"; readonly id: number }
  | { readonly kind: "administration"; readonly request: AdministrationRequest }
  | { readonly kind: "watch-request"; readonly request: WatchRequest }
  | { readonly kind: "watch-cancel"; readonly id: number }
  | { readonly kind: "store-hash"; readonly from: NodeId; readonly theirs: StoreHash }
  | { readonly kind: "repair-request"; readonly from: NodeId; readonly request: RepairRequest }
  | { readonly kind: "repair-response"; readonly from: NodeId; readonly response: RepairResponse }
  | { readonly kind: "note"; readonly sentence: string };

const nothing: readonly Heard[] = [];

/** Appends under way in chunks to one peer; Raft sends again what is dropped beyond. */
const bulkAppendsMax = 4;

/** What travels in pieces may as well be many of them; and two wholes keep the line busy. */
export const largeAppends = { bytesMax: 1 << 18, inflightMax: 2 } as const;

/** Clients whose transfers can be told apart at once; more of them would have to ask again. */
const placesMax = 4096;

/** How something left for a client. */
type Way = ReturnType<WatchWire["send"]>;

type Outer = { readonly header: DatagramHeader; readonly body: Uint8Array };

export class Wire {
  /** How much may be in the entries of an append that is to fit a datagram. */
  readonly appendBytesMax: number;
  private readonly settings: WireSettings;
  private readonly counters: Counters;
  private readonly peers: Peers;
  private readonly bodyMax: number;
  private readonly peerTransfers: Transfers<NodeId>;
  private readonly clientTransfers: Transfers<string>;
  private readonly places = new Map<string, Address>();
  private outgoing: OutgoingDatagram[] = [];

  constructor(parts: {
    settings: WireSettings;
    /** The peers that were heard of before, as the journal remembers them. */
    incarnations: ReadonlyMap<NodeId, number>;
    configuration: Configuration;
    /** The live leader, as this server knows it, itself included; or null. */
    leader: () => NodeId | null;
    random: Random;
    counters: Counters;
  }) {
    const { settings, incarnations, configuration, leader, random, counters } = parts;
    this.settings = settings;
    this.counters = counters;
    this.bodyMax = bodyBytesMax(settings.datagramBytesMax);
    this.appendBytesMax = entriesBytesMax(this.bodyMax);
    const sourceRule = settings.keys.peer === null ? "source-must-match" : "tag-is-proof";
    const { me, addresses } = settings;
    this.peers = new Peers({ me, addresses, incarnations, sourceRule, configuration, leader });
    const chunkBodyBytes = this.bodyMax;
    this.peerTransfers = new Transfers({ group: "peer", chunkBodyBytes, random });
    this.clientTransfers = new Transfers({ group: "client", chunkBodyBytes, random });
  }

  /** The members that this server has never heard of. */
  strangers(): readonly NodeId[] {
    return this.peers.strangers();
  }

  /** Other members are in force. */
  adopt(configuration: Configuration): void {
    this.peers.adopt(configuration);
  }

  /** What is known of a member, this server included. */
  memberPlace(node: NodeId): Place | null {
    const place = this.peers.placeOf(node);
    const { me, incarnation } = this.settings;
    return place !== null && node === me ? { ...place, incarnation } : place;
  }

  addressText(node: NodeId | null): string | null {
    return this.peers.addressText(node);
  }

  // In.

  open(now: Millis, from: Address, bytes: Uint8Array): readonly Heard[] {
    const { cluster, me, keys } = this.settings;
    const opened = openDatagram(bytes, { cluster, me, keys });
    if (opened.kind === "dropped") return this.drop(opened.because);
    if (groupOfKind(opened.header.kind) === "peer") return this.openPeer(now, from, opened);
    return this.openClient(now, from, opened);
  }

  private openPeer(now: Millis, from: Address, { header, body }: Outer): readonly Heard[] {
    const sender = header.sender as NodeId; // openDatagram lets no peer datagram without one through
    const verdict = this.peers.judge({ ...header, sender }, from);
    if (verdict.kind === "refused") {
      this.counters.add(`dropped-${verdict.because}`);
      return verdict.because === "wrong-incarnation" ? this.noteStranger(sender) : nothing;
    }
    const said = this.readPeer(now, sender, { header, body });
    return verdict.kind === "new-peer" ? [verdict, ...said] : said;
  }

  private noteStranger(sender: NodeId): readonly Heard[] {
    if (this.peers.firstReport(sender) === "again") return nothing;
    const sentence =
      `n${this.settings.me} does not listen to n${sender}: its data folder is another one than before, ` +
      "so it has forgotten its votes; give it its old folder back";
    return [{ kind: "note", sentence }];
  }

  private readPeer(now: Millis, sender: NodeId, { header, body }: Outer): readonly Heard[] {
    if (header.kind === "peer-chunk-ack") {
      this.peerTransfers.receiveAck({ from: sender, body, now });
      return nothing;
    }
    if (header.kind !== "peer-chunk") return this.readMessage(header.kind, body, sender);
    const received = this.peerTransfers.receiveChunk({ from: sender, body, now });
    return received.kind === "whole"
      ? this.readMessage(received.inner, received.body, sender)
      : nothing;
  }

  private readMessage(kind: DatagramKind, body: Uint8Array, from: NodeId): readonly Heard[] {
    if (kind === "store-hash") {
      const theirs = decodeStoreHash(body);
      return theirs === null ? this.drop("malformed") : [{ kind, from, theirs }];
    }
    if (kind === "repair-request") {
      const request = decodeRepairRequest(body);
      return request === null ? this.drop("malformed") : [{ kind, from, request }];
    }
    if (kind === "repair-response") {
      const response = decodeRepairResponse(body);
      return response === null ? this.drop("malformed") : [{ kind, from, response }];
    }
    const message = decodeMessage(kind, body, { from, to: this.settings.me });
    return message === null ? this.drop("malformed") : [{ kind: "message", message }];
  }

  private openClient(now: Millis, from: Address, { header, body }: Outer): readonly Heard[] {
    const place = { from: this.placeOf(from), body, now };
    if (header.kind === "client-chunk-ack") {
      this.clientTransfers.receiveAck(place);
      return nothing;
    }
    if (header.kind !== "client-chunk") return this.readClient(header.kind, body);
    const received = this.clientTransfers.receiveChunk(place);
    return received.kind === "whole" ? this.readClient(received.inner, received.body) : nothing;
  }

  private readClient(kind: DatagramKind, body: Uint8Array): readonly Heard[] {
    if (kind === "request-batch") {
      const requests = decodeRequestBatch(body);
      return requests === null ? this.drop("malformed") : [{ kind: "requests", requests }];
    }
    if (kind === "administration-request") {
      const request = decodeAdministrationRequest(body);
      return request === null ? this.drop("malformed") : [{ kind: "administration", request }];
    }
    if (kind === "watch-request") {
      const request = decodeWatchRequest(body);
      return request === null ? this.drop("malformed") : [{ kind, request }];
    }
    if (kind !== "status-request" && kind !== "watch-cancel") return this.drop("not-for-servers");
    const request = kind === "watch-cancel" ? decodeWatchCancel(body) : decodeStatusRequest(body);
    return request === null ? this.drop("malformed") : [{ kind, id: request.id }];
  }

  private drop(because: string): readonly Heard[] {
    this.counters.add(`dropped-${because}`);
    return nothing;
  }

  // Out.

  sendMessage(message: Message): void {
    const { kind, body } = encodeMessage(message);
    this.sendToPeer(message.to, kind, body);
  }

  sendRepairRequest(to: NodeId, request: RepairRequest): void {
    this.sendToPeer(to, "repair-request", encodeRepairRequest(request));
  }

  sendRepairResponse(to: NodeId, response: RepairResponse): void {
    this.sendToPeer(to, "repair-response", encodeRepairResponse(response));
  }

  private sendToPeer(to: NodeId, kind: DatagramKind, body: Uint8Array): void {
    const address = this.peers.addressOf(to);
    if (address === null) return this.counters.add("unsent-unknown-address");
    if (body.length <= this.bodyMax) return this.seal(address, to, kind, body);
    if (this.peerTransfers.pendingTo(to) >= bulkAppendsMax) {
      return this.counters.add("bulk-appends-postponed");
    }
    this.peerTransfers.offer({ to, kind, body });
    this.counters.add("bulk-appends");
  }

  sendStoreHash(to: NodeId, hash: StoreHash): void {
    const address = this.peers.addressOf(to);
    if (address !== null) this.seal(address, to, "store-hash", encodeStoreHash(hash));
  }

  sendResponses(to: Address, responses: readonly ClientResponse[]): void {
    for (const body of packResponses(responses, this.bodyMax)) {
      this.sendToClient(to, "response-batch", body);
    }
  }

  sendStatus(status: { to: Address; id: number; text: string }): void {
    this.sendToClient(status.to, "status-response", encodeStatusResponse(status));
  }

  sendAdministration(to: Address, response: AdministrationResponse): void {
    this.sendToClient(to, "administration-response", encodeAdministrationResponse(response));
  }

  /** How watchers are told. */
  watchWire(): WatchWire {
    return { bodyMax: this.bodyMax, send: (to, kind, body) => this.sendToClient(to, kind, body) };
  }

  private sendToClient(to: Address, kind: DatagramKind, body: Uint8Array): Way {
    if (body.length <= this.bodyMax) {
      this.seal(to, 0, kind, body);
      return "datagram";
    }
    const offered = this.clientTransfers.offer({ to: this.placeOf(to), kind, body });
    if (offered.kind === "queued") return "pieces";
    this.counters.add("bulk-answers-refused");
    return "refused";
  }

  /** The name of a client's address among the transfers. The newest are kept, by name. */
  private placeOf(address: Address): string {
    const place = formatAddress(address);
    if (this.places.has(place)) return place;
    const oldest = this.places.keys().next();
    if (this.places.size >= placesMax && oldest.done !== true) this.places.delete(oldest.value);
    this.places.set(place, address);
    return place;
  }

  private seal(to: Address, receiver: NodeId | 0, kind: DatagramKind, body: Uint8Array): void {
    const { cluster, me, incarnation, keys } = this.settings;
    const bytes = sealDatagram({ kind, cluster, sender: me, incarnation, receiver, body, keys });
    this.outgoing.push({ to, bytes });
  }

  /** Everything that is to be sent now. Chunks come last: nothing waits behind bulk. */
  take(now: Millis): readonly OutgoingDatagram[] {
    for (const { to, kind, body } of this.peerTransfers.take(now)) {
      const address = this.peers.addressOf(to);
      if (address !== null) this.seal(address, to, kind, body);
    }
    for (const { to, kind, body } of this.clientTransfers.take(now)) {
      const address = this.places.get(to);
      if (address !== undefined) this.seal(address, 0, kind, body);
    }
    this.peerTransfers.takeEnded();
    this.clientTransfers.takeEnded();
    const { outgoing } = this;
    this.outgoing = [];
    return outgoing;
  }

  nextDeadline(): Millis {
    return earliest(this.peerTransfers.nextDeadline(), this.clientTransfers.nextDeadline());
  }
}
