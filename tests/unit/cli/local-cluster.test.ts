/**
 * What `cluster up` decides and leaves behind: the plan, cluster.json, the control channel, log
 * tails, keys.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../../../src/base/error.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { eventText, readyText } from "../../../src/cli/cluster/event-view.ts";
import { keysIn } from "../../../src/cli/cluster/screen.ts";
import { keyAction, viewLines } from "../../../src/cli/cluster/screen-view.ts";
import { plain } from "../../../src/cli/paint.ts";
import {
  type ClusterFile,
  clusterFilePath,
  parseClusterFile,
  readClusterFile,
  writeClusterFile,
} from "../../../src/runtime/cluster-file.ts";
import {
  planCluster,
  refuseSecondSupervisor,
  refuseTakenPorts,
  runningSupervisor,
} from "../../../src/runtime/cluster-plan.ts";
import { clusterStatus } from "../../../src/runtime/cluster-status.ts";
import { callControl, parseRequest, serveControl } from "../../../src/runtime/control.ts";
import { isOwnFile, removeOwnFiles } from "../../../src/runtime/own-files.ts";
import type { Member } from "../../../src/runtime/supervisor.ts";
import { lastLines, lastWords, linesAfter } from "../../../src/runtime/tail.ts";

const home = mkdtempSync(join(tmpdir(), "rusty-boat-local-"));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;
function newFolder(): string {
  folders += 1;
  return mkdtempSync(join(home, `${folders}-`));
}

const partsOf = (error: unknown) => (error instanceof OperatorError ? error.parts : null);
const thrownBy = (act: () => unknown) => {
  try {
    act();
    return null;
  } catch (error) {
    return partsOf(error);
  }
};
const rejected = (promise: Promise<unknown>) => promise.then(() => null, partsOf);

const file = (parts: Partial<ClusterFile> = {}): ClusterFile => ({
  clusterId: 0xabc,
  basePort: 7201,
  nodes: [1, 2].map((id) => ({
    id: nodeId(id),
    address: { host: "127.0.0.1", port: 7200 + id },
    pid: id === 1 ? 4711 : null,
    joined: null,
  })),
  founders: 2,
  highest: 2,
  secretFile: null,
  clientSecretFile: null,
  supervisor: { pid: process.pid, control: "http://127.0.0.1:1", token: "secret" },
  ...parts,
});

describe("cluster.json", () => {
  test("is read back as written, and is for its owner alone", () => {
    const folder = newFolder();
    writeClusterFile(folder, file());
    expect(readClusterFile(folder)).toEqual(file());
    expect(statSync(clusterFilePath(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["cluster.json"]);
  });

  test("that is missing is no error; one that is something else is damage", () => {
    const folder = newFolder();
    expect(readClusterFile(folder)).toBeNull();
    writeFileSync(clusterFilePath(folder), "{}");
    expect(thrownBy(() => readClusterFile(folder))).toMatchObject({ exit: 6 });
  });

  test.each(["", "null", "[]", '{"format":2}', '{"format":1,"cluster":"0","nodes":[]}'])(
    "%p is none",
    (text) => {
      expect(parseClusterFile(text)).toBeNull();
    },
  );

  test("never sends the token to another machine", () => {
    const folder = newFolder();
    const elsewhere = { pid: 1, control: "http://10.0.0.1:80", token: "secret" };
    writeClusterFile(folder, file({ supervisor: elsewhere }));
    expect(thrownBy(() => readClusterFile(folder))).toMatchObject({ exit: 6 });
  });
});

describe("the plan", () => {
  const wishes = (dataFolder: string) => ({
    dataFolder,
    nodes: null,
    basePort: null,
    clusterId: null,
    secretFile: null,
    start: "keep-data" as const,
  });

  test("of an empty folder has three nodes from 7101 on, and a cluster id by chance", () => {
    const plan = planCluster(wishes(newFolder()));
    expect([...plan.nodes.values()].map(({ address }) => address.port)).toEqual([7101, 7102, 7103]);
    expect(plan.clusterId).not.toBe(planCluster(wishes(newFolder())).clusterId);
  });

  test("of a folder with data is the cluster that was there", () => {
    const folder = newFolder();
    writeClusterFile(folder, file());
    const plan = planCluster(wishes(folder));
    expect(plan).toMatchObject({ clusterId: 0xabc, basePort: 7201 });
    expect(plan.nodes.size).toBe(2);
    expect(planCluster({ ...wishes(folder), basePort: 9000 }).basePort).toBe(9000);
  });

  test("refuses another number of nodes than the data has, unless it starts fresh", () => {
    const folder = newFolder();
    writeClusterFile(folder, file());
    const five = { ...wishes(folder), nodes: 5 };
    expect(thrownBy(() => planCluster(five))).toMatchObject({ code: "other-cluster", exit: 2 });
    const fresh = planCluster({ ...five, start: "fresh" });
    expect(fresh.nodes.size).toBe(5);
    expect(fresh.clusterId).not.toBe(0xabc);
  });

  test("refuses nodes' files without the file that says whose they are", () => {
    const folder = newFolder();
    writeFileSync(join(folder, "node1.log"), "x");
    expect(thrownBy(() => planCluster(wishes(folder)))?.code).toBe("no-cluster-file");
    expect(planCluster({ ...wishes(folder), clusterId: 7 }).clusterId).toBe(7);
  });

  test("stays within the ports there are", () => {
    const last = { ...wishes(newFolder()), nodes: 3, basePort: 65_534 };
    expect(thrownBy(() => planCluster(last))?.code).toBe("out-of-range");
  });

  test("finds a taken port before anything starts, names it, and offers others", async () => {
    const taken = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
    const plan = planCluster({ ...wishes(newFolder()), nodes: 1, basePort: taken.port });
    const parts = await rejected(refuseTakenPorts(plan));
    taken.close();
    expect(parts).toMatchObject({ code: "port-taken", exit: 7 });
    expect(parts?.why).toContain(`UDP port ${taken.port}`);
    expect(parts?.fix[0]).toContain("--base-port");
  });
});

describe("a fresh start", () => {
  test.each([
    "node1.log",
    "node12.txt",
    "node1.42.snap",
    "node1.000000000042.log",
    "node1.log.new",
    "node1.log.cut-4096",
    "cluster.json",
    "cluster.txt",
  ])("removes %s", (name) => {
    expect(isOwnFile(name)).toBe(true);
  });

  test.each([
    "node.log",
    "node1.lock",
    "cluster.lock",
    "mynode1.log",
    "node1",
    "notes.txt",
    "node1.log.bak/",
    "cluster.json.bak",
  ])("leaves %s", (name) => {
    expect(isOwnFile(name)).toBe(false);
  });

  test("touches no other file and no folder", () => {
    const folder = newFolder();
    for (const name of ["node1.log", "cluster.json", "notes.txt"]) {
      writeFileSync(join(folder, name), "");
    }
    mkdtempSync(join(folder, "node1.log."));
    expect(removeOwnFiles(folder)).toEqual(["cluster.json", "node1.log"]);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(removeOwnFiles(join(folder, "missing"))).toEqual([]);
  });
});

describe("the control channel", () => {
  const done = {
    kind: "done",
    ready: null,
    conditions: {},
    partition: null,
    added: null,
  } as const;
  const record = (control: string, token: string) => ({ pid: process.pid, control, token });

  test("performs requests of those who know the token, and of nobody else", async () => {
    const performed: string[] = [];
    const server = serveControl("right", async ({ kind }) => {
      performed.push(kind);
      return done;
    });
    try {
      const kill = { kind: "kill", node: nodeId(1) } as const;
      expect(await callControl(record(server.url, "right"), kill, 1000)).toEqual(done);
      expect(await callControl(record(server.url, "wrong"), kill, 1000)).toBeNull();
      expect(await callControl(record(server.url, ""), kill, 1000)).toBeNull();
      expect((await fetch(server.url, { method: "POST", body: '{"kind":"down"}' })).status).toBe(
        401,
      );
      expect(performed).toEqual(["kill"]);
      for (let again = 0; again < 4; again++) {
        expect(await callControl(record(server.url, "right"), kill, 1000)).toEqual(done);
      }
    } finally {
      await server.close();
    }
  });

  test("of a supervisor that is gone says nothing, and a new one may start", async () => {
    const folder = newFolder();
    writeClusterFile(folder, file());
    expect(await runningSupervisor(file())).toBeNull();
    await refuseSecondSupervisor(folder);
  });

  test("that answers keeps a second supervisor away", async () => {
    const folder = newFolder();
    const server = serveControl("right", async () => done);
    writeClusterFile(folder, file({ supervisor: record(server.url, "right") }));
    const parts = await rejected(refuseSecondSupervisor(folder));
    await server.close();
    expect(parts).toMatchObject({ code: "cluster-running", exit: 7 });
    expect(parts?.why).toContain(`${process.pid}`);
  });

  test.each([
    null,
    {},
    { kind: "explode" },
    { kind: "kill" },
    { kind: "kill", node: 0 },
    { kind: "kill", node: "1" },
    { kind: "partition", partition: { groups: [[1], []], direction: "one-way" } },
    { kind: "partition", partition: { groups: [[1]], direction: "sideways" } },
  ])("does not take %p for a request", (value) => {
    expect(parseRequest(value)).toBeNull();
  });
});

describe("the end of a log", () => {
  test("is its last lines, and then whole lines as they come", () => {
    const path = join(newFolder(), "log");
    expect(lastLines(path, 2)).toEqual({ lines: [], offset: 0 });
    writeFileSync(path, "one\ntwo\nthree\n");
    const { lines, offset } = lastLines(path, 2);
    expect(lines).toEqual(["two", "three"]);
    appendFileSync(path, "four\nfi");
    const next = linesAfter(path, offset);
    expect(next.lines).toEqual(["four"]);
    appendFileSync(path, "ve\n");
    expect(linesAfter(path, next.offset).lines).toEqual(["five"]);
    writeFileSync(path, "anew\n");
    expect(linesAfter(path, next.offset).lines).toEqual(["anew"]);
  });

  test("as last words is the error block, not the stack below it", () => {
    const path = join(newFolder(), "log");
    writeFileSync(path, "begins\nerror[bug]: it broke\n  why  x\n    at f\n    at g\n    at h\n");
    expect(lastWords(path, 2)).toEqual(["error[bug]: it broke", "  why  x"]);
    writeFileSync(path, "begins\nends\n");
    expect(lastWords(path, 2)).toEqual(["begins", "ends"]);
  });
});

describe("what is shown of a running cluster", () => {
  const members: Member[] = [1, 2, 3].map((id) => ({
    id: nodeId(id),
    condition: id === 2 ? "paused" : "running",
    pid: 100 + id,
    end: null,
  }));
  const key = (text: string, selected = 1) => keyAction(text, members, nodeId(selected));

  test("the ready line is the one that scripts wait for", () => {
    expect(readyText({ nodes: 5, leader: 3, term: 1, ms: 412 })).toBe(
      "ready 5 nodes, leader node3 (term 1), 412 ms",
    );
  });

  test("a node that ended by itself is shown with what it said last", () => {
    const end = { code: 6, signal: null };
    const node = nodeId(2);
    expect(
      eventText({
        kind: "ended",
        node,
        condition: "failed",
        end,
        lines: ["error[log-damaged]: x"],
      }),
    ).toBe("node2 ended by itself (exit 6); it said last:\n    error[log-damaged]: x");
  });

  test("keys act on the chosen node", () => {
    expect(key("k", 3)).toEqual({ kind: "kill", node: nodeId(3) });
    expect(key("p", 1)).toEqual({ kind: "pause", node: nodeId(1) });
    expect(key("p", 2)).toEqual({ kind: "resume", node: nodeId(2) });
    expect(key("3")).toEqual({ kind: "select", node: nodeId(3) });
    expect(key("\u001b[B", 3)).toEqual({ kind: "select", node: nodeId(1) });
    expect(key("\u001b[A", 1)).toEqual({ kind: "select", node: nodeId(3) });
    expect(key("9").kind).toBe("nothing");
    expect(key("\u0003").kind).toBe("interrupt");
  });

  test("keys that arrive together are told apart", () => {
    expect(keysIn("k\u001b[A3")).toEqual(["k", "\u001b[A", "3"]);
  });

  test("no line is wider than the terminal", () => {
    const lines = viewLines({
      members,
      status: clusterStatus([]),
      partition: null,
      selected: nodeId(2),
      typed: null,
      help: "shown",
      columns: 48,
      paint: plain,
    });
    expect(lines.every((line) => line.length < 48)).toBe(true);
    expect(lines[2]).toStartWith("> node2");
    expect(lines[2]).toContain("paused");
  });
});
