/**
 * The parts of a request's path, each by itself:
 *
 *   bun run micro [--only TEXT] [--ms 600] [--quick] [--json FILE]
 *
 * The cases (micro/) call what production calls, invariants included. Each runs for `--ms` at least, 100 with
 * `--quick`, after 300 that do not count. A figure is the median of its samples; other work on the machine only adds. "allocated" is by how much
 * the process grew, in the mean of the samples in which it did not shrink: an order of magnitude.
 */
import { memoryUsage } from "bun:jsc";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measure } from "mitata";
import { count, machine, output, say, watchLoad } from "./measure/programs.ts";
import { bytes, markdownTable, number } from "./measure/table.ts";
import type { Bench, Case } from "./micro/case.ts";
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
    /** For the processes of the cases: this one, as JSON. */
    one: { type: "string" },
  },
});

const warmupMs = 300;
const leastMs = count(flags.ms ?? (flags.quick ? "100" : "600"), "--ms");

/** Of one time, in nanoseconds and bytes. */
type Figures = {
  readonly name: string;
  readonly medianNs: number;
  readonly p25Ns: number;
  readonly p99Ns: number;
  /** null: no sample in which the process did not shrink. */
  readonly allocatedBytes: number | null;
};

async function figuresOf({ name, times, make }: Case): Promise<Figures> {
  const bench = make();
  warmUp(bench);
  const { p25, p50, p99, heap } = await measure(prepared(bench), {
    min_cpu_time: leastMs * 1e6,
    // One piece of work after the other, each with its own input: none is prepared far ahead.
    batch_threshold: 0,
    gc: () => Bun.gc(true),
    heap: () => memoryUsage().current,
  });
  bench.close?.();
  return {
    ...{ name, medianNs: p50 / times, p25Ns: p25 / times, p99Ns: p99 / times },
    allocatedBytes: heap === undefined || Number.isNaN(heap.avg) ? null : heap.avg / times,
  };
}

/** Until it is compiled to what it will run as. */
function warmUp({ prepare, work }: Bench<unknown>): void {
  const until = performance.now() + warmupMs;
  while (performance.now() < until) work(prepare());
}

/** An input that is made before the clock runs. The library's types do not know of these. */
function prepared({
  prepare,
  work,
}: Bench<unknown>): () => Generator<() => unknown, void, undefined> {
  const computed = { 0: prepare, bench: (input: unknown) => work(input) };
  return function* () {
    yield computed as unknown as () => unknown;
  };
}

function table(all: readonly Figures[]): string {
  const rows = all.map(({ name, medianNs, p25Ns, p99Ns, allocatedBytes }) => [
    ...[name, number(medianNs), number(p25Ns), number(p99Ns)],
    allocatedBytes === null ? "-" : bytes(Math.round(allocatedBytes)),
  ]);
  return markdownTable(["what:", "median ns", "p25", "p99", "allocated"], rows);
}

/** In a process of its own: what the case before has left in memory would be measured too. */
async function figuresApart({ name }: Case): Promise<Figures> {
  const words = [process.execPath, import.meta.path, "--one", name, "--ms", `${leastMs}`];
  const figures: Figures = JSON.parse(await output(words));
  say(`${name}: ${number(figures.medianNs)} ns`);
  return figures;
}

const cases = [...raftCases(), ...codecCases(), ...journalCases(), ...storeCases()];
const alone = cases.find(({ name }) => name === flags.one);
if (alone !== undefined) {
  process.stdout.write(`${JSON.stringify(await figuresOf(alone))}\n`);
  process.exit();
}
const loadSince = watchLoad();
const figures: Figures[] = [];
for (const one of cases) {
  if (one.name.includes(flags.only)) figures.push(await figuresApart(one));
}
process.stdout.write(`${table(figures)}\n\n${machine()}; ${leastMs} ms a case; ${loadSince()}.\n`);
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    `${JSON.stringify({ machine: machine(), elsewhere: loadSince(), figures }, null, 2)}\n`,
  );
}
