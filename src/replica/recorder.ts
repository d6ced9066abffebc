/**
 * What must survive: term, vote, entries and the snapshot in force. Persistence is derived here and nowhere else, by
 * comparison with what the journal was given last: no handler can forget it. One sync is under way at a time, and says
 * of the log how far it will be durable.
 */
import { assert } from "../base/assert.ts";
import { later, type Millis, never } from "../base/numbers.ts";
import type { DiskEffect, Journal, JournalPosition } from "../journal/journal.ts";
import type { State } from "../raft/state.ts";
import type { EntryId, HardState } from "../raft/types.ts";
import type { Gate } from "./gate.ts";
import type { Adopting, Snapshots } from "./snapshots.ts";

/** An idle node marks the end of its journal as durable after this long. */
const sealAfterMs = 200;

type Syncing = { readonly since: Millis; readonly last: EntryId };

export class Recorder {
  private readonly journal: Journal;
  private readonly state: State;
  private readonly gate: Gate;
  private readonly snapshots: Snapshots;
  /** What the journal was given last. */
  private recorded: HardState;
  /** The sync under way: since when, and how far the log goes that it will make durable. */
  private syncing: Syncing | null = null;
  private sealAt: Millis = never;

  constructor(parts: {
    journal: Journal;
    state: State;
    gate: Gate;
    snapshots: Snapshots;
    recorded: HardState;
  }) {
    this.journal = parts.journal;
    this.state = parts.state;
    this.gate = parts.gate;
    this.snapshots = parts.snapshots;
    this.recorded = parts.recorded;
  }

  /** A leader whose disk does not answer for so long is as good as none. */
  isStalled(now: Millis): boolean {
    if (this.syncing === null) return false;
    return now >= later(this.syncing.since, this.state.settings.timing.electionMsMax);
  }

  /** A sync that was asked for is over: up to here the journal and the log are durable. */
  synced(
    now: Millis,
    ticket: number,
  ): { readonly durable: JournalPosition; readonly last: EntryId } {
    const { syncing } = this;
    assert(syncing !== null, "only a sync that was asked for completes");
    this.syncing = null;
    const durable = this.journal.synced(ticket);
    this.sealAt = later(now, sealAfterMs);
    return { durable, last: syncing.last };
  }

  /** The end of the journal is to be marked as durable at once, where nothing is under way. */
  seal(now: Millis): void {
    this.sealAt = now;
  }

  /** Hands over what differs from what the journal has. */
  record(): void {
    const { state, journal } = this;
    const { term, votedFor } = state;
    if (term !== this.recorded.term || votedFor !== this.recorded.votedFor) {
      this.recorded = { term, votedFor };
      journal.recordState(this.recorded);
      this.gate.recorded(term, journal.position);
    }
    const snapshot = this.snapshots.unrecorded;
    if (snapshot?.log === "discarded") this.recordSnapshot(snapshot);
    for (const entry of state.log.takeUnrecorded()) journal.recordEntry(entry);
    if (snapshot?.log === "kept") this.recordSnapshot(snapshot);
  }

  /** Of a log that is kept, its last entry stands before it; of one that is not, what follows it stands behind it. */
  private recordSnapshot(adopting: Adopting): void {
    const { snapshot, log } = adopting;
    const { configuration } = snapshot.end;
    this.journal.recordSnapshot(snapshot.id, { log, configuration });
    adopting.recordedAt = this.journal.position;
  }

  /** Names, then the journal, then what is not urgent, `reads` among it. */
  write(now: Millis, reads: readonly DiskEffect[]): readonly DiskEffect[] {
    const names = this.snapshots.takeNames();
    const journal = this.writeJournal(now);
    const others = this.snapshots.continue(now);
    if (names.length + reads.length + others.length === 0) return journal;
    return [...names, ...journal, ...reads, ...others];
  }

  private writeJournal(now: Millis): readonly DiskEffect[] {
    const { journal, state } = this;
    const effects = journal.flush({ commit: state.commit });
    if (effects.length > 0) {
      this.syncing = { since: now, last: state.log.last };
      this.sealAt = never;
      return effects;
    }
    if (this.syncing !== null || now < this.sealAt) return effects;
    this.sealAt = never;
    return journal.seal({ commit: state.commit });
  }

  nextDeadline(): Millis {
    return this.sealAt;
  }
}
