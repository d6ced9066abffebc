/** A journal's life on a disk where something goes wrong, and what must be true of what is left of it. */
import { OperatorError } from "../../../src/base/error.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { DiskError } from "../../../src/journal/disk.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { type FaultPlan, PowerCut, type SimDisk } from "../../../src/sim/disk.ts";
import { contents, entryPicture, liveAStep, newDisk, open, Workbench } from "./workbench.ts";

const stepCount = 240;

/** Lives until a fault ends it, or to the end; null where it was never born. */
export function live(seed: number, faults: FaultPlan): Workbench | null {
  const disk = newDisk();
  disk.faults = faults;
  let bench: Workbench | null = null;
  try {
    bench = new Workbench(disk);
    const random = seededRandom(seed);
    for (let step = 0; step < stepCount; step++) liveAStep(bench, random);
    bench.settle();
  } catch (error) {
    const isPlanned =
      error instanceof PowerCut || error instanceof DiskError || error instanceof OperatorError;
    if (!isPlanned) throw error;
  }
  disk.faults = () => null;
  return bench;
}

export const cutAtOperation =
  (cutAt: number): FaultPlan =>
  ({ count }) =>
    count === cutAt ? { kind: "power-cut" } : null;

/** Opens what was left, and says what is wrong with it. */
export function wrongWith(bench: Workbench, disk: SimDisk): string | null {
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

/** A copy of the disk after a power cut. */
export function afterCut(disk: SimDisk, image: number): SimDisk {
  const left = disk.copy();
  left.crash(image === 0 ? "lose-all" : seededRandom(image));
  return left;
}
