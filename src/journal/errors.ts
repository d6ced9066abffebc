/**
 * What a journal has to say to the operator: what is wrong with which file, how it is known, what
 * to do.
 */
import { unreachable } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import type { DiskError } from "./disk.ts";
import type { Identity } from "./header.ts";
import type { BadReason } from "./reader.ts";
import type { Misplacement, Problem, Reading } from "./recovery.ts";
import type { Hopeless } from "./salvage.ts";
import type { SnapshotFault, SnapshotRefusal } from "./snapshot-load.ts";
import type { Contradiction } from "./standing.ts";

type Place = { readonly folder: string; readonly node: NodeId };

export const pathOf = (folder: string, name: string): string => `${folder}/${name}`;

/** A problem that opening does not mend. */
export function journalRefused(place: Place, reading: Reading, problem: Problem): OperatorError {
  const path = pathOf(place.folder, problem.file);
  const readable = `everything before it is right: ${readableLog(reading)}`;
  if (problem.kind === "incompatible") {
    return new OperatorError({
      code: "log-incompatible",
      what: `${path} cannot be understood from byte ${problem.offset} on`,
      why: `${badReasons[problem.reason]}; ${readable}`,
      fix: [
        "start this node with the version of rusty-boat that wrote the file, or a newer one",
        `rusty-boat inspect --verify ${path}`,
      ],
      exit: 6,
      meaning: "nothing was changed",
    });
  }
  return new OperatorError({
    code: "log-damaged",
    what: `${path} is damaged at byte ${problem.offset}`,
    why: `${describeProblem(problem)}; ${readable}`,
    fix: [
      "start it with --repair: it fetches what is lost from the others",
      `leave node ${place.node} stopped: the others go on without it while they are a majority`,
      `put back node ${place.node}'s files as they were when it stopped, from a mirror or a ` +
        "snapshot of the file system: an older copy would break promises that it made since",
      `rusty-boat inspect --verify ${path}`,
    ],
    exit: 6,
    meaning: "nothing was changed",
  });
}

/** The others could not help: not even what is missing is known. */
export const notRepairable = (
  { parts }: OperatorError,
  { node, because }: { readonly node: NodeId; readonly because: Hopeless },
): OperatorError =>
  new OperatorError({
    ...parts,
    why: `${parts.why}; the other nodes cannot mend it: ${hopeless[because]}`,
    fix: [...parts.fix, `give its place to a new node: rusty-boat cluster replace ${node}`],
  });

const hopeless: Readonly<Record<Hopeless, string>> = {
  "identity-lost": "nothing that can be read says whose journal it is",
  "end-lost": "nothing that can be read says how far it had gone",
  contradiction: "what can be read behind the damage contradicts what is before it",
  incompatible: "a record behind the damage cannot be understood by this version",
  "other-identity": "what can be read was written by another node",
};

/** The snapshot that stands for the beginning of the log is not what it was. */
export function snapshotRefused(
  place: Place,
  name: string,
  { offset, because }: SnapshotRefusal,
): OperatorError {
  const path = pathOf(place.folder, name);
  const isNewer = because === "unknown-version" || because === "unknown-section";
  return new OperatorError({
    code: isNewer ? "snapshot-incompatible" : "snapshot-damaged",
    what:
      because === "missing"
        ? `${path} is missing`
        : `${path} cannot be used from byte ${offset} on`,
    why: `${describeSnapshotFault(because)}; the log does not hold what is in it`,
    fix: [
      isNewer
        ? "start this node with the version of rusty-boat that wrote the file, or a newer one"
        : "put the file back as it was when this node stopped, from a mirror or a snapshot of the file system",
      `or leave node ${place.node} stopped: the others go on without it while they are a majority`,
      `rusty-boat inspect --verify ${pathOf(place.folder, `node${place.node}.log`)}`,
    ],
    exit: 6,
    meaning: "nothing was changed",
  });
}

/** Why a snapshot is not believed. One sentence without its full stop. */
export const describeSnapshotFault = (fault: SnapshotFault): string => snapshotFaults[fault];

const snapshotFaults: Readonly<Record<SnapshotFault, string>> = {
  missing: "the journal says that the file stands for the beginning of the log",
  "cut-short": "the file ends before its last block",
  "goes-on": "there is something behind the last block",
  checksum: "a block's checksum is wrong",
  malformed: "a block is intact, and not of the shape that this version writes",
  "unknown-version": "the file is of a format version that this version does not know",
  "unknown-section": "a block is of a kind that this version does not know",
  another: "it is whole, and not the one that the journal speaks of",
};

/** The active file is gone, or never got its name in a way that can be explained. */
export const activeMissing = (place: Place, name: string): OperatorError =>
  new OperatorError({
    code: "log-damaged",
    what: `${pathOf(place.folder, name)} is missing`,
    why: "older files of the same node are there, and no crash leaves them without it",
    fix: [
      "put the file back",
      `or leave node ${place.node} stopped: the others go on without it while they are a majority`,
    ],
    exit: 6,
    meaning: "nothing was changed",
  });

