/**
 * Opens a node's journal: makes it where there is none, ends what a crash interrupted, cuts off an
 * unfinished write, and refuses what is damaged or belongs to somebody else. Nothing is changed
 * before everything has been read and found to be this node's.
 */
import { assert, must } from "../base/assert.ts";
import { sameBytes } from "../base/bytes.ts";
import { logIndex, type NodeId, noIndex, noTerm } from "../base/numbers.ts";
import type { Store } from "../kv/store.ts";
import type {
  Configuration,
  Entry,
  EntryId,
  HardState,
  SnapshotEnd,
  SnapshotId,
} from "../raft/types.ts";
import { type Disk, DiskError } from "./disk.ts";
import { createAside } from "./effects.ts";
import { journalRefused, openingFailed, snapshotRefused, wrongFolder } from "./errors.ts";
import { type FoundFiles, findFiles } from "./folder.ts";
import { type Header, headerRecord, type Identity } from "./header.ts";
import { type ClosedFile, Journal, type Place, segmentBytesDefault } from "./journal.ts";
import {
  activeName,
  closedNumber,
  cutName,
  newName,
  snapshotName,
  snapshotNames,
} from "./names.ts";
import { fileSource } from "./reader.ts";
import { chainRecords, markRecordBytes, writeMark } from "./record.ts";
import { type Base, type Reading, readJournal, type SegmentFile } from "./recovery.ts";
import { finishReplacement } from "./replace.ts";
import { loadSnapshot } from "./snapshot-load.ts";

export type OpenOptions = {
  readonly disk: Disk;
  readonly node: NodeId;
  /** The cluster that this node was told it belongs to; 0 where it was not told. */
  readonly cluster: number;
  /** What a new journal is made with. An existing one has its own. */
  readonly create: { readonly incarnation: number; readonly configuration: Configuration };
  readonly segmentBytesMax?: number;
};

/** An unfinished write that was cut off, and where its bytes are kept. */
export type Cut = {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly savedAs: string;
};

/** What a journal held when it was opened. All of it is durable. */
export type JournalRecovered = {
  readonly origin: "created" | "opened";
  readonly identity: Identity;
  /** How many times it has been opened, this time included. */
  readonly run: number;
  readonly hardState: HardState;
  /** What stands for the log up to some entry, at or behind `base`; null where all of the log is there. */
  readonly snapshot: RecoveredSnapshot | null;
  /** What stands before the first of the entries. */
  readonly base: EntryId;
  readonly entries: readonly Entry[];
  /** The configuration in force at `base`. */
  readonly configuration: Configuration;
  readonly peers: ReadonlyMap<NodeId, number>;
  /** Every entry up to it was committed: a lower bound. */
  readonly commit: EntryId["index"];
  readonly cut: Cut | null;
  readonly segmentCount: number;
};

export type RecoveredSnapshot = {
  readonly id: SnapshotId;
  readonly end: SnapshotEnd;
  /** The state that it holds. */
  readonly store: Store;
};

export type OpenedJournal = { readonly journal: Journal; readonly recovered: JournalRecovered };

/** Throws an OperatorError where the journal cannot be opened. */
export function openJournal(options: OpenOptions): OpenedJournal {
  try {
    return openOrCreate(options);
  } catch (error) {
    if (error instanceof DiskError) throw openingFailed(options.disk.folder, error);
    throw error;
  }
}

function openOrCreate(options: OpenOptions): OpenedJournal {
  const { disk, node } = options;
  finishReplacement(disk, node);
  const found = findFiles(disk, node);
  if (found.files.length === 0) {
    if (found.leftover !== null) disk.remove(found.leftover);
    create(options);
    return openFiles(options, "created", findFiles(disk, node));
  }
  return openFiles(options, "opened", found);
}

