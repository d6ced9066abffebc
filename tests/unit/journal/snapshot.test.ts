/** Snapshots in a node's folder: which one counts, what goes, and what is refused. */
import { describe, expect, test } from "bun:test";
import { OperatorError } from "../../../src/base/error.ts";
import { logIndex, term } from "../../../src/base/numbers.ts";
import { fileSource, RecordReader } from "../../../src/journal/reader.ts";
import { SnapshotDecoder } from "../../../src/journal/snapshot-format.ts";
import { loadSnapshot } from "../../../src/journal/snapshot-load.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { contents, open, three, Workbench } from "./workbench.ts";

const kilobyte = new Uint8Array(1000);
const snapName = (index: number): string => `node1.${`${index}`.padStart(15, "0")}.snap`;

/** A log of `count` entries over several files, all of it committed and durable. */
function filled(count: number): Workbench {
  const bench = new Workbench();
  bench.recordState(1, null);
  for (let at = 0; at < count; at++) {
    bench.recordEntry(kilobyte);
    bench.settle();
  }
  bench.commit = logIndex(count);
  return bench;
}

function snapshotTaken(bench: Workbench): void {
  bench.recordSnapshot("kept");
  bench.settle();
  bench.removeOutdated();
}

const names = (disk: SimDisk, suffix: string): readonly string[] =>
  disk.list().filter((name) => name.endsWith(suffix));

function refusal(disk: SimDisk): string {
  try {
    open(disk);
  } catch (error) {
    if (error instanceof OperatorError) return error.parts.code;
    throw error;
  }
  return "opened";
}

describe("a snapshot that was taken", () => {
  test("stands for the files that held nothing else, and the log goes on from there", () => {
    const bench = filled(12);
    const before = names(bench.disk, ".log").length;
    snapshotTaken(bench);
    bench.recordEntry(kilobyte);
    bench.reopen();
    expect(names(bench.disk, ".log").length).toBeLessThan(before);
    expect(names(bench.disk, ".snap")).toEqual([snapName(12)]);
    const { snapshot, base, entries, commit } = bench.recovered;
    expect([...(snapshot?.store.values.keys() ?? [])]).toEqual(["a", "b"]);
    expect(snapshot?.end).toMatchObject({ last: { index: 12, term: 1 }, configuration: three });
    expect(base.index).toBeLessThanOrEqual(12);
    expect(base.index).toBeGreaterThan(0);
    expect(entries.at(-1)?.index).toBe(logIndex(13));
    expect(commit).toBeGreaterThanOrEqual(12);
  });

  test("is told of in the headers of later files, whose own record may be gone", () => {
    const bench = filled(6);
    snapshotTaken(bench);
    for (let at = 0; at < 12; at++) {
      bench.recordEntry(kilobyte);
      bench.settle();
    }
    bench.commit = bench.lastIndex;
    snapshotTaken(bench);
    for (let at = 0; at < 6; at++) {
      bench.recordEntry(kilobyte);
      bench.settle();
    }
    bench.reopen();
    expect(bench.recovered.snapshot?.end.last.index).toBe(logIndex(18));
    expect(names(bench.disk, ".snap")).toEqual([snapName(18)]);
    expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
  });

  test("goes on after many restarts", () => {
    const bench = filled(3);
    for (let round = 0; round < 8; round++) {
      for (let at = 0; at < 5; at++) bench.recordEntry(kilobyte);
      bench.settle();
      bench.commit = bench.lastIndex;
      snapshotTaken(bench);
      bench.reopen();
      expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
    }
    expect(names(bench.disk, ".log").length).toBeLessThan(4);
  });
});

describe("a snapshot from elsewhere", () => {
  test("that goes beyond the log leaves nothing of it", () => {
    const bench = filled(3);
    bench.recordSnapshot("discarded");
    bench.recordEntry(kilobyte);
    bench.reopen();
    const { base, entries } = bench.recovered;
    expect([base.index, base.term]).toEqual([logIndex(6), bench.snapshot!.last.term]);
    expect(entries.map(({ index }) => Number(index))).toEqual([7]);
  });

  test("leaves nothing of it also where nothing was recorded after it", () => {
    const bench = filled(3);
    bench.recordSnapshot("discarded");
    bench.reopen();
    const { base, entries } = bench.recovered;
    expect(Number(base.index)).toBe(6);
    expect(entries).toEqual([]);
  });

  test("says nothing of what it takes the place of: the mark before it calls none of that committed", () => {
    const bench = filled(3);
    bench.commit = logIndex(0);
    bench.recordSnapshot("discarded");
    // It is committed, up to an entry that this log never had. What this log had may have been others' to replace.
    expect(Number(bench.commit)).toBe(6);
    bench.settle();
    const reader = new RecordReader(fileSource(bench.disk, "node1.log"));
    let told = -1;
    for (let next = reader.next(); next.kind === "record"; next = reader.next()) {
      if (next.record.kind === "mark") told = next.record.commit;
      if (next.record.kind === "snapshot") break;
    }
    expect(told).toBe(0);
  });
});

