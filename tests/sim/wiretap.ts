/**
 * Between the servers' sockets and the pretended network: counts what passes, by kind and bytes, and loses or delays
 * it as the MIT course's network does. Requests wait 0 to 26 ms and one in ten is lost, answers likewise; with "long
 * reordering" two of three answers come up to 2.2 s later. Ends can be taken off the network, or put on sides.
 */
import { type Address, formatAddress } from "../../src/base/address.ts";
import type { OutgoingDatagram } from "../../src/base/network.ts";
import { later } from "../../src/base/numbers.ts";
import type { Random } from "../../src/base/random.ts";
import { type DatagramKind, groupOfKind, kindOfCode } from "../../src/codec/kinds.ts";
import type { SimClock } from "../../src/sim/clock.ts";
import type { SimNetwork } from "../../src/sim/network.ts";

export type Reliability = "reliable" | "unreliable" | "unreliable-long-reordering";

/** Where a datagram says what it is (codec/datagram.ts). */
const kindAt = 7;

const answers: ReadonlySet<DatagramKind> = new Set([
  "pre-vote-response",
  "vote-response",
  "append-response",
  "heartbeat-response",
  "snapshot-response",
  "response-batch",
  "status-response",
]);

export const isAnswer = (kind: DatagramKind): "answer" | "request" =>
  answers.has(kind) ? "answer" : "request";

export class Wiretap {
  reliability: Reliability = "reliable";
  /** Ends that are off the network. */
  readonly off = new Set<string>();
  /** Ends that reach those of their own side only; who is on none reaches all. */
  sides = new Map<string, number>();
  /** The ends that were opened, in order. */
  readonly opened: string[] = [];
  onSend: (kind: DatagramKind, bytes: Uint8Array) => void = () => {};
  private readonly random: Random;
  private readonly clock: SimClock;
  private counted = new Map<DatagramKind, { datagrams: number; bytes: number }>();

  constructor(network: SimNetwork, clock: SimClock, random: Random) {
    this.clock = clock;
    this.random = random;
    const open = network.open.bind(network);
    network.open = (address, onDatagram) => {
      const socket = open(address, onDatagram);
      this.opened.push(formatAddress(address));
      return {
        ...socket,
        send: (datagrams) => {
          for (const datagram of datagrams) {
            this.pass(address, datagram, () => socket.send([datagram]));
          }
        },
      };
    };
  }

  /** What was sent since the last call. */
  takeCounts(): Traffic {
    const counts = this.counted;
    this.counted = new Map();
    return new Traffic(counts);
  }

  private pass(from: Address, { to, bytes }: OutgoingDatagram, send: () => void): void {
    const kind = kindOfCode(bytes[kindAt]!);
    if (kind === null) return;
    this.count(kind, bytes);
    if (this.isCut(formatAddress(from), formatAddress(to)) === "cut") return;
    const delayMs = this.delayOf(kind);
    if (delayMs === "lost") return;
    if (delayMs === 0) send();
    else this.clock.wake(later(this.clock.now(), delayMs), send);
  }

  private count(kind: DatagramKind, bytes: Uint8Array): void {
    this.onSend(kind, bytes);
    const counted = this.counted.get(kind) ?? { datagrams: 0, bytes: 0 };
    counted.datagrams += 1;
    counted.bytes += bytes.length;
    this.counted.set(kind, counted);
  }

  private isCut(from: string, to: string): "cut" | "open" {
    if (this.off.has(from) || this.off.has(to)) return "cut";
    const [a, b] = [this.sides.get(from), this.sides.get(to)];
    return a !== undefined && b !== undefined && a !== b ? "cut" : "open";
  }

  private delayOf(kind: DatagramKind): number | "lost" {
    if (this.reliability === "reliable") return 0;
    if (this.random.below(10) === 0) return "lost";
    const isLate = this.reliability === "unreliable-long-reordering" && this.random.below(3) > 0;
    if (isAnswer(kind) === "answer" && isLate) {
      return 200 + this.random.below(1 + this.random.below(2000));
    }
    return this.random.below(27);
  }
}

export class Traffic {
  private readonly counts: ReadonlyMap<DatagramKind, { datagrams: number; bytes: number }>;

  constructor(counts: ReadonlyMap<DatagramKind, { datagrams: number; bytes: number }>) {
    this.counts = counts;
  }

  /** One RPC of the course is a request and its answer: what servers ask each other. */
  get requests(): number {
    return this.sum(({ datagrams }, kind) => (isAnswer(kind) === "request" ? datagrams : 0));
  }

  get datagrams(): number {
    return this.sum(({ datagrams }) => datagrams);
  }

  get bytes(): number {
    return this.sum(({ bytes }) => bytes);
  }

  of(kind: DatagramKind): number {
    return this.counts.get(kind)?.datagrams ?? 0;
  }

  /** Between servers; what clients send and get is not counted. */
  private sum(
    value: (counted: { datagrams: number; bytes: number }, kind: DatagramKind) => number,
  ): number {
    let sum = 0;
    for (const [kind, counted] of this.counts) {
      if (groupOfKind(kind) === "peer") sum += value(counted, kind);
    }
    return sum;
  }
}
