/** `put --ttl`, `put --lease` and `client lease`: what is asked, and what is printed in three notations. */
import { describe, expect, test } from "bun:test";
import { client, FakeCluster } from "./client-support.ts";

async function holding(...commands: readonly (readonly string[])[]): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  for (const words of commands) expect((await client(words, { cluster })).exit).toBe(0);
  return cluster;
}

describe("put with a lease", () => {
  test("of its own says for how long", async () => {
    const cluster = new FakeCluster();
    const { stdout } = await client(["put", "color", "blue", "--ttl", "90s"], { cluster });
    expect(stdout).toBe("ok  color = blue, for 90s  (index 2, term 3, 1.9 ms)\n");
    expect(cluster.requests.at(-1)?.operation).toMatchObject({
      ...{ kind: "put-leased", tenure: { kind: "own", ttlMs: 90_000 } },
    });
    expect(cluster.store.leases.byId.get(2)?.ttlMs).toBe(90_000);
  });

  test("has the lease in its JSON and s-expression", async () => {
    const json = await client(["put", "color", "blue", "--ttl", "5s", "--json"]);
    expect(json.stdout).toBe(
      '{"ok":true,"key":"color","index":2,"term":3,"ms":1.9,"lease":2,"ttlMs":5000}\n',
    );
    const sexpr = await client(["put", "color", "blue", "--ttl", "5s", "--sexpr"]);
    expect(sexpr.stdout).toBe('(put-ok (key "color") (index 2) (term 3) (lease 2) (ttl 5000))\n');
  });

  test("that was granted says which", async () => {
    const cluster = await holding(["lease", "grant", "30s"]);
    const { stdout } = await client(["put", "color", "blue", "--lease", "2"], { cluster });
    expect(stdout).toBe("ok  color = blue, with lease 2  (index 3, term 3, 1.9 ms)\n");
  });

  test("that is none is an honest no, and nothing is written", async () => {
    const cluster = new FakeCluster();
    const ran = await client(["put", "color", "blue", "--lease", "7", "--json"], { cluster });
    expect(ran.exit).toBe(1);
    expect(ran.error).toMatchObject({ code: "no-such-lease", applied: "no" });
    expect(cluster.store.values.size).toBe(0);
  });

  test("still has its condition", async () => {
    const cluster = await holding(["put", "color", "blue"]);
    const words = ["put", "color", "red", "--if-absent", "--ttl", "5s", "--json"];
    const ran = await client(words, { cluster });
    expect(ran.exit).toBe(1);
    expect(ran.error).toMatchObject({ code: "condition-failed" });
  });

  test("can be made again under its name where its answer was lost", async () => {
    const cluster = await holding(["put", "other", "x"]);
    cluster.manner = "loses-answers";
    const lost = await client(["put", "color", "blue", "--ttl", "90s"], { cluster });
    expect(lost.stderr).toContain("rusty-boat client put color blue --ttl 90s --request-id 1-2");
  });
});

