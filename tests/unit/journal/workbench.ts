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
import { performDiskEffect } from "../../../src/journal/effects.ts";
import type { DiskEffect, Journal } from "../../../src/journal/journal.ts";
import { type JournalRecovered, openJournal } from "../../../src/journal/open.ts";
import type { Configuration, Entry, HardState } from "../../../src/raft/types.ts";
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

/** What a recovered journal holds, in a form that can be compared. */
export const contents = (recovered: JournalRecovered): string =>
  picture(recovered.hardState, recovered.entries, recovered.peers);

const picture = (
  state: HardState,
  entries: readonly Entry[],
  peers: ReadonlyMap<NodeId, number>,
): string =>
  JSON.stringify([state, entries.map(entryPicture), [...peers].sort(([a], [b]) => a - b)]);

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
  entries: Entry[] = [];
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
    index: LogIndex = logIndex(this.entries.length + 1),
  ): void {
    const id = { index, term: this.hardState.term, time: millis(1000 + index) };
    const entry: Entry =
      body === null
        ? { ...id, kind: "noop", body }
        : body instanceof Uint8Array
          ? { ...id, kind: "command", body }
          : { ...id, kind: "configuration", body };
    this.entries = [...this.entries.slice(0, index - 1), entry];
    this.journal.recordEntry(entry);
    this.recorded();
  }

  recordPeer(node: NodeId, incarnation: number): void {
    this.peers.set(node, incarnation);
    this.journal.recordPeer(node, incarnation);
    this.recorded();
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
    return picture(this.hardState, this.entries, this.peers);
  }
}

/**
 * One step of a workload that looks like a node's life, and rolls, truncates and restarts in
 * between.
 */
export function liveAStep(bench: Workbench, random: Random): void {
  const { term: current } = JSON.parse(must(bench.states.at(-1), "a state"))[0] as HardState;
  if (current === 0) return bench.recordState(1, me);
  const last = bench.entries.length;
  switch (random.below(12)) {
    case 0:
      return bench.recordState(current + 1, random.below(2) === 0 ? null : nodeId(2));
    case 1:
      return bench.recordPeer(nodeId(between(random, { min: 2, max: 4 })), random.below(2 ** 40));
    case 2:
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
    default:
      return bench.recordEntry(noise(random));
  }
}

function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.below(900));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  return bytes;
}
