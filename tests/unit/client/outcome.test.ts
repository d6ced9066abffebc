/** The client half against a scripted cluster: who is asked, and what a caller is told. */
import { expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import type { Ticket } from "../../../src/client/request.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { get, outcome, put, summary } from "./support.ts";

test("a put and a get from a cold start: the leader is found from any node", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeCluster({ size: 5, seed });
    world.elect(3);
    const first = world.submit({ operation: put("v") });
    world.pass(50);
    const second = world.submit({ operation: get });
    world.pass(50);
    expect([outcome(world, first), outcome(world, second)]).toEqual([
      "committed written",
      "committed found",
    ]);
    expect(world.client.counters().repeats).toBeLessThanOrEqual(2);
  }
});

test("a command that is over a limit is rejected at once, and nothing is sent", () => {
  const world = new FakeCluster({ size: 3 });
  const tooLong = world.submit({ operation: put("v", "k".repeat(1025)) });
  expect(outcome(world, tooLong)).toBe("rejected invalid");
  world.pass(100);
  expect(world.bytesSent).toBe(0);
});

test("the leader dies under load: every write is committed, each once, without an error", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeCluster({ size: 5, seed });
    world.elect(1);
    const tickets: Ticket[] = [];
    for (let at = 0; at < 100; at++) {
      world.at(at, () => tickets.push(world.submit({ operation: put(`${at}`) })));
    }
    world.at(50, () => {
      // The others still believe in the dead one until they have elected another.
      world.node(1).manner = { kind: "down", port: seed % 2 === 0 ? "silent" : "refusing" };
      world.elect(null, []);
    });
    world.at(800, () => world.elect(4));
    world.pass(2_000);
    for (const ticket of tickets) expect(outcome(world, ticket)).toBe("committed written");
    for (let at = 0; at < 100; at++) expect(world.effects.get(`${at}`)).toBe(1);
    const last = Math.max(...tickets.map((ticket) => world.settledAt.get(ticket) ?? 0));
    expect(last).toBeLessThan(1_300);
  }
});

test("a node that is down is left quickly: the first answer comes within half a second", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeCluster({ size: 5, seed });
    world.elect(3);
    for (const id of [1, 2]) world.node(id).manner = { kind: "down", port: "silent" };
    const ticket = world.submit({ operation: put("v") });
    world.pass(600);
    expect(outcome(world, ticket)).toBe("committed written");
    expect(world.settledAt.get(ticket) ?? 0).toBeLessThan(500);
  }
});

test("a port that refuses is left at once", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeCluster({ size: 3, seed });
    world.elect(3);
    for (const id of [1, 2]) world.node(id).manner = { kind: "down", port: "refusing" };
    const ticket = world.submit({ operation: put("v") });
    world.pass(100);
    expect(outcome(world, ticket)).toBe("committed written");
    expect(world.settledAt.get(ticket) ?? 0).toBeLessThan(30);
  }
});

test("no node anywhere: a write is rejected as unreachable, since it was never sent", () => {
  const world = new FakeCluster({ size: 3 });
  for (const node of world.nodes) node.manner = { kind: "down", port: "silent" };
  const write = world.submit({ operation: put("v") }, 1_000);
  const reading = world.submit({ operation: get }, 1_000);
  world.pass(1_100);
  expect(outcome(world, write)).toBe("rejected unreachable");
  expect(outcome(world, reading)).toBe("rejected unreachable");
});

test("no leader: rejected, and the report says what each node said", () => {
  const world = new FakeCluster({ size: 5, seed: 3 });
  world.elect(3);
  world.elect(null, [4]);
  world.node(2).manner = { kind: "down", port: "silent" };
  world.node(3).manner = { kind: "down", port: "silent" };
  const ticket = world.submit({ operation: put("v") }, 3_000);
  world.pass(3_100);
  const result = world.results.get(ticket);
  expect(summary(result)).toBe("rejected no-leader");
  if (result?.kind !== "rejected") throw new Error("rejected");
  expect(result.requestId).toBeNull();
  const contacts = result.nodes.map(({ id, contact }) => `${id} ${contact.kind}`);
  expect(contacts).toEqual(["1 answered", "null silent", "3 silent", "4 answered", "5 answered"]);
});

