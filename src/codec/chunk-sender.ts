/**
 * The sending half of transfers: who is served next. To every destination one transfer is under way
 * and the others wait in line; the destinations take turns, chunk by chunk.
 */
import { assert } from "../base/assert.ts";
import { earliest, limits, type Millis, never } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import {
  type ChunkAck,
  chunkHeadBytesMax,
  chunkKinds,
  chunkLimits,
  isTransferable,
} from "./chunk.ts";
import type { DatagramKind, Group } from "./kinds.ts";
import { Sending } from "./sending.ts";
import type { TransferCounters, TransferDatagram } from "./transfer.ts";

export const senderLimits = {
  /** Chunks, and bytes of chunks, unanswered at once by one destination. */
  windowChunks: 16,
  windowBytes: 192 << 10,
  /** Chunks sent by one call of takeInto, to all together. */
  burstChunks: 64,
  /** Not ended, to one destination and to all. */
  transfersPerDestinationMax: 16,
  bytesPerDestinationMax: 8 << 20,
  bytesMax: 64 << 20,
} as const;

export type TransferEnd = "delivered" | "gave-up" | "abandoned";

export type EndedTransfer<To> = {
  readonly transfer: number;
  readonly to: To;
  readonly end: TransferEnd;
};

export type OfferedTransfer<To> = {
  readonly to: To;
  readonly kind: DatagramKind;
  /** Kept until the transfer has ended; must not be changed. */
  readonly body: Uint8Array;
};

export type OfferResult =
  | { readonly kind: "queued"; readonly transfer: number }
  | { readonly kind: "refused"; readonly because: "too-large" | "queue-full" };

/** The transfers to one destination, the first under way. Never empty while it is kept. */
type Lane = { readonly line: Sending[]; bytes: number };

export class ChunkSender<To extends string | number> {
  private readonly group: Group;
  private readonly stride: number;
  private readonly window: number;
  private readonly counters: TransferCounters;
  private readonly lanes = new Map<To, Lane>();
  private ended: EndedTransfer<To>[] = [];
  private bytes = 0;
  private nextTransfer: number;
  /** Moves on by every chunk sent, so that a burst begins where the last one ended. */
  private turn = 0;

  constructor(options: {
    readonly group: Group;
    readonly chunkBodyBytes: number;
    readonly random: Random;
    readonly counters: TransferCounters;
  }) {
    const stride = options.chunkBodyBytes - chunkHeadBytesMax;
    assert(
      stride * chunkLimits.chunksMax >= chunkLimits.wholeBytesMax,
      "chunks are large enough for the largest whole",
    );
    const fitting = Math.floor(senderLimits.windowBytes / stride);
    this.group = options.group;
    this.stride = stride;
    this.window = Math.max(2, Math.min(senderLimits.windowChunks, fitting));
    this.counters = options.counters;
    this.nextTransfer = options.random.below(limits.counterMax);
  }

  offer({ to, kind, body }: OfferedTransfer<To>): OfferResult {
    assert(isTransferable(kind, this.group), "a transfer is of its group, and no chunk itself");
    assert(body.length > 0, "there is something to transfer");
    if (body.length > chunkLimits.wholeBytesMax) return { kind: "refused", because: "too-large" };
    const lane = this.lanes.get(to) ?? { line: [], bytes: 0 };
    const full =
      lane.line.length >= senderLimits.transfersPerDestinationMax ||
      lane.bytes + body.length > senderLimits.bytesPerDestinationMax ||
      this.bytes + body.length > senderLimits.bytesMax;
    if (full) return { kind: "refused", because: "queue-full" };
    const transfer = this.nextTransfer;
    this.nextTransfer = (transfer + 1) % limits.counterMax;
    const { stride, window, counters } = this;
    lane.line.push(new Sending({ transfer, kind, body, stride, window, counters }));
    lane.bytes += body.length;
    this.bytes += body.length;
    this.lanes.set(to, lane);
    this.counters.offered++;
    return { kind: "queued", transfer };
  }

  /** How many transfers to this destination have not ended. */
  pendingTo(to: To): number {
    return this.lanes.get(to)?.line.length ?? 0;
  }

  /** Ends everything that is on its way to a destination. */
  abandon(to: To): void {
    const lane = this.lanes.get(to);
    if (lane !== undefined) this.endAll(to, lane, "abandoned");
  }

  acknowledge(from: To, ack: ChunkAck, now: Millis): void {
    const lane = this.lanes.get(from);
    const first = lane?.line[0];
    if (lane === undefined || first?.transfer !== ack.transfer) return;
    if (first.acknowledge(ack, now) === "delivered") this.endFirst(from, lane, "delivered");
  }

  /** Adds the chunks that are to be sent now. */
  takeInto(datagrams: TransferDatagram<To>[], now: Millis): void {
    if (this.lanes.size === 0) return;
    for (const [to, lane] of this.lanes) this.giveUpOn(to, lane, now);
    const order = [...this.lanes];
    const start = this.turn % order.length;
    let budget: number = senderLimits.burstChunks;
    for (let sent = 1; sent > 0 && budget > 0; budget -= sent) {
      sent = 0;
      for (let at = 0; at < order.length && sent < budget; at++) {
        const [to, lane] = order[(start + at) % order.length]!;
        const body = lane.line[0]!.next(now);
        if (body === null) continue;
        datagrams.push({ to, kind: chunkKinds[this.group], body });
        this.turn++;
        sent++;
      }
    }
  }

  takeEnded(): readonly EndedTransfer<To>[] {
    const { ended } = this;
    if (ended.length > 0) this.ended = [];
    return ended;
  }

  /** When takeInto has something to do: a moment that may have passed, or never. */
  nextDeadline(): Millis {
    let deadline = never;
    for (const { line } of this.lanes.values()) {
      deadline = earliest(deadline, line[0]!.deadline());
    }
    return deadline;
  }

  /** A silent destination gets nothing more: what waits in line for it has no better chance. */
  private giveUpOn(to: To, lane: Lane, now: Millis): void {
    const verdict = lane.line[0]!.verdict(now);
    if (verdict === "silent") this.endAll(to, lane, "gave-up");
    else if (verdict === "overdue") this.endFirst(to, lane, "gave-up");
  }

  private endAll(to: To, lane: Lane, end: TransferEnd): void {
    while (lane.line.length > 0) this.endFirst(to, lane, end);
  }

  private endFirst(to: To, lane: Lane, end: TransferEnd): void {
    const first = lane.line.shift();
    assert(first !== undefined, "what ends has begun");
    lane.bytes -= first.body.length;
    this.bytes -= first.body.length;
    if (lane.line.length === 0) this.lanes.delete(to);
    this.ended.push({ transfer: first.transfer, to, end });
    if (end === "delivered") this.counters.delivered++;
    else this.counters.gaveUp++;
  }
}
