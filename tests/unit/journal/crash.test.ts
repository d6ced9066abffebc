/**
 * Every operation of a workload is interrupted by a power cut, and every cut leaves several
 * folders. Whatever is left, the journal opens, and holds all that was durable and nothing that was
 * never recorded.
 */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { type FaultPlan, PowerCut, type SimDisk } from "../../../src/sim/disk.ts";
import { contents, entryPicture, liveAStep, newDisk, open, Workbench } from "./workbench.ts";

const stepCount = 240;
const imagesPerCut = 8;

/** Lives until the power goes at operation `cutAt`, or to the end. */
function live(seed: number, cutAt: number): Workbench | null {
  const disk = newDisk();
  disk.faults = cutAtOperation(cutAt);
  let bench: Workbench | null = null;
  try {
    bench = new Workbench(disk);
    const random = seededRandom(seed);
    for (let step = 0; step < stepCount; step++) liveAStep(bench, random);
    bench.settle();
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  disk.faults = () => null;
  return bench;
}

const cutAtOperation =
  (cutAt: number): FaultPlan =>
  ({ count }) =>
    count === cutAt ? { kind: "power-cut" } : null;

/** Opens a copy of what the cut left, and says what is wrong with it. */
function wrongWith(bench: Workbench, disk: SimDisk): string | null {
  const { recovered } = open(disk);
  const found = contents(recovered);
  const count = bench.states.lastIndexOf(found);
  if (count === -1) return `it never held ${found.slice(0, 200)}`;
  if (count < bench.durableCount)
    return `${bench.durableCount} were durable, and ${count} are left`;
  if (recovered.commit > bench.commit) return "more is committed than ever was";
  const from = bench.snapshot?.last.index ?? 0;
  const isCommitted = ({ index }: Entry): boolean => index > from && index <= recovered.commit;
  const committed = recovered.entries.filter(isCommitted).map(entryPicture);
  const expected = bench.entries.filter(isCommitted).map(entryPicture);
  if (committed.join() !== expected.join()) return "a committed entry is another one";
  return null;
}

function afterCut(disk: SimDisk, image: number): SimDisk {
  const left = disk.copy();
  left.crash(image === 0 ? "lose-all" : seededRandom(image));
  return left;
}

describe("after a power cut", () => {
  for (const seed of [1, 3, 6]) {
    test(`at any operation, what was durable is there and no more (workload ${seed})`, () => {
      const whole = live(seed, 0)!;
      expect(whole.disk.list().some((name) => name.endsWith(".snap"))).toBe(true);
      expect(whole.removed).toBeGreaterThan(0);
      expect(whole.recovered.run).toBeGreaterThan(0);
      for (let cutAt = 1; cutAt <= whole.disk.operationCount; cutAt++) {
        const bench = live(seed, cutAt);
        if (bench === null) continue;
        for (let image = 0; image < imagesPerCut; image++) {
          const wrong = wrongWith(bench, afterCut(bench.disk, image));
          expect({ cutAt, image, wrong }).toEqual({ cutAt, image, wrong: null });
        }
      }
    }, 30_000);
  }

  test("while a new journal is made, the next start makes it", () => {
    for (let cutAt = 1; cutAt <= 9; cutAt++) {
      for (let image = 0; image < imagesPerCut; image++) {
        const disk = newDisk();
        disk.faults = cutAtOperation(cutAt);
        expect(() => open(disk)).toThrow(PowerCut);
        disk.faults = () => null;
        disk.crash(image === 0 ? "lose-all" : seededRandom(image));
        expect(open(disk).recovered.entries).toEqual([]);
        expect(disk.list().filter((name) => name.endsWith(".new"))).toEqual([]);
      }
    }
  });

  test("and another one while the journal is opened again, nothing is lost", () => {
    const whole = live(5, 0)!;
    const random = seededRandom(99);
    for (let round = 0; round < 60; round++) {
      const bench = live(5, 10 + random.below(whole.disk.operationCount - 10))!;
      const disk = afterCut(bench.disk, 1 + round);
      for (let cutAt = 1; ; cutAt++) {
        const again = disk.copy();
        again.faults = cutAtOperation(cutAt);
        let outcome: "cut" | "opened" = "opened";
        try {
          open(again);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          outcome = "cut";
        }
        if (outcome === "opened") break;
        again.faults = () => null;
        again.crash(seededRandom(cutAt));
        expect({ round, cutAt, wrong: wrongWith(bench, again) }).toEqual({
          round,
          cutAt,
          wrong: null,
        });
      }
    }
  });
});
