/**
 * Figure 16 of the Raft paper beside the same experiment here: `bun scripts/figure-16.ts [--trials N]`. The setup is
 * tests/sim/figure-16.ts, what the differences mean is docs/verification.md. The same seeds, so the same table.
 */
import { parseArgs } from "node:util";
import type { PreVote } from "../src/raft/state.ts";
import { downtimeMs, syncMs } from "../tests/sim/figure-16.ts";
import type { DiskDiscipline } from "../tests/sim/figure-16-disk.ts";
import {
  narrowLines,
  type PaperLine,
  quantile,
  rangeName,
  wideLines,
} from "../tests/sim/figure-16-paper.ts";

const { values } = parseArgs({ options: { trials: { type: "string", default: "1000" } } });
const trials = Number(values.trials);
if (!Number.isInteger(trials) || trials < 1) {
  process.stderr.write("--trials is a whole number from 1\n");
  process.exit(2);
}

function sortedTrials(line: PaperLine, disk: DiskDiscipline, preVote: PreVote): number[] {
  const { timeoutMs } = line;
  // 100 of the line in which nobody draws anything: as in the paper, and they end in nothing.
  const count = timeoutMs.min === timeoutMs.max ? Math.ceil(trials / 10) : trials;
  return Array.from({ length: count }, (_, at) =>
    downtimeMs({ timeoutMs, preVote, disk, syncMs }, at + 1),
  ).sort((a, b) => a - b);
}

const shown = (ms: number): string => (Number.isFinite(ms) ? ms.toFixed(0) : "never");

const mean = (sorted: readonly number[]): number =>
  sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;

function deviation(here: number, paper: number): string {
  if (!Number.isFinite(here)) return "";
  const percent = Math.round((here / paper - 1) * 100);
  return `${percent < 0 ? "" : "+"}${percent} %`;
}

const columns = ["timeout", "p1", "p10", "median", "", "p99", "mean"] as const;

function table(disk: DiskDiscipline, preVote: PreVote): string {
  const rows: string[][] = [[...columns]];
  for (const line of [...narrowLines, ...wideLines]) {
    const sorted = sortedTrials(line, disk, preVote);
    const pair = (share: number, paper: number): string =>
      `${shown(quantile(sorted, share))} / ${paper}`;
    rows.push([
      rangeName(line.timeoutMs),
      pair(0.01, line.p1),
      pair(0.1, line.p10),
      pair(0.5, line.p50),
      deviation(quantile(sorted, 0.5), line.p50),
      pair(0.99, line.p99),
      `${shown(mean(sorted))} / ${line.mean}`,
    ]);
  }
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const text = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [text(rows[0]!), rule, ...rows.slice(1).map(text)].join("\n");
}

const disks: Readonly<Record<DiskDiscipline, string>> = {
  locked: "disks as in the paper's implementation: a lock, three syncs in a row",
  gated: "disks as in this program: no lock, two syncs in a row",
};

process.stdout.write(`ms without a leader, here / in the paper; ${trials} trials a line\n`);
for (const disk of ["locked", "gated"] as const) {
  for (const preVote of ["without-pre-vote", "with-pre-vote"] as const) {
    process.stdout.write(`\n${disks[disk]}; ${preVote.replaceAll("-", " ")}\n\n`);
    process.stdout.write(`${table(disk, preVote)}\n`);
  }
}
