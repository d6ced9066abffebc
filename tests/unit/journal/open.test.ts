/**
 * Whose files they are, whether all are there, and what happens when the disk does not cooperate.
 */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { OperatorError, type OperatorErrorParts } from "../../../src/base/error.ts";
import { writeU16 } from "../../../src/base/integers.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { versions } from "../../../src/journal/header.ts";
import { openJournal } from "../../../src/journal/open.ts";
import {
  chainRecords,
  frameBytes,
  payloadBytesAt,
  recordBytes,
} from "../../../src/journal/record.ts";
import { verifyJournal } from "../../../src/journal/verify.ts";
import { PowerCut, type SimDisk } from "../../../src/sim/disk.ts";
import { cluster, contents, me, newDisk, open, three, Workbench } from "./workbench.ts";

const active = "node1.log";

/** A journal of several closed files and an active one. */
function severalSegments(): Workbench {
  const bench = new Workbench();
  bench.recordState(1, me);
  for (let count = 0; count < 20; count++) {
    bench.recordEntry(new Uint8Array(900).fill(count));
    bench.settle();
  }
  bench.seal();
  expect(bench.disk.list().length).toBeGreaterThan(3);
  return bench;
}

function refusal(
  disk: SimDisk,
  told: { node?: number; cluster?: number } = {},
): OperatorErrorParts {
  const before = disk.operationCount;
  try {
    openJournal({
      disk,
      node: nodeId(told.node ?? 1),
      cluster: told.cluster ?? cluster,
      create: { incarnation: 1, configuration: three },
    });
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    expect(disk.operationCount).toBe(before);
    return error.parts;
  }
  throw new Error("it was opened");
}

/** Replaces a file, durably. */
function put(disk: SimDisk, name: string, bytes: Uint8Array): void {
  if (disk.list().includes(name)) disk.remove(name);
  disk.create(name, bytes);
  disk.sync(name);
  disk.syncFolder();
}

const whole = (disk: SimDisk, name: string): Uint8Array => disk.read(name, 0, disk.size(name));

describe("opening", () => {
  test("an empty folder makes a journal that is this node's", () => {
    const disk = newDisk();
    const { recovered } = open(disk);
    expect(disk.list()).toEqual([active]);
    expect(recovered).toMatchObject({
      origin: "created",
      identity: { node: 1, cluster, incarnation: 0xabc },
      run: 1,
      hardState: { term: 0, votedFor: null },
      base: { index: 0, term: 0 },
      entries: [],
      configuration: three,
      commit: 0,
      cut: null,
      segmentCount: 1,
    });
  });

  test("again keeps the identity and counts the runs", () => {
    const disk = newDisk();
    for (const run of [1, 2, 3]) expect(open(disk).recovered.run).toBe(run);
    const again = openJournal({
      disk,
      node: me,
      cluster,
      create: { incarnation: 999, configuration: { ...three, learners: [nodeId(9)] } },
    });
    expect(again.recovered).toMatchObject({ origin: "opened", configuration: three });
    expect(again.recovered.identity.incarnation).toBe(0xabc);
  });

  test("several files gives what was recorded, and the journal goes on behind it", () => {
    const bench = severalSegments();
    bench.reopen();
    expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
    expect(bench.recovered.segmentCount).toBe(bench.disk.list().length);
    bench.recordEntry(utf8("one more"));
    bench.settle();
    expect(contents(open(bench.disk).recovered)).toBe(bench.states.at(-1)!);
  });

  test("nodes that share a folder do not see each other's files", () => {
    const { disk } = severalSegments();
    for (const node of [11, 2]) {
      const create = { incarnation: node, configuration: three };
      const { recovered } = openJournal({ disk, node: nodeId(node), cluster, create });
      expect(recovered).toMatchObject({ origin: "created", entries: [] });
    }
    expect(open(disk).recovered.entries.length).toBe(20);
  });
});

