/**
 * The files a user names, found and opened for reading only. Where the question is about a node's
 * log and not about one file, the closed segments beside the file that stand before it are found as
 * well. A node may be writing: what is read is the files as long as they were when they were opened
 * here.
 */
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bytesOfByteString, sameBytes } from "../../base/bytes.ts";
import type { OperatorError } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import { activeMissing } from "../../journal/errors.ts";
import { activeName, roleOf } from "../../journal/names.ts";
import type { RecordSource } from "../../journal/reader.ts";
import { frameBytes } from "../../journal/record.ts";
import type { SegmentFile } from "../../journal/recovery.ts";
import { holdFile } from "../../runtime/disk.ts";
import { cutBytes, isFolder, missingFile, notAFile, notAJournal } from "./errors.ts";
import {
  type ActiveFile,
  closedPaths,
  find,
  isBefore,
  nodeOf,
  type Reach,
  stably,
  statOf,
} from "./paths.ts";

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
