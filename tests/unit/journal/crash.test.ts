/**
 * Every operation of a workload is interrupted by a power cut, and every cut leaves several
 * folders. Whatever is left, the journal opens, and holds all that was durable and nothing that was
 * never recorded.
 */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { PowerCut } from "../../../src/sim/disk.ts";
import { afterCut, cutAtOperation, live, wrongWith } from "./lives.ts";
import { newDisk, open } from "./workbench.ts";

const imagesPerCut = 8;

const uncut = 0;

describe("after a power cut", () => {
  for (const seed of [1, 3, 6]) {
    test(`at any operation, what was durable is there and no more (workload ${seed})`, () => {
      const whole = live(seed, cutAtOperation(uncut))!;
      expect(whole.disk.list().some((name) => name.endsWith(".snap"))).toBe(true);
      expect(whole.removed).toBeGreaterThan(0);
      expect(whole.recovered.run).toBeGreaterThan(0);
      for (let cutAt = 1; cutAt <= whole.disk.operationCount; cutAt++) {
        const bench = live(seed, cutAtOperation(cutAt));
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
    const whole = live(5, cutAtOperation(uncut))!;
    const random = seededRandom(99);
    for (let round = 0; round < 60; round++) {
      const bench = live(5, cutAtOperation(10 + random.below(whole.disk.operationCount - 10)))!;
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
