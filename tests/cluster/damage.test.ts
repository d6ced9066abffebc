/** Real nodes on files that were cut, overwritten and damaged while they were down. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { sameBytes } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import {
  buildExecutable,
  eventually,
  putText,
  RealCluster,
  run,
  textAt,
} from "../harness/real-cluster.ts";

const keys = 40;
const victim = 2;

let cluster: RealCluster;
let client: ClusterClient;
const random = seededRandom(20_260);

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 5, basePort: 17_330, flags: ["--no-repair"] });
  client = await cluster.client();
  for (let at = 0; at < keys; at++) await putText(client, `key-${at}`, `value-${at}`);
});

afterAll(async () => {
  client?.close();
  await cluster?.destroy();
});

/** Stops the victim, changes its file, starts it again. */
async function restartOn(change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  await cluster.act("stop", `${victim}`);
  const file = cluster.file(victim);
  writeFileSync(file, change(new Uint8Array(readFileSync(file))));
  await cluster.act("restart", `${victim}`);
}

const caughtUp = (): Promise<string> =>
  eventually("the node catches up", async () => {
    const { nodes } = await cluster.status();
    const applied = new Set(nodes.map((node) => (node.reachable ? node.applied : -1)));
    return applied.size === 1 && !applied.has(-1) ? "yes" : null;
  });

const log = (): Promise<string> => Bun.file(`${cluster.folder}/node${victim}.txt`).text();

describe("the last bytes of a node's log", () => {
  const ways = [
    { name: "cut off", change: (bytes: Uint8Array, count: number) => bytes.slice(0, -count) },
    {
      name: "replaced by zeros",
      change: (bytes: Uint8Array, count: number) => bytes.fill(0, bytes.length - count),
    },
    {
      name: "replaced by noise",
      change: (bytes: Uint8Array, count: number) => {
        for (let at = bytes.length - count; at < bytes.length; at++) bytes[at] = random.below(256);
        return bytes;
      },
    },
  ];
  for (const { name, change } of ways) {
    for (const count of [1, 17, 60]) {
      test(`${count} of them ${name}: the node starts, says what it cut, and catches up`, async () => {
        const before = (await log()).length;
        let changed = "no";
        await restartOn((bytes) => {
          const result = change(new Uint8Array(bytes), count);
          // A zero over a zero is no change, and nothing to be cut.
          if (!sameBytes(result, bytes)) changed = "yes";
          return result;
        });
        await caughtUp();
        const said = /cut \d+ bytes of an unfinished write off node2\.log/;
        if (changed === "yes") expect((await log()).slice(before)).toMatch(said);
        expect((await run(["inspect", "--verify", cluster.file(victim)])).exit).toBe(0);
      });
    }
  }
});

test("one bit flipped in the middle, and no repair: the node refuses with exit 6 and the offset, the other four go on", async () => {
  let damagedAt = 0;
  await restartOn((bytes) => {
    damagedAt = Math.floor(bytes.length / 2);
    bytes[damagedAt] = bytes[damagedAt]! ^ 4;
    return bytes;
  });
  const said = await eventually(
    "the node has refused",
    async () => /error\[log-damaged\][\s\S]*exit 6/.exec(await log())?.[0] ?? null,
  );
  const offset = Number(/byte (\d+)/.exec(said)?.[1]);
  expect(offset).toBeLessThanOrEqual(damagedAt);
  expect(offset).toBeGreaterThan(damagedAt - 400);
  const verified = await run(["inspect", "--verify", cluster.file(victim)]);
  expect(verified.exit).toBe(6);
  expect(verified.stdout + verified.stderr).toContain(`byte ${offset}`);
  await putText(client, "after", "the damage");
  expect(await textAt(client, "after")).toBe("the damage");
  for (let at = 0; at < keys; at++) expect(await textAt(client, `key-${at}`)).toBe(`value-${at}`);
});
