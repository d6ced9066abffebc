/** The client half against a scripted cluster: finding the leader, outcomes, sessions. */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { Client } from "../../../src/client/client.ts";
import type { Result, Ticket } from "../../../src/client/request.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import type { Operation } from "../../../src/kv/command.ts";
import { FakeCluster } from "./fake-cluster.ts";

function put(value: string, key = "k"): Operation {
  return { kind: "put", key, value: utf8(value), condition: { kind: "always" } };
}
const get: Operation = { kind: "get", key: "k" };

/** The result in a word or three. */
function summary(result: Result | undefined): string {
  switch (result?.kind) {
    case undefined:
      return "open";
    case "committed":
      return `committed ${result.reply.kind}`;
    case "rejected":
      return `rejected ${result.because.kind}`;
    case "unknown":
      return `unknown ${result.because}`;
    case "status":
      return `status ${result.text}`;
  }
}

const outcome = (world: FakeCluster, ticket: Ticket): string => summary(world.results.get(ticket));

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

test("many writes at once register one session and share datagrams", () => {
  const world = new FakeCluster({ size: 3 });
  world.elect(2);
  const tickets = Array.from({ length: 1_000 }, (_, at) =>
    world.submit({ operation: put(`${at}`) }),
  );
  world.pass(100);
  for (const ticket of tickets) expect(outcome(world, ticket)).toBe("committed written");
  expect(world.registrations).toBe(1);
  expect(world.effects.size).toBe(1_000);
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

test("no node anywhere: a write is rejected as unreachable, since its registration never became a session", () => {
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

test("sent and not answered: unknown, with a request id that makes it happen once in another process", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeCluster({ size: 3, seed });
    world.elect(2);
    world.submit({ operation: put("first") });
    world.pass(100);
    const ticket = world.submit({ operation: put("second") }, 500);
    // It reaches the leader, which dies with it: committed or not, by chance.
    world.pass(2);
    world.node(2).manner = { kind: "down", port: "silent" };
    world.elect(null);
    world.pass(600);
    const result = world.results.get(ticket);
    expect(summary(result)).toBe("unknown deadline");
    const again = result?.kind === "unknown" ? result.requestId : null;
    expect(again).not.toBeNull();
    world.elect(1);
    world.newClient();
    world.results.clear();
    const retried = world.submit({ operation: put("second"), again });
    world.pass(1_000);
    expect(outcome(world, retried)).toBe("committed written");
    expect(world.effects.get("second")).toBe(1);
  }
});

test("an unknown write is never acknowledged: its retry is exactly once after many others", () => {
  const world = new FakeCluster({ size: 1, sessions: tightWindow });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(100);
  world.node(1).manner = { kind: "down", port: "silent" };
  const lost = world.submit({ operation: put("lost") }, 300);
  world.pass(2_000);
  world.node(1).manner = { kind: "normal" };
  const result = world.results.get(lost);
  const again = result?.kind === "unknown" ? result.requestId : null;
  const others: Ticket[] = [];
  for (let at = 0; at < 40; at++) others.push(world.submit({ operation: put(`other${at}`) }));
  world.pass(5_000);
  for (const ticket of others) expect(outcome(world, ticket)).toBe("committed written");
  // The hole used the window up, so a second session was begun.
  expect(world.registrations).toBe(2);
  const retried = world.submit({ operation: put("lost"), again });
  world.pass(1_000);
  expect(outcome(world, retried)).toBe("committed written");
  expect(world.effects.get("lost")).toBe(1);
});

const tightWindow = { sessionsMax: 10, sessionWindow: 8, sessionIdleMs: 86_400_000 };

test("a hole that is filled by a retry blocks the window no longer", () => {
  const world = new FakeCluster({ size: 1, sessions: tightWindow });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(100);
  world.node(1).manner = { kind: "down", port: "silent" };
  const lost = world.submit({ operation: put("lost") }, 300);
  world.pass(1_000);
  world.node(1).manner = { kind: "normal" };
  const result = world.results.get(lost);
  const again = result?.kind === "unknown" ? result.requestId : null;
  const retried = world.submit({ operation: put("lost"), again });
  world.pass(1_000);
  expect(outcome(world, retried)).toBe("committed written");
  for (let at = 0; at < 40; at++) world.submit({ operation: put(`other${at}`) });
  world.pass(1_000);
  expect(world.effects.size).toBe(42);
  expect(world.registrations).toBe(1);
});

test("a request that is sent again under an old name stays in doubt, also where nobody could be asked", () => {
  const world = new FakeCluster({ size: 1 });
  world.node(1).manner = { kind: "down", port: "silent" };
  const again = { session: 5, sequence: 7 };
  const ticket = world.submit({ operation: put("v"), again }, 300);
  world.pass(400);
  const result = world.results.get(ticket);
  expect(summary(result)).toBe("unknown deadline");
  expect(result?.kind === "unknown" && result.requestId).toEqual(again);
});

test("rejected writes leave no hole: the session goes on", () => {
  const world = new FakeCluster({ size: 1, sessions: tightWindow, network: "loopback" });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(100);
  for (let round = 0; round < 20; round++) {
    world.elect(null);
    const ticket = world.submit({ operation: put(`rejected${round}`) }, 200);
    world.pass(300);
    expect(outcome(world, ticket)).toBe("rejected no-leader");
    world.elect(1);
    world.submit({ operation: put(`written${round}`) });
    world.pass(300);
  }
  expect(world.effects.size).toBe(21);
  expect(world.registrations).toBe(1);
});

test("more writes at once than the window holds wait for room", () => {
  const world = new FakeCluster({ size: 3, sessions: tightWindow });
  world.elect(1);
  const tickets = Array.from({ length: 100 }, (_, at) => world.submit({ operation: put(`${at}`) }));
  world.pass(1_000);
  for (const ticket of tickets) expect(outcome(world, ticket)).toBe("committed written");
  expect(world.registrations).toBe(1);
});

test("an outage that is known: what is submitted in it is never sent, so it is rejected and not unknown", () => {
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

test("a session that the cluster forgot: what was sent is unknown, what comes next begins another", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  world.store.sessions.byId.clear();
  const sent = world.submit({ operation: put("v") });
  const logged = world.submit({ operation: get, consistency: "logged" });
  world.pass(50);
  const next = world.submit({ operation: put("w") });
  world.pass(50);
  expect(outcome(world, sent)).toBe("unknown session-lost");
  expect(outcome(world, logged)).toBe("committed found");
  expect(outcome(world, next)).toBe("committed written");
});

test("a session that was idle for half its life is not relied on", () => {
  const world = new FakeCluster({ size: 1 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(13 * 60 * 60 * 1_000);
  const ticket = world.submit({ operation: put("v") });
  world.pass(50);
  expect(outcome(world, ticket)).toBe("committed written");
  expect(world.registrations).toBe(2);
});

test("stale reads need no leader", () => {
  const world = new FakeCluster({ size: 3 });
  world.node(1).manner = { kind: "down", port: "silent" };
  world.node(2).manner = { kind: "down", port: "silent" };
  const ticket = world.submit({ operation: get, consistency: "stale" });
  world.pass(1_000);
  expect(outcome(world, ticket)).toBe("committed absent");
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

test("a value of 1 MiB goes there and back in datagrams of 1,200 bytes, also over a lossy line", () => {
  for (const lost of [0, 5]) {
    const weather = { lost, repeated: lost, delayMsMax: 2 };
    const world = new FakeCluster({ size: 3, seed: 5, weather, datagramBytesMax: 1_200 });
    world.elect(2);
    const large = new Uint8Array(1 << 20).fill(7);
    const operation: Operation = {
      kind: "put",
      key: "k",
      value: large,
      condition: { kind: "always" },
    };
    const write = world.submit({ operation }, 60_000);
    world.pass(30_000);
    expect(outcome(world, write)).toBe("committed written");
    const reading = world.submit({ operation: get }, 60_000);
    world.pass(30_000);
    expect(outcome(world, reading)).toBe("committed found");
    // Sent once, to the leader: a node that does not lead is asked with something small first.
    expect(world.bytesSent).toBeLessThan(lost === 0 ? 1_400_000 : 2_200_000);
  }
}, 20_000);

const largePut = (key: string): Operation => {
  return { kind: "put", key, value: new Uint8Array(1 << 20), condition: { kind: "always" } };
};

test("large writes on their way to a leader that was replaced are called back, not sent to the end", () => {
  const world = new FakeCluster({ size: 3, datagramBytesMax: 1_200 });
  world.elect(1);
  world.submit({ operation: put("first") });
  world.pass(50);
  const tickets = ["a", "b", "c", "d"].map((key) =>
    world.submit({ operation: largePut(key) }, 30_000),
  );
  world.pass(20);
  world.elect(2);
  world.pass(20_000);
  for (const ticket of tickets) expect(outcome(world, ticket)).toBe("committed written");
  // One to the old leader, which said no, four to the new one, and what surrounds them.
  expect(world.bytesSent).toBeLessThan(6 * (1 << 20));
}, 20_000);

test("a large answer on its way is not asked for again", () => {
  const weather = { lost: 0, repeated: 0, delayMsMax: 40 };
  const world = new FakeCluster({ size: 1, datagramBytesMax: 1_200, weather });
  world.elect(1);
  const write = world.submit({ operation: largePut("k") }, 60_000);
  world.pass(30_000);
  expect(outcome(world, write)).toBe("committed written");
  const asked = world.arrivals.get(world.node(1).id) ?? 0;
  const reading = world.submit({ operation: get }, 60_000);
  world.pass(30_000);
  expect(outcome(world, reading)).toBe("committed found");
  expect((world.settledAt.get(reading) ?? 0) - 30_000).toBeGreaterThan(1_000);
  expect((world.arrivals.get(world.node(1).id) ?? 0) - asked).toBe(1);
}, 20_000);