function create(options: OpenOptions): void {
  const { disk, node, cluster } = options;
  const { incarnation, configuration } = options.create;
  const temporary = newName(node);
  const header = headerRecord({
    identity: { node, cluster, incarnation },
    segment: 1,
    chain: 0,
    previous: { index: noIndex, term: noTerm },
    hardState: { term: noTerm, votedFor: null },
    commit: noIndex,
    run: 0,
    snapshot: null,
    peers: new Map(),
    configuration,
  });
  createAside(disk, { temporary, header });
  disk.rename(temporary, activeName(node));
  disk.syncFolder();
}

function openFiles(
  options: OpenOptions,
  origin: JournalRecovered["origin"],
  found: FoundFiles,
): OpenedJournal {
  const { disk, node } = options;
  const reading = readJournal(found.files, { from: "first-segment", keep: "entries" });
  const first = checked(options, reading);
  const standing = must(reading.standing, "a journal that was read amounts to something");
  const snapshot = standing.snapshot === null ? null : load(options, standing.snapshot);
  const { base, entries } = beginning(reading, snapshot);
  if (snapshot !== null) standing.knowAt(snapshot.end);
  endInterrupted(disk, node, found);
  const { problem } = reading;
  const cut = problem === null ? null : cutTail(disk, node, problem.offset);
  const run = reading.run + 1;
  const place = vouch(disk, { node, reading, run, files: found.files });
  removeSnapshots(disk, node, standing.snapshot);
  const recovered: JournalRecovered = {
    origin,
    identity: first.identity,
    run,
    hardState: standing.hardState,
    snapshot,
    base,
    entries,
    configuration: base.configuration,
    peers: standing.peers,
    commit: standing.commit,
    cut,
    segmentCount: found.files.length,
  };
  const segmentBytesMax = options.segmentBytesMax ?? segmentBytesDefault;
  const { identity } = first;
  const closed = closedFiles(found.files, reading);
  const journal = new Journal({ identity, segmentBytesMax, standing, place, closed, run });
  return { journal, recovered };
}

/** The log as far as it is known: from the first file on, or from the snapshot on. */
function beginning(
  { base, entries }: Reading,
  snapshot: RecoveredSnapshot | null,
): { readonly base: Omit<Base, "is">; readonly entries: readonly Entry[] } {
  assert(base !== null, "a journal that was read begins somewhere");
  if (base.is === "known") return { base, entries };
  const { last, configuration } = must(snapshot, "a snapshot stands for what is not known").end;
  const known = entries.filter(({ index }) => index > last.index);
  return { base: { ...last, configuration }, entries: known };
}

/** Throws where the file is not what its mark says. */
function load({ disk, node }: OpenOptions, id: SnapshotId): RecoveredSnapshot {
  const name = snapshotName(node, id.last.index);
  const isThere = disk.list().includes(name);
  const loaded = isThere ? loadSnapshot(fileSource(disk, name), id) : missingSnapshot;
  if (loaded.kind === "loaded") return { id, end: loaded.head, store: loaded.store };
  throw snapshotRefused({ folder: disk.folder, node }, name, loaded);
}

const missingSnapshot = { kind: "wrong", offset: 0, because: "missing" } as const;

/** Those that are not in force: older ones, and ones that were never told of. Nobody was promised anything by them. */
function removeSnapshots(disk: Disk, node: NodeId, inForce: SnapshotId | null): void {
  const kept = inForce === null ? null : snapshotName(node, inForce.last.index);
  const others = snapshotNames(node, disk.list()).filter((name) => name !== kept);
  if (others.length === 0) return;
  for (const name of others) disk.remove(name);
  disk.syncFolder();
}

/** A file ends with the entry before the one that the next file begins with. */
function closedFiles(files: readonly SegmentFile[], reading: Reading): readonly ClosedFile[] {
  const closed = files.filter(({ role }) => role === "closed");
  return closed.map(({ name }, at) => {
    const next = must(reading.headers[at + 1], "a file follows each that is closed");
    return { name, lastIndex: next.previous.index };
  });
}

/**
 * Throws unless the files are this node's, and nothing is wrong with them that cutting does not
 * mend.
 */
