/**
 * For people who look at files: whether they are right, and what is in them, record by record.
 * Nothing is changed, nothing but the files is needed, and a node may be writing to them.
 */
import type { NodeId } from "../base/numbers.ts";
import type { Disk } from "./disk.ts";
import { describeProblem, readableLog } from "./errors.ts";
import { findFiles } from "./folder.ts";
import type { Header } from "./header.ts";
import { type Located, type ReadPlace, RecordReader } from "./reader.ts";
import { judge, type Problem, type Reading, readJournal, type SegmentFile } from "./recovery.ts";

export type Verification = {
  /** "unfinished" is what a crash or a write under way looks like: the node will start. */
  readonly verdict: "right" | "unfinished" | "refused";
  readonly problem: Problem | null;
  /** Why, in a sentence without its full stop; null where all is right. */
  readonly why: string | null;
  /** What can be read, in words. */
  readonly readable: string;
  readonly first: Header | null;
  readonly recordCount: number;
  readonly standing: Reading["standing"];
};

/** Files of one journal, in order; any of its segments may come first. */
export function verifyFiles(files: readonly SegmentFile[]): Verification {
  return verification(readJournal(files, { from: "any-segment", keep: "nothing" }));
}

/**
 * All files of a node, as openJournal would read them. Throws what it would throw where one is
 * missing.
 */
export function verifyJournal(disk: Disk, node: NodeId): Verification {
  const { files } = findFiles(disk, node);
  return verification(readJournal(files, { from: "first-segment", keep: "nothing" }));
}

function verification(reading: Reading): Verification {
  const { problem, first, recordCount, standing } = reading;
  return {
    verdict: verdictOf(problem),
    problem,
    why: problem === null ? null : describeProblem(problem),
    readable: readableLog(reading),
    first,
    recordCount,
    standing,
  };
}

function verdictOf(problem: Problem | null): Verification["verdict"] {
  if (problem === null) return "right";
  return problem.kind === "unfinished" ? "unfinished" : "refused";
}

/** How the reading of a file ended: go on from `place` when the file has grown. */
export type SegmentEnd = { readonly place: ReadPlace; readonly problem: Problem | null };

/**
 * The records of one file from `place` on. To follow a file that grows, look at it again with a new
 * source and the place where the last reading ended. An "unfinished" problem may be a write under
 * way.
 */
export function* readSegment(
  file: SegmentFile,
  place?: ReadPlace,
): Generator<Located, SegmentEnd, undefined> {
  const reader = new RecordReader(file.source, place);
  for (;;) {
    const next = reader.next();
    if (next.kind === "end") return { place: reader.place, problem: null };
    if (next.kind === "bad") {
      const problem = { file: file.name, ...judge(file, reader.place, next.reason) };
      return { place: reader.place, problem };
    }
    yield next;
  }
}
