/**
 * The clients' desk: who waits for which log entry, who waits for which read, and the answers on their way out.
 * It decides nothing about Raft; it remembers, matches and groups.
 */
import type { Address } from "../base/address.ts";
import { formatAddress } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import type { LogIndex, Term } from "../base/numbers.ts";
import type { ClientResponse, Outcome, ReadOperation } from "../codec/client-message.ts";
import type { Command, SessionId } from "../kv/command.ts";
import type { ReadTicket } from "../raft/state.ts";
import type { EntryId } from "../raft/types.ts";

export const limits = {
  /** Writes waiting for their commit, and the bytes of their commands. One more is refused as "busy". */
  writesMax: 16_384,
  writeBytesMax: 64 << 20,
  /** Reads waiting for their round. */
  readsMax: 65_536,
  /** Bytes of keys and values in the answers to reads of one batch of inputs. The rest is asked to come again. */
  answerBytesMax: 4 << 20,
} as const;

/** Whom to answer: the address a request came from, and the id it gave. */
export type Asker = { readonly from: Address; readonly id: number };

type WaitingWrite = {
  asker: Asker;
  readonly term: Term;
  readonly command: Command;
  readonly bytes: number;
};
/** `dated`: its asker is told how old the answer may be. */
export type WaitingRead = {
  readonly asker: Asker;
  readonly operation: ReadOperation;
  readonly answer: "plain" | "dated";
};

/**
 * A write whose entry was applied, or in whose place another was. That the entry was taken back here is not
 * enough to tell: another server may still hold it, become leader and commit it (paper Fig. 8).
 */
export type SettledWrite =
  | { readonly kind: "applied"; readonly asker: Asker; readonly command: Command }
  | { readonly kind: "superseded"; readonly asker: Asker };

/** What one client is to be told. */
type Answers = { readonly to: Address; readonly responses: ClientResponse[] };

export class Desk {
  private readonly writes = new Map<LogIndex, WaitingWrite>();
  /** Where the entry of a request that is waiting stands, by session and sequence. */
  private readonly places = new Map<SessionId, Map<number, LogIndex>>();
  private readonly reads = new Map<ReadTicket, readonly WaitingRead[]>();
  private readCount = 0;
  private writeBytes = 0;
  private nextTicket: ReadTicket = 1;
  private arriving: WaitingRead[] = [];
  private readonly answers = new Map<string, Answers>();
  /** Whom the last answer was for. */
  private answered: Answers | null = null;

  get writesWaiting(): number {
    return this.writes.size;
  }

  /** Whether one more write may wait. */
  hasRoomForWrite(): "room" | "full" {
    const full = this.writes.size >= limits.writesMax || this.writeBytes >= limits.writeBytesMax;
    return full ? "full" : "room";
  }

  get readsWaiting(): number {
    return this.readCount;
  }

  answer(asker: Asker, outcome: Outcome): void {
    this.answersTo(asker.from).responses.push({ id: asker.id, outcome });
  }

  /** Answers come in runs to one client, and its address is one object more often than not. */
  private answersTo(to: Address): Answers {
    if (this.answered !== null && this.answered.to === to) return this.answered;
    const key = formatAddress(to);
    let group = this.answers.get(key);
    if (group === undefined) {
      group = { to, responses: [] };
      this.answers.set(key, group);
    }
    this.answered = group;
    return group;
  }

  takeAnswers(): readonly { to: Address; responses: readonly ClientResponse[] }[] {
    if (this.answers.size === 0) return none;
    const groups = [...this.answers.values()];
    this.answers.clear();
    this.answered = null;
    return groups;
  }

  /**
   * Whether this request waits already, as an entry of the current term: then a repetition of it only changes
   * whom to answer, and adds nothing to the log.
   */
  rejoin(asker: Asker, command: Command, term: Term): "joined" | "new" {
    if (command.kind !== "request") return "new";
    const index = this.places.get(command.session)?.get(command.sequence);
    const waiting = index === undefined ? undefined : this.writes.get(index);
    if (waiting === undefined || waiting.term !== term) return "new";
    assert(isSameRequest(waiting.command, command), "a place is that of its own request");
    waiting.asker = asker;
    return "joined";
  }

  /**
   * Whoever waited at this index before, for an entry that was taken back, is told nothing: another server may still
   * commit it.
   */
  expectWrite(
    place: EntryId,
    { asker, command, bytes }: { asker: Asker; command: Command; bytes: number },
  ): void {
    const displaced = this.writes.get(place.index);
    if (displaced !== undefined) this.forget(place.index, displaced);
    this.writes.set(place.index, { asker, term: place.term, command, bytes });
    this.writeBytes += bytes;
    if (command.kind !== "request") return;
    const session = this.places.get(command.session);
    if (session === undefined) {
      this.places.set(command.session, new Map([[command.sequence, place.index]]));
    } else session.set(command.sequence, place.index);
  }

  /** The entry at `place` is applied: whoever waits at its index is settled, one way or the other. */
  settleWrite(place: EntryId): SettledWrite | null {
    const waiting = this.writes.get(place.index);
    if (waiting === undefined) return null;
    this.forget(place.index, waiting);
    const { asker, command } = waiting;
    if (waiting.term !== place.term) return { kind: "superseded", asker };
    return { kind: "applied", asker, command };
  }

  /**
   * The state has come as a whole, up to this entry. Whether these writes are in it is not known here: whoever waits
   * for one asks again, under its name.
   */
  giveUpWrites(upTo: LogIndex): void {
    for (const [index, waiting] of this.writes) if (index <= upTo) this.forget(index, waiting);
  }

  private forget(index: LogIndex, waiting: WaitingWrite): void {
    this.writes.delete(index);
    this.writeBytes -= waiting.bytes;
    const { command } = waiting;
    if (command.kind !== "request") return;
    const session = this.places.get(command.session);
    if (session?.get(command.sequence) !== index) return;
    session.delete(command.sequence);
    if (session.size === 0) this.places.delete(command.session);
  }

  /** A read to be confirmed with all others of this batch of inputs. */
  expectRead(read: WaitingRead): void {
    this.arriving.push(read);
    this.readCount += 1;
  }

  /** One ticket for all reads that have arrived since the last call; null where there are none, and none is wanted. */
  ticketForArrivals(anyway: "wanted" | "not-wanted"): ReadTicket | null {
    if (this.arriving.length === 0 && anyway === "not-wanted") return null;
    const ticket = this.nextTicket;
    this.nextTicket += 1;
    this.reads.set(ticket, this.arriving);
    this.arriving = [];
    return ticket;
  }

  takeReads(ticket: ReadTicket): readonly WaitingRead[] {
    const reads = this.reads.get(ticket) ?? [];
    this.reads.delete(ticket);
    this.readCount -= reads.length;
    return reads;
  }
}

const isSameRequest = (one: Command, other: Command): boolean =>
  one.kind === "request" &&
  other.kind === "request" &&
  one.session === other.session &&
  one.sequence === other.sequence;

const none: readonly { to: Address; responses: readonly ClientResponse[] }[] = [];
