/**
 * A damaged journal is read for what it still says, filled with what a server holds that was spared, and written anew:
 * then it says what it said before the damage. What hides how the journal ended is refused.
 */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { OperatorError } from "../../../src/base/error.ts";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import type { JournalRecovered } from "../../../src/journal/open.ts";
import {
  type FetchedSnapshot,
  isBaseLost,
  openDamaged,
  replacementOf,
} from "../../../src/journal/open-damaged.ts";
import { gapsOf } from "../../../src/journal/partial-log.ts";
import { replaceJournal } from "../../../src/journal/replace.ts";
import { type Salvage, salvageJournal } from "../../../src/journal/salvage.ts";
import { damageSomewhere } from "../../../src/sim/campaign/rot.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import {
  cluster,
  contents,
  liveAStep,
  me,
  open,
  segmentBytesMax,
  three,
  Workbench,
} from "./workbench.ts";

const active = "node1.log";

const options = (disk: SimDisk) => ({
  ...{ disk, node: me, cluster, segmentBytesMax },
  create: { incarnation: 0xabc, configuration: three },
});

function salvaged(disk: SimDisk): Salvage {
  const result = salvageJournal(disk, { node: me, cluster });
  if (result.kind === "hopeless") throw new Error(result.because);
  return result.salvage;
}

/** What another server with the same log would give. */
function fillFrom(
  salvage: Salvage,
  spared: JournalRecovered,
  disk: SimDisk,
): FetchedSnapshot | null {
  const { log } = salvage;
  const { snapshot } = spared;
  const needed = isBaseLost(salvage) || (log.gap !== null && log.gap.from <= spared.base.index);
  let fetched: FetchedSnapshot | null = null;
  if (needed) {
    const { id, end } = must(snapshot, "a log without its beginning has a snapshot");
    const name = `node1.${id.last.index.toString().padStart(15, "0")}.snap`;
    fetched = { id, end, bytes: [disk.read(name, 0, disk.size(name))] };
    log.standOn(end.last);
  }
  for (let gap = log.gap; gap !== null; gap = log.gap) {
    const { from, to } = gap;
    const entries = spared.entries.filter(({ index }) => index >= from && index <= to);
    expect(log.fill(gap, entries)).toBe("filled");
  }
  return fetched;
}

function repaired(disk: SimDisk, spared: { disk: SimDisk; recovered: JournalRecovered }) {
  const salvage = salvaged(disk);
  const fetched = fillFrom(salvage, spared.recovered, spared.disk);
  const setAside = replaceJournal(
    disk,
    replacementOf(salvage, { peers: spared.recovered.peers, fetched }),
  );
  return { salvage, setAside, ...open(disk) };
}

/** Five entries, each in a batch of its own, and a seal. */
function fiveEntries(): Workbench {
  const bench = new Workbench();
  bench.recordState(1, me);
  bench.settle();
  for (let count = 1; count <= 5; count++) {
    bench.recordEntry(utf8(`entry ${count}`));
    bench.settle();
  }
  bench.seal();
  return bench;
}

/** The active file is closed, and another begun. */
function roll(bench: Workbench): void {
  const files = bench.disk.list().length;
  while (bench.disk.list().length === files) {
    bench.recordEntry(new Uint8Array(900));
    bench.settle();
  }
}

const entryAt = (disk: SimDisk, text: string): number => {
  const bytes = Buffer.from(disk.read(active, 0, disk.size(active)));
  return bytes.indexOf(text);
};

