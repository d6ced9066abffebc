/**
 * What is left of a cluster: each node's journal as far as it can be read, and which of them has the most. The one
 * whose last entry is of the highest term, and of those the longest, would be elected by any of the others (paper
 * 5.4.1): where a majority of the journals is here, it holds everything that was ever acknowledged.
 */

import { type LogIndex, maxIndex, type NodeId, noIndex } from "../base/numbers.ts";
import type { EntryId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { findFiles } from "./folder.ts";
import { snapshotName } from "./names.ts";
import { fileSource, type RecordSource } from "./reader.ts";
import { committedThough, type Problem, type Reading, readJournal } from "./recovery.ts";
import { loadSnapshot } from "./snapshot-load.ts";

export type Survivor =
  | {
      readonly kind: "readable";
      readonly node: NodeId;
      readonly last: EntryId;
      /** Every entry up to it was committed: a lower bound. */
      readonly commit: LogIndex;
      readonly cluster: number;
      readonly reading: Reading;
      readonly snapshot: RecordSource | null;
    }
  | {
      readonly kind: "damaged";
      readonly node: NodeId;
      readonly problem: Problem;
      /** Marks behind the damage may know more than what stands before it. */
      readonly commit: LogIndex;
    }
  /** Its log begins behind a snapshot whose file is missing or wrong. */
  | { readonly kind: "without-snapshot"; readonly node: NodeId };

export type Readable = Extract<Survivor, { kind: "readable" }>;

/** Only reads. Null where there is no journal of this node. */
export function readSurvivor(
  disk: Disk,
  node: NodeId,
  keep: "entries" | "nothing",
): Survivor | null {
  const { files } = findFiles(disk, node);
  if (files.length === 0) return null;
  const reading = readJournal(files, { from: "first-segment", keep });
  const { problem, standing, first } = reading;
  if (problem !== null && problem.kind !== "unfinished") {
    return { kind: "damaged", node, problem, commit: committedThough(reading, files) };
  }
  if (standing === null || first === null) return null;
  const { last, commit } = standing;
  const snapshot = snapshotOf(disk, node, reading);
  if (snapshot === "wrong") return { kind: "without-snapshot", node };
  const { cluster } = first.identity;
  return { kind: "readable", node, last, commit, cluster, reading, snapshot };
}

function snapshotOf(
  disk: Disk,
  node: NodeId,
  { standing }: Reading,
): RecordSource | null | "wrong" {
  const id = standing?.snapshot ?? null;
  if (id === null) return null;
  const name = snapshotName(node, id.last.index);
  if (!disk.list().includes(name)) return "wrong";
  const source = fileSource(disk, name);
  return loadSnapshot(source, id).kind === "loaded" ? source : "wrong";
}

/** The one with the most; null where none can be read. */
export function bestOf(survivors: readonly Survivor[]): Readable | null {
  let best: Readable | null = null;
  for (const one of survivors) {
    if (one.kind === "readable" && (best === null || isMore(one.last, best.last))) best = one;
  }
  return best;
}

const isMore = (a: EntryId, b: EntryId): boolean =>
  a.term === b.term ? a.index > b.index : a.term > b.term;

export type Loss = {
  /** Whether the readable ones are a majority of the members: of both groups, in the middle of a change. */
  readonly majority: "here" | "missing";
  /** The highest index that some journal here knows to have been committed. */
  readonly committed: LogIndex;
  /** Entries that were committed for certain, and are in none of these. */
  readonly lost: { readonly from: number; readonly to: number } | null;
  /** Entries that are kept, and of which nobody here knows whether they were ever acknowledged. */
  readonly undecided: { readonly from: number; readonly to: number } | null;
};

const committedIn = (survivor: Survivor): LogIndex =>
  survivor.kind === "without-snapshot" ? noIndex : survivor.commit;

export function lossOf(best: Readable, survivors: readonly Survivor[]): Loss {
  const readable = survivors.filter((one): one is Readable => one.kind === "readable");
  const committed = survivors.map(committedIn).reduce(maxIndex, best.commit);
  const { index } = best.last;
  const members = best.reading.standing?.configuration;
  const ids = new Set(readable.map(({ node }) => node));
  const groups = [members?.voters ?? [], members?.outgoing ?? []].filter(
    ({ length }) => length > 0,
  );
  const isHere = groups.every(
    (group) => 2 * group.filter((id) => ids.has(id)).length > group.length,
  );
  return {
    majority: isHere ? "here" : "missing",
    committed,
    lost: committed > index ? { from: index + 1, to: committed } : null,
    undecided: index > committed ? { from: committed + 1, to: index } : null,
  };
}
