/**
 * The pretend disk: a folder in memory that is as unreliable as the contract of Disk allows, and no
 * more. It keeps what readers see and what a power cut leaves, for each file's bytes and for the
 * folder's names.
 *
 * What a power cut may do:
 *   bytes that were synced stay. Of the bytes after them: none; all; a prefix; any of the
 *     sectors, the others zeros, noise or what they held before; as long as they were, but
 *     zeros or noise
 *   names: of the creates, renames and removes since the last syncFolder, the first so many
 *     happened, or any
 *
 * Chance and faults are handed in: the same ones give the same disk.
 */
import { assert, must } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskOperation,
  durable,
  type Synced,
} from "../journal/disk.ts";
import { SimFile } from "./file.ts";

/** What goes wrong with an operation. */
export type DiskFault =
  /** It does not happen. For startSync: it does not begin. */
  | { readonly kind: "refused"; readonly code: DiskErrorCode }
  /** create and append: so many bytes are written, then it fails. */
  | { readonly kind: "half"; readonly code: DiskErrorCode; readonly bytes: number }
  /**
   * sync and startSync: fails once; later syncs succeed and do not write what this one should have.
   */
  | { readonly kind: "sync-lost" }
  /** The power goes before the operation. The caller of the disk sees a PowerCut. */
  | { readonly kind: "power-cut" };

/** Thrown through everything that runs on the machine; the test that asked for it catches it. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** Asked before every operation that changes something. `count` numbers them from 1. */
export type FaultPlan = (operation: {
  readonly count: number;
  readonly kind: DiskOperation;
  readonly file: string;
}) => DiskFault | null;

type Names = ReadonlyMap<string, SimFile>;
type Rename = (name: string) => string;

/** Of the folder: the name `from` goes, and `to` stands for the file. */
type Change = { readonly from: string | null; readonly to: string | null; readonly file: SimFile };

type SyncUnderWay = {
  readonly file: SimFile;
  readonly size: number;
  readonly fault: "none" | "lost";
};

const noFaults: FaultPlan = () => null;

export class SimDisk implements Disk {
  readonly folder: string;
  faults: FaultPlan = noFaults;
  private names: Names = new Map();
  private durableNames: Names = new Map();
  /** Since the last syncFolder, in order. */
  private changes: Change[] = [];
  private syncs = new Map<number, SyncUnderWay>();
  private count = 0;
  private durableCount = 0;
  private readonly onSyncStarted: (ticket: number) => void;

  /**
   * `onSyncStarted` is told of each startSync; who is told calls finishSync when it should be over.
   */
  constructor(parts: {
    readonly folder: string;
    readonly onSyncStarted: (ticket: number) => void;
  }) {
    this.folder = parts.folder;
    this.onSyncStarted = parts.onSyncStarted;
  }

  /** How many operations changed something so far. */
  get operationCount(): number {
    return this.count;
  }

  /** Moves on whenever something may have become durable. */
  get durableChanges(): number {
    return this.durableCount;
  }

  /** The names that no power cut takes away, and their files: see SimFile.certainSize. */
  get certain(): ReadonlyMap<string, SimFile> {
    return this.durableNames;
  }

  list(): readonly string[] {
    return [...this.names.keys()].sort();
  }

  size(name: string): number {
    return this.file("size", name).size;
  }

  read(name: string, offset: number, length: number): Uint8Array {
    return this.file("read", name).read(offset, length);
  }

  create(name: string, bytes: Uint8Array): void {
    const fault = this.fault("create", name);
    if (this.names.has(name)) throw failure("exists", "create", name);
    const part = fault === null ? bytes : bytes.subarray(0, fault.bytes);
    this.change({ from: null, to: name, file: new SimFile(part) });
    if (fault !== null) throw failure(fault.code, "create", name);
  }

  append(name: string, bytes: Uint8Array): void {
    const fault = this.fault("append", name);
    const file = this.file("append", name);
    file.append(fault === null ? bytes : bytes.subarray(0, fault.bytes));
    if (fault !== null) throw failure(fault.code, "append", name);
  }

  truncate(name: string, size: number): void {
    this.fault("truncate", name);
    this.file("truncate", name).truncate(size);
  }

  writeAgain(name: string, offset: number): void {
    this.fault("writeAgain", name);
    this.file("writeAgain", name).writeAgain(offset);
  }

  sync(name: string): void {
    const file = this.file("sync", name);
    const lost = this.syncFault("sync", name);
    if (lost === "none") {
      this.durableCount += 1;
      return file.sync(file.size);
    }
    file.loseSync(file.size);
    throw failure("io", "sync", name);
  }

  startSync(name: string, ticket: number): void {
    const file = this.file("startSync", name);
    const fault = this.syncFault("startSync", name);
    for (const other of this.syncs.values()) {
      assert(other.file !== file, "one sync of a file is under way at a time");
    }
    this.syncs.set(ticket, { file, size: file.size, fault });
    this.onSyncStarted(ticket);
  }

  rename(from: string, to: string): void {
    this.fault("rename", from);
    const file = this.file("rename", from);
    if (this.names.has(to)) throw failure("exists", "rename", to);
    this.change({ from, to, file });
  }

