/** What is larger than a datagram: sent to leaders only, and not asked for twice. */
import { expect, test } from "bun:test";
import type { Operation } from "../../../src/kv/command.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { get, outcome, put } from "./support.ts";

const largePut = (key: string): Operation => {
  return { kind: "put", key, value: new Uint8Array(1 << 20), condition: { kind: "always" } };
};

test("1 MiB goes there and back in datagrams of 1,200 bytes, also over a lossy line", () => {
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

test("large writes on their way to a leader that was replaced are called back", () => {
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