describe("what is left of a damaged journal", () => {
  test("is all but the entries in the hole, which have their name from the mark behind it", () => {
    const { disk } = fiveEntries();
    disk.flipBit(active, entryAt(disk, "entry 3") * 8);
    const { log, damages } = salvaged(disk);
    expect(log.gap).toMatchObject({ from: 3, to: 3, anchor: { index: 4, term: 1 } });
    expect(log.at(logIndex(4))).toMatchObject({ index: 4, term: 1 });
    expect(damages).toMatchObject([{ file: active, bytes: 40 }]);
  });

  test("at its end is known by the seal's word for it", () => {
    const { disk } = fiveEntries();
    disk.flipBit(active, entryAt(disk, "entry 5") * 8);
    expect(salvaged(disk).log.gap).toMatchObject({ from: 5, to: 5, anchor: { index: 5, term: 1 } });
  });

  test("says which vote was given in the hole", () => {
    const bench = fiveEntries();
    bench.recordState(7, nodeId(3));
    bench.settle();
    const { disk } = bench;
    const votedAt = disk.size(active) - 8;
    bench.seal();
    disk.flipBit(active, votedAt * 8);
    expect(salvaged(disk).standing.hardState).toEqual({ term: term(7), votedFor: nodeId(3) });
  });

  test("does not believe what stood before the hole, where it may have been replaced in it", () => {
    const bench = fiveEntries();
    bench.commit = logIndex(2);
    bench.recordState(2, null);
    bench.settle();
    bench.recordEntry(utf8("another 4"), logIndex(4));
    bench.recordEntry(utf8("another 5"));
    bench.settle();
    bench.seal();
    const { disk } = bench;
    disk.flipBit(active, entryAt(disk, "another 4") * 8);
    expect(salvaged(disk).log.gap).toMatchObject({ from: 3, to: 5, anchor: { index: 5, term: 2 } });
  });

  test("is believed where the mark behind the hole counts nothing that was replaced", () => {
    const bench = fiveEntries();
    // Another term: nothing but the count says that what stood before is still there.
    bench.recordState(2, null);
    bench.settle();
    bench.recordEntry(utf8("entry 6"));
    bench.settle();
    bench.seal();
    const { disk } = bench;
    disk.flipBit(active, entryAt(disk, "entry 6") * 8);
    expect(salvaged(disk).log.gap).toMatchObject({ from: 6, to: 6, anchor: { index: 6, term: 2 } });
  });

  test("is not believed where a file behind it may be gone that took some of it back", () => {
    for (const how of ["gone", "cut off"] as const) {
      const bench = fiveEntries();
      const { disk } = bench;
      if (how === "gone") roll(bench);
      const size = disk.size(active);
      bench.recordState(2, null);
      bench.recordEntry(utf8("another 4"), logIndex(4));
      bench.settle();
      roll(bench);
      const closed = must(disk.list().at(-2), "a file was closed");
      if (how === "gone") disk.remove(closed);
      else disk.truncate(closed, size);
      bench.recordEntry(utf8("the last"));
      bench.seal();
      disk.flipBit(active, 20 * 8);
      expect(salvaged(disk).log.gap, how).toMatchObject({ from: 1, anchor: { term: 2 } });
    }
  });

  test("of a batch is all but the records that are damaged, where none took another's place", () => {
    const bench = new Workbench();
    bench.recordState(1, me);
    for (let count = 1; count <= 5; count++) bench.recordEntry(utf8(`entry ${count}`));
    bench.settle();
    bench.seal();
    const { disk } = bench;
    for (const text of ["entry 2", "entry 4"]) disk.flipBit(active, entryAt(disk, text) * 8);
    const { log } = salvaged(disk);
    expect(gapsOf(log)).toEqual([
      { from: logIndex(2), to: logIndex(2) },
      { from: logIndex(4), to: logIndex(4) },
    ]);
  });

  test("is nothing where the end of the journal is gone, or the only header", () => {
    const { disk } = fiveEntries();
    disk.flipBit(active, 20 * 8);
    expect(salvageJournal(disk, { node: me, cluster })).toEqual({
      kind: "hopeless",
      because: "identity-lost",
    });
    const bench = fiveEntries();
    while (bench.disk.list().length < 2) {
      bench.recordEntry(new Uint8Array(900));
      bench.settle();
    }
    const length = bench.disk.size(active);
    bench.disk.overwrite(active, 0, new Uint8Array(length));
    expect(salvageJournal(bench.disk, { node: me, cluster })).toEqual({
      kind: "hopeless",
      because: "end-lost",
    });
    expect(() => openDamaged(options(bench.disk))).toThrow(OperatorError);
  });
});

