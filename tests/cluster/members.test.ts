/**
 * Three real nodes become five under load, two are lost and replaced, the leader is removed, and leadership is handed
 * back: nothing acknowledged is lost, no read goes back, and what many clients saw of shared keys is linearizable.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { must } from "../../src/base/assert.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Counters } from "../harness/counters.ts";
import { buildExecutable, eventually, RealCluster } from "../harness/real-cluster.ts";
import { SharedKeys } from "../harness/shared-keys.ts";

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_410 });
});

afterAll(() => cluster?.destroy());

type Outcome = {
  readonly node: number;
  readonly leader: number;
  readonly voters: readonly number[];
};

/** A command of `cluster` that must succeed, and what it says came of it. */
async function change(...words: readonly string[]): Promise<Outcome> {
  const ran = await cluster.act(...words, "--json");
  expect(ran.exit, `${words.join(" ")}: ${ran.stderr}`).toBe(0);
  return JSON.parse(ran.stdout);
}

test("the members change under load", async () => {
  const [client, sharer] = [await cluster.client(), await cluster.client()];
  const counters = new Counters(client, { writers: 6, readers: 3 });
  const shared = new SharedKeys({
    ...{ client: sharer, random: seededRandom(1), keys: 3, workers: 8 },
    ...{ withinMs: 400, restMsMax: 30 },
  });
  const gaps: string[] = [];
  /** Every step lets writes go on before the next, and says how long the longest wait for one was. */
  const step = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    counters.longestGapMs = 0;
    const result = await act();
    const before = counters.writes;
    await eventually(`writes go on after ${name}`, () =>
      counters.writes > before + 20 ? "yes" : null,
    );
    gaps.push(`${name} ${Math.round(counters.longestGapMs)} ms`);
    return result;
  };
  const home = await cluster.leader();

  await step("add", () => change("add"));
  const five = await step("add", () => change("add"));
  expect(five.voters).toEqual([1, 2, 3, 4, 5]);

  const [one, other] = five.voters.filter((id) => id !== home && id !== 5);
  const lost = [must(one, "a follower"), must(other, "another follower")];
  await step("kill two", async () => {
    for (const id of lost) await change("kill", `${id}`);
  });
  await step("replace", () => change("replace", `${lost[0]}`));
  const replaced = await step("replace", () => change("replace", `${lost[1]}`));
  expect(replaced.voters).toHaveLength(5);
  expect(replaced.voters).toEqual(expect.arrayContaining([5, 6, 7]));

  const leader = await cluster.leader();
  const removed = await step("remove the leader", () => change("remove", `${leader}`));
  expect(removed.voters).not.toContain(leader);
  expect(removed.voters).toHaveLength(4);

  const heir = must(
    removed.voters.find((id) => id !== removed.leader),
    "another voter",
  );
  await step("transfer", () => change("transfer", `${heir}`));
  const back = await step("transfer back", () => change("transfer", `${removed.leader}`));
  expect(back.leader).toBe(removed.leader);

  await counters.verify();
  expect(await shared.verdict()).toBe("linearizable");
  expect(shared.counts.committed).toBeGreaterThan(200);
  client.close();
  sharer.close();
  await eventually("all members hold and have applied the same log", async () => {
    const { nodes } = await cluster.status();
    return new Set(nodes.map(({ last, applied }) => `${last} ${applied}`)).size === 1
      ? "yes"
      : null;
  });
  process.stdout.write(
    `  ${counters.writes} writes, ${counters.reads} reads; longest wait for a write: ` +
      `${gaps.join(", ")}; on shared keys: ${JSON.stringify(shared.counts)}\n`,
  );
}, 120_000);

test("what was changed holds when all of them are stopped and started again", async () => {
  const before = await cluster.status();
  const ids = before.nodes.map(({ id }) => id);
  for (const id of ids) expect((await cluster.act("kill", `${id}`)).exit).toBe(0);
  for (const id of ids) expect((await cluster.act("restart", `${id}`)).exit).toBe(0);
  await cluster.leader();
  const { nodes } = await cluster.status();
  expect(nodes.map(({ id }) => id)).toEqual(ids);
});

test("a node that is started at another address says so, and is a member as before", async () => {
  const folder = cluster.folder;
  const [mover] = (await cluster.status()).nodes.filter(({ role }) => role !== "leader");
  const id = must(mover, "a follower").id;
  expect((await cluster.act("stop", `${id}`)).exit).toBe(0);
  const via = (await cluster.status()).nodes.filter((node) => node.id !== id);
  const moved = Bun.spawn(
    [
      ...cluster.executableWords,
      ...["node", `--id=${id}`, "--listen=127.0.0.1:17490", `--data=${folder}`],
      `--join=${via.map((node) => node.address).join(",")}`,
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  );
  try {
    await eventually("it has what the leader has, at its new address", async () => {
      const ran = await cluster.act("status", "--json", "--nodes", "127.0.0.1:17490");
      const { nodes, leader } = JSON.parse(ran.stdout === "" ? '{"nodes":[]}' : ran.stdout);
      const status = await cluster.status();
      const last = status.nodes.find((node) => node.id === status.leader)?.last;
      return leader !== undefined && nodes[0]?.last === last && nodes[0]?.id === id ? "yes" : null;
    });
  } finally {
    moved.kill("SIGTERM");
    await moved.exited;
  }
});
