/**
 * The client's half of a watch: every change of a prefix once and in order, from an entry on, over lost datagrams,
 * nodes that end and leaders that change. Sans input and output, as the rest of the client half: datagrams and the time
 * are handed in, datagrams and events are taken out.
 *
 * What makes it whole is one number: `next`, the entry before which everything has arrived. Each batch says from which
 * entry to which it tells everything; what does not join on is not taken, and what came before is left out. So any node
 * can go on where another one stopped.
 *
 * Use: after any call, take() and do what it says; call elapse() when `wakeAt` has come; take events() when there is
 * room for them.
 */
import type { Address } from "../base/address.ts";
import { assert, unreachable } from "../base/assert.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import {
  earliest,
  type LogIndex,
  later,
  type Millis,
  millis,
  minIndex,
  type NodeId,
  never,
  nextIndex,
} from "../base/numbers.ts";
import type { WatchEnd, WatchEvent, WatchEvents } from "../codec/watch.ts";
import { type Node, Nodes } from "./nodes.ts";
import type { NodeReport } from "./request.ts";
import { watchTiming as timing, watchLimits } from "./timing.ts";
import { Wire, type WireOptions } from "./wire.ts";

export type WatcherOptions = WireOptions & {
  /** At least one. Addresses with numbers, not names. */
  readonly nodes: readonly { readonly id: NodeId | null; readonly address: Address }[];
  readonly prefix: string;
  /** The first entry whose changes are wanted. */
  readonly from: LogIndex;
};

/** Why a watch goes on no further: no node can tell of entry `next` any more. */
export type Compacted = {
  readonly kind: "compacted";
  readonly next: LogIndex;
  /** The first entry that some node can tell of. */
  readonly first: LogIndex;
};

/** With which node it talks, and what came of it so far. */
type Stay = {
  readonly node: Node;
  readonly since: Millis;
  heardAt: Millis | null;
  /** Since when the node cannot tell that it is up to date. */
  behindSince: Millis | null;
};

export class Watcher {
  readonly counters = { batches: 0, repeats: 0, gaps: 0, moves: 0, dropped: 0 };
  readonly #prefix: string;
  readonly #id: number;
  readonly #nodes: Nodes;
  readonly #wire: Wire;
  #now: Millis;
  #stay: Stay;
  #next: LogIndex;
  #arrived: WatchEvent[] = [];
  #arrivedBytes = 0;
  /** When a request is due: at once where something is to be acknowledged. */
  #askAt: Millis;
  /** When the watch last came any further. */
  #newsAt: Millis;
  #roomSaid: number = watchLimits.roomBytes;
  #head: LogIndex | null = null;
  /** Nodes that have compacted what is wanted next, since something arrived; and the moves since the first of them. */
  #compacted: { first: LogIndex; moves: number } | null = null;
  #ended: Compacted | null = null;

  constructor(options: WatcherOptions, now: Millis) {
    assert(options.from >= 1, "the log begins at 1");
    this.#prefix = options.prefix;
    this.#nodes = new Nodes(options.nodes);
    this.#wire = new Wire(options, this.#nodes);
    this.#id = options.random.below(2 ** 48);
    this.#now = now;
    this.#next = options.from;
    this.#askAt = now;
    this.#newsAt = now;
    const { all } = this.#nodes;
    this.#stay = stayWith(all[options.random.below(all.length)] ?? all[0]!, now);
  }

  /** Everything before this entry has arrived; once events() is taken, it has been handed out. */
  get next(): LogIndex {
    return this.#next;
  }

  /** The last entry that the node could tell of when it last spoke; null before that. */
  get head(): LogIndex | null {
    return this.#head;
  }

  get ended(): Compacted | null {
    return this.#ended;
  }

