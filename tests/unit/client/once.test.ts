/** Sessions of the client half: a write that is sent twice happens once (dissertation 6.3). */
import { expect, test } from "bun:test";
import type { Ticket } from "../../../src/client/request.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { get, outcome, put, summary } from "./support.ts";

const tightWindow = { sessionsMax: 10, sessionWindow: 8, sessionIdleMs: 86_400_000 };

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

test("sent and not answered: unknown, and its id makes it happen once from another process", () => {
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

test("a request under an old name stays in doubt, also where nobody could be asked", () => {
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

test("a session that the cluster forgot: what was sent is unknown, the next begins another", () => {
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

test("late answers from a session that is over take no number of the next one away", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const weather = { lost: 0, repeated: 0, delayMsMax: 400 };
    const world = new FakeCluster({ size: 1, seed, weather, sessions: tightWindow });
    world.elect(1);
    world.submit({ operation: put("first") }, 20_000);
    world.pass(5_000);
    world.store.sessions.byId.clear();
    const logged = { operation: get, consistency: "logged" } as const;
    for (let at = 0; at < 6; at++) world.submit(logged, 20_000);
    world.pass(5_000);
    const tickets = Array.from({ length: 12 }, (_, at) =>
      world.submit({ operation: put(`${at}`) }, 20_000),
    );
    world.pass(20_000);
    for (const ticket of tickets) expect(outcome(world, ticket)).toBe("committed written");
  }
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
