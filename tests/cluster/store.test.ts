/** Transactions, counting and lists as they are shipped, against real nodes of which one is killed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { buildExecutable, RealCluster, run } from "../harness/real-cluster.ts";

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_640 });
});

afterAll(() => cluster?.destroy());

const client = (words: readonly string[], stdin = "") =>
  run(["client", ...words, "--data", cluster.folder], stdin);

test("counting from several pipes at once is exact, though the leader dies meanwhile", async () => {
  const lines = 'incr total\n(do (incr "pairs" 2) (incr "total"))\n'.repeat(60);
  const pipes = Array.from({ length: 4 }, () => client(["--timeout", "30s"], lines));
  const leader = await cluster.leader();
  await cluster.act("kill", `${leader}`);
  await cluster.leader(leader);
  await cluster.act("restart", `${leader}`);
  const ran = await Promise.all(pipes);
  expect(ran.map(({ exit, stderr }) => ({ exit, stderr }))).toEqual(
    ran.map(() => ({ exit: 0, stderr: "" })),
  );
  // 4 pipes of 60 times two steps: every one was acknowledged, so every one happened, once.
  expect((await client(["get", "total"])).stdout).toBe("480");
  expect((await client(["get", "pairs"])).stdout).toBe("480");
});

test("a batch is one entry of every node's log, and a transaction sees it whole", async () => {
  expect((await client(["mput", "a", "1", "b", "2"])).exit).toBe(0);
  const both = '(if (and (= (value "a") "1") (= (value "b") "2")) (do (delete "a") (put "b" "3")))';
  const done = JSON.parse((await client(["txn", both, "--json"])).stdout);
  expect(done).toMatchObject({ ok: true, branch: "then" });
  expect((await client(["txn", both, "--json"])).exit).toBe(1);
  expect((await client(["get", "b", "--rev"])).stdout).toBe(`${done.index}\n`);
  const history = await run(["inspect", cluster.file(1), "--key", "b", "--json"]);
  const last = history.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const found = last.find(({ index }) => index === done.index);
  expect(found).toMatchObject({
    op: "txn",
    guard: '(and (= (value "a") "1") (= (value "b") "2"))',
  });
});
