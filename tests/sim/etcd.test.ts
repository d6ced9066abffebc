/**
 * Tests of etcd's raft as claims, under their names: those that the tests of src/raft do not make already (the table
 * of all stands in docs/known-tests.md). Nodes have the same numbers.
 */
import { expect, test } from "bun:test";
import { nodeId } from "../../src/base/numbers.ts";
import { beginTransfer } from "../../src/raft/transfer.ts";
import { Stage } from "./stage.ts";

const settings = { servers: 3 } as const;

test("LeaderElectionOverwriteNewerLogs: an entry of a later term that reached nobody else is overwritten", () => {
  // n3 led term 2 with the votes of n4 and n5, and kept its entry for itself.
  const stage = new Stage({
    servers: [
      { id: 1, term: 1, log: [1] },
      { id: 2, term: 1, log: [1] },
      { id: 3, term: 2, votedFor: 3, log: [2] },
      { id: 4, term: 2, votedFor: 3 },
      { id: 5, term: 2, votedFor: 3 },
    ],
  });
  // Term 2 is spent: n4 and n5 have voted in it, and n3 is ahead.
  stage.timeout(1);
  stage.exchange(undefined, ["vote?", "vote!"]);
  expect(stage.role(1)).not.toBe("leader");
  expect(Number(stage.state(1).term)).toBe(2);
  stage.timeout(1);
  stage.exchange();
  expect(stage.role(1)).toBe("leader");
  for (const id of [1, 2, 3, 4, 5]) expect(stage.terms(id)).toEqual([1, 3]);
  stage.end();
});

test("DuelingCandidates: the one that lost campaigns again in a later term, and its short log wins nothing", () => {
  const stage = new Stage(settings);
  stage.cluster.partition([[1, 2], [3]]);
  stage.timeout(3);
  stage.elect(1, [2]);
  stage.exchange([1, 2]);
  expect(stage.role(3)).toBe("candidate");
  stage.cluster.cut.clear();
  stage.forgetLeader();
  stage.cluster.lookAtClock(1);
  stage.timeout(3);
  stage.exchange();
  expect(stage.role(3)).not.toBe("leader");
  expect([1, 2].map((id) => Number(stage.state(id).term))).toEqual([2, 2]);
  expect([1, 2, 3].map((id) => stage.terms(id))).toEqual([[1], [1], []]);
  stage.end();
});

test("DuelingPreCandidates: with pre-vote the one that lost does not move the term", () => {
  const stage = new Stage({ ...settings, preVote: "with-pre-vote" });
  stage.cluster.partition([[1, 2], [3]]);
  stage.elect(1, [2]);
  stage.exchange([1, 2]);
  stage.timeout(3);
  stage.cluster.cut.clear();
  stage.forgetLeader();
  stage.timeout(3);
  stage.exchange([2, 3]);
  expect(stage.role(3)).toBe("follower");
  expect([1, 2].map((id) => Number(stage.state(id).term))).toEqual([1, 1]);
  stage.end();
});

test("OldMessages: an append of a leader long replaced changes nothing, though it would fit", () => {
  const stage = new Stage(settings);
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.propose(1);
  const old = stage.keep({ from: 1, to: 3, name: "append?" });
  stage.lose();
  stage.crashAndRestart(1);
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.exchange();
  const before = [...stage.terms(3)];
  stage.release(old);
  stage.deliver({ from: 1, to: 3, name: "append?" });
  expect(stage.terms(3)).toEqual(before);
  stage.exchange();
  expect(stage.terms(1)).toEqual(stage.terms(2));
  stage.end();
});

test("CandidateSelfVoteAfterLostElection: the own vote reaches the disk when the election is over, and counts nothing", () => {
  const stage = new Stage(settings);
  stage.cluster.diskModes.set(nodeId(1), "by-hand");
  stage.timeout(1);
  expect(stage.under({ from: 1 })).toEqual([]);
  stage.timeout(2);
  stage.exchange([2, 3]);
  expect(stage.role(2)).toBe("leader");
  stage.deliver({ from: 2, to: 1, name: "beat?" });
  expect(stage.role(1)).toBe("follower");
  while (stage.cluster.server(1).pendingWrites > 0) stage.cluster.sync(1);
  stage.exchange();
  expect(stage.role(1)).toBe("follower");
  expect(stage.role(2)).toBe("leader");
  stage.end();
});

