/**
 * One whole server, deterministic and synchronous: datagrams, time and disk completions in, effects out.
 *
 * A batch of inputs passes four stations, always in this order:
 *   hear     each input becomes a step of Raft, or a client's request
 *   record   what must survive is compared with what the journal was given; the difference is handed over
 *   apply    what is committed changes the store, and those who waited for it get their answers
 *   speak    messages that claim nothing undurable, then answers; after them, one batch for the disk
 */
import type { Address } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { OperatorError } from "../base/error.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import type { LogIndex, Millis, NodeId } from "../base/numbers.ts";
import { earliest, later, millis } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalRecovered } from "../journal/open.ts";
import { limits as kvLimits } from "../kv/command.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import { liveLeader } from "../raft/election.ts";
import { entryCost } from "../raft/log.ts";
import type { Message } from "../raft/message.ts";
import { nextDeadline, step, takeEffects } from "../raft/raft.ts";
import { createState, type PreVote, type State, type Timing } from "../raft/state.ts";
import { bestSuccessor } from "../raft/transfer.ts";
import type { Configuration, Place } from "../raft/types.ts";
import { Acquaintance } from "./acquaintance.ts";
import { Administrator } from "./administration.ts";
import { Comparison } from "./comparison.ts";
import { Counters } from "./counters.ts";
import { describeReplica } from "./describe.ts";
import { diskFailure, storeDiffers } from "./errors.ts";
import { Expiry } from "./expiry.ts";
import { Gate } from "./gate.ts";
import { type Effects, type Input, stopped } from "./input.ts";
import { Machine, recoveredState } from "./machine.ts";
import { Recorder } from "./recorder.ts";
import { RepairDesk, sourceOf } from "./repair-desk.ts";
import { Service } from "./service.ts";
import { type SnapshotSettings, snapshotDefaults } from "./snapshot-file.ts";
import { Snapshots } from "./snapshots.ts";
import { limits as watcherLimits } from "./watcher.ts";
import { Watches } from "./watches.ts";
import { type Heard, largeAppends, Wire, type WireSettings } from "./wire.ts";

export type ReplicaSettings = WireSettings & {
  readonly timing: Timing;
  readonly preVote: PreVote;
  /** Those of kv/command.ts where not said. Servers of one cluster must agree on them: tests only. */
  readonly sessionLimits?: SessionLimits;
  /** What is not said is as in snapshotDefaults. */
  readonly snapshots?: Partial<SnapshotSettings>;
};

export class Replica {
  readonly state: State;
  readonly counters = new Counters();
  private readonly settings: ReplicaSettings;
  private readonly journal: Journal;
  private readonly wire: Wire;
  private readonly gate: Gate;
  private readonly recorder: Recorder;
  private readonly comparison: Comparison;
  private readonly machine: Machine;
  private readonly service: Service;
  private readonly watches: Watches;
  private readonly expiry: Expiry;
  private readonly acquaintance: Acquaintance;
  private readonly administrator: Administrator;
  private readonly snapshots: Snapshots;
  private readonly repairs: RepairDesk;
  /** The configuration that the wire knows. */
  private members: Configuration;
  private now: Millis;
  private failure: OperatorError | null = null;
  private notes: string[] = [];
  private freed: readonly Message[] = [];

  constructor(parts: {
    settings: ReplicaSettings;
    journal: Journal;
    recovered: JournalRecovered;
    random: Random;
    now: Millis;
  }) {
    const { settings, recovered, random, now } = parts;
    const { me, timing, preVote } = settings;
    this.settings = settings;
    this.journal = parts.journal;
    this.now = now;
    this.wire = new Wire({
      settings,
      incarnations: recovered.peers,
      configuration: recovered.configuration,
      leader: () => liveLeader(this.state),
      random,
      counters: this.counters,
    });
    this.acquaintance = new Acquaintance({ strangers: () => this.wire.strangers(), now });
    this.gate = new Gate(recovered.hardState.term);
    this.comparison = new Comparison(this.counters);
    const sessionLimits = settings.sessionLimits ?? kvLimits;
    this.machine = new Machine(recoveredState(recovered), sessionLimits, this.comparison);
    const { appendBytesMax } = this.wire;
    this.state = createState(
      { me, timing, preVote, appendBytesMax, largeAppends },
      { ...recovered, baseTime: recovered.snapshot?.end.time ?? millis(0) },
      random,
    );
    const addressText = (node: NodeId | null) => this.wire.addressText(node);
    const { state, machine, counters } = this;
    this.service = new Service({ state, machine, addressText, counters });
    const placeOf = (node: NodeId) => this.wire.memberPlace(node);
    this.administrator = new Administrator({ state: this.state, placeOf, addressText });
    this.snapshots = this.snapshotsOf(recovered);
    const { journal, gate, snapshots } = this;
    const recorded = recovered.hardState;
    this.recorder = new Recorder({ journal, state, gate, snapshots, recorded });
    this.repairs = new RepairDesk({
      wire: this.wire,
      source: () => sourceOf(this.state.log, this.state.commit),
      newest: () => this.snapshots.newest,
      pieceBytes: this.settings.snapshots?.pieceBytes ?? snapshotDefaults.pieceBytes,
      now: () => this.now,
      takeTicket: () => this.journal.takeTicket(),
      counters,
    });
    this.members = recovered.configuration;
    this.adoptMembers();
    const wire = this.wire.watchWire();
    const past = () => machine.past;
    const ageMs = (at: Millis) => this.service.ageMs(at);
    this.watches = new Watches({ state, past, ageMs, wire, counters });
    this.expiry = new Expiry({ state: this.state, machine: this.machine });
    step(this.state, now, { kind: "start" });
  }

