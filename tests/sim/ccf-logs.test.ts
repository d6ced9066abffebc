/**
 * Scenarios of CCF's Raft driver as claims, under their names: logs that part and are brought together. Nodes 0, 1, 2
 * there are n1, n2, n3 here; a signature, by which alone CCF commits, is an entry like any other.
 */
import { expect, test } from "bun:test";
import { Stage } from "./stage.ts";

test("suffix_collision, .1: an entry that a lost leader kept for itself gives way to one at the same index", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.propose(1, 2);
  stage.exchange();
  stage.cluster.partition([[1], [2, 3]]);
  stage.propose(1);
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.lose();
  stage.propose(2, 2);
  expect(stage.terms(1)).toEqual([1, 1, 1, 1]);
  stage.cluster.cut.clear();
  stage.end();
  expect(stage.terms(1).slice(0, 6)).toEqual([1, 1, 1, 2, 2, 2]);
});

test("suffix_collision.2: a refusal that comes twice, with another append between, does no harm", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.propose(1, 2);
  stage.exchange();
  stage.cluster.partition([[1], [2, 3]]);
  stage.propose(1, 3);
  stage.forgetLeader();
  // Terms pass on the other side, each with an entry of its own.
  for (const [leader, voter] of [
    [2, 3],
    [3, 2],
    [2, 3],
  ] as const) {
    for (const id of [2, 3]) if (stage.role(id) === "leader") stage.crashAndRestart(id);
    stage.forgetLeader();
    stage.elect(leader, [voter]);
    stage.propose(leader);
    stage.exchange([2, 3]);
  }
  expect(stage.terms(2)).toEqual([1, 1, 1, 2, 2, 3, 3, 4, 4]);
  stage.cluster.cut.clear();
  for (let round = 0; round < 6; round++) {
    stage.beat(2);
    stage.deliver({ from: 2, to: 1 });
    // n2 beats once more before it hears of it, and hears each answer twice.
    stage.beat(2);
    stage.deliver({ from: 1, to: 2 }, "another-follows");
    stage.exchange([1, 2]);
  }
  expect(stage.terms(1)).toEqual(stage.terms(2));
  stage.end();
});

test("suffix_collision.3: a refusal says nothing about what its sender holds, however long its log", () => {
  const stage = new Stage({
    servers: [
      { id: 1, term: 3, log: [1, 1, 1, 1, 1, 3, 3, 3] },
      { id: 2, term: 3, log: [1, 1] },
      { id: 3, term: 3, log: [1, 1, 2, 2, 2, 2] },
      { id: 4, term: 3, log: [1, 1] },
      { id: 5, term: 3, log: [1, 1] },
    ],
  });
  stage.elect(3, [4, 5]);
  stage.propose(3, 3);
  stage.lose({ to: 5 });
  stage.lose({ to: 2 });
  stage.exchange([3, 4]);
  // n3 and n4 hold ten entries. n1, whose own log ends at 8, refuses: two of five are no majority.
  stage.deliver({ from: 3, to: 1, name: "append?" });
  stage.deliver({ from: 1, to: 3, name: "append!" });
  expect(Number(stage.state(3).commit)).toBe(0);
  stage.lose();
  stage.end();
  expect(stage.terms(1).slice(0, 10)).toEqual([1, 1, 2, 2, 2, 2, 4, 4, 4, 4]);
});

