/** What the verbs print, in three notations: the shapes of docs/cli.md. */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, term } from "../../../src/base/numbers.ts";
import { read } from "../../../src/sexp/read.ts";
import { client, FakeCluster } from "./client-support.ts";

/** A cluster that holds these, written by its first session. */
async function holding(pairs: Readonly<Record<string, string>>): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  for (const [key, value] of Object.entries(pairs)) await client(["put", key, value], { cluster });
  return cluster;
}

describe("put", () => {
  test("says what was written, where in the log, and how long it took", async () => {
    const { exit, stdout } = await client(["put", "color", "blue"]);
    expect(exit).toBe(0);
    expect(stdout).toBe("ok  color = blue  (index 2, term 3, 1.9 ms)\n");
  });

  test("has the contract's JSON and s-expression", async () => {
    const json = await client(["put", "color", "blue", "--json"]);
    expect(json.stdout).toBe('{"ok":true,"key":"color","index":2,"term":3,"ms":1.9}\n');
    const sexpr = await client(["put", "color", "blue", "--sexpr"]);
    expect(sexpr.stdout).toBe('(put-ok (key "color") (index 2) (term 3))\n');
  });

  test("takes words that look like flags for what they are", async () => {
    const cluster = new FakeCluster();
    await client(["put", "k", "-5"], { cluster });
    await client(["put", "--", "--help", "-"], { cluster });
    expect((await client(["get", "k"], { cluster })).stdout).toBe("-5");
    expect((await client(["get", "--", "--help"], { cluster })).stdout).toBe("-");
  });

  test("takes bytes from standard input as they are", async () => {
    const cluster = new FakeCluster();
    const bytes = new Uint8Array([0, 255, 10, 13, 10]);
    await client(["put", "k", "--stdin"], { cluster, stdin: bytes });
    expect((await client(["get", "k"], { cluster })).bytes).toEqual(bytes);
  });

  test("shows a long or unreadable value shortened, on one line", async () => {
    const long = await client(["put", "k", "x".repeat(5000)]);
    expect(long.stdout).toContain(`${"x".repeat(60)}… (5000 bytes)`);
    const odd = await client(["put", "k", "a\nb\u001b[2J"]);
    expect(odd.stdout).toStartWith("ok  k = ");
    expect(odd.stdout.split("\n")).toHaveLength(2);
    expect(odd.stdout).not.toContain("\u001b");
  });
});

