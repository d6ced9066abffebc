/**
 * Scenarios about members of etcd's raft and of CCF as claims, under their names: those that the tests of src/raft and
 * the text scenarios do not make already (the table of all stands in docs/known-tests.md). A server is added as a
 * learner first, and gets its vote when it has caught up.
 */
import { describe, expect, test } from "bun:test";
import { logIndex, nodeId } from "../../src/base/numbers.ts";
import type { Edit } from "../../src/raft/edits.ts";
import { isJoint } from "../../src/raft/membership.ts";
import { defaultTiming } from "../../src/raft/state.ts";
import { beginTransfer } from "../../src/raft/transfer.ts";
import type { Configuration } from "../../src/raft/types.ts";
import { Stage } from "./stage.ts";

const voters = (...ids: readonly number[]): Configuration => ({
  voters: ids.map(nodeId),
  outgoing: [],
  learners: [],
});

const add = (id: number): Edit => ({
  kind: "add",
  place: { id: nodeId(id), address: null, incarnation: null },
});
const promote = (id: number): Edit => ({ kind: "promote", id: nodeId(id) });
const remove = (id: number): Edit => ({ kind: "remove", id: nodeId(id) });

/** So many servers, of which these vote; n1 leads, and has committed in its term. */
function led(servers: number, ...first: readonly number[]): Stage {
  const stage = new Stage({ servers, configuration: voters(...first) });
  stage.elect(1, first.slice(1));
  settle(stage, 1);
  return stage;
}

/** Long enough for appends, commits and what follows from them to reach everybody who is reached. */
function settle(stage: Stage, leader: number, among?: readonly number[]): void {
  for (let beats = 0; beats < 3; beats++) {
    stage.exchange(among);
    stage.beat(leader);
  }
  stage.exchange(among);
}

const change = (stage: Stage, id: number, ...edits: readonly Edit[]): string =>
  stage.cluster.change(id, edits);

function learn(stage: Stage, ...ids: readonly number[]): void {
  expect(change(stage, 1, ...ids.map(add))).toBe("begun");
  settle(stage, 1);
}

const shown = (stage: Stage, id: number): string => {
  const { voters: now, outgoing } = stage.state(id).membership.current;
  return outgoing.length === 0 ? now.join(" ") : `${now.join(" ")} & ${outgoing.join(" ")}`;
};

