/** The README's story, told by the executable: five nodes, a key, the leader killed, the log read, up again. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { must } from "../../src/base/assert.ts";
import { buildExecutable, RealCluster, run } from "../harness/real-cluster.ts";

const options = { size: 5, basePort: 17_370 };
let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up(options);
});

afterAll(() => cluster?.destroy());

const client = (...words: readonly string[]) => run(["client", ...words, "--data", cluster.folder]);

test("five nodes are up, and agree on a leader", async () => {
  const { nodes, leader } = await cluster.status();
  expect(nodes.map(({ reachable }) => reachable)).toEqual([true, true, true, true, true]);
  expect(leader).not.toBeNull();
});

test("a key is put and read", async () => {
  const put = await client("put", "hello", "world");
  expect(put).toMatchObject({ exit: 0, stderr: "" });
  expect(put.stdout).toMatch(/^ok {2}hello = world {2}\(index \d+, term \d+, [\d.]+ ms\)\n$/);
  expect(await client("get", "hello")).toEqual({ exit: 0, stdout: "world", stderr: "" });
});

test("two seconds after its leader was killed the cluster still has the key", async () => {
  const leader = must((await cluster.status()).leader, "there is a leader");
  const began = performance.now();
  expect((await cluster.act("kill", `${leader}`)).exit).toBe(0);
  expect(await client("get", "hello")).toEqual({ exit: 0, stdout: "world", stderr: "" });
  expect(performance.now() - began).toBeLessThan(2000);
});

test("the put stands in a node's log, for people to read", async () => {
  const { exit, stdout } = await run(["inspect", cluster.file(1)]);
  expect(exit).toBe(0);
  expect(stdout).toContain('(put "hello" "world")');
});

test("Ctrl-C ends it with 0, and the next `up` still has the key", async () => {
  expect(await cluster.interrupt()).toBe(0);
  cluster = await RealCluster.up({ ...options, folder: cluster.folder });
  expect(await client("get", "hello")).toEqual({ exit: 0, stdout: "world", stderr: "" });
});

test("without a quorum a put is honestly not applied: exit 4, and what to do", async () => {
  for (const id of [1, 2, 3]) await cluster.act("kill", `${id}`);
  const put = await client("put", "hello", "again", "--timeout", "1500ms", "--json");
  expect([4, 5]).toContain(put.exit);
  const { error } = JSON.parse(put.stderr);
  expect(error).toMatchObject({ exit: put.exit });
  expect(error.fix.join()).toContain("rusty-boat");
  expect((await client("get", "hello", "--stale")).stdout).toBe("world");
});

test("a prompt takes a command a line from a pipe, the original's commands too", async () => {
  for (const id of [1, 2, 3]) await cluster.act("restart", `${id}`);
  const words = ["client", "--data", cluster.folder];
  const ran = await run(words, '(Set "boat" "rusty")\nget boat\n(Get . "boat")\n(Delete "boat")\n');
  expect(ran.exit).toBe(0);
  expect(ran.stdout).toContain("rusty");
  expect((await client("get", "boat")).exit).toBe(1);
});
