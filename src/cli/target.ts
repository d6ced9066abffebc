/**
 * Which nodes a command talks to: `--nodes`, its variable, `cluster.json` in the data folder, or
 * the one address that a first node has; and with which key. Shared by every command that speaks to
 * nodes.
 */
import { resolve } from "node:path";
import type { ArgsDef } from "citty";
import { formatAddress } from "../base/address.ts";
import { type ClusterFile, readClusterFile } from "../runtime/cluster-file.ts";
import type { Asked } from "../runtime/cluster-status.ts";
import { clientKeyOf, readSecret } from "../runtime/secret.ts";
import { addressFlag, nodeFlag } from "./flag.ts";
import { readClusterId } from "./node-flags.ts";

export const targetArgs = {
  nodes: {
    type: "string",
    valueHint: "host:port,…",
    description: "The nodes to ask; default: those of cluster.json, else 127.0.0.1:7101",
  },
  "cluster-id": {
    type: "string",
    valueHint: "12 hex digits",
    description: "Which cluster; default: that of cluster.json, else whichever answers",
  },
  "secret-file": {
    type: "string",
    valueHint: "file",
    description: "The client's secret: one line, client: and 64 hex digits",
  },
} as const satisfies ArgsDef;

export type TargetTexts = {
  readonly data: string;
  readonly nodes?: string | undefined;
  readonly "cluster-id"?: string | undefined;
  readonly "secret-file"?: string | undefined;
};

export type Target = {
  readonly nodes: readonly Asked[];
  /** 0: not known. */
  readonly clusterId: number;
  readonly clientKey: Uint8Array | null;
  /** How the nodes were found, in words: for an error that says what was tried. */
  readonly source: string;
};

const firstAddress = { host: "127.0.0.1", port: 7101 } as const;

export function readTarget(args: TargetTexts): Target {
  const dataFolder = resolve(args.data);
  const file = readClusterFile(dataFolder);
  const { "cluster-id": clusterId, "secret-file": secretFile } = args;
  const secretPath = secretFile ?? file?.clientSecretFile ?? file?.secretFile ?? null;
  const given = args.nodes === undefined ? null : parseNodes(args.nodes);
  return {
    ...foundNodes(given, file, dataFolder),
    clusterId: clusterId === undefined ? knownId(given, file) : readClusterId(clusterId),
    clientKey: secretPath === null ? null : clientKeyOf(readSecret(secretPath)),
  };
}

/** The file's id is not imposed on nodes that somebody named by hand. */
const knownId = (given: readonly Asked[] | null, file: ClusterFile | null): number =>
  given === null && file !== null ? file.clusterId : 0;

function foundNodes(
  given: readonly Asked[] | null,
  file: ClusterFile | null,
  dataFolder: string,
): Pick<Target, "nodes" | "source"> {
  if (given !== null) return { nodes: given, source: "--nodes" };
  if (file !== null) return { nodes: file.nodes, source: `${dataFolder}/cluster.json` };
  const source = `${formatAddress(firstAddress)}, as ${dataFolder} has no cluster.json`;
  return { nodes: [{ id: null, address: firstAddress, pid: null }], source };
}

/** `host:port,host:port` or `1=host:port,2=host:port`. */
function parseNodes(text: string): readonly Asked[] {
  return text.split(",").map((part) => {
    const equals = part.indexOf("=");
    const name = equals < 0 ? null : part.slice(0, equals).trim();
    const address = addressFlag({ source: "--nodes", value: part.slice(equals + 1).trim() });
    const id = name === null ? null : nodeFlag({ source: "--nodes", value: name });
    return { id, address, pid: null };
  });
}
