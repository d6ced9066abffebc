/**
 * The snapshots of one server (dissertation ch. 5): when the next is taken, what comes in, what goes out, and what may
 * be removed when. One rule is over all of it: a file is whole and durable under its own name, then a record in the
 * journal says so, and when that is durable too, what it stands for may go.
 */
import { assert } from "../base/assert.ts";
import {
  earliest,
  entryCount,
  type LogIndex,
  type Millis,
  minIndex,
  type NodeId,
  never,
  noIndex,
} from "../base/numbers.ts";
import type { DiskEffect, Journal, JournalPosition } from "../journal/journal.ts";
import type { RecoveredSnapshot } from "../journal/open.ts";
import type { SnapshotMark } from "../journal/record.ts";
import { members } from "../raft/membership.ts";
import type { Message, SnapshotRequest } from "../raft/message.ts";
import { step } from "../raft/raft.ts";
import { installVerdict } from "../raft/snapshot.ts";
import { note, type Effects as RaftEffects, type State } from "../raft/state.ts";
import type { Counters } from "./counters.ts";
import type { Machine } from "./machine.ts";
import type { SideFile } from "./side-file.ts";
import {
  type SnapshotFile,
  type SnapshotSettings,
  snapshotFile,
  type WholeSnapshot,
} from "./snapshot-file.ts";
import { SnapshotReceiving } from "./snapshot-receiving.ts";
import { SnapshotSenders } from "./snapshot-senders.ts";
import { SnapshotTaking } from "./snapshot-taking.ts";

/** Its file gets its name; the record that says so is about to be made, or on its way. */
export type Adopting = {
  readonly snapshot: SnapshotFile;
  readonly log: SnapshotMark["log"];
  /** Where the journal stands behind the record; null before it was made. */
  recordedAt: JournalPosition | null;
};

export type SnapshotParts = {
  readonly settings: SnapshotSettings;
  readonly cluster: number;
  readonly state: State;
  readonly machine: Machine;
  readonly journal: Journal;
  readonly counters: Counters;
  readonly recovered: RecoveredSnapshot | null;
  /** Of the entries behind it. */
  readonly bytesBehind: number;
  /** The state was replaced by one that is further on. */
  readonly onInstalled: (upTo: LogIndex) => void;
  /** Until when somebody who repairs its journal may ask for a piece of this file. */
  readonly keptUntil: (file: string) => Millis;
};

export class Snapshots {
  readonly senders: SnapshotSenders;
  private readonly parts: SnapshotParts;
  private readonly me: NodeId;
  private readonly takeTicket: () => number;
  private inForce: SnapshotFile | null;
  private adopting: Adopting | null = null;
  private taking: SnapshotTaking | null = null;
  private receiving: SnapshotReceiving | null = null;
  /** Files that are to go as soon as nothing happens to them. */
  private dropped: SideFile[] = [];
  /** Snapshots that another one has replaced. */
  private older: string[] = [];
  private names: DiskEffect[] = [];
  private reads: DiskEffect[] = [];
  /** How far the journal had been written when the newest snapshot was begun, counted from where this life began. */
  private bytesBefore: number;
  private tidying: "due" | "done" = "due";
  /** When an older one may go that was kept for somebody. */
  private tidyAt: Millis = never;

  constructor(parts: SnapshotParts) {
    const { settings, state, counters, journal, recovered } = parts;
    this.parts = parts;
    this.me = state.settings.me;
    this.takeTicket = () => journal.takeTicket();
    this.senders = new SnapshotSenders({ settings, state, counters, takeTicket: this.takeTicket });
    this.bytesBefore = journal.bytesWritten - parts.bytesBehind;
    this.inForce = recovered === null ? null : snapshotFile(this.me, recovered.id, recovered.end);
  }

  /** The one in force. */
  get newest(): SnapshotFile | null {
    return this.inForce;
  }

  /** For people: what is being made or received. */
  get underWay(): {
    readonly taking: LogIndex | null;
    readonly receiving: SnapshotReceiving | null;
  } {
    return { taking: this.taking?.end.last.index ?? null, receiving: this.receiving };
  }

  // Inputs.

  onSynced(ticket: number): void {
    this.taking?.file.onSynced(ticket);
    this.receiving?.file.onSynced(ticket);
    for (const file of this.dropped) file.onSynced(ticket);
  }

  /** The journal is durable up to here: so is the record of a snapshot, and what it stands for may go. */
  onDurable(position: JournalPosition): void {
    const { adopting, inForce } = this;
    if (adopting === null || adopting.recordedAt === null || position < adopting.recordedAt) return;
    this.adopting = null;
    this.inForce = adopting.snapshot;
    if (inForce !== null) this.older.push(inForce.file);
    this.tidying = "due";
  }

