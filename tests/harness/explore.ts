/**
 * Random runs of a cluster from a seed: packets lost, repeated and overtaken, clocks that run out, crashes that
 * leave a prefix of what was written, partitions, slow disks, clients. No expectations, only the witness; and in
 * the end the cluster must converge. The same seed is the same run.
 */
import { logIndex, nodeId } from "../../src/base/numbers.ts";
import type { Random } from "../../src/base/random.ts";
import { between, seededRandom } from "../../src/base/random.ts";
import type { Edit } from "../../src/raft/edits.ts";
import { members } from "../../src/raft/membership.ts";
import type { Configuration } from "../../src/raft/types.ts";
import type { ClusterOptions, Packet } from "./cluster.ts";
import { Cluster } from "./cluster.ts";
import { converge } from "./converge.ts";
import type { Server } from "./server.ts";

export type Exploration = { readonly seed: number; readonly steps: number };

/** What happened in a run: zeros in all of them would mean that it proved nothing. */
export type Marks = {
  elections: number;
  committed: number;
  takenBack: number;
  crashes: number;
  duplicates: number;
  readsConfirmed: number;
  readsAbandoned: number;
  changesBegun: number;
  changesCommitted: number;
  changesTakenBack: number;
  leadersRemoved: number;
  compactions: number;
  installedBehind: number;
  installedInstead: number;
};

type Run = {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly marks: Marks;
  /** The chances of each kind of event, drawn anew for every run: some runs are calm, some are not. */
  readonly weights: readonly (readonly [Action, number])[];
  tickets: number;
};

type Action = (run: Run) => void;

export function explore(exploration: Exploration): Marks {
  const random = seededRandom(exploration.seed);
  const cluster = new Cluster(options(exploration.seed, random));
  const marks = {
    elections: 0,
    committed: 0,
    takenBack: 0,
    crashes: 0,
    duplicates: 0,
    readsConfirmed: 0,
    readsAbandoned: 0,
    changesBegun: 0,
    changesCommitted: 0,
    changesTakenBack: 0,
    leadersRemoved: 0,
    compactions: 0,
    installedBehind: 0,
    installedInstead: 0,
  };
  const run: Run = { cluster, random, marks, weights: drawWeights(random), tickets: 0 };
  for (const id of cluster.servers.keys()) {
    cluster.diskModes.set(id, random.below(2) === 0 ? "by-hand" : "at-once");
  }
  for (let at = 0; at < exploration.steps; at++) draw(run)(run);
  for (const server of cluster.servers.values()) countTakenBack(run, server);
  converge(cluster);
  marks.elections = cluster.witness.leaders.size;
  const { committed } = cluster.witness;
  marks.committed = committed.length;
  marks.installedBehind = cluster.installed["log-kept"];
  marks.installedInstead = cluster.installed["log-discarded"];
  marks.changesCommitted = committed.filter(({ kind }) => kind === "configuration").length;
  for (const { kind } of cluster.reads) {
    if (kind === "confirmed") marks.readsConfirmed += 1;
    else marks.readsAbandoned += 1;
  }
  return marks;
}

function options(seed: number, random: Random): ClusterOptions {
  const servers = between(random, { min: 2, max: 7 });
  return {
    servers,
    seed,
    preVote: random.below(3) === 0 ? "without-pre-vote" : "with-pre-vote",
    appendBytesMax: random.below(2) === 0 ? 1 : 150,
    configuration: drawConfiguration(random, servers),
  };
}

/**
 * Mostly all vote; at times the last one only learns, or the cluster is in the middle of a joint change, or some are
 * yet to be let in.
 */
function drawConfiguration(random: Random, servers: number): Configuration {
  const all = Array.from({ length: servers }, (_, at) => nodeId(at + 1));
  const kind = random.below(8);
  if (kind === 0) return { voters: all.slice(0, -1), outgoing: [], learners: all.slice(-1) };
  if (kind === 1) return { voters: all.slice(0, -1), outgoing: all.slice(-2), learners: [] };
  if (kind < 6) return { voters: all, outgoing: [], learners: [] };
  return { voters: all.slice(0, 1 + random.below(servers)), outgoing: [], learners: [] };
}

const drawWeights = (random: Random): Run["weights"] => [
  [deliverSome, 70],
  [deliverBatch, random.below(40)],
  [passTime, 15 + random.below(20)],
  [propose, 2 + random.below(12)],
  [syncOne, 30 + random.below(60)],
  [loseOne, random.below(25)],
  [duplicateOne, random.below(20)],
  [read, random.below(6)],
  [crashOne, random.below(4)],
  [restartOne, 4 + random.below(6)],
  [divide, random.below(6)],
  [heal, 1 + random.below(5)],
  [transfer, random.below(2)],
  [changeMembers, random.below(3) === 0 ? 0 : random.below(14)],
  [stallDisk, random.below(2)],
  [compactOne, random.below(3) === 0 ? 0 : random.below(10)],
];

function draw(run: Run): Action {
  let total = 0;
  for (const [, weight] of run.weights) total += weight;
  let left = run.random.below(total);
  for (const [action, weight] of run.weights) {
    if (left < weight) return action;
    left -= weight;
  }
  return deliverSome;
}

function pick<T>(run: Run, from: readonly T[]): T | null {
  return from.length === 0 ? null : from[run.random.below(from.length)]!;
}

