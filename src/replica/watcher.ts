/**
 * One client that watches a prefix, as this server knows it: how far it has been told, and what of that it has not
 * acknowledged. Nothing is kept for it but a few numbers; what it is told comes from the log each time, so a slow
 * watcher costs no memory, and one whose datagrams are lost is told the same again.
 *
 *     acked        told          cursor        last
 *     |  under way  |  not matching  |  to be read  |
 */
import type { Address } from "../base/address.ts";
import { type LogIndex, later, type Millis, maxIndex, never, nextIndex } from "../base/numbers.ts";
import type { WatchRequest } from "../codec/watch.ts";

export const limits = {
  /** Watchers of one server. One more is told that it is busy. */
  watchersMax: 1024,
  /** Bytes of events, and batches, that one watcher has not acknowledged. */
  windowBytesMax: 256 << 10,
  windowBatchesMax: 16,
  /** Entries that are read for one watcher in one turn; and events in one batch. */
  entriesPerTurn: 4096,
  eventsPerBatch: 1024,
  /** A watcher that says nothing for so long is forgotten. */
  silenceMs: 15_000,
  /** Not acknowledged for so long counts as lost; doubles up to the second. */
  resendMsMin: 200,
  resendMsMax: 2_000,
  /** A batch in pieces has as long as a transfer takes to be given up, and a little more. */
  bulkResendMs: 12_000,
  /** How old what this server knows of its age may be while somebody watches. */
  ageMs: 400,
  /** How far it is told without an event that often. */
  progressMs: 500,
} as const;

/** A batch that was sent and not acknowledged. */
type Flight = {
  readonly to: LogIndex;
  readonly bytes: number;
  readonly way: "datagram" | "pieces";
  readonly dueAt: Millis;
};

export class Watcher {
  readonly to: Address;
  readonly id: number;
  readonly prefix: string;
  /** Where the next batch begins. */
  told: LogIndex;
  /** Where the log is read on. */
  cursor: LogIndex;
  /** Whether it asked for a word, and has had none. */
  owed: "a-word" | "nothing" = "a-word";
  /** Whether there is more to be read at once than one turn allows. */
  reading: "goes-on" | "rests" = "rests";
  private acked: LogIndex;
  private room: number;
  private flights: Flight[] = [];
  private flightBytes = 0;
  private resendMs: number = limits.resendMsMin;
  private heardAt: Millis;
  private toldAt: Millis;

  constructor(to: Address, request: WatchRequest, now: Millis) {
    this.to = to;
    this.id = request.id;
    this.prefix = request.prefix;
    this.acked = request.next;
    this.told = request.next;
    this.cursor = request.next;
    this.room = request.room;
    this.heardAt = now;
    this.toldAt = now;
  }

  /** Everything before `next` has arrived, from here or from another server. */
  onRequest(request: WatchRequest, now: Millis): void {
    const { next, room } = request;
    this.heardAt = now;
    if (next < this.acked) return;
    this.room = room;
    if (next === this.acked) this.onNoProgress();
    else this.resendMs = limits.resendMsMin;
    this.acked = next;
    while (this.flights.length > 0 && this.flights[0]!.to < next) {
      this.flightBytes -= this.flights.shift()!.bytes;
    }
    this.told = maxIndex(this.told, next);
    this.cursor = maxIndex(this.cursor, next);
  }

  /** It asks for a word. Where nothing is under way, the last one was lost: it is told again from where it stands. */
  private onNoProgress(): void {
    this.owed = "a-word";
    if (this.flights.length > 0) return;
    this.told = this.acked;
    this.cursor = this.acked;
  }

  isForgotten(now: Millis): "forgotten" | "alive" {
    return now >= later(this.heardAt, limits.silenceMs) ? "forgotten" : "alive";
  }

  /** What was lost is told again, from the first entry that was not acknowledged. */
  resendOverdue(now: Millis): "resent" | "nothing-due" {
    const oldest = this.flights[0];
    if (oldest === undefined || now < oldest.dueAt) return "nothing-due";
    this.flights = [];
    this.flightBytes = 0;
    this.told = this.acked;
    this.cursor = this.acked;
    this.resendMs = Math.min(2 * this.resendMs, limits.resendMsMax);
    return "resent";
  }

  /** How many bytes of events may be sent now; a batch may be larger where nothing else is under way. */
  window(): number {
    if (this.flights.length >= limits.windowBatchesMax) return 0;
    // What comes behind pieces would overtake them, and count as a gap.
    if (this.flights.at(-1)?.way === "pieces") return 0;
    return Math.min(limits.windowBytesMax, this.room) - this.flightBytes;
  }

  get isIdle(): boolean {
    return this.flights.length === 0;
  }

  /** A batch up to `to` is on its way, or only the word that there is nothing up to there. */
  onSent(to: LogIndex, bytes: number, way: "datagram" | "pieces", now: Millis): void {
    const resendMs = way === "pieces" ? limits.bulkResendMs : this.resendMs;
    if (bytes > 0) {
      this.flights.push({ to, bytes, way, dueAt: later(now, resendMs) });
      this.flightBytes += bytes;
    }
    this.told = nextIndex(to);
    this.toldAt = now;
    this.owed = "nothing";
  }

  /** Whether it is time for a word, though there is no event. */
  wantsWord(now: Millis): "now" | "later" {
    if (this.owed === "a-word") return "now";
    const moved = this.cursor > this.told;
    return moved && now >= later(this.toldAt, limits.progressMs) ? "now" : "later";
  }

  /** When there is something to do, though nothing happens. */
  nextDeadline(): Millis {
    const resendAt = this.flights[0]?.dueAt ?? never;
    const wordAt = this.cursor > this.told ? later(this.toldAt, limits.progressMs) : never;
    return Math.min(resendAt, wordAt, later(this.heardAt, limits.silenceMs)) as Millis;
  }
}
