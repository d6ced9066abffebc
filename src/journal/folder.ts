/**
 * Which files a node's journal consists of. Reading them is all that happens here.
 *
 * What a crash can leave besides the segments is one file, `node1.log.new`:
 *   beside the active file, or alone     it was never in use: to be removed
 *   beside closed files, none active     a roll lacks its last step: it is the active file
 */
import type { NodeId } from "../base/numbers.ts";
import type { Disk } from "./disk.ts";
import { activeMissing } from "./errors.ts";
import { activeName, closedNames, newName } from "./names.ts";
import { fileSource } from "./reader.ts";
import { readJournal, type SegmentFile } from "./recovery.ts";

export type FoundFiles = {
  /** In order, the active one last. Empty where there is no journal. */
  readonly files: readonly SegmentFile[];
  /** A file that was being made. Where it is among the files, it is to become the active one. */
  readonly leftover: string | null;
};

/** Throws the OperatorError where the active file is missing and no crash explains it. */
export function findFiles(disk: Disk, node: NodeId): FoundFiles {
  const names = disk.list();
  const leftover = names.includes(newName(node)) ? newName(node) : null;
  const closed = closedNames(node, names).map((name) => segmentFile(disk, name, "closed"));
  if (names.includes(activeName(node))) {
    return { files: [...closed, segmentFile(disk, activeName(node), "active")], leftover };
  }
  if (leftover === null) {
    if (closed.length > 0) throw activeMissing({ folder: disk.folder, node }, activeName(node));
    return { files: [], leftover };
  }
  const candidate = segmentFile(disk, leftover, "active");
  if (closed.length === 0 && segmentNumber(candidate) <= 1) return { files: [], leftover };
  return { files: [...closed, candidate], leftover };
}

const segmentFile = (disk: Disk, name: string, role: SegmentFile["role"]): SegmentFile => ({
  name,
  role,
  source: fileSource(disk, name),
});

/** 0 where the file has no readable header. */
const segmentNumber = (file: SegmentFile): number =>
  readJournal([file], { from: "any-segment", keep: "nothing" }).first?.segment ?? 0;
