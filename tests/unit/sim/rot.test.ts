/**
 * The simulator's bit rot, held against the journal it is meant for: what is spoiled where a mark vouches is refused,
 * and what is spoiled where nothing vouches is cut off. A fault that does more than it says finds bugs that are none.
 */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { OperatorError } from "../../../src/base/error.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import { markRecordBytes } from "../../../src/journal/record.ts";
import { damageSomewhere, readActive, spoil, tailOf } from "../../../src/sim/campaign/rot.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { liveAStep, me, open, Workbench } from "../journal/workbench.ts";

const active = "node1.log";

/** What opening came to: where it cut, or what it refused with. */
function opening(disk: SimDisk): string {
  try {
    const { cut } = open(disk).recovered;
    return cut === null ? "right" : `cut at ${cut.offset}`;
  } catch (error) {
    if (error instanceof OperatorError) return error.parts.code;
    throw error;
  }
}

/** The disk of a journal that has lived for a while, with an end of small batches and seals, after a power cut. */
function afterALife(random: Random): SimDisk {
  const bench = new Workbench();
  for (let step = random.below(20); step > 0; step--) liveAStep(bench, random);
  if (bench.states.length === 1) bench.recordState(1, me);
  for (let step = random.below(20); step > 0; step--) {
    bench.recordEntry(new Uint8Array(random.below(200)).fill(step));
    bench.finishSync();
    bench.flush();
    if (random.below(2) === 0) bench.finishSync();
    bench.seal();
  }
  bench.disk.crash(random);
  return bench.disk;
}

describe("a mark behind a hole (seed 11920)", () => {
  /**
   * mark, state, entry | seal | mark, entry: the first batch is durable. The seal was not synced and is lost; of the
   * batch behind it, which was not synced either, the mark is there. It says what the seal said.
   */
  function holeBeforeMark(): { disk: SimDisk; batch: number; seal: number } {
    const bench = new Workbench();
    const { disk } = bench;
    bench.recordState(1, me);
    bench.settle();
    const batch = disk.size(active);
    bench.recordEntry(new Uint8Array(100).fill(1));
    bench.settle();
    const seal = disk.size(active);
    bench.seal();
    bench.recordEntry(new Uint8Array(100).fill(2));
    bench.flush();
    // As if the sector that ends within the mark's frame had not been written: the mark is found by its own checksum.
    disk.overwrite(active, seal, new Uint8Array(markRecordBytes + 8));
    return { disk, batch, seal };
  }

  test("vouches for all that stands before the hole", () => {
    const { disk, batch, seal } = holeBeforeMark();
    const read = must(readActive({ disk, id: me }), "the file is there");
    const { vouched, records } = read;
    expect(records.at(-1)).toMatchObject({ record: { kind: "entry" } });
    expect(batch).toBeLessThan(seal);
    expect(vouched).toBe(seal);
    expect(tailOf(read)).toEqual([]);
  });

  test("makes a start refuse a bad byte before the hole, and cut at the hole without one", () => {
    const { disk, batch, seal } = holeBeforeMark();
    const spoiled = disk.copy();
    spoiled.overwrite(active, batch + 4, new Uint8Array([0xff]));
    expect(opening(spoiled)).toBe("log-damaged");
    expect(opening(disk)).toBe(`cut at ${seal}`);
  });
});

test("a lost tail is cut off where it was spoiled, whatever a power cut had left of the file", () => {
  let lost = 0;
  for (let seed = 1; seed <= 1000; seed++) {
    const disk = afterALife(seededRandom(seed));
    const file = must(readActive({ disk, id: me }), "the file is there");
    const first = tailOf(file)[0];
    if (first === undefined) continue;
    spoil({ disk, id: me }, first);
    expect(opening(disk), `seed ${seed}`).toBe(`cut at ${first.offset}`);
    lost += 1;
  }
  expect(lost).toBeGreaterThan(400);
});

test("damage where something vouches is refused, and is no more once it is undone", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const disk = afterALife(random);
    const before = opening(disk.copy());
    const undo = must(damageSomewhere({ disk, id: me }, random), "a header vouches for itself");
    expect(opening(disk), `seed ${seed}`).toBe("log-damaged");
    undo();
    expect(opening(disk), `seed ${seed}`).toBe(before);
  }
});
