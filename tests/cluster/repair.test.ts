/** Real nodes whose logs are damaged in the middle while they are down: they fetch what is lost, and go on. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { must } from "../../src/base/assert.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import {
  buildExecutable,
  eventually,
  putText,
  RealCluster,
  run,
  textAt,
} from "../harness/real-cluster.ts";

const keys = 30;

let cluster: RealCluster;
let client: ClusterClient;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_360 });
  client = await cluster.client();
  for (let at = 0; at < keys; at++) await putText(client, `key-${at}`, `value-${at}`);
});

afterAll(async () => {
  client?.close();
  await cluster?.destroy();
});

/** Flips a bit in the record of the value, which is in the middle of the log. */
function damage(node: number, value: string): Uint8Array {
  const path = cluster.file(node);
  const bytes = readFileSync(path);
  const at = bytes.indexOf(value);
  expect(at).toBeGreaterThan(0);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(path, bytes);
  return bytes;
}

const log = (node: number): Promise<string> => Bun.file(`${cluster.folder}/node${node}.txt`).text();

const caughtUp = (): Promise<string> =>
  eventually("all have applied the same", async () => {
    const { nodes } = await cluster.status();
    const applied = new Set(nodes.map((node) => (node.reachable ? node.applied : -1)));
    return applied.size === 1 && !applied.has(-1) ? "yes" : null;
  });

async function sameLogs(): Promise<void> {
  const files = [1, 2, 3].map((node) => cluster.file(node));
  for (const other of files.slice(1)) {
    const { exit, stdout, stderr } = await run(["inspect", must(files[0], "n1"), "--diff", other]);
    expect(exit, stdout + stderr).toBe(0);
  }
  expect((await run(["inspect", "--verify", ...files])).exit).toBe(0);
}

test("a bit flipped in the middle of a stopped node's log: it says what is lost, and has it again", async () => {
  await cluster.act("stop", "2");
  await putText(client, "meanwhile", "the others go on");
  const damaged = damage(2, "value-7");
  await cluster.act("restart", "2");
  await caughtUp();
  const said = await log(2);
  expect(said).toMatch(/n2 found its journal damaged in node2\.log at byte \d+ \(\d+ bytes\)/);
  expect(said).toMatch(/n2 has repaired its journal.*entries fetched: \d+ from n[13]/);
  expect(readFileSync(`${cluster.file(2)}.damaged-1`)).toEqual(Buffer.from(damaged));
  await sameLogs();
  expect(await textAt(client, "key-7")).toBe("value-7");
}, 60_000);

test("two nodes of three damaged in different places, all of them stopped: they mend each other", async () => {
  for (const node of ["1", "2", "3"]) await cluster.act("stop", node);
  damage(1, "value-11");
  damage(3, "value-12");
  // Without node 2: what is lost on the one is nowhere but on the other.
  const starting = [cluster.act("restart", "1"), cluster.act("restart", "3")];
  await Promise.all(starting);
  await cluster.leader();
  expect(await textAt(client, "key-11")).toBe("value-11");
  expect(await textAt(client, "key-12")).toBe("value-12");
  await cluster.act("restart", "2");
  await caughtUp();
  expect(await log(1)).toContain("entries fetched: 1 from n3");
  expect(await log(3)).toContain("entries fetched: 1 from n1");
  await sameLogs();
}, 60_000);

test("the same entry damaged on every node: all refuse with exit 6, and name it", async () => {
  for (const node of ["1", "2", "3"]) await cluster.act("stop", node);
  for (const node of [1, 2, 3]) damage(node, "value-20");
  for (const node of ["1", "2", "3"]) void cluster.act("restart", node);
  for (const node of [1, 2, 3]) {
    const said = await eventually(
      `node ${node} has refused`,
      async () => /error\[no-good-copy\][\s\S]*exit 6/.exec(await log(node))?.[0] ?? null,
    );
    expect(said).toMatch(/no other node has a good copy of entry \d+: /);
    expect(said).toContain("has it damaged as well");
    expect(said).toContain(`rusty-boat cluster replace ${node}`);
    expect(existsSync(`${cluster.file(node)}.repaired`)).toBe(false);
  }
}, 60_000);
