/**
 * The receiving half of transfers: puts pieces together, says which have arrived, and remembers for
 * a while what is complete, so that a piece that comes again is acknowledged and not delivered
 * again. A sender that begins much and ends nothing costs a bounded amount of memory, its own
 * transfers first.
 */
import { assert } from "../base/assert.ts";
import { later, type Millis, millis, never } from "../base/numbers.ts";
import { Assembly } from "./assembly.ts";
import { type Chunk, type ChunkAck, chunkAckKinds, chunkLimits, encodeChunkAck } from "./chunk.ts";
import type { DatagramKind, Group } from "./kinds.ts";
import type { TransferCounters, TransferDatagram } from "./transfer.ts";

export const receiverLimits = {
  /** Half-received, from one sender and from all. */
  transfersPerSenderMax: 4,
  bytesPerSenderMax: 4 << 20,
  transfersMax: 256,
  bytesMax: 64 << 20,
  /** Senders of which anything is remembered, and complete transfers remembered of each. */
  sendersMax: 1024,
  completePerSenderMax: 256,
} as const;

export const receiverTiming = {
  /**
   * A transfer that gets no new piece for this long is forgotten: its sender has given up by then.
   */
  idleMsMax: 15_000,
  /**
   * Where there is no room, one that got no new piece for this long makes room for another
   * sender's.
   */
  yieldMs: 1_000,
  /** How long a complete transfer is remembered. */
  completeMs: 30_000,
  /** How often it is looked what can be forgotten. */
  sweepMs: 5_000,
} as const;

assert(
  receiverLimits.bytesPerSenderMax >= 2 * chunkLimits.wholeBytesMax,
  "the largest whole has room beside one that its sender has given up",
);
assert(
  receiverLimits.sendersMax > receiverLimits.transfersMax,
  "there is always a sender with nothing half-received, to be forgotten for a new one",
);

export type ReceivedChunk =
  /** The last piece of a whole. `body` is new, and the caller's. */
  | { readonly kind: "whole"; readonly inner: DatagramKind; readonly body: Uint8Array }
  /** Noted, and to be acknowledged; nothing to deliver now. */
  | { readonly kind: "noted" }
  | {
      readonly kind: "dropped";
      readonly because: "malformed" | "contradiction" | "no-room" | "wrong-checksum";
    };

type Complete = { readonly count: number; readonly at: Millis };

type Sender = {
  readonly assemblies: Map<number, Assembly>;
  /** In the order of completion. */
  readonly complete: Map<number, Complete>;
  readonly acksDue: Set<number>;
  bytes: number;
  heardAt: Millis;
};

const noted: ReceivedChunk = { kind: "noted" };

export class ChunkReceiver<From extends string | number> {
  private readonly group: Group;
  private readonly counters: TransferCounters;
  private readonly senders = new Map<From, Sender>();
  private readonly acksDueTo = new Set<From>();
  private transfers = 0;
  private bytes = 0;
  private sweepAt: Millis = never;

  constructor(options: { readonly group: Group; readonly counters: TransferCounters }) {
    this.group = options.group;
    this.counters = options.counters;
  }

  receive(from: From, chunk: Chunk, now: Millis): ReceivedChunk {
    const sender = this.senderOf(from, now);
    sender.heardAt = now;
    if (sender.complete.has(chunk.transfer)) {
      this.counters.duplicates++;
      this.ackLater(from, sender, chunk.transfer);
      return noted;
    }
    const assembly = sender.assemblies.get(chunk.transfer) ?? this.begin(sender, chunk, now);
    if (assembly === null) {
      this.counters.droppedNoRoom++;
      return { kind: "dropped", because: "no-room" };
    }
    const put = assembly.put(chunk, now);
    if (put === "contradiction") return this.dropMalformed(put);
    if (put === "had-it") this.counters.duplicates++;
    this.ackLater(from, sender, chunk.transfer);
    const state = assembly.state();
    if (state === "partial") return noted;
    this.forget(sender, assembly);
    if (state === "wrong-checksum") return this.dropMalformed(state);
    remember(sender, assembly, now);
    this.counters.received++;
    return { kind: "whole", inner: assembly.kind, body: assembly.bytes };
  }

  /** Adds the acks that are due. They go at once: nothing is gained by keeping a sender waiting. */
  takeInto(datagrams: TransferDatagram<From>[], now: Millis): void {
    if (now >= this.sweepAt) this.sweep(now);
    if (this.acksDueTo.size === 0) return;
    const kind = chunkAckKinds[this.group];
    for (const to of this.acksDueTo) {
      const sender = this.senders.get(to);
      if (sender === undefined) continue;
      for (const transfer of sender.acksDue) {
        const ack = ackOf(sender, transfer);
        if (ack === null) continue;
        datagrams.push({ to, kind, body: encodeChunkAck(ack) });
        this.counters.acksSent++;
      }
      sender.acksDue.clear();
    }
    this.acksDueTo.clear();
  }

