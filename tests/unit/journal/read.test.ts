/** What `inspect` is given: every record, in place, of files that may still be growing. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { nodeId, noIndex } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { recordToSexp } from "../../../src/journal/describe.ts";
import { activeName, closedName, closedNames, roleOf } from "../../../src/journal/names.ts";
import { fileSource, type Located, type ReadPlace } from "../../../src/journal/reader.ts";
import { writeMark } from "../../../src/journal/record.ts";
import {
  readSegment,
  type SegmentEnd,
  verifyFiles,
  verifyJournal,
} from "../../../src/journal/verify.ts";
import { print } from "../../../src/sexp/print.ts";
import { bytesSexp } from "../../../src/sexp/value.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { contents, liveAStep, me, open, Workbench } from "./workbench.ts";

const active = "node1.log";

function readFrom(
  disk: SimDisk,
  place?: ReadPlace,
): { readonly records: readonly Located[]; readonly end: SegmentEnd } {
  const source = fileSource(disk, active);
  const reading = readSegment({ name: active, role: "active", source }, place);
  const records: Located[] = [];
  for (;;) {
    const next = reading.next();
    if (next.done === true) return { records, end: next.value };
    records.push(next.value);
  }
}

const shown = (records: readonly Located[]): readonly string[] =>
  records.map(({ record }) => print(recordToSexp(record, bytesSexp)));

function smallLog(): Workbench {
  const bench = new Workbench();
  bench.recordState(1, me);
  bench.recordEntry(null);
  bench.recordEntry(utf8("hello"));
  bench.settle();
  return bench;
}

describe("a file", () => {
  test("is read record by record, each with its place", () => {
    const { records, end } = readFrom(smallLog().disk);
    expect(shown(records).slice(1)).toEqual([
      "(mark (durable 96) (commit 0) (run 1) (term 0) (voted-for none) (last 0 0) (replacements 0))",
      "(mark (durable 160) (commit 0) (run 1) (term 0) (voted-for none) (last 0 0) (replacements 0))",
      "(state (term 1) (voted-for 1))",
      "(entry (index 1) (term 1) (time 1001) (noop))",
      '(entry (index 2) (term 1) (time 1002) "hello")',
    ]);
    expect(records.map(({ offset }) => offset)).toEqual([0, 96, 160, 224, 240, 272]);
    expect(end).toMatchObject({ place: { offset: 312 }, problem: null });
  });

  test("that grows is read on from where the reading ended", () => {
    const bench = smallLog();
    const { end } = readFrom(bench.disk);
    bench.recordEntry(utf8("more"));
    bench.settle();
    expect(shown(readFrom(bench.disk, end.place).records)).toEqual([
      "(mark (durable 312) (commit 0) (run 1) (term 1) (voted-for 1) (last 2 1) (replacements 0))",
      '(entry (index 3) (term 1) (time 1003) "more")',
    ]);
  });

  test("with half a write at its end is unfinished, and complete when the rest has come", () => {
    const bench = smallLog();
    bench.recordEntry(utf8("more"));
    bench.flush();
    const bytes = bench.disk.read(active, 0, 9999);
    const half = bench.disk.copy();
    half.truncate(active, 382);
    const { records, end } = readFrom(half);
    expect(records.length).toBe(7);
    expect(end.problem).toMatchObject({ kind: "unfinished", offset: 376, reason: "cut-short" });
    half.append(active, bytes.subarray(382));
    const rest = readFrom(half, end.place);
    expect(rest.records.length).toBe(1);
    expect(rest.end.problem).toBe(null);
  });

  test("with a bad byte that was right once is damaged, and says how that is known", () => {
    const bench = smallLog();
    bench.seal();
    bench.disk.flipBit(active, 248 * 8);
    const { problem } = readFrom(bench.disk).end;
    expect(problem).toMatchObject({ kind: "damaged", offset: 240, witness: { kind: "mark" } });
    expect(verifyJournal(bench.disk, me)).toMatchObject({
      verdict: "refused",
      why:
        "a record's checksum is wrong, and the mark at byte 312 says that everything before " +
        "byte 312 was durable",
      readable: "no entry yet",
    });
  });
});

describe("verification", () => {
  test("of any one file alone needs no other", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    for (let count = 0; count < 20; count++) {
      bench.recordEntry(new Uint8Array(700));
      bench.settle();
    }
    for (const name of bench.disk.list()) {
      const source = fileSource(bench.disk, name);
      const { verdict, first } = verifyFiles([{ name, role: roleOf(name), source }]);
      expect(verdict).toBe("right");
      expect(first!.identity.node).toBe(me);
    }
    expect(verifyJournal(bench.disk, me)).toMatchObject({
      verdict: "right",
      readable: "the log up to entry 20 of term 1",
    });
  });

  test("of a command that holds a mark of another place does not believe it", () => {
    const bench = smallLog();
    const seed = new DataView(bench.disk.read(active, 0, 4).buffer).getUint32(0, true);
    const start = bench.disk.size(active);
    for (let shift = 0; shift < 8; shift++) {
      const body = new Uint8Array(72);
      // Were it believed, it would vouch for the record that is going to be bad.
      const place = { offset: 100_000, durable: start + 8, seed };
      const { hardState, base: last } = bench.recovered;
      const said = { commit: noIndex, run: 1, hardState, last, replacements: 0 };
      writeMark(body, shift, { ...place, ...said });
      bench.recordEntry(body);
    }
    bench.flush();
    bench.disk.flipBit(active, (start + 20) * 8);
    expect(verifyJournal(bench.disk, me).verdict).toBe("unfinished");
  });
});

test("whatever is recorded in whatever batches is recovered", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 120 }), (seed, steps) => {
      const bench = new Workbench();
      const random = seededRandom(seed);
      for (let step = 0; step < steps; step++) liveAStep(bench, random);
      bench.settle();
      expect(contents(open(bench.disk).recovered)).toBe(bench.states.at(-1)!);
    }),
    { numRuns: 60 },
  );
});

describe("names", () => {
  test("are listed in the order of the log, the active file last", () => {
    const names = [closedName(me, 7), closedName(me, 12345), closedName(me, 2 ** 48 - 1)];
    const listed = [activeName(me), ...names].sort();
    expect(listed).toEqual([...names, activeName(me)]);
    expect(listed.map(roleOf)).toEqual(["closed", "closed", "closed", "active"]);
  });

  test("of other nodes and other files are not taken for a node's own", () => {
    const others = [
      closedName(nodeId(11), 7),
      "node1.7.log",
      "node1.log.new",
      "node01.000000000000007.log",
      `${closedName(me, 7)}.cut-8`,
    ];
    expect(closedNames(me, [...others, closedName(me, 7)])).toEqual([closedName(me, 7)]);
  });
});