test("what is submitted in a known outage is never sent, so it is rejected and not unknown", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.elect(null);
  const reading = world.submit({ operation: get }, 500);
  world.pass(50);
  const ticket = world.submit({ operation: put("v") }, 400);
  world.pass(600);
  expect(outcome(world, reading)).toBe("rejected no-leader");
  expect(outcome(world, ticket)).toBe("rejected no-leader");
  const result = world.results.get(ticket);
  expect(result?.kind === "rejected" && result.requestId).toBeNull();
});

test("a refusal on the loopback leaves no doubt; elsewhere a copy may still be on its way", () => {
  for (const network of ["loopback", "far"] as const) {
    const world = new FakeCluster({ size: 3, network });
    world.elect(1);
    world.submit({ operation: put("first") });
    world.pass(50);
    world.elect(null);
    const ticket = world.submit({ operation: put("v") }, 500);
    world.pass(600);
    const expected = network === "loopback" ? "rejected no-leader" : "unknown deadline";
    expect(outcome(world, ticket)).toBe(expected);
    world.elect(1);
    const later = world.submit({ operation: put("w") });
    world.pass(600);
    expect(outcome(world, later)).toBe("committed written");
    expect(world.effects.has("v")).toBe(false);
  }
});

test("one try without an answer among refusals leaves doubt", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.node(1).manner = { kind: "down", port: "silent" };
  const ticket = world.submit({ operation: put("v") }, 900);
  world.at(100, () => world.elect(null));
  world.pass(1_000);
  expect(outcome(world, ticket)).toBe("unknown deadline");
});

test("a read is never in doubt, also one that goes through the log", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.node(1).manner = { kind: "down", port: "silent" };
  const plain = world.submit({ operation: get }, 300);
  const logged = world.submit({ operation: get, consistency: "logged" }, 300);
  world.pass(400);
  expect(outcome(world, plain)).toBe("rejected unreachable");
  expect(outcome(world, logged)).toBe("rejected unreachable");
});

test("busy: asked again with growing pauses, and rejected as busy at the deadline", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.node(1).manner = { kind: "says", outcome: { kind: "busy" } };
  const ticket = world.submit({ operation: get }, 2_000);
  world.pass(2_100);
  expect(outcome(world, ticket)).toBe("rejected busy");
  expect(world.arrivals.get(world.node(1).id)).toBeLessThan(15);
});

test("busy for a while delays, and is no error", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.node(1).manner = { kind: "says", outcome: { kind: "busy" } };
  const ticket = world.submit({ operation: put("v") });
  world.at(300, () => {
    world.node(1).manner = { kind: "normal" };
  });
  world.pass(1_500);
  expect(outcome(world, ticket)).toBe("committed written");
});

test("refused: nobody will take it, so it is rejected without waiting for the deadline", () => {
  const world = new FakeCluster({ size: 3 });
  for (const node of world.nodes) {
    node.manner = { kind: "says", outcome: { kind: "refused", because: "malformed" } };
  }
  const tickets = [world.submit({ operation: put("v") }), world.submit({ operation: get })];
  world.pass(100);
  for (const ticket of tickets) expect(outcome(world, ticket)).toBe("rejected refused");
});

