/** `export` and `import`: what is printed comes back, and what is wrong with it is said before anything is written. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import { keyLine, readExportLine } from "../../../src/cli/client/export-lines.ts";
import { limits } from "../../../src/kv/command.ts";
import { client, FakeCluster } from "./client-support.ts";

const folder = mkdtempSync(join(tmpdir(), "rusty-boat-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(text: string): string {
  files += 1;
  const path = join(folder, `${files}.jsonl`);
  writeFileSync(path, text);
  return path;
}

async function holding(pairs: Readonly<Record<string, string>>): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  for (const [key, value] of Object.entries(pairs)) await client(["put", key, value], { cluster });
  return cluster;
}

const contents = (cluster: FakeCluster): string =>
  [...cluster.store.values]
    .map(([key, { value }]) => `${key}=${byteString(value)}`)
    .sort()
    .join(" ");

test("any key and value is read back from its line", () => {
  const bytes = fc.uint8Array({ maxLength: 30 }).map((one) => new Uint8Array(one));
  fc.assert(
    fc.property(bytes, bytes, (key, value) => {
      const item = { key: byteString(key), value, revision: logIndex(1) };
      expect(readExportLine(keyLine(item))).toEqual({ kind: "key", key: item.key, value });
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const item = { key: "k", value: utf8(text), revision: logIndex(1) };
      expect(keyLine(item)).not.toContain("\n");
      expect(readExportLine(keyLine(item))).toEqual({ kind: "key", key: "k", value: item.value });
    }),
  );
});

describe("export", () => {
  test("prints a first line with the index, a line for each key, and a last one that counts", async () => {
    const cluster = await holding({ b: "2", a: "1" });
    await client(["put", "bytes", "--stdin"], { cluster, stdin: new Uint8Array([255, 0]) });
    const { exit, stdout } = await client(["export"], { cluster });
    expect(exit).toBe(0);
    expect(stdout).toBe(
      '{"export":"rusty-boat","version":1,"prefix":"","index":4}\n' +
        '{"key":"a","value":"1","rev":3}\n' +
        '{"key":"b","value":"2","rev":2}\n' +
        '{"key":"bytes","value":{"b64":"/wA="},"rev":4}\n' +
        '{"end":"rusty-boat","keys":3}\n',
    );
  });

  test("is of one index, whatever is written meanwhile, and goes back to it while it is kept", async () => {
    const cluster = new FakeCluster();
    const script = Array.from({ length: 1500 }, (_, at) => `put key${at} v`).join("\n");
    await client([], { cluster, stdin: script });
    const calm = (await client(["export"], { cluster })).stdout;
    const { submit } = cluster;
    cluster.submit = (request, done) =>
      submit.call(cluster, request, (result) => {
        cluster.remove("key1");
        cluster.write("key9999", "new");
        done(result);
      });
    const disturbed = (await client(["export"], { cluster })).stdout;
    expect(disturbed).toBe(calm);
    const { index } = JSON.parse(calm.split("\n")[0] ?? "");
    expect((await client(["export", "--at", `${index}`], { cluster })).stdout).toBe(calm);
    const gone = await client(["export", "--at", "3"], { cluster });
    expect(gone).toMatchObject({ exit: 1, stdout: "" });
    expect(gone.stderr).toContain("error[view-lost]");
  });

  test("that loses its moment has no last line, and says so", async () => {
    const cluster = new FakeCluster();
    const script = Array.from({ length: 1500 }, (_, at) => `put key${at} v`).join("\n");
    await client([], { cluster, stdin: script });
    const { submit } = cluster;
    cluster.submit = (request, done) =>
      submit.call(cluster, request, (result) => {
        cluster.store.views.open = [];
        cluster.write("another", "v");
        done(result);
      });
    const { exit, stdout, stderr } = await client(["export"], { cluster });
    expect({ exit, end: stdout.includes('"end"') }).toEqual({ exit: 1, end: false });
    expect(stderr).toContain("its last line is missing");
    // Whoever takes it for an export is told.
    const copy = await client(["import", fileOf(stdout)]);
    expect(copy.exit).toBe(2);
    expect(copy.stderr).toContain("error[import-cut-off]");
  });
});

describe("import", () => {
  const lines = '{"key":"a","value":"1"}\n{"key":"b","value":{"b64":"/wA="}}\n';

  test("writes what export printed, and leaves the rest as it is", async () => {
    const from = await holding({ a: "1", b: "two\nlines" });
    const exported = (await client(["export"], { cluster: from })).stdout;
    const to = await holding({ a: "old", other: "stays" });
    const { exit, stdout } = await client(["import", fileOf(exported)], { cluster: to });
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^ok {2}2 keys written, in 1 entry {2}\(up to line 4, index 4, /);
    expect(contents(to)).toBe("a=1 b=two\nlines other=stays");
  });

  test("takes a pipe, and lines that are nothing but keys", async () => {
    const cluster = new FakeCluster();
    const { stdout } = await client(["import", "-", "--json"], { cluster, stdin: lines });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, keys: 2, entries: 1, line: 2 });
    expect(contents(cluster)).toBe("a=1 b=\xff\0");
  });

  test("makes as many entries as it takes, none larger than it may be", async () => {
    const cluster = new FakeCluster();
    const many = Array.from({ length: 1300 }, (_, at) => `{"key":"k${at}","value":"v"}`);
    const large = JSON.stringify({ key: "large", value: "x".repeat(limits.valueBytesMax) });
    const text = [...many, large, '{"key":"last","value":"v"}'].join("\n");
    const { exit, stdout } = await client(["import", fileOf(text), "--json"], { cluster });
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ keys: 1302, entries: 5 });
    expect(cluster.store.values.size).toBe(1302);
  });

  const wrong: readonly (readonly [what: string, text: string, why: string])[] = [
    ["what is no JSON", `${lines}nonsense\n`, "line 3 is no JSON object"],
    ["a key that is a number", `${lines}{"key":7,"value":""}\n`, 'line 3 has no "key"'],
    ["an empty key", `${lines}{"key":"","value":""}\n`, "line 3 cannot be written"],
    ["bytes that are not base 64", `{"key":"k","value":{"b64":"?"}}\n`, 'line 1 has no "value"'],
    ["another version", '{"export":"rusty-boat","version":2}\n', "line 1 is of version 2"],
    ["a missing end", `{"export":"rusty-boat","version":1}\n${lines}`, "the last line"],
    [
      "keys that are missing",
      `{"export":"rusty-boat","version":1}\n${lines}{"end":"rusty-boat","keys":3}\n`,
      "line 4 says 3 keys, after 2",
    ],
    [
      "something after the end",
      `${lines}{"end":"rusty-boat","keys":2}\n${lines}`,
      "line 4 follows the last line",
    ],
    [
      "two exports",
      `${lines}{"export":"rusty-boat","version":1}\n`,
      "line 3 begins another export",
    ],
  ];

  for (const [what, text, why] of wrong) {
    test(`of ${what} says so and writes nothing`, async () => {
      const cluster = new FakeCluster();
      const { exit, stderr } = await client(["import", fileOf(text)], { cluster });
      expect({ exit, requests: cluster.requests.length }).toEqual({ exit: 2, requests: 0 });
      expect(stderr).toContain(why);
    });
  }

  test("--check reads everything and writes nothing", async () => {
    const cluster = new FakeCluster();
    const { exit, stdout } = await client(["import", fileOf(lines), "--check", "--json"], {
      cluster,
    });
    expect({ exit, requests: cluster.requests.length }).toEqual({ exit: 0, requests: 0 });
    expect(JSON.parse(stdout)).toEqual({ ok: true, keys: 2, lines: 2 });
  });

  test("that ends early says after which line, and goes on from there", async () => {
    const cluster = new FakeCluster();
    const many = Array.from({ length: 1300 }, (_, at) => `{"key":"k${at}","value":"v"}`);
    const path = fileOf(many.join("\n"));
    const { submit } = cluster;
    let entries = 0;
    cluster.submit = (request, done) => {
      entries += 1;
      const because = { kind: "no-leader" } as const;
      if (entries === 3) done({ kind: "rejected", because, requestId: null, nodes: [] });
      else submit.call(cluster, request, done);
    };
    const first = await client(["import", path, "--json"], { cluster });
    expect(first.exit).toBe(4);
    expect(first.error["why"]).toContain("1024 keys written, up to line 1024");
    expect(first.error["fix"]).toContain(`rusty-boat client import ${path} --skip 1024`);
    const second = await client(["import", path, "--skip", "1024", "--json"], { cluster });
    expect(JSON.parse(second.stdout)).toMatchObject({ keys: 276, entries: 1, line: 1300 });
    expect(cluster.store.values.size).toBe(1300);
  });

  test("of a file that is not there is nobody's fault but this machine's", async () => {
    expect((await client(["import", join(folder, "none")])).exit).toBe(7);
  });
});
