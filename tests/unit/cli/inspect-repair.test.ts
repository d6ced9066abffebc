/** `inspect --repair-copy`: what it says and leaves behind. The copies themselves: journal/repair.test.ts. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Folder, inspect, jsonOf, longLife, shortLife } from "./inspect-support.ts";

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

test("copies what stands before the damage, says what is left out, and touches nothing", async () => {
  using folder = Folder.of(longLife());
  const closed = readdirSync(folder.path).sort()[0] ?? "";
  flip(folder.file(closed), 2000);
  const before = readdirSync(folder.path).map((name) => readFileSync(folder.file(name), "hex"));
  const { exit, stdout } = await inspect(folder, ["data/node1.log", "--repair-copy", "data/saved"]);
  expect(exit).toBe(0);
  expect(stdout).toStartWith("copied  data/node1.log -> data/saved/node1.log: 1 file, ");
  expect(stdout).toContain(`of data/${closed} from byte `);
  expect(stdout).toContain("because ");
  const after = readdirSync(folder.path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(folder.file(name), "hex"));
  expect(after).toEqual(before);
  expect((await inspect(folder, ["data/saved/node1.log", "--verify"])).exit).toBe(0);
  expect((await inspect(folder, ["data/node1.log", "--verify"])).exit).toBe(6);
});

test("names the last entry of the copy, and one that is known to be lost", async () => {
  using folder = Folder.of(longLife());
  const [, , ...rest] = readFileSync(folder.file("node1.log"));
  flip(folder.file("node1.log"), Math.floor(rest.length / 3));
  const [answer] = await jsonOf(folder, "data/node1.log", "--repair-copy", "data/saved");
  const [verified] = await jsonOf(folder, "data/saved/node1.log", "--verify");
  expect(answer).toMatchObject({ ok: true, last: verified.last, records: verified.records });
  expect(answer.committed).toBeGreaterThan(answer.last.index);
});

test("of a log that is right is all of it, and of an unfinished one all but its end", async () => {
  using folder = Folder.of(shortLife());
  const [right] = await jsonOf(folder, "data/node1.log", "--repair-copy", "data/right");
  expect(right).toMatchObject({ leftOut: [], why: null, committed: null });
  const bytes = readFileSync(folder.file("node1.log"));
  writeFileSync(folder.file("node1.log"), bytes.subarray(0, -5));
  const [cut] = await jsonOf(folder, "data/node1.log", "--repair-copy", "data/cut");
  expect(cut.leftOut).toHaveLength(1);
  expect((await inspect(folder, ["data/cut/node1.log", "--verify"])).exit).toBe(0);
});

test("goes nowhere where something is, and nowhere without a beginning", async () => {
  using folder = Folder.of(shortLife());
  const words = ["data/node1.log", "--repair-copy"];
  expect((await inspect(folder, [...words, "data"])).stderr).toContain("error[not-empty]");
  expect((await inspect(folder, [...words, "data/node1.log"])).exit).toBe(7);
  mkdirSync(folder.file("empty"));
  expect((await inspect(folder, [...words, "data/empty"])).exit).toBe(0);
  flip(folder.file("node1.log"), 20);
  const { exit, stderr } = await inspect(folder, [...words, "data/none"]);
  expect(exit).toBe(6);
  expect(stderr).toContain("error[nothing-readable]");
  expect(readdirSync(folder.path).sort()).toEqual(["empty", "node1.log"]);
});
