/** `inspect`: what it shows of a log that is right, in each notation and by each flag. */
import { describe, expect, test } from "bun:test";
import { rootCommand } from "../../../src/cli/root.ts";
import { run } from "../../../src/cli/run.ts";
import { print } from "../../../src/sexp/print.ts";
import { formName } from "../../../src/sexp/query.ts";
import { readAll } from "../../../src/sexp/read.ts";
import {
  Folder,
  inspect,
  jsonOf,
  lines,
  longLife,
  put,
  register,
  Scribe,
  shortLife,
  small,
} from "./inspect-support.ts";

describe("a file, record by record", () => {
  test("every line is an s-expression that reads back as itself, and --sexpr prints the same", async () => {
    using folder = Folder.of(shortLife());
    const text = await inspect(folder, ["data/node1.log"]);
    expect(text.exit).toBe(0);
    expect(text.stderr).toBe("");
    expect(readAll(text.stdout).map(print)).toEqual(lines(text.stdout));
    const sexpr = await inspect(folder, ["data/node1.log", "--sexpr"]);
    expect(sexpr.stdout).toBe(text.stdout);
  });

  test("offsets and lengths tile the file, from its first byte to its last", async () => {
    using folder = Folder.of(shortLife());
    let end = 0;
    for (const { offset, length } of await jsonOf(folder, "data/node1.log")) {
      expect(offset).toBe(end);
      end = offset + length;
    }
    expect(end).toBe(Bun.file(folder.file("node1.log")).size);
  });

  test("a put shows its key, its value, its index, its term", async () => {
    using folder = Folder.of(shortLife());
    const { stdout } = await inspect(folder, ["data/node1.log"]);
    expect(stdout).toMatch(
      /^\(entry \(offset \d+\) \(index 3\) \(term 1\).*\(put "color" "blue"\)/m,
    );
  });

  test("every JSON line has offset, kind, index, term and command, null where there is none", async () => {
    using folder = Folder.of(shortLife().hear(2, 0xb2));
    const records = await jsonOf(folder, "data/node1.log");
    for (const record of records) {
      expect(Object.keys(record).slice(0, 7)).toEqual([
        "file",
        "offset",
        "length",
        "kind",
        "index",
        "term",
        "command",
      ]);
    }
    const kinds = new Set(records.map((record) => record.kind));
    expect([...kinds].sort()).toEqual(["entry", "header", "mark", "peer", "state"]);
    expect(records.at(-1)).toMatchObject({ kind: "peer", node: 2, incarnation: "0000000000b2" });
    expect(records.find((record) => record.index === 7)).toMatchObject({
      command: '(request (session 2) (sequence 5) (acknowledged 1) (cas "color" "red" "black"))',
      op: "cas",
      key: "color",
      expected: "red",
      value: "black",
    });
  });

  test("keys and values that are not UTF-8 are base64 in JSON and hex in s-expressions", async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xfe]);
    const scribe = new Scribe().enter(1).write(["leader", register, put("\xff", bytes)]);
    using folder = Folder.of(scribe);
    const [entry] = await jsonOf(folder, "data/node1.log", "--kind", "put");
    expect(entry).toMatchObject({ key: { b64: "/w==" }, value: { b64: "/wD+" } });
    const { stdout } = await inspect(folder, ["data/node1.log", "--key", '#x"ff"']);
    expect(stdout).toContain('(put #x"ff" #x"ff00fe")');
  });

  test("an entry that takes the place of others says which", async () => {
    const scribe = new Scribe().enter(1).write(["leader", register, put("a", "1"), put("a", "2")]);
    using folder = Folder.of(scribe.enter(2).write(["leader"], 3));
    const replacing = (await jsonOf(folder, "data/node1.log")).filter((each) => each.replaces);
    expect(replacing).toHaveLength(1);
    expect(replacing[0]).toMatchObject({ index: 3, term: 2, replaces: { from: 3, to: 4 } });
  });

  test("a closed file is read alone, and still knows what it replaces before it", async () => {
    const scribe = new Scribe(1, small).enter(1).write(["leader", register]);
    while (scribe.disk.list().length === 1) scribe.write([put("k", "v".repeat(500))]);
    const before = scribe.last;
    using folder = Folder.of(scribe.enter(2).write(["leader"], 3));
    const records = await jsonOf(folder, "data/node1.log");
    expect(records[0].first).toBeLessThanOrEqual(before);
    expect(records.at(-1)).toMatchObject({ index: 3, replaces: { from: 3, to: before } });
  });

  test("of several files each is named before its records", async () => {
    using folder = Folder.of(shortLife(1), shortLife(2));
    const { stdout } = await inspect(folder, ["data/node1.log", "data/node2.log"]);
    const named = lines(stdout).filter((line) => line.startsWith("(file "));
    expect(named).toEqual(['(file "data/node1.log")', '(file "data/node2.log")']);
    expect(lines(stdout)[0]).toBe(named[0]!);
  });

  test("a command of another version is shown as its bytes", async () => {
    const scribe = new Scribe().enter(1).write(["leader", { kind: "raw", bytes: "\x91\x63" }]);
    using folder = Folder.of(scribe);
    const [entry] = await jsonOf(folder, "data/node1.log", "--kind", "unreadable");
    expect(entry).toMatchObject({ index: 2, command: '(unreadable #x"9163")', op: "unreadable" });
    const state = await inspect(folder, ["data/node1.log", "--at", "2"]);
    expect(state.exit).toBe(6);
    expect(state.stderr).toContain("error[log-incompatible]");
  });
});

