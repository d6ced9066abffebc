/**
 * What a put costs without the system:
 *
 *   bun run pipeline [--clients 64] [--puts 200000] [--keys 10000] [--value-size 64] [--turns 5] [--quick] [--json FILE]
 *   bun run pipeline --memory [--puts 2000000]
 *
 * One client half and three replicas in one process (measure/pipeline.ts). Prints the microseconds a put of each: the
 * least of all turns, because other work on the machine only adds, and the median. A turn is a process of its own, or
 * what the turn before has left in memory would be measured too. `--quick` is one turn of 50,000 puts.
 *
 * `--memory` looks at something else: what is still in use after a full collection, after each tenth of the puts.
 */
import { heapStats } from "bun:jsc";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runPipeline, type Shares } from "./measure/pipeline.ts";
import { count, machine, output, watchLoad } from "./measure/programs.ts";
import { median } from "./measure/statistics.ts";
import { bytes, counted, markdownTable, number } from "./measure/table.ts";

const { values: flags } = parseArgs({
  options: {
    clients: { type: "string", default: "64" },
    puts: { type: "string" },
    keys: { type: "string", default: "10000" },
    "value-size": { type: "string", default: "64" },
    turns: { type: "string" },
    quick: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    json: { type: "string" },
    /** For the processes of the turns: one turn, as JSON. */
    one: { type: "boolean", default: false },
  },
});

const usualPuts = flags.quick ? "50000" : flags.memory ? "2000000" : "200000";
const load = {
  clients: count(flags.clients, "--clients"),
  puts: count(flags.puts ?? usualPuts, "--puts"),
  keys: count(flags.keys, "--keys"),
  valueBytes: count(flags["value-size"], "--value-size", 0),
};

async function measuredTurns(turns: number): Promise<readonly Shares[]> {
  const words = [process.execPath, import.meta.path, ...process.argv.slice(2), "--one"];
  const measured: Shares[] = [];
  while (measured.length < turns) measured.push(JSON.parse(await output(words)));
  return measured;
}

function table(turns: readonly Shares[]): string {
  const part = (name: keyof Shares, shown: string): readonly string[] => {
    const us = turns.map((turn) => turn[name]);
    return [shown, Math.min(...us).toFixed(2), median(us).toFixed(2)];
  };
  return markdownTable(
    ["µs a put:", "least", "median"],
    [
      part("client", "client"),
      part("leader", "leader"),
      part("follower", "each of two followers"),
      part("all", "all"),
    ],
  );
}

/** All three replicas and the client together. */
function memoryTable(): string {
  const rows: string[][] = [];
  runPipeline(load, (done) => {
    Bun.gc(true);
    const { heapSize, extraMemorySize, objectCount } = heapStats();
    rows.push([number(done), bytes(heapSize + extraMemorySize), number(objectCount)]);
  });
  return markdownTable(["puts", "in use", "objects"], rows);
}

if (flags.memory) process.stdout.write(`${memoryTable()}\n`);
else if (flags.one) process.stdout.write(`${JSON.stringify(runPipeline(load, () => {}))}\n`);
else {
  const loadSince = watchLoad();
  const turns = await measuredTurns(count(flags.turns ?? (flags.quick ? "1" : "5"), "--turns"));
  const { clients, puts, keys, valueBytes } = load;
  const what = `${clients} clients, ${puts} puts of ${valueBytes} bytes, ${keys} keys`;
  process.stdout.write(
    `${table(turns)}\n\n${machine()}; ${what}, ${counted(turns.length, "turn")}; ${loadSince()}.\n`,
  );
  if (flags.json !== undefined) {
    writeFileSync(
      flags.json,
      `${JSON.stringify({ machine: machine(), elsewhere: loadSince(), load, turns }, null, 2)}\n`,
    );
  }
}