describe("lease", () => {
  test("grant prints the lease's number", async () => {
    const text = await client(["lease", "grant", "30s"]);
    expect(text.stdout).toBe("ok  lease 2 for 30s  (index 2, term 3, 1.9 ms)\n");
    const json = await client(["lease", "grant", "30s", "--json"]);
    expect(json.stdout).toBe('{"ok":true,"lease":2,"ttlMs":30000,"index":2,"term":3,"ms":1.9}\n');
    const sexpr = await client(["lease", "grant", "30s", "--sexpr"]);
    expect(sexpr.stdout).toBe("(lease-grant-ok (lease 2) (ttl 30000) (index 2) (term 3))\n");
  });

  test("keep-alive gives the whole time again; revoke takes the keys along", async () => {
    const cluster = await holding(
      ["lease", "grant", "30s"],
      ["put", "a", "1", "--lease", "2"],
      ["put", "b", "2", "--lease", "2"],
    );
    const kept = await client(["lease", "keep-alive", "2"], { cluster });
    expect(kept.stdout).toBe("ok  lease 2 for another 30s  (index 5, term 3, 1.9 ms)\n");
    const revoked = await client(["lease", "revoke", "2"], { cluster });
    expect(revoked.stdout).toBe(
      "ok  lease 2 is revoked, and 2 keys with it  (index 6, term 3, 1.9 ms)\n",
    );
    expect(cluster.store.values.size).toBe(0);
    for (const verb of ["keep-alive", "revoke"]) {
      const ran = await client(["lease", verb, "2", "--json"], { cluster });
      expect(ran.exit).toBe(1);
      expect(ran.error).toMatchObject({ code: "no-such-lease" });
    }
  });

  test("ls shows what is left of each", async () => {
    const cluster = await holding(
      ["lease", "grant", "30s"],
      ["put", "a", "1", "--lease", "2"],
      ["put", "b", "1", "--ttl", "1m"],
    );
    const text = await client(["lease", "ls"], { cluster });
    expect(text.stdout).toBe(
      "2  1 key  (30.0 s left of 30s)\n4  of one key  (60.0 s left of 1m)\n",
    );
    const json = await client(["lease", "ls", "--json"], { cluster });
    expect(JSON.parse(json.stdout)).toEqual({
      ok: true,
      items: [
        { lease: 2, origin: "granted", ttlMs: 30_000, leftMs: 30_000, keys: 1 },
        { lease: 4, origin: "own", ttlMs: 60_000, leftMs: 60_000, keys: 1 },
      ],
      more: false,
    });
    const sexpr = await client(["lease", "ls", "--sexpr"], { cluster });
    expect(sexpr.stdout).toBe(
      "(lease-ls-ok (items (lease (id 2) (granted) (ttl 30000) (left 30000) (keys 1)) " +
        "(lease (id 4) (own) (ttl 60000) (left 60000) (keys 1))) (more no))\n",
    );
  });

  test("ls goes on over pages", async () => {
    const cluster = new FakeCluster();
    const stdin = "lease grant 30s\n".repeat(1005);
    expect((await client([], { cluster, stdin })).exit).toBe(0);
    const { stdout } = await client(["lease", "ls", "--json"], { cluster });
    expect(JSON.parse(stdout).items).toHaveLength(1005);
  });

  test("is at the prompt, and as s-expressions", async () => {
    const cluster = new FakeCluster();
    const stdin = '(lease-grant 5000)\n(put "a" "1" (lease 2))\n(leases)\nlease revoke 2\n';
    const { exit, stdout } = await client([], { cluster, stdin });
    expect(exit).toBe(0);
    expect(stdout.split("\n").map((line) => line.split("  (index")[0])).toEqual([
      "ok  lease 2 for 5s",
      "ok  a = 1, with lease 2",
      "2  1 key  (5.0 s left of 5s)",
      "ok  lease 2 is revoked, and 1 key with it",
      "",
    ]);
  });

  test.each([
    [["lease", "grant", "50ms"], "ttl-out-of-range"],
    [["lease", "grant", "forever"], "bad-value"],
    [["lease", "revoke", "0"], "bad-value"],
    [["lease", "keep-alive", "x"], "bad-value"],
    [["put", "k", "v", "--ttl", "5"], "bad-value"],
    [["put", "k", "v", "--ttl", "99999h"], "ttl-out-of-range"],
    [["put", "k", "v", "--ttl", "5s", "--lease", "3"], "contradiction"],
  ] as const)("%j is a mistake, and nothing is sent", async (words, code) => {
    const cluster = new FakeCluster();
    const ran = await client([...words, "--json"], { cluster });
    expect(ran.exit).toBe(2);
    expect(ran.error).toMatchObject({ code, applied: "no" });
    expect(cluster.requests).toHaveLength(0);
  });
});
