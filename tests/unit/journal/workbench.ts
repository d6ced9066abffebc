/**
 * A journal on a pretend disk, and beside it a plain list of what it was told: the journal's model.
 * What a journal recovers must be what the model was after some number of records, and not fewer
 * than were durable.
 */
import { must } from "../../../src/base/assert.ts";
import {
  type LogIndex,
  logIndex,
  millis,
  type NodeId,
  nodeId,
  noIndex,
  term,
} from "../../../src/base/numbers.ts";
import { between, type Random } from "../../../src/base/random.ts";
import { StoreReader } from "../../../src/codec/store-sections.ts";
import { performDiskEffect } from "../../../src/journal/effects.ts";
import type { DiskEffect, Journal } from "../../../src/journal/journal.ts";
import { snapshotName, unfinishedSnapshotName } from "../../../src/journal/names.ts";
import { type JournalRecovered, openJournal } from "../../../src/journal/open.ts";
import { SnapshotEncoder } from "../../../src/journal/snapshot-format.ts";
import { emptyStore } from "../../../src/kv/store.ts";
import { setValue } from "../../../src/kv/values.ts";
import type {
  Configuration,
  Entry,
  HardState,
  SnapshotEnd,
  SnapshotId,
} from "../../../src/raft/types.ts";
import { SimDisk } from "../../../src/sim/disk.ts";

export const me = nodeId(1);
export const cluster = 0x1234;
export const three: Configuration = {
  voters: [nodeId(1), nodeId(2), nodeId(3)],
  outgoing: [],
  learners: [],
};

/** Small, so that a short workload rolls. */
export const segmentBytesMax = 4096;

export const newDisk = (): SimDisk => new SimDisk({ folder: "data", onSyncStarted: () => {} });

export const open = (disk: SimDisk): { journal: Journal; recovered: JournalRecovered } =>
  openJournal({
    disk,
    node: me,
    cluster,
    create: { incarnation: 0xabc, configuration: three },
    segmentBytesMax,
  });

/** What a recovered journal holds, in a form that can be compared. How much it keeps of what a snapshot has is left out. */
export const contents = ({ snapshot, ...recovered }: JournalRecovered): string =>
  picture({ ...recovered, snapshot: snapshot?.end ?? null });

type Pictured = Pick<JournalRecovered, "hardState" | "entries" | "peers"> & {
  readonly snapshot: SnapshotEnd | null;
};

const picture = ({ hardState, entries, peers, snapshot }: Pictured): string =>
  JSON.stringify([
    hardState,
    entries.filter(({ index }) => index > (snapshot?.last.index ?? 0)).map(entryPicture),
    [...peers].sort(([a], [b]) => a - b),
    snapshot?.last ?? null,
  ]);

export const entryPicture = (entry: Entry): string =>
  `${entry.index}.${entry.term} ${entry.kind} ` +
  (entry.kind === "command" ? `${entry.body.length}:${entry.body[0]}` : JSON.stringify(entry.body));

export class Workbench {
  readonly disk: SimDisk;
  journal: Journal;
  recovered: JournalRecovered;
  /** What the journal amounts to after so many records, all runs counted. */
  readonly states: string[];
  durableCount = 0;
  commit: LogIndex = noIndex;
  /** The log as far as it is known: without what a snapshot from elsewhere stands for. */
  entries: Entry[] = [];
  snapshot: SnapshotEnd | null = null;
  /** Files to be removed once the record of their replacement is durable. */
  /** Closed files that went. */
  removed = 0;
  private outdated: { readonly at: number; readonly name: string | null } | null = null;
  /** In effect, and not yet told to be durable. */
  private ticket: number | null = null;
  private hardState: HardState;
  private peers = new Map<NodeId, number>();
  /** How many records earlier runs made. */
  private earlier = 0;

  constructor(disk: SimDisk = newDisk()) {
    this.disk = disk;
    const { journal, recovered } = open(disk);
    this.journal = journal;
    this.recovered = recovered;
    this.hardState = recovered.hardState;
    this.states = [this.state()];
  }

  recordState(termNumber: number, votedFor: NodeId | null): void {
    this.hardState = { term: term(termNumber), votedFor };
    this.journal.recordState(this.hardState);
    this.recorded();
  }

  /** At `index`, replacing what is there; the next one where none is given. */
  recordEntry(
    body: Uint8Array | Configuration | null,
    index: LogIndex = logIndex(this.lastIndex + 1),
  ): void {
    const id = { index, term: this.hardState.term, time: millis(1000 + index) };
    const entry: Entry =
      body === null
        ? { ...id, kind: "noop", body }
        : body instanceof Uint8Array
          ? { ...id, kind: "command", body }
          : { ...id, kind: "configuration", body };
    this.entries = [...this.entries.filter((held) => held.index < index), entry];
    this.journal.recordEntry(entry);
    this.recorded();
  }

  recordPeer(node: NodeId, incarnation: number): void {
    this.peers.set(node, incarnation);
    this.journal.recordPeer(node, incarnation);
    this.recorded();
  }

  get lastIndex(): LogIndex {
    return this.entries.at(-1)?.index ?? this.snapshot?.last.index ?? noIndex;
  }

