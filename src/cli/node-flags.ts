/**
 * The flags of one server and what they mean. `node` takes all of them; `cluster up` takes the
 * tuning ones and hands them to the nodes it starts.
 */
import type { ArgsDef } from "citty";
import type { Address } from "../base/address.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import type { Joining, LogLevel } from "../runtime/node-config.ts";
import {
  defaultDatagramBytes,
  defaults,
  limits,
  logLevels,
  parseClusterId,
} from "../runtime/node-config.ts";
import { addressFlag, countFlag, durationFlag, nodeFlag, sizeFlag } from "./flag.ts";
import { badValue } from "./mistakes.ts";
import { formatDuration, formatSize } from "./quantity.ts";

export const tuningArgs = {
  heartbeat: {
    type: "string",
    valueHint: "duration",
    default: formatDuration(defaults.heartbeatMs),
    description: "How often a leader shows that it is alive",
  },
  election: {
    type: "string",
    valueHint: "duration",
    default: formatDuration(defaults.electionMsMin),
    description: "Silence after which a follower campaigns: from this to twice as long, by chance",
  },
  "segment-size": {
    type: "string",
    valueHint: "size",
    default: formatSize(defaults.segmentBytesMax),
    description: "Size at which the log goes on in a new file",
  },
  "snapshot-every": {
    type: "string",
    valueHint: "entries",
    default: `${defaults.snapshotEntries}`,
    description: "How many entries of the log lie between two snapshots, at most",
  },
  mtu: {
    type: "string",
    valueHint: "size",
    description:
      `The largest datagram; ${defaults.datagramBytesLoopback} on this machine, ` +
      `${defaults.datagramBytesNetwork} on a network, unless told`,
  },
  "log-level": {
    type: "enum",
    options: [...logLevels],
    default: defaults.logLevel,
    description: "How much is said on stderr",
  },
} as const satisfies ArgsDef;

export type Tuning = {
  readonly heartbeatMs: number;
  readonly electionMsMin: number;
  readonly segmentBytesMax: number;
  readonly snapshotEntries: number;
  readonly datagramBytesMax: number;
  readonly logLevel: LogLevel;
};

type TuningTexts = {
  readonly heartbeat: string;
  readonly election: string;
  readonly "segment-size": string;
  readonly "snapshot-every": string;
  readonly mtu: string | undefined;
  readonly "log-level": string;
};

export function readTuning(args: TuningTexts, addresses: Iterable<Address>): Tuning {
  const { mtu, "log-level": level } = args;
  return {
    heartbeatMs: durationFlag({ source: "--heartbeat", value: args.heartbeat }),
    electionMsMin: durationFlag({ source: "--election", value: args.election }),
    segmentBytesMax: sizeFlag({ source: "--segment-size", value: args["segment-size"] }),
    snapshotEntries: countFlag(
      { source: "--snapshot-every", value: args["snapshot-every"] },
      { min: 1, max: limits.snapshotEntriesMax },
    ),
    datagramBytesMax:
      mtu === undefined
        ? defaultDatagramBytes(addresses)
        : sizeFlag({ source: "--mtu", value: mtu }),
    logLevel: logLevels.find((known) => known === level) ?? defaults.logLevel,
  };
}

/** `1=host:port,2=host:port`, every id once. */
export function readPeers(text: string): ReadonlyMap<NodeId, Address> {
  const peers = new Map<NodeId, Address>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    if (equals < 0) throw badPeers(part, "id=host:port for every node, with commas between them");
    const id = nodeFlag({ source: "--peers", value: part.slice(0, equals).trim() });
    if (peers.has(id))
      throw badPeers(part, `a list in which every node stands once; ${id} does twice`);
    peers.set(id, addressFlag({ source: "--peers", value: part.slice(equals + 1).trim() }));
  }
  if (peers.size <= limits.nodesMax) return peers;
  throw badPeers(text, `a list of at most ${limits.nodesMax} nodes`);
}

/** What --join and its companions mean; null without them. */
export function readJoining(args: {
  readonly join?: string | undefined;
  readonly learner?: boolean | undefined;
  readonly replaces?: string | undefined;
  readonly peers?: string | undefined;
}): Joining | null {
  const { join, replaces } = args;
  const others = [
    args.learner === true ? "--learner" : [],
    replaces === undefined ? [] : "--replaces",
  ];
  const lone = others.flat()[0];
  if (join === undefined) {
    if (lone === undefined) return null;
    throw contradiction(lone, "it says how a node joins, and --join is not given");
  }
  if (args.peers !== undefined) {
    throw contradiction(
      "--peers",
      "a node is a founder of its cluster (--peers) or joins it (--join)",
    );
  }
  if (others.flat().length > 1) {
    throw contradiction("--replaces", "a learner has no vote to take over");
  }
  return {
    via: join.split(",").map((part) => addressFlag({ source: "--join", value: part.trim() })),
    as: args.learner === true ? "learner" : "voter",
    replaces: replaces === undefined ? null : nodeFlag({ source: "--replaces", value: replaces }),
  };
}

const contradiction = (flag: string, why: string): OperatorError =>
  new OperatorError({
    code: "contradicting-flags",
    what: `${flag} makes no sense here`,
    why,
    fix: ["rusty-boat node --help"],
    exit: 2,
  });

const badPeers = (value: string, expected: string) =>
  badValue({
    source: "--peers",
    value,
    expected,
    example: "--peers 1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103",
  });

export function readClusterId(text: string): number {
  const id = parseClusterId(text);
  if (id !== null) return id;
  throw badValue({
    source: "--cluster-id",
    value: text,
    expected: "twelve hex digits, not all of them 0",
    example: "--cluster-id 0123456789ab",
  });
}
