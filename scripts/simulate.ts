/**
 * `bun run simulate [--seeds A..B | --seed N] [--steps N] [--without KIND,…] [--workers 2] [--trace] [--coverage]`
 *
 * Runs whole clusters from their seeds and says what is wrong with them (docs/verification.md). A failure is
 * printed with its last events and the command that repeats it, and made as small as it will go. The last line is
 * `N passed, M failed`; exit 1 where something failed, 2 where the words make no sense.
 */
import { parseArgs } from "node:util";
import { Coverage } from "../src/sim/campaign/coverage.ts";
import { examine, type samples } from "../src/sim/campaign/examine.ts";
import { drawPlan, type FaultKind, faultKinds } from "../src/sim/campaign/plan.ts";
import {
  describeCoverage,
  describeFailure,
  describeMissing,
  describePace,
  describePlan,
  describeSmallest,
} from "../src/sim/campaign/report.ts";
import { shrink } from "../src/sim/campaign/shrink.ts";

const usage = `usage: bun run simulate [--seeds A..B | --seed N] [flags]
  --steps N        how many turns of servers the faults last
  --without KINDS  leave kinds of fault out: ${faultKinds.join(" ")}
  --workers N      processes that share the seeds (2)
  --trace          print every event of the one seed
  --coverage       print what was met how often`;

/** How many failures are made small: each takes up to some dozens of runs. */
const shrunkMax = 3;
const progressMs = 5000;

type Wanted = {
  readonly from: number;
  readonly to: number;
  readonly steps: number | null;
  readonly without: ReadonlySet<FaultKind>;
  readonly workers: number;
  readonly trace: boolean;
  readonly coverage: boolean;
  /** Only every so manieth seed, as a worker: its place among them. */
  readonly place: number | null;
};

