/**
 * Puts a repaired journal in the place of a damaged one, which is kept beside it under other names.
 *
 *   node1.log.repairing   written and synced; worth nothing until it is whole
 *   node1.log.repaired    the same file, whole: from this name on the repair is done
 *   node1.log.damaged-1   what it replaces; closed files and snapshots likewise
 *
 * A crash before the second name leaves the damaged journal as it was; behind it, the next start ends the renaming.
 */
import { assert } from "../base/assert.ts";
import { type LogIndex, logIndex, minIndex, type NodeId } from "../base/numbers.ts";
import { entryBytes } from "../codec/entry.ts";
import type { Configuration, Entry, EntryId, HardState, SnapshotId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { createAside, type DiskEffect } from "./effects.ts";
import { type Header, headerRecord, type Identity } from "./header.ts";
import { Journal, journalLimits } from "./journal.ts";
import {
  activeName,
  closedNames,
  damagedName,
  newName,
  repairName,
  snapshotName,
  unfinishedSnapshotName,
} from "./names.ts";
import { checksumAt } from "./record.ts";
import { Standing } from "./standing.ts";

/** All that the repaired journal is to say: nothing that its node ever promised is missing. */
export type Replacement = {
  readonly identity: Identity;
  readonly segment: number;
  readonly run: number;
  readonly hardState: HardState;
  readonly peers: ReadonlyMap<NodeId, number>;
  readonly commit: LogIndex;
  readonly base: EntryId;
  /** In force at `base`. */
  readonly configuration: Configuration;
  readonly entries: readonly Entry[];
  /** What stands for the log up to `base`; `bytes` where the file is not in the folder yet. */
  readonly snapshot: {
    readonly id: SnapshotId;
    readonly bytes: readonly Uint8Array[] | null;
  } | null;
  readonly damagedSnapshots: readonly string[];
};

/** Throws a DiskError where the disk does not do it; it can be tried again. Returns where the damaged files are. */
export function replaceJournal(disk: Disk, replacement: Replacement): readonly string[] {
  const { node } = replacement.identity;
  const unfinished = repairName(node, "unfinished");
  if (disk.list().includes(unfinished)) disk.remove(unfinished);
  const setAside = placeSnapshot(disk, replacement);
  write(disk, unfinished, replacement);
  disk.rename(unfinished, repairName(node, "whole"));
  disk.syncFolder();
  return [...setAside, ...finishReplacement(disk, node)];
}

/** Ends what a crash may have interrupted; nothing where no repair was done. */
export function finishReplacement(disk: Disk, node: NodeId): readonly string[] {
  const whole = repairName(node, "whole");
  if (!disk.list().includes(whole)) return [];
  const names = disk.list();
  const old = [...closedNames(node, names), activeName(node), newName(node)];
  const setAside = old.filter((name) => names.includes(name)).map((name) => moveAside(disk, name));
  // The old names are gone for certain before the new file has one of them.
  disk.syncFolder();
  disk.rename(whole, activeName(node));
  disk.syncFolder();
  return setAside;
}

function moveAside(disk: Disk, name: string): string {
  const names = disk.list();
  let copy = 1;
  while (names.includes(damagedName(name, copy))) copy += 1;
  disk.rename(name, damagedName(name, copy));
  return damagedName(name, copy);
}

function placeSnapshot(disk: Disk, replacement: Replacement): readonly string[] {
  const { identity, snapshot, damagedSnapshots } = replacement;
  const names = disk.list();
  const setAside = damagedSnapshots
    .filter((name) => names.includes(name))
    .map((name) => moveAside(disk, name));
  if (snapshot !== null) {
    const { index } = snapshot.id.last;
    const file = snapshotName(identity.node, index);
    if (snapshot.bytes === null) disk.sync(file);
    else {
      const temporary = unfinishedSnapshotName(identity.node, index, "received");
      if (disk.list().includes(temporary)) disk.remove(temporary);
      disk.create(temporary, new Uint8Array(0));
      for (const piece of snapshot.bytes) disk.append(temporary, piece);
      disk.sync(temporary);
      disk.syncFolder();
      disk.rename(temporary, file);
    }
  }
  disk.syncFolder();
  return setAside;
}

/** One file: a header that says all but the entries, and the entries. */
function write(disk: Disk, file: string, replacement: Replacement): void {
  const { identity, base, commit, run, hardState, peers, configuration, snapshot } = replacement;
  const parts = {
    ...{ identity, run, hardState, peers, configuration, chain: 0 },
    segment: replacement.segment + 1,
    previous: base,
    commit: minIndex(commit, base.index),
    snapshot: snapshot?.id ?? null,
  };
  const record = headerRecord(parts);
  createAside(disk, { temporary: file, header: record });
  const header: Header = { kind: "header", version: 0, ...parts };
  const journal = begun(header, record);
  let bytes = 0;
  for (const entry of replacement.entries) {
    journal.recordEntry(entry);
    bytes += entryBytes(entry);
    if (bytes < batchBytes) continue;
    flush(disk, { file, journal, commit });
    bytes = 0;
  }
  flush(disk, { file, journal, commit });
  for (const effect of journal.seal({ commit })) perform(disk, effect, { file, journal });
  disk.sync(file);
}

/** Small: of a damaged batch, all is lost from the damage on. */
const batchBytes = 1 << 14;

function begun(header: Header, record: Uint8Array): Journal {
  const { identity, segment, run, previous } = header;
  const seed = checksumAt(record, 0);
  return new Journal({
    ...{ identity, run, closed: [] },
    segmentBytesMax: journalLimits.segmentBytesMax,
    standing: new Standing(header),
    place: {
      ...{ segment, closedNumber: 0, end: record.length, chain: seed, seed },
      firstIndex: logIndex(previous.index + 1),
    },
  });
}

function flush(
  disk: Disk,
  parts: { readonly file: string; readonly journal: Journal; readonly commit: LogIndex },
): void {
  const { file, journal, commit } = parts;
  for (const effect of journal.flush({ commit })) perform(disk, effect, { file, journal });
}

/** The journal writes to its own name, and this is not its name yet. */
function perform(
  disk: Disk,
  effect: DiskEffect,
  { file, journal }: { readonly file: string; readonly journal: Journal },
): void {
  assert(effect.kind === "append" || effect.kind === "sync", "one file is all of it");
  if (effect.kind === "append") return disk.append(file, effect.bytes);
  // It is synced as a whole before it has a name that counts.
  journal.synced(effect.ticket);
}