describe("a journal is refused, and nothing is changed,", () => {
  test("when another node wrote it", () => {
    const { disk } = new Workbench();
    put(disk, "node2.log", whole(disk, active));
    expect(refusal(disk, { node: 2 })).toMatchObject({
      code: "wrong-folder",
      exit: 6,
      why: "it was written by node 1, and this is node 2",
    });
  });

  test("when it is of another cluster than this node was told, if it was told one", () => {
    const { disk } = new Workbench();
    expect(refusal(disk, { cluster: 0x999 })).toMatchObject({
      code: "wrong-folder",
      exit: 6,
      why: "it is of cluster 000000001234, and this is 000000000999",
    });
    const create = { incarnation: 1, configuration: three };
    const { recovered } = openJournal({ disk, node: me, cluster: 0, create });
    expect(recovered.identity.cluster).toBe(cluster);
  });

  test("when a newer version wrote it", () => {
    const { disk } = new Workbench();
    const bytes = whole(disk, active);
    writeU16(bytes, frameBytes + 8, versions.withSnapshot + 1);
    const header = bytes.subarray(0, recordBytes(payloadBytesAt(bytes, 0)));
    chainRecords(header, 0);
    put(disk, active, bytes);
    expect(refusal(disk)).toMatchObject({ code: "log-incompatible", exit: 6 });
  });

  test("when it is no journal at all", () => {
    const disk = newDisk();
    put(
      disk,
      active,
      utf8("dear diary, today I wrote a file that is longer than a header is\n".repeat(3)),
    );
    expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
  });

  test("when any one of its files is missing", () => {
    const bench = severalSegments();
    for (const name of bench.disk.list()) {
      const disk = bench.disk.copy();
      disk.remove(name);
      expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
    }
  });

  test("when a closed file ends early, even where a record ends", () => {
    const bench = severalSegments();
    const closed = bench.disk.list()[1]!;
    const bytes = whole(bench.disk, closed);
    for (let at = 0; at < bytes.length; at += recordBytes(payloadBytesAt(bytes, at))) {
      const disk = bench.disk.copy();
      disk.truncate(closed, at);
      expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
    }
  });

  test("when a file of another journal of the same node is among its own", () => {
    const bench = severalSegments();
    const other = new Workbench();
    other.recordState(1, me);
    for (let count = 0; count < 20; count++) {
      other.recordEntry(new Uint8Array(900).fill(99));
      other.settle();
    }
    expect(other.disk.list()).toEqual(bench.disk.list());
    for (const name of bench.disk.list()) {
      const disk = bench.disk.copy();
      put(disk, name, whole(other.disk, name));
      expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
    }
  });

  test("when the active file is missing and what a roll left cannot be it", () => {
    const bench = severalSegments();
    for (const bytes of [utf8("RUSTBOAT"), whole(new Workbench().disk, active)]) {
      const disk = bench.disk.copy();
      disk.remove(active);
      put(disk, "node1.log.new", bytes);
      expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
    }
  });
});

test("a journal of which only the file is left that a later roll had begun is refused", () => {
  const bench = severalSegments();
  const second = whole(bench.disk, bench.disk.list()[1]!);
  const disk = newDisk();
  put(disk, "node1.log.new", second);
  expect(refusal(disk)).toMatchObject({ code: "log-damaged", exit: 6 });
});

describe("a file that a crash left", () => {
  test("half made beside the active one is removed", () => {
    const bench = severalSegments();
    put(bench.disk, "node1.log.new", utf8("half a hea"));
    bench.reopen();
    expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
    expect(bench.disk.list()).not.toContain("node1.log.new");
  });

  test("between the two renames of a roll becomes the active one", () => {
    const bench = severalSegments();
    const { disk } = bench;
    disk.faults = ({ kind, file }) =>
      kind === "rename" && file.endsWith(".new") ? { kind: "power-cut" } : null;
    expect(() => {
      for (let count = 0; count < 10; count++) {
        bench.recordEntry(new Uint8Array(900));
        bench.settle();
      }
    }).toThrow(PowerCut);
    disk.faults = () => null;
    disk.crash("lose-all");
    expect(disk.list()).not.toContain(active);
    expect(verifyJournal(disk, me).verdict).toBe("right");
    expect(open(disk).recovered.entries.length).toBe(JSON.parse(bench.states.at(-2)!)[1].length);
    expect(disk.list()).toContain(active);
    expect(disk.list()).not.toContain("node1.log.new");
  });
});

describe("a disk that fails while the journal is opened", () => {
  test("is the operator's problem by its name, and the next start succeeds", () => {
    const bench = severalSegments();
    bench.recordEntry(utf8("torn"));
    bench.flush();
    bench.disk.truncate(active, bench.disk.size(active) - 5);
    for (let at = 1; ; at++) {
      const disk = bench.disk.copy();
      let failed: "failed" | "not reached" = "not reached";
      disk.faults = ({ count, kind }) => {
        if (count !== at) return null;
        failed = "failed";
        if (kind === "sync") return { kind: "sync-lost" };
        if (kind === "append" || kind === "create")
          return { kind: "half", code: "disk-full", bytes: 3 };
        return { kind: "refused", code: "permission" };
      };
      let code = "";
      try {
        open(disk);
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        expect(error.parts.exit).toBe(7);
        code = error.parts.code;
      }
      if (failed === "not reached") {
        expect(at).toBeGreaterThan(7);
        break;
      }
      expect(["disk-full", "disk-failed", "permission"]).toContain(code);
      disk.faults = () => null;
      expect(open(disk).recovered.entries.length).toBe(20);
    }
  });
});
