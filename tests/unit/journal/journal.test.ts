/** The writer: group commit, positions, rolling, seals, and what it refuses to write. */
import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import { performDiskEffect } from "../../../src/journal/effects.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { fileSource } from "../../../src/journal/reader.ts";
import { type Mark, markRecordBytes } from "../../../src/journal/record.ts";
import { readSegment } from "../../../src/journal/verify.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { contents, me, newDisk, open, segmentBytesMax, three, Workbench } from "./workbench.ts";

const none = { commit: logIndex(0) };

function begun(): { disk: SimDisk; journal: Journal } {
  const disk = newDisk();
  const { journal } = open(disk);
  return { disk, journal };
}

const kindsOf = (effects: readonly { readonly kind: string }[]): readonly string[] =>
  effects.map(({ kind }) => kind);

/** The marks of the active file, in order. */
const marksOf = (disk: SimDisk): readonly Mark[] =>
  [...readSegment({ name: "node1.log", role: "active", source: fileSource(disk, "node1.log") })]
    .map(({ record }) => record)
    .filter((record) => record.kind === "mark");

describe("group commit", () => {
  test("nothing recorded is nothing to write", () => {
    expect(begun().journal.flush(none)).toEqual([]);
  });

  test("all that was recorded goes in one append and one sync", () => {
    const { journal } = begun();
    journal.recordState({ term: term(1), votedFor: me });
    journal.recordPeer(nodeId(2), 5);
    expect(kindsOf(journal.flush(none))).toEqual(["append", "sync"]);
    expect(journal.flush(none)).toEqual([]);
  });

  test("what is recorded while a sync is under way waits for it, and is the next batch", () => {
    const { disk, journal } = begun();
    journal.recordState({ term: term(1), votedFor: me });
    const first = journal.flush(none);
    for (const effect of first) performDiskEffect(disk, effect);
    journal.recordState({ term: term(2), votedFor: null });
    journal.recordState({ term: term(3), votedFor: null });
    expect(journal.flush(none)).toEqual([]);
    journal.synced(disk.finishSync(1).ticket);
    const second = journal.flush(none);
    expect(kindsOf(second)).toEqual(["append", "sync"]);
    for (const effect of second) performDiskEffect(disk, effect);
    expect(open(disk).recovered.hardState.term).toBe(term(3));
  });

  test("durable reaches a position when the sync that covers it is over, and not before", () => {
    const { journal } = begun();
    expect(journal.durable).toBe(journal.position);
    journal.recordState({ term: term(1), votedFor: me });
    const first = journal.position;
    journal.flush(none);
    journal.recordState({ term: term(2), votedFor: me });
    const second = journal.position;
    expect(journal.durable).toBeLessThan(first);
    expect(journal.synced(1)).toBe(first);
    expect(journal.durable).toBe(first);
    journal.flush(none);
    expect(journal.synced(2)).toBe(second);
  });

  test("a completion that was not asked for is a bug", () => {
    const { journal } = begun();
    expect(() => journal.synced(1)).toThrow(AssertionError);
    journal.recordState({ term: term(1), votedFor: me });
    journal.flush(none);
    expect(() => journal.synced(2)).toThrow(AssertionError);
  });

  test("bytes that were handed out stay as they are while the next batch is collected", () => {
    const { journal } = begun();
    journal.recordState({ term: term(1), votedFor: me });
    const [append] = journal.flush(none);
    const bytes = append?.kind === "append" ? append.bytes : new Uint8Array();
    const before = bytes.slice();
    journal.recordState({ term: term(2), votedFor: null });
    journal.recordPeer(nodeId(2), 5);
    expect(bytes).toEqual(before);
  });
});

describe("marks", () => {
  test("begin each batch with what was durable then, which is all before it", () => {
    const bench = new Workbench();
    for (const number of [1, 2, 3]) {
      bench.recordState(number, me);
      bench.settle();
    }
    const marks = marksOf(bench.disk);
    expect(marks.length).toBe(4);
    for (const mark of marks) expect(mark.durable).toBe(mark.offset);
  });

  test("say what is committed, as far as it stands before them", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    for (let count = 0; count < 5; count++) bench.recordEntry(null);
    bench.commit = logIndex(5);
    bench.settle();
    expect(marksOf(bench.disk).at(-1)!.commit).toBe(logIndex(0));
    bench.recordState(2, null);
    bench.settle();
    expect(marksOf(bench.disk).at(-1)!.commit).toBe(logIndex(5));
    bench.reopen();
    expect(bench.recovered.commit).toBe(logIndex(5));
  });

  test("do not call an entry committed that the same batch replaces", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    for (let count = 0; count < 5; count++) bench.recordEntry(null);
    bench.settle();
    bench.recordState(2, null);
    bench.recordEntry(utf8("another"), logIndex(3));
    bench.commit = logIndex(3);
    bench.settle();
    expect(marksOf(bench.disk).at(-1)!.commit).toBe(logIndex(2));
  });
});

