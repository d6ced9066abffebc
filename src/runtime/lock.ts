/**
 * One process per journal. The lock is the kernel's, on the file `node1.lock`: it ends with the
 * process however that ends, so a crash leaves nothing to clean up, and the number of a process
 * that is long gone cannot be mistaken for a holder. The number written into the file is for people
 * only.
 *
 * The file itself stays: removing it would let two processes lock two files of one name.
 *
 * Where flock cannot be called (Windows, an unknown C library), SQLite's own file locks do the same
 * on `node1.lock.sqlite`.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { must } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import { libc } from "./libc.ts";

export type FolderLock = {
  readonly mechanism: LockMechanism;
  readonly release: () => void;
};

export type LockMechanism = "flock" | "sqlite";

const exclusiveNow = 2 | 4;

export const bestMechanism = (): LockMechanism => (libc() === null ? "sqlite" : "flock");

/** Takes the lock of this node's journal, or throws the OperatorError that names its holder. */
export function lockJournal(
  folder: string,
  node: NodeId,
  mechanism: LockMechanism = bestMechanism(),
): FolderLock {
  const path = join(folder, `node${node}.lock`);
  return takeLock({ path, mechanism, refusal: (holder) => locked(folder, node, holder) });
}

/** One supervisor per data folder: two that begin at once would each start some of the nodes. */
export function lockSupervisor(folder: string): FolderLock {
  const path = join(folder, "cluster.lock");
  const refusal = (holder: number | null) => supervised(folder, holder);
  return takeLock({ path, mechanism: bestMechanism(), refusal });
}

function takeLock(parts: {
  readonly path: string;
  readonly mechanism: LockMechanism;
  readonly refusal: (holder: number | null) => OperatorError;
}): FolderLock {
  const { path, mechanism, refusal } = parts;
  const descriptor = openLockFile(path);
  const release = mechanism === "flock" ? flock(descriptor) : sqliteLock(`${path}.sqlite`);
  if (release === null) {
    closeSync(descriptor);
    throw refusal(holderOf(path));
  }
  noteHolder(descriptor);
  return {
    mechanism,
    release() {
      ftruncateSync(descriptor, 0);
      release();
      closeSync(descriptor);
    },
  };
}

/** For people only: on a full disk the lock holds without it. */
function noteHolder(descriptor: number): void {
  try {
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, `${process.pid}\n`, 0);
  } catch {
    // The lock is held all the same.
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    throw new OperatorError({
      code: "permission",
      what: `the lock file ${path} could not be opened`,
      why: error instanceof Error ? error.message : String(error),
      fix: [
        "give this user the right to write to the data folder",
        "or name another: --data FOLDER",
      ],
      exit: 7,
      meaning: "nothing was changed",
    });
  }
}

/** How to give the lock back, or null where another process has it. */
function flock(descriptor: number): (() => void) | null {
  const library = must(libc(), "flock was chosen because it can be called");
  // Closing the file gives the lock back: nobody else has this descriptor.
  return library.flock(descriptor, exclusiveNow) === 0 ? () => {} : null;
}

/** A database that nobody mentions any more is closed, and its lock is free, while its process goes on. */
const held = new Set<Database>();

function sqliteLock(path: string): (() => void) | null {
  const database = new Database(path, { create: true });
  try {
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("BEGIN EXCLUSIVE");
    held.add(database);
    return () => {
      held.delete(database);
      database.close();
    };
  } catch (error) {
    database.close();
    if (error instanceof SQLiteError && error.code === "SQLITE_BUSY") return null;
    throw error;
  }
}

/** The number the holder wrote, or null in the moment before it has. */
function holderOf(path: string): number | null {
  const match = /^(\d+)\n/.exec(readFileSync(path, "utf8"));
  return match === null ? null : Number(match[1]);
}

const supervised = (folder: string, holder: number | null): OperatorError =>
  new OperatorError({
    code: "cluster-running",
    what: `a cluster is already being run on ${folder}`,
    why: `${holder === null ? "another process" : `process ${holder}`} supervises it`,
    fix: [
      `rusty-boat cluster status --data ${folder}`,
      `or end it first: rusty-boat cluster down --data ${folder}`,
    ],
    exit: 7,
    meaning: "nothing was changed",
  });

function locked(folder: string, node: NodeId, holder: number | null): OperatorError {
  const holderName = holder === null ? "another process" : `process ${holder}`;
  return new OperatorError({
    code: "folder-locked",
    what: `node ${node} is already running on ${folder}`,
    why: `${holderName} holds ${join(folder, `node${node}.lock`)}`,
    fix: [
      holder === null ? "stop the other process" : `stop it: kill ${holder}`,
      "or run this node on its own folder: --data FOLDER",
    ],
    exit: 7,
    meaning: "nothing was changed",
  });
}
