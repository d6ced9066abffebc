/**
 * What this server does for clients: takes their requests, and answers them when the log allows it. A write is
 * answered when its entry is applied; a linearizable read when a round has confirmed the leader and everything
 * that was committed before is applied (dissertation 6.4); a stale read at once, with what is known of its age.
 */
import type { Address } from "../base/address.ts";
import { must } from "../base/assert.ts";
import type { LogIndex, Millis, NodeId } from "../base/numbers.ts";
import { nextIndex } from "../base/numbers.ts";
import type { ClientRequest, Outcome, RequestBody } from "../codec/client-message.ts";
import { decodeCommand } from "../codec/command.ts";
import type { ReadOperation, Reply } from "../kv/command.ts";
import { proposalRefusal, step } from "../raft/raft.ts";
import type { ReadTicket, State } from "../raft/state.ts";
import { knownLeader } from "../raft/state.ts";
import type { Entry } from "../raft/types.ts";
import type { Counters } from "./counters.ts";
import { type Asker, Desk, limits, type WaitingRead } from "./desk.ts";
import { clusterTime } from "./expiry.ts";
import { Freshness } from "./freshness.ts";
import type { Machine } from "./machine.ts";

type BoundedRead = Extract<RequestBody, { kind: "bounded-read" }>;
type ConfirmedRead = { readonly ticket: ReadTicket; readonly index: LogIndex };

export class Service {
  readonly desk = new Desk();
  private readonly state: State;
  private readonly machine: Machine;
  private readonly addressText: (node: NodeId | null) => string | null;
  /** Reads whose index is not applied yet. */
  private confirmed: ConfirmedRead[] = [];
  private readonly freshness: Freshness;
  private readonly counters: Counters;
  private answerBytes = 0;

  constructor(parts: {
    state: State;
    machine: Machine;
    /** Where a node is, for hints to clients. */
    addressText: (node: NodeId | null) => string | null;
    counters: Counters;
  }) {
    this.state = parts.state;
    this.machine = parts.machine;
    this.addressText = parts.addressText;
    this.counters = parts.counters;
    this.freshness = new Freshness(this.state.settings.timing.heartbeatMs);
  }

  ask(now: Millis, from: Address, request: ClientRequest): void {
    const asker: Asker = { from, id: request.id };
    const { body } = request;
    if (body.kind === "read" && body.consistency === "stale") {
      if (knownLeader(this.state) !== null) this.freshness.asked(now);
      return this.answerRead(now, { asker, operation: body.operation, answer: "dated" });
    }
    if (body.kind === "bounded-read") return this.readBounded(now, asker, body);
    if (this.state.role.kind !== "leader") return this.desk.answer(asker, this.notLeader());
    if (body.kind === "write") return this.askToWrite(now, asker, body.command);
    this.expectRead({ asker, operation: body.operation, answer: "plain" });
  }

  private readBounded(now: Millis, asker: Asker, { operation, ageMsMax }: BoundedRead): void {
    const read = { asker, operation, answer: "dated" } as const;
    const ageMs = this.freshness.ageMs(now);
    if (ageMsMax > 0 && ageMs !== null && ageMs <= ageMsMax) return this.answerRead(now, read);
    if (knownLeader(this.state) === null) return this.desk.answer(asker, this.notLeader());
    this.expectRead(read);
  }

  private expectRead(read: WaitingRead): void {
    if (this.desk.readsWaiting >= limits.readsMax) return this.desk.answer(read.asker, busy);
    this.desk.expectRead(read);
  }

  /** The command is read before it is taken: what nobody could apply must not reach the log. */
  private askToWrite(now: Millis, asker: Asker, bytes: Uint8Array): void {
    const { state, desk } = this;
    const command = decodeCommand(bytes);
    if (command === null) return desk.answer(asker, malformed);
    // An expiry is the leader's own to propose: nobody else decides what time it is (expiry.ts).
    if (command.kind === "expire") return desk.answer(asker, malformed);
    if (desk.rejoin(asker, command, state.term) === "joined") return;
    if (proposalRefusal(state) !== null) return desk.answer(asker, busy);
    if (desk.hasRoomForWrite() === "full") return desk.answer(asker, busy);
    step(state, now, { kind: "propose", command: bytes });
    desk.expectWrite(state.log.last, { asker, command, bytes: bytes.length });
  }

  private notLeader(): Outcome {
    const leader = knownLeader(this.state);
    return { kind: "not-leader", leader, address: this.addressText(leader) };
  }