  private snapshotsOf({ snapshot, identity, entries }: JournalRecovered): Snapshots {
    const last = snapshot?.end.last.index ?? 0;
    let bytesBehind = 0;
    for (const entry of entries) if (entry.index > last) bytesBehind += entryCost(entry);
    const { state, machine, journal, counters, service } = this;
    return new Snapshots({
      settings: { ...snapshotDefaults, ...this.settings.snapshots },
      cluster: identity.cluster,
      ...{ state, machine, journal, counters },
      recovered: snapshot,
      bytesBehind,
      onInstalled: (upTo) => service.desk.giveUpWrites(upTo),
      keptUntil: (file) => this.repairs.keptUntil(file),
    });
  }

  get applied(): LogIndex {
    return this.machine.applied;
  }

  /** Whose log this is. */
  get cluster(): number {
    return this.settings.cluster;
  }

  /** What has been applied, to be looked at and never changed. */
  get store(): Store {
    return this.machine.store;
  }

  /** What is known of a member: where it is, and which incarnation. */
  memberPlace(node: NodeId): Place | null {
    return this.wire.memberPlace(node);
  }

  /** The state as one s-expression: the same state prints the same bytes. */
  describe(): string {
    const { state, machine, journal, gate, counters } = this;
    const { writesWaiting, readsWaiting } = this.service.desk;
    const waiting = { writes: writesWaiting, reads: readsWaiting, messages: gate.waiting };
    const strangers = this.acquaintance.missing;
    const watchers = this.watches.count;
    const { snapshots } = this;
    const own = { state, machine, journal, snapshots, waiting, watchers };
    return describeReplica({ ...own, counters, strangers });
  }

  handle(now: Millis, inputs: readonly Input[]): Effects {
    if (now > this.now) this.now = now;
    this.service.beginBatch();
    for (const input of inputs) {
      if (this.failure === null) this.hear(input);
    }
    if (this.failure !== null) return stopped(this.failure, this.takeNotes());
    this.keepTime();
    this.snapshots.adopt(this.now);
    if (this.watches.count > 0) this.service.wantAge(this.now, watcherLimits.ageMs);
    this.expiry.propose(this.now);
    this.service.beginReads(this.now);
    step(this.state, this.now, { kind: "flush" });
    this.adoptMembers();
    this.recorder.record();
    const datagrams = this.speak();
    const { difference } = this.comparison;
    if (difference !== null) {
      this.failure = storeDiffers(this.settings.me, difference);
      return stopped(this.failure, this.takeNotes());
    }
    const disk = this.recorder.write(this.now, this.repairs.takeReads());
    return { datagrams, disk, notes: this.takeNotes(), wakeAt: this.wakeAt(), stop: null };
  }

  private hear(input: Input): void {
    switch (input.kind) {
      case "datagram":
        return this.onDatagram(input.from, input.bytes);
      case "synced":
        if (input.outcome.kind === "durable") return this.onSynced(input.ticket);
        this.failure = diskFailure(input.outcome.error);
        return;
      case "read-done":
        if (this.repairs.onRead(input.ticket, input.bytes) === "own") return;
        return this.snapshots.senders.onRead(input.ticket, input.bytes);
      case "disk-failed":
        this.failure = diskFailure(input.error);
        return;
      case "time":
        return;
      case "hand-over":
        return this.handOver(input.target);
      case "seal":
        return this.recorder.seal(this.now);
      default:
        return unreachable(input);
    }
  }

  private onDatagram(from: Address, bytes: Uint8Array): void {
    for (const heard of this.wire.open(this.now, from, bytes)) this.onHeard(from, heard);
  }

