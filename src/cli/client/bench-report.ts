/**
 * What a bench measured, in three notations. The JSON is a contract: names are added, never
 * changed.
 */
import { exits, OperatorError } from "../../base/error.ts";
import { form, list, type Sexp, symbol, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import type { Paint } from "../paint.ts";
import { formatSize } from "../quantity.ts";
import type { Floors } from "./bench.ts";
import type { Measured, Plan } from "./load.ts";
import { type Mix, writes } from "./mix.ts";

export type BenchReport = {
  readonly plan: Plan;
  readonly mix: Mix;
  readonly keys: number;
  readonly valueBytes: number;
  readonly seed: number;
};

const quantiles = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p99", 0.99],
  ["p999", 0.999],
] as const;

export const opsPerSecond = ({ latency, elapsedMs }: Measured): number =>
  elapsedMs === 0 ? 0 : Math.round((latency.count * 1000) / elapsedMs);

const errorsOf = ({ errorsByCode }: Measured): number =>
  [...errorsByCode.values()].reduce((sum, count) => sum + count, 0);

/** Microseconds are what was measured. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
const roundedOrNull = (ms: number | null): number | null => (ms === null ? null : rounded(ms));

export function benchResult(report: BenchReport, measured: Measured, paint: Paint): Result {
  return {
    text: () => benchText(report, measured, paint),
    json: () => benchJson(report, measured),
    sexpr: () => benchSexp(report, measured),
  };
}

const maxMs = ({ latency }: Measured): number | null =>
  latency.count === 0 ? null : latency.maxMs;

/** There is no gap between writes where there are none. */
const gapMs = ({ mix }: BenchReport, { longestGapMs }: Measured): number | null =>
  writes(mix) === "writes" ? longestGapMs : null;

function benchJson(report: BenchReport, measured: Measured): object {
  const { plan, mix, keys, valueBytes, seed } = report;
  const { latency } = measured;
  const named = quantiles.map(
    ([name, share]) => [`${name}Ms`, roundedOrNull(latency.quantileMs(share))] as const,
  );
  return {
    ops: latency.count,
    opsPerSecond: opsPerSecond(measured),
    ...Object.fromEntries(named),
    maxMs: roundedOrNull(maxMs(measured)),
    longestGapMs: roundedOrNull(gapMs(report, measured)),
    errors: errorsOf(measured),
    outcomesUnknown: measured.outcomesUnknown,
    errorsByCode: Object.fromEntries(measured.errorsByCode),
    unsent: measured.unsent,
    elapsedMs: rounded(measured.elapsedMs),
    warmupMs: plan.warmupMs,
    clients: plan.clients,
    rate: plan.rate,
    valueBytes,
    keys,
    mix: Object.fromEntries(mix.map(({ kind, weight }) => [kind, weight])),
    seed,
  };
}

/** There are no fractions in this notation: times are in microseconds. */
function benchSexp(report: BenchReport, measured: Measured): Sexp {
  const { plan, mix, keys, valueBytes, seed } = report;
  const micros = (name: string, ms: number | null) =>
    form(`${name}-us`, ms === null ? word("none") : Math.round(ms * 1000));
  return form(
    "bench",
    form("ops", measured.latency.count),
    form("ops-per-second", opsPerSecond(measured)),
    ...quantiles.map(([name, share]) => micros(name, measured.latency.quantileMs(share))),
    micros("max", maxMs(measured)),
    micros("longest-gap", gapMs(report, measured)),
    form("errors", errorsOf(measured)),
    form("outcomes-unknown", measured.outcomesUnknown),
    list(
      symbol("errors-by-code"),
      ...[...measured.errorsByCode].map(([code, count]) => list(word(code), count)),
    ),
    form("unsent", measured.unsent),
    form("elapsed-ms", Math.round(measured.elapsedMs)),
    form("warmup-ms", plan.warmupMs),
    form("clients", plan.clients),
    form("rate", plan.rate ?? word("none")),
    form("value-bytes", valueBytes),
    form("keys", keys),
    list(symbol("mix"), ...mix.map(({ kind, weight }) => list(word(kind), weight))),
    form("seed", seed),
  );
}

const counted = (count: number): string => count.toLocaleString("en");

function shownMs(ms: number | null): string {
  if (ms === null) return "-";
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(1)} ms`;
}

function benchText(report: BenchReport, measured: Measured, paint: Paint): string {
  const { latency, unsent } = measured;
  const latencies = [
    ...quantiles.map(
      ([name, share]) => `${name.replace("999", "99.9")} ${shownMs(latency.quantileMs(share))}`,
    ),
    `max ${shownMs(maxMs(measured))}`,
  ];
  const perSecond = paint.bold(counted(opsPerSecond(measured)));
  const lines = [
    paint.dim(headline(report, measured)),
    `operations  ${counted(latency.count)}, ${perSecond} a second`,
    `latency     ${latencies.join("   ")}`,
  ];
  const gap = gapMs(report, measured);
  if (gap !== null)
    lines.push(`gap         ${shownMs(gap)} without an acknowledged write, at most`);
  lines.push(`errors      ${errorsText(measured)}`);
  if (unsent > 0) {
    const late = `${counted(unsent)} requests fell due and found no free client`;
    lines.push(paint.yellow(`unsent      ${late}`));
  }
  return lines.join("\n");
}

function headline({ plan, mix, keys, valueBytes }: BenchReport, measured: Measured): string {
  const kinds = mix.map(({ kind, weight }) => `${kind}:${weight}`).join(",");
  const pace = plan.rate === null ? "closed loop" : `${counted(plan.rate)} due a second`;
  const warmup = plan.warmupMs === 0 ? "" : ` after ${plan.warmupMs / 1000} s not counted`;
  const span = `${(measured.elapsedMs / 1000).toFixed(1)} s${warmup}`;
  const load = `${plan.clients} clients, ${pace}, ${kinds}`;
  return `${load}, values of ${formatSize(valueBytes)}, ${counted(keys)} keys, ${span}`;
}

function errorsText(measured: Measured): string {
  const { errorsByCode, outcomesUnknown } = measured;
  const codes = [...errorsByCode].map(([code, count]) => `${code} ${counted(count)}`);
  const detail = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
  const unknown = `${counted(outcomesUnknown)} outcomes unknown`;
  return `${counted(errorsOf(measured))}${detail}, ${unknown}`;
}

/** Null where it is fast enough. A load of which nothing was answered is never fast enough. */
export function missedFloors(measured: Measured, floors: Floors): OperatorError | null {
  const missed: string[] = [];
  const perSecond = opsPerSecond(measured);
  const p99Ms = measured.latency.quantileMs(0.99);
  if (floors.opsPerSecond !== null && perSecond < floors.opsPerSecond) {
    missed.push(
      `${counted(perSecond)} operations a second, and --min-ops wants ` +
        counted(floors.opsPerSecond),
    );
  }
  if (floors.p99Ms !== null && p99Ms !== null && p99Ms > floors.p99Ms) {
    missed.push(`a p99 of ${shownMs(p99Ms)}, and --max-p99 allows ${shownMs(floors.p99Ms)}`);
  }
  if (measured.latency.count === 0) missed.push("no request was answered");
  if (missed.length === 0) return null;
  return new OperatorError({
    code: "too-slow",
    what: "the cluster was slower than wanted",
    why: missed.join("; "),
    fix: ["rusty-boat client status", "see what else runs on this machine"],
    exit: exits.no,
    meaning: "the load ran to its end",
  });
}
