/** Sweeps: what is varied, what a quick one leaves out, and what is made of the figures. */
import { describe, expect, test } from "bun:test";
import { usualLoad } from "../../../scripts/measure/cluster.ts";
import { sweepChart, sweepPage, sweepTable } from "../../../scripts/sweep/report.ts";
import { sweeps, thinned } from "../../../scripts/sweep/sweeps.ts";

const all = sweeps(1_000_000);

describe.each(all.map((sweep) => [sweep.name, sweep] as const))("the sweep %s", (_, sweep) => {
  test("goes up, and its store's keys are in the log that it begins with", () => {
    const xs = sweep.points.map(({ x }) => x);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(new Set(xs).size).toBe(xs.length);
    for (const { logEntries, load } of sweep.points) {
      if (logEntries > 0) expect(load.keys).toBeLessThanOrEqual(logEntries);
    }
  });

  test("is drawn with a mark for each of its points or around them", () => {
    const points = sweep.points.map((point) => ({ ...point, turns: [figures(1000 + point.x)] }));
    expect(sweepChart({ ...sweep, points }, "here").match(/<circle/g)).toHaveLength(points.length);
  });
});

test("a quick sweep keeps the first, the middle and the last point", () => {
  const [valueSize] = all;
  expect(valueSize === undefined ? [] : thinned(valueSize).points.map(({ x }) => x)).toEqual([
    16, 1024, 65_536,
  ]);
});

test("shorter logs leave out the points that need longer ones", () => {
  const longest = sweeps(100_000).flatMap(({ points }) => points.map((point) => point.logEntries));
  expect(Math.max(...longest)).toBe(100_000);
});

const figures = (opsPerSecond: number) => ({
  ...{ ops: 1, opsPerSecond, p50Ms: 1.5, p99Ms: 9, longestGapMs: 1 },
});

const sweep = {
  name: "clients",
  title: "Puts",
  subtitle: "3 nodes",
  x: { title: "clients", scale: "even", show: String },
  yScale: "log",
  points: [
    { x: 1, nodes: 3, load: usualLoad, logEntries: 0, turns: [900, 1000, 1400].map(figures) },
    { x: 4, nodes: 3, load: usualLoad, logEntries: 0, turns: [4000].map(figures) },
  ],
} as const;

test("a row has the median, how far the turns lie apart, and the share of the best", () => {
  const rows = sweepTable(sweep).split("\n").slice(2);
  expect(rows).toEqual([
    "| 1 | 1,000 | 900 to 1,400 | 50 % | 0.250 | 1.50 | 9.00 | 62.5 KiB |",
    "| 4 | 4,000 | 4,000 to 4,000 | 0 % | 1.00 | 1.50 | 9.00 | 250 KiB |",
  ]);
});

test("a page says where it was measured, and shows the chart beside it", () => {
  const page = sweepPage([sweep], "on a machine");
  expect(page).toContain("on a machine.");
  expect(page).toContain("![Puts](clients.svg)");
});
