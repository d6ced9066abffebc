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

test("a list of many pages is of one moment, though keys are moved from end to end meanwhile", async () => {
  const name = (at: number) => `m/${`${at}`.padStart(5, "0")}`;
  const batches = Array.from({ length: 10 }, (_, batch) => {
    const puts = Array.from({ length: 400 }, (_, at) => `(put "${name(batch * 400 + at)}" "v")`);
    return `(do ${puts.join(" ")})\n`;
  });
  expect((await client([], batches.join(""))).exit).toBe(0);
  // Each takes the first key away and puts one behind the last: there are 4000 at any moment.
  const moves = Array.from({ length: 600 }, (_, at) => {
    return `(do (delete "${name(at)}") (put "${name(4000 + at)}" "v"))\n`;
  });
  const moving = client([], moves.join(""));
  let lists = 0;
  let done: "moving" | "done" = "moving";
  void moving.then(() => {
    done = "done";
  });
  while (done === "moving") {
    const { exit, stdout } = await client(["ls", "m/", "--json"]);
    expect(exit).toBe(0);
    const { items } = JSON.parse(stdout);
    expect(items).toHaveLength(4000);
    lists += 1;
  }
  expect((await moving).exit).toBe(0);
  expect(lists).toBeGreaterThan(1);
  const range = await client(["ls", "--from", name(4590), "--to", name(4595)]);
  expect(range.stdout.split("\n")).toHaveLength(6);
});

test("an export under load is of one moment, and what it holds comes back in another cluster", async () => {
  const accounts = Array.from({ length: 100 }, (_, at) => `(put "account/${at}" "100")`);
  const padding = Array.from({ length: 400 }, (_, at) => `(put "account/x${at}" "0")`);
  expect((await client([], `(do ${accounts.join(" ")})\n(do ${padding.join(" ")})\n`)).exit).toBe(
    0,
  );
  // Money goes from one to another: there are 10,000 at any moment.
  const transfers = Array.from({ length: 400 }, (_, at) => {
    const [from, to] = [at % 100, (at * 37 + 11) % 100];
    return `(do (incr "account/${from}" -5) (incr "account/${to}" 5))\n`;
  });
  const moving = client([], transfers.join(""));
  const exported = await client(["export"]);
  expect(exported.exit).toBe(0);
  const accountLines = exported.stdout.split("\n").filter((line) => line.includes('"account/'));
  const sum = accountLines.reduce((total, line) => total + Number(JSON.parse(line).value), 0);
  expect({ lines: accountLines.length, sum }).toEqual({ lines: 500, sum: 10_000 });
  expect((await moving).exit).toBe(0);
  const other = await RealCluster.up({ size: 1, basePort: 17_650 });
  try {
    const into = ["--data", other.folder];
    const imported = await run(["client", "import", "-", "--json", ...into], exported.stdout);
    expect({ exit: imported.exit, stderr: imported.stderr }).toEqual({ exit: 0, stderr: "" });
    const again = await run(["client", "export", ...into]);
    const bare = (text: string) => text.replaceAll(/"(rev|index)":\d+/g, "");
    expect(bare(again.stdout)).toBe(bare(exported.stdout));
  } finally {
    await other.destroy();
  }
});

test("the history of a key is what took effect, in transactions too, and nothing else", async () => {
  const lines = [
    "put h 1",
    "put h 2 --if-absent",
    '(do (put "h" "3") (put "h2" "x") (incr "h" 4))',
    "del h",
    '(if (exists "h") (put "h" "never") (put "h" "5"))',
  ];
  for (const line of lines) await client([], `${line}\n`);
  const { exit, stdout } = await client(["history", "h", "--json"]);
  expect(exit).toBe(0);
  const { changes } = JSON.parse(stdout);
  expect(changes.map(({ value }: { value: string | null }) => value)).toEqual([
    "5",
    null,
    "7",
    "1",
  ]);
  const revision = await client(["get", "h", "--rev"]);
  expect(revision.stdout.trim()).toBe(`${changes[0].index}`);
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
