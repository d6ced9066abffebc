/** A batch of entries on its way to the disk: recorded and flushed, onto the pretend disk and into a real file. */
import { rmSync } from "node:fs";
import { logIndex, nodeId } from "../../src/base/numbers.ts";
import type { Disk } from "../../src/journal/disk.ts";
import { performDiskEffect } from "../../src/journal/effects.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openJournal } from "../../src/journal/open.ts";
import type { Entry } from "../../src/raft/types.ts";
import { FileDisk } from "../../src/runtime/disk.ts";
import { SimDisk } from "../../src/sim/disk.ts";
import { temporaryFolder } from "../measure/cluster.ts";
import { firstTerm, Puts } from "../measure/puts.ts";
import type { Bench, Case } from "./case.ts";
import { batchEntries } from "./raft.ts";

const batches = 64;
const node = nodeId(1);
/** Never full: rolling is another thing, and rare. */
const segmentBytesMax = 2 ** 40;

export function journalCases(): readonly Case[] {
  const batch = `journal: a batch of ${batchEntries} recorded`;
  const appends = (name: string, make: Case["make"]): Case => ({ name, times: batches, make });
  return [
    appends(`${batch}, and given nobody`, () => flushing(newSimDisk(), () => {})),
    appends(`${batch}, and on the pretend disk`, () => flushing(newSimDisk(), onSimDisk)),
    appends(`${batch}, and written to a file, not synced`, () => {
      const folder = temporaryFolder();
      const close = (): void => rmSync(folder, { recursive: true, force: true });
      return { ...flushing(new FileDisk(folder, () => {}), onFileDisk), close };
    }),
  ];
}

type Effect = ReturnType<Journal["flush"]>[number];

const newSimDisk = (): SimDisk => new SimDisk({ folder: "n1", onSyncStarted: () => {} });

function onSimDisk(disk: SimDisk, effect: Effect): void {
  performDiskEffect(disk, effect);
  if (effect.kind === "sync") disk.finishSync(effect.ticket);
}

function onFileDisk(disk: FileDisk, effect: Effect): void {
  if (effect.kind === "append") performDiskEffect(disk, effect);
}

function flushing<D extends Disk>(
  disk: D,
  perform: (disk: D, effect: Effect) => void,
): Bench<unknown> {
  const journal = newJournal(disk);
  const source = new Puts({ keys: 10_000, valueBytes: 64, order: "chance" });
  return {
    prepare: () => Array.from({ length: batches }, () => source.entries(batchEntries)),
    work: (all) => {
      for (const entries of all as readonly (readonly Entry[])[]) {
        flushBatch(journal, entries, (effect) => perform(disk, effect));
      }
    },
  };
}

function flushBatch(
  journal: Journal,
  entries: readonly Entry[],
  perform: (effect: Effect) => void,
): void {
  for (const entry of entries) journal.recordEntry(entry);
  for (const effect of journal.flush({ commit: logIndex(0) })) {
    perform(effect);
    if (effect.kind === "sync") journal.synced(effect.ticket);
  }
}

function newJournal(disk: Disk): Journal {
  const { journal } = openJournal({
    ...{ disk, node, cluster: 5, segmentBytesMax },
    create: { incarnation: 71, configuration: { voters: [node], outgoing: [], learners: [] } },
  });
  journal.recordState({ term: firstTerm, votedFor: null });
  return journal;
}
