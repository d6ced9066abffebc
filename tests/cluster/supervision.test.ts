/** `cluster up` with real processes: in the background, on a terminal, and when its supervisor dies. */
import { beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { readClusterFile } from "../../src/runtime/cluster-file.ts";
import { processExists } from "../../src/runtime/node-process.ts";
import {
  buildExecutable,
  eventually,
  executable,
  run,
  temporaryFolder,
} from "../harness/real-cluster.ts";

beforeAll(buildExecutable, 60_000);

const inFolder = (folder: string, port: number) => ["--data", folder, "--base-port", `${port}`];

test("a supervisor that is killed takes its nodes along; its record is seen to be old", async () => {
  const folder = temporaryFolder();
  const up = ["cluster", "up", "3", ...inFolder(folder, 17_611), "--detach"];
  const first = await run(up);
  expect(first.stdout).toMatch(/^ready 3 nodes, leader node[123] \(term \d+\), \d+ ms\n$/);
  const file = readClusterFile(folder)!;
  const pids = file.nodes.map(({ pid }) => pid!);

  expect((await run(up)).exit).toBe(7);
  process.kill(file.supervisor!.pid, "SIGKILL");
  await eventually("every node is gone", () =>
    pids.every((pid) => processExists(pid) === "gone") ? true : null,
  );

  const twin = await run(["cluster", "kill", "1", "--data", folder, "--json"]);
  expect(twin.exit).toBe(3);
  expect(JSON.parse(twin.stderr).error.code).toBe("no-supervisor");

  const again = await run(up);
  expect(again.exit).toBe(0);
  expect(readClusterFile(folder)!.clusterId).toBe(file.clusterId);
  expect((await run(["cluster", "down", "--data", folder])).exit).toBe(0);
  expect(readClusterFile(folder)!.supervisor).toBeNull();
  rmSync(folder, { recursive: true });
});

test("on a terminal the keys pause, kill, cut and heal, and Ctrl-C ends with 0", async () => {
  const folder = temporaryFolder();
  let screen = "";
  const decoder = new TextDecoder();
  const supervisor = Bun.spawn([executable, "cluster", "up", "3", ...inFolder(folder, 17_621)], {
    terminal: {
      cols: 90,
      rows: 30,
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const shows = (text: string) => eventually(text, () => (screen.includes(text) ? true : null));
  const press = (keys: string) => supervisor.terminal!.write(keys);
  await shows("ready 3 nodes");
  const steps: readonly (readonly [keys: string, shown: string])[] = [
    ["?", "choose a node"],
    ["2p", "node2 is paused"],
    ["p", "node2 is resumed"],
    ["\u001b[Bk", "node3 was killed"],
    ["k", "node3 is not running"],
    ["x1/2\r", "links are cut: 1/2"],
    ["h", "all links are mended"],
    ["l", "the log of node3"],
  ];
  for (const [keys, shown] of steps) {
    press(keys);
    await shows(shown);
  }
  press("\u0003");
  expect(await supervisor.exited).toBe(0);
  await shows("all nodes are down");
  rmSync(folder, { recursive: true });
});

test("a reader that goes away ends it quietly, with its nodes", async () => {
  const folder = temporaryFolder();
  const words = ["cluster", "up", "1", ...inFolder(folder, 17_631)];
  const supervisor = Bun.spawn([executable, ...words], { stdout: "pipe", stderr: "pipe" });
  const reader = supervisor.stdout.getReader();
  await reader.read();
  await reader.cancel();
  expect(await supervisor.exited).toBe(0);
  expect(await supervisor.stderr.text()).toBe("");
  expect(readClusterFile(folder)!.nodes.map(({ pid }) => pid)).toEqual([null]);
  rmSync(folder, { recursive: true });
});
