/** A server promises nothing before it has met all the others: a wiped one must be known for what it is (P16). */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { Peers } from "../../../src/replica/peers.ts";
import { SimCluster } from "../../../src/sim/cluster.ts";
import { addressOf, LoneReplica } from "../../harness/lone-replica.ts";

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];
const nothing = { index: logIndex(0), term: term(0) };

const askForVote: Message = {
  ...{ kind: "vote-request", from: two, to: one, term: term(1), reason: "timeout" },
  lastLog: nothing,
};
const first: Entry = {
  ...{ index: logIndex(1), term: term(1) },
  ...{ time: millis(0), kind: "noop", body: null },
};
const append: Message = {
  ...{ kind: "append-request", from: two, to: one, term: term(1), previous: nothing },
  ...{ entries: [first], commit: logIndex(0) },
};
const hello = (from: typeof two): Message => ({
  ...{ kind: "pre-vote-response", from, to: one, term: term(0), answer: "stale-term" },
});

test("with a stranger among the peers neither a vote nor an append is granted", () => {
  const replica = new LoneReplica({ acquaintance: "strangers" });
  replica.hear(askForVote);
  replica.hear(append);
  const said = [];
  while (replica.syncsUnderWay > 0) said.push(...replica.finishSync().messages);
  expect(said.filter(({ kind }) => kind !== "pre-vote-request")).toEqual([]);
  expect(replica.replica.describe()).toContain("(strangers 3)");
});

test("once it has met the last of them it does both", () => {
  const replica = new LoneReplica({ acquaintance: "strangers" });
  replica.hear(hello(two));
  replica.hear(hello(three));
  replica.finishSyncs();
  replica.hear(append);
  expect(replica.finishSync().messages).toMatchObject([{ kind: "append-response" }]);
  expect(replica.replica.describe()).not.toContain("strangers");
});

test("it greets strangers every heartbeat, and nobody any more when it knows them all", () => {
  const replica = new LoneReplica({ acquaintance: "strangers" });
  expect(replica.wait(60).messages.map(({ to }) => Number(to))).toEqual([2, 3]);
  replica.hear(hello(two));
  expect(replica.wait(60).messages.map(({ to }) => Number(to))).toEqual([3]);
  replica.hear(hello(three));
  replica.finishSyncs();
  expect(replica.wait(60).messages).toEqual([]);
});

test("one that joined waits for nobody, whoever a snapshot says was there before it", () => {
  const strangersOf = (me: typeof two, told: readonly (typeof two)[]) =>
    new Peers({
      ...{ me, addresses: new Map(told.map((id) => [id, addressOf(id)])), incarnations: new Map() },
      ...{ sourceRule: "tag-is-proof", leader: () => null },
      configuration: { voters: [one, two, three], outgoing: [], learners: [] },
    }).strangers();
  expect(strangersOf(nodeId(5), [nodeId(5)])).toEqual([]);
  expect(strangersOf(one, [one, two, three])).toEqual([two, three]);
});

test("whom it has met it knows after a restart", () => {
  const replica = new LoneReplica();
  const again = new LoneReplica({ disk: replica.disk, acquaintance: "strangers" });
  expect(again.wait(60).messages).toEqual([]);
});

test("a wiped server and one that lagged do not make a majority that has forgotten a write", () => {
  const cluster = new SimCluster({ seed: 3, servers: 3 });
  cluster.start();
  const settle = (done: () => boolean, ms = 5000) =>
    cluster.runUntil(() => (done() ? "done" : "not-yet"), ms);
  expect(settle(() => cluster.leaders().length === 1)).toBe("done");
  const [leader] = cluster.leaders();
  const [lagging, wiped] = [...cluster.servers.values()].filter((server) => server !== leader);
  const client = cluster.client();
  lagging?.crash("lose-all");
  const key = byteString(utf8("x"));
  const put = client.ask({ kind: "put", key, value: utf8("new"), condition: { kind: "always" } });
  expect(settle(() => put.result !== null)).toBe("done");
  expect(put.result).toMatchObject({ kind: "committed" });
  leader?.crash("lose-all");
  wiped?.crash("lose-all");
  for (const name of wiped?.disk.list() ?? []) wiped?.disk.remove(name);
  wiped?.disk.syncFolder();
  lagging?.start();
  wiped?.start();
  expect(settle(() => cluster.leaders().length > 0, 20_000)).toBe("timed-out");
  leader?.start();
  const get = client.ask({ kind: "get", key });
  expect(settle(() => get.result !== null, 12_000)).toBe("done");
  expect(get.result).toMatchObject({ kind: "committed", reply: { value: utf8("new") } });
});