  /** When takeInto has something to do: a moment that may have passed, or never. */
  nextDeadline(): Millis {
    return this.acksDueTo.size > 0 ? millis(Number.NEGATIVE_INFINITY) : this.sweepAt;
  }

  private dropMalformed(because: "contradiction" | "wrong-checksum"): ReceivedChunk {
    this.counters.droppedMalformed++;
    return { kind: "dropped", because };
  }

  private senderOf(from: From, now: Millis): Sender {
    const known = this.senders.get(from);
    if (known !== undefined) return known;
    if (this.senders.size >= receiverLimits.sendersMax) this.forgetASender();
    const sender: Sender = {
      assemblies: new Map(),
      complete: new Map(),
      acksDue: new Set(),
      bytes: 0,
      heardAt: now,
    };
    this.senders.set(from, sender);
    if (this.sweepAt === never) this.sweepAt = later(now, receiverTiming.sweepMs);
    return sender;
  }

  /** The one that was silent longest, of those with nothing half-received. */
  private forgetASender(): void {
    let silent: From | null = null;
    let heardAt = never;
    for (const [from, sender] of this.senders) {
      if (sender.assemblies.size > 0 || sender.heardAt >= heardAt) continue;
      silent = from;
      heardAt = sender.heardAt;
    }
    assert(silent !== null, "there are more senders than half-received transfers");
    this.senders.delete(silent);
  }

  private begin(sender: Sender, chunk: Chunk, now: Millis): Assembly | null {
    const { transfersPerSenderMax, bytesPerSenderMax, transfersMax, bytesMax } = receiverLimits;
    const { totalBytes } = chunk;
    while (
      sender.assemblies.size >= transfersPerSenderMax ||
      sender.bytes + totalBytes > bytesPerSenderMax
    ) {
      this.expire(sender, stalestOf(sender));
    }
    while (this.transfers >= transfersMax || this.bytes + totalBytes > bytesMax) {
      if (this.expireAStale(now) === "none") return null;
    }
    const assembly = new Assembly(chunk, now);
    sender.assemblies.set(chunk.transfer, assembly);
    sender.bytes += totalBytes;
    this.bytes += totalBytes;
    this.transfers++;
    return assembly;
  }

  private expireAStale(now: Millis): "expired" | "none" {
    for (const sender of this.senders.values()) {
      for (const assembly of sender.assemblies.values()) {
        if (now - assembly.heardAt < receiverTiming.yieldMs) continue;
        this.expire(sender, assembly);
        return "expired";
      }
    }
    return "none";
  }

  private expire(sender: Sender, assembly: Assembly): void {
    this.forget(sender, assembly);
    this.counters.expired++;
  }

  private forget(sender: Sender, assembly: Assembly): void {
    sender.assemblies.delete(assembly.transfer);
    sender.bytes -= assembly.bytes.length;
    this.bytes -= assembly.bytes.length;
    this.transfers--;
  }

  private ackLater(from: From, sender: Sender, transfer: number): void {
    sender.acksDue.add(transfer);
    this.acksDueTo.add(from);
  }

  private sweep(now: Millis): void {
    for (const [from, sender] of this.senders) {
      for (const assembly of sender.assemblies.values()) {
        if (now - assembly.heardAt >= receiverTiming.idleMsMax) this.expire(sender, assembly);
      }
      for (const [transfer, { at }] of sender.complete) {
        if (now - at < receiverTiming.completeMs) break;
        sender.complete.delete(transfer);
      }
      const left = sender.assemblies.size + sender.complete.size + sender.acksDue.size;
      if (left === 0) this.senders.delete(from);
    }
    this.sweepAt = this.senders.size === 0 ? never : later(now, receiverTiming.sweepMs);
  }
}

/** Among the complete ones of its sender, the oldest of which makes room. */
function remember(sender: Sender, { transfer, count }: Assembly, now: Millis): void {
  if (sender.complete.size >= receiverLimits.completePerSenderMax) {
    const [oldest] = sender.complete.keys();
    if (oldest !== undefined) sender.complete.delete(oldest);
  }
  sender.complete.set(transfer, { count, at: now });
}

function ackOf(sender: Sender, transfer: number): ChunkAck | null {
  const complete = sender.complete.get(transfer);
  if (complete !== undefined) return { transfer, below: complete.count, others: [] };
  return sender.assemblies.get(transfer)?.takeAck() ?? null;
}

function stalestOf(sender: Sender): Assembly {
  let stalest: Assembly | null = null;
  for (const assembly of sender.assemblies.values()) {
    if (stalest === null || assembly.heardAt < stalest.heardAt) stalest = assembly;
  }
  assert(stalest !== null, "a sender without transfers has room for one");
  return stalest;
}