describe("a seal", () => {
  test("vouches once for what was written since the last one, and is not synced", () => {
    const bench = new Workbench();
    expect(bench.journal.seal(none)).toEqual([]);
    bench.recordState(1, me);
    expect(bench.journal.seal(none)).toEqual([]);
    bench.flush();
    expect(bench.journal.seal(none)).toEqual([]);
    bench.finishSync();
    const size = bench.disk.size("node1.log");
    const effects = bench.journal.seal(none);
    expect(kindsOf(effects)).toEqual(["append"]);
    for (const effect of effects) performDiskEffect(bench.disk, effect);
    expect(marksOf(bench.disk).at(-1)).toMatchObject({ offset: size, durable: size });
    expect(bench.journal.seal(none)).toEqual([]);
  });

  test("is not vouched for itself by the batch behind it", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    bench.settle();
    bench.seal();
    const sealAt = marksOf(bench.disk).at(-1)!.offset;
    bench.recordState(2, me);
    bench.flush();
    expect(marksOf(bench.disk).at(-1)).toMatchObject({
      offset: sealAt + markRecordBytes,
      durable: sealAt,
    });
  });
});

describe("a full segment", () => {
  test("is closed before the next batch, under the index it began with", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    bench.recordEntry(new Uint8Array(segmentBytesMax));
    bench.settle();
    expect(bench.disk.list()).toEqual(["node1.log"]);
    bench.recordEntry(new Uint8Array(segmentBytesMax));
    bench.settle();
    bench.recordEntry(null);
    bench.settle();
    expect(bench.disk.list()).toEqual([
      "node1.000000000000001.log",
      "node1.000000000000002.log",
      "node1.log",
    ]);
  });

  test("gets a name of its own after a truncation, in the order of the log", () => {
    const bench = new Workbench();
    for (let round = 1; round <= 5; round++) {
      bench.recordState(round, me);
      bench.recordEntry(new Uint8Array(segmentBytesMax).fill(round), logIndex(1));
      bench.settle();
      bench.recordEntry(null);
      bench.settle();
    }
    const names = bench.disk.list().slice(0, -1);
    expect(new Set(names).size).toBe(names.length);
    bench.reopen();
    expect(bench.recovered.segmentCount).toBe(names.length + 1);
    expect(contents(bench.recovered)).toBe(bench.states.at(-1)!);
  });

  test("leaves all that the next header repeats: term, vote, peers, configuration", () => {
    const bench = new Workbench();
    bench.recordState(4, nodeId(3));
    bench.recordPeer(nodeId(2), 0x22);
    bench.recordEntry({ ...three, learners: [nodeId(4)] });
    bench.recordEntry(new Uint8Array(segmentBytesMax));
    bench.settle();
    bench.recordEntry(null);
    bench.settle();
    const source = fileSource(bench.disk, "node1.log");
    const [header] = readSegment({ name: "node1.log", role: "active", source });
    expect(header!.record).toMatchObject({
      segment: 2,
      previous: { index: 2, term: 4 },
      hardState: { term: 4, votedFor: 3 },
      peers: new Map([[nodeId(2), 0x22]]),
      configuration: { ...three, learners: [nodeId(4)] },
    });
  });
});

describe("a record that cannot be is a bug, and is not written:", () => {
  const refused: readonly (readonly [string, (bench: Workbench) => void])[] = [
    ["an entry beyond the next", (bench) => bench.recordEntry(null, logIndex(9))],
    ["a term that goes back", (bench) => bench.recordState(1, null)],
    ["a second vote in a term", (bench) => bench.recordState(2, nodeId(3))],
    ["a vote taken back", (bench) => bench.recordState(2, null)],
    [
      "an entry in the place of a committed one",
      (bench) => {
        bench.commit = logIndex(2);
        bench.recordEntry(null);
        bench.settle();
        bench.recordEntry(null, logIndex(2));
      },
    ],
  ];
  for (const [name, act] of refused) {
    test(name, () => {
      const bench = new Workbench();
      bench.recordState(2, me);
      bench.recordEntry(null);
      bench.recordEntry(null);
      bench.settle();
      expect(() => act(bench)).toThrow(AssertionError);
    });
  }
});

test("a full disk stops a write half way; what was durable is there after the next start", () => {
  const bench = new Workbench();
  bench.recordState(1, me);
  bench.recordEntry(utf8("durable"));
  bench.settle();
  const durableState = bench.states.at(-1)!;
  bench.disk.faults = ({ kind }) =>
    kind === "append" ? { kind: "half", code: "disk-full", bytes: markRecordBytes + 30 } : null;
  bench.recordEntry(new Uint8Array(500));
  expect(() => bench.flush()).toThrow("append node1.log: disk-full");
  bench.disk.faults = () => null;
  const { recovered } = open(bench.disk);
  expect(contents(recovered)).toBe(durableState);
  expect(recovered.cut).toMatchObject({ bytes: 30 });
});
