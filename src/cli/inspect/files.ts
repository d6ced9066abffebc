/**
 * The files a user names, found and opened for reading only. Where the question is about a node's
 * log and not about one file, the closed segments beside the file that stand before it are found as
 * well. A node may be writing: what is read is the files as long as they were when they were opened
 * here.
 */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bytesOfByteString, sameBytes } from "../../base/bytes.ts";
import type { OperatorError } from "../../base/error.ts";
import { isNodeId, type NodeId } from "../../base/numbers.ts";
import { DiskError } from "../../journal/disk.ts";
import { activeMissing } from "../../journal/errors.ts";
import { activeName, closedNames, closedNumber, newName, roleOf } from "../../journal/names.ts";
import type { RecordSource } from "../../journal/reader.ts";
import { frameBytes } from "../../journal/record.ts";
import type { SegmentFile } from "../../journal/recovery.ts";
import { type HeldFile, holdFile } from "../../runtime/disk.ts";
import { guarded } from "../../runtime/disk-error.ts";
import { cutBytes, isFolder, missingFile, notAFile, notAJournal } from "./errors.ts";

/** A segment, and the path that the user would type for it. */
export type LogFile = SegmentFile & { readonly path: string };

/** Files of one log, in order. */
export type LogFiles = {
  /** What the user typed, and what the answer is about. */
  readonly path: string;
  readonly node: NodeId | null;
  readonly files: readonly LogFile[];
  /** The last of the files where it may be growing. */
  readonly active: ActiveFile | null;
  readonly close: () => void;
};

/** The active file, held by what it is and not by its name: a roll gives the name to another. */
export type ActiveFile = {
  readonly path: string;
  readonly held: HeldFile;
  readonly inode: number;
};

export type Together = { readonly active: ActiveFile; readonly closed: readonly string[] };

/** `file`: each as it is. `log`: with all that belongs before it, each log once. */
export type Reach = "file" | "log";

export function openLogs(paths: readonly string[], reach: Reach): readonly LogFiles[] {
  for (const path of paths) checkPath(path);
  const lasts = reach === "file" ? paths : lastOfEachLog(paths);
  const opened: LogFiles[] = [];
  try {
    for (const path of lasts) opened.push(openLog(path, reach));
  } catch (error) {
    closeLogs(opened);
    throw error;
  }
  return opened;
}

export function closeLogs(logs: readonly LogFiles[]): void {
  for (const log of logs) log.close();
}

/**
 * The inode that a path leads to now, or null while it leads nowhere, as in the middle of a roll.
 */
export function inodeOf(path: string): number | null {
  return statOf(path)?.ino ?? null;
}

/** The closed segments in a file's folder, oldest first, as paths. */
function closedPaths(path: string): readonly string[] {
  const node = nodeOf(path);
  if (node === null) return [];
  const names = guarded("list", dirname(path), () => readdirSync(dirname(path)));
  return closedNames(node, names).map((name) => join(dirname(path), name));
}

/**
 * Opens the active file that the path stands for, and is certain which one that is: its name may go
 * to another at any moment.
 */
function holdActive(path: string): ActiveFile {
  for (;;) {
    const found = find(path);
    if (found === null) throw new DiskError({ code: "missing", operation: "read", file: path });
    const held = heldUnlessMoved(found.path);
    if (held === null) continue;
    const inode = found.stat.ino;
    if (inodeOf(found.path) === inode) return { path: found.path, held, inode };
    held.close();
  }
}

type Found = { readonly path: string; readonly stat: Stats };

/** How often one looks for a file whose name is about to change before it is believed to be gone. */
const looksMax = 10;

/**
 * What a path leads to. Between two steps of a roll the new active file has not got its name yet,
 * and a crash can leave it so. At every moment one of the two names is there, but looking at both
 * takes two moments.
 */
function find(path: string): Found | null {
  const node = nodeOf(path);
  const isActive = node !== null && roleOf(path) === "active";
  for (let looks = 0; looks < looksMax; looks++) {
    const stat = statOf(path);
    if (stat !== null) return { path, stat };
    if (!isActive || statOf(dirname(path)) === null || closedPaths(path).length === 0) return null;
    const aside = join(dirname(path), newName(node));
    const asideStat = statOf(aside);
    if (asideStat !== null) return { path: aside, stat: asideStat };
  }
  return null;
}

function heldUnlessMoved(path: string): HeldFile | null {
  try {
    return holdFile(path);
  } catch (error) {
    if (error instanceof DiskError && error.code === "missing") return null;
    throw error;
  }
}

