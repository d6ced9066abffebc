/** What is cut off and what is refused: every truncation and every flipped bit of a small log. */
import { describe, expect, test } from "bun:test";
import { sameBytes, utf8 } from "../../../src/base/bytes.ts";
import { OperatorError } from "../../../src/base/error.ts";
import { logIndex, nodeId } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { fileSource, RecordReader } from "../../../src/journal/reader.ts";
import { verifyJournal } from "../../../src/journal/verify.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { entryPicture, me, newDisk, open, Workbench } from "./workbench.ts";

const active = "node1.log";

/** Three batches of a few records each, all durable. */
function threeBatches(end: "sealed" | "open"): Workbench {
  const bench = new Workbench();
  bench.recordState(1, me);
  bench.recordEntry(null);
  bench.settle();
  bench.recordEntry(utf8("the first command"));
  bench.recordEntry(utf8("the second"));
  bench.recordPeer(nodeId(2), 0xfeed);
  bench.settle();
  bench.commit = logIndex(2);
  bench.recordEntry(utf8("the third command"));
  bench.recordState(2, null);
  bench.settle();
  if (end === "sealed") bench.seal();
  return bench;
}

/** The disk with one file's bytes changed, durably. */
function withBytes(
  disk: SimDisk,
  name: string,
  change: (bytes: Uint8Array) => Uint8Array,
): SimDisk {
  const changed = newDisk();
  for (const each of disk.list()) {
    const bytes = disk.read(each, 0, disk.size(each));
    changed.create(each, each === name ? change(bytes) : bytes);
    changed.sync(each);
  }
  changed.syncFolder();
  return changed;
}

const flipped = (disk: SimDisk, name: string, bit: number): SimDisk =>
  withBytes(disk, name, (bytes) => {
    bytes[bit >>> 3] = bytes[bit >>> 3]! ^ (1 << (bit & 7));
    return bytes;
  });

type Span = { readonly offset: number; readonly end: number; readonly kind: string };

function spans(disk: SimDisk, name: string): readonly Span[] {
  const reader = new RecordReader(fileSource(disk, name));
  const found: Span[] = [];
  for (let next = reader.next(); next.kind === "record"; next = reader.next()) {
    const { offset, length, record } = next;
    found.push({ offset, end: offset + length, kind: record.kind });
  }
  return found;
}

const lastOf = (records: readonly Span[], kind: string): Span =>
  records.findLast((record) => record.kind === kind)!;

const recordAt = (records: readonly Span[], offset: number): Span =>
  records.find((record) => record.offset <= offset && offset < record.end)!;

type Outcome =
  | { readonly kind: "opened"; readonly entries: string; readonly cutAt: number | null }
  | { readonly kind: "refused"; readonly code: string; readonly exit: number; what: string };

function outcomeOf(disk: SimDisk): Outcome {
  try {
    const { recovered } = open(disk);
    const entries = recovered.entries.map(entryPicture).join();
    return { kind: "opened", entries, cutAt: recovered.cut?.offset ?? null };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const { code, exit, what } = error.parts;
    return { kind: "refused", code, exit, what };
  }
}

const damagedAt = (name: string, offset: number): Outcome => ({
  kind: "refused",
  code: "log-damaged",
  exit: 6,
  what: `data/${name} is damaged at byte ${offset}`,
});

