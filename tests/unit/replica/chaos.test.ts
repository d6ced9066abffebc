/** The whole stack but its sockets and files, under faults, from a seed (tests/harness/chaos.ts). */
import { expect, test } from "bun:test";
import { Chaos, type ChaosReport } from "../../harness/chaos.ts";

const seeds = 100;
const ms = 8000;

const total: Record<string, number> = {};

test(`${seeds} seeds of ${ms} ms: nothing promised is lost, nothing happens twice`, () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const servers = [1, 3, 3, 5][seed % 4] ?? 3;
    add(run(seed, servers));
  }
}, 60_000);

test("the faults were there, and so was the work", () => {
  const floors = {
    committed: 3000,
    reads: 3000,
    unknown: 100,
    crashes: 300,
    partitions: 150,
    cuts: 50,
  };
  for (const [name, floor] of Object.entries(floors)) {
    expect(total[name] ?? 0, name).toBeGreaterThan(floor);
  }
});

test("the same seed is the same run", () => {
  expect(run(7, 5)).toEqual(run(7, 5));
});

function run(seed: number, servers: number): ChaosReport {
  try {
    return new Chaos({ seed, servers, ms }).run();
  } catch (error) {
    throw new Error(`seed ${seed}, ${servers} servers, ${ms} ms`, { cause: error });
  }
}

function add(report: ChaosReport): void {
  for (const [name, count] of Object.entries(report)) total[name] = (total[name] ?? 0) + count;
}
