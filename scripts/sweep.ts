/**
 * How throughput falls with the size of values, nodes, clients, keys, and the length of the log:
 *
 *   bun run sweep [--only NAME] [--turns 3] [--seconds 2] [--warmup 2] [--out docs/performance] [--quick]
 *
 * Each point is a cluster of the executable and `client bench`; the points of a sweep are measured in turns. Writes
 * sweep.json, sweep.md and a chart per sweep into the folder, and prints the tables. All of it takes about ten minutes;
 * `--quick` is one turn of one second at three points of each, logs of 100,000 entries at most, and writes nothing
 * unless `--out` is given.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildExecutable, count, home, machine, say, watchLoad } from "./measure/programs.ts";
import { counted } from "./measure/table.ts";
import { type MeasuredSweep, measureSweep } from "./sweep/measure.ts";
import { sweepChart, sweepPage, sweepTable } from "./sweep/report.ts";
import { sweeps, thinned } from "./sweep/sweeps.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    turns: { type: "string" },
    seconds: { type: "string" },
    warmup: { type: "string" },
    out: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});

const usual = flags.quick
  ? { turns: "1", seconds: "1", warmup: "1", entriesMax: 100_000, out: null }
  : {
      ...{ turns: "3", seconds: "2", warmup: "2", entriesMax: 1_000_000 },
      out: join(home, "docs", "performance"),
    };
const turns = count(flags.turns ?? usual.turns, "--turns");
const seconds = count(flags.seconds ?? usual.seconds, "--seconds");
const warmupMs = 1000 * count(flags.warmup ?? usual.warmup, "--warmup", 0);
const out = flags.out ?? usual.out;

function write(folder: string, measured: readonly MeasuredSweep[], where: string): void {
  mkdirSync(folder, { recursive: true });
  const figures = { where, turns, seconds, warmupMs, sweeps: measured };
  writeFileSync(join(folder, "sweep.json"), `${JSON.stringify(figures, null, 1)}\n`);
  writeFileSync(join(folder, "sweep.md"), sweepPage(measured, where));
  for (const sweep of measured) {
    writeFileSync(join(folder, `${sweep.name}.svg`), sweepChart(sweep, machine()));
  }
}

await buildExecutable();
const length = `${counted(turns, "turn")} of ${seconds} s after ${warmupMs / 1000} s not counted`;
const loadSince = watchLoad();
const chosen = sweeps(usual.entriesMax).filter(({ name }) => name.includes(flags.only));
const measured: MeasuredSweep[] = [];
for (const sweep of chosen.map((one) => (flags.quick ? thinned(one) : one))) {
  measured.push(await measureSweep(sweep, { turns, span: { warmupMs, seconds } }));
}
if (chosen.length === 0) {
  say(`no sweep is called "${flags.only}"`);
  process.exit(2);
}
const where = `${machine()}; ${length}; ${loadSince()}`;
for (const sweep of measured) process.stdout.write(`${sweep.title}\n\n${sweepTable(sweep)}\n\n`);
process.stdout.write(`${where}.\n`);
if (out !== null) write(out, measured, where);
