/**
 * `client lock` and `client elect` as they are shipped, against real nodes: one at a time while leaders are killed, signals,
 * and what happens to the command when its lock is lost or its keeper is killed.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../src/base/assert.ts";
import { ends } from "../harness/processes.ts";
import {
  buildExecutable,
  eventually,
  executable,
  type Ran,
  RealCluster,
  temporaryFolder,
} from "../harness/real-cluster.ts";

let cluster: RealCluster;
const folder = temporaryFolder();

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_690 });
});

afterAll(async () => {
  await cluster?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string): string => join(folder, name);
const linesOf = (name: string): readonly string[] => {
  const text = existsSync(file(name)) ? readFileSync(file(name), "utf8") : "";
  return text.split("\n").filter((line) => line !== "");
};

/** A verb that runs; its command runs in the test's folder. */
function start(...words: readonly string[]) {
  const child = Bun.spawn([executable, "client", ...words], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1", RUSTY_BOAT_DATA: cluster.folder },
  });
  const ran = async (): Promise<Ran> => {
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { exit: await child.exited, stdout, stderr };
  };
  return { child, ran: ran() };
}

const run = (...words: readonly string[]): Promise<Ran> => start(...words).ran;

const appears = (name: string): Promise<string> =>
  eventually(`${name} is written`, () => linesOf(name)[0] ?? null);

test("only one command runs at a time, and tokens rise, while the leader is killed", async () => {
  const critical =
    "mkdir inside || echo shared >> violations; echo $RUSTY_BOAT_FENCING_TOKEN >> tokens; " +
    "sleep 0.03; rmdir inside";
  const contend = async (): Promise<void> => {
    for (let round = 0; round < 4; round++) {
      const { exit, stderr } = await run("lock", "a", "--ttl", "20s", "--", "sh", "-c", critical);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    }
  };
  const all = Promise.all([contend(), contend(), contend()]);
  await eventually("some have had it", () => (linesOf("tokens").length >= 3 ? "yes" : null));
  const leader = await cluster.leader();
  await cluster.act("kill", `${leader}`);
  await all;
  await cluster.act("restart", `${leader}`);
  const tokens = linesOf("tokens").map(Number);
  expect(linesOf("violations")).toEqual([]);
  expect(tokens).toHaveLength(12);
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
});

test("a signal reaches the command, its exit code comes back, and the lock is free at once", async () => {
  const script =
    "trap 'echo term >> heard; exit 9' TERM; echo up > up; while :; do sleep 0.02; done";
  const holder = start("lock", "b", "--ttl", "60s", "--", "sh", "-c", script);
  await appears("up");
  expect((await run("lock", "b", "--wait", "0", "--", "true")).exit).toBe(1);
  holder.child.kill("SIGTERM");
  expect((await holder.ran).exit).toBe(9);
  expect(linesOf("heard")).toEqual(["term"]);
  const sleeper = start(
    "lock",
    "b",
    "--ttl",
    "60s",
    "--",
    "sh",
    "-c",
    "echo up > up2; sleep 60; :",
  );
  await appears("up2");
  sleeper.child.kill("SIGINT");
  expect((await sleeper.ran).exit).toBe(130);
  const next = await run("lock", "b", "--wait", "5s", "--", "sh", "-c", "cat; exit 3");
  expect(next).toEqual({ exit: 3, stdout: "", stderr: "" });
});

test("a signal while it waits ends it, and it stands in nobody's way", async () => {
  const holder = start("lock", "c", "--", "sh", "-c", "echo up > held; sleep 60; :");
  await appears("held");
  const waiter = start("lock", "c", "--ttl", "60s", "--", "touch", "never");
  const waiting = async () =>
    JSON.parse((await run("lock", "c", "--show", "--json")).stdout || "{}").waiting?.length ?? 0;
  await eventually("it waits", async () => ((await waiting()) === 1 ? "yes" : null));
  waiter.child.kill("SIGTERM");
  const { exit, stderr } = await waiter.ran;
  expect({ exit, stderr }).toEqual({
    exit: 143,
    stderr: 'lock "c" was interrupted: nothing was run\n',
  });
  expect(await waiting()).toBe(0);
  expect(existsSync(file("never"))).toBe(false);
  holder.child.kill("SIGTERM");
  await holder.ran;
});

test("what cannot be run takes no lock for long", async () => {
  expect((await run("lock", "d", "--", "no-such-command")).exit).toBe(127);
  expect((await run("lock", "d", "--", "/etc/passwd")).exit).toBe(126);
  expect((await run("lock", "d", "--show", "--json")).exit).toBe(1);
});

