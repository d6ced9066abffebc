/** `client bench`: how many requests a second the cluster answers, and how long each takes. */
import { type Exit, exits, type OperatorError } from "../../base/error.ts";
import { seededRandom } from "../../base/random.ts";
import { limits as kvLimits } from "../../kv/command.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag, durationFlag, sizeFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import type { Program } from "../program.ts";
import { exitOfSignal } from "../signals.ts";
import type { Environment } from "../walk.ts";
import { type BenchReport, benchResult, missedFloors } from "./bench-report.ts";
import { chosen } from "./choice.ts";
import { Load, type Measured, type Plan } from "./load.ts";
import { firstOperation, mixFlag, Work } from "./mix.ts";
import { settle } from "./operate.ts";
import { type Connection, clientArgs, type Place, timeoutFlag } from "./place.ts";

const limits = {
  clientsMax: 16_384,
  /** A session takes so many unanswered writes; more clients need more sessions. */
  clientsPerConnection: kvLimits.sessionWindow / 2,
  msMax: 24 * 60 * 60 * 1000,
  opsMax: 1e12,
  keysMax: 1_000_000,
  rateMax: 1_000_000,
  progressMs: 1000,
} as const;

const benchArgs = {
  clients: {
    type: "string",
    valueHint: "count",
    default: "64",
    description: "Requests under way at the same time",
  },
  seconds: {
    type: "string",
    valueHint: "seconds",
    description: "Measure for so long; 10 where --ops is not given",
  },
  ops: { type: "string", valueHint: "count", description: "Measure so many requests instead" },
  warmup: {
    type: "string",
    valueHint: "duration",
    description: "Run so long before measuring; default 1s, and 0 with --ops",
  },
  "value-size": { type: "string", valueHint: "size", default: "64", description: "Of each value" },
  keys: {
    type: "string",
    valueHint: "count",
    default: "10000",
    description: "Different keys, bench-0 and so on; they stay in the store",
  },
  mix: {
    type: "string",
    valueHint: "kind:weight,…",
    default: "put:100",
    description: "What the requests are: put, get, stale (a stale get), del",
  },
  rate: {
    type: "string",
    valueHint: "count",
    description: "Requests due a second, whatever the answers; latency counts from when due",
  },
  seed: {
    type: "string",
    valueHint: "number",
    default: "1",
    description: "Chooses keys and kinds",
  },
  "min-ops": {
    type: "string",
    valueHint: "count",
    description: "Exit 1 where fewer a second are answered",
  },
  "max-p99": {
    type: "string",
    valueHint: "duration",
    description: "Exit 1 where 1 % of the answers take longer",
  },
  ...clientArgs,
} as const;

export const benchCommand = (place: Place): Command =>
  command({
    name: "bench",
    description: "Measure throughput and latency, after a second of warm-up that is not counted.",
    args: benchArgs,
    examples: [
      { line: "rusty-boat client bench", does: "64 clients put for 10 s" },
      { line: "rusty-boat client bench --clients 256 --mix put:50,get:50", does: "" },
      { line: "rusty-boat client bench --rate 5000 --seconds 30", does: "latency under that load" },
      {
        line: "rusty-boat client bench --min-ops 10000 --max-p99 20ms",
        does: "a test: exit 0 or 1",
      },
    ],
    async run({ args, program }) {
      const report = readBench(args, program.environment);
      const floors = readFloors(args["min-ops"], args["max-p99"]);
      const connections: Connection[] = [];
      try {
        do connections.push(await place.connect(args));
        while (connections.length * limits.clientsPerConnection < report.plan.clients);
        const scene = { place, connection: connections[0]!, program };
        const first = await settle(scene, firstTask(report));
        if (first.kind === "interrupted") return first.exit;
        const measured = await runLoad(report, connections, program);
        await program.output.result(benchResult(report, measured, program.output.paint));
        return endOf(scene.connection, () => missedFloors(measured, floors));
      } finally {
        for (const connection of connections) connection.close();
      }
    },
  });

function endOf(connection: Connection, check: () => OperatorError | null): CommandExit {
  const signal = connection.interruption();
  if (signal !== null) return exitOfSignal(signal);
  const missed = check();
  if (missed !== null) throw missed;
  const done: Exit = exits.done;
  return done;
}

/** Fails at once where there is no cluster, and finds the leader before the clock runs. */
const firstTask = ({ mix, plan }: BenchReport) =>
  ({
    name: "bench",
    operation: firstOperation(mix),
    consistency: mix.every(({ kind }) => kind === "stale") ? "stale" : "linearizable",
    again: null,
    timeoutMs: plan.timeoutMs,
    line: null,
  }) as const;