  /** The bytes may be reused after the call. Never throws, whatever they are. */
  receive(datagram: Uint8Array, from: Address, now: Millis): void {
    this.#at(now);
    const envelope = this.#wire.open(datagram);
    const node = envelope === null ? null : this.#nodes.sender(from, envelope.sender);
    if (envelope === null || node === null) {
      this.counters.dropped += 1;
      return;
    }
    this.#nodes.heard(node, envelope.sender, this.#now);
    const incoming = this.#wire.receive(envelope, node, this.#now);
    switch (incoming.kind) {
      case "watch-events":
        return this.#onEvents(node, incoming.batch);
      case "watch-end":
        return this.#onEnd(node, incoming.end);
      case "piece":
        if (node === this.#stay.node) this.#stay.heardAt = this.#now;
        return;
      case "responses":
      case "status":
      case "dropped":
        this.counters.dropped += 1;
        return;
      default:
        return unreachable(incoming);
    }
  }

  /** The machine of a node says that nobody listens there; null: it does not say which node. */
  refused(address: Address | null, now: Millis): void {
    this.#at(now);
    const { node, heardAt } = this.#stay;
    const isOurs = address === null ? heardAt === null : this.#nodes.at(address) === node;
    if (!isOurs) {
      // Whoever it was: the node that is talked to is asked for a word soon.
      this.#askAt = earliest(this.#askAt, later(this.#now, timing.againMs));
      return;
    }
    node.refusedAt = this.#now;
    this.#move();
  }

  /** Time has passed. */
  elapse(now: Millis): void {
    this.#at(now);
    if (this.#ended !== null || this.#now < this.#patienceEnds()) return;
    if (!this.#isIdle()) this.#nodes.suspect(this.#stay.node, this.#now);
    this.#move();
  }

  take(): { readonly datagrams: readonly OutgoingDatagram[]; readonly wakeAt: Millis } {
    if (this.#ended === null && this.#now >= this.#askAt) this.#ask();
    const datagrams = this.#wire.take(this.#now);
    if (this.#ended !== null) return { datagrams, wakeAt: never };
    const own = earliest(this.#askAt, this.#patienceEnds());
    return { datagrams, wakeAt: earliest(own, this.#wire.nextDeadline()) };
  }

  /** What has arrived, in order: the caller's from here on. */
  events(): readonly WatchEvent[] {
    const events = this.#arrived;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    if (this.#roomSaid < watchLimits.roomBytes / 2) this.#askAt = this.#now;
    return events;
  }

  /** Nothing more is wanted: the last datagrams to send. */
  close(now: Millis): readonly OutgoingDatagram[] {
    this.#at(now);
    this.#wire.sendWatchCancel(this.#stay.node, this.#id);
    return this.#wire.take(this.#now);
  }

  report(now: Millis): readonly NodeReport[] {
    this.#at(now);
    return this.#nodes.report(this.#now);
  }

  #onEvents(node: Node, batch: WatchEvents): void {
    if (batch.id !== this.#id || this.#ended !== null) return;
    this.counters.batches += 1;
    if (node === this.#stay.node) {
      this.#stay.heardAt = this.#now;
      this.#head = batch.head;
      const { ageMs } = batch;
      if (ageMs !== null && ageMs < timing.currentMs) this.#stay.behindSince = null;
      else this.#stay.behindSince ??= this.#now;
    }
    if (batch.from > this.#next) {
      this.counters.gaps += 1;
      return;
    }
    if (batch.events.length > 0) this.#askAt = this.#now;
    if (batch.to < this.#next) {
      if (batch.events.length > 0) this.counters.repeats += 1;
      return;
    }
    for (const event of batch.events) {
      if (event.index < this.#next) continue;
      this.#arrived.push(event);
      this.#arrivedBytes += event.key.length + (event.value?.length ?? 0);
    }
    this.#next = nextIndex(batch.to);
    this.#newsAt = this.#now;
    this.#compacted = null;
  }

  #onEnd(node: Node, end: WatchEnd): void {
    if (end.id !== this.#id || node !== this.#stay.node || this.#ended !== null) return;
    if (end.because === "compacted" && end.first > this.#next) {
      const known = this.#compacted;
      this.#compacted = {
        first: known === null ? end.first : minIndex(known.first, end.first),
        moves: known?.moves ?? 0,
      };
    }
    this.#nodes.suspect(node, this.#now);
    this.#move();
  }

  /** Talks to the next node. Where all have been asked and what is wanted is nowhere, that is the end. */
  #move(): void {
    const { node } = this.#stay;
    this.counters.moves += 1;
    this.#wire.sendWatchCancel(node, this.#id);
    this.#wire.abandonTransfers(node);
    const next = this.#nodes.after(node, this.#now);
    this.#stay = stayWith(next, this.#now);
    // Where all are down, refusals come back at once: whoever has refused is left alone for a while.
    this.#askAt = millis(Math.max(this.#now, later(next.refusedAt, timing.againMs)));
    if (this.#compacted === null) return;
    this.#compacted.moves += 1;
    if (this.#compacted.moves < this.#nodes.all.length) return;
    this.#ended = { kind: "compacted", next: this.#next, first: this.#compacted.first };
  }

  #ask(): void {
    const { node, heardAt } = this.#stay;
    const room = Math.max(0, watchLimits.roomBytes - this.#arrivedBytes);
    this.#roomSaid = room;
    const request = { id: this.#id, next: this.#next, room, prefix: this.#prefix };
    this.#wire.sendWatchRequest(node, request);
    this.#nodes.asked(node, this.#now);
    this.#askAt = later(this.#now, heardAt === null ? timing.againMs : timing.keepAliveMs);
  }

  /** It answers, is up to date for all it knows, and has told nothing new for long. */
  #isIdle(): boolean {
    const { heardAt, behindSince } = this.#stay;
    if (heardAt === null || behindSince !== null) return false;
    return this.#now < later(heardAt, timing.silentMs);
  }

  /** When this node is given up, unless something is heard of it. */
  #patienceEnds(): Millis {
    const { since, heardAt, behindSince } = this.#stay;
    const silentAt =
      heardAt === null ? later(since, timing.strangeMs) : later(heardAt, timing.silentMs);
    const canMove = this.#nodes.all.length > 1;
    const quietSince = millis(Math.max(since, this.#newsAt));
    const idleAt = canMove ? later(quietSince, timing.idleMs) : never;
    // Where others have compacted what is wanted, one that lags is not waited for long.
    const behindMs = this.#compacted === null ? timing.behindMs : timing.strangeMs;
    const behindAt = behindSince === null || !canMove ? never : later(behindSince, behindMs);
    return earliest(earliest(silentAt, behindAt), idleAt);
  }

  /** Time never goes back, whatever the caller's clock says. */
  #at(now: Millis): void {
    if (now > this.#now) this.#now = now;
  }
}

const stayWith = (node: Node, now: Millis): Stay => ({
  ...{ node, since: now, heardAt: null, behindSince: null },
});