describe("one flipped bit", () => {
  test("of a sealed log is refused with its place, and in the seal costs the seal only", () => {
    const { disk, entries } = threeBatches("sealed");
    const records = spans(disk, active);
    const seal = records.at(-1)!;
    expect(seal.kind).toBe("mark");
    for (let bit = 0; bit < disk.size(active) * 8; bit++) {
      const { offset } = recordAt(records, bit >>> 3);
      const outcome = outcomeOf(flipped(disk, active, bit));
      const expected: Outcome =
        offset === seal.offset
          ? { kind: "opened", entries: entries.map(entryPicture).join(), cutAt: seal.offset }
          : damagedAt(active, offset);
      expect({ bit, outcome }).toEqual({ bit, outcome: expected });
    }
  });

  test("of a log that ends in an unsealed write is refused, or cuts within that write", () => {
    const { disk } = threeBatches("open");
    const records = spans(disk, active);
    const lastWrite = lastOf(records, "mark").offset;
    for (let bit = 0; bit < disk.size(active) * 8; bit++) {
      const { offset } = recordAt(records, bit >>> 3);
      const outcome = outcomeOf(flipped(disk, active, bit));
      if (offset < lastWrite)
        expect({ bit, outcome }).toEqual({ bit, outcome: damagedAt(active, offset) });
      else
        expect({ bit, outcome }).toMatchObject({ bit, outcome: { kind: "opened", cutAt: offset } });
    }
  });

  test("of a closed file is refused", () => {
    const bench = threeBatches("open");
    for (let count = 0; count < 6; count++) {
      bench.recordEntry(new Uint8Array(900).fill(count));
      bench.settle();
    }
    const closed = bench.disk.list()[0]!;
    expect(closed).not.toBe(active);
    const records = spans(bench.disk, closed);
    for (let bit = 0; bit < bench.disk.size(closed) * 8; bit += 37) {
      const { offset } = recordAt(records, bit >>> 3);
      const outcome = outcomeOf(flipped(bench.disk, closed, bit));
      expect({ bit, outcome }).toEqual({ bit, outcome: damagedAt(closed, offset) });
    }
  });

  test("is found by verification at the same place, which changes nothing", () => {
    const { disk } = threeBatches("sealed");
    const records = spans(disk, active);
    for (let bit = 0; bit < disk.size(active) * 8; bit += 11) {
      const damaged = flipped(disk, active, bit);
      const before = damaged.operationCount;
      const { verdict, problem } = verifyJournal(damaged, me);
      expect(damaged.operationCount).toBe(before);
      expect(problem?.offset).toBe(recordAt(records, bit >>> 3).offset);
      expect(verdict).toBe(problem?.offset === records.at(-1)!.offset ? "unfinished" : "refused");
    }
  });
});

describe("the end of the file", () => {
  test("cut off anywhere behind the header: complete records stay, the rest is kept aside", () => {
    const { disk, entries } = threeBatches("sealed");
    const records = spans(disk, active);
    const size = disk.size(active);
    for (let left = records[0]!.end; left < size; left++) {
      const shorter = withBytes(disk, active, (bytes) => bytes.slice(0, left));
      const { recovered } = open(shorter);
      const complete = records.filter((record) => record.end <= left);
      const count = complete.filter((record) => record.kind === "entry").length;
      const offset = complete.at(-1)!.end;
      expect(recovered.entries.map(entryPicture)).toEqual(
        entries.slice(0, count).map(entryPicture),
      );
      if (offset === left) {
        expect(recovered.cut).toBe(null);
        continue;
      }
      const savedAs = `node1.log.cut-${offset}`;
      expect(recovered.cut).toEqual({ file: active, offset, bytes: left - offset, savedAs });
      expect(shorter.read(savedAs, 0, 9999)).toEqual(disk.read(active, offset, left - offset));
    }
  });

  test("within the header is damage: no crash leaves that", () => {
    const { disk } = threeBatches("sealed");
    for (let left = 0; left < spans(disk, active)[0]!.end; left++) {
      const shorter = withBytes(disk, active, (bytes) => bytes.slice(0, left));
      expect(outcomeOf(shorter)).toEqual(damagedAt(active, 0));
    }
  });

  const random = seededRandom(7);
  const replacements: readonly (readonly [string, (byte: number) => number])[] = [
    ["zeros", () => 0],
    ["noise", (byte) => byte ^ (1 + random.below(255))],
  ];
  for (const [name, replace] of replacements) {
    for (const end of ["sealed", "open"] as const) {
      test(`${end}, replaced by ${name} for 1 to 64 bytes: it starts, and says what it cut`, () => {
        const { disk, entries } = threeBatches(end);
        for (let count = 1; count <= 64; count++) {
          const from = disk.size(active) - count;
          const changed = withBytes(disk, active, (bytes) =>
            bytes.map((byte, at) => (at < from ? byte : replace(byte))),
          );
          // Where the last bytes were zeros already, nothing happened to the file.
          if (sameBytes(changed.read(active, 0, 9999), disk.read(active, 0, 9999))) continue;
          const { recovered } = open(changed);
          expect(recovered.cut!.offset + recovered.cut!.bytes).toBe(disk.size(active));
          const kept = recovered.entries.map(entryPicture);
          expect(kept).toEqual(entries.slice(0, kept.length).map(entryPicture));
          expect(open(changed).recovered.cut).toBe(null);
        }
      });
    }
  }

  test("grown by zeros or by noise: exactly that is cut", () => {
    for (const fill of [0, 0xa5]) {
      const { disk, entries } = threeBatches("open");
      const size = disk.size(active);
      const grown = withBytes(disk, active, (bytes) => {
        const longer = new Uint8Array(size + 5000).fill(fill);
        longer.set(bytes);
        return longer;
      });
      const { recovered } = open(grown);
      expect(recovered.cut).toMatchObject({ offset: size, bytes: 5000 });
      expect(recovered.entries.length).toBe(entries.length);
    }
  });
});