describe("etcd's raft", () => {
  test("NewLeaderPendingConfig: a leader that has an unfinished change in its log begins none before that is committed", () => {
    const stage = led(3, 1, 2);
    learn(stage, 3);
    // From {1 2} to {1 2 3}: the joint configuration is on n2 as well, and n1 is gone before it hears of it.
    expect(change(stage, 1, promote(3))).toBe("begun");
    stage.deliver({ from: 1, to: 2, name: "append?" });
    stage.deliver({ from: 1, to: 3, name: "append?" });
    stage.lose();
    stage.crashAndRestart(1);
    stage.forgetLeader();
    stage.elect(2, [1, 3]);
    expect(shown(stage, 2)).toBe("1 2 3 & 1 2");
    expect(change(stage, 2, add(3))).toBe("change-under-way");
    settle(stage, 2);
    // The new leader has brought its predecessor's change to its end.
    expect([1, 2, 3].map((id) => shown(stage, id))).toEqual(["1 2 3", "1 2 3", "1 2 3"]);
    expect(change(stage, 2, remove(1))).toBe("begun");
    stage.end();
  });

  test("CommitAfterRemoveNode: what waits for a server that is removed is committed without it", () => {
    const stage = led(2, 1, 2);
    expect(change(stage, 1, remove(2))).toBe("begun");
    stage.propose(1);
    const [joint, command] = [3, 4].map((at) => at - 1);
    expect(Number(stage.state(1).log.lastIndex)).toBe(Number(command));
    expect(Number(stage.state(1).commit)).toBe(Number(joint) - 1);
    // n2 acknowledges the joint configuration and nothing after it. Then n1 decides alone.
    stage.deliver({ from: 1, to: 2, name: "append?" });
    const answers = stage.under({ from: 2, to: 1, name: "append!" });
    for (const packet of answers.slice(1)) stage.cluster.lose(packet);
    stage.deliver({ from: 2, to: 1, name: "append!" });
    stage.lose();
    expect(shown(stage, 1)).toBe("1");
    expect(Number(stage.state(1).commit)).toBe(Number(stage.state(1).log.lastIndex));
    stage.propose(1);
    expect(Number(stage.state(1).commit)).toBe(Number(stage.state(1).log.lastIndex));
    stage.end();
  });

  test("LeaderTransferRemoveNode, LeaderTransferDemoteNode: while leadership is handed over nobody is removed, and after its deadline somebody may be", () => {
    const stage = led(3, 1, 2, 3);
    stage.cluster.partition([[1, 2], [3]]);
    beginTransfer(stage.state(1), nodeId(3));
    expect(change(stage, 1, remove(3))).toBe("handing-over");
    for (
      let waited = 0;
      waited <= defaultTiming.electionMsMax;
      waited += defaultTiming.heartbeatMs
    ) {
      stage.beat(1);
      stage.exchange([1, 2]);
    }
    expect(stage.role(1)).toBe("leader");
    expect(change(stage, 1, remove(3))).toBe("begun");
    settle(stage, 1, [1, 2]);
    expect(shown(stage, 1)).toBe("1 2");
    stage.end();
  });

  test("confchange_v1_add_single, confchange_v2_add_single: a server alone becomes two", () => {
    const stage = led(2, 1);
    stage.propose(1, 3);
    learn(stage, 2);
    expect(stage.terms(2)).toEqual(stage.terms(1));
    expect(change(stage, 1, promote(2))).toBe("begun");
    settle(stage, 1);
    expect([1, 2].map((id) => shown(stage, id))).toEqual(["1 2", "1 2"]);
    // From now on it takes both.
    const commit = Number(stage.state(1).commit);
    stage.propose(1);
    expect(Number(stage.state(1).commit)).toBe(commit);
    stage.end();
  });

  test("confchange_v2_add_double: a server alone becomes three in one change, and all three are asked in between", () => {
    const stage = led(3, 1);
    learn(stage, 2, 3);
    expect(change(stage, 1, promote(2), promote(3))).toBe("begun");
    expect(shown(stage, 1)).toBe("1 2 3 & 1");
    const commit = Number(stage.state(1).commit);
    // n1 is all of the old ones; of the new ones it is one of three.
    expect(commit).toBe(Number(stage.state(1).log.lastIndex) - 1);
    settle(stage, 1);
    expect([1, 2, 3].map((id) => shown(stage, id))).toEqual(["1 2 3", "1 2 3", "1 2 3"]);
    stage.end();
  });

  test("confchange_v2_replace_leader: its successor is among those that stay, and finishes nothing anew", () => {
    const stage = led(4, 1, 2, 3);
    learn(stage, 4);
    expect(change(stage, 1, promote(4), remove(1))).toBe("begun");
    settle(stage, 1);
    // n1 leads until the configuration without it is committed, and then asks one that stays to lead.
    expect(stage.role(1)).toBe("follower");
    const leader = stage.cluster.leader();
    expect([2, 3, 4]).toContain(Number(leader));
    settle(stage, Number(leader), [2, 3, 4]);
    expect([2, 3, 4].map((id) => shown(stage, id))).toEqual(["2 3 4", "2 3 4", "2 3 4"]);
    stage.end();
  });
});

