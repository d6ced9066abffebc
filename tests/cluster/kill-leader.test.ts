/**
 * Five real nodes under load, their leader killed ten times: nothing acknowledged is lost, no read goes back, and
 * what many clients saw of a few keys that they share is linearizable.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { must } from "../../src/base/assert.ts";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { RequestId } from "../../src/client/request.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import { ask, buildExecutable, eventually, keyOf, RealCluster } from "../harness/real-cluster.ts";
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

/** What is known of one key: only its writer writes it, 1, 2, 3, … by compare-and-set. */
type Counter = { readonly key: string; asked: number; acknowledged: number; seen: number };

type Load = { state: "on" | "off"; longestGapMs: number; reads: number; writes: number };

/** Counts on, one step after the other; a step in doubt is sent again under its name until it is known. */
async function count(client: ClusterClient, counter: Counter, load: Load): Promise<void> {
  let doubtful: RequestId | null = null;
  let lastDone = performance.now();
  while (load.state === "on" || doubtful !== null) {
    const next = counter.acknowledged + 1;
    counter.asked = next;
    const { key } = counter;
    const step =
      next === 1
        ? ({ kind: "put", key, value: utf8("1"), condition: { kind: "absent" } } as const)
        : ({ kind: "cas", key, expected: utf8(`${next - 1}`), value: utf8(`${next}`) } as const);
    const result = await ask(client, step, { withinMs: 5000, again: doubtful });
    if (result.kind === "committed") {
      expect(result.reply.kind, `step ${next} takes effect once`).toBe("written");
      counter.acknowledged = next;
      doubtful = null;
      load.writes += 1;
      load.longestGapMs = Math.max(load.longestGapMs, performance.now() - lastDone);
      lastDone = performance.now();
    } else if (result.kind === "unknown") doubtful = result.requestId;
  }
}

/** Reads any counter: at least what was acknowledged or seen before, at most what was asked for. */
async function watch(
  client: ClusterClient,
  counters: readonly Counter[],
  load: Load,
): Promise<void> {
  for (let turn = 0; load.state === "on"; turn++) {
    const counter = must(counters[turn % counters.length], "a counter");
    const floor = Math.max(counter.acknowledged, counter.seen);
    const result = await ask(client, { kind: "get", key: counter.key }, { withinMs: 5000 });
    if (result.kind !== "committed") continue;
    const read = result.reply.kind === "found" ? Number(textOf(result.reply.value)) : 0;
    expect(read).toBeGreaterThanOrEqual(floor);
    expect(read).toBeLessThanOrEqual(counter.asked);
    counter.seen = Math.max(counter.seen, read);
    load.reads += 1;
  }
}

test(`the leader is killed ${kills} times under load`, async () => {
  const client = await cluster.client();
  const counters = Array.from(
    { length: writers },
    (_, at): Counter => ({
      ...{ key: keyOf(`counter-${at}`), asked: 0, acknowledged: 0, seen: 0 },
    }),
  );
  const load: Load = { state: "on", longestGapMs: 0, reads: 0, writes: 0 };
  const work = [
    ...counters.map((counter) => count(client, counter, load)),
    ...Array.from({ length: readers }, () => watch(client, counters, load)),
  ];
  const sharer = await cluster.client();
  const shared = new SharedKeys({
    ...{ client: sharer, random: seededRandom(1), keys: 3, workers: 12 },
    ...{ withinMs: 400, restMsMax: 30 },
  });
  for (let kill = 0; kill < kills; kill++) {
    const leader = await cluster.leader();
    process.kill(await cluster.pid(leader), "SIGKILL");
    await cluster.leader(leader);
    const before = load.writes;
    await eventually("writes go on", () => (load.writes > before + 20 ? "yes" : null));
    expect((await cluster.act("restart", `${leader}`)).exit).toBe(0);
  }
  load.state = "off";
  await Promise.all(work);
  expect(await shared.verdict()).toBe("linearizable");
  expect(shared.counts.committed).toBeGreaterThan(500);
  sharer.close();
  for (const { key, acknowledged } of counters) {
    const result = await ask(client, { kind: "get", key });
    expect(result).toMatchObject({
      kind: "committed",
      reply: { kind: "found", value: utf8(`${acknowledged}`) },
    });
  }
  client.close();
  await eventually("all five hold and have applied the same log", async () => {
    const { nodes } = await cluster.status();
    return new Set(nodes.map(({ last, applied }) => `${last} ${applied}`)).size === 1
      ? "yes"
      : null;
  });
  process.stdout.write(
    `  ${load.writes} writes, ${load.reads} reads, longest gap ${Math.round(load.longestGapMs)} ms; ` +
      `on shared keys: ${JSON.stringify(shared.counts)}\n`,
  );
});