export const logFile = (path: string, source: RecordSource): LogFile => ({
  path,
  name: basename(path),
  role: roleOf(path),
  source,
});

/**
 * A closed segment does not change, so it is not held open: a log can have more than a process may
 * open.
 */
export function closedFile(path: string): LogFile {
  const size = briefly(path, (source) => source.size);
  const read = (offset: number, length: number) =>
    briefly(path, (source) => source.read(offset, length));
  return logFile(path, { size, read });
}

function briefly<T>(path: string, use: (source: RecordSource) => T): T {
  const held = holdFile(path);
  try {
    return use(held.source());
  } finally {
    held.close();
  }
}

function openLog(path: string, reach: Reach): LogFiles {
  const node = nodeOf(path);
  if (roleOf(path) === "closed") {
    const earlier =
      reach === "log" ? closedPaths(path).filter((other) => isBefore(other, path)) : [];
    const files = [...earlier, path].map(closedFile);
    checkMagic(files);
    return { path, node, files, active: null, close: () => {} };
  }
  const { active, closed } = stably(path, reach);
  try {
    const files = [...closed.map(closedFile), logFile(active.path, active.held.source())];
    checkMagic(files);
    return { path, node, files, active, close: active.held.close };
  } catch (error) {
    active.held.close();
    throw error;
  }
}

/**
 * The active file and the closed ones before it, as they were together at one moment: nothing was
 * rolled while they were looked for.
 */
export function stably(path: string, reach: Reach): Together {
  const closedNow = (): readonly string[] => (reach === "log" ? closedPaths(path) : []);
  for (;;) {
    const active = holdActive(path);
    const closed = closedNow();
    const isStill = find(path)?.stat.ino === active.inode;
    if (isStill && closedNow().length === closed.length) return { active, closed };
    active.held.close();
  }
}

/** Of several files of one node the last: those before it are found beside it. */
function lastOfEachLog(paths: readonly string[]): readonly string[] {
  const lasts = new Map<string, string>();
  for (const path of paths) {
    const node = nodeOf(path);
    const log = node === null ? path : join(dirname(path), activeName(node));
    const other = lasts.get(log);
    if (other === undefined || isBefore(other, path)) lasts.set(log, path);
  }
  return [...lasts.values()];
}

/** Whether one file of a node stands before another: the active one is the last. */
function isBefore(path: string, other: string): boolean {
  if (roleOf(path) === "active") return false;
  return roleOf(other) === "active" || basename(path) < basename(other);
}

/**
 * Whose file it is by its name: `node1.log`, or a closed segment; null where the name says nothing.
 */
function nodeOf(path: string): NodeId | null {
  const name = basename(path);
  const node = Number(/^node(\d+)\./.exec(name)?.[1] ?? 0);
  if (!isNodeId(node)) return null;
  return name === activeName(node) || closedNumber(node, name) !== null ? node : null;
}

function checkPath(path: string): void {
  const stat = find(path)?.stat;
  if (stat === undefined) throw missing(path);
  if (stat.isDirectory()) throw isFolder(path, journalsIn(path));
  if (!stat.isFile()) throw notAFile(path);
  const cut = /^(node\d+\.log)\.cut-(\d+)/.exec(basename(path));
  if (cut !== null) {
    const [, log, offset] = cut;
    throw cutBytes(path, { log: join(dirname(path), log ?? ""), offset: offset ?? "" });
  }
}

/** Without its active file a log is damaged, as a node would say. */
function missing(path: string): OperatorError {
  const node = nodeOf(path);
  if (statOf(dirname(path)) === null) return missingFile(path, []);
  if (node === null || roleOf(path) === "closed" || closedPaths(path).length === 0) {
    return missingFile(path, journalsIn(dirname(path)));
  }
  return activeMissing({ folder: dirname(path), node }, basename(path));
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    return guarded("read", path, () => {
      throw error;
    });
  }
}

/** The active files in a folder, for an error that says what there is. */
function journalsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^node\d+\.log$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

const magic = bytesOfByteString("RUSTBOAT");

/**
 * A file that is called like a journal and does not begin like one is damaged, as a node would say.
 * One with another name is more likely to be something else.
 */
function checkMagic(files: readonly LogFile[]): void {
  for (const { path, source } of files) {
    if (nodeOf(path) !== null) continue;
    const found = source.read(frameBytes, magic.length);
    if (!sameBytes(found, magic)) throw notAJournal(path, source.size);
  }
}
