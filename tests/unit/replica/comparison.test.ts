/** Servers that applied the same log hold the same store; one that does not stops, and says at which entry. */
import { expect, test } from "bun:test";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { comparisonLimits } from "../../../src/replica/comparison.ts";
import { LoneReplica } from "../../harness/lone-replica.ts";

const [one, two] = [nodeId(1), nodeId(2)];

const noop = (at: number): Entry => ({
  ...{ index: logIndex(at), term: term(1), time: millis(0), kind: "noop", body: null },
});

/** Follows n2 and has applied so many entries that leave its store empty, of hash 0. */
function follower(entries: number): LoneReplica {
  const replica = new LoneReplica();
  append(replica, { from: 0, to: entries });
  return replica;
}

function append(replica: LoneReplica, { from, to }: { from: number; to: number }): void {
  replica.hear({
    ...{ kind: "append-request", from: two, to: one, term: term(1), commit: logIndex(to) },
    previous: { index: logIndex(from), term: term(from === 0 ? 0 : 1) },
    entries: Array.from({ length: to - from }, (_, at) => noop(from + 1 + at)),
  });
  replica.finishSyncs();
}

const stop = (replica: LoneReplica) => replica.last?.stop?.parts ?? null;

test("the same hash is compared, and nothing happens", () => {
  const replica = follower(3);
  replica.hearHash(two, { index: logIndex(3), hash: 0 });
  expect(stop(replica)).toBeNull();
  expect(replica.replica.counters.get("hashes-compared")).toBe(1);
});

test("another hash stops the server, with the entry, both hashes, and where to look", () => {
  const replica = follower(3);
  replica.hearHash(two, { index: logIndex(3), hash: 0xabc });
  expect(stop(replica)).toMatchObject({ code: "store-differs", exit: 6 });
  expect(stop(replica)?.what).toContain("after entry 3");
  expect(stop(replica)?.why).toContain("00000abc");
  expect(stop(replica)?.fix.join()).toContain("inspect data/node1.log --diff data/node2.log");
  // Nothing is heard any more, and nothing said.
  expect(replica.wait(1000).messages).toEqual([]);
});

test("a hash of an entry that is yet to come is compared when that one is applied, and not before or after", () => {
  const replica = follower(3);
  replica.hearHash(two, { index: logIndex(5), hash: 0xabc });
  append(replica, { from: 3, to: 4 });
  expect(stop(replica)).toBeNull();
  append(replica, { from: 4, to: 7 });
  expect(stop(replica)?.what).toContain("after entry 5");
});

test("a hash of an entry that was left behind says nothing any more", () => {
  const replica = follower(3);
  replica.hearHash(two, { index: logIndex(2), hash: 0xabc });
  expect(stop(replica)).toBeNull();
  expect(replica.replica.counters.get("hashes-too-late")).toBe(1);
});

test("who is far behind compares the first that it was told, and newer ones do not put that off", () => {
  const replica = follower(1);
  for (const index of [3, 4, 5]) {
    replica.hearHash(two, { index: logIndex(index), hash: index === 3 ? 0 : 0xabc });
  }
  append(replica, { from: 1, to: 4 });
  expect(replica.replica.counters.get("hashes-compared")).toBe(1);
  expect(stop(replica)).toBeNull();
});

test("a leader says its hash once a second, to everybody, and no follower says any", () => {
  const replica = new LoneReplica();
  replica.lead();
  replica.hear({
    ...{ kind: "append-response", from: two, to: one, term: term(1) },
    answer: { kind: "matched", index: logIndex(1) },
  });
  replica.wait(1);
  expect(
    replica.hashes.map((said) => ({ ...said, to: Number(said.to), index: Number(said.index) })),
  ).toEqual([
    { to: 2, index: 1, hash: 0 },
    { to: 3, index: 1, hash: 0 },
  ]);
  const beat = () =>
    replica.hear({
      ...{ kind: "heartbeat-response", from: two, to: one, term: term(1), last: logIndex(1) },
      round: replica.replica.state.role.kind === "leader" ? replica.replica.state.role.round : 0,
    });
  for (let passed = 0; passed < comparisonLimits.sayMs; passed += 100) {
    replica.wait(100);
    beat();
  }
  expect(replica.hashes).toHaveLength(4);
  const silent = follower(2);
  silent.wait(comparisonLimits.sayMs);
  expect(silent.hashes).toEqual([]);
});