describe("a seal that never reached the disk", () => {
  test("is not taken for damage when the write behind it did", () => {
    const bench = threeBatches("sealed");
    const sealAt = spans(bench.disk, active).at(-1)!.offset;
    bench.recordEntry(utf8("behind the seal"));
    bench.flush();
    const torn = withBytes(bench.disk, active, (bytes) => bytes.fill(0, sealAt, sealAt + 40));
    expect(outcomeOf(torn)).toMatchObject({ kind: "opened", cutAt: sealAt });
  });

  test("is vouched for by the second write behind it", () => {
    const bench = threeBatches("sealed");
    const sealAt = spans(bench.disk, active).at(-1)!.offset;
    for (const text of ["behind the seal", "and one more"]) {
      bench.recordEntry(utf8(text));
      bench.settle();
    }
    const rotten = withBytes(bench.disk, active, (bytes) => bytes.fill(0, sealAt, sealAt + 40));
    expect(outcomeOf(rotten)).toEqual(damagedAt(active, sealAt));
  });
});

describe("bytes that were cut off", () => {
  test("do not deceive when the disk shows them again", () => {
    const bench = threeBatches("sealed");
    const sealAt = spans(bench.disk, active).at(-1)!.offset;
    bench.recordEntry(utf8("behind the seal"));
    bench.flush();
    const torn = withBytes(bench.disk, active, (bytes) => bytes.fill(0, sealAt, sealAt + 40));
    const old = torn.read(active, 0, torn.size(active));
    expect(open(torn).recovered.cut!.offset).toBe(sealAt);
    const again = withBytes(torn, active, (bytes) => {
      const longer = old.slice();
      longer.set(bytes);
      return longer;
    });
    expect(outcomeOf(again)).toMatchObject({ kind: "opened", cutAt: torn.size(active) });
  });

  test("are kept once when the same cut happens again, and beside others of the same place", () => {
    const { disk } = threeBatches("open");
    const size = disk.size(active);
    const grown =
      (byte: number): ((bytes: Uint8Array) => Uint8Array) =>
      (bytes) =>
        new Uint8Array([...bytes.slice(0, size), byte, byte, byte]);
    let folder = disk;
    for (const byte of [1, 1, 2, 3]) {
      folder = withBytes(folder, active, grown(byte));
      open(folder);
    }
    const kept = folder.list().filter((name) => name.includes(".cut-"));
    expect(kept).toEqual([1, 2, 3].map((n) => `node1.log.cut-${size}${n === 1 ? "" : `-${n}`}`));
    expect(kept.map((name) => folder.read(name, 0, 1)[0])).toEqual([1, 2, 3]);
  });
});
