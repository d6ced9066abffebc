/**
 * The client half on a real socket: requests in, results out. Requests that are submitted in one turn of the
 * event loop share datagrams, so a thousand callers cost little more than one.
 */
import { type Address, isLoopback } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { later, type Millis, type NodeId, never } from "../base/numbers.ts";
import { Client } from "../client/client.ts";
import type { NodeReport, Request, Result, Ticket } from "../client/request.ts";
import type { Keys } from "../codec/authentication.ts";
import { systemRandom, uniqueNumber } from "./chance.ts";
import { systemClock } from "./clock.ts";
import { addressesIn } from "./cluster-status.ts";
import { openSocket, type Socket } from "./socket.ts";

export type ClientTarget = {
  /** At least one, each with a numeric host. */
  readonly nodes: readonly { readonly id: NodeId | null; readonly address: Address }[];
  /** 0: not known. */
  readonly cluster: number;
  readonly keys: Keys;
  readonly datagramBytesMax: number;
};

/** While requests are made, a node is asked this often who the members are. */
const members = { refreshMs: 1000, answerMs: 500 } as const;

type OnResult = (result: Result) => void;

export class ClusterClient {
  private readonly half: Client;
  private readonly socket: Socket;
  private readonly clock: Clock = systemClock;
  private readonly waiting = new Map<Ticket, OnResult>();
  private turn: "due" | "not-due" = "not-due";
  private timerAt: Millis = never;
  private cancelTimer: (() => void) | null = null;
  private state: "open" | "closed" = "open";
  private refreshAt: Millis;

  private constructor(half: Client, socket: Socket) {
    this.half = half;
    this.socket = socket;
    this.refreshAt = later(this.now, members.refreshMs);
  }

  static async open(target: ClientTarget): Promise<ClusterClient> {
    const { nodes, cluster, keys, datagramBytesMax } = target;
    const options = {
      ...{ nodes, cluster, keys, datagramBytesMax },
      incarnation: uniqueNumber(),
      random: systemRandom(),
    };
    const half = new Client(options, systemClock.now());
    const socket = await openSocket(localAddress(nodes), {
      onDatagram: (from, bytes) => client.hear(from, bytes),
      onRefused: () => client.hearRefusal(),
    });
    const client = new ClusterClient(half, socket);
    return client;
  }

  get now(): Millis {
    return this.clock.now();
  }

  /** `onResult` is called once, at the request's deadline at the latest. */
  submit(request: Request, onResult: OnResult): void {
    const { now } = this;
    this.waiting.set(this.half.submit(request, now), onResult);
    if (now >= this.refreshAt) this.refresh(now);
    this.arrange();
  }

  /** Nodes come and go: a client that knows only the first would be alone when they are gone. */
  private refresh(now: Millis): void {
    this.refreshAt = later(now, members.refreshMs);
    const { target } = this.half;
    const deadline = later(now, members.answerMs);
    this.waiting.set(this.half.submitStatus({ address: target, deadline }, now), (result) => {
      if (result.kind === "status") this.half.learn(addressesIn(result.text));
    });
  }

  ask(request: Request): Promise<Result> {
    return new Promise((resolve) => this.submit(request, resolve));
  }

  /** Asks one node for its state. */
  askStatus(address: Address, deadline: Millis): Promise<Result> {
    return new Promise((resolve) => {
      this.waiting.set(this.half.submitStatus({ address, deadline }, this.now), resolve);
      this.arrange();
    });
  }

  /** Ends everything under way as if its deadline had come. */
  giveUp(): void {
    this.half.giveUp(this.now);
    this.speak();
  }

  report(): readonly NodeReport[] {
    return this.half.report(this.now);
  }

  counters(): ReturnType<Client["counters"]> {
    return this.half.counters();
  }

  close(): void {
    this.state = "closed";
    this.cancelTimer?.();
    this.socket.close();
  }

  private hear(from: Address, bytes: Uint8Array): void {
    this.half.receive(bytes, from, this.now);
    this.arrange();
  }

  private hearRefusal(): void {
    this.half.refused(null, this.now);
    this.arrange();
  }

  private arrange(): void {
    if (this.turn === "due" || this.state === "closed") return;
    this.turn = "due";
    setImmediate(() => {
      this.turn = "not-due";
      if (this.state === "open") this.speak();
    });
  }

  private speak(): void {
    const { datagrams, settled, wakeAt } = this.half.take();
    this.socket.send(datagrams);
    for (const { ticket, result } of settled) {
      const onResult = this.waiting.get(ticket);
      this.waiting.delete(ticket);
      onResult?.(result);
    }
    this.wakeAt(wakeAt);
  }

  private wakeAt(moment: Millis): void {
    if (this.timerAt <= moment) return;
    this.cancelTimer?.();
    this.timerAt = moment;
    this.cancelTimer = this.clock.wake(moment, () => {
      this.timerAt = never;
      this.half.elapse(this.now);
      this.arrange();
    });
  }
}

/** Loopback stays on loopback; else any address of this machine. */
export function localAddress(nodes: ClientTarget["nodes"]): Address {
  if (nodes.every(({ address }) => isLoopback(address.host))) {
    const isV6 = nodes.some(({ address }) => address.host === "::1");
    return { host: isV6 ? "::1" : "127.0.0.1", port: 0 };
  }
  return {
    host: nodes.some(({ address }) => address.host.includes(":")) ? "::" : "0.0.0.0",
    port: 0,
  };
}
