/**
 * A cluster that is no cluster: one store, and a script that says who leads, who is down and who
 * says what. Its network loses, repeats, delays and reorders by a seed. It speaks the real
 * protocol, so that the client half is tested down to its bytes; time is made of events.
 */
import { type Address, formatAddress } from "../../../src/base/address.ts";
import { assert, must } from "../../../src/base/assert.ts";
import { textOf } from "../../../src/base/bytes.ts";
import {
  type LogIndex,
  logIndex,
  type Millis,
  millis,
  type NodeId,
  nodeId,
  term,
} from "../../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import { Client } from "../../../src/client/client.ts";
import type { Request, Result, Ticket } from "../../../src/client/request.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import type { ClientRequest, ClientResponse, Outcome } from "../../../src/codec/client-message.ts";
import { decodeCommand } from "../../../src/codec/command.ts";
import { bodyBytesMax, openDatagram, sealDatagram } from "../../../src/codec/datagram.ts";
import type { DatagramKind } from "../../../src/codec/kinds.ts";
import { decodeRequestBatch } from "../../../src/codec/request-batch.ts";
import { packResponses } from "../../../src/codec/response-batch.ts";
import { decodeStatusRequest, encodeStatusResponse } from "../../../src/codec/status.ts";
import { Transfers } from "../../../src/codec/transfer.ts";
import type { Command } from "../../../src/kv/command.ts";
import type { SessionLimits } from "../../../src/kv/sessions.ts";
import { apply, emptyStore, read, type Store } from "../../../src/kv/store.ts";

export type Weather = {
  /** Of 100 datagrams. */
  readonly lost: number;
  readonly repeated: number;
  readonly delayMsMax: number;
};

export const fair: Weather = { lost: 0, repeated: 0, delayMsMax: 1 };

export type Manner =
  /** As it should: the leader commits, others redirect. */
  | { readonly kind: "normal" }
  /** Nothing arrives at it. `refusing`: and the client's machine is told so. */
  | { readonly kind: "down"; readonly port: "silent" | "refusing" }
  /** Answers everything with this: while it leads, or always where that is a refusal. */
  | { readonly kind: "says"; readonly outcome: Outcome };

type Node = {
  readonly id: NodeId;
  readonly address: Address;
  manner: Manner;
  /** Whom it thinks to be the leader. */
  believes: NodeId | null;
  transfers: Transfers<string>;
};

type Event = { readonly at: number; readonly order: number; readonly run: () => void };

type Entry = { readonly node: Node; readonly epoch: number; readonly command: Command };

const cluster = 77;
const clientAddress: Address = { host: "10.0.0.9", port: 9000 };
const commitMs = 3;

export class FakeCluster {
  now: Millis = millis(0);
  weather: Weather;
  readonly nodes: readonly Node[];
  readonly store: Store;
  readonly random: Random;
  readonly results = new Map<Ticket, Result>();
  readonly settledAt = new Map<Ticket, Millis>();
  /** How often a put had its effect, by value. */
  readonly effects = new Map<string, number>();
  /** Requests that arrived, by node, and registrations that were applied. */
  readonly arrivals = new Map<NodeId, number>();
  registrations = 0;
  bytesSent = 0;
  client: Client;
  readonly datagramBytesMax: number;
  #leader: Node | null = null;
  #epoch = 1;
  #index = 0;
  #order = 0;
  #events: Event[] = [];
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(options: {
    size: number;
    seed?: number;
    weather?: Weather;
    sessions?: SessionLimits;
    datagramBytesMax?: number;
    /** `loopback`: a network that never repeats a datagram, and the client half knows it. */
    network?: "loopback" | "far";
  }) {
    this.random = seededRandom(options.seed ?? 1);
    this.weather = options.weather ?? fair;
    this.store = emptyStore(options.sessions);
    this.datagramBytesMax = options.datagramBytesMax ?? 60_000;
    const net = options.network === "loopback" ? "127.0.0" : "10.0.0";
    this.nodes = Array.from({ length: options.size }, (_, at) => ({
      id: nodeId(at + 1),
      address: { host: `${net}.${at + 1}`, port: 7101 },
      manner: { kind: "normal" } as const,
      believes: null,
      transfers: this.#newTransfers(),
    }));
    this.client = this.newClient(options.sessions?.sessionWindow);
  }