async function runLoad(
  report: BenchReport,
  connections: readonly Connection[],
  program: Program,
): Promise<Measured> {
  const load = new Load(
    report.plan,
    connections.map(({ cluster }) => cluster),
  );
  for (const { interrupted } of connections) void interrupted.then(() => load.stop());
  const progress = program.messages.stream === "terminal" ? showProgress(load, program) : null;
  try {
    return await load.run();
  } finally {
    if (progress !== null) clearInterval(progress);
  }
}

function showProgress(load: Load, { messages }: Program): ReturnType<typeof setInterval> {
  let before = 0;
  let seconds = 0;
  return setInterval(() => {
    const { count } = load.latency;
    seconds += limits.progressMs / 1000;
    const perSecond = Math.round((count - before) / (limits.progressMs / 1000));
    before = count;
    const errors = load.errors === 0 ? "" : `, ${load.errors} errors`;
    const text = count === 0 ? "warming up" : `${perSecond.toLocaleString("en")} a second${errors}`;
    void messages.line(messages.paint.dim(`${`${seconds} s`.padStart(6)}  ${text}`));
  }, limits.progressMs);
}

type BenchTexts = Readonly<
  Record<"clients" | "value-size" | "keys" | "mix" | "seed" | "timeout", string>
> &
  Readonly<Record<"seconds" | "ops" | "warmup" | "rate", string | undefined>>;

export function readBench(args: BenchTexts, environment: Environment): BenchReport {
  const lengths = [
    ["--seconds", args.seconds !== undefined],
    ["--ops", args.ops !== undefined],
  ] as const;
  const length = chosen(lengths, environment);
  const count = (name: string, value: string, min: number, max: number): number =>
    countFlag({ source: `--${name}`, value }, { min, max });
  const mix = mixFlag(args.mix);
  const valueBytes = sizeFlag({ source: "--value-size", value: args["value-size"] });
  if (valueBytes > kvLimits.valueBytesMax) throw valueTooLarge(args["value-size"]);
  const keys = count("keys", args.keys, 1, limits.keysMax);
  const seed = count("seed", args.seed, 0, Number.MAX_SAFE_INTEGER);
  const clients = count("clients", args.clients, 1, limits.clientsMax);
  const { rate } = args;
  const ops = length === "--ops" ? args.ops : undefined;
  const random = seededRandom(seed);
  const plan: Plan = {
    work: new Work({ mix, keys, valueBytes, random }),
    clients,
    end:
      ops === undefined
        ? { kind: "after-ms", ms: secondsFlag(args.seconds ?? "10") }
        : { kind: "after-ops", count: count("ops", ops, 1, limits.opsMax) },
    warmupMs: warmupFlag(args.warmup ?? (ops === undefined ? "1s" : "0")),
    rate: rate === undefined ? null : count("rate", rate, 1, limits.rateMax),
    timeoutMs: timeoutFlag(args.timeout),
  };
  return { plan, mix, keys, valueBytes, seed };
}

/** `10`, `0.5`; and `10s`, as durations are written elsewhere. */
function secondsFlag(value: string): number {
  const text = /^\d+(\.\d+)?$/.test(value) ? `${value}s` : value;
  const ms = durationFlag({ source: "--seconds", value: text });
  if (ms >= 1 && ms <= limits.msMax) return ms;
  throw badSpan("--seconds", value, "10");
}

function warmupFlag(value: string): number {
  const ms = durationFlag({ source: "--warmup", value });
  if (ms <= limits.msMax) return ms;
  throw badSpan("--warmup", value, "1s");
}

const badSpan = (source: string, value: string, sample: string) =>
  badValue({ source, value, expected: "a time of at most a day", example: `${source} ${sample}` });

const valueTooLarge = (value: string) =>
  badValue({
    source: "--value-size",
    value,
    expected: "a size of at most 1MiB, the limit of a value",
    example: "--value-size 1KiB",
  });

export type Floors = { readonly opsPerSecond: number | null; readonly p99Ms: number | null };

function readFloors(minOps: string | undefined, maxP99: string | undefined): Floors {
  return {
    opsPerSecond:
      minOps === undefined
        ? null
        : countFlag({ source: "--min-ops", value: minOps }, { min: 0, max: limits.opsMax }),
    p99Ms: maxP99 === undefined ? null : durationFlag({ source: "--max-p99", value: maxP99 }),
  };
}
