/**
 * A watch on a real socket of its own: what arrives is handed over when it is asked for, and as long as nobody asks,
 * no more is sent than there is room for.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { type LogIndex, later, type Millis, never } from "../base/numbers.ts";
import type { NodeReport } from "../client/request.ts";
import { type Compacted, Watcher } from "../client/watcher.ts";
import type { WatchEvent } from "../codec/watch.ts";
import { systemRandom, uniqueNumber } from "./chance.ts";
import { type ClientTarget, localAddress } from "./client.ts";
import { systemClock } from "./clock.ts";
import { openSocket, type Socket } from "./socket.ts";

export type WatchWish = { readonly prefix: string; readonly from: LogIndex };

export type Delivery =
  /** All that has changed in the entries before `next`, since the last delivery; `events` may be empty. */
  | { readonly kind: "events"; readonly events: readonly WatchEvent[]; readonly next: LogIndex }
  | Compacted
  /** For so long as was said, nothing was heard of any node. */
  | { readonly kind: "silence"; readonly nodes: readonly NodeReport[] }
  | { readonly kind: "closed" };

export class WatchStream {
  private readonly half: Watcher;
  private readonly socket: Socket;
  private readonly clock: Clock = systemClock;
  /** Where the last delivery ended. */
  private delivered: LogIndex;
  private heardAt: Millis = systemClock.now();
  private waiting: { readonly resolve: (delivery: Delivery) => void; silentMs: number } | null =
    null;
  private state: "open" | "closed" = "open";
  private turn: "due" | "not-due" = "not-due";
  private cancelTimer: (() => void) | null = null;

  private constructor(half: Watcher, socket: Socket, from: LogIndex) {
    this.half = half;
    this.socket = socket;
    this.delivered = from;
  }

  static async open(target: ClientTarget, { prefix, from }: WatchWish): Promise<WatchStream> {
    const { nodes, cluster, keys, datagramBytesMax } = target;
    const options = {
      ...{ nodes, cluster, keys, datagramBytesMax, prefix, from },
      incarnation: uniqueNumber(),
      random: systemRandom(),
    };
    const half = new Watcher(options, systemClock.now());
    const socket = await openSocket(localAddress(nodes), {
      onDatagram: (from, bytes) => stream.hear(from, bytes),
      onRefused: () => {
        half.refused(null, systemClock.now());
        stream.arrange();
      },
    });
    const stream = new WatchStream(half, socket, from);
    stream.arrange();
    return stream;
  }

  get counters(): Watcher["counters"] {
    return this.half.counters;
  }

  /** The last entry that the node could tell of when it last spoke. */
  get head(): LogIndex | null {
    return this.half.head;
  }

  /** The next delivery, as soon as there is one. One caller at a time. */
  next(silentMs: number): Promise<Delivery> {
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    this.waiting = { resolve, silentMs };
    this.deliver();
    this.arrange();
    return promise;
  }

  close(): void {
    if (this.state === "closed") return;
    this.socket.send(this.half.close(this.clock.now()));
    this.state = "closed";
    this.cancelTimer?.();
    this.socket.close();
    this.deliver();
  }

  private hear(from: Address, bytes: Uint8Array): void {
    this.heardAt = this.clock.now();
    this.half.receive(bytes, from, this.heardAt);
    this.deliver();
    this.arrange();
  }

  private deliver(): void {
    const { waiting } = this;
    const delivery = waiting === null ? null : this.nextDelivery(waiting.silentMs);
    if (waiting === null || delivery === null) return;
    this.waiting = null;
    waiting.resolve(delivery);
  }

  private nextDelivery(silentMs: number): Delivery | null {
    const { half } = this;
    if (half.next > this.delivered) {
      this.delivered = half.next;
      return { kind: "events", events: half.events(), next: half.next };
    }
    if (half.ended !== null) return half.ended;
    if (this.state === "closed") return { kind: "closed" };
    const now = this.clock.now();
    if (now < later(this.heardAt, silentMs)) return null;
    // Said once, and again only after as long once more.
    this.heardAt = now;
    return { kind: "silence", nodes: half.report(now) };
  }

  /** Answers to what arrived in one turn of the event loop share a datagram. */
  private arrange(): void {
    if (this.turn === "due" || this.state === "closed") return;
    this.turn = "due";
    setImmediate(() => {
      this.turn = "not-due";
      if (this.state === "open") this.speak();
    });
  }

  private speak(): void {
    const { datagrams, wakeAt } = this.half.take();
    this.socket.send(datagrams);
    this.cancelTimer?.();
    const silentAt = this.waiting === null ? never : later(this.heardAt, this.waiting.silentMs);
    const at = Math.min(wakeAt, silentAt) as Millis;
    this.cancelTimer = at === never ? null : this.clock.wake(at, () => this.wake());
  }

  private wake(): void {
    this.half.elapse(this.clock.now());
    this.deliver();
    this.arrange();
  }
}
