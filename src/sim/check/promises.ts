/**
 * What servers say, held against what a power cut would leave of them at that instant (I12), against what they
 * said before (I11), and against the limits of a datagram (I24).
 */
import { must } from "../../base/assert.ts";
import type { OutgoingDatagram } from "../../base/network.ts";
import { logIndex, type NodeId, type Term } from "../../base/numbers.ts";
import type { Keys } from "../../codec/authentication.ts";
import { openDatagram } from "../../codec/datagram.ts";
import { type DatagramKind, groupOfKind, kindOfCode } from "../../codec/kinds.ts";
import { decodeMessage } from "../../codec/message.ts";
import { decodeResponseBatch } from "../../codec/response-batch.ts";
import type { AppendResponse, Message } from "../../raft/message.ts";
import type { SimServer } from "../server.ts";
import type { DurableImage } from "./image.ts";
import { Violation } from "./violation.ts";
import type { Witness } from "./witness.ts";

export type PromiseSettings = {
  readonly cluster: number;
  readonly keys: Keys;
  readonly datagramBytesMax: number;
  readonly numbers: "are-right" | "may-be-corrupted";
  readonly nodeAt: (port: number) => NodeId | null;
};

const saidWhileRepairing: ReadonlySet<DatagramKind> = new Set([
  "repair-request",
  "repair-response",
  "peer-chunk",
  "peer-chunk-ack",
  "status-response",
] as const);

const promisesNothing: ReadonlySet<DatagramKind> = new Set([
  "peer-chunk",
  "peer-chunk-ack",
  "store-hash",
  "repair-request",
  "repair-response",
] as const);

export class Promises {
  /** Answers to clients, by what they say. */
  readonly answers = new Map<string, number>();
  readonly counts = { peerDatagrams: 0, chunks: 0 };
  private readonly settings: PromiseSettings;
  private readonly witness: Witness;
  /** By server and term: for whom it voted. */
  private readonly ballots = new Map<string, NodeId>();

  constructor(settings: PromiseSettings, witness: Witness) {
    this.settings = settings;
    this.witness = witness;
  }

  check(server: SimServer, image: DurableImage, datagrams: readonly OutgoingDatagram[]): void {
    if (datagrams.length === 0) return;
    image.refresh();
    for (const datagram of datagrams) this.checkOne(server, image, datagram);
  }

  /** Who repairs its journal asks, answers those that ask the same, and promises nothing to anybody. */
  checkRepairer(server: SimServer, datagrams: readonly OutgoingDatagram[]): void {
    for (const { bytes } of datagrams) {
      const kind = kindOfCode(bytes[7] ?? 0);
      if (kind === null || saidWhileRepairing.has(kind)) continue;
      throw new Violation("I12", `n${server.id} repairs its journal, and says ${kind}`);
    }
  }

  private checkOne(server: SimServer, image: DurableImage, { to, bytes }: OutgoingDatagram): void {
    const { cluster, keys, datagramBytesMax, nodeAt } = this.settings;
    if (bytes.length > datagramBytesMax) {
      throw new Violation("I24", `n${server.id} sends ${bytes.length} bytes in one datagram`);
    }
    const me = nodeAt(to.port);
    const opened = openDatagram(bytes, { cluster, me, keys });
    if (opened.kind === "dropped") {
      // A number that was corrupted on the way from a server that is no member is answered where it came from.
      if (opened.because === "wrong-receiver" && this.settings.numbers === "may-be-corrupted")
        return;
      throw new Violation("I22", `n${server.id} sends what nobody can open: ${opened.because}`);
    }
    const { kind } = opened.header;
    if (kind === "peer-chunk" || kind === "client-chunk") this.counts.chunks += 1;
    if (kind === "response-batch") this.countAnswers(opened.body);
    if (me === null || groupOfKind(kind) === "client") return;
    this.counts.peerDatagrams += 1;
    if (promisesNothing.has(kind)) return;
    const message = must(
      decodeMessage(kind, opened.body, { from: server.id, to: me }),
      "what a server says to another is a message",
    );
    this.checkMessage(server, image, message);
  }

  private countAnswers(body: Uint8Array): void {
    for (const { outcome } of decodeResponseBatch(body) ?? []) {
      this.answers.set(outcome.kind, (this.answers.get(outcome.kind) ?? 0) + 1);
    }
  }

  private checkMessage(server: SimServer, image: DurableImage, message: Message): void {
    // Questions beforehand name a term that nobody is in yet.
    if (message.kind === "pre-vote-request") return;
    if (message.kind === "pre-vote-response" && message.answer === "granted") return;
    const { term, votedFor } = image.hardState;
    if (message.term > term) {
      const what = `n${server.id} says ${message.kind} in term ${message.term}`;
      throw new Violation("I12", `${what}, and its disk knows of term ${term}`);
    }
    if (message.kind === "vote-request") {
      this.witness.candidates.set(`${server.id}/${message.term}`, message.lastLog);
      this.checkBallot(server.id, message.term, server.id, votedFor);
    } else if (message.kind === "vote-response" && message.answer === "granted") {
      this.checkBallot(server.id, message.term, message.to, votedFor);
    } else if (message.kind === "append-response") this.checkMatched(server, image, message);
  }

  private checkBallot(id: NodeId, term: Term, choice: NodeId, onDisk: NodeId | null): void {
    const name = `${id}/${term}`;
    const earlier = this.ballots.get(name);
    if (earlier !== undefined && earlier !== choice) {
      throw new Violation("I11", `n${id} votes for n${earlier} and n${choice} in term ${term}`);
    }
    this.ballots.set(name, choice);
    if (onDisk === choice) return;
    throw new Violation(
      "I12",
      `n${id} votes for n${choice} in term ${term}, and its disk does not`,
    );
  }

  private checkMatched(server: SimServer, image: DurableImage, message: AppendResponse): void {
    if (message.answer.kind !== "matched") return;
    const { index } = message.answer;
    // What its log has forgotten since is committed.
    const held =
      server.replica?.state.log.termAt(logIndex(index)) ?? this.witness.termAt(index) ?? null;
    if (index === 0 || image.termAt(index) === held) return;
    const what = `n${server.id} says that it has entry ${index} of term ${held}`;
    throw new Violation("I12", `${what}, and its disk has ${image.termAt(index) ?? "none"}`);
  }
}