/** The files are intact, and somebody else's. */
export function wrongFolder(place: Place, wanted: WantedIdentity, found: Identity): OperatorError {
  const path = pathOf(place.folder, `node${place.node}.log`);
  const why =
    found.node === wanted.node
      ? `it is of cluster ${clusterName(found.cluster)}, and this is ${clusterName(wanted.cluster)}`
      : `it was written by node ${found.node}, and this is node ${wanted.node}`;
  return new OperatorError({
    code: "wrong-folder",
    what: `${path} is not this node's`,
    why,
    fix: [
      "name the folder that belongs to this node and cluster: --data FOLDER",
      "or an empty one, for a node that is new to the cluster",
    ],
    exit: 6,
    meaning: "nothing was changed",
  });
}

export type WantedIdentity = { readonly node: NodeId; readonly cluster: number };

const clusterName = (cluster: number): string => cluster.toString(16).padStart(12, "0");

/** The disk did not let the journal be opened. */
export const openingFailed = (folder: string, error: DiskError): OperatorError =>
  new OperatorError({
    code: error.code === "disk-full" || error.code === "permission" ? error.code : "disk-failed",
    what: `the journal in ${folder} could not be opened`,
    why: error.message,
    fix: [openingRemedy(folder, error), "then start the node again: nothing is lost"],
    exit: 7,
    meaning: "nothing that was acknowledged is lost",
  });

function openingRemedy(folder: string, error: DiskError): string {
  switch (error.code) {
    case "disk-full":
      return `free some space on the disk of ${folder}`;
    case "permission":
      return `give this user the right to read and write ${folder}`;
    case "too-many-files":
      return "raise the limit of open files: ulimit -n";
    case "missing":
    case "exists":
      return `see that no other program changes ${folder}`;
    case "io":
      return "look for the disk's own messages in the system's log";
    default:
      return unreachable(error.code);
  }
}

/** `the log up to entry 41 of term 3` */
export function readableLog(reading: Reading): string {
  const last = reading.standing?.last;
  if (last === undefined) return "nothing of the log";
  return last.index === 0
    ? "no entry yet"
    : `the log up to entry ${last.index} of term ${last.term}`;
}

/** Why it is believed to be what it is. One sentence without its full stop. */
export function describeProblem(problem: Problem): string {
  switch (problem.kind) {
    case "unfinished":
      return `${badReasons[problem.reason]}, at the end of the file: a write that was not finished`;
    case "damaged":
      return `${badReasons[problem.reason]}, and ${witnessed(problem)}`;
    case "incompatible":
      return badReasons[problem.reason];
    case "contradiction":
      return contradictions[problem.contradiction];
    case "out-of-place":
      return misplacements[problem.because];
    default:
      return unreachable(problem);
  }
}

function witnessed(problem: Problem & { readonly kind: "damaged" }): string {
  const { witness } = problem;
  switch (witness.kind) {
    case "mark":
      return (
        `the mark at byte ${witness.mark.offset} says that everything before byte ` +
        `${witness.mark.durable} was durable`
      );
    case "closed":
      return "a closed file was durable to its end";
    case "header":
      return "a file gets its name when its header is durable";
    default:
      return unreachable(witness);
  }
}

const badReasons: Readonly<Record<BadReason, string>> = {
  "cut-short": "the file ends within a record",
  "no-record": "there is no record where one should begin",
  checksum: "a record's checksum is wrong",
  "unknown-kind": "a record is of a kind that this version does not know",
  "unknown-version": "the file is of a format version that this version does not know",
  malformed: "a record is intact, and not of the shape that this version writes",
};

const misplacements: Readonly<Record<Misplacement, string>> = {
  "segment-missing": "a file that stood before this one is missing",
  "other-identity": "the file was written by another node than the one before it",
  "chain-broken": "the file does not continue the one before it, which lost its end or is another",
  "header-disagrees": "the file's header does not repeat what the files before it hold",
};

const contradictions: Readonly<Record<Contradiction, string>> = {
  "entry-gap": "an entry is there without the one before it",
  "committed-entry-replaced": "an entry takes the place of one that was committed",
  "entry-term-falls": "an entry is of an older term than the one before it",
  "entry-of-unknown-term": "an entry is of a term that this node had not seen",
  "term-falls": "the term goes back",
  "vote-changed": "a second vote is given in one term",
  "commit-falls": "the commit index goes back",
  "snapshot-falls": "a snapshot ends before the one that it follows",
  "snapshot-of-unknown-entry": "a snapshot goes beyond a log that is said to hold all of it",
  "mark-disagrees": "a mark repeats what the records before it do not say",
  "commit-of-unknown-entry": "an entry is said to be committed that is not there",
};
