/**
 * A node's files by their names, while the node may give them others: which one is the active one,
 * which stand before it, and how to hold them as they were together.
 */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isNodeId, type NodeId } from "../../base/numbers.ts";
import { DiskError } from "../../journal/disk.ts";
import { activeName, closedNames, closedNumber, newName, roleOf } from "../../journal/names.ts";
import { type HeldFile, holdFile } from "../../runtime/disk.ts";
import { guarded } from "../../runtime/disk-error.ts";

/** The active file, held by what it is and not by its name: a roll gives the name to another. */
export type ActiveFile = {
  readonly path: string;
  readonly held: HeldFile;
  readonly inode: number;
};

export type Together = { readonly active: ActiveFile; readonly closed: readonly string[] };

/** `file`: each as it is. `log`: with all that belongs before it, each log once. */
export type Reach = "file" | "log";

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
export function find(path: string): Found | null {
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

/**
 * The inode that a path leads to now, or null while it leads nowhere, as in the middle of a roll.
 */
export function inodeOf(path: string): number | null {
  return statOf(path)?.ino ?? null;
}

/** The closed segments in a file's folder, oldest first, as paths. */
export function closedPaths(path: string): readonly string[] {
  const node = nodeOf(path);
  if (node === null) return [];
  const names = guarded("list", dirname(path), () => readdirSync(dirname(path)));
  return closedNames(node, names).map((name) => join(dirname(path), name));
}

/** Whether one file of a node stands before another: the active one is the last. */
export function isBefore(path: string, other: string): boolean {
  if (roleOf(path) === "active") return false;
  return roleOf(other) === "active" || basename(path) < basename(other);
}

/**
 * Whose file it is by its name: `node1.log`, or a closed segment; null where the name says nothing.
 */
export function nodeOf(path: string): NodeId | null {
  const name = basename(path);
  const node = Number(/^node(\d+)\./.exec(name)?.[1] ?? 0);
  if (!isNodeId(node)) return null;
  return name === activeName(node) || closedNumber(node, name) !== null ? node : null;
}

export function statOf(path: string): Stats | null {
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
