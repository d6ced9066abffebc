/**
 * Everything one server is told when it starts, checked before anything is opened. The command line
 * makes one of these from flags; the supervisor turns one into flags again for the processes that
 * it starts.
 */
import { createHash } from "node:crypto";
import type { Address } from "../base/address.ts";
import { formatAddress, isLoopback } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import { snapshotDefaults } from "../replica/snapshot-file.ts";

export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Whether a node on a network may go without a secret. */
export type Exposure = "secret-required" | "insecure";

/** How a new node comes into a cluster that exists. */
export type Joining = {
  /** Some of its nodes. */
  readonly via: readonly Address[];
  /** "voter": it asks for its vote as soon as it has caught up. */
  readonly as: "voter" | "learner";
  /** A member that goes when this one gets its vote, in the same change. */
  readonly replaces: NodeId | null;
};

export type NodeConfig = {
  readonly id: NodeId;
  readonly listen: Address;
  /** Every server that the cluster was made with; of a node that joins, only itself. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** null: the cluster was made with this node. */
  readonly join: Joining | null;
  readonly dataFolder: string;
  /** 1 to 2^48 - 1; 0 of a node that joins and is to find out. */
  readonly clusterId: number;
  /** Where the secret came from, to be shown; null: none was given. */
  readonly secretFile: string | null;
  readonly secret: Uint8Array | null;
  readonly exposure: Exposure;
  /** What it does about a damaged journal: fetch what is lost from the others, or not start. */
  readonly damage: "repair" | "refuse";
  readonly heartbeatMs: number;
  readonly electionMsMin: number;
  readonly electionMsMax: number;
  readonly segmentBytesMax: number;
  readonly snapshotEntries: number;
  readonly datagramBytesMax: number;
  readonly logLevel: LogLevel;
};

export const limits = {
  clusterIdMax: 2 ** 48 - 1,
  nodesMax: 31,
  heartbeatMsMin: 5,
  electionMsMax: 10 * 60_000,
  /** A few lost heartbeats must not start an election. */
  heartbeatsPerElectionMin: 10,
  segmentBytesMin: 4096,
  segmentBytesMax: 4 * 1024 ** 3,
  snapshotEntriesMax: 10 ** 9,
  /** A request with the longest key still fits into one datagram. */
  datagramBytesMin: 1200,
  /** The largest payload of UDP over IPv4. */
  datagramBytesMax: 65_507,
} as const;

export const defaults = {
  heartbeatMs: 60,
  electionMsMin: 600,
  segmentBytesMax: 64 * 1024 ** 2,
  snapshotEntries: snapshotDefaults.everyEntries,
  datagramBytesLoopback: 60_000,
  datagramBytesNetwork: 1200,
  logLevel: "info",
} as const;

assert(
  defaults.electionMsMin >= limits.heartbeatsPerElectionMin * defaults.heartbeatMs,
  "the default timing keeps its own rule",
);

/** A spread as wide as the timeout itself: two candidates rarely wake together (§9.3). */
export const electionSpread = (electionMsMin: number): number => 2 * electionMsMin;

export const formatClusterId = (id: number): string => id.toString(16).padStart(12, "0");

/** Twelve hex digits, not all zero, or null. */
export function parseClusterId(text: string): number | null {
  if (!/^[0-9a-f]{12}$/i.test(text)) return null;
  const id = Number.parseInt(text, 16);
  return id === 0 ? null : id;
}

/**
 * The id of a cluster that was given none: the same on every node that is given the same peers. A
 * cluster whose addresses may change needs one of its own (`--cluster-id`).
 */
export function derivedClusterId(peers: ReadonlyMap<NodeId, Address>): number {
  const digest = createHash("sha256")
    .update(`rusty-boat cluster\n${formatPeers(peers)}`)
    .digest();
  return digest.readUIntBE(0, 6) || 1;
}

/** `1=host:port,2=host:port`, by id. */
export const formatPeers = (peers: ReadonlyMap<NodeId, Address>): string =>
  [...peers]
    .sort(([a], [b]) => a - b)
    .map(([id, address]) => `${id}=${formatAddress(address)}`)
    .join(",");

/** What fits the path to every peer: large on one machine, one Ethernet frame otherwise. */
export const defaultDatagramBytes = (addresses: Iterable<Address>): number =>
  [...addresses].every((address) => isLoopback(address.host))
    ? defaults.datagramBytesLoopback
    : defaults.datagramBytesNetwork;