/** Mostly the oldest, as networks do; at times any. */
function pickPacket(run: Run): Packet | null {
  const { cluster, random } = run;
  const arriving = cluster.pool.filter((packet) => cluster.canArrive(packet) === "yes");
  return random.below(4) === 0 ? pick(run, arriving) : (arriving[0] ?? null);
}

function deliverSome(run: Run): void {
  for (let count = between(run.random, { min: 1, max: 6 }); count > 0; count--) {
    const packet = pickPacket(run);
    if (packet !== null) run.cluster.deliver(packet);
  }
}

/** All that waits for one server, in one go: as after a pause of it. */
function deliverBatch(run: Run): void {
  const { cluster } = run;
  const packet = pickPacket(run);
  if (packet === null) return;
  const { to } = packet.message;
  cluster.deliverTogether(
    cluster.pool.filter((other) => other.message.to === to && cluster.canArrive(other) === "yes"),
  );
}

function duplicateOne(run: Run): void {
  const packet = pickPacket(run);
  if (packet === null) return;
  run.marks.duplicates += 1;
  run.cluster.deliver(packet, "another-follows");
}

function loseOne(run: Run): void {
  const packet = pick(run, run.cluster.pool);
  if (packet !== null) run.cluster.lose(packet);
}

const up = (run: Run): Server[] =>
  [...run.cluster.servers.values()].filter((server) => server.state !== null);

function passTime(run: Run): void {
  const { cluster, random } = run;
  // At times a long pause, in which everybody's deadlines pass and nobody says anything.
  cluster.wait(random.below(15) === 0 ? between(random, { min: 300, max: 1300 }) : 60);
  for (const server of up(run)) if (random.below(3) > 0) cluster.lookAtClock(server.id);
}

/** Clients do not know who leads, and ask whoever believes to. */
const believer = (run: Run): Server | null =>
  pick(
    run,
    up(run).filter((server) => server.live.role.kind === "leader"),
  );

function propose(run: Run): void {
  const leader = believer(run);
  if (leader !== null) run.cluster.propose(leader.id);
}

function read(run: Run): void {
  const server = believer(run);
  if (server === null) return;
  run.tickets += 1;
  run.cluster.input(server.id, { kind: "read", ticket: run.tickets });
}

function syncOne(run: Run): void {
  const server = pick(
    run,
    up(run).filter(({ pendingWrites }) => pendingWrites > 0),
  );
  if (server !== null) run.cluster.sync(server.id);
}

function countTakenBack(run: Run, server: Server): void {
  run.marks.changesTakenBack += server.state?.membership.takenBack ?? 0;
  run.marks.takenBack += server.state?.log.truncations ?? 0;
}

function crashOne(run: Run): void {
  const server = pick(run, up(run));
  if (server === null) return;
  countTakenBack(run, server);
  run.marks.crashes += 1;
  run.cluster.crash(server.id, run.random.below(server.pendingWrites + 1));
}

function restartOne(run: Run): void {
  const { cluster } = run;
  const server = pick(
    run,
    [...cluster.servers.values()].filter(({ state }) => state === null),
  );
  if (server !== null) cluster.restart(server.id);
}

/** Two sides; or, at times, links that work in one direction only. */
function divide(run: Run): void {
  const { cluster, random } = run;
  const ids = [...cluster.servers.keys()];
  if (random.below(3) > 0) {
    const side = ids.filter(() => random.below(2) === 0);
    return cluster.partition([side, ids.filter((id) => !side.includes(id))]);
  }
  for (const from of ids) {
    for (const to of ids) if (random.below(3) === 0) cluster.cut.add(`${from}>${to}`);
  }
}

function heal(run: Run): void {
  run.cluster.cut.clear();
}

function transfer(run: Run): void {
  const leader = believer(run);
  const target = pick(run, [...run.cluster.servers.keys()]);
  if (leader === null || target === null) return;
  run.cluster.input(leader.id, { kind: "transfer", target });
}

/** One wish, or several in one step: about anybody, sensible or not. */
function changeMembers(run: Run): void {
  const { cluster, random, marks } = run;
  const leader = believer(run);
  if (leader === null) return;
  const { current } = leader.live.membership;
  const edits: Edit[] = [];
  for (let count = between(random, { min: 1, max: 3 }); count > 0; count--) {
    const learner = pick(run, current.learners);
    const id = pick(run, [...cluster.servers.keys()]) ?? leader.id;
    const place = { id, address: null, incarnation: null };
    if (learner !== null && random.below(2) === 0) edits.push({ kind: "promote", id: learner });
    else if (!members(current).includes(id)) edits.push({ kind: "add", place });
    else edits.push({ kind: "remove", id: random.below(3) === 0 ? leader.id : id });
  }
  if (cluster.change(leader.id, edits) !== "begun") return;
  marks.changesBegun += 1;
  if (edits.some((edit) => edit.kind === "remove" && edit.id === leader.id)) {
    marks.leadersRemoved += 1;
  }
}

/** Up to any entry that is committed, as the server knows, and on its disk. */
function compactOne(run: Run): void {
  const { cluster, random, marks } = run;
  const server = pick(run, up(run));
  if (server === null) return;
  const { log, commit } = server.live;
  const to = log.base.index + 1 + random.below(Math.max(1, commit - log.base.index));
  if (to > commit || server.durableTermAt(to) !== log.termAt(logIndex(to))) return;
  marks.compactions += 1;
  cluster.compact(server.id, to);
}

function stallDisk(run: Run): void {
  const leader = believer(run);
  if (leader !== null) run.cluster.input(leader.id, { kind: "disk-stalled" });
}
