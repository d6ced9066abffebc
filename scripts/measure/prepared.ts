/**
 * Folders of nodes that have already run: each has the same log of so many puts, written by the journal itself. Made
 * much faster than a cluster would take the puts, and the same every time.
 */
import { must } from "../../src/base/assert.ts";
import { logIndex, type NodeId, nodeId } from "../../src/base/numbers.ts";
import { performDiskEffect } from "../../src/journal/effects.ts";
import type { DiskEffect, Journal } from "../../src/journal/journal.ts";
import { openJournal } from "../../src/journal/open.ts";
import { FileDisk } from "../../src/runtime/disk.ts";
import { formatClusterId } from "../../src/runtime/node-config.ts";
import { firstTerm, Puts } from "./puts.ts";

/** The cluster that the folders belong to. */
export const preparedCluster = { id: 0xbe4c, flag: `--cluster-id=${formatClusterId(0xbe4c)}` };

/** Entries in one write, as under a heavy load. */
const batchEntries = 500;

export type PreparedLog = {
  readonly entries: number;
  readonly keys: number;
  readonly valueBytes: number;
};

type Writer = { readonly disk: FileDisk; readonly journal: Journal };

/** Writes the journals of nodes 1 to `nodes` into the folder. Nothing is synced: they are to be read, not to survive. */
export function prepareLogs(folder: string, nodes: number, log: PreparedLog): void {
  const { entries, keys, valueBytes } = log;
  const voters = Array.from({ length: nodes }, (_, at) => nodeId(at + 1));
  const writers = voters.map((node) => newWriter(folder, node, voters));
  const source = new Puts({ keys, valueBytes, order: "each-once-first" });
  for (let done = 0; done < entries; done += batchEntries) {
    const batch = source.entries(Math.min(batchEntries, entries - done));
    for (const { journal, disk } of writers) {
      for (const entry of batch) journal.recordEntry(entry);
      perform(journal, disk, journal.flush({ commit: logIndex(done) }));
    }
  }
  for (const { journal, disk } of writers) {
    perform(journal, disk, journal.seal({ commit: logIndex(entries) }));
    disk.close();
  }
}

function newWriter(folder: string, node: NodeId, voters: readonly NodeId[]): Writer {
  const disk = new FileDisk(folder, () => {});
  const { journal } = openJournal({
    ...{ disk, node, cluster: preparedCluster.id },
    create: {
      incarnation: 1000 + node,
      configuration: { voters, outgoing: [], learners: [] },
    },
  });
  journal.recordState({ term: firstTerm, votedFor: must(voters[0], "there is a first node") });
  return { disk, journal };
}

function perform(journal: Journal, disk: FileDisk, effects: readonly DiskEffect[]): void {
  for (const effect of effects) {
    if (effect.kind === "sync") journal.synced(effect.ticket);
    else performDiskEffect(disk, effect);
  }
}
