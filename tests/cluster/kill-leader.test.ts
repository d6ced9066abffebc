/**
 * Five real nodes under load, their leader killed ten times: nothing acknowledged is lost, no read goes back, and
 * what many clients saw of a few keys that they share is linearizable.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Counters } from "../harness/counters.ts";
import { buildExecutable, eventually, RealCluster } from "../harness/real-cluster.ts";
import { SharedKeys } from "../harness/shared-keys.ts";

const kills = 10;
const writers = 8;
const readers = 4;

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 5, basePort: 17_310 });
});

afterAll(() => cluster?.destroy());

test(`the leader is killed ${kills} times under load`, async () => {
  const client = await cluster.client();
  const counters = new Counters(client, { writers, readers });
  const sharer = await cluster.client();
  const shared = new SharedKeys({
    ...{ client: sharer, random: seededRandom(1), keys: 3, workers: 12 },
    ...{ withinMs: 400, restMsMax: 30 },
  });
  for (let kill = 0; kill < kills; kill++) {
    const leader = await cluster.leader();
    process.kill(await cluster.pid(leader), "SIGKILL");
    await cluster.leader(leader);
    const before = counters.writes;
    await eventually("writes go on", () => (counters.writes > before + 20 ? "yes" : null));
    expect((await cluster.act("restart", `${leader}`)).exit).toBe(0);
  }
  await counters.verify();
  expect(await shared.verdict()).toBe("linearizable");
  expect(shared.counts.committed).toBeGreaterThan(500);
  sharer.close();
  client.close();
  await eventually("all five hold and have applied the same log", async () => {
    const { nodes } = await cluster.status();
    return new Set(nodes.map(({ last, applied }) => `${last} ${applied}`)).size === 1
      ? "yes"
      : null;
  });
  process.stdout.write(
    `  ${counters.writes} writes, ${counters.reads} reads, ` +
      `longest wait for a write ${Math.round(counters.longestGapMs)} ms; ` +
      `on shared keys: ${JSON.stringify(shared.counts)}\n`,
  );
});
