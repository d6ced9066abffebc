/** The Raft paper, section 5.1 (basics), sentence by sentence: servers, roles, terms. */
import { expect, test } from "bun:test";
import type { Message } from "../../../src/raft/message.ts";
import { proposalRefusal } from "../../../src/raft/raft.ts";
import { knownLeader } from "../../../src/raft/state.ts";
import { Cluster } from "../../harness/cluster.ts";
import { converge, deliverAll } from "../../harness/converge.ts";
import {
  all,
  append,
  entryId,
  granted,
  heartbeat,
  heartbeatResponse,
  mismatched,
  refused,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

const candidate = (t: number): Solo => {
  const solo = new Solo({ term: t - 1 });
  solo.timeOut();
  return solo;
};

const leader = (t: number): Solo => {
  const solo = new Solo({ term: t - 1 });
  solo.lead();
  return solo;
};

test("5.1: normally there is one leader, and all others are followers", () => {
  const cluster = new Cluster({ servers: 5 });
  converge(cluster);
  const roles = [...cluster.servers.values()].map((server) => server.live.role.kind).sort();
  expect(roles).toEqual(["follower", "follower", "follower", "follower", "leader"]);
});

test("5.1: followers are passive: they send nothing on their own", () => {
  const follower = new Solo({ term: 1 });
  expect(follower.pass(599)).toEqual([]);
  expect(follower.input({ kind: "flush" })).toEqual([]);
});

test("5.1: followers answer leaders and candidates", () => {
  const follower = new Solo({ term: 1 });
  const kinds = (sent: readonly Message[]) => sent.map(({ kind, to }) => `${kind} to ${to}`);
  expect(kinds(follower.hear(heartbeat(2, 1)))).toEqual(["heartbeat-response to 2"]);
  expect(kinds(follower.hear(append(2, 1, {})))).toEqual(["append-response to 2"]);
  expect(kinds(follower.hear(voteRequest(3, 1)))).toEqual(["vote-response to 3"]);
});

test("5.1: clients' requests are the leader's; a follower takes none, and knows who leads", () => {
  const follower = new Solo({ term: 1 });
  follower.hear(heartbeat(2, 1));
  expect(proposalRefusal(follower.state)).toBe("not-leader");
  expect(Number(knownLeader(follower.state))).toBe(2);
  follower.propose();
  expect(follower.terms).toEqual([]);
  expect(proposalRefusal(leader(1).state)).toBeNull();
});

test("5.1: terms are numbered by consecutive integers, and each begins with an election", () => {
  const solo = new Solo({ term: 4 });
  solo.timeOut();
  expect(Number(solo.state.term)).toBe(5);
  solo.timeOut();
  expect(Number(solo.state.term)).toBe(6);
});

test("5.1: a candidate that wins leads for the rest of the term", () => {
  const solo = leader(3);
  for (let beat = 0; beat < 100; beat++) {
    for (const { to, round } of all(solo.pass(60), "heartbeat")) {
      solo.hear(heartbeatResponse(to, 3, round));
    }
  }
  expect(solo.state.role.kind).toBe("leader");
  expect(Number(solo.state.term)).toBe(3);
});

test("5.1: a split vote ends a term without a leader, and a new term begins shortly", () => {
  const solo = new Solo({ of: 4 });
  solo.timeOut();
  solo.hear(granted(2, 1, 1));
  solo.hear(refused(3, 1, 1));
  solo.hear(refused(4, 1, 1));
  expect(solo.state.role.kind).toBe("follower");
  solo.pass(1200);
  expect(solo.state.role.kind).toBe("candidate");
  expect(Number(solo.state.term)).toBe(2);
});

test("5.1: a term has at most one leader, whoever hears which votes when", () => {
  // Every order in which two candidates' requests can reach the other three.
  for (let order = 0; order < 8; order++) {
    const cluster = new Cluster({ servers: 5, preVote: "without-pre-vote" });
    cluster.wait(1200);
    cluster.lookAtClock(1);
    cluster.lookAtClock(2);
    for (const voter of [3, 4, 5]) {
      const first = (order >> (voter - 3)) & 1 ? 1 : 2;
      const request = cluster.pool.find(
        ({ message }) => message.from === first && message.to === voter,
      );
      if (request !== undefined) cluster.deliver(request);
    }
    deliverAll(cluster);
    expect(cluster.witness.leaders.size).toBe(1);
  }
});

test("5.1: the current term grows monotonically", () => {
  const solo = new Solo({ term: 5 });
  for (const t of [5, 3, 6, 1, 6]) {
    const before = solo.state.term;
    solo.hear(heartbeat(2, t));
    expect(solo.state.term).toBeGreaterThanOrEqual(before);
  }
  expect(Number(solo.state.term)).toBe(6);
});

test("5.1: every message carries its sender's term", () => {
  const solo = new Solo({ term: 2 });
  const sent = [...solo.timeOut(), ...solo.hear(granted(2, 1, 3)), ...solo.propose()];
  expect(sent.length).toBeGreaterThan(4);
  for (const message of sent) expect(Number(message.term)).toBe(3);
});

const newer: readonly (readonly [string, Message])[] = [
  ["an append", append(2, 7, {})],
  ["a heartbeat", heartbeat(2, 7)],
  ["a request for a vote by order of a leader", voteRequest(2, 7, entryId(0, 0), "transfer")],
  ["a refused vote", refused(2, 1, 7)],
  ["a refused append", mismatched(2, 7, 1)],
  ["an answer to a heartbeat", heartbeatResponse(2, 7, 0)],
];
const roles = {
  follower: () => new Solo({ term: 3 }),
  candidate: () => candidate(3),
  leader: () => leader(3),
};

for (const [name, make] of Object.entries(roles)) {
  for (const [what, message] of newer) {
    test(`5.1: a ${name} that sees a newer term in ${what} adopts it and is a follower`, () => {
      const solo = make();
      solo.hear(message);
      expect(Number(solo.state.term)).toBe(7);
      expect(solo.state.role.kind).toBe("follower");
    });
  }
}

for (const [name, make] of Object.entries(roles)) {
  test(`5.1: a ${name} rejects requests of a stale term and stays what it is`, () => {
    const solo = make();
    const { log, role, votedFor } = solo.state;
    const before = { last: log.lastIndex, kind: role.kind, votedFor };
    const [vote] = all(solo.hear(voteRequest(2, 2, entryId(9, 2))), "vote-response");
    expect(vote?.answer).toBe("stale-term");
    expect(Number(vote?.term)).toBe(3);
    const [appended] = all(solo.hear(append(2, 2, { entries: [2] })), "append-response");
    expect(appended?.answer.kind).toBe("mismatched");
    expect(Number(appended?.term)).toBe(3);
    solo.hear(heartbeat(2, 2, { commit: 1 }));
    const { state } = solo;
    const after = { last: state.log.lastIndex, kind: state.role.kind, votedFor: state.votedFor };
    expect(after).toEqual(before);
  });
}

test("5.1: requests that are not answered in time are sent again", () => {
  const solo = leader(1);
  const again = [...solo.pass(60), ...solo.pass(60), ...solo.pass(60)];
  expect(all(again, "append-request").map(({ to }) => Number(to))).toEqual([2, 3]);
});

test("5.1: requests go out in parallel, to everybody at once", () => {
  const solo = new Solo({ of: 5 });
  expect(all(solo.timeOut(), "vote-request").map(({ to }) => Number(to))).toEqual([2, 3, 4, 5]);
});
