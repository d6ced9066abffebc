/**
 * The parts of a request's path, each by itself:
 *
 *   bun run micro [--only TEXT] [--ms 600] [--quick] [--json FILE]
 *
 * The cases (micro/) call what production calls, invariants included. Each runs for `--ms` at least, 100 with
 * `--quick`. A figure is the median of its samples; other work on the machine only adds. "allocated" is by how much
 * the process grew, in the mean of the samples in which it did not shrink: an order of magnitude.
 */
import { memoryUsage } from "bun:jsc";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measure } from "mitata";
import { count, machine, say, watchLoad } from "./measure/programs.ts";
import { bytes, markdownTable, number } from "./measure/table.ts";
import type { Case } from "./micro/case.ts";
import { codecCases } from "./micro/codec.ts";
import { journalCases } from "./micro/journal.ts";
import { raftCases } from "./micro/raft.ts";
import { storeCases } from "./micro/store.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    ms: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
});

const leastMs = count(flags.ms ?? (flags.quick ? "100" : "600"), "--ms");

/** Of one time, in nanoseconds and bytes. */
type Figures = {
  readonly name: string;
  readonly medianNs: number;
  readonly p25Ns: number;
  readonly p99Ns: number;
  readonly allocatedBytes: number;
};

async function figuresOf({ name, times, run, close }: Case): Promise<Figures> {
  const { p25, p50, p99, heap } = await measure(prepared(run), {
    min_cpu_time: leastMs * 1e6,
    // One piece of work after the other, each with its own input: none is prepared far ahead.
    batch_threshold: 0,
    warmup_samples: 100,
    gc: () => Bun.gc(true),
    heap: () => memoryUsage().current,
  });
  close?.();
  return {
    ...{ name, medianNs: p50 / times, p25Ns: p25 / times, p99Ns: p99 / times },
    allocatedBytes: (heap?.avg ?? Number.NaN) / times,
  };
}

/** An input that is made before the clock runs. The library's types do not know of these. */
function prepared({ prepare, work }: Case["run"]): () => Generator<() => unknown, void, undefined> {
  const computed = { 0: prepare, bench: (input: unknown) => work(input) };
  return function* () {
    yield computed as unknown as () => unknown;
  };
}

function table(all: readonly Figures[]): string {
  const rows = all.map(({ name, medianNs, p25Ns, p99Ns, allocatedBytes }) => [
    ...[name, number(medianNs), number(p25Ns), number(p99Ns)],
    Number.isNaN(allocatedBytes) ? "-" : bytes(Math.round(allocatedBytes)),
  ]);
  return markdownTable(["what:", "median ns", "p25", "p99", "allocated"], rows);
}

const loadSince = watchLoad();
const cases = [...raftCases(), ...codecCases(), ...journalCases(), ...storeCases()];
const figures: Figures[] = [];
for (const one of cases) {
  if (!one.name.includes(flags.only)) one.close?.();
  else {
    figures.push(await figuresOf(one));
    say(`${one.name}: ${number(figures.at(-1)?.medianNs ?? Number.NaN)} ns`);
  }
}
process.stdout.write(`${table(figures)}\n\n${machine()}; ${leastMs} ms a case; ${loadSince()}.\n`);
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    `${JSON.stringify({ machine: machine(), elsewhere: loadSince(), figures }, null, 2)}\n`,
  );
}
