/**
 * Whoever watches this server's store: every change of a prefix, once and in order, from a given entry on. Told are
 * changes of entries that are committed and applied here, read from the log as each watcher's window allows; what was
 * not acknowledged is told again. A watcher that goes on at another server says where, so nobody hands anything over.
 */
import { type Address, formatAddress } from "../base/address.ts";
import {
  earliest,
  type LogIndex,
  logIndex,
  type Millis,
  never,
  nextIndex,
  previousIndex,
} from "../base/numbers.ts";
import {
  encodeWatchEnd,
  encodeWatchEvents,
  eventBytesMax,
  type WatchEvent,
  type WatchRequest,
  watchHeadBytesMax,
} from "../codec/watch.ts";
import type { State } from "../raft/state.ts";
import type { Counters } from "./counters.ts";
import type { Past } from "./past.ts";
import { limits, Watcher } from "./watcher.ts";

/** Where batches go: out by the wire, and how. */
export type WatchWire = {
  readonly bodyMax: number;
  readonly send: (
    to: Address,
    kind: "watch-events" | "watch-end",
    body: Uint8Array,
  ) => "datagram" | "pieces" | "refused";
};

type Batch = { readonly events: readonly WatchEvent[]; readonly bytes: number };

export class Watches {
  private readonly state: State;
  private readonly past: () => Past;
  private readonly ageMs: (now: Millis) => number | null;
  private readonly wire: WatchWire;
  private readonly counters: Counters;
  private readonly watchers = new Map<string, Watcher>();

  constructor(parts: {
    state: State;
    past: () => Past;
    /** How old what is told may be, as far as this server knows (freshness.ts). */
    ageMs: (now: Millis) => number | null;
    wire: WatchWire;
    counters: Counters;
  }) {
    this.state = parts.state;
    this.past = parts.past;
    this.ageMs = parts.ageMs;
    this.wire = parts.wire;
    this.counters = parts.counters;
  }

  get count(): number {
    return this.watchers.size;
  }

  onRequest(now: Millis, from: Address, request: WatchRequest): void {
    const name = nameOf(from, request.id);
    const known = this.watchers.get(name);
    if (known !== undefined && known.prefix === request.prefix)
      return known.onRequest(request, now);
    if (known === undefined && this.watchers.size >= limits.watchersMax) {
      this.counters.add("watchers-refused");
      return this.end(from, request.id, { because: "busy", first: logIndex(0) });
    }
    this.counters.add("watchers");
    this.watchers.set(name, new Watcher(from, request, now));
  }

  onCancel(from: Address, id: number): void {
    this.watchers.delete(nameOf(from, id));
  }

  /** Tells everybody what there is to tell, as far as their windows allow. */
  serve(now: Millis): void {
    if (this.watchers.size === 0) return;
    for (const [name, watcher] of this.watchers) {
      if (this.tell(now, watcher) === "over") this.watchers.delete(name);
    }
  }

  nextDeadline(): Millis {
    let next = never;
    for (const watcher of this.watchers.values()) {
      if (watcher.reading === "goes-on") return this.state.now;
      next = earliest(next, watcher.nextDeadline());
    }
    return next;
  }

  private tell(now: Millis, watcher: Watcher): "over" | "goes-on" {
    if (watcher.isForgotten(now) === "forgotten") {
      this.counters.add("watchers-forgotten");
      return "over";
    }
    if (watcher.resendOverdue(now) === "resent") this.counters.add("watch-resends");
    const first = this.past().firstAvailable;
    if (watcher.cursor < first) {
      this.counters.add("watches-compacted");
      this.end(watcher.to, watcher.id, { because: "compacted", first });
      return "over";
    }
    this.readOn(now, watcher);
    return "goes-on";
  }

  /** Reads the log on for one watcher: batches as they fill, and the rest where there is something in it. */
  private readOn(now: Millis, watcher: Watcher): void {
    const { last } = this.past();
    watcher.reading = "rests";
    const end = Math.min(last, watcher.cursor + limits.entriesPerTurn - 1);
    let batch: WatchEvent[] = [];
    let bytes = 0;
    while (watcher.cursor <= end && watcher.window() - bytes > 0) {
      const events = this.eventsAt(watcher.cursor, watcher.prefix);
      const more = events.reduce((sum, event) => sum + eventBytesMax(event), 0);
      const isFull = bytes + more > this.wire.bodyMax - watchHeadBytesMax;
      if (batch.length > 0 && (isFull || batch.length + events.length > limits.eventsPerBatch)) {
        if (this.send(now, watcher, { events: batch, bytes }) === "refused") return;
        batch = [];
        bytes = 0;
        continue;
      }
      // What does not fit a datagram goes in pieces, and nothing else beside it.
      if (isFull && !watcher.isIdle) break;
      batch.push(...events);
      bytes += more;
      watcher.cursor = nextIndex(watcher.cursor);
    }
    if (batch.length > 0 || watcher.wantsWord(now) === "now") {
      if (this.send(now, watcher, { events: batch, bytes }) === "refused") return;
    }
    // Who has more to be read than one turn allows has its next turn at once.
    if (watcher.cursor > end && end < last) watcher.reading = "goes-on";
  }

  private eventsAt(index: LogIndex, prefix: string): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const { key, value } of this.past().changesOf(this.state.log.at(index))) {
      if (key.startsWith(prefix)) events.push({ index, key, value });
    }
    return events;
  }

  private send(now: Millis, watcher: Watcher, { events, bytes }: Batch): "sent" | "refused" {
    const { to, id, told, cursor } = watcher;
    const upTo = previousIndex(cursor);
    const head = this.past().last;
    const ageMs = this.ageMs(now);
    const body = encodeWatchEvents({ id, from: told, to: upTo, head, ageMs, events });
    const way = this.wire.send(to, "watch-events", body);
    if (way === "refused") {
      // No room for its pieces now: it is read again, a little later.
      watcher.cursor = told;
      return "refused";
    }
    if (way === "pieces") this.counters.add("watch-batches-in-pieces");
    watcher.onSent(upTo, bytes, way, now);
    return "sent";
  }

  private end(
    to: Address,
    id: number,
    why: { readonly because: "compacted" | "busy"; readonly first: LogIndex },
  ): void {
    this.wire.send(to, "watch-end", encodeWatchEnd({ id, ...why }));
  }
}

const nameOf = (from: Address, id: number): string => `${formatAddress(from)} ${id}`;