  remove(name: string): void {
    this.fault("remove", name);
    this.change({ from: name, to: null, file: this.file("remove", name) });
  }

  syncFolder(): void {
    this.fault("syncFolder", "");
    this.durableNames = this.names;
    this.changes = [];
    this.durableCount += 1;
  }

  /** The sync with this ticket is over; the input that the node is to be given. */
  finishSync(ticket: number): Synced {
    const { file, size, fault } = must(this.syncs.get(ticket), "the sync is under way");
    this.syncs.delete(ticket);
    if (fault === "none") {
      file.sync(size);
      this.durableCount += 1;
      return { kind: "synced", ticket, outcome: durable };
    }
    file.loseSync(size);
    const error = failure("io", "startSync", "");
    return { kind: "synced", ticket, outcome: { kind: "failed", error } };
  }

  /**
   * The power goes: what is seen from now on is what was durable, and what chance left of the rest.
   */
  crash(random: Random | "lose-all"): void {
    const kept = random === "lose-all" ? [] : keptChanges(this.changes, random);
    this.names = kept.reduce(changed, this.durableNames);
    this.durableNames = this.names;
    this.changes = [];
    this.syncs = new Map();
    for (const file of this.names.values()) file.crash(random);
  }

  /** The process is gone, and the machine runs on: nothing is lost, and nobody waits for a sync. */
  processEnded(): void {
    this.syncs = new Map();
  }

  /** Somebody empties the folder. */
  wipe(): void {
    this.names = new Map();
    this.durableNames = this.names;
    this.changes = [];
    this.syncs = new Map();
    this.durableCount += 1;
  }

  /** Somebody puts the files of the one folder into the other, under other names. */
  exchange(other: SimDisk, rename: { readonly mine: Rename; readonly theirs: Rename }): void {
    assert(this.syncs.size + other.syncs.size === 0, "nobody works in a folder that is exchanged");
    const renamed = (names: Names, to: Rename): Names =>
      new Map([...names].map(([name, file]) => [to(name), file]));
    const mine = renamed(this.names, rename.mine);
    this.names = renamed(other.names, rename.theirs);
    other.names = mine;
    for (const disk of [this, other]) {
      disk.durableNames = disk.names;
      disk.changes = [];
      disk.durableCount += 1;
    }
  }

  /** The same disk once more, without its faults: to look at what a power cut would leave. */
  copy(): SimDisk {
    const copy = new SimDisk({ folder: this.folder, onSyncStarted: () => {} });
    const files = new Map<SimFile, SimFile>();
    const copyNames = (names: Names): Names =>
      new Map([...names].map(([name, file]) => [name, copyOnce(files, file)]));
    copy.names = copyNames(this.names);
    copy.durableNames = copyNames(this.durableNames);
    copy.changes = this.changes.map(({ from, to, file }) => ({
      from,
      to,
      file: copyOnce(files, file),
    }));
    return copy;
  }

  /** Bit rot, at rest. Bits are numbered from the lowest of the first byte. */
  flipBit(name: string, bit: number): void {
    this.file("read", name).flipBit(bit);
  }

  /** What should have been written elsewhere stands here now. */
  overwrite(name: string, at: number, bytes: Uint8Array): void {
    this.file("read", name).overwrite(at, bytes);
  }

  private change(change: Change): void {
    this.names = changed(this.names, change);
    this.changes.push(change);
  }

  private file(operation: DiskOperation, name: string): SimFile {
    const file = this.names.get(name);
    if (file === undefined) throw failure("missing", operation, name);
    return file;
  }

  /**
   * What the plan has for an operation that writes bytes or names; throws where nothing of it
   * happens.
   */
  private fault(kind: DiskOperation, file: string): (DiskFault & { kind: "half" }) | null {
    const fault = this.planned(kind, file);
    if (fault === null) return null;
    assert(fault.kind === "half", "only a sync can lose what it should write");
    return fault;
  }

  private syncFault(kind: DiskOperation, file: string): "none" | "lost" {
    const fault = this.planned(kind, file);
    if (fault === null) return "none";
    assert(fault.kind === "sync-lost", "a sync happens or is lost");
    return "lost";
  }

  private planned(kind: DiskOperation, file: string): DiskFault | null {
    this.count += 1;
    const fault = this.faults({ count: this.count, kind, file });
    if (fault?.kind === "power-cut") throw new PowerCut("the power went");
    if (fault?.kind === "refused") throw failure(fault.code, kind, file);
    return fault;
  }
}

const failure = (code: DiskErrorCode, operation: DiskOperation, file: string): DiskError =>
  new DiskError({ code, operation, file });

function changed(names: Names, { from, to, file }: Change): Names {
  const after = new Map(names);
  if (from !== null) after.delete(from);
  if (to !== null) after.set(to, file);
  return after;
}

function keptChanges(changes: readonly Change[], random: Random): readonly Change[] {
  if (random.below(2) === 0) return changes.slice(0, random.below(changes.length + 1));
  return changes.filter(() => random.below(2) === 0);
}

function copyOnce(copies: Map<SimFile, SimFile>, file: SimFile): SimFile {
  const copy = copies.get(file) ?? file.copy();
  copies.set(file, copy);
  return copy;
}