describe("choosing records", () => {
  const indexes = async (...words: string[]): Promise<number[]> => {
    using folder = Folder.of(shortLife());
    return (await jsonOf(folder, "data/node1.log", ...words)).map((record) => record.index);
  };

  test("--from and --to take entries, both ends included", async () => {
    expect(await indexes("--from", "3", "--to", "5")).toEqual([3, 4, 5, 5]);
    expect(await indexes("--from", "8")).toEqual([8]);
    expect(await indexes("--to", "1")).toEqual([1]);
  });

  test("--term takes the records of a term, its vote too", async () => {
    expect(await indexes("--term", "2")).toEqual([null as never, 5, 6, 7, 8]);
  });

  test("--kind takes kinds of records, of entries and of commands", async () => {
    expect(await indexes("--kind", "put")).toEqual([3, 4, 5, 6]);
    expect(await indexes("--kind", "noop,register")).toEqual([1, 2, 5]);
    expect(await indexes("--kind", "entry", "--term", "1")).toEqual([1, 2, 3, 4, 5]);
    expect(await indexes("--kind", "state")).toEqual([null as never, null as never]);
  });

  test("what is asked for must hold together", async () => {
    expect(await indexes("--kind", "put", "--term", "1", "--from", "4")).toEqual([4, 5]);
    expect(await indexes("--key", "color", "--term", "2")).toEqual([6, 7]);
  });

  test("an index is looked for in the closed files beside the one that was named", async () => {
    const scribe = longLife();
    expect(scribe.disk.list().length).toBeGreaterThan(3);
    using folder = Folder.of(scribe);
    const found = await jsonOf(folder, "data/node1.log", "--from", "3", "--to", "3");
    expect(found).toHaveLength(1);
    expect(found[0].file).toMatch(/^data\/node1\.0+1\.log$/);
    const all = await jsonOf(folder, "data/node1.log", "--from", "1");
    expect(all.map((entry) => entry.index)).toEqual(Array.from({ length: 42 }, (_, at) => at + 1));
  });

  test("a log whose first files are gone says where it begins", async () => {
    using folder = Folder.of(longLife());
    const closed = [...new Bun.Glob("node1.0*.log").scanSync(folder.path)].sort();
    await Bun.file(folder.file(closed[0]!)).delete();
    const { stdout, stderr, exit } = await inspect(folder, ["data/node1.log", "--from", "1"]);
    expect(exit).toBe(0);
    const first = Number(/\(index (\d+)\)/.exec(stdout)?.[1]);
    expect(first).toBeGreaterThan(3);
    expect(stderr).toContain(`begin at entry ${first};`);
  });
});