  /** Another process: knows nothing of what the one before did. */
  newClient(sessionWindow?: number): Client {
    const options = {
      nodes: this.nodes.map(({ address }) => ({ id: null, address })),
      cluster,
      keys: noKeys,
      incarnation: this.random.below(2 ** 48),
      datagramBytesMax: this.datagramBytesMax,
      random: this.random,
      ...(sessionWindow === undefined ? {} : { sessionWindow }),
    };
    this.client = new Client(options, this.now);
    return this.client;
  }

  node(id: number): Node {
    return must(this.nodes[id - 1], "the node exists");
  }

  /** From now on `id` leads; `told` is who knows it (everybody, where it is left out). */
  elect(id: number | null, told: readonly number[] = this.nodes.map((node) => node.id)): void {
    this.#leader = id === null ? null : this.node(id);
    this.#epoch++;
    for (const one of told) this.node(one).believes = id === null ? null : nodeId(id);
  }

  submit(request: Partial<Request> & Pick<Request, "operation">, timeoutMs = 5_000): Ticket {
    const deadline = millis(this.now + timeoutMs);
    const defaults = { consistency: "linearizable", again: null, deadline } as const;
    const ticket = this.client.submit({ ...defaults, ...request }, this.now);
    this.#drain();
    return ticket;
  }

  submitStatus(id: number, timeoutMs: number): Ticket {
    const { address } = this.node(id);
    const deadline = millis(this.now + timeoutMs);
    const ticket = this.client.submitStatus({ address, deadline }, this.now);
    this.#drain();
    return ticket;
  }

  giveUp(): void {
    this.client.giveUp(this.now);
    this.#drain();
  }

