/** The Raft paper, section 5.2 (leader election), sentence by sentence. */
import { expect, test } from "bun:test";
import { defaultTiming } from "../../../src/raft/state.ts";
import { Cluster } from "../../harness/cluster.ts";
import {
  all,
  append,
  entryId,
  granted,
  heartbeat,
  heartbeatResponse,
  refused,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

test("5.2: servers start as followers, also those that led before they went down", () => {
  expect(new Solo({ term: 3, votedFor: 1, log: [1, 3] }).state.role.kind).toBe("follower");
});

test("5.2: a server stays a follower while valid messages of a leader arrive", () => {
  const solo = new Solo({ term: 1 });
  for (let at = 0; at < 100; at++) {
    solo.pass(599);
    solo.hear(at % 2 === 0 ? heartbeat(2, 1) : append(2, 1, {}));
    expect(solo.state.role.kind).toBe("follower");
  }
});

test("5.2: a vote that is granted counts as hearing from a candidate; a refused one does not", () => {
  const voter = new Solo({ log: [1] });
  voter.pass(500);
  const before = voter.state.electionAt;
  voter.hear(voteRequest(2, 2, entryId(0, 0)));
  expect(voter.state.electionAt).toBe(before);
  voter.hear(voteRequest(3, 2, entryId(1, 1)));
  expect(voter.state.electionAt).toBeGreaterThanOrEqual(voter.now + defaultTiming.electionMsMin);
});

test("5.2: words of a leader of an older term do not keep a server from campaigning", () => {
  const solo = new Solo({ term: 5 });
  const before = solo.state.electionAt;
  solo.pass(500);
  solo.hear(heartbeat(2, 4));
  solo.hear(append(2, 4, {}));
  expect(solo.state.electionAt).toBe(before);
});

test("5.2: leaders send heartbeats to all followers periodically", () => {
  const solo = new Solo({ of: 5 });
  solo.lead();
  for (let beat = 0; beat < 5; beat++) {
    const sent = all(solo.pass(defaultTiming.heartbeatMs), "heartbeat");
    expect(sent.map(({ to }) => Number(to))).toEqual([2, 3, 4, 5]);
  }
  expect(all(solo.pass(defaultTiming.heartbeatMs - 1), "heartbeat")).toEqual([]);
});

test("5.2: a follower that hears nothing for an election timeout begins an election", () => {
  const solo = new Solo({ term: 1 });
  solo.hear(heartbeat(2, 1));
  solo.pass(solo.state.electionAt - solo.now - 1);
  expect(solo.state.role.kind).toBe("follower");
  solo.pass(1);
  expect(solo.state.role.kind).toBe("candidate");
});

test("5.2: to begin one it goes to the next term, votes for itself and asks all the others", () => {
  const solo = new Solo({ of: 5, log: [1, 2] });
  const requests = all(solo.timeOut(), "vote-request");
  expect(Number(solo.state.term)).toBe(3);
  expect(Number(solo.state.votedFor)).toBe(1);
  expect(requests.map(({ to }) => Number(to))).toEqual([2, 3, 4, 5]);
  for (const request of requests) {
    expect(Number(request.term)).toBe(3);
    expect(request.lastLog).toEqual(entryId(2, 2));
  }
});

/** Cluster size, answers in order of arrival, and what the candidate is then (etcd's one-round table). */
const elections = [
  { of: 1, yes: [], no: [], outcome: "leader" },
  { of: 3, yes: [2, 3], no: [], outcome: "leader" },
  { of: 3, yes: [2], no: [], outcome: "leader" },
  { of: 5, yes: [2, 3, 4, 5], no: [], outcome: "leader" },
  { of: 5, yes: [2, 3, 4], no: [], outcome: "leader" },
  { of: 5, yes: [2, 3], no: [], outcome: "leader" },
  { of: 3, yes: [], no: [2, 3], outcome: "follower" },
  { of: 5, yes: [], no: [2, 3, 4, 5], outcome: "follower" },
  { of: 5, yes: [2], no: [3, 4, 5], outcome: "follower" },
  { of: 3, yes: [], no: [], outcome: "candidate" },
  { of: 5, yes: [2], no: [], outcome: "candidate" },
  { of: 5, yes: [], no: [2, 3], outcome: "candidate" },
  { of: 4, yes: [2], no: [], outcome: "candidate" },
  { of: 4, yes: [2, 3], no: [], outcome: "leader" },
  { of: 4, yes: [2], no: [3, 4], outcome: "follower" },
] as const;

for (const { of, yes, no, outcome } of elections) {
  const answers = `${yes.length} others for it and ${no.length} against`;
  test(`5.2: of ${of} servers, ${answers}: a ${outcome}`, () => {
    const solo = new Solo({ of });
    solo.timeOut();
    for (const id of yes) solo.hear(granted(id, 1, 1));
    for (const id of no) solo.hear(refused(id, 1, 1));
    expect(solo.state.role.kind).toBe(outcome);
    expect(Number(solo.state.term)).toBe(1);
  });
}

test("5.2: a majority is of servers, not of datagrams: a vote that arrives thrice is one (P6)", () => {
  const solo = new Solo({ of: 5 });
  solo.timeOut();
  for (let copy = 0; copy < 3; copy++) solo.hear(granted(2, 1, 1));
  expect(solo.state.role.kind).toBe("candidate");
});

test("5.2: the votes that count are for the same term", () => {
  const solo = new Solo({ of: 5 });
  solo.timeOut();
  solo.hear(granted(2, 1, 1));
  solo.timeOut();
  solo.hear(granted(3, 1, 1));
  solo.hear(granted(4, 1, 2));
  expect(solo.state.role.kind).toBe("candidate");
  solo.hear(granted(5, 1, 2));
  expect(solo.state.role.kind).toBe("leader");
});

/** votedFor, who asks, the answer (Fig. 2, RequestVote RPC 2). */
const ballots = [
  { votedFor: undefined, asks: 2, answer: "granted" },
  { votedFor: undefined, asks: 3, answer: "granted" },
  { votedFor: 2, asks: 2, answer: "granted" },
  { votedFor: 3, asks: 3, answer: "granted" },
  { votedFor: 2, asks: 3, answer: "already-voted" },
  { votedFor: 3, asks: 2, answer: "already-voted" },
  { votedFor: 1, asks: 2, answer: "already-voted" },
] as const;

for (const { votedFor, asks, answer } of ballots) {
  test(`5.2: one vote per term, first come first served: voted ${votedFor}, asked by ${asks}`, () => {
    const solo = new Solo({ term: 1, ...(votedFor === undefined ? {} : { votedFor }) });
    const [response] = all(solo.hear(voteRequest(asks, 1)), "vote-response");
    expect(response?.answer).toBe(answer);
    expect(Number(solo.state.votedFor)).toBe(answer === "granted" ? asks : (votedFor ?? 0));
  });
}

test("5.2: a candidate that steps down within its term has still voted (P3)", () => {
  const solo = new Solo();
  solo.timeOut();
  solo.hear(append(2, 1, {}));
  expect(solo.state.role.kind).toBe("follower");
  const [response] = all(solo.hear(voteRequest(3, 1)), "vote-response");
  expect(response?.answer).toBe("already-voted");
});

test("5.2: the winner tells all the others at once, to prevent further elections", () => {
  const solo = new Solo({ of: 5 });
  const beats = all(solo.lead(), "heartbeat");
  expect(beats.map(({ to }) => Number(to))).toEqual([2, 3, 4, 5]);
});

for (const t of [1, 2]) {
  for (const [what, message] of [
    ["append", append(2, t, {})],
    ["heartbeat", heartbeat(2, t)],
  ] as const) {
    test(`5.2: a candidate of term 1 recognizes the leader of term ${t} by its ${what}`, () => {
      const solo = new Solo();
      solo.timeOut();
      solo.hear(message);
      expect(solo.state.role).toEqual({ kind: "follower", leader: message.from });
      expect(Number(solo.state.term)).toBe(t);
    });
  }
}

test("5.2: a candidate rejects a leader of an older term and stays a candidate", () => {
  const solo = new Solo({ term: 3 });
  solo.timeOut();
  const [response] = all(solo.hear(append(2, 3, { entries: [3] })), "append-response");
  expect(response?.answer.kind).toBe("mismatched");
  expect(Number(response?.term)).toBe(4);
  solo.hear(heartbeat(2, 3));
  expect(solo.state.role.kind).toBe("candidate");
});

test("5.2: a candidate without a result times out and begins a new election in the next term", () => {
  const solo = new Solo();
  solo.timeOut();
  const again = all(solo.timeOut(), "vote-request");
  expect(again.map(({ term }) => Number(term))).toEqual([2, 2]);
});

test("5.2: election timeouts are drawn from the whole of a fixed interval", () => {
  const timing = { heartbeatMs: 5, electionMsMin: 50, electionMsMax: 70 };
  const solo = new Solo({ term: 1, timing });
  const waits = new Set<number>();
  for (let draw = 0; draw < 1000; draw++) {
    solo.hear(heartbeat(2, 1));
    waits.add(solo.state.electionAt - solo.now);
  }
  const interval = Array.from({ length: 21 }, (_, at) => 50 + at);
  expect([...waits].sort((a, b) => a - b)).toEqual(interval);
});

test("5.2: a candidate draws a new timeout for each election", () => {
  const solo = new Solo();
  const waits = new Set<number>();
  for (let election = 0; election < 50; election++) {
    solo.timeOut();
    waits.add(solo.state.electionAt - solo.now);
  }
  expect(waits.size).toBeGreaterThan(20);
});

test("5.2: in most cases a single server times out first, clearly before the others", () => {
  let conflicts = 0;
  const rounds = 1000;
  for (let seed = 1; seed <= rounds; seed++) {
    const cluster = new Cluster({ servers: 5, seed });
    const dues = [...cluster.servers.values()].map((server) => server.live.electionAt);
    const [first = 0, second = 0] = dues.sort((a, b) => a - b);
    // Closer together than a request takes to arrive.
    if (second - first < 15) conflicts += 1;
  }
  expect(conflicts / rounds).toBeLessThan(0.3);
});

test("5.2: all who follow may go, and the cluster is without a leader: it gives up (check-quorum)", () => {
  const solo = new Solo();
  solo.lead();
  solo.hear(heartbeatResponse(2, 1, 1));
  solo.pass(defaultTiming.electionMsMin - 1);
  expect(solo.state.role.kind).toBe("leader");
  solo.pass(1);
  expect(solo.state.role.kind).toBe("follower");
});
