/**
 * A new cluster of what an old one left on this machine. The old files are locked while they are read, so that no
 * node runs on them, and never changed; the new ones are made in a folder of their own.
 */
import { readdirSync } from "node:fs";
import { OperatorError } from "../base/error.ts";
import { type NodeId, nodeId } from "../base/numbers.ts";
import { DiskError } from "../journal/disk.ts";
import { writeJournal } from "../journal/rewrite.ts";
import { type Readable, readSurvivor, type Survivor } from "../journal/survivor.ts";
import type { Configuration } from "../raft/types.ts";
import { writeClusterFile } from "./cluster-file.ts";
import { type ClusterPlan, randomClusterId } from "./cluster-plan.ts";
import { FileDisk } from "./disk.ts";
import { type FolderLock, lockJournal } from "./lock.ts";

/** Every journal of the folder, by ascending node. Throws where a node runs on one of them. */
export function readSurvivors(folder: string): readonly Survivor[] {
  const nodes = nodesIn(folder);
  if (nodes.length === 0) return [];
  const locks: FolderLock[] = [];
  const disk = new FileDisk(folder, () => {});
  try {
    const survivors: Survivor[] = [];
    for (const node of nodes) {
      locks.push(lockJournal(folder, node));
      const survivor = reading(() => readSurvivor(disk, node, "nothing"));
      if (survivor !== null) survivors.push(survivor);
    }
    return survivors;
  } finally {
    disk.close();
    for (const lock of locks) lock.release();
  }
}

function nodesIn(folder: string): readonly NodeId[] {
  const ids = new Set<number>();
  for (const name of namesIn(folder)) {
    const match = /^node(\d+)\.(\d{15}\.)?log$/.exec(name);
    if (match !== null) ids.add(Number(match[1]));
  }
  return [...ids].sort((a, b) => a - b).map(nodeId);
}

/** Nothing where there is no such folder. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw unusable(folder, error);
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof DiskError ? unusable(error.file, error) : error;
  }
}

const unusable = (path: string, error: unknown): OperatorError =>
  new OperatorError({
    code: "folder-unusable",
    what: `${path} cannot be used`,
    why: error instanceof Error ? error.message : String(error),
    fix: ["run it as the user who runs the nodes", "name another folder"],
    exit: 7,
    meaning: "nothing was changed",
  });

/** Makes the new cluster's files: every node has the whole log of the survivor. */
export function writeCluster(from: { folder: string; node: NodeId }, plan: ClusterPlan): void {
  const lock = lockJournal(from.folder, from.node);
  const source = new FileDisk(from.folder, () => {});
  const target = new FileDisk(plan.dataFolder, () => {});
  try {
    const survivor = reading(() => readSurvivor(source, from.node, "entries"));
    if (survivor?.kind !== "readable") throw new TypeError("it was read a moment ago");
    for (const node of plan.nodes.keys()) writeNode(target, survivor, { plan, node });
    writeClusterFile(plan.dataFolder, clusterFileOf(plan));
  } finally {
    source.close();
    target.close();
    lock.release();
  }
}

function writeNode(
  disk: FileDisk,
  { reading: { standing, entries }, snapshot }: Readable,
  { plan, node }: { readonly plan: ClusterPlan; readonly node: NodeId },
): void {
  if (standing === null) throw new TypeError("what is readable amounts to something");
  const configuration: Configuration = {
    voters: [...plan.nodes.keys()],
    outgoing: [],
    learners: [],
  };
  const identity = { node, cluster: plan.clusterId, incarnation: randomClusterId() };
  writeJournal(disk, { standing, entries, snapshot }, { identity, configuration });
}

const clusterFileOf = ({
  clusterId,
  basePort,
  nodes,
  founders,
  highest,
  secretFile,
}: ClusterPlan) => ({
  clusterId,
  basePort,
  nodes: [...nodes].map(([id, node]) => ({ id, ...node, pid: null })),
  founders: founders.size,
  highest,
  secretFile,
  clientSecretFile: null,
  supervisor: null,
});