describe("get", () => {
  test("prints the value alone, with a newline on a terminal only", async () => {
    const cluster = await holding({ color: "blue" });
    expect((await client(["get", "color"], { cluster })).stdout).toBe("blue");
    expect((await client(["get", "color"], { cluster, stdout: "terminal" })).stdout).toBe("blue\n");
  });

  test("has the contract's JSON, and bytes that are not UTF-8 in base 64", async () => {
    const cluster = await holding({ color: "blue" });
    const json = await client(["get", "color", "--json"], { cluster });
    expect(json.stdout).toBe('{"ok":true,"key":"color","value":"blue","rev":2}\n');
    await client(["put", "b", "--stdin"], { cluster, stdin: new Uint8Array([255, 0]) });
    const bytes = await client(["get", "b", "--json"], { cluster });
    expect(JSON.parse(bytes.stdout).value).toEqual({ b64: "/wA=" });
    const sexpr = await client(["get", "b", "--sexpr"], { cluster });
    expect(sexpr.stdout).toBe('(get-ok (key "b") (value #x"ff00") (rev 3))\n');
  });

  test("of an absent key prints nothing and exits 1", async () => {
    for (const format of [[], ["--json"], ["--sexpr"]]) {
      const { exit, stdout } = await client(["get", "nope", ...format]);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    }
  });

  test("--rev prints what put --if-rev takes", async () => {
    const cluster = await holding({ color: "blue" });
    const { stdout } = await client(["get", "color", "--rev"], { cluster });
    expect(stdout).toBe("2\n");
    const put = await client(["put", "color", "red", "--if-rev", stdout.trim()], { cluster });
    expect(put.exit).toBe(0);
  });

  test("asks as it was told: linearizable, stale, or through the log", async () => {
    const cluster = await holding({ k: "v" });
    const ways = [[], ["--any"], ["--stale"], ["--stale", "--max-staleness", "2s"], ["--logged"]];
    for (const flags of ways) await client(["get", "k", ...flags], { cluster });
    const asked = cluster.requests.slice(1);
    const consistencies = asked.map((request) => request.consistency);
    expect(consistencies).toEqual(["linearizable", "anywhere", "stale", "stale", "logged"]);
    expect(asked.map(({ ageMsMax }) => ageMsMax ?? null)).toEqual([null, null, null, 2000, null]);
    const both = await client(["get", "k", "--any", "--logged"], { cluster });
    expect(both.exit).toBe(2);
  });

  test("that is stale says how old it may be", async () => {
    const cluster = new FakeCluster();
    const committed = { index: logIndex(7), term: term(3), requestId: null } as const;
    const reply = { kind: "found", revision: logIndex(2), value: utf8("v") } as const;
    cluster.manner = () => ({
      ...{ kind: "committed", reply, ...committed },
      age: { kind: "at-most", ms: 35 },
    });
    const json = await client(["get", "k", "--stale", "--json"], { cluster });
    expect(JSON.parse(json.stdout)).toEqual({
      ...{ ok: true, key: "k", value: "v", rev: 2, maxAgeMs: 35 },
    });
    const sexpr = await client(["get", "k", "--stale", "--sexpr"], { cluster });
    expect(sexpr.stdout).toContain("(max-age-ms 35)");
    cluster.manner = () => ({
      ...{ kind: "committed", reply, ...committed },
      age: { kind: "unknown" },
    });
    const unknown = await client(["get", "k", "--stale", "--json"], { cluster });
    expect(JSON.parse(unknown.stdout).maxAgeMs).toBeNull();
  });

  test("cannot drive the terminal, and leaves a pipe its bytes", async () => {
    const cluster = await holding({ k: "a\u001b[2J\tb\nc" });
    const terminal = await client(["get", "k"], { cluster, stdout: "terminal" });
    expect(terminal.stdout).toBe("a\\x1b[2J\tb\nc\n");
    expect((await client(["get", "k"], { cluster })).bytes).toEqual(utf8("a\u001b[2J\tb\nc"));
  });
});

test("del and cas say what they did", async () => {
  const cluster = await holding({ color: "blue" });
  const cas = await client(["cas", "color", "blue", "red"], { cluster });
  expect(cas.stdout).toBe("ok  color = red, was blue  (index 3, term 3, 1.9 ms)\n");
  const del = await client(["del", "color", "--json"], { cluster });
  expect(del.stdout).toBe('{"ok":true,"key":"color","index":4,"term":3,"ms":1.9}\n');
  expect((await client(["del", "color"], { cluster })).exit).toBe(1);
});

