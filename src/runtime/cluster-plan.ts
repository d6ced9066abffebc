/**
 * What `cluster up` is going to start, worked out and checked before anything is touched: data that
 * exists decides how many nodes there are and which cluster they are.
 */
import { randomInt } from "node:crypto";
import type { Address } from "../base/address.ts";
import { formatAddress } from "../base/address.ts";
import { OperatorError } from "../base/error.ts";
import { type NodeId, nodeId } from "../base/numbers.ts";
import { type ClusterFile, clusterFilePath, readClusterFile } from "./cluster-file.ts";
import { callControl } from "./control.ts";
import { limits } from "./node-config.ts";
import { processExists } from "./node-process.ts";
import { holdsNodes } from "./own-files.ts";

export const defaults = { nodes: 3, basePort: 7101, controlMs: 1000 } as const;
const host = "127.0.0.1";
const portMax = 65_535;

/** null: not said; what is there decides, or the default. */
export type Wishes = {
  readonly dataFolder: string;
  readonly nodes: number | null;
  readonly basePort: number | null;
  readonly clusterId: number | null;
  readonly secretFile: string | null;
  readonly start: "keep-data" | "fresh";
};

export type ClusterPlan = {
  readonly dataFolder: string;
  readonly clusterId: number;
  readonly basePort: number;
  readonly nodes: ReadonlyMap<NodeId, PlannedNode>;
  /** Where the nodes are, or were, that the cluster was made with. */
  readonly founders: ReadonlyMap<NodeId, Address>;
  /** The highest number that a node ever had. */
  readonly highest: number;
  readonly secretFile: string | null;
  readonly start: "keep-data" | "fresh";
};

export type PlannedNode = {
  readonly address: Address;
  /** null: the cluster was made with it. */
  readonly joined: "voter" | "learner" | null;
};

export function planCluster(wishes: Wishes): ClusterPlan {
  const { dataFolder, start } = wishes;
  const kept = start === "fresh" ? null : readClusterFile(dataFolder);
  const clusterId = wishes.clusterId ?? kept?.clusterId ?? null;
  if (start !== "fresh" && clusterId === null && holdsNodes(dataFolder)) throw lostFile(dataFolder);
  const count = countOf(wishes, kept);
  const basePort = wishes.basePort ?? kept?.basePort ?? defaults.basePort;
  if (basePort + count - 1 > portMax) throw beyondPorts(basePort, count);
  const founders = addressesFrom(basePort, kept?.founders ?? count);
  return {
    ...{ dataFolder, start, basePort, founders },
    nodes: nodesOf(kept, founders, basePort),
    highest: kept?.highest ?? count,
    clusterId: clusterId ?? randomClusterId(),
    secretFile: wishes.secretFile ?? kept?.secretFile ?? null,
  };
}

function nodesOf(
  kept: ClusterFile | null,
  founders: ReadonlyMap<NodeId, Address>,
  basePort: number,
): ReadonlyMap<NodeId, PlannedNode> {
  if (kept === null) {
    return new Map([...founders].map(([id, address]) => [id, { address, joined: null }]));
  }
  const changed = kept.highest > kept.founders || kept.nodes.length < kept.founders;
  if (changed && basePort !== kept.basePort) throw movedPorts(kept);
  return new Map(
    kept.nodes.map(({ id, joined }) => [id, { address: addressAt(basePort, id), joined }]),
  );
}

/** Where a local node listens. */
export const addressAt = (basePort: number, id: NodeId): Address => ({
  host,
  port: basePort + id - 1,
});

/** The log says where everybody is, and there is no leader to change it while nobody is reached. */
function movedPorts({ basePort }: ClusterFile): OperatorError {
  return new OperatorError({
    code: "ports-in-the-log",
    what: "this cluster's ports cannot be changed all at once",
    why: "its members were changed, and since then its log says where each of them is",
    fix: [`rusty-boat cluster up --base-port ${basePort}`, "keep it, and use another folder"],
    exit: 2,
  });
}

/** `randomInt` draws from fewer than 2^48 numbers; 0 means "none". */
export const randomClusterId = (): number => randomInt(1, limits.clusterIdMax);

