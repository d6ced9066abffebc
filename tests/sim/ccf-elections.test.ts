/** Scenarios of CCF's Raft driver as claims, under their names: who may lead. See ccf-logs.test.ts. */
import { expect, test } from "bun:test";
import { Stage } from "./stage.ts";

test("candidate_viability: a branch on a majority is committed by an entry of its leader's term only", () => {
  // n1 and n2 have branches of their own; n1 was alone for so long that its term is far ahead. n5 has heard nothing.
  const stage = new Stage({
    servers: [
      { id: 1, term: 20, log: [1, 1, 2, 2, 3, 5, 5, 5] },
      { id: 2, term: 6, log: [1, 1, 4, 4, 4] },
      { id: 3, term: 6, log: [1, 1] },
      { id: 4, term: 6, log: [1, 1] },
      { id: 5, term: 1, log: [1, 1] },
    ],
    appendBytesMax: 1,
  });
  stage.cluster.partition([[1], [2, 3, 4, 5]]);
  stage.elect(2, [3, 4]);
  expect(Number(stage.state(2).term)).toBe(7);
  stage.lose();
  // Slowly, one entry at a time, n4 and n5 get the branch, and of n2's own term nothing.
  for (let round = 0; round < 100; round++) {
    if (stage.under({ from: 2, name: "append?" }).length === 0) stage.beat(2);
    for (const to of [4, 5]) {
      const [next] = stage.under({ from: 2, to, name: "append?" });
      if (next !== undefined && stage.terms(to).length < 5) stage.cluster.deliver(next);
    }
    stage.lose({ from: 2, name: "append?" });
    stage.exchange([2, 4, 5], ["append!", "beat?", "beat!"]);
  }
  // Its five entries are on three servers of five. n1 could still win with its later branch: nothing is safe.
  expect([4, 5].map((id) => stage.terms(id))).toEqual([
    [1, 1, 4, 4, 4],
    [1, 1, 4, 4, 4],
  ]);
  expect(Number(stage.state(2).commit)).toBe(0);
  for (let round = 0; round < 10; round++) {
    stage.beat(2);
    stage.exchange([2, 4, 5]);
  }
  expect(Number(stage.state(2).commit)).toBe(6);
  // n1 returns with its high term and wins nothing: its last entry is of term 5.
  stage.cluster.cut.clear();
  stage.end();
  expect(stage.terms(1).slice(0, 6)).toEqual([1, 1, 4, 4, 4, 7]);
});

test("bad_network: answers are lost, a candidate nobody hears spends terms, and what two hold is kept", () => {
  const stage = new Stage({ servers: 3 });
  stage.elect(1, [2, 3]);
  stage.exchange();
  // Reaches n2; n1 never hears of it, and n3 gets nothing.
  stage.propose(1);
  stage.deliver({ from: 1, to: 2, name: "append?" });
  stage.lose();
  stage.forgetLeader();
  for (let tries = 0; tries < 4; tries++) {
    stage.timeout(3);
    stage.lose();
  }
  expect(Number(stage.state(3).term)).toBe(5);
  stage.cluster.lookAtClock(1);
  // n2 campaigns; n1's vote is lost, and n3 refuses from a later term.
  stage.timeout(2);
  stage.deliver({ from: 2, to: 1, name: "vote?" });
  stage.deliver({ from: 2, to: 3, name: "vote?" });
  stage.lose({ from: 1 });
  stage.deliver({ from: 3, to: 2, name: "vote!" });
  expect(stage.role(2)).toBe("follower");
  expect(Number(stage.state(2).term)).toBe(5);
  // n3 asks again: n2 is ahead of it and refuses.
  stage.timeout(3);
  stage.lose({ to: 1 });
  stage.exchange([2, 3]);
  expect(stage.role(3)).not.toBe("leader");
  stage.elect(2, [3]);
  stage.exchange([2, 3]);
  expect(stage.terms(3).slice(0, 2)).toEqual([1, 1]);
  expect(Number(stage.state(2).commit)).toBe(3);
  stage.end();
});