test("a large write that was refused stays in doubt on any network: its pieces are sent twice", () => {
  const world = new FakeCluster({ size: 1, network: "loopback", datagramBytesMax: 1200 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  const outcomeOfAll = { kind: "not-leader", leader: null, address: null } as const;
  world.node(1).manner = { kind: "says", outcome: outcomeOfAll };
  const small = world.submit({ operation: put("small") }, 500);
  const large = world.submit({ operation: put("large".repeat(1_000)) }, 500);
  world.pass(600);
  expect(outcome(world, small)).toBe("rejected no-leader");
  expect(outcome(world, large)).toBe("unknown deadline");
});

test("superseded: its entry was replaced, so it is sent again at once", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.node(1).manner = { kind: "says", outcome: { kind: "superseded" } };
  const ticket = world.submit({ operation: put("v") });
  world.at(10, () => {
    world.node(1).manner = { kind: "normal" };
  });
  world.pass(30);
  expect(outcome(world, ticket)).toBe("committed written");
});

test("two nodes that each name the other: asked in turn with pauses, not in a storm", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(2, [1]);
  world.elect(1, [2]);
  world.elect(null, [3]);
  const ticket = world.submit({ operation: put("v") }, 2_000);
  world.pass(2_100);
  expect(outcome(world, ticket)).toBe("rejected no-leader");
  const asked = [...world.arrivals.values()].reduce((sum, count) => sum + count, 0);
  expect(asked).toBeLessThan(200);
});

test("a leader without a quorum is left for another", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.node(1).manner = { kind: "says", outcome: { kind: "no-quorum" } };
  world.at(50, () => world.elect(2, [2, 3]));
  const ticket = world.submit({ operation: put("v") });
  world.pass(500);
  expect(outcome(world, ticket)).toBe("committed written");
});

test("a leader that was not in the list is found by its address", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(3);
  const { id, address } = world.node(1);
  world.node(1).believes = world.node(3).id;
  const options = { cluster: 0, incarnation: 1, random: world.random, datagramBytesMax: 60_000 };
  world.client = new Client({ ...options, keys: noKeys, nodes: [{ id, address }] }, world.now);
  const ticket = world.submit({ operation: put("v") });
  world.pass(200);
  expect(outcome(world, ticket)).toBe("committed written");
});

test("stale reads need no leader", () => {
  const world = new FakeCluster({ size: 3 });
  world.node(1).manner = { kind: "down", port: "silent" };
  world.node(2).manner = { kind: "down", port: "silent" };
  const ticket = world.submit({ operation: get, consistency: "stale" });
  world.pass(1_000);
  expect(outcome(world, ticket)).toBe("committed absent");
});

test("a read whose leader falls silent is answered by any other node, linearizably", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(1);
  const first = world.submit({ operation: get });
  world.pass(500);
  expect(outcome(world, first)).toBe("committed absent");
  // The client cannot reach the leader; the others follow it.
  world.node(1).manner = { kind: "down", port: "silent" };
  const second = world.submit({ operation: get });
  world.pass(2_000);
  expect(outcome(world, second)).toBe("committed absent");
});

test("a read for any node goes from node to node until one can answer", () => {
  const world = new FakeCluster({ size: 3 });
  const early = world.submit({ operation: get, consistency: "anywhere" }, 400);
  world.pass(500);
  expect(outcome(world, early)).toBe("rejected no-leader");
  world.elect(2);
  world.node(3).manner = { kind: "down", port: "silent" };
  const late = world.submit({ operation: get, consistency: "anywhere" });
  world.pass(1_000);
  expect(outcome(world, late)).toBe("committed absent");
});

test("status is asked of one node and of no other", () => {
  const world = new FakeCluster({ size: 3 });
  world.node(2).manner = { kind: "down", port: "silent" };
  const tickets = [world.submitStatus(1, 500), world.submitStatus(2, 500)];
  world.pass(600);
  expect(tickets.map((ticket) => outcome(world, ticket))).toEqual([
    "status (node 1)",
    "rejected unreachable",
  ]);
});

test("giving up settles everything at once", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.node(1).manner = { kind: "down", port: "silent" };
  const sent = world.submit({ operation: put("v") });
  const reading = world.submit({ operation: get });
  world.pass(5);
  world.giveUp();
  expect(outcome(world, sent)).toBe("unknown deadline");
  expect(outcome(world, reading)).toMatch(/^rejected/);
});