describe("ls", () => {
  test("lists keys in order, one on a line, with their values on request", async () => {
    const cluster = await holding({ b: "2", a: "1", c: "3" });
    expect((await client(["ls"], { cluster })).stdout).toBe("a\nb\nc\n");
    const values = await client(["ls", "--values", "--limit", "2"], { cluster });
    expect(values.stdout).toBe("a = 1\nb = 2\n");
    const json = await client(["ls", "a", "--values", "--json"], { cluster });
    expect(JSON.parse(json.stdout)).toEqual({
      ok: true,
      prefix: "a",
      index: 4,
      items: [{ key: "a", rev: 3, value: "1" }],
      more: false,
    });
    const limited = await client(["ls", "--limit", "2", "--sexpr"], { cluster });
    expect(limited.stdout).toBe(
      '(ls-ok (prefix "") (index 4) (items (item (key "a") (rev 3)) (item (key "b") (rev 2))) (more yes))\n',
    );
  });

  test("of nothing is nothing, and no failure", async () => {
    expect(await client(["ls"])).toMatchObject({ exit: 0, stdout: "" });
  });

  test("goes on past one page, in text and in one object alike", async () => {
    const cluster = new FakeCluster();
    const script = Array.from({ length: 2345 }, (_, at) => `put key${at} v`).join("\n");
    await client([], { cluster, stdin: script });
    const text = await client(["ls"], { cluster });
    expect(text.stdout.trim().split("\n")).toHaveLength(2345);
    const json = await client(["ls", "--json"], { cluster });
    expect(JSON.parse(json.stdout).items).toHaveLength(2345);
    const limited = await client(["ls", "--limit", "1500"], { cluster });
    expect(limited.stdout.trim().split("\n")).toHaveLength(1500);
  });

  test("lists a range", async () => {
    const cluster = await holding({ a: "1", b: "2", c: "3", d: "4" });
    const ls = async (...words: string[]) =>
      (await client(["ls", ...words], { cluster })).stdout.split("\n").join("");
    expect(await ls("--from", "b")).toBe("bcd");
    expect(await ls("--to", "c")).toBe("ab");
    expect(await ls("--from", "b", "--to", "d")).toBe("bc");
    expect(await ls("c", "--from", "b")).toBe("c");
    expect(await ls("--from", "c", "--to", "b")).toBe("");
  });

  test("is of one moment, however much is written between its pages", async () => {
    const cluster = new FakeCluster();
    const script = Array.from({ length: 2500 }, (_, at) => `put key${at} v`).join("\n");
    await client([], { cluster, stdin: script });
    const calm = (await client(["ls"], { cluster })).stdout;
    const { submit } = cluster;
    let pages = 0;
    cluster.submit = (request, done) =>
      submit.call(cluster, request, (result) => {
        pages += 1;
        cluster.write("key9999", `${pages}`);
        cluster.remove("key1");
        cluster.write("key1999", "new");
        done(result);
      });
    const ran = await client(["ls"], { cluster });
    expect({ exit: ran.exit, pages }).toEqual({ exit: 0, pages: 3 });
    expect(ran.stdout).toBe(calm);
    const latest = await client(["ls", "--latest"], { cluster });
    expect(latest.stdout).toContain("key9999\n");
  });

  test("says so where the node does not keep that moment any more", async () => {
    const lose = (cluster: FakeCluster) => {
      cluster.store.views.open = [];
      cluster.write("key9999", "moved on");
    };
    const cluster = new FakeCluster();
    const script = Array.from({ length: 1500 }, (_, at) => `put key${at} v`).join("\n");
    await client([], { cluster, stdin: script });
    const { submit } = cluster;
    let pages = 0;
    cluster.submit = (request, done) =>
      submit.call(cluster, request, (result) => {
        pages += 1;
        lose(cluster);
        done(result);
      });
    const text = await client(["ls"], { cluster });
    expect(text.exit).toBe(1);
    expect(text.stdout.split("\n")).toHaveLength(1001);
    expect(text.stderr).toContain("error[view-lost]");
    pages = 0;
    // What is printed in one piece is begun again, and given up in the end.
    const json = await client(["ls", "--json"], { cluster });
    expect({ exit: json.exit, stdout: json.stdout, pages }).toEqual({
      exit: 1,
      stdout: "",
      pages: 6,
    });
    expect((await client(["ls", "--latest"], { cluster })).exit).toBe(0);
  });

  test("quotes keys that a line could not hold, so that each line is one key", async () => {
    const cluster = new FakeCluster();
    for (const key of ["plain", "with blank", "two\nlines", '"quoted"', '#x"00"', "esc\u001b[2J"]) {
      await client(["put", key, "v"], { cluster });
    }
    await client([], { cluster, stdin: '(put #x"ff" "v")' });
    const { stdout } = await client(["ls"], { cluster });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(7);
    expect(lines).toContain("with blank");
    expect(lines).toContain('"two\\nlines"');
    expect(lines).toContain('#x"ff"');
    expect(lines).toContain('"\\"quoted\\""');
    expect(lines).toContain('"#x\\"00\\""');
    expect(stdout).not.toContain("\u001b");
    // A line that begins with a quote or #x is an s-expression; every other is the key itself.
    for (const line of lines.filter((one) => /^("|#x")/.test(one))) {
      expect(() => read(line)).not.toThrow();
    }
  });
});

test("status shows the nodes and exits by what they say", async () => {
  const nothing = await client(["status", "--nodes", "127.0.0.1:9"], {
    status: [{ kind: "refused" }],
  });
  expect(nothing.exit).toBe(3);
  const alone = await client(["status", "--nodes", "127.0.0.1:9", "--json"], {
    status: [
      {
        kind: "answered",
        ms: 1,
        text:
          "(node 1 (role leader) (term 7) (leader 1) (commit 4) (log (first 1) (last 4)) " +
          "(members (voters 1)) (applied 4))",
      },
    ],
  });
  expect(alone.exit).toBe(0);
  expect(JSON.parse(alone.stdout)).toMatchObject({ leader: 1, term: 7, quorum: true });
});