describe("CCF", () => {
  test("check_quorum_012_0, check_quorum_0_012: in a joint configuration a leader without either majority steps down", () => {
    for (const [from, to] of [
      [[1, 2, 3], [1]],
      [[1], [1, 2, 3]],
    ] as const) {
      const stage = led(3, ...from);
      const others = [2, 3];
      if (from.length === 1) learn(stage, ...others);
      const edits = others.map(from.length === 1 ? promote : remove);
      expect(change(stage, 1, ...edits)).toBe("begun");
      expect(isJoint(stage.state(1).membership.current)).toBe(true);
      stage.lose();
      // Alone it is all of {1}, and not a majority of {1 2 3}.
      stage.cluster.partition([[1], [2, 3]]);
      stage.cluster.wait(defaultTiming.electionMsMin);
      stage.cluster.lookAtClock(1);
      expect(stage.role(1), `${from} to ${to}`).toBe("follower");
      stage.end();
    }
  });

  test("check_quorum_2, check_quorum_3: who has been removed counts for nothing in the leader's quorum", () => {
    const stage = led(3, 1, 2, 3);
    expect(change(stage, 1, remove(3))).toBe("begun");
    settle(stage, 1);
    expect(shown(stage, 1)).toBe("1 2");
    stage.cluster.partition([[1, 3], [2]]);
    stage.cluster.wait(defaultTiming.electionMsMin);
    stage.cluster.lookAtClock(1);
    expect(stage.role(1)).toBe("follower");
    stage.end();
  });

  test("election_while_reconfiguration: who campaigns with the joint configuration needs both majorities", () => {
    const stage = led(5, 1, 2, 3);
    learn(stage, 4, 5);
    // From {1 2 3} to {3 4 5}: the joint configuration is with n3 and n4, and n1 is gone.
    expect(change(stage, 1, promote(4), promote(5), remove(1), remove(2))).toBe("begun");
    stage.deliver({ from: 1, to: 3, name: "append?" });
    stage.deliver({ from: 1, to: 4, name: "append?" });
    stage.lose();
    stage.cluster.crash(1);
    stage.forgetLeader();
    stage.timeout(4);
    // n4, n3 and n5: all of the new ones, one of the old.
    stage.exchange([3, 4, 5], ["vote?", "vote!"]);
    expect(stage.role(4)).toBe("candidate");
    // n2 has never heard of the change, and its vote is the second of the old ones.
    stage.deliver({ from: 4, to: 2, name: "vote?" });
    stage.deliver({ from: 2, to: 4, name: "vote!" });
    expect(stage.role(4)).toBe("leader");
    settle(stage, 4, [2, 3, 4, 5]);
    expect([3, 4, 5].map((id) => shown(stage, id))).toEqual(["3 4 5", "3 4 5", "3 4 5"]);
    stage.end();
  });

  test("reconfig_01_el0_12: the change from {1 2} to {2 3} outlives two elections, and is completed once", () => {
    const stage = led(3, 1, 2);
    learn(stage, 3);
    expect(change(stage, 1, promote(3), remove(1))).toBe("begun");
    // It reaches n2 and n3. n1 loses its office by silence, is elected again, and loses what it says.
    stage.exchange([1, 2, 3], ["append?"]);
    stage.lose();
    stage.forgetLeader();
    stage.cluster.lookAtClock(1);
    stage.elect(1, [2, 3]);
    stage.lose();
    stage.forgetLeader();
    stage.cluster.lookAtClock(1);
    // n2's log is shorter by n1's no-op: only n1 can lead, and both of {2 3} must agree.
    stage.elect(1, [2, 3]);
    settle(stage, 1);
    expect([2, 3].map((id) => shown(stage, id))).toEqual(["2 3", "2 3"]);
    const { log } = stage.state(2);
    const configurations = Array.from({ length: log.lastIndex }, (_, at) =>
      log.at(logIndex(at + 1)),
    ).filter(({ kind }) => kind === "configuration");
    // The learner, the joint one, and the one after it: nothing was said twice.
    expect(configurations).toHaveLength(3);
    stage.end();
  });

  test("swap_nodes, retire: every server of a cluster is replaced while it goes on, one change after the other", () => {
    const stage = led(6, 1, 2, 3);
    learn(stage, 4, 5, 6);
    stage.propose(1, 3);
    settle(stage, 1);
    const before = stage.terms(1);
    let leader = 1;
    for (const [goes, comes] of [
      [2, 4],
      [3, 5],
      [1, 6],
    ] as const) {
      expect(change(stage, leader, promote(comes), remove(goes))).toBe("begun");
      settle(stage, leader);
      leader = Number(stage.cluster.leader());
      settle(stage, leader);
    }
    expect(shown(stage, leader)).toBe("4 5 6");
    for (const id of [4, 5, 6]) {
      expect(stage.terms(id).slice(0, before.length)).toEqual([...before]);
    }
    // n2 and n3 were never told how it ended, and campaign. Who stays hears a leader, and whoever else left is ahead of
    // them (dissertation 4.2.3). n1 knows that it was left out, and is silent.
    const { term } = stage.state(leader);
    const asked = new Set<number>();
    for (let waited = 0; waited < 5000; waited += defaultTiming.heartbeatMs) {
      stage.beat(leader);
      stage.exchange([4, 5, 6]);
      for (const id of [1, 2, 3]) stage.cluster.lookAtClock(id);
      for (const { message } of stage.under({ name: "vote?" })) asked.add(message.from);
      stage.exchange();
    }
    expect([...asked].sort()).toEqual([2, 3]);
    expect([stage.role(leader), stage.state(leader).term]).toEqual(["leader", term]);
    stage.end();
  });
});
