/** The Raft paper, section 5.3 (log replication), sentence by sentence. */
import { expect, test } from "bun:test";
import { textOf } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import { Cluster } from "../../harness/cluster.ts";
import { converge, deliverAll } from "../../harness/converge.ts";
import {
  all,
  append,
  entryId,
  heartbeat,
  heartbeatResponse,
  matched,
  only,
  Solo,
} from "../../harness/solo.ts";

/** A leader of term 1 (the first after `log`) whose no-op all the others have. */
function settledLeader(options: { of?: number; log?: readonly number[] } = {}): Solo {
  const solo = new Solo(options);
  solo.lead();
  for (const id of solo.state.membership.current.voters) {
    if (id !== 1) solo.hear(matched(id, solo.state.term, solo.state.log.lastIndex));
  }
  return solo;
}

const receivers = (messages: readonly Message[]) => messages.map(({ to }) => Number(to));

test("5.3: a command becomes a new entry of the leader's log, and goes to all others in parallel", () => {
  const solo = settledLeader({ of: 5 });
  const appends = all(solo.propose("set x"), "append-request");
  expect(receivers(appends)).toEqual([2, 3, 4, 5]);
  for (const { entries, previous } of appends) {
    expect(entries.map(({ index, term }) => [Number(index), Number(term)])).toEqual([[2, 1]]);
    expect(previous).toEqual(entryId(1, 1));
  }
});

test("5.3: an entry holds the command, the term in which the leader got it, and its index", () => {
  const solo = settledLeader();
  solo.propose("set x");
  const entry = solo.state.log.at(logIndex(2));
  expect([Number(entry.index), Number(entry.term), entry.kind]).toEqual([2, 1, "command"]);
  expect(entry.kind === "command" && textOf(entry.body)).toBe("set x");
});

/** How many of the others have it, and whether it is committed then (etcd's acknowledgement table). */
const acknowledgements = [
  { of: 1, by: [], committed: true },
  { of: 3, by: [], committed: false },
  { of: 3, by: [2], committed: true },
  { of: 3, by: [2, 3], committed: true },
  { of: 4, by: [2], committed: false },
  { of: 4, by: [2, 3], committed: true },
  { of: 5, by: [], committed: false },
  { of: 5, by: [2], committed: false },
  { of: 5, by: [2, 3], committed: true },
  { of: 5, by: [2, 3, 4, 5], committed: true },
];

for (const { of, by, committed } of acknowledgements) {
  const is = committed ? "is" : "is not";
  test(`5.3: an entry that ${by.length} others of ${of} servers hold ${is} committed`, () => {
    const solo = settledLeader({ of });
    solo.propose();
    for (const id of by) solo.hear(matched(id, 1, 2));
    expect(Number(solo.state.commit)).toBe(committed ? 2 : 1);
  });
}

test("5.3: the same acknowledgement twice is one (P6)", () => {
  const solo = settledLeader({ of: 5 });
  solo.propose();
  for (let copy = 0; copy < 3; copy++) solo.hear(matched(2, 1, 2));
  expect(Number(solo.state.commit)).toBe(1);
});

test("5.3: the leader sends again until all followers hold all, also when it has long committed", () => {
  const solo = settledLeader();
  solo.propose();
  solo.hear(matched(2, 1, 2));
  expect(Number(solo.state.commit)).toBe(2);
  let sent = 0;
  for (let beat = 1; beat <= 100; beat++) {
    const messages = solo.pass(60);
    for (const { to, round } of all(messages, "heartbeat")) {
      if (to === 2) solo.hear(heartbeatResponse(2, 1, round));
    }
    sent += all(messages, "append-request").filter(({ to }) => to === 3).length;
  }
  // Every 600 ms at the slowest, for ever.
  expect(sent).toBeGreaterThanOrEqual(9);
  solo.hear(matched(3, 1, 2));
  expect(all([...solo.pass(600)], "append-request")).toEqual([]);
});

for (const log of [[1], [1, 2], [1, 2, 2]]) {
  test(`5.3: committing an entry commits all before it, those of former leaders too: ${log}`, () => {
    const solo = new Solo({ log });
    solo.lead();
    expect(Number(solo.state.commit)).toBe(0);
    solo.hear(matched(2, solo.state.term, log.length + 1));
    expect(Number(solo.state.commit)).toBe(log.length + 1);
  });
}

test("5.3: the leader says in appends and heartbeats what is committed", () => {
  const solo = settledLeader();
  solo.propose();
  solo.hear(matched(2, 1, 2));
  const beats = all(solo.pass(60), "heartbeat");
  const commits = beats.map(({ to, commit }) => [Number(to), Number(commit)]);
  // n3 is told no more than what it is known to hold.
  expect(commits).toEqual([
    [2, 2],
    [3, 1],
  ]);
  expect(Number(only(solo.propose(), "append-request", 2)?.commit)).toBe(2);
});

/** previous, entries, the leader's commit; what the follower knows to be committed then. */
const commitments = [
  { entries: [1], commit: 1, outcome: 1 },
  { entries: [1, 1], commit: 1, outcome: 1 },
  { entries: [1, 1], commit: 2, outcome: 2 },
  { entries: [1, 1], commit: 9, outcome: 2 },
  { entries: [], commit: 9, outcome: 0 },
];

for (const { entries, commit, outcome } of commitments) {
  const title = `${entries.length} entries, commit ${commit}: ${outcome}`;
  test(`5.3: a follower commits what the leader did, as far as its log is known to agree: ${title}`, () => {
    const solo = new Solo({ term: 1 });
    solo.hear(append(2, 1, { entries, commit }));
    expect(Number(solo.state.commit)).toBe(outcome);
  });
}

test("5.3: entries beyond those of the message are not known to agree, and do not commit (P8)", () => {
  const solo = new Solo({ log: [1, 1, 1], term: 2 });
  solo.hear(append(2, 2, { previous: entryId(1, 1), commit: 3 }));
  expect(Number(solo.state.commit)).toBe(1);
});

test("5.3: what is committed stays so when an older message says less", () => {
  const solo = new Solo({ term: 1 });
  solo.hear(append(2, 1, { entries: [1, 1], commit: 2 }));
  solo.hear(append(2, 1, { entries: [1], commit: 1 }));
  solo.hear(heartbeat(2, 1, { commit: 1 }));
  expect(Number(solo.state.commit)).toBe(2);
});

test("5.3: a leader makes one entry for an index in its term; entries keep their place", () => {
  const solo = settledLeader();
  for (let count = 0; count < 5; count++) solo.propose(`command ${count}`);
  const indexes = Array.from({ length: 5 }, (_, at) => solo.state.log.at(logIndex(at + 2)));
  expect(indexes.map(({ index }) => Number(index))).toEqual([2, 3, 4, 5, 6]);
  expect(new Set(indexes.map(({ body }) => body)).size).toBe(5);
});

test("5.3: one slow follower does not slow the cluster down", () => {
  const cluster = new Cluster({ servers: 3 });
  converge(cluster);
  const leader = cluster.leader()!;
  const slow = [1, 2, 3].find((id) => id !== leader)!;
  cluster.partition([[slow], [1, 2, 3].filter((id) => id !== slow)]);
  const before = cluster.witness.committed.length;
  for (let count = 0; count < 10; count++) cluster.propose(leader);
  deliverAll(cluster);
  expect(cluster.witness.committed.length).toBe(before + 10);
});