function checked(options: OpenOptions, reading: Reading): Header {
  const { disk, node, cluster } = options;
  const { first, problem } = reading;
  const place = { folder: disk.folder, node };
  if (first !== null) {
    const { identity } = first;
    const isOtherCluster = cluster !== 0 && identity.cluster !== 0 && identity.cluster !== cluster;
    if (identity.node !== node || isOtherCluster) {
      throw wrongFolder(place, { node, cluster }, identity);
    }
  }
  if (problem !== null && problem.kind !== "unfinished") {
    throw journalRefused(place, reading, problem);
  }
  return must(first, "a first file without a readable header is damaged");
}

/** Ends the roll, or removes the leftover; either way no name is in doubt afterwards. */
function endInterrupted(disk: Disk, node: NodeId, found: FoundFiles): void {
  const { files, leftover } = found;
  if (leftover !== null) {
    if (files.some((file) => file.name === leftover)) disk.rename(leftover, activeName(node));
    else disk.remove(leftover);
  }
  disk.syncFolder();
}

/**
 * Keeps the bytes aside before they are cut off. A crash on the way, or before vouch(), leads back
 * here.
 */
function cutTail(disk: Disk, node: NodeId, offset: number): Cut {
  const file = activeName(node);
  const bytes = disk.read(file, offset, disk.size(file) - offset);
  const savedAs = saveAside(disk, node, { offset, bytes });
  disk.truncate(file, offset);
  return { file, offset, bytes: bytes.length, savedAs };
}

/** Nothing that was kept before is overwritten; the same bytes are kept once. */
function saveAside(
  disk: Disk,
  node: NodeId,
  tail: { readonly offset: number; readonly bytes: Uint8Array },
): string {
  const names = disk.list();
  let copy = 1;
  let name = cutName(node, tail.offset, copy);
  while (names.includes(name) && !holds(disk, name, tail.bytes)) {
    copy += 1;
    name = cutName(node, tail.offset, copy);
  }
  if (!names.includes(name)) keep(disk, name, tail.bytes);
  disk.sync(name);
  disk.syncFolder();
  return name;
}

/** Where there is no room for all of it, nothing of it is left behind to take up more at the next start. */
function keep(disk: Disk, name: string, bytes: Uint8Array): void {
  try {
    disk.create(name, bytes);
  } catch (error) {
    if (disk.list().includes(name)) disk.remove(name);
    throw error;
  }
}

const holds = (disk: Disk, name: string, bytes: Uint8Array): boolean =>
  disk.size(name) === bytes.length && sameBytes(disk.read(name, 0, bytes.length), bytes);

/**
 * Makes durable what was read, and only then says so in the file: from now on it counts, whether or
 * not it had reached the disk when the last run ended.
 */
function vouch(
  disk: Disk,
  parts: {
    readonly node: NodeId;
    readonly reading: Reading;
    readonly run: number;
    readonly files: readonly SegmentFile[];
  },
): Place {
  const { node, reading, run } = parts;
  const { header, place } = must(reading.end, "the active file was read");
  const file = activeName(node);
  // The last run may have ended with a failed sync, and no power cut since: a sync alone would prove nothing.
  disk.writeAgain(file, Math.min(reading.vouched, place.offset));
  disk.sync(file);
  assert(disk.size(file) === place.offset, "the file ends behind its last record");
  const mark = new Uint8Array(markRecordBytes);
  const { offset, seed } = place;
  const standing = must(reading.standing, "a journal that was read amounts to something");
  const { commit, hardState, last, replacements } = standing;
  const said = { commit, run, hardState, last, replacements };
  writeMark(mark, 0, { offset, durable: offset, seed, ...said });
  const chain = chainRecords(mark, place.chain);
  disk.append(file, mark);
  disk.sync(file);
  const lastClosed = parts.files.findLast((segment) => segment.role === "closed");
  return {
    segment: header.segment,
    closedNumber: lastClosed === undefined ? 0 : must(closedNumber(node, lastClosed.name), "named"),
    firstIndex: logIndex(header.previous.index + 1),
    end: offset + mark.length,
    chain,
    seed,
  };
}
