/** `incr`, `mput` and `txn` as they are typed and as they answer: the shapes of docs/cli.md. */
import { describe, expect, test } from "bun:test";
import { client, FakeCluster } from "./client-support.ts";

async function holding(pairs: Readonly<Record<string, string>>): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  for (const [key, value] of Object.entries(pairs)) await client(["put", key, value], { cluster });
  return cluster;
}

describe("incr", () => {
  test("says what the key holds now, in three notations", async () => {
    const cluster = new FakeCluster();
    const text = await client(["incr", "visits"], { cluster });
    expect(text.stdout).toBe("ok  visits = 1  (index 2, term 3, 1.9 ms)\n");
    const json = await client(["incr", "visits", "5", "--json"], { cluster });
    expect(json.stdout).toBe('{"ok":true,"key":"visits","value":6,"index":3,"term":3,"ms":1.9}\n');
    const sexpr = await client(["incr", "visits", "-7", "--sexpr"], { cluster });
    expect(sexpr.stdout).toBe('(incr-ok (key "visits") (value -1) (index 4) (term 3))\n');
  });

  test("of what is no number is an honest no", async () => {
    const cluster = await holding({ color: "blue", most: "9007199254740991" });
    const { exit, error } = await client(["incr", "color", "--json"], { cluster });
    expect({ exit, error }).toMatchObject({
      exit: 1,
      error: { code: "not-an-integer", applied: "no" },
    });
    const over = await client(["incr", "most", "--json"], { cluster });
    expect(over.error).toMatchObject({ code: "out-of-range", exit: 1 });
  });

  test("takes whole numbers only", async () => {
    for (const by of ["1.5", "many", "281474976710656", ""]) {
      expect((await client(["incr", "k", by])).exit).toBe(2);
    }
  });
});

describe("mput", () => {
  test("writes all keys at one index", async () => {
    const cluster = new FakeCluster();
    const { stdout } = await client(["mput", "a", "1", "b", "2"], { cluster });
    expect(stdout).toBe("ok  then  (index 2, term 3, 1.9 ms)\n    a = 1\n    b = 2\n");
    expect((await client(["get", "b", "--rev"], { cluster })).stdout).toBe("2\n");
  });

  test("wants a value for each key, and at least one", async () => {
    expect((await client(["mput", "a", "1", "b"])).exit).toBe(2);
    expect((await client(["mput"])).exit).toBe(2);
  });

  test("names its request where the answer is lost, and happens once", async () => {
    const cluster = new FakeCluster();
    cluster.manner = "loses-answers";
    const lost = await client(["mput", "a", "1", "b", "two words", "--json"], { cluster });
    expect(lost.exit).toBe(5);
    expect(lost.error["fix"]).toContain(
      "rusty-boat client mput a 1 b 'two words' --request-id 1-1",
    );
    const again = await client(["mput", "a", "1", "b", "two words", "--request-id", "1-1"], {
      cluster,
    });
    expect(again.stdout).toContain("by an earlier try of 1-1");
    const outcome = await client(["outcome", "1-1"], { cluster });
    expect(outcome).toMatchObject({ exit: 0, stdout: "1-1 happened, at index 2\n" });
  });
});

describe("txn", () => {
  const swap = '(if (= (rev "k") 2) (put "k" "new") (get "k"))';

  test("shows the branch that was taken, step by step", async () => {
    const cluster = await holding({ k: "old" });
    const first = await client(["txn", swap], { cluster });
    expect(first).toMatchObject({
      exit: 0,
      stdout: "ok  then  (index 3, term 3, 1.9 ms)\n    k = new\n",
    });
    const second = await client(["txn", swap], { cluster });
    expect(second).toMatchObject({
      exit: 0,
      stdout: "ok  else  (index 4, term 3, 1.9 ms)\n    k = new  (revision 3)\n",
    });
  });

  test("has JSON and s-expressions that name each step", async () => {
    const cluster = await holding({ k: "v" });
    const all = '(do (get "k") (get "none") (put "a" "1") (incr "n") (delete "k"))';
    const json = await client(["txn", all, "--json"], { cluster });
    expect(JSON.parse(json.stdout)).toEqual({
      ok: true,
      branch: "then",
      answers: [
        { op: "get", key: "k", value: "v", rev: 2 },
        { op: "get", key: "none", value: null },
        { op: "put", key: "a", index: 3 },
        { op: "incr", key: "n", value: 1, index: 3 },
        { op: "delete", key: "k", index: 3 },
      ],
      index: 3,
      term: 3,
      ms: 1.9,
    });
    const sexpr = await client(["txn", all, "--sexpr"], { cluster });
    expect(sexpr.stdout).toBe(
      '(txn-ok (then (absent (key "k")) (absent (key "none")) (written (key "a")) ' +
        '(counted (key "n") (value 2)) (absent (key "k"))) (index 4) (term 3))\n',
    );
  });

  test("whose comparison fails, and that says nothing else, is an honest no", async () => {
    const alone = await client(["txn", '(if (exists "k") (delete "k"))', "--json"]);
    expect(alone.exit).toBe(1);
    expect(alone.error).toMatchObject({ code: "compare-failed", applied: "no" });
  });

  test("of which a step is refused names the step, and did nothing", async () => {
    const cluster = await holding({ color: "blue" });
    const { error } = await client(["txn", '(do (put "a" "1") (incr "color"))', "--json"], {
      cluster,
    });
    expect(error).toMatchObject({ code: "not-an-integer", exit: 1 });
    expect(error["why"]).toStartWith("step 2: ");
    expect((await client(["get", "a"], { cluster })).exit).toBe(1);
  });

  test("takes a single step, and nothing that is none", async () => {
    expect((await client(["txn", '(put "k" "v")'])).exit).toBe(0);
    for (const wrong of ["(", "(list)", "(if)", '(put "k" "v" (if-absent))', "k"]) {
      expect((await client(["txn", wrong])).exit).toBe(2);
    }
  });

  test("is typed as it is at the prompt and in a pipe, on one line or several", async () => {
    const cluster = new FakeCluster();
    const stdin =
      '(do (put "a" "1")\n    (put "b" "2"))\n(if (exists "a") (incr "a"))\nmput c 3 d 4\nincr a 5\n';
    const { exit, stdout } = await client([], { cluster, stdin });
    expect(exit).toBe(0);
    expect(stdout).toContain("    a = 1\n    b = 2\n");
    expect(stdout).toContain("ok  a = 7  ");
  });
});