describe("the history of a key", () => {
  test("shows who wrote it, what the store answered, and what was taken back", async () => {
    using folder = Folder.of(shortLife());
    const history = await jsonOf(folder, "data/node1.log", "--key", "color");
    expect(history.map(({ index, value, fate, reply }) => [index, value, fate, reply])).toEqual([
      [3, "blue", "committed", "(written (index 3))"],
      [5, "lost", "replaced", undefined],
      [6, "green", "committed", "(written (index 6))"],
      [7, "black", "open", undefined],
    ]);
    expect(history[1].replacedBy).toEqual({ index: 5, term: 2 });
  });

  test("a write whose condition did not hold is seen to have changed nothing", async () => {
    using folder = Folder.of(shortLife().know());
    const history = await jsonOf(folder, "data/node1.log", "--key", "color");
    expect(history.at(-1)).toMatchObject({ op: "cas", reply: "(condition-failed (rev 6))" });
  });

  test("without the first entries the outcomes are not guessed", async () => {
    using folder = Folder.of(longLife());
    const closed = [...new Bun.Glob("node1.0*.log").scanSync(folder.path)].sort();
    await Bun.file(folder.file(closed[0]!)).delete();
    const history = await jsonOf(folder, "data/node1.log", "--key", "key1");
    expect(history.length).toBeGreaterThan(3);
    for (const { fate, reply } of history) expect([fate, reply]).toEqual(["committed", null]);
  });

  test("behind a command that cannot be read the outcomes are not guessed", async () => {
    const scribe = new Scribe().enter(1).write(["leader", register, put("k", "1")]);
    scribe.write([{ kind: "raw", bytes: "\x91\x63" }, put("k", "2")]).know();
    using folder = Folder.of(scribe);
    const history = await jsonOf(folder, "data/node1.log", "--key", "k");
    expect(history.map(({ index, reply }) => [index, reply])).toEqual([
      [3, "(written (index 3))"],
      [5, null],
    ]);
  });

  test("a key that nothing names has none", async () => {
    using folder = Folder.of(shortLife());
    expect(await jsonOf(folder, "data/node1.log", "--key", "colo")).toEqual([]);
  });
});

describe("the summary", () => {
  test("counts what is in the log, and knows whose it is", async () => {
    using folder = Folder.of(shortLife().hear(3, 0xb3).restart());
    const [summary] = await jsonOf(folder, "data/node1.log", "--summary");
    expect(summary).toMatchObject({
      node: 1,
      cluster: "0000000004d2",
      incarnation: "0000000000a1",
      run: 2,
      first: 1,
      last: { index: 8, term: 2 },
      replaced: 1,
      commit: 6,
      term: 2,
      votedFor: 2,
      terms: [
        { term: 1, entries: 4, votedFor: 1 },
        { term: 2, entries: 4, votedFor: 2 },
      ],
      members: { voters: [1, 2, 3], outgoing: [], learners: [] },
      peers: { "3": "0000000000b3" },
      store: { index: 6, keys: 2, sessions: 1 },
      problem: null,
    });
    const counts = Object.values(summary.records as Record<string, { bytes: number }>);
    const bytes = counts.reduce((sum, { bytes: each }) => sum + each, 0);
    expect(bytes).toBe(Bun.file(folder.file("node1.log")).size);
    expect(summary.records.entry.count).toBe(9);
  });

  test("is about all files of the log, and is one s-expression and a few lines", async () => {
    using folder = Folder.of(longLife());
    const [summary] = await jsonOf(folder, "data/node1.log", "--summary");
    expect(summary.files.length).toBeGreaterThan(3);
    expect(summary.store).toEqual({ index: 42, keys: 4, sessions: 1 });
    const { stdout } = await inspect(folder, ["data/node1.log", "--summary", "--sexpr"]);
    expect(readAll(stdout).map(formName)).toEqual(["summary"]);
    const text = await inspect(folder, ["data/node1.log", "--summary"]);
    expect(text.stdout).toContain("store     4 keys, 1 session at entry 42");
  });

  test("of a glob that names all files of a node is one", async () => {
    using folder = Folder.of(longLife());
    const names = [...new Bun.Glob("node1*.log").scanSync(folder.path)].sort();
    const given = names.map((name) => `data/${name}`);
    expect(await jsonOf(folder, ...given, "--summary")).toHaveLength(1);
  });
});

describe("a reader that goes away", () => {
  test("ends it quietly, before it has read all", async () => {
    const scribe = new Scribe().enter(1).write(["leader", register]);
    scribe.write(Array.from({ length: 2000 }, (_, n) => put(`k${n}`, "v".repeat(100))));
    using folder = Folder.of(scribe);
    let written = 0;
    const closing = {
      write(bytes: string | Uint8Array): void {
        if (written > 0) throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
        written += bytes.length;
      },
      flush(): void {},
    };
    const exit = await run(rootCommand, {
      words: ["inspect", folder.file("node1.log")],
      environment: {},
      stdin: "pipe",
      stdout: { sink: closing, kind: "pipe" },
      stderr: { sink: closing, kind: "pipe" },
    });
    expect(exit).toBe(0);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(100_000);
  });
});
