/**
 * A journal for a new cluster, made of what an old one held: the same snapshot and entries under another identity.
 * Its node has promised nothing yet, and knows nobody. At the end of the log stands who the members are now, so that
 * no earlier change of membership, finished or not, has a say.
 */
import { assert } from "../base/assert.ts";
import { type Millis, millis, nextIndex, noIndex } from "../base/numbers.ts";
import type { Configuration, Entry, SnapshotId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { type DiskEffect, performDiskEffect } from "./effects.ts";
import type { Identity } from "./header.ts";
import { snapshotName } from "./names.ts";
import { openJournal } from "./open.ts";
import type { RecordSource } from "./reader.ts";
import { SnapshotDecoder, SnapshotEncoder } from "./snapshot-format.ts";
import type { Standing } from "./standing.ts";

export type OldLog = {
  readonly standing: Standing;
  readonly entries: readonly Entry[];
  /** The file of the snapshot in force, which was read and found right; null where there is none. */
  readonly snapshot: RecordSource | null;
};

/** Makes the files of one node in a folder that has none of it, durably. */
export function writeJournal(
  disk: Disk,
  log: OldLog,
  parts: { readonly identity: Identity; readonly configuration: Configuration },
): void {
  const { configuration } = parts;
  const { node, cluster, incarnation } = parts.identity;
  const { journal } = openJournal({ disk, node, cluster, create: { incarnation, configuration } });
  const flush = (): void => {
    for (const effect of journal.flush({ commit: noIndex })) perform(disk, effect, journal);
  };
  journal.recordState({ term: log.standing.hardState.term, votedFor: null });
  let time: Millis = millis(0);
  let from = noIndex;
  if (log.snapshot !== null) {
    const copied = copySnapshot(disk, log.snapshot, parts.identity);
    journal.recordSnapshot(copied.id, { log: "discarded", configuration });
    time = copied.time;
    from = copied.id.last.index;
  }
  let bytes = 0;
  for (const entry of log.entries) {
    if (entry.index <= from) continue;
    journal.recordEntry(entry);
    time = entry.time;
    bytes += entry.kind === "command" ? entry.body.length : 0;
    if (bytes < batchBytes) continue;
    flush();
    bytes = 0;
  }
  // As if the last leader had written it: it is in nobody's log but these, and in all of these.
  const { index, term } = log.standing.last;
  const body = configuration;
  journal.recordEntry({ index: nextIndex(index), term, time, kind: "configuration", body });
  flush();
  for (const effect of journal.seal({ commit: noIndex })) perform(disk, effect, journal);
}

const batchBytes = 1 << 20;

function perform(
  disk: Disk,
  effect: DiskEffect,
  journal: { readonly synced: (ticket: number) => unknown },
): void {
  if (effect.kind !== "sync") {
    performDiskEffect(disk, effect);
    return;
  }
  disk.sync(effect.file);
  journal.synced(effect.ticket);
}

const pieceBytes = 1 << 20;

/** The same blocks, with the new cluster in the first one, under the name that the new node looks for. */
function copySnapshot(
  disk: Disk,
  source: RecordSource,
  { node, cluster }: Identity,
): { readonly id: SnapshotId; readonly time: Millis } {
  const decoder = new SnapshotDecoder();
  let written: { readonly name: string; readonly encoder: SnapshotEncoder } | null = null;
  let time: Millis = millis(0);
  for (let at = 0; at < source.size; at += pieceBytes) {
    const piece = source.read(at, Math.min(pieceBytes, source.size - at));
    for (const part of decoder.push(piece)) {
      if (part.kind === "header") {
        const head = { ...part.head, cluster };
        const name = snapshotName(node, head.last.index);
        const encoder = new SnapshotEncoder(head);
        disk.create(name, encoder.header(head));
        written = { name, encoder };
        time = head.time;
      }
      assert(written !== null, "a snapshot begins with its header");
      const { name, encoder } = written;
      if (part.kind === "section") disk.append(name, encoder.section(part.block));
      if (part.kind === "end") disk.append(name, encoder.end());
    }
  }
  assert(decoder.isComplete, "a snapshot was found right before it is copied");
  assert(written !== null, "a snapshot begins with its header");
  disk.sync(written.name);
  disk.syncFolder();
  return { id: written.encoder.id(), time };
}
