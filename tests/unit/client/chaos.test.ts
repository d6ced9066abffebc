/**
 * The client half in a bad world, by seed: loss, repetition, reordering, leaders that die, hang,
 * come back and are replaced, nodes that believe in the wrong one. What must hold is said once, at
 * the end of `play`.
 */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { between, seededRandom } from "../../../src/base/random.ts";
import type { Result, Ticket } from "../../../src/client/request.ts";
import type { Operation } from "../../../src/kv/command.ts";
import { FakeCluster, type Weather } from "./fake-cluster.ts";

const put = (value: string): Operation => {
  const key = `key${value.length}`;
  return { kind: "put", key, value: utf8(value), condition: { kind: "always" } };
};

type Tally = { committed: number; rejected: number; unknown: number };

function play(seed: number, weather: Weather, sessionWindow: number): Tally {
  const sessions = { sessionsMax: 100, sessionWindow, sessionIdleMs: 86_400_000 };
  // Where datagrams are not repeated, a refusal leaves no doubt, and that is put to the test as
  // well.
  const network = weather.repeated === 0 ? "loopback" : "far";
  const world = new FakeCluster({ size: 5, seed, weather, sessions, network });
  const chance = seededRandom(seed + 1_000_000);
  world.elect(1);
  const values = new Map<Ticket, string>();
  for (let at = 0; at < 300; at++) {
    world.at(chance.below(5_000), () => {
      const timeoutMs = between(chance, { min: 50, max: 3_000 });
      values.set(world.submit({ operation: put(`v${at}`) }, timeoutMs), `v${at}`);
    });
  }
  for (let at = 0; at < 5_000; at += between(chance, { min: 50, max: 900 })) {
    world.at(at, () => mischief(world));
  }
  world.pass(5_000);
  // All is well again; what hangs in the air may still arrive.
  for (const node of world.nodes) node.manner = { kind: "normal" };
  world.elect(2);
  world.pass(5_000);
  const tally: Tally = { committed: 0, rejected: 0, unknown: 0 };
  for (const [ticket, value] of values) {
    const result = world.results.get(ticket);
    if (result === undefined || result.kind === "status") throw new Error(`${value} has no result`);
    tally[result.kind]++;
    expect(`${value} ${effectsAllowed(result)}`).toContain(String(world.effects.get(value) ?? 0));
  }
  return tally;
}

/** How often a put may have had its effect. */
function effectsAllowed(result: Result): string {
  switch (result.kind) {
    case "committed":
      return "[1]";
    case "rejected":
      return "[0]";
    default:
      return "[0 1]";
  }
}

function mischief(world: FakeCluster): void {
  const { random } = world;
  const node = world.node(between(random, { min: 1, max: world.nodes.length }));
  const told = world.nodes.filter(() => random.below(3) > 0).map((one) => one.id);
  switch (random.below(6)) {
    case 0:
      node.manner = { kind: "down", port: random.below(2) === 0 ? "silent" : "refusing" };
      return;
    case 1:
      world.elect(null, told);
      return;
    case 2:
      node.manner = {
        kind: "says",
        outcome: { kind: random.below(2) === 0 ? "busy" : "no-quorum" },
      };
      return;
    default:
      for (const one of world.nodes) one.manner = { kind: "normal" };
      world.elect(node.id, told);
  }
}

const weathers: readonly (readonly [name: string, weather: Weather, window: number])[] = [
  ["fair weather", { lost: 0, repeated: 0, delayMsMax: 1 }, 1_024],
  ["loss and reordering", { lost: 20, repeated: 0, delayMsMax: 40 }, 1_024],
  ["loss and a small window", { lost: 10, repeated: 0, delayMsMax: 10 }, 8],
  ["repetition", { lost: 10, repeated: 30, delayMsMax: 20 }, 1_024],
  ["a storm", { lost: 50, repeated: 0, delayMsMax: 100 }, 1_024],
];

for (const [name, weather, window] of weathers) {
  test(`${name}: committed is once, rejected is never, unknown is at most once`, () => {
    const total: Tally = { committed: 0, rejected: 0, unknown: 0 };
    for (let seed = 1; seed <= 15; seed++) {
      const tally = play(seed, weather, window);
      total.committed += tally.committed;
      total.rejected += tally.rejected;
      total.unknown += tally.unknown;
    }
    // The worlds are bad enough to meet every outcome, and good enough to meet the first.
    expect(total.committed).toBeGreaterThan(500);
    expect(total.rejected).toBeGreaterThan(0);
    expect(total.unknown).toBeGreaterThan(0);
  }, 30_000);
}
