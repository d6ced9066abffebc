/** `inspect --diff`: what is a difference, what is a tail, and what Raft would never allow. */
import { describe, expect, test } from "bun:test";
import { formName } from "../../../src/sexp/query.ts";
import { readAll } from "../../../src/sexp/read.ts";
import { Folder, inspect, put, register, Scribe } from "./inspect-support.ts";

/** Five entries in term 1, all known to be committed. */
const common = (node: number): Scribe =>
  new Scribe(node)
    .enter(1)
    .write(["leader", register, put("a", "1"), put("b", "2"), put("c", "3")])
    .know();

async function diff(a: Scribe, b: Scribe) {
  using folder = Folder.of(a, b);
  const files = [`data/node${a.node}.log`, "--diff", `data/node${b.node}.log`];
  const { exit, stdout } = await inspect(folder, [...files, "--json"]);
  const text = await inspect(folder, files);
  const sexpr = await inspect(folder, [...files, "--sexpr"]);
  expect(readAll(sexpr.stdout).map(formName)).toEqual(["diff"]);
  expect([text.exit, sexpr.exit]).toEqual([exit, exit]);
  return { exit, text: text.stdout, stderr: text.stderr, ...JSON.parse(stdout) };
}

describe("no difference", () => {
  test("the same entries, however they were batched, voted for and restarted", async () => {
    const other = new Scribe(2).enter(1, 2).hear(1, 9).write(["leader"]).write([register]);
    other
      .restart()
      .enter(1, 2)
      .write([put("a", "1"), put("b", "2")])
      .write([put("c", "3")]);
    expect(await diff(common(1), other)).toMatchObject({
      exit: 0,
      verdict: "same",
      agree: { from: 1, to: 5 },
      difference: null,
    });
  });

  test("a longer tail, and it is said whose", async () => {
    const longer = common(2).write([put("d", "4"), put("e", "5")]);
    const result = await diff(common(1), longer);
    expect(result).toMatchObject({ exit: 0, verdict: "tail", agree: { from: 1, to: 5 } });
    expect(result.text).toContain("data/node2.log goes on to entry 7; that is no difference");
    expect((await diff(longer, common(1))).exit).toBe(0);
  });

  test("entries that one of them wrote and then replaced", async () => {
    const other = common(2)
      .write([put("x", "9")])
      .enter(3)
      .write(["leader"], 6);
    const one = common(1).enter(3).write(["leader"]);
    expect(await diff(one, other)).toMatchObject({ exit: 0, verdict: "same" });
  });

  test("logs in several files", async () => {
    const fill = (node: number, segmentBytesMax: number): Scribe => {
      const scribe = new Scribe(node, { segmentBytesMax }).enter(1).write(["leader", register]);
      for (let n = 0; n < 20; n++) scribe.write([put(`k${n}`, "v".repeat(500))]).know();
      return scribe;
    };
    const result = await diff(fill(1, 4096), fill(2, 1 << 20));
    expect(result).toMatchObject({ exit: 0, verdict: "same", agree: { from: 1, to: 22 } });
  });
});

describe("a difference", () => {
  test("beyond what both know to be committed is a tail that will be replaced", async () => {
    const stale = common(1).write([put("d", "stale")]);
    const fresh = common(2)
      .enter(2)
      .write(["leader", put("d", "fresh")])
      .know();
    const result = await diff(stale, fresh);
    expect(result).toMatchObject({
      exit: 0,
      verdict: "tail",
      agree: { from: 1, to: 5 },
      difference: { index: 6, by: "term", a: { term: 1, value: "stale" }, b: { term: 2 } },
    });
    expect(result.text).toContain("entry 6 differs by its term");
  });

  test("in what both know to be committed is exit 1", async () => {
    const one = common(1)
      .write([put("d", "one")])
      .know();
    const other = common(2).enter(2).write(["leader"]).know();
    expect(await diff(one, other)).toMatchObject({
      exit: 1,
      verdict: "contradiction",
      difference: { index: 6, by: "term" },
    });
  });

  test("at the last entry that the shorter commit covers counts, one beyond does not", async () => {
    const one = common(1)
      .write([put("d", "one"), put("e", "one")])
      .know(6);
    const other = (common2: Scribe) => common2.enter(2).write(["leader", put("e", "x")]);
    expect((await diff(one, other(common(2)).know(6))).exit).toBe(1);
    expect((await diff(one, other(common(2)).know(5))).exit).toBe(0);
  });

  test("between entries of one index and one term is never allowed", async () => {
    const one = common(1).write([put("d", "one")]);
    const other = common(2).write([put("d", "two")]);
    const result = await diff(one, other);
    expect(result).toMatchObject({ exit: 1, verdict: "contradiction" });
    expect(result.difference).toMatchObject({ index: 6, by: "content" });
    expect(result.text).toContain("an index and a term name one entry for ever");
  });

  test("is the first one: what follows it is not looked at", async () => {
    const one = common(1).write([put("d", "one"), put("e", "one")]);
    const other = common(2)
      .enter(2)
      .write([put("d", "two"), put("e", "two")]);
    expect((await diff(one, other)).difference.index).toBe(6);
  });
});

test("logs of two clusters are compared, and that they are is said", async () => {
  const other = new Scribe(2, { cluster: 0xbad }).enter(1).write(["leader"]);
  const { stderr } = await diff(common(1), other);
  expect(stderr).toContain("these are logs of two clusters: 0000000004d2 and 000000000bad");
});
