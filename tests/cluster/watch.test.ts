/**
 * Watches of real nodes, under load, while their leaders are killed and their logs compacted: each change is told
 * exactly once and in order, to a watch in this process and to one of the executable. How many writes:
 * RUSTY_BOAT_TEST_WRITES.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { type LogIndex, logIndex, nodeId } from "../../src/base/numbers.ts";
import type { RequestId } from "../../src/client/request.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import { WatchStream } from "../../src/runtime/watch.ts";
import {
  ask,
  buildExecutable,
  eventually,
  executable,
  keyOf,
  RealCluster,
  run,
} from "../harness/real-cluster.ts";

const size = 5;
const basePort = 17_410;
const kills = 5;
const writers = 64;
const writes = Number(process.env["RUSTY_BOAT_TEST_WRITES"] ?? 200_000);

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  const flags = [`--snapshot-every=${writes / 5}`];
  cluster = await RealCluster.up({ size, basePort, flags });
});

afterAll(() => cluster?.destroy());

type Written = { readonly key: string; readonly value: string };

/** What was acknowledged, by its place in the log. */
type Truth = Map<LogIndex, Written>;

/** One write after the other, each pursued under its name until its place is known. */
async function write(
  client: ClusterClient,
  next: () => number | null,
  truth: Truth,
): Promise<void> {
  for (let number = next(); number !== null; number = next()) {
    const written = { key: `w-${number % 500}`, value: `${number}` };
    const put = { kind: "put", key: keyOf(written.key), value: utf8(written.value) } as const;
    let again: RequestId | null = null;
    for (;;) {
      const operation = { ...put, condition: { kind: "always" } } as const;
      const result = await ask(client, operation, { withinMs: 5000, again });
      if (result.kind === "unknown") again = result.requestId;
      if (result.kind !== "committed" || result.reply.kind !== "written") continue;
      truth.set(result.reply.index, written);
      break;
    }
  }
}

type Told = { readonly index: number; readonly key: string; readonly value: string | null };

async function follow(stream: WatchStream, told: Told[]): Promise<void> {
  for (;;) {
    const delivery = await stream.next(60_000);
    if (delivery.kind !== "events") return;
    for (const { index, key, value } of delivery.events) {
      told.push({ index, key, value: value === null ? null : textOf(value) });
    }
  }
}

test(`${writes} writes over ${kills} leader kills are each told once and in order`, async () => {
  const client = await cluster.client();
  const nodes = Array.from({ length: size }, (_, at) => ({
    id: nodeId(at + 1),
    address: { host: "127.0.0.1", port: basePort + at },
  }));
  const target = { nodes, cluster: cluster.clusterId, keys: noKeys, datagramBytesMax: 60_000 };
  const stream = await WatchStream.open(target, { prefix: keyOf("w-"), from: logIndex(1) });
  const told: Told[] = [];
  const following = follow(stream, told);
  const words = ["client", "watch", "w-", "--from", "1", "--json", "--count", `${writes}`];
  const other = Bun.spawn([executable, ...words, "--data", cluster.folder], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  });
  const lines = other.stdout.text();

  const truth: Truth = new Map();
  let begun = 0;
  const next = (): number | null => (begun < writes ? begun++ : null);
  const began = performance.now();
  const work = Array.from({ length: writers }, () => write(client, next, truth));
  for (let kill = 1; kill <= kills; kill++) {
    const due = (writes * kill) / (kills + 1);
    await eventually("writes go on", () => (truth.size >= due ? "yes" : null), 60_000);
    const leader = await cluster.leader();
    process.kill(await cluster.pid(leader), "SIGKILL");
    await cluster.leader(leader);
    expect((await cluster.act("restart", `${leader}`)).exit).toBe(0);
  }
  await Promise.all(work);
  const seconds = (performance.now() - began) / 1000;
  await eventually("everything is told", () => (told.length >= writes ? "yes" : null), 30_000);
  stream.close();
  await following;
  client.close();

  const expected = [...truth].sort(([a], [b]) => a - b).map(([index, one]) => ({ index, ...one }));
  expect(expected).toHaveLength(writes);
  expect(told).toEqual(expected);
  expect(await other.exited).toBe(0);
  const printed = (await lines)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind !== "progress");
  // Between the changes stand marks of how far it has come.
  expect(printed.map(({ index, key, value }) => ({ index, key, value }))).toEqual(expected);
  // Who asks for the beginning now is told that it is gone, and where the log begins.
  const wish = ["watch", "w-", "--from", "1", "--count", "1"];
  const late = await run(["client", ...wish, "--data", cluster.folder]);
  expect(late.exit).toBe(1);
  const [, first] = /the log was compacted; the first entry .* is (\d+)/.exec(late.stderr) ?? [];
  expect(Number(first)).toBeGreaterThan(writes / 5);
  process.stdout.write(
    `  ${writes} writes in ${seconds.toFixed(1)} s over ${kills} leader kills: ${told.length} changes told ` +
      `once and in order; ${JSON.stringify(stream.counters)}\n`,
  );
});