  /** What Raft has heard about snapshots, and whom it cannot serve from its log. */
  onRaft({ behind, snapshots }: Pick<RaftEffects, "behind" | "snapshots">): readonly Message[] {
    if (behind.length === 0 && snapshots.length === 0) return none;
    for (const to of behind) this.senders.begin(to, this.inForce);
    const answers: Message[] = [];
    for (const m of snapshots) {
      if (m.kind === "snapshot-response") this.senders.onResponse(m);
      else answers.push(...this.onPiece(m));
    }
    return answers;
  }

  private onPiece(m: SnapshotRequest): readonly Message[] {
    const { snapshot } = m;
    // Whoever asks again when it is installed hears that nothing is needed.
    if (this.adopting !== null) return none;
    if (this.receiving?.isOf(snapshot) !== "this") {
      if (m.offset > 0) return [this.answer(m, 0)];
      // Two of one index would share a file's name: the one that goes has to be gone.
      if (this.dropped.length > 0) return none;
      this.dropReceiving();
      if (this.dropped.length > 0) return none;
      this.beginReceiving(m);
    }
    const { receiving } = this;
    assert(receiving !== null, "a piece belongs to what is being received");
    const verdict = receiving.offer(m);
    if (verdict.kind !== "wrong") return [this.answer(m, receiving.received)];
    this.parts.counters.add("snapshots-wrong");
    this.dropReceiving();
    return [this.answer(m, 0)];
  }

  private beginReceiving(first: SnapshotRequest): void {
    const { cluster, counters } = this.parts;
    const { me, takeTicket } = this;
    this.receiving = new SnapshotReceiving({ me, cluster, first, takeTicket });
    counters.add("snapshots-receiving");
  }

  private answer({ from, snapshot }: SnapshotRequest, received: number): Message {
    const { term } = this.parts.state;
    return { kind: "snapshot-response", from: this.me, to: from, term, snapshot, received };
  }

  // Once in every turn.

  /** Before the difference is recorded: what has become whole and durable is adopted, one at a time. */
  adopt(now: Millis): void {
    this.dropNeedless();
    if (this.adopting !== null || (this.taking === null && this.receiving === null)) return;
    const received = this.receiving?.whole() ?? null;
    if (received !== null) return this.install(now, received);
    const taken = this.taking?.whole() ?? null;
    if (this.taking === null || taken === null) return;
    if (taken.id.last.index <= (this.inForce?.id.last.index ?? 0)) return this.dropTaking();
    this.publish(taken, this.taking.file, "kept");
    this.taking = null;
    this.parts.counters.add("snapshots-taken");
    const { last, bytes } = taken.id;
    const what = `n${this.me} has taken a snapshot up to entry ${last.index}`;
    note(this.parts.state, `${what}: ${bytes} bytes`);
  }

  /** Whoever sent it has ended, or sends entries after all: it would be no news, and nothing of it comes any more. */
  private dropNeedless(): void {
    if (this.receiving === null || this.receiving.id.last.index > this.parts.state.commit) return;
    this.dropReceiving();
  }

  private install(now: Millis, whole: NonNullable<ReturnType<SnapshotReceiving["whole"]>>): void {
    const { state, machine, counters } = this.parts;
    const verdict = installVerdict(state, whole.end);
    if (verdict === "needless" || this.receiving === null) return this.dropReceiving();
    this.publish(whole, this.receiving.file, verdict === "log-kept" ? "kept" : "discarded");
    this.receiving = null;
    this.dropTaking();
    counters.add(verdict === "log-kept" ? "snapshots-beside-log" : "snapshots-instead-of-log");
    const upTo = whole.end.last.index;
    machine.restore(whole.store, upTo);
    step(state, now, { kind: "install", end: whole.end });
    this.parts.onInstalled(upTo);
  }

  private publish(whole: WholeSnapshot, file: SideFile, log: SnapshotMark["log"]): void {
    const { id, end, temporary } = whole;
    this.names.push({ kind: "publish", temporary, file: whole.file });
    file.published();
    this.adopting = { snapshot: { id, end, file: whole.file }, log, recordedAt: null };
  }

  /** What is sent now: pieces, to whoever needs a snapshot. */
  takeMessages(): readonly Message[] {
    const { senders } = this;
    if (senders.isIdle) return none;
    const { messages, reads, ended } = senders.continue(this.inForce);
    this.reads.push(...reads);
    if (ended === "some") this.tidying = "due";
    return messages;
  }

  /** The record that is to be made now, or null. */
  get unrecorded(): Adopting | null {
    return this.adopting?.recordedAt === null ? this.adopting : null;
  }

