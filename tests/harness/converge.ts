/**
 * The end of every scenario and of every random run: all faults are over, everybody is up, time runs by itself.
 * Whatever happened before, the cluster must elect a leader, agree on one log, and take a new command.
 */
import { assert } from "../../src/base/assert.ts";
import { noIndex } from "../../src/base/numbers.ts";
import { isJoint, members } from "../../src/raft/membership.ts";
import { nextDeadline, proposalRefusal } from "../../src/raft/raft.ts";
import type { Cluster } from "./cluster.ts";
import { row } from "./notation.ts";

const limits = { patienceMs: 20_000, packetsPerMomentMax: 20_000 } as const;

export function converge(cluster: Cluster): void {
  cluster.cut.clear();
  for (const [id, server] of cluster.servers) {
    if (server.state === null) cluster.restart(id);
    cluster.diskModes.set(id, "at-once");
    while (server.pendingWrites > 0) cluster.sync(id);
  }
  runUntilAgreed(cluster, "the log as it stands");
  const leader = cluster.leader();
  assert(leader !== null, "who agreed has a leader");
  const before = cluster.witness.committed.length;
  cluster.propose(leader);
  runUntilAgreed(cluster, "a new command");
  assert(cluster.witness.committed.length > before, "a new command is committed");
}

function runUntilAgreed(cluster: Cluster, on: string): void {
  const deadline = cluster.now + limits.patienceMs;
  deliverAll(cluster);
  while (disagreement(cluster) !== null) {
    const late = cluster.now >= deadline;
    assert(!late, `the cluster agrees on ${on}: ${disagreement(cluster)}\n${rows(cluster)}`);
    passTime(cluster);
    deliverAll(cluster);
  }
}

function rows(cluster: Cluster): string {
  return [...cluster.servers.values()].map((server) => row(server)).join("\n");
}

/** The next thing that a clock makes happen. */
function passTime(cluster: Cluster): void {
  const due = [...cluster.servers.values()].map((server) => nextDeadline(server.live));
  const soonest = Math.min(...due);
  cluster.wait(Math.max(0, soonest - cluster.now));
  for (const [id, server] of cluster.servers) {
    if (nextDeadline(server.live) <= cluster.now) cluster.lookAtClock(id);
  }
}

/** Until nothing is under way: in the order of sending. */
export function deliverAll(cluster: Cluster): void {
  for (let count = 0; cluster.pool.length > 0; count++) {
    assert(count < limits.packetsPerMomentMax, "messages do not breed for ever");
    const packet = cluster.pool[0]!;
    if (cluster.canArrive(packet) === "yes") cluster.deliver(packet);
    else cluster.lose(packet);
  }
}

/** What is still missing, or null. */
function disagreement(cluster: Cluster): string | null {
  const states = [...cluster.servers.values()].map((server) => server.live);
  const leaders = states.filter((state) => state.role.kind === "leader");
  const leader = leaders[0];
  if (leaders.length !== 1 || leader === undefined) return `${leaders.length} leaders`;
  const refusal = proposalRefusal(leader);
  if (refusal !== null) return `the leader takes no commands: ${refusal}`;
  const last = leader.log.lastIndex;
  const { current } = leader.membership;
  if (isJoint(current)) return "a change of members is under way";
  const taking = states.filter((state) => members(current).includes(state.settings.me));
  for (const state of taking) {
    const name = `n${state.settings.me}`;
    if (state.term !== leader.term) return `${name} is in term ${state.term}`;
    if (state.log.lastIndex !== last) return `the log of ${name} ends at ${state.log.lastIndex}`;
    if (state.log.lastTerm !== leader.log.lastTerm) return `the log of ${name} ends differently`;
    if (state.commit !== last) return `${name} has committed up to ${state.commit} of ${last}`;
  }
  return last === noIndex ? "nothing was ever committed" : null;
}