test("after a repair the journal says what it said, and the damaged one is kept", () => {
  const bench = fiveEntries();
  const spared = bench.disk.copy();
  bench.disk.flipBit(active, entryAt(bench.disk, "entry 2") * 8);
  const damaged = bench.disk.read(active, 0, bench.disk.size(active));
  const { recovered, setAside } = repaired(bench.disk, { disk: spared, ...open(spared.copy()) });
  expect(contents(recovered)).toBe(bench.states.at(-1)!);
  expect(setAside).toEqual(["node1.log.damaged-1"]);
  expect(bench.disk.read("node1.log.damaged-1", 0, damaged.length)).toEqual(damaged);
  expect(bench.disk.list()).toEqual([active, "node1.log.damaged-1"]);
});

test("damage anywhere in any life is repaired to what it was, or refused", () => {
  let hopeless = 0;
  let fetched = 0;
  let count = 0;
  for (let seed = 0; seed < 400; seed++) {
    const random = seededRandom(seed);
    const bench = new Workbench();
    for (let step = 20 + random.below(100); step > 0; step--) liveAStep(bench, random);
    bench.settle();
    bench.seal();
    const { disk } = bench;
    const spared = disk.copy();
    const before = open(spared.copy()).recovered;
    for (let holes = random.below(3); holes >= 0; holes--)
      damageSomewhere({ disk, id: me }, random);
    const snapshot = disk.list().find((name) => name.endsWith(".snap"));
    if (snapshot !== undefined && seed % 3 === 0) {
      disk.flipBit(snapshot, random.below(8 * disk.size(snapshot)));
    }
    let opening: ReturnType<typeof openDamaged>;
    try {
      opening = openDamaged(options(disk.copy()));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      hopeless += 1;
      continue;
    }
    if (opening.kind === "opened") continue;
    // The beginning is lost, and no server has a snapshot: the program refuses as well.
    if (isBaseLost(opening.salvage) && before.snapshot === null) continue;
    count += 1;
    const result = repaired(disk, { disk: spared, recovered: before });
    if (result.salvage.snapshot === null && result.recovered.snapshot !== null) fetched += 1;
    // A log that is whole from its beginning needs none of the snapshot that was damaged.
    const after = { ...result.recovered, snapshot: before.snapshot };
    expect(contents(after), `seed ${seed}`).toBe(contents(before));
  }
  expect(count).toBeGreaterThan(200);
  expect(fetched).toBeGreaterThan(20);
  expect(hopeless).toBeLessThan(120);
});

test("a power cut at any step of the replacement leaves the damaged journal or the repaired one", () => {
  const bench = fiveEntries();
  const spared = bench.disk.copy();
  bench.disk.flipBit(active, entryAt(bench.disk, "entry 2") * 8);
  bench.disk.sync(active);
  bench.disk.syncFolder();
  const was = open(spared.copy());
  const outcomes = new Map<string, number>();
  for (let cut = 0; cut < 40; cut++) {
    for (let seed = 0; seed < 10; seed++) {
      const disk = bench.disk.copy();
      let operations = 0;
      disk.faults = () => {
        operations += 1;
        return operations > cut ? { kind: "power-cut" } : null;
      };
      try {
        repaired(disk, { disk: spared, recovered: was.recovered });
      } catch {
        // The power went.
      }
      disk.faults = () => null;
      disk.crash(seededRandom(seed));
      const opening = openDamaged(options(disk));
      outcomes.set(opening.kind, (outcomes.get(opening.kind) ?? 0) + 1);
      const { recovered } =
        opening.kind === "opened"
          ? opening
          : repaired(disk, { disk: spared, recovered: was.recovered });
      expect(contents(recovered), `cut ${cut}, seed ${seed}`).toBe(contents(was.recovered));
    }
  }
  expect(outcomes.get("opened")).toBeGreaterThan(20);
  expect(outcomes.get("damaged")).toBeGreaterThan(20);
});
