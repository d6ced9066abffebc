/** `rusty-boat node`: one server in this process. */
import { resolve } from "node:path";
import { formatAddress } from "../base/address.ts";
import { exits } from "../base/error.ts";
import type { Joining, NodeConfig } from "../runtime/node-config.ts";
import {
  checkNodeConfig,
  derivedClusterId,
  electionSpread,
  formatClusterId,
} from "../runtime/node-config.ts";
import { readPeerSecret } from "../runtime/secret.ts";
import type { Sexp } from "../sexp/value.ts";
import { form, list, symbol, word } from "../sexp/value.ts";
import { command, type Run } from "./command.ts";
import { addressFlag, nodeFlag } from "./flag.ts";
import { readClusterId, readJoining, readPeers, readTuning, tuningArgs } from "./node-flags.ts";
import type { Result } from "./output.ts";
import { formatDuration, formatSize } from "./quantity.ts";

const nodeArgs = {
  id: { type: "string", required: true, valueHint: "number", description: "Which node this is" },
  listen: {
    type: "string",
    valueHint: "host:port",
    default: "127.0.0.1:7101",
    description: "Where it receives, from peers and from clients",
  },
  peers: {
    type: "string",
    valueHint: "1=host:port,2=…",
    description: "The whole cluster, this node included; without it the node is a cluster of one",
  },
  join: {
    type: "string",
    valueHint: "host:port,…",
    description: "Nodes of a cluster that exists: ask them to be let in. Instead of --peers",
  },
  learner: {
    type: "boolean",
    description: "With --join: receive the log, and do not ask for a vote",
  },
  replaces: {
    type: "string",
    valueHint: "number",
    description: "With --join: the member that goes when this node gets its vote",
  },
  "cluster-id": {
    type: "string",
    valueHint: "12 hex digits",
    description: "Keeps clusters apart; without it, made from the peers",
  },
  "secret-file": {
    type: "string",
    valueHint: "file",
    description: "The cluster's secret: one line, peer: and 64 hex digits",
  },
  insecure: { type: "boolean", description: "Listen on a network without a secret" },
  repair: {
    type: "boolean",
    default: false,
    description: "Fetch what a damaged journal has lost from the other nodes, and go on",
    negativeDescription: "Do not start with a damaged journal (the default)",
  },
  check: { type: "boolean", description: "Check the configuration, print it, and exit" },
  ...tuningArgs,
} as const;

export const nodeCommand = command({
  name: "node",
  description: "Run one server.",
  args: nodeArgs,
  examples: [
    { line: "rusty-boat node --id 1", does: "a cluster of one, for a try" },
    {
      line: "rusty-boat node --id 2 --listen 10.0.0.2:7101 --secret-file s --peers 1=…,2=…,3=…",
      does: "",
    },
    {
      line: "rusty-boat node --id 4 --listen 10.0.0.4:7101 --secret-file s --join 10.0.0.1:7101",
      does: "a new member, with a vote once it has caught up",
    },
    { line: "rusty-boat node --id 1 --check --json", does: "what it would run with" },
  ],
  async run({ args, program }) {
    const config = readNodeConfig(args);
    checkNodeConfig(config);
    if (args.check === true) {
      await program.output.result(shownConfig(config));
      return exits.done;
    }
    const { runNode } = await import("../runtime/node.ts");
    return runNode(config);
  },
});