test("a lock that is lost ends its command, whatever that thinks of it, and what it has started", async () => {
  const mortal = "sh -c 'trap \"\" HUP; echo $$ > mortal; while :; do sleep 0.02; done'; :";
  const words = ["client", "lock", "j", "--ttl", "1s", "--data", cluster.folder];
  const onTerminal = Bun.spawn([executable, ...words, "--", "sh", "-c", mortal], {
    ...{ cwd: folder, terminal: { data: () => undefined } },
  });
  const script =
    "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > below; while :; do sleep 0.02; done' & " +
    "echo $$ > above; while :; do sleep 0.02; done";
  const holder = start("lock", "e", "--ttl", "1s", "--", "sh", "-c", script);
  const pids = [
    Number(await appears("above")),
    Number(await appears("below")),
    Number(await appears("mortal")),
  ];
  await Promise.all([1, 2, 3].map((id) => cluster.act("pause", `${id}`)));
  try {
    const { exit, stderr } = await holder.ran;
    expect(exit).toBe(124);
    expect(stderr).toContain('error[lock-lost]: lock "e" was lost while the command ran');
    expect(stderr).toContain("the command was ended (SIGKILL)");
    expect(await onTerminal.exited).toBe(124);
    for (const pid of pids) await ends(pid);
  } finally {
    await Promise.all([1, 2, 3].map((id) => cluster.act("resume", `${id}`)));
  }
  await cluster.leader();
});

test("who is killed takes its command with it, and the lock ends with its lease", async () => {
  const script = "echo $$ > killed; sleep 60; :";
  const holder = start("lock", "f", "--ttl", "1s", "--", "sh", "-c", script);
  const pid = Number(await appears("killed"));
  holder.child.kill("SIGKILL");
  await holder.ran;
  await ends(pid);
  expect((await run("lock", "f", "--", "true")).exit).toBe(0);
});

test("who is stopped has its command stopped, and does not let it go on under another's lock", async () => {
  const script = "while :; do echo x >> count; sleep 0.01; done";
  const holder = start("lock", "g", "--ttl", "1s", "--", "sh", "-c", script);
  await appears("count");
  holder.child.kill("SIGTSTP");
  const counts = await run(
    "lock",
    "g",
    "--",
    "sh",
    "-c",
    "wc -l < count; sleep 0.1; wc -l < count",
  );
  expect(counts.exit).toBe(0);
  const [before, after] = counts.stdout.trim().split("\n").map(Number);
  expect(before).toBe(must(after, "it counted twice"));
  holder.child.kill("SIGCONT");
  expect((await holder.ran).exit).toBe(124);
  expect(linesOf("count")).toHaveLength(must(after, "it counted twice"));
});

test("leaders follow one another, and whoever observes sees each", async () => {
  const observer = Bun.spawn([executable, "client", "elect", "h", "--observe", "--sexpr"], {
    ...{ stdin: "ignore", stdout: Bun.file(file("leaders")), stderr: "ignore" },
    env: { ...process.env, NO_COLOR: "1", RUSTY_BOAT_DATA: cluster.folder },
  });
  expect(await appears("leaders")).toContain('(name "h") none)');
  const first = start("elect", "h", "--as", "one", "--json");
  const show = async () =>
    JSON.parse((await run("elect", "h", "--show", "--json")).stdout || '{"waiting":[]}');
  await eventually("one leads", async () => ((await show()).holder?.by === "one" ? "yes" : null));
  const second = start("elect", "h", "--", "sh", "-c", "echo $RUSTY_BOAT_LOCK_KEY");
  await eventually("another waits", async () =>
    (await show()).waiting.length === 1 ? "yes" : null,
  );
  first.child.kill("SIGINT");
  const led = await first.ran;
  expect(led.exit).toBe(130);
  const { token } = JSON.parse(led.stdout);
  expect((await second.ran).stdout).toMatch(/^elect\/h\/[0-9a-f]{12}\n$/);
  const leaders = await eventually("nobody leads", () => {
    const lines = linesOf("leaders");
    return lines.length > 3 ? lines : null;
  });
  observer.kill("SIGINT");
  expect(await observer.exited).toBe(130);
  expect(leaders).toHaveLength(4);
  expect(leaders[1]).toContain(`(token ${token}) (by "one")`);
  expect(leaders[3]).toContain("none");
});

test("on a terminal, the command has the keyboard, and Ctrl-C reaches it once", async () => {
  let screen = "";
  const decoder = new TextDecoder();
  const script =
    "trap 'echo int >> ints' INT; echo ready; read -r line; echo \"read $line\"; read -r line; exit 5";
  const words = ["client", "lock", "i", "--data", cluster.folder, "--", "sh", "-c", script];
  const child = Bun.spawn([executable, ...words], {
    cwd: folder,
    terminal: {
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const sees = (text: string) =>
    eventually(`the screen shows ${text}`, () => (screen.includes(text) ? "yes" : null));
  const type = (text: string) => must(child.terminal, "it has a terminal").write(text);
  await sees("ready");
  type("hello\r");
  await sees("read hello");
  type("\u0003");
  await appears("ints");
  type("\r");
  expect(await child.exited).toBe(5);
  expect(linesOf("ints")).toEqual(["int"]);
});