test("fancy_election, .1: what may have been committed is kept by the only server left that has it", () => {
  const stage = new Stage({ servers: 3 });
  stage.cluster.partition([[1, 2], [3]]);
  stage.elect(1, [2]);
  stage.exchange();
  // Four commands reach n2, and n1 commits them; three more stay with n1.
  stage.propose(1, 4);
  stage.deliver({ from: 1, to: 2, name: "append?" });
  stage.deliver({ from: 2, to: 1, name: "append!" });
  expect(Number(stage.state(1).commit)).toBe(5);
  stage.lose();
  stage.cluster.partition([[1], [2, 3]]);
  stage.propose(1, 3);
  stage.forgetLeader();
  // n3 was cut off for long and tries first: it lacks what n2 has.
  stage.timeout(3);
  stage.exchange([2, 3]);
  expect(stage.role(3)).not.toBe("leader");
  stage.elect(2, [3]);
  stage.exchange([2, 3]);
  expect(Number(stage.state(2).commit)).toBe(6);
  stage.cluster.cut.clear();
  stage.end();
  expect(stage.terms(1).slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
  expect(Number(stage.state(1).log.at(6 as never).term)).toBeGreaterThan(1);
});

test("indirect_commit_stale_leader: an old term's entries are committed by a new one's, while another still leads", () => {
  const stage = new Stage({ servers: 3, appendBytesMax: 1 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.partition([[1], [2, 3]]);
  stage.propose(1, 2);
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.propose(2);
  stage.lose();
  // Now n2 is cut off, with entries of term 2 that nobody else has.
  stage.cluster.partition([[2], [1, 3]]);
  stage.cluster.lookAtClock(1);
  stage.timeout(1);
  stage.exchange([1, 3]);
  stage.elect(1, [3]);
  expect(Number(stage.state(1).term)).toBe(3);
  const commits: number[] = [];
  for (let held = 1; held < 4; ) {
    if (stage.under({ from: 1, to: 3, name: "append?" }).length === 0) stage.beat(1);
    stage.exchange([1, 3], ["append?"]);
    held = stage.terms(3).length;
    stage.exchange([1, 3], ["append!"]);
    commits.push(Number(stage.state(1).commit));
  }
  // Nothing more is committed before the entry of term 3 is held by two, and then all is.
  expect(new Set(commits)).toEqual(new Set([1, 4]));
  expect(stage.role(2)).toBe("leader");
  expect(stage.terms(2)).toEqual([1, 2, 2]);
  stage.cluster.cut.clear();
  stage.end();
  expect(stage.terms(2).slice(0, 4)).toEqual([1, 1, 1, 3]);
});

test("follower_rollback_match_index: a follower that had lost sight of its leader takes nothing back for it", () => {
  const stage = new Stage({ servers: 3, preVote: "with-pre-vote" });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.propose(1);
  stage.lose({ to: 2 });
  stage.exchange([1, 3]);
  stage.propose(1);
  stage.lose();
  stage.timeout(3);
  expect(stage.role(3)).toBe("pre-candidate");
  stage.lose();
  stage.cluster.lookAtClock(1);
  const held = [...stage.terms(3)];
  for (let round = 0; round < 3; round++) {
    if (stage.role(1) === "leader") stage.beat(1);
    for (const packet of stage.under({ from: 1, to: 3 })) stage.cluster.deliver(packet);
    expect(stage.terms(3).slice(0, held.length)).toEqual(held);
    stage.lose();
  }
  stage.end();
});

test("rollback_safety: a refusal of a term long past makes nobody take back what is committed", () => {
  const stage = new Stage({ servers: 5 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.partition([[1, 2, 3], [4], [5]]);
  // n1's suffix reaches n2 only.
  stage.propose(1, 4);
  stage.deliver({ from: 1, to: 2, name: "append?" });
  stage.lose();
  stage.crashAndRestart(1);
  stage.forgetLeader();
  // n2 leads and is refused by n3, which lacks the suffix. The refusal stays under way for long.
  stage.elect(2, [1, 3]);
  stage.deliver({ from: 2, to: 3, name: "append?" });
  const refusal = stage.keep({ from: 3, to: 2, name: "append!" });
  stage.lose();
  stage.crashAndRestart(2);
  stage.forgetLeader();
  // n2 holds an entry of its own term by now and refuses n1; n3 and n4 do not.
  stage.cluster.partition([[1, 2, 3, 4], [5]]);
  stage.elect(1, [3, 4]);
  stage.exchange([1, 2, 3]);
  const committed = Number(stage.state(1).commit);
  expect(committed).toBe(6);
  stage.crashAndRestart(1);
  stage.forgetLeader();
  stage.elect(2, [1, 4]);
  stage.lose();
  stage.release(refusal);
  stage.exchange([2, 3]);
  stage.beat(2);
  stage.exchange([2, 3]);
  // The witness would have seen it; said here once more: n3 still holds all that n1 had committed.
  expect(stage.terms(3).slice(0, committed)).toEqual([1, 1, 1, 1, 1, 3]);
  stage.end();
});

test("soft_rollback: a leader that a candidate meets keeps what is committed, and does not vote for less", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.propose(1);
  stage.lose({ to: 3 });
  stage.exchange([1, 2]);
  expect(Number(stage.state(1).commit)).toBe(2);
  stage.cluster.partition([[1], [2, 3]]);
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.lose();
  // n2 takes two commands and shares neither; it goes down and is a follower again.
  stage.propose(2, 2);
  stage.lose();
  stage.crashAndRestart(2);
  stage.forgetLeader();
  stage.timeout(3);
  stage.exchange([2, 3]);
  expect(stage.role(3)).not.toBe("leader");
  expect(stage.terms(2)).toEqual([1, 1, 2, 2, 2]);
  // With n1 in place of n3 it wins: what it cannot commit it can show.
  stage.cluster.partition([[1, 2], [3]]);
  stage.cluster.lookAtClock(1);
  stage.elect(2, [1]);
  stage.cluster.cut.clear();
  stage.end();
  expect(stage.terms(3).slice(0, 2)).toEqual([1, 1]);
});

test("liveness_through_conflict: heartbeats before the first new entry do not get in the way of a repair", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.cluster.partition([[1], [2, 3]]);
  stage.propose(1, 2);
  stage.forgetLeader();
  stage.elect(2, [3]);
  stage.beat(2);
  stage.beat(2);
  stage.propose(2);
  stage.cluster.cut.clear();
  // A few rounds, none of them a long wait, and all are level.
  for (let round = 0; round < 4; round++) {
    stage.beat(2);
    stage.exchange();
  }
  expect([1, 2, 3].map((id) => stage.terms(id))).toEqual([
    [1, 2, 2],
    [1, 2, 2],
    [1, 2, 2],
  ]);
  stage.end();
});

test("matching_partial, partial_append_entries: an append that overlaps adds what is new and takes nothing back", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  stage.propose(1, 2);
  stage.deliver({ from: 1, to: 2, name: "append?" });
  stage.lose();
  const { truncations } = stage.state(2).log;
  expect(stage.terms(2)).toEqual([1, 1, 1]);
  // No acknowledgement arrived: n1 sends the same again, and one entry more.
  stage.propose(1);
  for (let round = 0; round < 3; round++) stage.beat(1);
  const [overlapping] = stage.under({ from: 1, to: 2, name: "append?" }).slice(-1);
  expect(overlapping?.message).toMatchObject({ previous: { index: 1 } });
  stage.deliver({ from: 1, to: 2, name: "append?" });
  expect(stage.terms(2)).toEqual([1, 1, 1, 1]);
  expect(stage.state(2).log.truncations).toBe(truncations);
  stage.end();
});