export function readNodeConfig(args: Run<typeof nodeArgs>["args"]): NodeConfig {
  const id = nodeFlag({ source: "--id", value: args.id });
  const listen = addressFlag({ source: "--listen", value: args.listen });
  const join = readJoining(args);
  const peers = args.peers === undefined ? new Map([[id, listen]]) : readPeers(args.peers);
  const tuning = readTuning(args, [listen, ...peers.values(), ...(join?.via ?? [])]);
  const { "cluster-id": clusterId, "secret-file": secretFile } = args;
  return {
    id,
    listen,
    peers,
    join,
    dataFolder: resolve(args.data),
    clusterId: clusterId === undefined ? derived(peers, join) : readClusterId(clusterId),
    secretFile: secretFile ?? null,
    secret: secretFile === undefined ? null : readPeerSecret(secretFile),
    exposure: args.insecure === true ? "insecure" : "secret-required",
    damage: args.repair ? "repair" : "refuse",
    electionMsMax: electionSpread(tuning.electionMsMin),
    ...tuning,
  };
}

/** Whoever joins finds out. */
const derived = (peers: NodeConfig["peers"], join: Joining | null): number =>
  join === null ? derivedClusterId(peers) : 0;

/** The effective configuration. The secret itself is never shown. */
export function shownConfig(config: NodeConfig): Result {
  const lines: readonly (readonly [name: string, value: string])[] = [
    ["id", `${config.id}`],
    ["listen", formatAddress(config.listen)],
    ...[...config.peers].map(([id, at]) => [`peer ${id}`, formatAddress(at)] as const),
    ...(config.join === null ? [] : [["join", shownJoining(config.join)] as const]),
    ["data", config.dataFolder],
    ["cluster-id", formatClusterId(config.clusterId)],
    ["secret", config.secretFile ?? "none"],
    ["heartbeat", formatDuration(config.heartbeatMs)],
    [
      "election",
      `${formatDuration(config.electionMsMin)} to ${formatDuration(config.electionMsMax)}`,
    ],
    ["segment-size", formatSize(config.segmentBytesMax)],
    ["snapshots", `every ${config.snapshotEntries} entries`],
    ["mtu", `${config.datagramBytesMax}`],
    ["damage", config.damage],
    ["log-level", config.logLevel],
  ];
  return {
    text: () => lines.map(([name, value]) => `${name.padEnd(12)}  ${value}`).join("\n"),
    json: () => ({
      id: config.id,
      listen: formatAddress(config.listen),
      peers: Object.fromEntries([...config.peers].map(([id, at]) => [id, formatAddress(at)])),
      join:
        config.join === null ? null : { ...config.join, via: config.join.via.map(formatAddress) },
      data: config.dataFolder,
      clusterId: formatClusterId(config.clusterId),
      secretFile: config.secretFile,
      exposure: config.exposure,
      damage: config.damage,
      heartbeatMs: config.heartbeatMs,
      electionMsMin: config.electionMsMin,
      electionMsMax: config.electionMsMax,
      segmentBytesMax: config.segmentBytesMax,
      snapshotEntries: config.snapshotEntries,
      datagramBytesMax: config.datagramBytesMax,
      logLevel: config.logLevel,
    }),
    sexpr: () => configSexp(config),
  };
}

const shownJoining = ({ via, as, replaces }: Joining): string =>
  `${via.map(formatAddress).join(",")}, as a ${as}` +
  `${replaces === null ? "" : `, in place of node ${replaces}`}`;

function configSexp(config: NodeConfig): Sexp {
  const peers = [...config.peers].map(([id, at]) => list(id, formatAddress(at)));
  return form(
    "configuration",
    form("id", config.id),
    form("listen", formatAddress(config.listen)),
    list(symbol("peers"), ...peers),
    ...(config.join === null ? [] : [form("join", word(shownJoining(config.join)))]),
    form("data", config.dataFolder),
    form("cluster-id", formatClusterId(config.clusterId)),
    form("secret-file", config.secretFile ?? word("none")),
    form("heartbeat-ms", config.heartbeatMs),
    form("election-ms", config.electionMsMin, config.electionMsMax),
    form("segment-bytes", config.segmentBytesMax),
    form("snapshot-entries", config.snapshotEntries),
    form("datagram-bytes", config.datagramBytesMax),
    form("damage", word(config.damage)),
    form("log-level", word(config.logLevel)),
  );
}
