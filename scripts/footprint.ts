/**
 * What a node needs, and how fast it is there: memory, files, starts, and the gap when a leader dies.
 *
 *   bun run footprint [--puts 10000000] [--steps 20] [--entries 1000000] [--turns 5] [--only PART] [--quick] [--json FILE]
 *
 * The parts are version, start, failover and memory. Prints a table with goals and verdicts, and the series of memory
 * and files over the puts. `--quick` is 200,000 puts in 8 steps, a log of 100,000 entries, and one turn of each. The
 * files that are read were just written: they are in the system's cache. Exit 1 where a goal is missed.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failoverRow } from "./footprint/failover.ts";
import { type Row, rowsTable } from "./footprint/row.ts";
import { measureSeries, type Sample, samplesTable } from "./footprint/series.ts";
import { startRows, versionRow } from "./footprint/start.ts";
import { buildExecutable, count, machine, say, watchLoad } from "./measure/programs.ts";

const { values: flags } = parseArgs({
  options: {
    puts: { type: "string" },
    steps: { type: "string" },
    entries: { type: "string" },
    turns: { type: "string" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
});

const usual = flags.quick
  ? { puts: "200000", steps: "8", entries: "100000", turns: "1" }
  : { puts: "10000000", steps: "20", entries: "1000000", turns: "5" };
const plan = {
  puts: count(flags.puts ?? usual.puts, "--puts"),
  steps: count(flags.steps ?? usual.steps, "--steps"),
  loadSeconds: flags.quick ? 2 : 10,
};
const entries = count(flags.entries ?? usual.entries, "--entries");
const turns = count(flags.turns ?? usual.turns, "--turns");
const versionTimes = 20;

type Part = { readonly name: string; readonly measure: () => Promise<readonly Row[]> };

let samples: readonly Sample[] = [];

const parts: readonly Part[] = [
  { name: "version", measure: async () => [await versionRow(versionTimes)] },
  { name: "start", measure: () => startRows(entries, turns) },
  { name: "failover", measure: async () => [await failoverRow(turns)] },
  {
    name: "memory",
    measure: async () => {
      const series = await measureSeries(plan);
      samples = series.samples;
      return series.rows;
    },
  },
];

await buildExecutable();
const loadSince = watchLoad();
const rows: Row[] = [];
const chosen = parts.filter(({ name }) => name.includes(flags.only));
if (chosen.length === 0) {
  say(`no part is called "${flags.only}"`);
  process.exit(2);
}
for (const { measure } of chosen) rows.push(...(await measure()));
process.stdout.write(`${rowsTable(rows)}\n\n`);
if (samples.length > 0) process.stdout.write(`${samplesTable(samples)}\n\n`);
process.stdout.write(`${machine()}; ${loadSince()}.\n`);
if (flags.json !== undefined) {
  const figures = { machine: machine(), elsewhere: loadSince(), rows, samples };
  writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
}
if (rows.some(({ verdict }) => verdict === "missed")) process.exitCode = 1;
