/**
 * `data/cluster.json`: where the nodes of a local cluster are. The supervisor writes it; every
 * other command reads it. It stays when the cluster goes down, because the cluster's id must be the
 * same the next time. It holds the token of the control channel, so only its owner may read it.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "../base/address.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import { OperatorError } from "../base/error.ts";
import { isNodeId, type NodeId } from "../base/numbers.ts";
import { formatClusterId, parseClusterId } from "./node-config.ts";

export type ClusterNode = {
  readonly id: NodeId;
  readonly address: Address;
  /** null: not running. */
  readonly pid: number | null;
  /** null: the cluster was made with it. */
  readonly joined: "voter" | "learner" | null;
};

export type SupervisorRecord = {
  readonly pid: number;
  /** The control channel, on this machine: `http://127.0.0.1:port`. */
  readonly control: string;
  readonly token: string;
};

export type ClusterFile = {
  readonly clusterId: number;
  readonly basePort: number;
  readonly nodes: readonly ClusterNode[];
  /** How many nodes the cluster was made with: 1 to this. */
  readonly founders: number;
  /** The highest number that a node ever had: numbers are not used again. */
  readonly highest: number;
  /** Paths; null: the cluster has no secret. */
  readonly secretFile: string | null;
  readonly clientSecretFile: string | null;
  /** null: the cluster was taken down in order. */
  readonly supervisor: SupervisorRecord | null;
};

const format = 1;

export const clusterFilePath = (dataFolder: string): string => join(dataFolder, "cluster.json");

/** Written aside and renamed: a reader sees the old file or the new one, never half of one. */
export function writeClusterFile(dataFolder: string, file: ClusterFile): void {
  const path = clusterFilePath(dataFolder);
  const aside = `${path}.new`;
  const { clusterId, nodes, ...rest } = file;
  const shown = {
    format,
    cluster: formatClusterId(clusterId),
    nodes: nodes.map((node) => ({ ...node, address: formatAddress(node.address) })),
    ...rest,
  };
  try {
    writeFileSync(aside, `${JSON.stringify(shown, null, 2)}\n`, { mode: 0o600 });
    renameSync(aside, path);
  } catch (error) {
    throw unwritable(path, error instanceof Error ? error.message : String(error));
  }
}

const unwritable = (path: string, why: string): OperatorError =>
  new OperatorError({
    code: "cluster-file-unwritable",
    what: `${path} cannot be written`,
    why,
    fix: [
      "make room on the disk, or give yourself the right to write there",
      "or name another folder: --data FOLDER",
    ],
    exit: 7,
  });

/** The file, or null where there is none. */
export function readClusterFile(dataFolder: string): ClusterFile | null {
  const path = clusterFilePath(dataFolder);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw unreadable(path, error instanceof Error ? error.message : String(error), 7);
  }
  const file = parseClusterFile(text);
  if (file !== null) return file;
  throw unreadable(path, "it is not a cluster file that this version knows", 6);
}

function unreadable(path: string, why: string, exit: 6 | 7): OperatorError {
  return new OperatorError({
    code: "bad-cluster-file",
    what: `${path} cannot be used`,
    why,
    fix: [
      "name another folder: --data FOLDER",
      "or mend the file; the nodes' own data is beside it",
    ],
    exit,
  });
}

/** What the text says, or null where it is not of this shape. */
export function parseClusterFile(text: string): ClusterFile | null {
  const value = parseJson(text);
  if (!isRecord(value) || value["format"] !== format) return null;
  const { cluster, basePort, secretFile, clientSecretFile } = value;
  const clusterId = typeof cluster === "string" ? parseClusterId(cluster) : null;
  const nodes = parseNodes(value["nodes"]);
  const supervisor = parseSupervisor(value["supervisor"]);
  if (clusterId === null || nodes === null || supervisor === undefined) return null;
  if (typeof basePort !== "number" || !isPath(secretFile) || !isPath(clientSecretFile)) return null;
  // Files that were written before members could change do not say these.
  const ids = nodes.map(({ id }) => id);
  const founders = numberOr(value["founders"], nodes.length);
  const highest = numberOr(value["highest"], Math.max(...ids));
  const rest = { secretFile, clientSecretFile, supervisor };
  return { clusterId, basePort, nodes, founders, highest, ...rest };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isPath = (value: unknown): value is string | null =>
  value === null || typeof value === "string";

function parseNodes(value: unknown): readonly ClusterNode[] | null {
  if (!Array.isArray(value)) return null;
  const nodes: ClusterNode[] = [];
  for (const item of value as readonly unknown[]) {
    if (!isRecord(item)) return null;
    const { id, address, pid, joined = null } = item;
    const parsed = typeof address === "string" ? parseAddress(address) : null;
    if (!isNodeId(id) || parsed === null || !isPid(pid)) return null;
    if (joined !== null && joined !== "voter" && joined !== "learner") return null;
    nodes.push({ id, address: parsed, pid, joined });
  }
  return nodes.length === 0 ? null : nodes;
}

const numberOr = (value: unknown, otherwise: number): number =>
  isNodeId(value) ? value : otherwise;

const isPid = (value: unknown): value is number | null =>
  value === null || (typeof value === "number" && Number.isInteger(value) && value > 0);

/** undefined: not of this shape. */
function parseSupervisor(value: unknown): SupervisorRecord | null | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { pid, control, token } = value;
  if (typeof control !== "string" || typeof token !== "string") return undefined;
  if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(control)) return undefined;
  return isPid(pid) && pid !== null ? { pid, control, token } : undefined;
}
