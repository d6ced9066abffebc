/**
 * Histories that are linearizable by construction: every operation is given the moment at which it takes effect,
 * between its call and its return, and its outcome is what the cell held then.
 */
import { unreachable } from "../../../src/base/assert.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type {
  CellAction,
  CellOperation,
  CellValue,
} from "../../../src/sim/linearizability-cell.ts";
import type { Recorded } from "../../../src/sim/linearizability-model.ts";

export type Verb = "read" | "write" | "append" | "cas" | "delete";

export type Mixture = {
  readonly seed: number;
  readonly operations: number;
  readonly processes: number;
  readonly keys: number;
  /** Values are numbers below this; 0: every value is written once. */
  readonly values: number;
  readonly verbs: readonly Verb[];
  /** Of a hundred operations, so many never return; every other one of those takes effect. */
  readonly lostPercent: number;
  /** Between two operations a process rests so long, where an operation takes about 100. */
  readonly rest: number;
  readonly initial: CellValue;
};

type Asked = { readonly key: string; readonly verb: Verb; readonly at: number };
type Draft = Asked & {
  readonly process: number;
  readonly called: number;
  readonly returned: number | null;
};

export function linearizableHistory(mixture: Mixture): readonly Recorded<CellOperation>[] {
  const random = seededRandom(mixture.seed);
  const drafts = drafted(mixture, random).sort((a, b) => a.at - b.at);
  const cells = new Map<string, CellValue>();
  let written = 0;
  const newValue = (): string => {
    written += 1;
    return mixture.values === 0 ? `v${written}` : `${random.below(mixture.values)}`;
  };
  const records = drafts.map(({ key, verb, at, process, called, returned }) => {
    const held = cells.has(key) ? (cells.get(key) ?? null) : mixture.initial;
    const expected = random.below(3) > 0 ? held : newValue();
    const { action, next } = taken(verb, held, { value: newValue(), expected });
    if (at < neverEffective) cells.set(key, next);
    const seen = returned === null ? forgotten(action) : action;
    return { process, called, returned, operation: { key, action: seen } };
  });
  return records.sort((a, b) => a.called - b.called);
}

/** A moment after all others. */
const neverEffective = Number.MAX_VALUE;

/** Who asks what, when, and when it takes effect: never, for some of those that never return. */
function drafted(mixture: Mixture, random: Random): Draft[] {
  const { processes, operations, keys, verbs, lostPercent, rest } = mixture;
  const clocks = Array.from({ length: processes }, () => random.below(200));
  const names = clocks.map((_, at) => at);
  return Array.from({ length: operations }, (_, number) => {
    const one = number % processes;
    const called = clocks[one]! + random.below(2 * rest + 1) + random.below(1000) / 1000;
    const at = called + random.below(100_000) / 1000;
    const returned = at + random.below(100_000) / 1000;
    clocks[one] = returned;
    const process = names[one]!;
    const key = `k${random.below(keys)}`;
    const verb = verbs[random.below(verbs.length)]!;
    if (random.below(100) >= lostPercent) return { key, verb, process, called, at, returned };
    names[one] = process + processes;
    const late = called + random.below(2_000_000) / 1000;
    const effect = random.below(2) === 0 ? late : neverEffective;
    return { key, verb, process, called, at: effect, returned: null };
  }).filter(({ verb, returned }) => verb !== "read" || returned !== null);
}

type Taken = { readonly action: CellAction; readonly next: CellValue };

function taken(
  verb: Verb,
  held: CellValue,
  { value, expected }: { readonly value: string; readonly expected: CellValue },
): Taken {
  switch (verb) {
    case "read":
      return { action: { kind: "read", value: held }, next: held };
    case "write":
      return { action: { kind: "write", value }, next: value };
    case "append":
      return { action: { kind: "append", value: `${value};` }, next: `${held ?? ""}${value};` };
    case "cas": {
      const outcome = held === expected ? "done" : "refused";
      const next = outcome === "done" ? value : held;
      return { action: { kind: "cas", from: expected, to: value, outcome }, next };
    }
    case "delete": {
      const outcome = held === null ? "absent" : "deleted";
      return { action: { kind: "delete", outcome }, next: null };
    }
    default:
      return unreachable(verb);
  }
}

function forgotten(action: CellAction): CellAction {
  if (action.kind !== "cas" && action.kind !== "delete") return action;
  return { ...action, outcome: "unknown" };
}

/** The same history with another answer to one of its reads, counted from `near` (0 to 1) on. */
export function withRead(
  history: readonly Recorded<CellOperation>[],
  { near, value }: { readonly near: number; readonly value: CellValue },
): readonly Recorded<CellOperation>[] {
  const from = Math.floor(near * history.length);
  const place = history.findIndex(
    ({ operation }, at) => at >= from && operation.action.kind === "read",
  );
  return history.map((record, at) =>
    at === place
      ? { ...record, operation: { ...record.operation, action: { kind: "read", value } } }
      : record,
  );
}
