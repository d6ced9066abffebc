/**
 * A copy of a journal up to what is wrong with it. Everything before the problem is right, and is copied as it is;
 * what stands behind it cannot be told from nonsense, and is left out, whole files included. The last file that is
 * copied is the active one, whatever it was.
 *
 * The original is only read. The copy holds a prefix of what its node had promised: it is for reading, and for
 * `cluster recover`. A node that went on with it would have forgotten votes and entries that others count on.
 */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import type { Disk } from "./disk.ts";
import { activeName } from "./names.ts";
import type { Problem, SegmentFile } from "./recovery.ts";

export type CopiedFile = {
  /** What it is called in the copy, and what it was called. */
  readonly name: string;
  readonly of: string;
  readonly bytes: number;
};

export type LeftOut = { readonly file: string; readonly offset: number; readonly bytes: number };

export type NamedSource = Pick<SegmentFile, "name" | "source">;

export type RepairCopy = {
  readonly copied: readonly CopiedFile[];
  readonly leftOut: readonly LeftOut[];
};

/** What a copy will consist of; no file where not even the first record can be read. */
export function planCopy(
  node: NodeId,
  files: readonly SegmentFile[],
  problem: Problem | null,
): RepairCopy {
  const copied: CopiedFile[] = [];
  const leftOut: LeftOut[] = [];
  let isRight = true;
  for (const { name, source } of files) {
    const stopsHere = isRight && problem?.file === name;
    const bytes = isRight ? (stopsHere ? problem.offset : source.size) : 0;
    if (bytes > 0) copied.push({ name, of: name, bytes });
    if (bytes < source.size)
      leftOut.push({ file: name, offset: bytes, bytes: source.size - bytes });
    if (stopsHere) isRight = false;
  }
  const last = copied.pop();
  if (last !== undefined) copied.push({ ...last, name: activeName(node) });
  return { copied, leftOut };
}

const pieceBytes = 1 << 20;

/** A file as it is, beside the log: the snapshot that stands for its beginning. */
export const withFile = (plan: RepairCopy, { name, source }: NamedSource): RepairCopy => ({
  ...plan,
  copied: [{ name, of: name, bytes: source.size }, ...plan.copied],
});

/** Writes the copy, durably, into a folder that holds no such file. */
export function writeCopy(
  plan: RepairCopy,
  files: readonly NamedSource[],
  to: Pick<Disk, "create" | "append" | "sync" | "syncFolder">,
): void {
  for (const { name, of, bytes } of plan.copied) {
    const source = files.find((file) => file.name === of)?.source;
    assert(source !== undefined, "what is copied was read");
    to.create(name, source.read(0, Math.min(bytes, pieceBytes)));
    for (let at = pieceBytes; at < bytes; at += pieceBytes) {
      to.append(name, source.read(at, Math.min(bytes - at, pieceBytes)));
    }
    to.sync(name);
  }
  to.syncFolder();
}