test("delayed_vote_requests: a request that the election has overtaken is refused, and so late disturbs nobody", () => {
  const stage = new Stage({ servers: 5, preVote: "with-pre-vote" });
  stage.elect(1, [2, 3, 4, 5]);
  stage.exchange();
  stage.cluster.partition([[1], [2, 3, 4, 5]]);
  stage.forgetLeader();
  // n2 and n3 ask beforehand and both may campaign, each with n4 and n5.
  for (const id of [2, 3]) {
    stage.timeout(id);
    stage.exchange([id, 4, 5], ["prevote?", "prevote!"]);
    expect(stage.role(id)).toBe("candidate");
  }
  stage.lose({ from: 2, to: 3 });
  stage.lose({ from: 3, to: 2 });
  const late = stage.keep({ from: 3, to: 4, name: "vote?" });
  stage.lose({ from: 3, to: 5 });
  stage.exchange([2, 4, 5], ["vote?", "vote!"]);
  expect(stage.role(2)).toBe("leader");
  stage.deliver({ from: 2, to: 3, name: "beat?" });
  expect(stage.role(3)).toBe("follower");
  // n4 has voted, and hears a leader.
  stage.release(late);
  stage.deliver({ from: 3, to: 4, name: "vote?" });
  const refusal = stage.keep({ from: 4, to: 3, name: "vote!" });
  expect(refusal[0]?.message).toMatchObject({ answer: "already-voted" });
  // n3 loses sight of n2 and asks beforehand again: the refusal of the last round is none of this one.
  stage.lose();
  stage.timeout(3);
  expect(stage.role(3)).toBe("pre-candidate");
  stage.release(refusal);
  stage.deliver({ from: 4, to: 3, name: "vote!" });
  expect(stage.role(3)).toBe("pre-candidate");
  stage.lose();
  stage.end();
});

test("pre_vote_double_leader: asking beforehand does not free a vote, nor does an append that does not fit", () => {
  const stage = new Stage({ servers: 3, preVote: "with-pre-vote" });
  stage.elect(1, [2, 3]);
  stage.exchange();
  // n1 has one entry more than the others, so that its first append as leader will not fit.
  stage.propose(1);
  stage.lose();
  stage.forgetLeader();
  stage.cluster.lookAtClock(1);
  expect(stage.role(1)).toBe("follower");
  for (const id of [1, 3]) {
    stage.timeout(id);
    stage.lose({ from: id, to: id === 1 ? 3 : 1 });
    stage.exchange([id, 2], ["prevote?", "prevote!"]);
    expect(stage.role(id)).toBe("candidate");
  }
  expect(stage.state(1).term).toBe(stage.state(3).term);
  const late = stage.keep({ from: 3, to: 2, name: "vote?" });
  stage.lose({ from: 3 });
  stage.exchange([1, 2], ["vote?", "vote!"]);
  expect(stage.role(1)).toBe("leader");
  const append = stage.keep({ from: 1, to: 2, name: "append?" });
  stage.lose();
  stage.timeout(2);
  expect(stage.role(2)).toBe("pre-candidate");
  stage.lose();
  stage.release(append);
  stage.deliver({ from: 1, to: 2, name: "append?" });
  expect(stage.role(2)).toBe("follower");
  expect(stage.terms(2)).toEqual([1]);
  // Here two leaders of one term would come from, if the vote were forgotten.
  stage.release(late);
  stage.deliver({ from: 3, to: 2, name: "vote?" });
  expect(Number(stage.state(2).votedFor)).toBe(1);
  stage.exchange([2, 3], ["vote!"]);
  expect(stage.role(3)).not.toBe("leader");
  stage.end();
});

test("former_candidate_double_vote: a candidate that steps down for an append that does not fit has still voted", () => {
  const stage = new Stage({
    servers: [
      { id: 1, term: 1, log: [1, 1] },
      { id: 2, term: 1, log: [1] },
      { id: 3, term: 1, log: [1] },
      { id: 4, term: 1, log: [1] },
      { id: 5, term: 1, log: [1] },
    ],
  });
  for (const id of [1, 2, 3]) stage.timeout(id);
  stage.lose({ to: 1, name: "vote?" });
  const late = stage.keep({ from: 3, to: 2, name: "vote?" });
  stage.exchange([1, 4, 5], ["vote?", "vote!"]);
  expect(stage.role(1)).toBe("leader");
  expect(stage.role(2)).toBe("candidate");
  stage.deliver({ from: 1, to: 2, name: "append?" });
  expect(stage.role(2)).toBe("follower");
  stage.release(late);
  stage.deliver({ from: 3, to: 2, name: "vote?" });
  expect(stage.under({ from: 2, to: 3, name: "vote!" }).at(-1)?.message).toMatchObject({
    answer: "already-voted",
  });
  stage.end();
});
