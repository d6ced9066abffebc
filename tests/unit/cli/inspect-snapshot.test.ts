/** `inspect` on logs whose beginning is a snapshot, and on the snapshot itself. */
import { describe, expect, test } from "bun:test";
import { Folder, inspect, jsonOf, lines, put, register, Scribe, small } from "./inspect-support.ts";

const snap = (index: number): string => `data/node1.${`${index}`.padStart(15, "0")}.snap`;

/** Thirty keys in several files; a snapshot of the first 22 entries; eight more writes behind it. */
function shortened(): Scribe {
  const scribe = new Scribe(1, small).enter(1).write(["leader", register]).know();
  const write = (n: number): void => {
    scribe.write([put(`k${n % 10}`, `${n}`.repeat(200))]).know();
  };
  for (let n = 0; n < 20; n++) write(n);
  scribe.snapshot();
  for (let n = 20; n < 28; n++) write(n);
  return scribe;
}

describe("a log whose beginning is a snapshot", () => {
  test("has a state at the snapshot's entry and at every one behind it, and at none before", async () => {
    using folder = Folder.of(shortened());
    for (const index of [22, 23, 30]) {
      const [state] = await jsonOf(folder, "data/node1.log", "--at", `${index}`);
      expect([state.index, state.keys.length, state.sessions.length]).toEqual([index, 10, 1]);
      const last = state.keys.find(({ key }: never) => key === `k${(index - 3) % 10}`);
      expect(last).toMatchObject({ rev: index, value: `${index - 3}`.repeat(200) });
    }
    const early = await inspect(folder, ["data/node1.log", "--at", "21"]);
    expect(early.exit).toBe(6);
    expect(early.stderr).toContain("begins with entry 22");
  });

  test("is summed up with the store that it amounts to", async () => {
    using folder = Folder.of(shortened());
    const [summary] = await jsonOf(folder, "data/node1.log", "--summary");
    expect(summary.first).toBeGreaterThan(1);
    expect(summary.store).toEqual({ index: 30, keys: 10, sessions: 1 });
    expect(summary.records.snapshot.count).toBe(1);
  });

  test("is right only with its snapshot", async () => {
    const scribe = shortened();
    using folder = Folder.of(scribe);
    expect(await inspect(folder, ["data/node1.log", "--verify"])).toMatchObject({ exit: 0 });
    const name = snap(22).slice("data/".length);
    scribe.disk.truncate(name, scribe.disk.size(name) - 8);
    using shorter = Folder.of(scribe);
    const refused = await inspect(shorter, ["data/node1.log", "--verify"]);
    expect([refused.exit, refused.stdout.slice(0, 7)]).toEqual([6, "refused"]);
    expect(refused.stderr).toContain("snapshot-damaged");
    scribe.disk.remove(name);
    using without = Folder.of(scribe);
    const missing = await inspect(without, ["data/node1.log", "--verify"]);
    expect([missing.exit, missing.stderr.includes("is missing")]).toEqual([6, true]);
    const blind = await inspect(without, ["data/node1.log", "--at", "30"]);
    expect(blind.exit).toBe(6);
  });

  test("shows the record among the others", async () => {
    using folder = Folder.of(shortened());
    const shown = await jsonOf(folder, "data/node1.log", "--kind", "snapshot");
    const named = shown.map((record: { snapshot: { index: number } }) => record.snapshot.index);
    expect(named).toEqual(named.length === 0 ? [] : [22]);
  });
});

describe("a snapshot by itself", () => {
  test("is listed block by block", async () => {
    using folder = Folder.of(shortened());
    const { stdout, exit } = await inspect(folder, [snap(22)]);
    expect(exit).toBe(0);
    expect(lines(stdout).map((line) => line.split(" ")[0])).toEqual([
      "(snapshot",
      "(keys",
      "(sessions",
      "(end",
    ]);
    expect(lines(stdout)[0]).toContain('(cluster "0000000004d2") (last 22 1) (time 1022)');
  });

  test("is verified, summed up, and shown as a state at its own entry", async () => {
    using folder = Folder.of(shortened());
    expect((await inspect(folder, [snap(22), "--verify"])).stdout).toContain("right");
    const [summary] = await jsonOf(folder, snap(22), "--summary");
    expect(summary).toMatchObject({ last: { index: 22, term: 1 }, keys: 10, sessions: 1 });
    const fromLog = await inspect(folder, ["data/node1.log", "--at", "22"]);
    expect((await inspect(folder, [snap(22), "--at", "22"])).stdout).toBe(fromLog.stdout);
    expect((await inspect(folder, [snap(22), "--at", "23"])).exit).not.toBe(0);
    expect((await inspect(folder, [snap(22), "--follow"])).exit).toBe(2);
    expect((await inspect(folder, [snap(22), "data/node1.log"])).exit).toBe(2);
  });

  test("that is damaged says where, with exit 6", async () => {
    const scribe = shortened();
    const name = snap(22).slice("data/".length);
    const size = scribe.disk.size(name);
    const bytes = scribe.disk.read(name, 0, size);
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    scribe.disk.remove(name);
    scribe.disk.create(name, bytes);
    using folder = Folder.of(scribe);
    for (const words of [[], ["--verify"], ["--summary"], ["--at", "22"]]) {
      const { exit, stderr } = await inspect(folder, [snap(22), ...words]);
      expect([exit, stderr.includes("checksum")]).toEqual([6, true]);
    }
  });
});
