/** Nodes that speak Maelstrom's protocol, as processes: what they answer, and that it is linearizable. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import { eventually, temporaryFolder } from "../harness/real-cluster.ts";
import { runWorkload } from "../maelstrom/harness.ts";
import { MaelstromNetwork } from "../maelstrom/network.ts";
import type { JsonObject } from "../maelstrom/protocol.ts";

const adapter = [process.execPath, join(import.meta.dir, "..", "maelstrom", "adapter.ts")];
const folders: string[] = [];

const up = (nodes: number, seed: number): Promise<MaelstromNetwork> => {
  const folder = temporaryFolder();
  folders.push(folder);
  return MaelstromNetwork.up({ nodes, folder, adapter, random: seededRandom(seed) });
};

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe("one node answers", () => {
  let network: MaelstromNetwork;
  beforeAll(async () => {
    network = await up(1, 1);
    await eventually("it leads", async () =>
      (await ask({ type: "read", key: 0 }))["code"] === 20 ? "yes" : null,
    );
  });
  afterAll(() => network.end());

  const ask = async (body: JsonObject): Promise<JsonObject> => {
    const answer = await network.ask({ client: "c1", node: "n0", body, withinMs: 5000 });
    return answer.kind === "answer" ? answer.body : { type: "silence" };
  };

  test("a key that does not exist with 20, to reads and to compare-and-set", async () => {
    expect(await ask({ type: "read", key: "none" })).toMatchObject({ type: "error", code: 20 });
    const cas = { type: "cas", key: "none", from: 1, to: 2 };
    expect(await ask(cas)).toMatchObject({ type: "error", code: 20 });
  });

  test("writes, and reads what was written, whatever JSON it is", async () => {
    for (const value of [3, "text", null, [1, { b: 2, a: [] }]]) {
      expect(await ask({ type: "write", key: ["k"], value })).toMatchObject({ type: "write_ok" });
      expect(await ask({ type: "read", key: ["k"] })).toMatchObject({ type: "read_ok", value });
    }
  });

  test("a compare-and-set of another value with 22, and does one of the same, however it is spelt", async () => {
    await ask({ type: "write", key: "k", value: { a: 1, b: 2 } });
    const wrong = await ask({ type: "cas", key: "k", from: { a: 1 }, to: 9 });
    expect(wrong).toMatchObject({ type: "error", code: 22 });
    const right = await ask({ type: "cas", key: "k", from: { b: 2, a: 1 }, to: 9 });
    expect(right).toMatchObject({ type: "cas_ok" });
    expect(await ask({ type: "read", key: "k" })).toMatchObject({ value: 9 });
  });

  test("what it does not know with 10, what lacks a part with 12, and goes on after a line of noise", async () => {
    expect(await ask({ type: "dance" })).toMatchObject({ type: "error", code: 10 });
    expect(await ask({ type: "write", key: 1 })).toMatchObject({ type: "error", code: 12 });
    expect(await ask({ type: "read", key: "x".repeat(2000) })).toMatchObject({ code: 12 });
    network.writeLine("n0", "{ this is not JSON");
    network.writeLine("n0", '{"src": "n7", "dest": "n0", "body": {"type": "datagram"}}');
    expect(await ask({ type: "read", key: "none" })).toMatchObject({ code: 20 });
    expect(network.complaints).toEqual([]);
  });
});

test("a node without a quorum says that nothing was done, or that nobody knows, and never that it was", async () => {
  const network = await up(3, 2);
  const ask = async (node: string, body: JsonObject): Promise<JsonObject> => {
    const answer = await network.ask({ client: "c1", node, body, withinMs: 5000 });
    return answer.kind === "answer" ? answer.body : { type: "silence" };
  };
  const written = (value: number) => async () =>
    (await ask("n0", { type: "write", key: "k", value }))["type"] === "write_ok" ? "yes" : null;
  await eventually("there is a leader", written(1));
  network.divide([["n0"], ["n1", "n2"]]);
  const alone = await ask("n0", { type: "write", key: "k", value: 2 });
  expect([0, 11]).toContain(Number(alone["code"]));
  expect((await ask("n0", { type: "read", key: "k" }))["code"]).toBe(11);
  network.heal();
  await eventually("the cluster is whole again", written(3));
  expect(await ask("n2", { type: "read", key: "k" })).toMatchObject({ value: 3 });
  expect(network.complaints).toEqual([]);
  await network.end();
});

test("lin-kv on three nodes with a partition every two seconds is linearizable", async () => {
  const seed = 3;
  const network = await up(3, seed);
  const random = seededRandom(seed + 1);
  const options = { keys: 3, seconds: 10, partitionEveryMs: 2000, restMsMax: 20, random };
  const outcome = await runWorkload(network, options);
  process.stdout.write(`  ${JSON.stringify({ ...outcome, ...network.counts })}\n`);
  expect(outcome.verdict).toBe("linearizable");
  expect(network.complaints).toEqual([]);
  expect(outcome.partitions).toBeGreaterThanOrEqual(4);
  expect(outcome.ok).toBeGreaterThan(500);
  expect(outcome.refused).toBeGreaterThan(50);
  expect(outcome.definite + outcome.indefinite).toBeGreaterThan(0);
  expect(network.counts.lost).toBeGreaterThan(0);
  await network.end();
});