function countOf(wishes: Wishes, kept: ClusterFile | null): number {
  const existing = kept?.nodes.length ?? null;
  if (existing === null || wishes.nodes === null) return wishes.nodes ?? existing ?? defaults.nodes;
  if (wishes.nodes === existing) return existing;
  throw new OperatorError({
    code: "other-cluster",
    what: `${wishes.dataFolder} holds a cluster of ${existing} nodes, not of ${wishes.nodes}`,
    why: "who belongs to a cluster stands in its log; another number would not change that",
    fix: [
      `rusty-boat cluster up ${existing}`,
      "keep it, and use another folder: --data FOLDER",
      `start empty: rusty-boat cluster up ${wishes.nodes} --fresh`,
    ],
    exit: 2,
  });
}

function addressesFrom(basePort: number, count: number): ReadonlyMap<NodeId, Address> {
  const addresses = new Map<NodeId, Address>();
  for (let at = 0; at < count; at++)
    addresses.set(nodeId(at + 1), addressAt(basePort, nodeId(at + 1)));
  return addresses;
}

function beyondPorts(basePort: number, count: number): OperatorError {
  return new OperatorError({
    code: "out-of-range",
    what: `${count} nodes from port ${basePort} need ports beyond ${portMax}`,
    why: "node i listens on the base port + i - 1",
    fix: [`--base-port ${defaults.basePort}`],
    exit: 2,
  });
}

function lostFile(dataFolder: string): OperatorError {
  return new OperatorError({
    code: "no-cluster-file",
    what: `${dataFolder} holds nodes' files, but ${clusterFilePath(dataFolder)} is missing`,
    why: "it says which cluster they belong to; with another id the nodes would refuse to start",
    fix: [
      "rusty-boat inspect shows the id in a log's first record: cluster up N --cluster-id ID",
      "start empty: rusty-boat cluster up --fresh",
    ],
    exit: 7,
  });
}

/** A supervisor that answers, or null: none is recorded, or the record is an old one. */
export async function runningSupervisor(file: ClusterFile | null) {
  const supervisor = file?.supervisor ?? null;
  if (supervisor === null || processExists(supervisor.pid) === "gone") return null;
  const reply = await callControl(supervisor, { kind: "state" }, defaults.controlMs);
  return reply === null ? null : supervisor;
}

export async function refuseSecondSupervisor(dataFolder: string): Promise<void> {
  const supervisor = await runningSupervisor(readClusterFileOrNull(dataFolder));
  if (supervisor === null) return;
  throw new OperatorError({
    code: "cluster-running",
    what: `the cluster in ${dataFolder} is running already`,
    why: `process ${supervisor.pid} supervises it`,
    fix: ["rusty-boat cluster status", "rusty-boat cluster down", "--data FOLDER for another one"],
    exit: 7,
  });
}

/** A damaged file names no supervisor; it is reported where it is needed. */
function readClusterFileOrNull(dataFolder: string): ClusterFile | null {
  try {
    return readClusterFile(dataFolder);
  } catch (error) {
    if (error instanceof OperatorError) return null;
    throw error;
  }
}

/** Refuses a port that somebody has, before any node finds out by itself. */
export async function refuseTakenPorts(plan: ClusterPlan): Promise<void> {
  for (const [id, { address }] of plan.nodes) await refuseTakenPort(plan, id, address);
}

export async function refuseTakenPort(
  plan: ClusterPlan,
  id: NodeId,
  address: Address,
): Promise<void> {
  try {
    const socket = await Bun.udpSocket({ hostname: address.host, port: address.port });
    socket.close();
  } catch (error) {
    throw takenPort({ id, address, plan, error });
  }
}

function takenPort(parts: {
  readonly id: NodeId;
  readonly address: Address;
  readonly plan: ClusterPlan;
  readonly error: unknown;
}): OperatorError {
  const { id, address, plan, error } = parts;
  const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const other = plan.basePort + 100 + plan.nodes.size <= portMax ? plan.basePort + 100 : 7101;
  return new OperatorError({
    code: "port-taken",
    what: `node${id} cannot listen on ${formatAddress(address)}`,
    why: taken
      ? `another program has UDP port ${address.port}, perhaps another cluster`
      : error instanceof Error
        ? error.message
        : String(error),
    fix: [`rusty-boat cluster up ${plan.nodes.size} --base-port ${other}`, "stop that program"],
    exit: 7,
  });
}