  private onHeard(from: Address, heard: Heard): void {
    switch (heard.kind) {
      case "message":
        return step(this.state, this.now, heard);
      case "new-peer":
        this.journal.recordPeer(heard.peer, heard.incarnation);
        return this.acquaintance.met(this.now);
      case "requests":
        for (const request of heard.requests) this.service.ask(this.now, from, request);
        return;
      case "watch-request":
        return this.watches.onRequest(this.now, from, heard.request);
      case "watch-cancel":
        return this.watches.onCancel(from, heard.id);
      case "store-hash": {
        const { applied, store } = this.machine;
        return this.comparison.onHash(heard.from, heard.theirs, { applied, ours: store.hash });
      }
      case "status-request":
        return this.wire.sendStatus({ to: from, id: heard.id, text: this.describe() });
      case "administration": {
        const { id, wish } = heard.request;
        const outcome = this.administrator.ask(this.now, wish);
        return this.wire.sendAdministration(from, { id, outcome });
      }
      case "repair-request":
        return this.repairs.onRequest(heard.from, heard.request);
      case "repair-response":
        return;
      case "note":
        this.notes.push(heard.sentence);
        return;
      default:
        return unreachable(heard);
    }
  }

  private handOver(target: NodeId | null): void {
    const successor = target ?? bestSuccessor(this.state);
    if (successor === null) return;
    step(this.state, this.now, { kind: "transfer", target: successor });
  }

  private onSynced(ticket: number): void {
    if (this.journal.isOwn(ticket) === "own") this.onDurable(ticket);
    else this.snapshots.onSynced(ticket);
  }

  private onDurable(ticket: number): void {
    const { durable, last } = this.recorder.synced(this.now, ticket);
    step(this.state, this.now, { kind: "durable", last });
    this.freed = [...this.freed, ...this.gate.release(durable)];
    this.snapshots.onDurable(durable);
  }

  /** After the inputs: a word from the leader that has just arrived still counts. */
  private keepTime(): void {
    const isStalled = this.recorder.isStalled(this.now);
    step(this.state, this.now, { kind: isStalled ? "disk-stalled" : "time" });
  }

  /** A configuration counts from the moment it is in the log: for addresses and incarnations as well. */
  private adoptMembers(): void {
    const { current } = this.state.membership;
    if (current === this.members) return;
    this.members = current;
    this.wire.adopt(current);
    this.acquaintance.met(this.now);
  }

  private speak(): readonly OutgoingDatagram[] {
    const { wire, service, journal } = this;
    const effects = takeEffects(this.state);
    this.notes.push(...effects.notes);
    this.say(this.freed);
    this.freed = [];
    this.say(this.gate.admit(effects.send, journal));
    this.say(this.gate.admit(this.snapshots.onRaft(effects), journal));
    this.say(this.gate.admit(this.snapshots.takeMessages(), journal));
    this.say(this.acquaintance.greetings(this.state));
    service.abandonReads(effects.abandoned);
    service.confirmReads(effects.confirmed);
    service.catchUp(this.now);
    this.sayHash();
    this.machine.past.trim(this.state.log.firstIndex);
    this.watches.serve(this.now);
    for (const { to, responses } of service.desk.takeAnswers()) wire.sendResponses(to, responses);
    return wire.take(this.now);
  }

  private sayHash(): void {
    const { role } = this.state;
    if (role.kind !== "leader") return;
    const { applied, store } = this.machine;
    const hash = this.comparison.toSay(this.now, applied, store.hash);
    if (hash === null) return;
    for (const to of role.followers.keys()) this.wire.sendStoreHash(to, hash);
  }

  /** What was held back in an older term is not worth sending any more. */
  private say(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.term < this.state.term) continue;
      if (this.acquaintance.allows(message) === "say") this.wire.sendMessage(message);
    }
  }

  private wakeAt(): Millis {
    // A stalled disk changes nothing by the millisecond, and its own completion wakes this server.
    const raft = this.recorder.isStalled(this.now)
      ? later(this.now, this.settings.timing.heartbeatMs)
      : nextDeadline(this.state);
    const others = earliest(this.wire.nextDeadline(), this.acquaintance.nextDeadline());
    const own = earliest(this.watches.nextDeadline(), this.expiry.nextDeadline());
    const mine = earliest(this.recorder.nextDeadline(), this.snapshots.nextDeadline(this.now));
    return earliest(earliest(raft, others), earliest(mine, own));
  }

  private takeNotes(): readonly string[] {
    const { notes } = this;
    this.notes = [];
    return notes;
  }
}

/** Where the state machine begins: a journal whose beginning is gone has a snapshot that stands for it. */
