/**
 * The prompt: how its lines are read, what a pipe of commands does, what Tab offers, what is
 * remembered.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completions, wantedAt } from "../../../src/cli/client/complete.ts";
import { History, historyPath, limits } from "../../../src/cli/client/history.ts";
import { readLine } from "../../../src/cli/client/line.ts";
import { client, FakeCluster } from "./client-support.ts";

describe("a line", () => {
  const wordsOf = (text: string): readonly string[] => {
    const line = readLine(text);
    return line.kind === "words" ? line.words : [line.kind];
  };

  test.each([
    ["put color blue", ["put", "color", "blue"]],
    ["  get \t color  ", ["get", "color"]],
    [`put k "two words"`, ["put", "k", "two words"]],
    [`put k 'it "is"'`, ["put", "k", 'it "is"']],
    [`put k "a\\n\\"b\\" \\u{1f6a4}"`, ["put", "k", 'a\n"b" 🚤']],
    [`put k a'b'"c"`, ["put", "k", "abc"]],
    [`put k ""`, ["put", "k", ""]],
    ["put k a\\b", ["put", "k", "a\\b"]],
    ["put k #1", ["put", "k", "#1"]],
    ["rusty-boat client get k", ["get", "k"]],
    ["client get k", ["get", "k"]],
  ])("%s has the words %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test.each([
    ["", "nothing"],
    ["  # a comment", "nothing"],
    ["; another", "nothing"],
    [".help", "wish"],
    [".exit", "wish"],
    ["(get", "unfinished"],
    ['(put "k" "v', "unfinished"],
    ["(get)) ", "malformed"],
    ['put k "v', "malformed"],
    ["put k it's", "malformed"],
    ['put k "\\q"', "malformed"],
    ["(Noop)", "expression"],
  ])("%s is %s", (text, kind) => {
    expect(readLine(text).kind).toBe(kind as ReturnType<typeof readLine>["kind"]);
  });

  test("that cannot be read says where", () => {
    expect(readLine("put k 'v")).toEqual({
      kind: "malformed",
      why: "at column 7: the quote has no end",
    });
  });
});

describe("commands from a pipe", () => {
  test("run one a line, without a prompt, until the end", async () => {
    const stdin = `# colours
put color blue
(Set "size" "large")

get color
(Get . "size")
(get
  "color") ; over two lines
(Noop)
ls --values
.exit
put never reached
`;
    const cluster = new FakeCluster();
    const { exit, stdout, stderr } = await client([], { cluster, stdin });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe(
      `ok  color = blue  (index 2, term 3, 1.9 ms)
ok  size = large  (index 3, term 3, 1.9 ms)
blue
large
blue
ok  noop  (index 4, term 3, 1.9 ms)
color = blue
size = large
`,
    );
  });

  test("stop at the first failure, with its exit code", async () => {
    const cluster = new FakeCluster();
    const stdin = "put a 1\nget nope\nput b 2\n";
    const { exit, stderr } = await client([], { cluster, stdin });
    expect(exit).toBe(1);
    expect(stderr).toStartWith("error[no-such-key]");
    expect((await client(["get", "b"], { cluster })).exit).toBe(1);
  });

  test.each([
    ["gte k", "unknown-command"],
    ["get k --bogus", "unknown-flag"],
    ["put k", "missing-argument"],
    ["put k --stdin", "stdin-taken"],
    ['put k "v', "bad-line"],
    ["(get k)", "bad-expression"],
    ["(frobnicate)", "bad-expression"],
    ['(put "" "v")', "key-empty"],
    ["(get", "bad-line"],
    ["get k --nodes 10.0.0.1:7101", "unknown-flag"],
  ])("%s ends them with exit 2", async (line, code) => {
    const { exit, error } = await client(["--json"], { stdin: `put a 1\n${line}\n` });
    expect(exit).toBe(2);
    expect(error["code"]).toBe(code);
  });

  test("share one connection, and so one session, that is closed at the end", async () => {
    const cluster = new FakeCluster();
    const closedAfter: number[] = [];
    const close = () => closedAfter.push(cluster.requests.length);
    const stdin = "put a 1\nput b 2\ndel a\n";
    await client([], { cluster, stdin, connection: { close } });
    expect(closedAfter).toEqual([3]);
  });

  test("take the prompt's notation and timeout, or their own", async () => {
    const cluster = new FakeCluster();
    const stdin = "put k v\nget k\nget k --sexpr\nget k --timeout 9s\n";
    const { stdout } = await client(["--json", "--timeout", "7s"], { cluster, stdin });
    const lines = stdout.trim().split("\n");
    expect(lines[1]).toBe('{"ok":true,"key":"k","value":"v","rev":2}');
    expect(lines[2]).toBe('(get-ok (key "k") (value "v") (rev 2))');
    const spans = cluster.requests.map(({ deadline }) => Math.round(deadline / 1000));
    expect(spans).toEqual([7, 7, 7, 9]);
  });

  test("carry bytes as hex and text of any language, however the pipe cuts it", async () => {
    const cluster = new FakeCluster();
    const stdin = '(put #x"00ff" #x"fe")\nput schlüssel 漢字🚤\nget schlüssel';
    expect((await client([], { cluster, stdin })).stdout).toEndWith("漢字🚤\n");
    const json = await client(["--json"], { cluster, stdin: '(get #x"00ff")' });
    expect(JSON.parse(json.stdout)).toMatchObject({ key: { b64: "AP8=" }, value: { b64: "/g==" } });
  });

  test("that are not UTF-8 are refused, not guessed", async () => {
    const cluster = new FakeCluster();
    const stdin = new Uint8Array([...Buffer.from("put k "), 0xff, 0x0a]);
    const { exit, error } = await client(["--json"], { cluster, stdin });
    expect({ exit, code: error["code"] }).toEqual({ exit: 2, code: "bad-line" });
    expect(cluster.requests).toHaveLength(0);
  });

  test("flags of the prompt stand behind client, and before a verb as well", async () => {
    const cluster = new FakeCluster();
    await client(["--timeout", "3s", "get", "k"], { cluster });
    expect(Math.round((cluster.requests[0]?.deadline ?? 0) / 1000)).toBe(3);
  });

  test(".help names every verb", async () => {
    const { stdout } = await client([], { stdin: ".help" });
    for (const verb of ["put", "get", "del", "cas", "ls", "outcome", "status", "(Set"]) {
      expect(stdout).toContain(verb);
    }
  });
});

describe("completion", () => {
  test("knows where a verb stands and where a key", () => {
    expect(wantedAt("")).toEqual({ kind: "verb", begun: "" });
    expect(wantedAt("ge")).toEqual({ kind: "verb", begun: "ge" });
    expect(wantedAt("get ")).toMatchObject({ kind: "key", begun: "" });
    expect(wantedAt("get co")).toMatchObject({ kind: "key", begun: "co", before: "" });
    expect(wantedAt('(Get . "co')).toMatchObject({ kind: "key", begun: "co", before: '"' });
    for (const line of ["put k v", "outcome 1", "get --st", 'put "k', "(get co"]) {
      expect(wantedAt(line)).toEqual({ kind: "nothing" });
    }
  });

  test("offers the cluster's keys, and nothing where it does not answer", async () => {
    const cluster = new FakeCluster();
    await client([], { cluster, stdin: "put color 1\nput cost 2\nput 'co op' 3\nput x 4" });
    expect(await completions("get co", cluster)).toEqual([["color ", "cost "], "co"]);
    expect(await completions('(get "col', cluster)).toEqual([['"color"'], '"col']);
    expect(await completions("de", cluster)).toEqual([["del "], "de"]);
    cluster.manner = () => ({
      ...{ kind: "rejected", because: { kind: "unreachable" }, requestId: null, nodes: [] },
    });
    expect((await completions("get co", cluster))[0]).toEqual([]);
  });
});

describe("the history", () => {
  const home = mkdtempSync(join(tmpdir(), "rusty-boat-history-"));
  afterAll(() => rmSync(home, { recursive: true }));
  const newFolder = () => mkdtempSync(join(home, "data-"));

  test("is there the next time, for its owner alone", () => {
    const folder = newFolder();
    const first = new History(folder);
    first.add("put color blue");
    first.add("   ");
    first.add("get color");
    expect(new History(folder).lines).toEqual(["put color blue", "get color"]);
    expect(statSync(historyPath(folder)).mode & 0o777).toBe(0o600);
  });

  test("that others could read is closed to them", () => {
    const folder = newFolder();
    writeFileSync(historyPath(folder), "get a\n", { mode: 0o644 });
    expect(new History(folder).lines).toEqual(["get a"]);
    expect(statSync(historyPath(folder)).mode & 0o777).toBe(0o600);
  });

  test("of two prompts at once loses nothing", () => {
    const folder = newFolder();
    const [one, two] = [new History(folder), new History(folder)];
    one.add("get a");
    two.add("get b");
    one.add("get c");
    expect(new History(folder).lines).toEqual(["get a", "get b", "get c"]);
  });

  test("keeps its newest lines, and none that is too long", () => {
    const folder = newFolder();
    const lines = Array.from({ length: 2 * limits.linesMax + 1 }, (_, at) => `get ${at}`);
    writeFileSync(historyPath(folder), `${lines.join("\n")}\n`, { mode: 0o644 });
    const history = new History(folder);
    expect(history.lines).toEqual(lines.slice(-limits.linesMax));
    history.add("x".repeat(limits.lineCharactersMax + 1));
    const kept = readFileSync(historyPath(folder), "utf8").trim().split("\n");
    expect(kept).toHaveLength(limits.linesMax);
    expect(statSync(historyPath(folder)).mode & 0o777).toBe(0o600);
  });

  test("is not kept where there is no data folder, or it cannot be written", () => {
    const none = new History(join(home, "none"));
    none.add("get a");
    expect(none.problem).toBeNull();
    const folder = newFolder();
    rmSync(historyPath(folder), { force: true });
    const broken = new History(join(folder));
    rmSync(folder, { recursive: true });
    broken.add("get a");
    expect(broken.problem).toContain("ENOENT");
    broken.add("get b");
  });
});
