/** The invariants can fail: each sentence is made untrue once. What Raft does is put in place by force here. */
import { expect, test } from "bun:test";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import { checkState, checkStep, remember } from "../../../src/raft/invariants.ts";
import type { Leader, Progress, State } from "../../../src/raft/state.ts";
import { Cluster, oldEntry } from "../../harness/cluster.ts";
import { entryId, Solo } from "../../harness/solo.ts";

const follower = (): State => new Solo({ log: [1, 2], term: 3 }).state;

function leader(): State & { role: Leader } {
  const solo = new Solo({ log: [1, 2] });
  solo.lead();
  return solo.state as State & { role: Leader };
}

const firstProgress = (state: State & { role: Leader }): Progress => {
  const [progress] = state.role.followers.values();
  if (progress === undefined) throw new Error("a leader of three has followers");
  return progress;
};

test("what Raft itself arrives at is sound", () => {
  expect(() => checkState(follower())).not.toThrow();
  expect(() => checkState(leader())).not.toThrow();
});

const states: readonly (readonly [string, () => State])[] = [
  ["no entry is newer than the current term", () => ({ ...follower(), term: term(1) })],
  ["only what is in the log is committed", () => ({ ...follower(), commit: logIndex(3) })],
  ["only what is in the log is on the disk", () => ({ ...follower(), durable: logIndex(3) })],
  [
    "a server does not follow itself",
    () => ({ ...follower(), role: { kind: "follower", leader: nodeId(1) } }),
  ],
  [
    "who campaigns or leads has voted for itself",
    () => ({ ...follower(), role: { kind: "candidate", votes: new Map() }, votedFor: nodeId(2) }),
  ],
  ["who campaigns or leads has voted for itself", () => ({ ...leader(), votedFor: null })],
  [
    "a leader's own first entry stays in its log",
    () => {
      const state = leader();
      return { ...state, role: { ...state.role, opening: logIndex(9) } };
    },
  ],
  [
    "what is sent next is not acknowledged yet",
    () => {
      const state = leader();
      firstProgress(state).next = logIndex(0);
      return state;
    },
  ],
  [
    "a follower holds nothing that its leader lacks",
    () => {
      const state = leader();
      Object.assign(firstProgress(state), { match: logIndex(9), next: logIndex(10) });
      return state;
    },
  ],
  [
    "no follower answers a round before it begins",
    () => {
      const state = leader();
      firstProgress(state).round = 99;
      return state;
    },
  ],
];

for (const [sentence, make] of states) {
  test(`one state: ${sentence}`, () => expect(() => checkState(make())).toThrow(sentence));
}

/** The sentence, a sound state, and what is changed in it. */
const steps: readonly (readonly [string, State, (state: State) => Partial<State>])[] = [
  ["a term never goes back", follower(), () => ({ term: term(2) })],
  [
    "a commit index never goes back",
    { ...follower(), commit: logIndex(2) },
    () => ({ commit: logIndex(1) }),
  ],
  [
    "a vote is given once per term",
    { ...follower(), votedFor: nodeId(2) },
    () => ({ votedFor: nodeId(3) }),
  ],
  [
    "a vote is given once per term",
    { ...follower(), votedFor: nodeId(2) },
    () => ({ votedFor: null }),
  ],
  [
    "a leader takes nothing back",
    leader(),
    (state) => {
      state.log.truncate(logIndex(3), logIndex(0));
      state.log.append(oldEntry(3, 3));
      return {};
    },
  ],
  [
    "a leader only adds to its log",
    leader(),
    (state) => {
      state.log.truncate(logIndex(3), logIndex(0));
      return {};
    },
  ],
  ["a leader commits by an entry of its own term", leader(), () => ({ commit: logIndex(2) })],
  ["nobody leads without having campaigned", follower(), () => ({ role: leader().role })],
];

for (const [sentence, state, change] of steps) {
  test(`one step: ${sentence}`, () => {
    const before = remember(state);
    Object.assign(state, change(state));
    expect(() => checkStep(before, state)).toThrow(sentence);
  });
}

// The witness, which sees the whole cluster.

test("the witness sees a second leader of a term that has long passed", () => {
  const cluster = new Cluster({ servers: 3 });
  cluster.wait(1200);
  cluster.lookAtClock(1);
  while (cluster.pool.length > 0) cluster.deliver(cluster.pool[0]!);
  const { live } = cluster.server(2);
  const stolen = cluster.server(1).live.role;
  expect(cluster.witness.leaders.get(term(1))).toBe(nodeId(1));
  live.role = { ...(stolen as Leader), opening: live.log.lastIndex };
  live.votedFor = nodeId(2);
  expect(() => cluster.witness.afterStep(cluster.server(2), { kind: "time" })).toThrow(
    "term 1 has one leader",
  );
});

test("the witness sees logs that share an entry and not what is before it", () => {
  const servers = [
    { id: 1, term: 3, log: [1, 3] },
    { id: 2, term: 3, log: [2, 3] },
  ];
  expect(() => new Cluster({ servers })).toThrow("logs that share 2:3 share what is before it");
});

test("the witness sees a commit that a power cut would undo", () => {
  const cluster = new Cluster({ servers: 3 });
  const { live } = cluster.server(1);
  live.term = term(1);
  live.votedFor = nodeId(1);
  live.log.append(oldEntry(1, 1));
  live.role = leader().role;
  live.commit = logIndex(1);
  expect(live.log.last).toEqual(entryId(1, 1));
  expect(() => cluster.witness.afterStep(cluster.server(1), { kind: "time" })).toThrow(
    "committed entry 1 is on the disks of a majority",
  );
});
