/**
 * Seeded chaos over the Raft core alone. `SEEDS=5000 bun test explore` looks further, `SEED=17` at one run.
 */
import { expect, test } from "bun:test";
import type { Marks } from "../../harness/explore.ts";
import { explore } from "../../harness/explore.ts";

const steps = 1200;
const only = process.env["SEED"];
const count = Number(process.env["SEEDS"] ?? 200);
const seeds =
  only === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(only)];

/** The shortest run of a failing seed that still fails: what comes after it is noise. */
function shortest(seed: number): string {
  for (let length = 0; length <= steps; length++) {
    try {
      explore({ seed, steps: length });
    } catch (error) {
      return `SEED=${seed}, already after ${length} steps: ${(error as Error).message}`;
    }
  }
  return `SEED=${seed} fails no more: the run is not deterministic`;
}

function exploreAll(): Marks[] {
  const all: Marks[] = [];
  for (const seed of seeds) {
    try {
      all.push(explore({ seed, steps }));
    } catch (error) {
      throw new Error(shortest(seed), { cause: error });
    }
  }
  return all;
}

test("every invariant holds in every random run, and every cluster converges", () => {
  const all = exploreAll();
  if (only !== undefined) return;
  const sum = (mark: keyof Marks): number => all.reduce((total, marks) => total + marks[mark], 0);
  // What never happened was not tested.
  expect(sum("elections")).toBeGreaterThan(4 * count);
  expect(sum("committed")).toBeGreaterThan(10 * count);
  expect(sum("takenBack")).toBeGreaterThan(count / 10);
  expect(sum("crashes")).toBeGreaterThan(4 * count);
  expect(sum("duplicates")).toBeGreaterThan(4 * count);
  expect(sum("readsConfirmed")).toBeGreaterThan(2 * count);
  expect(sum("readsAbandoned")).toBeGreaterThan(count / 4);
  expect(sum("changesBegun")).toBeGreaterThan(2 * count);
  expect(sum("changesCommitted")).toBeGreaterThan(2 * count);
  expect(sum("changesTakenBack")).toBeGreaterThan(0);
  expect(sum("leadersRemoved")).toBeGreaterThan(count / 10);
  expect(sum("compactions")).toBeGreaterThan(4 * count);
  expect(sum("installedBehind")).toBeGreaterThan(0);
  expect(sum("installedInstead")).toBeGreaterThan(count / 4);
}, 60_000);

test("the same seed is the same run", () => {
  const [seed = 1] = seeds;
  expect(explore({ seed, steps })).toEqual(explore({ seed, steps }));
});
