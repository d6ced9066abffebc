/** Elections beyond section 5: pre-vote, the protection of a living leader, learners. */
import { expect, test } from "bun:test";
import { nodeId, term } from "../../../src/base/numbers.ts";
import type { Message, VoteAnswer } from "../../../src/raft/message.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import type { Configuration } from "../../../src/raft/types.ts";
import {
  all,
  entryId,
  heartbeat,
  matched,
  preVoteRequest,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

const preVote = (from: number, t: number, answer: VoteAnswer): Message => ({
  kind: "pre-vote-response",
  from: nodeId(from),
  to: nodeId(1),
  term: term(t),
  answer,
});

const asking = (of = 3): Solo => {
  const solo = new Solo({ of, term: 3, preVote: "with-pre-vote" });
  solo.timeOut();
  return solo;
};

const timeoutNow = (t: number): Message => ({
  kind: "timeout-now",
  from: nodeId(2),
  to: nodeId(1),
  term: term(t),
});

// Pre-vote (dissertation 9.6; P23).

test("to ask beforehand moves no term and spends no vote", () => {
  const solo = new Solo({ term: 3, preVote: "with-pre-vote" });
  const requests = all(solo.timeOut(), "pre-vote-request");
  expect(requests.map((m) => Number(m.term))).toEqual([4, 4]);
  expect([Number(solo.state.term), solo.state.votedFor]).toEqual([3, null]);
});

test("with a majority that would vote for it, a server campaigns in the term it asked for", () => {
  const solo = asking(5);
  solo.hear(preVote(2, 4, "granted"));
  expect(solo.state.role.kind).toBe("pre-candidate");
  solo.hear(preVote(2, 4, "granted"));
  expect(solo.state.role.kind).toBe("pre-candidate");
  const requests = all(solo.hear(preVote(3, 4, "granted")), "vote-request");
  expect(requests.map((m) => Number(m.term))).toEqual([4, 4, 4, 4]);
  expect(solo.state.role.kind).toBe("candidate");
});

test("promises for another term than the one asked for do not count", () => {
  const solo = asking();
  solo.hear(preVote(2, 3, "granted"));
  solo.hear(preVote(3, 9, "granted"));
  expect(solo.state.role.kind).toBe("pre-candidate");
  expect(Number(solo.state.term)).toBe(3);
});

test("a majority that would not vote for it sends it back to waiting", () => {
  const solo = asking();
  solo.hear(preVote(2, 3, "leader-alive"));
  solo.hear(preVote(3, 3, "leader-alive"));
  expect(solo.state.role.kind).toBe("follower");
  expect(solo.state.electionAt).toBeGreaterThanOrEqual(solo.now + defaultTiming.electionMsMin);
});

test("a refusal by a server that is ahead brings the newer term: nobody stays behind for ever", () => {
  const solo = asking();
  solo.hear(preVote(2, 8, "stale-term"));
  expect(Number(solo.state.term)).toBe(8);
  expect(solo.state.role.kind).toBe("follower");
});

test("a promise does not bind: the vote of the term stays free", () => {
  const solo = new Solo({ term: 3 });
  solo.hear(preVoteRequest(2, 4));
  const [vote] = all(solo.hear(voteRequest(3, 4)), "vote-response");
  expect(vote?.answer).toBe("granted");
});

test("a promise does not put off the own election timeout", () => {
  const solo = new Solo({ term: 3 });
  const before = solo.state.electionAt;
  solo.pass(100);
  solo.hear(preVoteRequest(2, 4));
  expect(solo.state.electionAt).toBe(before);
});

test("the leader's word ends the asking", () => {
  const solo = asking();
  solo.hear(heartbeat(2, 3));
  expect(solo.state.role).toEqual({ kind: "follower", leader: nodeId(2) });
  solo.hear(preVote(3, 4, "granted"));
  expect(Number(solo.state.term)).toBe(3);
});

test("a server alone elects itself in one go", () => {
  const solo = new Solo({ of: 1, preVote: "with-pre-vote" });
  solo.timeOut();
  expect(solo.state.role.kind).toBe("leader");
  expect(Number(solo.state.commit)).toBe(1);
});

// A leader that is alive is not deposed (dissertation 4.2.3; P22).

for (const wait of [0, defaultTiming.electionMsMin - 1]) {
  test(`${wait} ms after a word of its leader a follower neither votes nor adopts the term`, () => {
    const solo = new Solo({ term: 3 });
    solo.hear(heartbeat(2, 3));
    solo.pass(wait);
    const [vote] = all(solo.hear(voteRequest(3, 9)), "vote-response");
    expect([vote?.answer, Number(vote?.term)]).toEqual(["leader-alive", 3]);
    const [promise] = all(solo.hear(preVoteRequest(3, 9)), "pre-vote-response");
    expect([promise?.answer, Number(promise?.term)]).toEqual(["leader-alive", 3]);
    expect([Number(solo.state.term), solo.state.votedFor]).toEqual([3, null]);
  });
}

test("an election timeout after its leader's last word a follower votes again", () => {
  const solo = new Solo({ term: 3 });
  solo.hear(heartbeat(2, 3));
  solo.now = entryTime(solo);
  const [vote] = all(solo.hear(voteRequest(3, 9)), "vote-response");
  expect(vote?.answer).toBe("granted");
});

const entryTime = (solo: Solo) => (solo.now + defaultTiming.electionMsMin) as typeof solo.now;

test("a leader is not deposed by who does not hear it, whatever the term", () => {
  const solo = new Solo();
  solo.lead();
  const [vote] = all(solo.hear(voteRequest(3, 9, entryId(9, 8))), "vote-response");
  expect(vote?.answer).toBe("leader-alive");
  expect(solo.state.role.kind).toBe("leader");
});

// Learners and servers outside the configuration (P20, P21).

const withLearner: Configuration = {
  voters: [nodeId(2), nodeId(3)],
  outgoing: [],
  learners: [nodeId(1)],
};

test("a learner never campaigns, not even by order", () => {
  const solo = new Solo({ term: 3, configuration: withLearner });
  expect(solo.timeOut()).toEqual([]);
  expect(solo.hear(timeoutNow(3))).toEqual([]);
  expect(solo.state.role.kind).toBe("follower");
});

test("a learner answers a candidate that takes it for a voter (P21)", () => {
  const solo = new Solo({ term: 3, configuration: withLearner });
  const [vote] = all(solo.hear(voteRequest(2, 4)), "vote-response");
  expect(vote?.answer).toBe("granted");
});

test("a learner gets the log and no heartbeat less, but its copies commit nothing", () => {
  const configuration = { voters: [1, 2, 3].map(nodeId), outgoing: [], learners: [nodeId(4)] };
  const solo = new Solo({ configuration });
  solo.lead();
  const sent = solo.propose();
  expect(all(sent, "append-request").length).toBe(0);
  solo.hear(matched(4, 1, 2));
  expect(Number(solo.state.commit)).toBe(0);
  expect(all(solo.pass(60), "heartbeat").map(({ to }) => Number(to))).toEqual([2, 3, 4]);
  solo.hear(matched(2, 1, 2));
  expect(Number(solo.state.commit)).toBe(2);
});

test("a leader that is no voter does not count itself (P20)", () => {
  // n1 leads the joint change that takes it out; its new configuration is n2 and n3.
  const configuration = { voters: [1, 2, 3].map(nodeId), outgoing: [], learners: [] };
  const solo = new Solo({ configuration });
  solo.lead();
  solo.state.membership.appended({
    ...entryId(1, 1),
    time: solo.now,
    kind: "configuration",
    body: { voters: [nodeId(2), nodeId(3)], outgoing: [], learners: [] },
  });
  solo.hear(matched(2, 1, 1));
  expect(Number(solo.state.commit)).toBe(0);
  solo.hear(matched(3, 1, 1));
  expect(Number(solo.state.commit)).toBe(1);
});