/** Refuses what cannot work; what it accepts, a node can start with. */
export function checkNodeConfig(config: NodeConfig): void {
  checkPeers(config);
  checkTiming(config);
  checkExposure(config);
  checkRange(config.segmentBytesMax, {
    flag: "--segment-size",
    min: limits.segmentBytesMin,
    max: limits.segmentBytesMax,
  });
  checkRange(config.snapshotEntries, {
    flag: "--snapshot-every",
    min: 1,
    max: limits.snapshotEntriesMax,
  });
  checkRange(config.datagramBytesMax, {
    flag: "--mtu",
    min: limits.datagramBytesMin,
    max: limits.datagramBytesMax,
  });
}

function checkPeers(config: NodeConfig): void {
  if (!config.peers.has(config.id)) {
    throw usage({
      code: "not-a-peer",
      what: `node ${config.id} is not in its own list of peers`,
      why: `--peers names ${[...config.peers.keys()].join(", ")}; it must name the whole cluster`,
      fix: `add ${config.id}=${formatAddress(config.listen)} to --peers, on every node`,
    });
  }
  const owners = new Map<string, NodeId>();
  for (const [id, address] of config.peers) {
    const text = formatAddress(address);
    const other = owners.get(text);
    if (other !== undefined) {
      throw usage({
        code: "duplicate-peer",
        what: `peers ${other} and ${id} have the same address, ${text}`,
        why: "two servers cannot share a port; messages for one would reach the other",
        fix: "give every id in --peers an address of its own",
      });
    }
    owners.set(text, id);
  }
}

function checkTiming(config: NodeConfig): void {
  checkRange(config.heartbeatMs, {
    flag: "--heartbeat",
    min: limits.heartbeatMsMin,
    max: limits.electionMsMax,
  });
  checkRange(config.electionMsMin, { flag: "--election", min: 1, max: limits.electionMsMax });
  assert(config.electionMsMax > config.electionMsMin, "election timeouts are spread");
  const least = limits.heartbeatsPerElectionMin * config.heartbeatMs;
  if (config.electionMsMin >= least) return;
  throw usage({
    code: "election-too-short",
    what: `an election timeout of ${config.electionMsMin}ms is too short`,
    why: `with a heartbeat every ${config.heartbeatMs}ms, a few lost ones would start elections`,
    fix: `--election ${least}ms or longer, or a shorter --heartbeat`,
  });
}

function checkExposure(config: NodeConfig): void {
  const { listen, secret, exposure } = config;
  if (isLoopback(listen.host) || secret !== null || exposure === "insecure") return;
  throw usage({
    code: "secret-required",
    what: `node ${config.id} does not listen on ${formatAddress(listen)} without a secret`,
    why: "whoever can reach that address could vote, write and read",
    fix: "--secret-file FILE, the same on every node, or --insecure if the network is trusted",
  });
}

function checkRange(value: number, rule: { flag: string; min: number; max: number }): void {
  if (value >= rule.min && value <= rule.max) return;
  throw usage({
    code: "out-of-range",
    what: `${rule.flag} is out of range`,
    why: `it is ${value} and must be from ${rule.min} to ${rule.max}`,
    fix: `choose a value from ${rule.min} to ${rule.max}`,
  });
}

function usage(parts: { code: string; what: string; why: string; fix: string }): OperatorError {
  return new OperatorError({ ...parts, fix: [parts.fix], exit: 2 });
}

/** The command line that makes this configuration again. */
export function nodeArguments(config: NodeConfig): string[] {
  const flags = [
    `--id=${config.id}`,
    `--listen=${formatAddress(config.listen)}`,
    ...membershipArguments(config),
    `--data=${config.dataFolder}`,
    ...(config.clusterId === 0 ? [] : [`--cluster-id=${formatClusterId(config.clusterId)}`]),
    `--heartbeat=${config.heartbeatMs}ms`,
    `--election=${config.electionMsMin}ms`,
    `--segment-size=${config.segmentBytesMax}`,
    `--snapshot-every=${config.snapshotEntries}`,
    `--mtu=${config.datagramBytesMax}`,
    `--log-level=${config.logLevel}`,
  ];
  if (config.secretFile !== null) flags.push(`--secret-file=${config.secretFile}`);
  if (config.exposure === "insecure") flags.push("--insecure");
  flags.push(config.damage === "repair" ? "--repair" : "--no-repair");
  return ["node", ...flags];
}

function membershipArguments({ peers, join }: NodeConfig): string[] {
  if (join === null) return [`--peers=${formatPeers(peers)}`];
  const flags = [`--join=${join.via.map(formatAddress).join(",")}`];
  if (join.as === "learner") flags.push("--learner");
  if (join.replaces !== null) flags.push(`--replaces=${join.replaces}`);
  return flags;
}
