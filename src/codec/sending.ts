/**
 * One body on its way in chunks. A window of them is unanswered at once; an ack lets the next one
 * go, so that the pace is the receiver's. A chunk that is not acknowledged in time is sent again,
 * alone, after a wait that doubles with every try.
 */
import { assert } from "../base/assert.ts";
import { crc32 } from "../base/checksum.ts";
import { earliest, later, type Millis, millis, never } from "../base/numbers.ts";
import { type ChunkAck, chunkCount, encodeChunk } from "./chunk.ts";
import type { DatagramKind } from "./kinds.ts";
import type { TransferCounters } from "./transfer.ts";

export const sendingTiming = {
  /** Until a chunk is sent again: at first, and once the round trip is known. */
  firstTimeoutMs: 200,
  timeoutMsMin: 50,
  timeoutMsMax: 500,
  /** A receiver that acknowledges nothing new for this long has gone. */
  silenceMsMax: 10_000,
  /** Nothing is worth sending for longer: who wants it asks again. */
  transferMsMax: 60_000,
} as const;

assert(
  sendingTiming.silenceMsMax >= 20 * sendingTiming.timeoutMsMax,
  "a chunk is tried twenty times before its receiver counts as gone",
);

/** "At once", as a deadline. */
const atOnce = millis(Number.NEGATIVE_INFINITY);

/** A chunk that was sent and not acknowledged. */
type Flight = { sentAt: Millis; dueAt: Millis; tries: number };

export type SendingOptions = {
  readonly transfer: number;
  readonly kind: DatagramKind;
  readonly body: Uint8Array;
  readonly stride: number;
  readonly window: number;
  readonly counters: TransferCounters;
};

export class Sending {
  readonly transfer: number;
  readonly body: Uint8Array;
  private readonly kind: DatagramKind;
  private readonly stride: number;
  private readonly window: number;
  private readonly counters: TransferCounters;
  private readonly checksum: number;
  private readonly count: number;
  /** Chunks below this have been sent; those of them that are not in flight have arrived. */
  private firstUnsent = 0;
  private readonly inFlight = new Map<number, Flight>();
  /** When the first chunk went: never, while it waits in line. */
  private startedAt: Millis = never;
  /** When something new was last acknowledged. */
  private heardAt: Millis = never;
  /** Smoothed; null until a chunk that was sent once is acknowledged. */
  private roundTripMs: number | null = null;

  constructor(options: SendingOptions) {
    this.transfer = options.transfer;
    this.body = options.body;
    this.kind = options.kind;
    this.stride = options.stride;
    this.window = options.window;
    this.counters = options.counters;
    this.checksum = crc32(options.body);
    this.count = chunkCount({ totalBytes: options.body.length, stride: options.stride });
  }

  /** The body of the next chunk to send now, or null. */
  next(now: Millis): Uint8Array | null {
    for (const [number, flight] of this.inFlight) {
      if (flight.dueAt > now) continue;
      flight.tries++;
      flight.sentAt = now;
      flight.dueAt = later(now, this.timeoutMs(flight.tries));
      this.counters.chunksResent++;
      return this.chunk(number);
    }
    if (this.room() === "none") return null;
    if (this.startedAt === never) {
      this.startedAt = now;
      this.heardAt = now;
    }
    const number = this.firstUnsent++;
    this.inFlight.set(number, { sentAt: now, dueAt: later(now, this.timeoutMs(1)), tries: 1 });
    this.counters.chunksSent++;
    return this.chunk(number);
  }

  acknowledge(ack: ChunkAck, now: Millis): "delivered" | "under-way" {
    if (ack.below >= this.count) return "delivered";
    for (const [number, flight] of this.inFlight) {
      if (number >= ack.below && !ack.others.includes(number)) continue;
      this.inFlight.delete(number);
      this.heardAt = now;
      if (flight.tries === 1) this.noteRoundTrip(now - flight.sentAt);
    }
    // The piece that completes the whole is acknowledged with the whole. All pieces without it: the
    // receiver has forgotten the first ones, in a restart. From the beginning, then.
    if (this.firstUnsent === this.count && this.inFlight.size === 0) this.firstUnsent = 0;
    return "under-way";
  }

  /** Whether to go on: the receiver is silent, or it has taken too long. */
  verdict(now: Millis): "go-on" | "silent" | "overdue" {
    if (this.startedAt === never) return "go-on";
    if (now - this.heardAt >= sendingTiming.silenceMsMax) return "silent";
    return now - this.startedAt >= sendingTiming.transferMsMax ? "overdue" : "go-on";
  }

  /** When `next` has something: a moment that may have passed. */
  deadline(): Millis {
    if (this.room() === "some") return atOnce;
    let deadline = never;
    for (const { dueAt } of this.inFlight.values()) deadline = earliest(deadline, dueAt);
    return deadline;
  }

  private room(): "some" | "none" {
    return this.firstUnsent < this.count && this.inFlight.size < this.window ? "some" : "none";
  }

  private chunk(number: number): Uint8Array {
    const { transfer, kind, body, checksum, stride } = this;
    const bytes = body.subarray(number * stride, (number + 1) * stride);
    return encodeChunk({
      transfer,
      kind,
      totalBytes: body.length,
      checksum,
      stride,
      number,
      bytes,
    });
  }

  private noteRoundTrip(sampleMs: number): void {
    const known = this.roundTripMs;
    this.roundTripMs = known === null ? sampleMs : (7 * known + sampleMs) / 8;
  }

  private timeoutMs(tries: number): number {
    const { firstTimeoutMs, timeoutMsMin, timeoutMsMax } = sendingTiming;
    const known = this.roundTripMs;
    const first = known === null ? firstTimeoutMs : Math.max(timeoutMsMin, 3 * known);
    return Math.min(timeoutMsMax, Math.ceil(first) * 2 ** (tries - 1));
  }
}
