/**
 * Every operation of a workload fails once, as far as it got: a write half done on a full disk, a sync that loses
 * what it should have written, anything else that does not happen. The node stops. Started again, with or without a
 * power cut in between, it holds all that was durable and nothing that was never recorded.
 */
import { describe, expect, test } from "bun:test";
import type { FaultPlan, SimDisk } from "../../../src/sim/disk.ts";
import { afterCut, live, wrongWith } from "./lives.ts";
import { contents, open } from "./workbench.ts";

const imagesPerFault = 2;
/** Of a write that fails: nothing, a part of a frame, a mark without what follows, and a good deal. */
const halves = [0, 3, 40, 300] as const;

const failAtOperation =
  (failAt: number, bytes: number): FaultPlan =>
  ({ count, kind }) => {
    if (count !== failAt) return null;
    if (kind === "sync" || kind === "startSync") return { kind: "sync-lost" };
    if (kind === "create" || kind === "append") return { kind: "half", code: "disk-full", bytes };
    return { kind: "refused", code: "io" };
  };

/** Its process has ended; the machine runs on. */
function ended(disk: SimDisk): SimDisk {
  const left = disk.copy();
  left.processEnded();
  return left;
}

describe("after a disk that failed", () => {
  for (const seed of [1, 3]) {
    test(`at any operation, what was durable is there and no more (workload ${seed})`, () => {
      const whole = live(seed, () => null)!;
      expect(whole.disk.list().some((name) => name.endsWith(".snap"))).toBe(true);
      let lives = 0;
      for (let failAt = 1; failAt <= whole.disk.operationCount; failAt++) {
        for (const bytes of halves) {
          const bench = live(seed, failAtOperation(failAt, bytes));
          if (bench === null) continue;
          lives += 1;
          const disks = Array.from({ length: imagesPerFault }, (_, at) => afterCut(bench.disk, at));
          const started = ended(bench.disk);
          for (const [image, disk] of [started, ...disks].entries()) {
            const wrong = wrongWith(bench, disk);
            expect({ failAt, bytes, image, wrong }).toEqual({ failAt, bytes, image, wrong: null });
          }
          // Whoever has started has vouched for what it found.
          const found = contents(open(started).recovered);
          expect(contents(open(afterCut(started, 0)).recovered)).toBe(found);
        }
      }
      expect(lives).toBeGreaterThan(250);
    }, 30_000);
  }
});