  at(ms: number, run: () => void): void {
    this.#events.push({ at: this.now + ms, order: this.#order++, run });
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#nextEvent(end);
      const at = Math.min(next?.at ?? end, Math.max(this.#wakeAt, this.now));
      if (at > end || (next === null && this.#wakeAt > end)) break;
      this.now = millis(at);
      if (next !== null && next.at <= at) {
        this.#events.splice(this.#events.indexOf(next), 1);
        next.run();
      } else {
        this.client.elapse(this.now);
        this.#drain();
      }
    }
    this.now = millis(end);
  }

  #nextEvent(end: number): Event | null {
    let first: Event | null = null;
    for (const event of this.#events) {
      if (event.at > end) continue;
      const earlier = first === null || event.at < first.at;
      if (earlier || (event.at === first?.at && event.order < first.order)) first = event;
    }
    return first;
  }

  #drain(): void {
    const { client } = this;
    const { datagrams, settled, wakeAt } = client.take();
    for (const { ticket, result } of settled) {
      assert(!this.results.has(ticket), "a ticket is settled once");
      this.results.set(ticket, result);
      this.settledAt.set(ticket, this.now);
    }
    for (const { to, bytes } of datagrams) {
      this.bytesSent += bytes.length;
      this.#carry(() => this.#arrive(to, bytes));
    }
    // A deadline that has come is due at the next moment, so that time goes on whatever the client
    // says.
    this.#wakeAt = wakeAt <= this.now ? this.now + 0.1 : wakeAt;
  }

  #carry(deliver: () => void): void {
    const { lost, repeated, delayMsMax } = this.weather;
    const copies = this.random.below(100) < repeated ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.random.below(100) < lost) continue;
      this.at(0.05 + (this.random.below(1_000) / 1_000) * delayMsMax, deliver);
    }
  }

  #newTransfers(): Transfers<string> {
    const chunkBodyBytes = bodyBytesMax(this.datagramBytesMax);
    return new Transfers({ group: "client", chunkBodyBytes, random: this.random });
  }

  #arrive(to: Address, bytes: Uint8Array): void {
    const node = this.nodes.find((one) => one.address.host === to.host);
    if (node === undefined) return;
    if (node.manner.kind === "down") {
      if (node.manner.port === "silent") return;
      this.client.refused(null, this.now);
      this.#drain();
      return;
    }
    const opened = openDatagram(bytes, { cluster, me: node.id, keys: noKeys });
    assert(opened.kind === "opened", "the client seals what a node opens");
    this.#handle(node, opened.header.kind, opened.body);
    this.#sendTransfers(node);
  }

  #handle(node: Node, kind: DatagramKind, body: Uint8Array): void {
    const { now } = this;
    const from = formatAddress(clientAddress);
    if (kind === "client-chunk-ack") node.transfers.receiveAck({ from, body, now });
    else if (kind === "client-chunk") {
      const received = node.transfers.receiveChunk({ from, body, now });
      if (received.kind === "whole") this.#handle(node, received.inner, received.body);
    } else if (kind === "status-request") {
      const id = must(decodeStatusRequest(body), "a status request").id;
      const text = `(node ${node.id})`;
      this.#reply(node, "status-response", encodeStatusResponse({ id, text }));
    } else {
      const responses: ClientResponse[] = [];
      for (const request of must(decodeRequestBatch(body), "a batch")) {
        this.arrivals.set(node.id, (this.arrivals.get(node.id) ?? 0) + 1);
        const outcome = this.#outcomeOf(node, request);
        if (outcome !== null) responses.push({ id: request.id, outcome });
      }
      this.#respond(node, responses);
    }
  }

  /** The answer, or null where it comes later. */
  #outcomeOf(node: Node, { id, body }: ClientRequest): Outcome | null {
    const { manner } = node;
    const leads = node === this.#leader;
    if (manner.kind === "says" && (leads || manner.outcome.kind === "refused")) {
      return manner.outcome;
    }
    const isStale = body.kind === "read" && body.consistency === "stale";
    const forAnybody = isStale || (body.kind === "bounded-read" && this.#leader !== null);
    if (!leads && !forAnybody) {
      const address = node.believes === null ? null : this.node(node.believes).address;
      const text = address === null ? null : formatAddress(address);
      return { kind: "not-leader", leader: node.believes, address: text };
    }
    if (body.kind !== "write") {
      const index = logIndex(this.#index);
      const answer = { reply: read(this.store, body.operation, index), index, term: term(1) };
      return body.kind === "read"
        ? { kind: "replied", ...answer }
        : { kind: "dated", ...answer, ageMs: 0 };
    }
    const command = must(decodeCommand(body.command), "a command");
    const entry: Entry = { node, epoch: this.#epoch, command };
    this.at(commitMs, () => this.#decide(entry, id));
    return null;
  }

  /**
   * The entry's fate: committed and answered, or, where its leader is gone, committed or not by
   * chance.
   */
  #decide({ node, epoch, command }: Entry, id: number): void {
    const isUp = node.manner.kind !== "down";
    if (epoch !== this.#epoch || !isUp) {
      if (this.random.below(2) === 0) this.#apply(command);
      else if (isUp) this.#respond(node, [{ id, outcome: { kind: "superseded" } }]);
      return;
    }
    const outcome = this.#apply(command);
    this.#respond(node, [{ id, outcome }]);
  }

  #apply(command: Command): Outcome {
    const index: LogIndex = logIndex(++this.#index);
    const reply = apply(this.store, { index, time: this.now, command });
    if (command.kind === "register") this.registrations++;
    else if (
      command.kind === "request" &&
      command.operation.kind === "put" &&
      reply.kind === "written" &&
      reply.index === index
    ) {
      const value = textOf(command.operation.value) ?? "";
      this.effects.set(value, (this.effects.get(value) ?? 0) + 1);
    }
    return { kind: "replied", reply, index, term: term(1) };
  }

  #respond(node: Node, responses: readonly ClientResponse[]): void {
    const room = bodyBytesMax(this.datagramBytesMax);
    for (const body of packResponses(responses, room)) {
      if (body.length <= room) this.#reply(node, "response-batch", body);
      else {
        const to = formatAddress(clientAddress);
        node.transfers.offer({ to, kind: "response-batch", body });
      }
    }
    this.#sendTransfers(node);
  }

  #sendTransfers(node: Node): void {
    for (const { kind, body } of node.transfers.take(this.now)) this.#reply(node, kind, body);
    const deadline = node.transfers.nextDeadline();
    // Looked at again in any case, so a loss cannot end it.
    if (Number.isFinite(deadline)) this.at(20, () => this.#retransmit(node));
  }

  #retransmit(node: Node): void {
    for (const { kind, body } of node.transfers.take(this.now)) this.#reply(node, kind, body);
  }

  #reply(node: Node, kind: DatagramKind, body: Uint8Array): void {
    const bytes = sealDatagram({
      ...{ kind, cluster, sender: node.id, incarnation: 1, receiver: 0, body, keys: noKeys },
    });
    this.#carry(() => {
      if (node.manner.kind === "down") return;
      this.client.receive(bytes, node.address, this.now);
      this.#drain();
    });
  }
}
