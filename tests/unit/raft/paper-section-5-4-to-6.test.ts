/** The Raft paper, sections 5.4 (safety), 5.5 (crashes) and 5.6 (timing), sentence by sentence. */
import { expect, test } from "bun:test";
import { logIndex } from "../../../src/base/numbers.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import { Cluster } from "../../harness/cluster.ts";
import { converge, deliverAll } from "../../harness/converge.ts";
import {
  all,
  append,
  entryId,
  matched,
  preVoteRequest,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

/** The voter's log, the candidate's last entry, and who is more up to date (etcd's Voter table). */
const upToDate = [
  // The same term: the longer one.
  { log: [1], last: [1, 1], granted: true },
  { log: [1], last: [2, 1], granted: true },
  { log: [1, 1], last: [1, 1], granted: false },
  // The candidate's term is later: whatever the lengths.
  { log: [1], last: [1, 2], granted: true },
  { log: [1], last: [2, 2], granted: true },
  { log: [1, 1], last: [1, 2], granted: true },
  // The voter's term is later: whatever the lengths.
  { log: [2], last: [1, 1], granted: false },
  { log: [2], last: [2, 1], granted: false },
  { log: [2, 2], last: [1, 1], granted: false },
  { log: [1, 2], last: [9, 1], granted: false },
  { log: [], last: [0, 0], granted: true },
] as const;

for (const { log, last, granted } of upToDate) {
  const verb = granted ? "votes for" : "refuses";
  const title = `with log [${log}], ${verb} one that ends at index ${last[0]} of term ${last[1]}`;
  test(`5.4.1: a voter ${title}`, () => {
    const solo = new Solo({ log, term: 3 });
    const request = voteRequest(2, 4, entryId(last[0], last[1]));
    const [response] = all(solo.hear(request), "vote-response");
    expect(response?.answer).toBe(granted ? "granted" : "log-behind");
    expect(solo.state.votedFor).toBe(granted ? request.from : null);
  });
  test(`5.4.1 for a pre-vote (dissertation 9.6): a voter ${title}`, () => {
    const solo = new Solo({ log, term: 3 });
    const request = preVoteRequest(2, 4, entryId(last[0], last[1]));
    const [response] = all(solo.hear(request), "pre-vote-response");
    expect(response?.answer).toBe(granted ? "granted" : "log-behind");
    expect([Number(solo.state.term), solo.state.votedFor]).toEqual([3, null]);
  });
}

test("5.4.1: a refusal for the log's sake leaves the vote free for a better candidate", () => {
  const solo = new Solo({ log: [1, 1] });
  solo.hear(voteRequest(2, 2, entryId(1, 1)));
  const [response] = all(solo.hear(voteRequest(3, 2, entryId(2, 1))), "vote-response");
  expect(response?.answer).toBe("granted");
});

test("5.4.1: every leader holds all that was committed before, and needs nobody to give it back", () => {
  const cluster = new Cluster({ servers: 5 });
  converge(cluster);
  for (let round = 0; round < 10; round++) {
    const leader = cluster.leader()!;
    // Entries that only two of the others get: a majority, and never the same one.
    const others = [1, 2, 3, 4, 5].filter((id) => id !== leader);
    const lucky = [others[round % 4]!, others[(round + 1) % 4]!];
    cluster.partition([[leader, ...lucky], others.filter((id) => !lucky.includes(id))]);
    for (let count = 0; count < 3; count++) cluster.propose(leader);
    deliverAll(cluster);
    const committed = cluster.witness.committed.length;
    cluster.crash(leader);
    converge(cluster);
    const { log } = cluster.server(cluster.leader()!).live;
    for (const entry of cluster.witness.committed.slice(0, committed)) {
      expect(log.termAt(entry.index)).toBe(entry.term);
    }
  }
  expect(cluster.witness.committed.length).toBeGreaterThan(40);
});

/** A leader of term 3 with the log [1 2 3]: what a majority holds, and what is committed then (Fig. 8). */
for (const { held, commit } of [
  { held: 1, commit: 0 },
  { held: 2, commit: 0 },
  { held: 3, commit: 3 },
]) {
  test(`5.4.2: with entries up to ${held} on a majority, a leader of term 3 commits ${commit}`, () => {
    const solo = new Solo({ log: [1, 2] });
    solo.lead();
    expect(solo.terms).toEqual([1, 2, 3]);
    solo.hear(matched(2, 3, held));
    solo.hear(matched(3, 3, held));
    expect(Number(solo.state.commit)).toBe(commit);
  });
}

test("5.4.2: entries keep the term they were made in when a later leader sends them on", () => {
  const cluster = new Cluster({
    servers: [
      { id: 1, term: 2, log: [1, 2] },
      { id: 2, term: 2 },
      { id: 3, term: 2 },
    ],
    preVote: "without-pre-vote",
  });
  cluster.wait(1200);
  cluster.lookAtClock(1);
  deliverAll(cluster);
  const { log } = cluster.server(2).live;
  const terms = [1, 2, 3].map((index) => Number(log.termAt(logIndex(index))));
  expect(terms).toEqual([1, 2, 3]);
});

test("5.4.3: all servers apply the same entries in the same order, through many elections", () => {
  const cluster = new Cluster({ servers: 3, seed: 4 });
  for (let round = 0; round < 10; round++) {
    converge(cluster);
    cluster.crash(cluster.leader()!);
  }
  converge(cluster);
  const [first, ...others] = [...cluster.servers.values()].map(({ live }) =>
    live.log.slice(logIndex(1), Number.POSITIVE_INFINITY),
  );
  for (const other of others) expect(other).toEqual(first!);
  expect(cluster.witness.leaders.size).toBeGreaterThan(10);
});

test("5.5: a crashed follower is sent to for ever, and catches up when it is back", () => {
  const cluster = new Cluster({ servers: 3 });
  converge(cluster);
  const leader = cluster.leader()!;
  const down = leader === 1 ? 2 : 1;
  cluster.crash(down);
  for (let count = 0; count < 5; count++) cluster.propose(leader);
  converge(cluster);
  expect(cluster.server(down).live.log.last).toEqual(cluster.server(leader).live.log.last);
});

test("5.5: a crashed candidate or voter is asked again in the next election", () => {
  const solo = new Solo({ of: 3 });
  const asked = [...solo.timeOut(), ...solo.timeOut(), ...solo.timeOut()];
  expect(all(asked, "vote-request").filter(({ to }) => to === 3).length).toBe(3);
});

test("5.5: a server that went down after it did as asked, and before it said so, is asked again: no harm", () => {
  const cluster = new Cluster({ servers: 3 });
  converge(cluster);
  const leader = cluster.leader()!;
  const other = leader === 1 ? 2 : 1;
  cluster.diskModes.set(cluster.server(other).id, "by-hand");
  cluster.propose(leader);
  for (const packet of [...cluster.pool]) if (packet.message.to === other) cluster.deliver(packet);
  const { pendingWrites } = cluster.server(other);
  expect(pendingWrites).toBe(1);
  cluster.crash(other, pendingWrites);
  expect(cluster.server(other).disk.entries.length).toBe(cluster.server(leader).live.log.lastIndex);
  converge(cluster);
});

test("5.5: requests are idempotent: a repeated append changes nothing and gets the same answer", () => {
  const solo = new Solo({ term: 1 });
  const request = append(2, 1, { entries: [1, 1], commit: 1 });
  const first = solo.hear(request);
  const before = solo.terms;
  const { truncations } = solo.state.log;
  expect(solo.hear(request)).toEqual(first);
  expect(solo.terms).toEqual(before);
  expect(solo.state.log.truncations).toBe(truncations);
});

test("5.5: a repeated append that is long out of date takes nothing back, and forgets no commit", () => {
  const solo = new Solo({ term: 1 });
  const old = append(2, 1, { entries: [1, 1], commit: 1 });
  solo.hear(old);
  solo.hear(append(2, 1, { previous: entryId(2, 1), entries: [1, 1], commit: 4 }));
  solo.hear(old);
  expect(solo.terms).toEqual([1, 1, 1, 1]);
  expect(Number(solo.state.commit)).toBe(4);
});

test("5.5: a repeated request for a vote gets the same answer", () => {
  const solo = new Solo({ term: 1 });
  const request = voteRequest(2, 2);
  expect(solo.hear(request)).toEqual(solo.hear(request));
});

test("5.6: safety asks nothing of time: clocks that jump at will elect no second leader", () => {
  const cluster = new Cluster({ servers: 3, preVote: "without-pre-vote" });
  for (let round = 0; round < 50; round++) {
    cluster.wait(round % 7 === 0 ? 5000 : 0);
    for (const id of [1, 2, 3]) cluster.lookAtClock(id);
    for (const packet of cluster.pool.slice(0, 2)) cluster.deliver(packet);
  }
  converge(cluster);
});

test("5.6: the election timeout is an order of magnitude above the time between heartbeats", () => {
  const { heartbeatMs, electionMsMin, electionMsMax } = defaultTiming;
  expect(electionMsMin).toBeGreaterThanOrEqual(10 * heartbeatMs);
  expect(electionMsMax).toBeGreaterThanOrEqual(2 * electionMsMin);
});

test("5.6: with a working network a leader stays, and no term changes, for a thousand heartbeats", () => {
  const cluster = new Cluster({ servers: 5 });
  converge(cluster);
  const leader = cluster.leader()!;
  const { term } = cluster.server(leader).live;
  for (let beat = 0; beat < 1000; beat++) {
    cluster.wait(defaultTiming.heartbeatMs);
    for (const id of cluster.servers.keys()) cluster.lookAtClock(id);
    deliverAll(cluster);
  }
  expect(cluster.leader()).toBe(leader);
  for (const { live } of cluster.servers.values()) expect(live.term).toBe(term);
});
