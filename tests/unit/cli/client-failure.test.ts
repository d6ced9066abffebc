/**
 * What goes wrong, as people and scripts are told: error blocks, exit codes, and the way to a safe
 * retry.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SignalName } from "../../../src/cli/signals.ts";
import { explainNodes } from "../../../src/client/explain.ts";
import type { NodeReport, Rejection, Result } from "../../../src/client/request.ts";
import { limits } from "../../../src/kv/command.ts";
import { client, FakeCluster, report, type Setting } from "./client-support.ts";

const rejecting = (because: Rejection, nodes: readonly NodeReport[] = []): FakeCluster => {
  const cluster = new FakeCluster();
  const result: Result = { kind: "rejected", because, requestId: null, nodes };
  cluster.manner = () => result;
  return cluster;
};

const someDown: readonly NodeReport[] = [
  report(1, { kind: "answered", said: { kind: "knows-no-leader" } }),
  report(2, { kind: "refused" }),
  report(3, { kind: "silent", forMs: 2_000 }),
  report(4, { kind: "answered", said: { kind: "knows-no-leader" } }),
  report(5, { kind: "silent", forMs: 1_900 }),
];
const allDown = [1, 2, 3].map((id) => report(id, { kind: "refused" }));

describe("a request that was not accepted", () => {
  test("says how many nodes answered, what each is, and whom to start again", async () => {
    const cluster = rejecting({ kind: "no-leader" }, someDown);
    const { exit, stdout, stderr } = await client(["put", "color", "blue"], { cluster });
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: "" });
    expect(stderr).toBe(`error[no-quorum]: put "color" was not accepted
  why  ${explainNodes(someDown)}
  fix  rusty-boat cluster restart 2      or wait longer: --timeout 10s
  exit 4: nothing was written, a retry is safe
`);
    expect(stderr).toContain("2 of 5 nodes answered and 3 are needed (");
    expect(stderr).toContain("; 2 refused; 3, 5 silent for 2 s)");
  });

  test("is the same to a script", async () => {
    const cluster = rejecting({ kind: "no-leader" }, someDown);
    const { error } = await client(["put", "color", "blue", "--json"], { cluster });
    expect(error).toMatchObject({ code: "no-quorum", applied: "no", retryable: true, exit: 4 });
  });

  test("sends nobody to a supervisor that is not there", async () => {
    const cluster = rejecting({ kind: "no-leader" }, someDown);
    const connection = { supervisorWords: null };
    const words = ["put", "color", "blue", "--nodes", "10.0.0.1:7101", "--timeout", "2s"];
    const { stderr } = await client(words, { cluster, connection });
    expect(stderr).toContain("fix  rusty-boat client status --nodes 10.0.0.1:7101");
    expect(stderr).toContain("wait longer: --timeout 4s");
  });

  test.each([
    [{ kind: "unreachable" }, allDown, 3, "no-cluster"],
    [{ kind: "busy" }, someDown, 4, "busy"],
    [{ kind: "refused", refusal: "malformed" }, someDown, 4, "refused"],
    [
      { kind: "no-leader" },
      [report(1, { kind: "answered", said: { kind: "knows-no-leader" } })],
      4,
      "no-leader",
    ],
  ] as const)("%j ends with its own exit code", async (because, nodes, exit, code) => {
    for (const words of [
      ["put", "k", "v"],
      ["get", "k"],
      ["del", "k"],
      ["cas", "k", "a", "b"],
      ["ls"],
    ]) {
      const ran = await client([...words, "--json"], { cluster: rejecting(because, nodes) });
      expect(ran.exit).toBe(exit);
      expect(ran.error).toMatchObject({ code, exit, applied: "no", retryable: true });
    }
  });
});

describe("an outcome that nobody knows", () => {
  test("names the request, and the command that retries it exactly once", async () => {
    const cluster = new FakeCluster();
    cluster.manner = "loses-answers";
    const words = ["put", "my key", "it's", "--if-absent", "--timeout", "2s"];
    const { exit, stderr } = await client(words, { cluster });
    expect(exit).toBe(5);
    const retry = /fix {2}(rusty-boat client put .*)\n/.exec(stderr)?.[1];
    expect(retry).toBe("rusty-boat client put 'my key' 'it'\\''s' --if-absent --request-id 1-1");
    cluster.manner = "answers";
    const again = await client([...words, "--request-id", "1-1", "--json"], { cluster });
    // The first try had its effect at index 2; under a new name the condition would fail now.
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, index: 2, term: null });
    expect((await client(words, { cluster })).exit).toBe(1);
  });

  test("leads to the same cluster again", async () => {
    const cluster = new FakeCluster();
    cluster.manner = "loses-answers";
    const words = ["del", "k", "--data", "my data", "--nodes", "10.0.0.1:7101", "--json"];
    const { error } = await client(words, { cluster });
    expect(error).toMatchObject({ applied: "unknown", retryable: true, exit: 5, requestId: "1-1" });
    expect(error["fix"]).toEqual([
      "rusty-boat client del k --request-id 1-1 --data 'my data' --nodes 10.0.0.1:7101",
      "rusty-boat client outcome 1-1 --data 'my data' --nodes 10.0.0.1:7101",
    ]);
  });

  test("whose session is gone stays unknown, and is not to be retried under its name", async () => {
    const { exit, stderr } = await client(["put", "k", "v", "--request-id", "77-1"]);
    expect(exit).toBe(5);
    expect(stderr).toContain("has forgotten the session of request 77-1");
    expect(stderr).toContain("fix  rusty-boat client get k");
  });
});

describe("outcome", () => {
  async function inDoubt(words: readonly string[], before: readonly string[] = []) {
    const cluster = new FakeCluster();
    if (before.length > 0) await client(before, { cluster });
    cluster.manner = "loses-answers";
    const { error } = await client([...words, "--json"], { cluster });
    cluster.manner = "answers";
    return { cluster, id: String(error["requestId"]) };
  }

  test("tells that a request happened, as often as it is asked", async () => {
    const { cluster, id } = await inDoubt(["put", "k", "v"]);
    for (let turn = 0; turn < 2; turn++) {
      const { exit, stdout } = await client(["outcome", id, "--json"], { cluster });
      expect(exit).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ ok: true, requestId: id, outcome: "applied", index: 2 });
    }
  });

  test("settles what has not happened: a late copy of it has no effect any more", async () => {
    const cluster = new FakeCluster();
    await client(["put", "other", "v"], { cluster });
    const asked = await client(["outcome", "1-9"], { cluster });
    expect(asked).toMatchObject({ exit: 1, stdout: "1-9 had no effect, and never will\n" });
    const late = await client(["put", "k", "v", "--request-id", "1-9", "--json"], { cluster });
    expect(late.error).toMatchObject({ code: "called-off", applied: "no", exit: 1 });
    expect((await client(["get", "k"], { cluster })).exit).toBe(1);
    expect((await client(["outcome", "1-9"], { cluster })).exit).toBe(1);
  });

  test("tells a request that happened and was answered no", async () => {
    const failed = await inDoubt(["put", "k", "v", "--if-absent"], ["put", "k", "u"]);
    const said = await client(["outcome", failed.id, "--sexpr"], failed);
    expect(said.exit).toBe(1);
    expect(said.stdout).toBe(
      `(outcome-ok (request "${failed.id}") (outcome condition-failed) (rev 2))\n`,
    );
    const absent = await inDoubt(["del", "k"]);
    expect((await client(["outcome", absent.id], absent)).exit).toBe(1);
  });

  test("admits that it cannot tell", async () => {
    const { exit, stderr } = await client(["outcome", "77-1"]);
    expect(exit).toBe(5);
    expect(stderr).toContain("request 77-1 may have been done or not");
  });

  test("a name that belongs to another kind of request does nothing", async () => {
    const { cluster, id } = await inDoubt(["put", "k", "v"]);
    const { error } = await client(["del", "k", "--request-id", id, "--json"], { cluster });
    expect(error).toMatchObject({ code: "other-request", applied: "no", exit: 2 });
    expect((await client(["get", "k"], { cluster })).stdout).toBe("v");
  });
});

describe("an honest no", () => {
  test("tells what stands in the way", async () => {
    const cluster = new FakeCluster();
    await client(["put", "k", "v"], { cluster });
    const absent = await client(["put", "k", "w", "--if-absent"], { cluster });
    expect(absent.stderr).toContain("its revision is 2, and --if-absent wants a key without");
    const revision = await client(["put", "k", "w", "--if-rev", "7"], { cluster });
    expect(revision.stderr).toContain("its revision is 2, and --if-rev wants 7");
    const compared = await client(["cas", "k", "x", "w", "--json"], { cluster });
    expect(compared.error).toMatchObject({ code: "compare-failed", retryable: false, exit: 1 });
    const nothing = await client(["put", "new", "w", "--if-rev", "7"], { cluster });
    expect(nothing.stderr).toContain("the key has no value, and --if-rev wants 7");
    expect([absent.exit, revision.exit, nothing.exit]).toEqual([1, 1, 1]);
  });

  test("--if-rev 0 wants a key without a value", async () => {
    const cluster = new FakeCluster();
    expect((await client(["put", "k", "v", "--if-rev", "0"], { cluster })).exit).toBe(0);
    expect((await client(["put", "k", "v", "--if-rev", "0"], { cluster })).exit).toBe(1);
  });
});

describe("nothing is sent where the command line is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "rusty-boat-client-"));
  const large = join(folder, "large");
  const fits = join(folder, "fits");
  writeFileSync(large, new Uint8Array(limits.valueBytesMax + 1));
  writeFileSync(fits, new Uint8Array(limits.valueBytesMax));
  const manyBytes = new Uint8Array(limits.valueBytesMax + 1);

  test.each([
    [["put", "", "v"], 2, "key-empty"],
    [["get", ""], 2, "key-empty"],
    [["put", "k".repeat(1025), "v"], 2, "key-too-long"],
    [["get", "é".repeat(513)], 2, "key-too-long"],
    [["ls", "k".repeat(1025)], 2, "key-too-long"],
    [["put", "k", "--file", large], 2, "value-too-long"],
    [["put", "k", "--stdin"], 2, "value-too-long"],
    [["put", "k", "--file", join(folder, "none")], 7, "unreadable-value"],
    [["put", "k", "--file", folder], 7, "unreadable-value"],
    [["put", "k"], 2, "missing-argument"],
    [["put", "k", "v", "--stdin"], 2, "contradiction"],
    [["put", "k", "v", "w"], 2, "surplus-argument"],
    [["put", "k", "v\ufffd"], 2, "bad-utf8"],
    [["get", "k\ufffd"], 2, "bad-utf8"],
    [["put", "k", "v", "--if-absent", "--if-rev", "3"], 2, "contradiction"],
    [["get", "k", "--stale", "--logged"], 2, "contradiction"],
    [["put", "k", "v", "--if-rev", "blue"], 2, "bad-value"],
    [["put", "k", "v", "--request-id", "12"], 2, "bad-value"],
    [["outcome", "nonsense"], 2, "bad-value"],
    [["ls", "--limit", "0"], 2, "bad-value"],
    [["get", "k", "--timeout", "5"], 2, "bad-value"],
    [["get", "k", "--timeout", "0"], 2, "bad-value"],
    [["put", "k", "v", "--til", "5s"], 2, "unknown-flag"],
  ] as const)("%j", async (words, exit, code) => {
    const setting: Setting = { cluster: new FakeCluster(), stdin: manyBytes };
    const ran = await client([...words, "--json"], setting);
    expect(ran.error).toMatchObject({ code, exit, applied: "no" });
    expect(ran.exit).toBe(exit);
    expect(setting.cluster?.requests).toHaveLength(0);
  });

  test("and a value of just 1 MiB is no mistake", async () => {
    expect((await client(["put", "k", "--file", fits])).exit).toBe(0);
    rmSync(folder, { recursive: true });
  });
});

test("a signal ends a request that had no effect with the signal's exit code", async () => {
  const cluster = new FakeCluster();
  cluster.manner = "hangs";
  let signal: SignalName | null = null;
  const running = client(["put", "k", "v"], {
    cluster,
    connection: { interruption: () => signal },
  });
  while (cluster.requests.length === 0) await Promise.resolve();
  signal = "SIGTERM";
  cluster.giveUp();
  expect(await running).toMatchObject({
    exit: 143,
    stdout: "",
    stderr: 'put "k" was interrupted: nothing was done\n',
  });
});

test("what is typed outranks the environment, and never contradicts it", async () => {
  const cluster = new FakeCluster();
  const environment = {
    RUSTY_BOAT_STALE: "1",
    RUSTY_BOAT_STDIN: "1",
    RUSTY_BOAT_IF_ABSENT: "1",
    RUSTY_BOAT_SECONDS: "60",
  };
  const setting = { cluster, environment, stdin: "from stdin" };
  expect((await client(["put", "k", "typed", "--if-rev", "0"], setting)).exit).toBe(0);
  expect((await client(["get", "k", "--logged"], setting)).stdout).toBe("typed");
  expect(cluster.requests.at(-1)?.consistency).toBe("logged");
  expect((await client(["put", "l"], setting)).exit).toBe(0);
  expect((await client(["get", "l"], setting)).stdout).toBe("from stdin");
  expect(cluster.requests.at(-1)?.consistency).toBe("stale");
  expect((await client(["bench", "--ops", "5"], setting)).exit).toBe(0);
});