  /** How old this server's store may be, where it knows. */
  ageMs(now: Millis): number | null {
    return this.freshness.ageMs(now);
  }

  /** Somebody goes by the age of this store: it is to be known, and as of so long ago at most. */
  wantAge(now: Millis, recentMs: number): void {
    if (knownLeader(this.state) !== null) this.freshness.asked(now, recentMs);
  }

  /** One ticket for all linearizable reads that have arrived since the last call. */
  beginReads(now: Millis): void {
    const ticket = this.desk.ticketForArrivals(this.freshness.wantsTicket());
    if (ticket === null) return;
    this.freshness.begin(ticket, now);
    step(this.state, now, { kind: "read", ticket });
  }

  /** Leadership was lost before these reads were confirmed: the client asks elsewhere. */
  abandonReads(tickets: readonly ReadTicket[]): void {
    for (const ticket of tickets) {
      this.counters.add("reads-abandoned");
      this.freshness.forget(ticket);
      for (const { asker } of this.desk.takeReads(ticket))
        this.desk.answer(asker, this.notLeader());
    }
  }

  confirmReads(reads: readonly ConfirmedRead[]): void {
    if (reads.length === 0) return;
    if (this.state.role.kind !== "leader") this.counters.add("read-indexes", reads.length);
    this.confirmed.push(...reads);
  }

  /** Applies what is committed, and answers whoever waited for it. */
  catchUp(now: Millis): void {
    const { state, machine } = this;
    while (machine.applied < state.commit) this.applyNext(state.log.at(nextIndex(machine.applied)));
    machine.past.trim(state.log.firstIndex);
    const ready = this.confirmed.filter(({ index }) => index <= machine.applied);
    if (ready.length === 0) return;
    this.confirmed = this.confirmed.filter(({ index }) => index > machine.applied);
    for (const { ticket } of ready) {
      this.freshness.confirmed(ticket);
      for (const read of this.desk.takeReads(ticket)) this.answerRead(now, read);
    }
  }

  private applyNext(entry: Entry): void {
    const { desk, machine } = this;
    const waiting = desk.settleWrite(entry);
    if (waiting === null) {
      machine.apply(entry, null);
      return;
    }
    const known = waiting.kind === "applied" ? waiting.command : null;
    const reply = machine.apply(entry, known);
    if (waiting.kind === "superseded") return desk.answer(waiting.asker, superseded);
    const { index, term } = entry;
    const answer = must(reply, "an entry that somebody waits for carries a command");
    desk.answer(waiting.asker, { kind: "replied", reply: answer, index, term });
  }

  /** A batch of inputs begins: its reads may be answered with so many bytes again. */
  beginBatch(): void {
    this.answerBytes = 0;
  }

  private answerRead(now: Millis, { asker, operation, answer }: WaitingRead): void {
    if (this.answerBytes >= limits.answerBytesMax) return this.desk.answer(asker, busy);
    const { applied } = this.machine;
    const term = this.state.log.termAt(applied) ?? this.state.term;
    const reply = this.read(operation);
    this.answerBytes += payloadBytes(reply);
    if (answer === "plain") {
      return this.desk.answer(asker, { kind: "replied", reply, index: applied, term });
    }
    const ageMs = this.freshness.ageMs(now);
    this.desk.answer(asker, { kind: "dated", reply, index: applied, term, ageMs });
  }

  /** Who leads knows what time it is, and what is left of leases, better than the last entry does. */
  private read(operation: ReadOperation): Reply {
    const { role } = this.state;
    const isTimed = operation.kind === "leases" && role.kind === "leader";
    return this.machine.read(operation, isTimed ? clusterTime(role) : this.machine.time);
  }
}

/** About as much as one lease of a list takes. */
const leaseItemBytes = 32;

/** Bytes of keys and values in the answer to a read. */
function payloadBytes(reply: Reply): number {
  if (reply.kind === "found") return reply.value.length;
  if (reply.kind === "leases-listed") return reply.items.length * leaseItemBytes;
  if (reply.kind !== "listed") return 0;
  let bytes = 0;
  for (const { key, value } of reply.items) bytes += key.length + (value?.length ?? 0);
  return bytes;
}

const busy: Outcome = { kind: "busy" };
const superseded: Outcome = { kind: "superseded" };
const malformed: Outcome = { kind: "refused", because: "malformed" };
