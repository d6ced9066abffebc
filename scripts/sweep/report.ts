/** What a sweep found, as a table and as a chart. */
import { drawChart } from "../measure/chart.ts";
import { median, spread, summary } from "../measure/statistics.ts";
import { bytes, markdownTable, number, short } from "../measure/table.ts";
import type { MeasuredPoint, MeasuredSweep } from "./measure.ts";

const opsOf = ({ turns }: MeasuredPoint) => summary(turns.map((turn) => turn.opsPerSecond));

export function sweepTable({ x, points }: MeasuredSweep): string {
  const best = Math.max(...points.map((point) => opsOf(point).median));
  const rows = points.map((point) => {
    const ops = opsOf(point);
    const { load, turns } = point;
    return [
      ...[x.show(point.x), number(ops.median), `${number(ops.min)} to ${number(ops.max)}`],
      ...[`${Math.round(spread(ops) * 100)} %`, number(ops.median / best)],
      median(turns.map((turn) => turn.p50Ms)).toFixed(2),
      ...[median(turns.map((turn) => turn.p99Ms)).toFixed(2), bytes(ops.median * load.valueBytes)],
    ];
  });
  const figures = ["ops/s", "least to most", "spread", "to the best", "p50 ms", "p99 ms"];
  return markdownTable([x.title, ...figures, "values a second"], rows);
}

export function sweepChart(sweep: MeasuredSweep, where: string): string {
  const { title, subtitle, x, yScale, points } = sweep;
  return drawChart({
    title,
    subtitle: `${subtitle}; ${where}`,
    x,
    y: { title: "puts a second", scale: yScale, show: short },
    points: points.map((point) => ({ x: point.x, y: opsOf(point) })),
  });
}

/** All of it as a page, with the charts beside it. */
export function sweepPage(sweeps: readonly MeasuredSweep[], where: string): string {
  const parts = sweeps.map(
    (sweep) =>
      `## ${sweep.title}\n\n${sweep.subtitle}.\n\n` +
      `![${sweep.title}](${sweep.name}.svg)\n\n${sweepTable(sweep)}\n`,
  );
  const head = [
    "# Sweeps",
    `Written by \`bun run sweep\`, which draws the charts as well. ${where}.`,
    "The line is the median of the turns, the bar from the least to the most.",
  ];
  return `${head.join("\n\n")}\n\n${parts.join("\n")}`;
}
