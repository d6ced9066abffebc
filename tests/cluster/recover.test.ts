/** A cluster of which two of three nodes are gone for good, with real processes: said first, then made anew. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildExecutable, eventually, RealCluster, run } from "../harness/real-cluster.ts";

let old: RealCluster;
const folder = mkdtempSync(join(tmpdir(), "rusty-boat-recover-"));
const out = join(folder, "recovered");
const keys = 200;

beforeAll(async () => {
  await buildExecutable();
  old = await RealCluster.up({ size: 3, basePort: 17_660 });
  const puts = Array.from({ length: keys }, (_, at) => `put key-${at} value-${at}\n`).join("");
  const { exit } = await run(["client", "--data", old.folder], puts);
  expect(exit).toBe(0);
  await eventually("all nodes have it all", async () => {
    const { nodes } = await old.status();
    return new Set(nodes.map(({ applied }) => applied)).size === 1 ? "yes" : null;
  });
});

afterAll(async () => {
  await old?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const recover = (...words: readonly string[]) =>
  run(["cluster", "recover", "--data", old.folder, ...words]);

test("a cluster that runs is not recovered", async () => {
  const { exit, stderr } = await recover("--dry-run");
  expect(exit).toBe(7);
  expect(stderr).toContain("error[folder-locked]");
});

test("what may be lost is said first, and nothing is made without it", async () => {
  await old.interrupt();
  for (const id of [1, 3]) rmSync(old.file(id));
  const before = readFileSync(old.file(2), "hex");
  expect((await recover("--out", out)).exit).toBe(2);
  const { exit, stdout } = await recover("--dry-run", "--json");
  expect(exit).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    from: 2,
    majority: "missing",
    cluster: null,
  });
  const text = (await recover("--dry-run")).stdout;
  expect(text).toContain("lost?   writes behind entry ");
  expect(text).toContain("--from 2 --out recovered");
  expect(existsSync(out)).toBe(false);
  expect(readFileSync(old.file(2), "hex")).toBe(before);
});

test("the new cluster has all that was left, and goes on", async () => {
  const { exit, stdout } = await recover("--from", "2", "--out", out, "--json");
  expect(exit).toBe(0);
  const made = JSON.parse(stdout);
  expect(made.nodes).toEqual([1, 2, 3]);
  expect(readdirSync(out).filter((name) => name.endsWith(".log"))).toHaveLength(3);
  expect((await recover("--from", "2", "--out", out)).exit).toBe(2);
  const anew = await RealCluster.up({ size: 3, basePort: 17_660, folder: out });
  try {
    expect(anew.clusterId).not.toBe(old.clusterId);
    const listed = await run(["client", "ls", "key-", "--values", "--json", "--data", out]);
    expect(JSON.parse(listed.stdout).items).toHaveLength(keys);
    expect((await run(["client", "put", "after", "all", "--data", out])).exit).toBe(0);
    const leader = await anew.leader();
    await anew.act("kill", `${leader}`);
    await anew.leader(leader);
    expect((await run(["client", "get", "after", "--data", out])).stdout).toBe("all");
  } finally {
    await anew.interrupt();
  }
});

test("a damaged log gives what can be read of it, through a repair copy", async () => {
  const bytes = readFileSync(old.file(2));
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 4;
  const damaged = join(folder, "damaged");
  const saved = join(folder, "saved");
  expect((await run(["inspect", old.file(2), "--repair-copy", damaged])).exit).toBe(0);
  writeFileSync(join(damaged, "node2.log"), bytes);
  const refused = await run(["cluster", "recover", "--dry-run", "--data", damaged]);
  expect(refused.exit).toBe(6);
  expect((await run(["inspect", join(damaged, "node2.log"), "--repair-copy", saved])).exit).toBe(0);
  const words = ["cluster", "recover", "--data", saved];
  const [plan] = [JSON.parse((await run([...words, "--dry-run", "--json"])).stdout)];
  expect(plan.last.index).toBeGreaterThan(10);
  const half = join(folder, "half");
  expect((await run([...words, "--from", "2", "--nodes", "1", "--out", half])).exit).toBe(0);
  const single = await RealCluster.up({ size: 1, basePort: 17_670, folder: half });
  try {
    const { stdout } = await run(["client", "get", "key-0", "--data", half]);
    expect(stdout).toBe("value-0");
  } finally {
    await single.destroy();
  }
});