/** What a worker says of one seed, on a line. */
type Word = {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly coverage: readonly (readonly [string, number])[];
  readonly also: readonly string[];
  readonly failure: { readonly report: string; readonly smallest: string | null } | null;
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function unusable(why: string): never {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function wholeNumber(text: string, name: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    unusable(`${name} is a whole number, not "${text}"`);
  }
  return number;
}

function parsed(): Wanted {
  try {
    return wantedFrom(
      parseArgs({
        options: {
          seeds: { type: "string" },
          seed: { type: "string" },
          steps: { type: "string" },
          without: { type: "string", default: "" },
          workers: { type: "string", default: "2" },
          place: { type: "string" },
          trace: { type: "boolean", default: false },
          coverage: { type: "boolean", default: false },
        },
      }).values,
    );
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

type Flags = {
  seeds?: string;
  seed?: string;
  steps?: string;
  without: string;
  workers: string;
  place?: string;
  trace: boolean;
  coverage: boolean;
};

function wantedFrom(flags: Flags): Wanted {
  const range = /^(\d+)\.\.(\d+)$/.exec(flags.seeds ?? (flags.seed === undefined ? "1..200" : ""));
  if (flags.seed === undefined && range === null) unusable("--seeds is a range: --seeds 1..200");
  if (flags.seed !== undefined && flags.seeds !== undefined)
    unusable("--seed or --seeds, not both");
  const from = wholeNumber(flags.seed ?? range?.[1] ?? "", "a seed");
  const to = wholeNumber(flags.seed ?? range?.[2] ?? "", "a seed");
  if (to < from) unusable("a range begins before it ends");
  const kinds = flags.without.split(",").filter((kind) => kind !== "");
  for (const kind of kinds) {
    if (!faultKinds.some((known) => known === kind)) unusable(`no kind of fault is called ${kind}`);
  }
  if (flags.trace && from !== to) unusable("--trace goes with one seed: --seed N");
  const workers = Math.max(1, wholeNumber(flags.workers, "--workers"));
  return {
    ...{ from, to, workers, trace: flags.trace, coverage: flags.coverage },
    steps: flags.steps === undefined ? null : wholeNumber(flags.steps, "--steps"),
    without: new Set(kinds as FaultKind[]),
    place: flags.place === undefined ? null : wholeNumber(flags.place, "--place"),
  };
}

function wordOn(seed: number, wanted: Wanted, shrinking: "shrink" | "leave"): Word {
  const { without, trace } = wanted;
  const steps = wanted.steps === null ? {} : { steps: wanted.steps };
  const { run, failure, also } = examine(seed, {
    ...{ without, ...steps },
    ...(trace ? { onLine: say } : {}),
  });
  const word = {
    ...{ seed, steps: run.steps, simulatedMs: run.simulatedMs, also },
    coverage: run.coverage.entries(),
  };
  if (failure === null) return { ...word, failure: null };
  const report = describeFailure(run.plan, failure);
  if (shrinking === "leave" || trace || without.size > 0) {
    return { ...word, failure: { report, smallest: null } };
  }
  const smallest = describeSmallest(shrink(seed, { failure, steps: run.plan.steps }));
  return { ...word, failure: { report, smallest } };
}

/** Every `workers`th seed, a line of JSON for each. */
function work(wanted: Wanted, place: number): void {
  let shrunk = 0;
  for (let seed = wanted.from + place; seed <= wanted.to; seed += wanted.workers) {
    const word = wordOn(seed, wanted, shrunk < shrunkMax ? "shrink" : "leave");
    if (word.failure !== null) shrunk += 1;
    say(JSON.stringify(word));
  }
}

class Total {
  readonly coverage = new Coverage();
  readonly failed: number[] = [];
  seeds = 0;
  private steps = 0;
  private simulatedMs = 0;
  private readonly also = new Map<string, number>();
  private readonly began = performance.now();
  private saidAt = this.began;

  hear(word: Word): void {
    this.seeds += 1;
    this.steps += word.steps;
    this.simulatedMs += word.simulatedMs;
    for (const sample of word.also) this.also.set(sample, (this.also.get(sample) ?? 0) + 1);
    for (const [name, count] of word.coverage) this.coverage.addKnown(name, count);
    if (word.failure !== null) {
      this.failed.push(word.seed);
      say(word.failure.report);
      if (word.failure.smallest !== null) say(word.failure.smallest);
    }
    if (performance.now() - this.saidAt < progressMs) return;
    this.saidAt = performance.now();
    say(this.pace());
  }

  pace(): string {
    const realMs = performance.now() - this.began;
    const { seeds, simulatedMs, steps } = this;
    return describePace({ seeds, simulatedMs, steps, realMs });
  }

  samples(): string {
    const count = (sample: keyof typeof samples): number => this.also.get(sample) ?? 0;
    return `run twice: ${count("twice")}; histories checked: ${count("linearizability")}`;
  }
}

async function campaign(wanted: Wanted, total: Total): Promise<void> {
  const workers = Math.min(wanted.workers, wanted.to - wanted.from + 1);
  const words = process.argv.slice(2);
  const running = Array.from({ length: workers }, async (_, place) => {
    const flags = ["--workers", String(workers), "--place", String(place)];
    const child = Bun.spawn([process.execPath, import.meta.path, ...words, ...flags], {
      stdout: "pipe",
      stderr: "inherit",
    });
    for await (const line of lines(child.stdout)) total.hear(JSON.parse(line) as Word);
    const code = await child.exited;
    if (code === 0) return;
    say(`a worker ended with exit ${code}`);
    total.failed.push(Number.NaN);
  });
  await Promise.all(running);
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

async function main(): Promise<void> {
  const wanted = parsed();
  if (wanted.place !== null) return work(wanted, wanted.place);
  const total = new Total();
  if (wanted.from === wanted.to) {
    say(describePlan(drawPlan(wanted.from, { without: wanted.without })));
    total.hear(wordOn(wanted.from, wanted, "shrink"));
  } else await campaign(wanted, total);
  const missing = wanted.without.size === 0 ? describeMissing(total.coverage, total.seeds) : [];
  if (wanted.coverage || missing.length > 0) say(describeCoverage(total.coverage));
  for (const line of missing) say(line);
  say(total.pace());
  say(total.samples());
  const failed = total.failed.length + missing.length;
  say(`${total.seeds - total.failed.length} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
