/**
 * What is larger than a datagram travels in chunks that are acknowledged and sent again one by one.
 * One Transfers per endpoint and group sends and receives them; chunks of servers and of clients
 * are different kinds of datagram, sealed with different keys, and neither can carry what belongs
 * to the other.
 *
 * A whole arrives once and intact, or not at all, whatever is lost, repeated or overtaken; wholes
 * may overtake each other and what was sent beside them. The sender hears whether it arrived, never
 * whether it was acted on: answers are the business of what is inside. Restarts are harmless:
 * transfer numbers begin at random.
 *
 * Use: after any call, take() and send what it gives; call take() again when nextDeadline() has
 * come.
 */
import { earliest, type Millis } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { decodeChunk, decodeChunkAck } from "./chunk.ts";
import { ChunkReceiver, type ReceivedChunk } from "./chunk-receiver.ts";
import type { OfferResult } from "./chunk-sender.ts";
import { ChunkSender, type EndedTransfer, type OfferedTransfer } from "./chunk-sender.ts";
import type { DatagramKind, Group } from "./kinds.ts";

export type TransferCounters = {
  /** Transfers offered, acknowledged as a whole, and ended otherwise. */
  offered: number;
  delivered: number;
  gaveUp: number;
  chunksSent: number;
  chunksResent: number;
  acksSent: number;
  /** Transfers received as a whole; half-received ones forgotten. */
  received: number;
  expired: number;
  /** Chunks that had come before, were no chunks, or found no room. */
  duplicates: number;
  droppedMalformed: number;
  droppedNoRoom: number;
};

/** To be sealed and sent. The body is the caller's. */
export type TransferDatagram<To> = {
  readonly to: To;
  readonly kind: DatagramKind;
  readonly body: Uint8Array;
};

/** A body that came from somewhere. */
type Arrival<From> = { readonly from: From; readonly body: Uint8Array; readonly now: Millis };

/** `Place` names who is talked to: a node id, or an address as text. */
export class Transfers<Place extends string | number> {
  readonly counters: TransferCounters = {
    ...{ offered: 0, delivered: 0, gaveUp: 0, chunksSent: 0, chunksResent: 0, acksSent: 0 },
    ...{ received: 0, expired: 0, duplicates: 0, droppedMalformed: 0, droppedNoRoom: 0 },
  };
  private readonly group: Group;
  private readonly sender: ChunkSender<Place>;
  private readonly receiver: ChunkReceiver<Place>;

  /** `chunkBodyBytes` is what a datagram may carry: bodyBytesMax (datagram.ts). */
  constructor(options: {
    readonly group: Group;
    readonly chunkBodyBytes: number;
    readonly random: Random;
  }) {
    const { counters } = this;
    this.group = options.group;
    this.sender = new ChunkSender({ ...options, counters });
    this.receiver = new ChunkReceiver({ group: options.group, counters });
  }

  /** Puts a body in line. It is kept, not copied, until the transfer has ended. */
  offer(offered: OfferedTransfer<Place>): OfferResult {
    return this.sender.offer(offered);
  }

  /** Keeps nothing of `body`. */
  receiveChunk({ from, body, now }: Arrival<Place>): ReceivedChunk {
    const chunk = decodeChunk(body, this.group);
    if (chunk !== null) return this.receiver.receive(from, chunk, now);
    this.counters.droppedMalformed++;
    return { kind: "dropped", because: "malformed" };
  }

  receiveAck({ from, body, now }: Arrival<Place>): void {
    const ack = decodeChunkAck(body);
    if (ack === null) this.counters.droppedMalformed++;
    else this.sender.acknowledge(from, ack, now);
  }

  /**
   * What is to be sent now, acks first. A bounded number of chunks; more is due at once where more
   * waits.
   */
  take(now: Millis): readonly TransferDatagram<Place>[] {
    const datagrams: TransferDatagram<Place>[] = [];
    this.receiver.takeInto(datagrams, now);
    this.sender.takeInto(datagrams, now);
    return datagrams;
  }

  /** The transfers from here that ended since the last call. */
  takeEnded(): readonly EndedTransfer<Place>[] {
    return this.sender.takeEnded();
  }

  /** How many transfers to this place have not ended. */
  pendingTo(place: Place): number {
    return this.sender.pendingTo(place);
  }

  /** Ends everything that is on its way to this place. */
  abandon(place: Place): void {
    this.sender.abandon(place);
  }

  /** When take() has something to do: a moment that may have passed, or never. */
  nextDeadline(): Millis {
    return earliest(this.sender.nextDeadline(), this.receiver.nextDeadline());
  }
}
