/** One server in this process: opens its data and its socket, and runs the replica until it is told to stop. */
import { existsSync } from "node:fs";
import { join as joinPath } from "node:path";
import { type Address, formatAddress } from "../base/address.ts";
import { must } from "../base/assert.ts";
import { type Exit, exits, OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import { deriveKeys, type Keys, noKeys } from "../codec/authentication.ts";
import { activeName } from "../journal/names.ts";
import { type JournalRecovered, type OpenedJournal, openJournal } from "../journal/open.ts";
import { members, nobodyYet } from "../raft/membership.ts";
import type { Configuration } from "../raft/types.ts";
import { Replica, type ReplicaSettings } from "../replica/replica.ts";
import { systemRandom, uniqueNumber } from "./chance.ts";
import { systemClock } from "./clock.ts";
import { FileDisk } from "./disk.ts";
import { Driver } from "./driver.ts";
import { makeDataFolder } from "./folder.ts";
import { numericHost } from "./host.ts";
import { discoverCluster, settleMembership } from "./join.ts";
import { isBlockMessage, LinkFilter } from "./link-filter.ts";
import { lockJournal } from "./lock.ts";
import type { NodeConfig } from "./node-config.ts";
import { type NodeLog, openLog } from "./node-log.ts";
import { openOrRepair } from "./repair.ts";
import { openSocket, type Socket } from "./socket.ts";
import { type StopReason, waitForStop } from "./stop.ts";

/** How long a leader that is told to stop waits for its successor, and how often it looks. */
const handOver = { waitMs: 1500, pollMs: 10 } as const;

type Addresses = ReadonlyMap<NodeId, Address>;

export async function runNode(config: NodeConfig): Promise<Exit> {
  const log = openLog(config.logLevel);
  const addresses = await resolvePeers(config.peers);
  makeDataFolder(config.dataFolder);
  const lock = lockJournal(config.dataFolder, config.id);
  try {
    return await serve(config, addresses, log);
  } finally {
    lock.release();
  }
}

async function serve(config: NodeConfig, addresses: Addresses, log: NodeLog): Promise<Exit> {
  const failed = Promise.withResolvers<never>();
  const disk = new FileDisk(config.dataFolder, (synced) => driver.push(synced));
  const began = systemClock.now();
  const { stop, running } = listenForStop();
  const opened = await openFor({ config, disk, addresses, log, stop }, (describe) => {
    running.describe = describe;
  });
  if (opened === "stopped") return exits.done;
  const { journal, recovered } = opened;
  checkMembers(config, recovered);
  tellRecovery(config, recovered, log, systemClock.now() - began);
  const replica = new Replica({
    settings: replicaSettings(config, addresses, recovered),
    journal,
    recovered,
    random: systemRandom(),
    now: systemClock.now(),
  });
  const links = new LinkFilter((id) => replica.memberPlace(id)?.address ?? null);
  const socket = await openSocket(config.listen, {
    onDatagram: (from, bytes) => {
      if (links.incoming(from) === "pass") driver.hear(from, bytes);
    },
  });
  const driver = new Driver({
    replica,
    clock: systemClock,
    disk,
    send: (datagrams) => socket.send(links.outgoing(datagrams)),
    note: log.info,
    stopped: (error) => failed.reject(error),
  });
  tellListening(config, socket, log);
  running.describe = () => replica.describe();
  running.told = (message) => {
    if (isBlockMessage(message)) links.apply(message);
  };
  const over = new AbortController();
  const address = must(addresses.get(config.id), "a node knows where it is");
  const clientKey = keysOf(config).client;
  const { signal } = over;
  settleMembership({ config, recovered, replica, log, clientKey, address, signal }).catch(
    failed.reject,
  );
  try {
    return await untilStopped({ stop, failed: failed.promise, driver, replica });
  } finally {
    over.abort();
    driver.stop();
    socket.close();
    disk.close();
    log.info(`n${config.id} has stopped`);
  }
}

/** Signals and the supervisor reach whoever runs now. */
function listenForStop() {
  const running = { describe: () => "(starting)", told: (_: unknown): void => undefined };
  const stop = waitForStop({
    show: () => process.stderr.write(`${running.describe()}\n`),
    told: (message) => running.told(message),
  });
  return { stop, running };
}

async function untilStopped(parts: {
  readonly stop: Promise<StopReason>;
  readonly failed: Promise<never>;
  readonly driver: Driver;
  readonly replica: Replica;
}): Promise<Exit> {
  const { stop, failed, driver, replica } = parts;
  const reason = await Promise.race([stop, failed]);
  if (reason === "asked") await Promise.race([handOverLeadership(driver, replica), failed]);
  driver.close();
  await Promise.race([failed, Promise.resolve()]);
  return exits.done;
}

type Opening = {
  readonly config: NodeConfig;
  readonly disk: FileDisk;
  readonly addresses: Addresses;
  readonly log: NodeLog;
  readonly stop: Promise<unknown>;
};

async function openFor(
  { config, disk, addresses, log, stop }: Opening,
  meanwhile: (describe: () => string) => void,
): Promise<OpenedJournal | "stopped"> {
  const options = {
    ...{ disk, node: config.id, cluster: await clusterOf(config) },
    create: { incarnation: uniqueNumber(), configuration: firstConfiguration(config) },
    segmentBytesMax: config.segmentBytesMax,
  };
  if (config.damage === "refuse") return openJournal(options);
  const { id: me, listen, datagramBytesMax } = config;
  const wire = { me, addresses, keys: keysOf(config), datagramBytesMax };
  return openOrRepair({ options, disk, listen, wire, log, stop, meanwhile });
}

/** A leader that leaves hands over first, so that the cluster does not have to notice its absence. */
async function handOverLeadership(driver: Driver, replica: Replica): Promise<void> {
  if (replica.state.role.kind !== "leader" || replica.state.role.followers.size === 0) return;
  const deadline = systemClock.now() + handOver.waitMs;
  while (replica.state.role.kind === "leader" && systemClock.now() < deadline) {
    // Said again and again: one successor may not answer, and the next one is tried then.
    driver.push({ kind: "hand-over", target: null });
    await Bun.sleep(handOver.pollMs);
  }
}

const firstConfiguration = ({ peers, join }: NodeConfig): Configuration =>
  join === null
    ? { voters: [...peers.keys()].sort((a, b) => a - b), outgoing: [], learners: [] }
    : nobodyYet;

/** A journal that exists knows whose it is. */
async function clusterOf(config: NodeConfig): Promise<number> {
  const { clusterId, join, dataFolder, id } = config;
  if (clusterId !== 0 || join === null) return clusterId;
  if (existsSync(joinPath(dataFolder, activeName(id)))) return 0;
  return discoverCluster(join.via, keysOf(config).client);
}

const keysOf = ({ secret }: Pick<NodeConfig, "secret">): Keys =>
  secret === null ? noKeys : deriveKeys(secret);

/** As many entries as are taken into a snapshot stay in the log as well. */
const snapshotSettings = ({ snapshotEntries }: NodeConfig) => ({
  everyEntries: snapshotEntries,
  keptEntriesMax: snapshotEntries,
});

const replicaSettings = (
  config: NodeConfig,
  addresses: Addresses,
  { identity }: JournalRecovered,
): ReplicaSettings => ({
  me: config.id,
  cluster: identity.cluster,
  incarnation: identity.incarnation,
  addresses,
  keys: keysOf(config),
  snapshots: snapshotSettings(config),
  datagramBytesMax: config.datagramBytesMax,
  timing: {
    heartbeatMs: config.heartbeatMs,
    electionMsMin: config.electionMsMin,
    electionMsMax: config.electionMsMax,
  },
  preVote: "with-pre-vote",
});

/**
 * Who votes stands in the journal: a list of peers that says otherwise would be half believed. Once the members were
 * changed, the log says who they are, and the list says only where those are that it does not place.
 */
function checkMembers(config: NodeConfig, recovered: JournalRecovered): void {
  const { configuration, origin, entries, base } = recovered;
  const told = [...config.peers.keys()].sort((a, b) => a - b);
  const known = members(configuration);
  if (origin === "created" || config.join !== null || told.join() === known.join()) return;
  if (base.index > 0 || entries.some(({ kind }) => kind === "configuration")) return;
  throw new OperatorError({
    code: "other-members",
    what: `node ${config.id} was given other peers than its cluster has`,
    why: `--peers names ${told.join(", ")}; its journal says ${known.join(", ")}`,
    fix: ["give --peers the nodes that the cluster was made with; their addresses may differ"],
    exit: exits.usage,
  });
}

async function resolvePeers(peers: Addresses): Promise<Addresses> {
  const resolved = new Map<NodeId, Address>();
  for (const [id, { host, port }] of peers) {
    const number = await numericHost(host);
    if (number === null) throw unresolvable(id, host);
    resolved.set(id, { host: number, port });
  }
  return resolved;
}

const unresolvable = (id: NodeId, host: string): OperatorError =>
  new OperatorError({
    code: "bad-address",
    what: `the address of node ${id} leads nowhere`,
    why: `no address is known for the name "${host}"`,
    fix: ["check --peers, or give addresses as numbers"],
    exit: exits.usage,
  });

function tellRecovery(
  config: NodeConfig,
  recovered: JournalRecovered,
  log: NodeLog,
  ms: number,
): void {
  const who = `n${config.id}`;
  const { cut, entries, origin, hardState } = recovered;
  if (origin === "created") log.info(`${who} begins with an empty journal in ${config.dataFolder}`);
  else {
    const count = `${entries.length} entries up to term ${hardState.term}`;
    log.info(`${who} has read back ${count} in ${Math.round(ms)} ms`);
  }
  if (cut === null) return;
  log.warn(
    `${who} cut ${cut.bytes} bytes of an unfinished write off ${cut.file} at byte ${cut.offset}; ` +
      `they are kept in ${cut.savedAs}`,
  );
}

function tellListening(config: NodeConfig, socket: Socket, log: NodeLog): void {
  const { receiveBuffer } = socket;
  const buffer =
    receiveBuffer.kind === "enlarged"
      ? `${receiveBuffer.bytes} bytes`
      : `the system's default, because ${receiveBuffer.because}`;
  log.info(`n${config.id} listens on ${formatAddress(socket.address)}; receive buffer: ${buffer}`);
}