  /** One of the log up to its commit, or one from elsewhere that goes beyond it. */
  recordSnapshot(log: "kept" | "discarded"): void {
    const index = log === "kept" ? this.commit : logIndex(this.lastIndex + 3);
    if (this.outdated !== null || index <= (this.snapshot?.last.index ?? 0)) return;
    const held = this.entries.find((entry) => entry.index === index);
    const last = { index, term: held?.term ?? this.hardState.term };
    const end = { last, time: millis(1000 + index), configuration: three };
    const file = snapshotName(me, index);
    const temporary = unfinishedSnapshotName(me, index, "made");
    const id = this.write(temporary, end);
    this.disk.sync(temporary);
    performDiskEffect(this.disk, { kind: "publish", temporary, file });
    const before = this.snapshot;
    this.snapshot = end;
    if (log === "discarded") this.entries = [];
    if (index > this.commit) this.commit = index;
    this.journal.recordSnapshot(id, { log, configuration: end.configuration });
    this.recorded();
    const name = before === null ? null : snapshotName(me, before.last.index);
    this.outdated = { at: this.states.length - 1, name };
  }

  /** Two blocks besides the header and the end, in several writes. */
  private write(file: string, end: SnapshotEnd): SnapshotId {
    const head = { ...end, cluster };
    const encoder = new SnapshotEncoder(head);
    const store = emptyStore();
    for (const key of ["a", "b"]) {
      setValue(store, key, { value: new Uint8Array(300), revision: end.last.index });
    }
    performDiskEffect(this.disk, { kind: "create", file, bytes: encoder.header(head) });
    const reader = new StoreReader(store, 1);
    for (let block = reader.next(); block !== null; block = reader.next()) {
      this.disk.append(file, encoder.section(block));
    }
    this.disk.append(file, encoder.end());
    return encoder.id();
  }

  /** Removes what the snapshot stands for, a file at a time, once its record is durable. */
  removeOutdated(): void {
    const { outdated } = this;
    if (outdated === null || this.durableCount < outdated.at) return;
    const { name } = outdated;
    this.outdated = null;
    if (name !== null) performDiskEffect(this.disk, { kind: "remove", file: name });
    const base = must(this.snapshot, "there is a snapshot").last.index;
    for (let file = this.journal.takeCovered(base); file !== null; ) {
      performDiskEffect(this.disk, { kind: "remove", file });
      this.removed += 1;
      file = this.journal.takeCovered(base);
    }
  }

  flush(): void {
    this.perform(this.journal.flush({ commit: this.commit }));
  }

  seal(): void {
    this.perform(this.journal.seal({ commit: this.commit }));
  }

  finishSync(): void {
    if (this.ticket === null) return;
    const { ticket, outcome } = this.disk.finishSync(this.ticket);
    if (outcome.kind === "failed") throw outcome.error;
    this.ticket = null;
    this.durableCount = this.earlier + this.journal.synced(ticket);
  }

  /** Everything recorded is written and durable. */
  settle(): void {
    this.finishSync();
    this.flush();
    this.finishSync();
  }

  reopen(): void {
    this.settle();
    this.earlier = this.durableCount;
    // Opening removes every snapshot but the one in force.
    this.outdated = null;
    const { journal, recovered } = open(this.disk);
    this.journal = journal;
    this.recovered = recovered;
  }

  private perform(effects: readonly DiskEffect[]): void {
    for (const effect of effects) {
      performDiskEffect(this.disk, effect);
      if (effect.kind === "sync") this.ticket = effect.ticket;
    }
  }

  private recorded(): void {
    this.states.push(this.state());
  }

  private state(): string {
    const { hardState, entries, peers, snapshot } = this;
    return picture({ hardState, entries, peers, snapshot });
  }
}

/**
 * One step of a workload that looks like a node's life, and rolls, truncates and restarts in
 * between.
 */
export function liveAStep(bench: Workbench, random: Random): void {
  const { term: current } = JSON.parse(must(bench.states.at(-1), "a state"))[0] as HardState;
  if (current === 0) return bench.recordState(1, me);
  const last = bench.lastIndex;
  switch (random.below(14)) {
    case 0:
      return bench.recordState(current + 1, random.below(2) === 0 ? null : nodeId(2));
    case 1:
      return bench.recordPeer(nodeId(between(random, { min: 2, max: 4 })), random.below(2 ** 40));
    case 2:
      // No index holds two entries of one term: that is what a name stands for.
      bench.recordState(current + 1, null);
      return bench.recordEntry(
        { ...three, learners: [nodeId(4)] },
        logIndex(between(random, { min: bench.commit + 1, max: last + 1 })),
      );
    case 3:
      bench.recordState(current + 1, null);
      return bench.recordEntry(
        noise(random),
        logIndex(between(random, { min: bench.commit + 1, max: last + 1 })),
      );
    case 4:
      bench.commit = logIndex(between(random, { min: bench.commit, max: last }));
      return;
    case 5:
      return bench.seal();
    case 6:
      return random.below(4) === 0 ? bench.reopen() : bench.recordEntry(null);
    case 7:
    case 8:
      bench.flush();
      return;
    case 9:
      bench.finishSync();
      return;
    case 10:
      return bench.recordSnapshot(random.below(8) === 0 ? "discarded" : "kept");
    case 11:
      return bench.removeOutdated();
    default:
      return bench.recordEntry(noise(random));
  }
}

function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.below(900));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  return bytes;
}