test("LeaderMsgAppSelfAckAfterTermChange: the own disk answers when leadership is gone, and commits nothing", () => {
  const stage = new Stage(settings);
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.diskModes.set(nodeId(1), "by-hand");
  stage.propose(1);
  // n2 gets the entry, and n1 does not hear of it: the own disk would make two of three.
  stage.deliver({ from: 1, to: 2, name: "append?" });
  stage.lose();
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.deliver({ from: 2, to: 1, name: "beat?" });
  expect(Number(stage.state(1).term)).toBe(2);
  const commit = Number(stage.state(1).commit);
  while (stage.cluster.server(1).pendingWrites > 0) stage.cluster.sync(1);
  expect(Number(stage.state(1).commit)).toBe(commit);
  expect(stage.role(1)).toBe("follower");
  stage.end();
});

test("FreeStuckCandidateWithCheckQuorum: a candidate that nobody may vote for gets its leader's ear", () => {
  const stage = new Stage(settings);
  stage.cluster.partition([[1, 2], [3]]);
  stage.elect(1, [2]);
  stage.exchange();
  // n3 spends terms alone, while n1 leads n2.
  for (let round = 0; round < 60; round++) {
    stage.beat(1);
    stage.exchange([1, 2]);
    stage.cluster.lookAtClock(3);
  }
  const spent = Number(stage.state(3).term);
  expect(spent).toBeGreaterThan(2);
  stage.cluster.cut.clear();
  stage.timeout(3);
  stage.exchange([2, 3], ["vote?", "vote!"]);
  // n2 hears its leader, neither votes nor adopts the term: n3 is stuck.
  expect(stage.role(3)).toBe("candidate");
  expect(Number(stage.state(2).term)).toBe(1);
  stage.beat(1);
  expect(stage.role(1)).toBe("leader");
  // n1's heartbeat is of an older term to n3; the answer says so, and n1 makes room for an election.
  stage.exchange([1, 3], ["beat?", "beat!"]);
  expect(stage.role(1)).toBe("follower");
  expect(stage.state(1).term).toBe(stage.state(3).term);
  stage.end();
});

test("NodeWithSmallerTermCanCompleteElection: who slept through terms can lead when its log is good", () => {
  const stage = new Stage({
    servers: [
      { id: 1, term: 5, log: [1] },
      { id: 2, term: 5, log: [1] },
      { id: 3, term: 1, log: [1] },
    ],
    preVote: "with-pre-vote",
  });
  stage.cluster.crash(2);
  stage.timeout(3);
  stage.exchange([1, 3]);
  // The refusal brings the term; the next try is on equal terms.
  expect(Number(stage.state(3).term)).toBe(5);
  stage.elect(3, [1]);
  expect(Number(stage.state(3).term)).toBe(6);
  stage.end();
});

test("PreVoteWithSplitVote: both may campaign, neither wins, and a later timeout settles it", () => {
  const stage = new Stage({ ...settings, preVote: "with-pre-vote" });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.crash(1);
  stage.forgetLeader();
  for (const id of [2, 3]) stage.cluster.lookAtClock(id);
  stage.exchange([2, 3], ["prevote?", "prevote!"]);
  expect([2, 3].map((id) => stage.role(id))).toEqual(["candidate", "candidate"]);
  stage.exchange([2, 3]);
  expect([2, 3].map((id) => stage.role(id))).toEqual(["candidate", "candidate"]);
  stage.timeout(2);
  stage.exchange([2, 3]);
  expect([2, 3].map((id) => stage.role(id))).toEqual(["leader", "follower"]);
  stage.end();
});

test("LeaderTransferReceiveHigherTermVote: a newer term ends a transfer under way", () => {
  const stage = new Stage(settings);
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.partition([[1, 2], [3]]);
  stage.cluster.input(1, { kind: "transfer", target: nodeId(3) });
  expect(stage.state(1).role).toMatchObject({ transfer: { target: 3 } });
  stage.forgetLeader();
  stage.timeout(2);
  // n2 is not held off by n1, which has been silent, but by n1 leading: it must look at its clock first.
  stage.cluster.lookAtClock(1);
  stage.exchange([1, 2]);
  stage.elect(2, [1]);
  expect(stage.role(1)).toBe("follower");
  stage.cluster.cut.clear();
  stage.end();
});

test("LeaderTransferSecondTransferToAnotherNode, ToSameNode: refused while one is under way; its deadline stays", () => {
  const stage = new Stage(settings);
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.partition([[1, 2], [3]]);
  const state = stage.state(1);
  expect(beginTransfer(state, nodeId(3))).toBe("begun");
  const first = state.role.kind === "leader" ? state.role.transfer?.deadline : null;
  expect(beginTransfer(state, nodeId(3))).toBe("busy");
  expect(beginTransfer(state, nodeId(2))).toBe("busy");
  const later = state.role.kind === "leader" ? state.role.transfer?.deadline : null;
  expect(later).toBe(first!);
  stage.end();
});
