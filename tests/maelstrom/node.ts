/**
 * One node under Maelstrom: a whole server (replica, journal, files, the driver that runs them in production) and a
 * client half beside it, which takes the requests of Maelstrom's clients to whichever node leads. What would travel
 * over UDP travels in messages of Maelstrom's network instead, which delays them and loses them in partitions.
 *
 * Node i of the sorted names has the id i + 1. A datagram's address says whose it is: port i + 1 is the server's,
 * port 1000 + i + 1 its client half's.
 *
 *   {"type": "datagram", "from": 2, "to": 1001, "bytes": "<base64>"}
 */
import type { Address } from "../../src/base/address.ts";
import { must } from "../../src/base/assert.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/checksum.ts";
import type { OutgoingDatagram } from "../../src/base/network.ts";
import { later, type Millis, never, nodeId } from "../../src/base/numbers.ts";
import { Client } from "../../src/client/client.ts";
import type { Result, Ticket } from "../../src/client/request.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import { openJournal } from "../../src/journal/open.ts";
import type { Operation } from "../../src/kv/command.ts";
import type { Timing } from "../../src/raft/state.ts";
import { Replica } from "../../src/replica/replica.ts";
import { systemRandom, uniqueNumber } from "../../src/runtime/chance.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FileDisk } from "../../src/runtime/disk.ts";
import { Driver } from "../../src/runtime/driver.ts";
import type { JsonObject } from "./protocol.ts";
import { answerTo, askedBy } from "./workload.ts";

/** Shorter than in production, so that a run of seconds sees many elections. */
const timing: Timing = { heartbeatMs: 40, electionMsMin: 400, electionMsMax: 800 };

const limits = {
  datagramBytesMax: 60_000,
  /** Maelstrom's clients wait a second or longer; an answer must come before. */
  answerMs: 800,
  nodesMax: 999,
} as const;

const clientPorts = 1000;
const host = "127.0.0.1";

export type NodeParts = {
  readonly name: string;
  readonly names: readonly string[];
  /** For its journal. */
  readonly folder: string;
  readonly send: (to: string, body: JsonObject) => void;
  readonly note: (sentence: string) => void;
  readonly stopped: (error: unknown) => void;
};

export class MaelstromNode {
  private readonly parts: NodeParts;
  private readonly names: readonly string[];
  /** Its place among the names, from 1. */
  private readonly number: number;
  private readonly driver: Driver;
  private readonly half: Client;
  private readonly waiting = new Map<Ticket, (result: Result) => void>();
  private timerAt: Millis = never;
  private cancelTimer: () => void = () => {};

  constructor(parts: NodeParts) {
    this.parts = parts;
    this.names = [...new Set(parts.names)].sort();
    this.number = this.names.indexOf(parts.name) + 1;
    must(
      this.number > 0 && this.names.length <= limits.nodesMax ? "fits" : null,
      "its name is given",
    );
    const cluster = 1 + crc32(utf8(this.names.join("\n")));
    this.driver = this.startServer(cluster);
    const nodes = this.names.map((_, at) => ({ id: nodeId(at + 1), address: serverOf(at + 1) }));
    const { datagramBytesMax } = limits;
    const options = { nodes, cluster, keys: noKeys, incarnation: uniqueNumber(), datagramBytesMax };
    this.half = new Client({ ...options, random: systemRandom() }, systemClock.now());
  }

  /** A message that is not `init`. Its answer, where it has one, is sent when it is known. */
  hear(src: string, body: JsonObject): void {
    if (body["type"] === "datagram") return this.hearDatagram(src, body);
    const asked = askedBy(body);
    if (asked.kind === "answer") return this.answer(src, body, asked.body);
    const { operation } = asked;
    this.ask(operation, (result) => this.answer(src, body, answerTo(operation, result)));
  }

  stop(): void {
    this.driver.stop();
    this.cancelTimer();
  }

  private startServer(cluster: number): Driver {
    const { folder, note, stopped } = this.parts;
    const ids = this.names.map((_, at) => nodeId(at + 1));
    const me = nodeId(this.number);
    const disk = new FileDisk(folder, (synced) => driver.push(synced));
    const { journal, recovered } = openJournal({
      disk,
      node: me,
      cluster,
      create: {
        incarnation: uniqueNumber(),
        configuration: { voters: ids, outgoing: [], learners: [] },
      },
    });
    const settings = {
      ...{ me, timing, keys: noKeys, datagramBytesMax: limits.datagramBytesMax },
      ...recovered.identity,
      addresses: new Map(ids.map((id) => [id, serverOf(id)])),
      preVote: "with-pre-vote" as const,
    };
    const [random, now] = [systemRandom(), systemClock.now()];
    const replica = new Replica({ settings, journal, recovered, random, now });
    const send = (datagrams: readonly OutgoingDatagram[]): void =>
      this.carry(this.number, datagrams);
    const driver = new Driver({ replica, clock: systemClock, disk, send, note, stopped });
    return driver;
  }

  private ask(operation: Operation, onResult: (result: Result) => void): void {
    const now = systemClock.now();
    const deadline = later(now, limits.answerMs);
    const request = { operation, consistency: "linearizable", deadline, again: null } as const;
    this.waiting.set(this.half.submit(request, now), onResult);
    this.speak();
  }

  private answer(to: string, request: JsonObject, body: JsonObject): void {
    const id = request["msg_id"];
    if (id !== undefined) this.parts.send(to, { ...body, in_reply_to: id });
  }

  /** Ports say who is meant, names who speaks: a name that does not fit its port is not believed. */
  private hearDatagram(src: string, { from, to, bytes }: JsonObject): void {
    if (typeof from !== "number" || typeof to !== "number" || typeof bytes !== "string") return;
    if (this.nameAt(from) !== src) return;
    this.deliver(from, to, new Uint8Array(Buffer.from(bytes, "base64")));
  }

  private deliver(from: number, to: number, bytes: Uint8Array): void {
    const address = addressOf(from);
    if (to === this.number) return this.driver.hear(address, bytes);
    if (to !== clientPorts + this.number) return;
    this.half.receive(bytes, address, systemClock.now());
    this.speak();
  }

  /** To itself by hand, to others by Maelstrom's network. */
  private carry(from: number, datagrams: readonly OutgoingDatagram[]): void {
    for (const { to, bytes } of datagrams) {
      const name = this.nameAt(to.port);
      if (name === this.parts.name) {
        const own = bytes.slice();
        queueMicrotask(() => this.deliver(from, to.port, own));
      } else if (name !== null) {
        const text = Buffer.from(bytes).toString("base64");
        this.parts.send(name, { type: "datagram", from, to: to.port, bytes: text });
      }
    }
  }

  private nameAt(port: number): string | null {
    return this.names[(port % clientPorts) - 1] ?? null;
  }

  private speak(): void {
    const { datagrams, settled, wakeAt } = this.half.take();
    this.carry(clientPorts + this.number, datagrams);
    for (const { ticket, result } of settled) {
      const onResult = this.waiting.get(ticket);
      this.waiting.delete(ticket);
      onResult?.(result);
    }
    if (this.timerAt <= wakeAt) return;
    this.cancelTimer();
    this.timerAt = wakeAt;
    this.cancelTimer = systemClock.wake(wakeAt, () => {
      this.timerAt = never;
      this.half.elapse(systemClock.now());
      this.speak();
    });
  }
}

const addressOf = (port: number): Address => ({ host, port });
const serverOf = (number: number): Address => addressOf(number);