  /** Names first: a record must not be on the disk before the name that it speaks of. */
  takeNames(): readonly DiskEffect[] {
    if (this.names.length === 0) return noEffects;
    const { names } = this;
    this.names = [];
    return names;
  }

  /** After the journal's own writes. Nothing of it is urgent. */
  continue(now: Millis): readonly DiskEffect[] {
    const { taking, receiving } = this;
    if (taking === null && this.isDue() === "due") this.beginTaking(now);
    const effects = this.reads.splice(0);
    if (this.taking !== null) effects.push(...this.taking.continue(now));
    if (receiving !== null) effects.push(...receiving.file.takeEffects());
    for (const file of this.dropped) effects.push(...file.takeEffects());
    if (this.dropped.length > 0) {
      this.dropped = this.dropped.filter(({ state }) => state !== "gone");
    }
    if (this.tidying === "due" || now >= this.tidyAt) effects.push(...this.tidy(now));
    return effects;
  }

  nextDeadline(now: Millis): Millis {
    const next = this.taking?.nextDeadline() ?? never;
    const tidy = this.tidying === "due" ? now : this.tidyAt;
    return earliest(earliest(next, tidy), this.senders.nextDeadline());
  }

  private isDue(): "due" | "not-due" {
    const { settings, machine, journal, state } = this.parts;
    const last = this.inForce?.id.last.index ?? noIndex;
    const entries = entryCount(last, machine.applied);
    const bytes = journal.bytesWritten - this.bytesBefore;
    if (entries < settings.everyEntries && bytes < settings.everyBytes) return "not-due";
    if (entries <= 0 || this.adopting !== null || this.receiving !== null) return "not-due";
    // A large store is not written anew for a small log (dissertation 5.1.2).
    const before = this.inForce?.id.bytes ?? 0;
    if (before > settings.everyBytes && bytes < before) return "not-due";
    const { length } = members(state.membership.at(machine.applied));
    return length === 0 ? "not-due" : "due";
  }

  private beginTaking(now: Millis): void {
    const { settings, cluster, state, machine, journal } = this.parts;
    const { index, term, time } = state.log.at(machine.applied);
    const configuration = state.membership.at(index);
    this.bytesBefore = journal.bytesWritten;
    this.taking = new SnapshotTaking({
      ...{ me: this.me, cluster, store: machine.store, now },
      end: { last: { index, term }, time, configuration },
      blockBytes: settings.blockBytes,
      takeTicket: this.takeTicket,
    });
  }

  private dropTaking(): void {
    this.taking?.giveUp();
    if (this.taking !== null) this.dropped.push(this.taking.file);
    this.taking = null;
  }

  private dropReceiving(): void {
    this.receiving?.file.giveUp();
    if (this.receiving !== null) this.dropped.push(this.receiving.file);
    this.receiving = null;
  }

  /** One file a turn, the oldest first: a removal waits for the disk, and a crash must leave no gap. */
  private tidy(now: Millis): readonly DiskEffect[] {
    const { state, journal, counters } = this.parts;
    this.tidying = "done";
    const { inForce } = this;
    if (inForce === null) return noEffects;
    const to = this.compactTo(inForce.id.last.index);
    if (to > state.log.base.index) {
      step(state, now, { kind: "compact", to });
      if (to < inForce.id.last.index) counters.add("tails-kept");
    }
    const old = this.olderNotNeeded(now);
    const segment = old < 0 ? journal.takeCovered(state.log.base.index) : null;
    const file = this.older.splice(Math.max(0, old), old < 0 ? 0 : 1)[0] ?? segment;
    if (file === undefined || file === null) return noEffects;
    if (file === segment) counters.add("segments-removed");
    this.tidying = "due";
    return [{ kind: "remove", file }];
  }

  /** The place of one, or -1. */
  private olderNotNeeded(now: Millis): number {
    this.tidyAt = never;
    return this.older.findIndex((file) => {
      if (this.senders.needs(file) === "needed") return false;
      const until = this.parts.keptUntil(file);
      if (until > now) this.tidyAt = earliest(this.tidyAt, until);
      return until <= now;
    });
  }

  /** How much of the log may be forgotten: all but what followers that are a little behind may need. */
  private compactTo(last: LogIndex): LogIndex {
    const { settings, state } = this.parts;
    const most = { entries: settings.keptEntriesMax, bytes: settings.keptBytesMax };
    const kept = state.log.beginningOfTail(last, most);
    return minIndex(kept, this.senders.lowestNeeded(last));
  }
}

const none: readonly Message[] = [];
const noEffects: readonly DiskEffect[] = [];