describe("a first file that began behind entries which were taken back", () => {
  test("is read from the snapshot on", () => {
    const bench = filled(4);
    bench.commit = logIndex(0);
    // The next file begins behind entry 4, and its first entry takes the place of entry 2.
    bench.recordState(2, null);
    for (let at = 2; at <= 4; at++) {
      bench.recordEntry(kilobyte, logIndex(at));
      bench.settle();
    }
    bench.commit = logIndex(4);
    snapshotTaken(bench);
    bench.recordEntry(kilobyte);
    bench.reopen();
    // It is the only one that is left: of what was before entry 2, nothing is known.
    expect(names(bench.disk, ".log")).toEqual(["node1.log"]);
    expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
    // What the file's header says of entry 4 is of the one that was taken back.
    const { base, entries } = bench.recovered;
    expect(base).toMatchObject(bench.snapshot!.last);
    expect(entries.map(({ index }) => Number(index))).toEqual([5]);
  });
});

describe("opening", () => {
  test("removes a snapshot that was never told of, and what was being made or received", () => {
    const bench = filled(4);
    snapshotTaken(bench);
    const bytes = bench.disk.read(snapName(4), 0, 1 << 20);
    bench.disk.create(snapName(9), bytes);
    bench.disk.create(`${snapName(9)}.new`, bytes);
    bench.disk.create(`${snapName(11)}.part`, bytes.subarray(0, 9));
    bench.reopen();
    expect(bench.disk.list().filter((name) => name.includes(".snap"))).toEqual([snapName(4)]);
    expect(bench.recovered.snapshot?.end.last.index).toBe(logIndex(4));
  });

  test("refuses where the snapshot is missing, shorter, longer, another, or has one wrong bit", () => {
    const spoilers: readonly ((disk: SimDisk, size: number) => void)[] = [
      (disk) => disk.remove(snapName(4)),
      (disk, size) => disk.truncate(snapName(4), size - 8),
      (disk) => disk.truncate(snapName(4), 0),
      (disk) => disk.append(snapName(4), new Uint8Array(8)),
      (disk) => disk.append(snapName(4), new Uint8Array(3)),
    ];
    for (const spoil of spoilers) {
      const bench = filled(4);
      snapshotTaken(bench);
      spoil(bench.disk, bench.disk.size(snapName(4)));
      expect(refusal(bench.disk)).toBe("snapshot-damaged");
      expect(names(bench.disk, ".log").length).toBeGreaterThan(0);
    }
    const bench = filled(4);
    snapshotTaken(bench);
    const size = bench.disk.size(snapName(4));
    for (let bit = 0; bit < size * 8; bit += 7) {
      const copy = bench.disk.copy();
      copy.flipBit(snapName(4), bit);
      expect({ bit, is: refusal(copy) }).toEqual({ bit, is: "snapshot-damaged" });
    }
  });

  test("refuses where a file between the snapshot and the rest of the log is missing", () => {
    const bench = filled(4);
    snapshotTaken(bench);
    for (let at = 0; at < 12; at++) {
      bench.recordEntry(kilobyte);
      bench.settle();
    }
    const closed = names(bench.disk, ".log").filter((name) => name !== "node1.log");
    expect(closed.length).toBeGreaterThan(1);
    const without = bench.disk.copy();
    for (const name of closed) without.remove(name);
    expect(refusal(without)).toBe("log-damaged");
    expect(refusal(bench.disk)).toBe("opened");
  });
});

describe("a snapshot's bytes", () => {
  const bytesOf = (): Uint8Array => {
    const bench = filled(2);
    snapshotTaken(bench);
    return bench.disk.read(snapName(2), 0, 1 << 20);
  };

  test("mean the same in whatever pieces they come", () => {
    const bytes = bytesOf();
    for (const size of [1, 2, 7, 8, 9, 64, 333, bytes.length]) {
      const decoder = new SnapshotDecoder();
      let parts = 0;
      for (let at = 0; at < bytes.length; at += size) {
        parts += decoder.push(bytes.subarray(at, at + size)).length;
      }
      expect([size, parts, decoder.isComplete]).toEqual([size, 4, true]);
    }
  });

  test("are those of the snapshot that is meant, or of another", () => {
    const bench = filled(2);
    snapshotTaken(bench);
    bench.reopen();
    const { id } = bench.recovered.snapshot!;
    const source = fileSource(bench.disk, snapName(2));
    expect(loadSnapshot(source, id).kind).toBe("loaded");
    const others = [
      { ...id, checksum: id.checksum ^ 1 },
      { ...id, bytes: id.bytes + 8 },
      { ...id, last: { ...id.last, term: term(id.last.term + 1) } },
      { ...id, last: { ...id.last, index: logIndex(3) } },
    ];
    for (const other of others) {
      expect(loadSnapshot(source, other)).toMatchObject({ kind: "wrong", because: "another" });
    }
  });

  test("cut anywhere are no snapshot", () => {
    const bytes = bytesOf();
    for (let size = 0; size < bytes.length; size++) {
      const source = { size, read: (at: number, count: number) => bytes.slice(at, at + count) };
      expect(loadSnapshot(source, null)).toMatchObject({ kind: "wrong", because: "cut-short" });
    }
    const bench = filled(2);
    snapshotTaken(bench);
    expect(loadSnapshot(fileSource(bench.disk, snapName(2)), null).kind).toBe("loaded");
  });
});
