/** `inspect --at`: the store at any index, against a model of it. */
import { describe, expect, test } from "bun:test";
import { print } from "../../../src/sexp/print.ts";
import { readAll } from "../../../src/sexp/read.ts";
import {
  type Body,
  Folder,
  inspect,
  jsonOf,
  lines,
  longLife,
  put,
  register,
  remove,
  Scribe,
  shortLife,
  small,
} from "./inspect-support.ts";

describe("the state at an index", () => {
  /** What the keys were, from the list of what was written: the model. */
  const model = (bodies: readonly Body[]): Map<string, string> => {
    const values = new Map<string, string>();
    for (const body of bodies) {
      if (body === "leader" || !("kind" in body)) continue;
      if (body.kind === "put") values.set(body.key, new TextDecoder().decode(body.value));
      if (body.kind === "delete") values.delete(body.key);
    }
    return values;
  };

  test("is what the entries up to it wrote, at every index and across rolls", async () => {
    const bodies: Body[] = ["leader", register];
    for (let n = 0; n < 30; n++) {
      bodies.push(n % 5 === 4 ? remove(`k${n % 7}`) : put(`k${n % 7}`, `${n}`.repeat(200)));
    }
    const scribe = new Scribe(1, small).enter(1);
    for (const body of bodies) scribe.write([body]).know();
    expect(scribe.disk.list().length).toBeGreaterThan(1);
    using folder = Folder.of(scribe);
    for (let index = 0; index <= bodies.length; index++) {
      const [state] = await jsonOf(folder, "data/node1.log", "--at", `${index}`);
      const expected = [...model(bodies.slice(0, index))].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(state.index).toBe(index);
      expect(state.keys.map((item: never) => [item["key"], item["value"]])).toEqual(expected);
    }
  });

  test("holds nothing of an entry that was replaced", async () => {
    using folder = Folder.of(shortLife());
    const [state] = await jsonOf(folder, "data/node1.log", "--at", "5");
    expect(state.keys).toEqual([
      { key: "color", rev: 3, value: "blue" },
      { key: "shape", rev: 4, value: "round" },
    ]);
  });

  test("shows the sessions with what they remember", async () => {
    using folder = Folder.of(shortLife());
    const [state] = await jsonOf(folder, "data/node1.log", "--at", "4");
    expect(state.sessions).toEqual([
      {
        id: 2,
        lastUsed: 1004,
        acknowledged: 1,
        replies: [
          { sequence: 1, reply: "(written (index 3))" },
          { sequence: 2, reply: "(written (index 4))" },
        ],
      },
    ]);
  });

  test("is the same bytes on every node, and one s-expression in both spellings", async () => {
    using folder = Folder.of(shortLife(1), shortLife(2));
    const one = await inspect(folder, ["data/node1.log", "--at", "6"]);
    const two = await inspect(folder, ["data/node2.log", "--at", "6"]);
    expect(one.stdout).toBe(two.stdout);
    const onOneLine = await inspect(folder, ["data/node1.log", "--at", "6", "--sexpr"]);
    expect(lines(onOneLine.stdout)).toHaveLength(1);
    expect(readAll(one.stdout)).toEqual(readAll(onOneLine.stdout));
    expect(print(readAll(one.stdout)[0]!)).toBe(lines(onOneLine.stdout)[0]!);
  });

  test("says when it is not known to be committed", async () => {
    using folder = Folder.of(shortLife());
    const known = await inspect(folder, ["data/node1.log", "--at", "6"]);
    expect(known.stderr).toBe("");
    const open = await inspect(folder, ["data/node1.log", "--at", "7"]);
    expect(open.exit).toBe(0);
    expect(open.stderr).toContain("entry 7 may still be replaced");
  });

  test("of one key is that key, and exit 1 where it is absent", async () => {
    using folder = Folder.of(shortLife().know());
    const found = await inspect(folder, [
      "data/node1.log",
      "--at",
      "3",
      "--key",
      "color",
      "--json",
    ]);
    expect(JSON.parse(found.stdout)).toEqual({
      index: 3,
      term: 1,
      time: 1003,
      hash: "7a136756",
      keys: [{ key: "color", rev: 3, value: "blue" }],
    });
    const absent = await inspect(folder, ["data/node1.log", "--at", "8", "--key", "shape"]);
    expect([absent.exit, absent.stderr]).toEqual([1, ""]);
    expect(readAll(absent.stdout)).toHaveLength(1);
  });

  test("beyond the last entry is an error that names it, exit 1", async () => {
    using folder = Folder.of(shortLife());
    const { exit, stderr } = await inspect(folder, ["data/node1.log", "--at", "9"]);
    expect(exit).toBe(1);
    expect(stderr).toContain("its last entry is 8");
  });

  test("cannot be built without the first entries, exit 6", async () => {
    using folder = Folder.of(longLife());
    const closed = [...new Bun.Glob("node1.0*.log").scanSync(folder.path)].sort();
    await Bun.file(folder.file(closed[0]!)).delete();
    const { exit, stderr } = await inspect(folder, ["data/node1.log", "--at", "30"]);
    expect(exit).toBe(6);
    expect(stderr).toContain("error[log-incomplete]");
  });
});
