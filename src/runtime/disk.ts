/**
 * The real disk: one folder of files. The files that are appended to stay open; every other access
 * opens and closes. What readers of a running node see is what was written, whether or not it is
 * durable yet.
 *
 * Files are for their owner only (0600): they hold every key and value.
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Disk, DiskError, durable, type Synced, type SyncOutcome } from "../journal/disk.ts";
import type { RecordSource } from "../journal/reader.ts";
import { diskError, guarded } from "./disk-error.ts";
import { makeFolder, syncFolderAt } from "./folder.ts";
import { flushDrive } from "./libc.ts";

const fileMode = 0o600;

export class FileDisk implements Disk {
  readonly folder: string;
  private readonly onSynced: (synced: Synced) => void;
  /** The descriptors of the files that are appended to. */
  private readonly appended = new Map<string, number>();
  private syncsUnderWay = 0;
  private state: "open" | "closing" = "open";

  /**
   * Makes the folder where there is none. `onSynced` is called from the event loop, never at once.
   */
  constructor(folder: string, onSynced: (synced: Synced) => void) {
    this.folder = folder;
    this.onSynced = onSynced;
    guarded("syncFolder", "", () => makeFolder(folder));
  }

  list(): readonly string[] {
    return guarded("list", "", () => readdirSync(this.folder)).sort();
  }

  size(name: string): number {
    return guarded("size", name, () => statSync(this.path(name)).size);
  }

  read(name: string, offset: number, length: number): Uint8Array {
    return guarded("read", name, () =>
      withFile(this.path(name), constants.O_RDONLY, (descriptor) =>
        readAll(descriptor, offset, length),
      ),
    );
  }

  create(name: string, bytes: Uint8Array): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    guarded("create", name, () =>
      withFile(this.path(name), flags, (descriptor) => writeAll(descriptor, bytes)),
    );
  }

  append(name: string, bytes: Uint8Array): void {
    guarded("append", name, () => writeAll(this.descriptor(name), bytes));
  }

  truncate(name: string, size: number): void {
    guarded("truncate", name, () =>
      withFile(this.path(name), constants.O_WRONLY, (descriptor) =>
        ftruncateSync(descriptor, size),
      ),
    );
  }

  writeAgain(name: string, offset: number): void {
    guarded("writeAgain", name, () =>
      withFile(this.path(name), constants.O_RDWR, (descriptor) => {
        const bytes = readAll(descriptor, offset, Number.POSITIVE_INFINITY);
        writeAll(descriptor, bytes, offset);
      }),
    );
  }

  sync(name: string): void {
    guarded("sync", name, () =>
      withFile(this.path(name), constants.O_RDWR, (descriptor) => {
        fsyncSync(descriptor);
        flushDrive(descriptor);
      }),
    );
  }

  startSync(name: string, ticket: number): void {
    const descriptor = guarded("startSync", name, () => this.descriptor(name));
    this.syncsUnderWay += 1;
    fdatasync(descriptor, (error) => {
      this.syncsUnderWay -= 1;
      if (this.state === "closing") {
        if (this.syncsUnderWay === 0) this.closeAppended();
        return;
      }
      this.onSynced({ kind: "synced", ticket, outcome: outcomeOf(name, descriptor, error) });
    });
  }

  rename(from: string, to: string): void {
    guarded("rename", from, () => {
      if (existsSync(this.path(to))) {
        throw new DiskError({ code: "exists", operation: "rename", file: to });
      }
      renameSync(this.path(from), this.path(to));
    });
    this.forget(from);
  }

  remove(name: string): void {
    guarded("remove", name, () => unlinkSync(this.path(name)));
    this.forget(name);
  }

  syncFolder(): void {
    guarded("syncFolder", "", () => syncFolderAt(this.folder));
  }

  /** No more calls after this one. A sync under way ends first, and nobody is told. */
  close(): void {
    this.state = "closing";
    if (this.syncsUnderWay === 0) this.closeAppended();
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  /** Of a file that is appended to, which is then kept open: the journal's, and a snapshot while it is written. */
  private descriptor(name: string): number {
    const known = this.appended.get(name);
    if (known !== undefined) return known;
    const descriptor = openSync(this.path(name), constants.O_WRONLY | constants.O_APPEND);
    this.appended.set(name, descriptor);
    return descriptor;
  }

  private forget(name: string): void {
    const descriptor = this.appended.get(name);
    if (descriptor !== undefined) closeSync(descriptor);
    this.appended.delete(name);
  }

  private closeAppended(): void {
    for (const name of [...this.appended.keys()]) this.forget(name);
  }
}

/** A file by its path, held open: its content stays the same file's when it gets another name. */
export type HeldFile = {
  readonly path: string;
  /** The file as long as it is now. */
  readonly source: () => RecordSource;
  readonly close: () => void;
};

/** For `inspect`, which is given paths. Throws a DiskError. */
export function holdFile(path: string): HeldFile {
  const descriptor = guarded("read", path, () => openSync(path, constants.O_RDONLY));
  return {
    path,
    source: () => ({
      size: guarded("size", path, () => fstatSync(descriptor).size),
      read: (offset, length) => guarded("read", path, () => readAll(descriptor, offset, length)),
    }),
    close: () => closeSync(descriptor),
  };
}

function withFile<T>(path: string, flags: number, use: (descriptor: number) => T): T {
  const descriptor = openSync(path, flags, fileMode);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readAll(descriptor: number, offset: number, length: number): Uint8Array {
  const available = Math.max(0, fstatSync(descriptor).size - offset);
  const bytes = new Uint8Array(Math.min(length, available));
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, offset + done);
    if (count === 0) return bytes.slice(0, done);
    done += count;
  }
  return bytes;
}

/** One write is allowed to take less than it was given. Where no offset is given, it goes to the end. */
function writeAll(descriptor: number, bytes: Uint8Array, offset: number | null = null): void {
  let done = 0;
  while (done < bytes.length) {
    const at = offset === null ? null : offset + done;
    done += writeSync(descriptor, bytes, done, bytes.length - done, at);
  }
}

function outcomeOf(name: string, descriptor: number, error: unknown): SyncOutcome {
  if (error !== null && error !== undefined) {
    return { kind: "failed", error: diskError("startSync", name, error) };
  }
  flushDrive(descriptor);
  return durable;
}
