/** `bun run linearizable`: one line per file, and an exit code for scripts. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const script = join(dirname(dirname(dirname(import.meta.dir))), "scripts", "linearizable.ts");
let folder: string;

const good = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\tnil\n";
const bad = good.replace(":ok\t:read\tnil", ":ok\t:read\t3");
const keys = '{:process 0, :type :invoke, :f :get, :key "k", :value nil}\n';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rusty-boat-linearizable-"));
  for (const [name, text] of Object.entries({ good, bad, keys, broken: `${good}hello\n` })) {
    writeFileSync(join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...words: readonly string[]): { exit: number; out: string; err: string } {
  const ran = Bun.spawnSync([process.execPath, script, ...words], { cwd: folder });
  return { exit: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() };
}

test("it says of each file what it is; exit 0 where all are linearizable, 1 where one is not", () => {
  expect(run("good", "keys")).toEqual({
    exit: 0,
    out: "good linearizable\nkeys linearizable\n",
    err: "",
  });
  const out = "good linearizable\nbad not-linearizable\nkeys linearizable\n";
  expect(run("good", "bad", "keys")).toEqual({ exit: 1, out, err: "" });
});

test("a file that makes no sense is named with its line, the others are still judged, and the exit is 2", () => {
  const { exit, out, err } = run("broken", "bad", "missing");
  expect({ exit, out }).toEqual({ exit: 2, out: "bad not-linearizable\n" });
  expect(err).toMatch(/^broken:3: .+\nmissing cannot be read: .+\n$/);
});

test("a model can be named, and a history of the other one is refused", () => {
  expect(run("--model", "register", "good").exit).toBe(0);
  expect(run("--model=kv", "keys").exit).toBe(0);
  expect(run("--model", "kv", "good")).toMatchObject({ exit: 2, out: "" });
});

test("on request it explains: the operation that finds no place", () => {
  const { exit, out } = run("--explain", "bad");
  expect(exit).toBe(1);
  expect(out).toContain('process 0: read "3", called at 1, returned at 2');
});

test.each([[[]], [["--model"]], [["--model", "set", "good"]], [["--what", "good"]]])(
  "words that make no sense are answered with the usage: %j",
  (words) => {
    const { exit, out, err } = run(...words);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toContain("usage: bun run linearizable");
  },
);
