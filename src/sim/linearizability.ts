/**
 * Whether a history is linearizable: whether its operations can be put in one order in which each has the outcome
 * that was seen, and none stands before one that returned before it was called (Herlihy & Wing). Each part is
 * decided for itself, by Wing & Gong's search with Lowe's cache. The question is hard in general, and which way of
 * going through the situations is quick depends on the history; so three are taken in turn, with growing patience:
 * depth first, which is quick to find an order; all side by side with similar ones merged, which is quick to see that
 * there is none; and side by side with the least promising dropped.
 */
import { must } from "../base/assert.ts";
import type { Model, Recorded } from "./linearizability-model.ts";
import { Moves } from "./linearizability-moves.ts";
import { Plan } from "./linearizability-plan.ts";
import { type Found, search } from "./linearizability-search.ts";
import { sweep } from "./linearizability-sweep.ts";

export type Verdict<Operation> =
  | { readonly kind: "linearizable" }
  | ({ readonly kind: "not-linearizable"; readonly part: string } & Witness<Operation>);

/** Where it breaks: up to the operation before it there is an order, and with it there is none. */
export type Witness<Operation> = {
  readonly operation: Recorded<Operation>;
  /** What was still open when it returned. */
  readonly open: readonly Recorded<Operation>[];
};

/** Of the first round; each next is so many times as patient. Steps are for each operation. */
const patience = {
  searchSteps: 4,
  sweepSteps: 30,
  mergedApart: 1,
  droppedApart: 4,
  operationsMin: 5_000,
  growth: 4,
} as const;

/** The verdict, and where there is no order, the operation that shows it. */
export function checkHistory<Operation>(
  history: readonly Recorded<Operation>[],
  model: Model<Operation>,
): Verdict<Operation> {
  for (const [part, records] of partsOf(history, model)) {
    if (orderOf(records, model) === "some") continue;
    return { kind: "not-linearizable", part, ...witnessOf(records, model) };
  }
  return { kind: "linearizable" };
}

/** The verdict alone. To find the witness takes several times as long. */
export function judgeHistory<Operation>(
  history: readonly Recorded<Operation>[],
  model: Model<Operation>,
): Verdict<Operation>["kind"] {
  for (const records of partsOf(history, model).values()) {
    if (orderOf(records, model) === "none") return "not-linearizable";
  }
  return "linearizable";
}

function partsOf<Operation>(
  history: readonly Recorded<Operation>[],
  model: Model<Operation>,
): ReadonlyMap<string, readonly Recorded<Operation>[]> {
  const parts = new Map<string, Recorded<Operation>[]>();
  for (const record of history) {
    const part = model.partOf(record.operation);
    const known = parts.get(part);
    if (known === undefined) parts.set(part, [record]);
    else known.push(record);
  }
  return parts;
}

/** Each round is more patient than the one before; without limit, every way is exact. */
function orderOf<Operation>(
  records: readonly Recorded<Operation>[],
  model: Model<Operation>,
): "some" | "none" {
  const plan = new Plan(model, records);
  const moves = new Moves(plan);
  const { searchSteps, sweepSteps, mergedApart, droppedApart, operationsMin, growth } = patience;
  const operations = Math.max(operationsMin, plan.closed.length);
  for (let more = 1; ; more *= growth) {
    const stepsMax = sweepSteps * operations * more;
    const ways: readonly (() => Found)[] = [
      () => search(plan, moves, searchSteps * operations * more),
      () => sweep(plan, moves, { crowd: "merge", apartMax: mergedApart * more, stepsMax }),
      () => sweep(plan, moves, { crowd: "drop", apartMax: droppedApart * more, stepsMax }),
    ];
    for (const way of ways) {
      const found = way();
      if (found !== "undecided") return found;
    }
  }
}

/** Asks again about ever smaller beginnings of a history that is known not to be linearizable. */
function witnessOf<Operation>(
  records: readonly Recorded<Operation>[],
  model: Model<Operation>,
): Witness<Operation> {
  const { closed } = new Plan(model, records);
  let good = -1;
  let bad = closed.length - 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const end = must(closed[middle]?.record.returned, "it has returned");
    if (orderOf(upTo(records, end), model) === "some") good = middle;
    else bad = middle;
  }
  const operation = must(closed[bad], "a history that is not linearizable has returns").record;
  const end = must(operation.returned, "it has returned");
  const open = closed.slice(bad + 1).filter(({ record }) => record.called <= end);
  return { operation, open: open.map(({ record }) => record) };
}

/**
 * The history as it was at a moment: what had not returned then may have happened or not, though if it did, with the
 * outcome that it had later.
 */
const upTo = <Operation>(
  records: readonly Recorded<Operation>[],
  end: number,
): readonly Recorded<Operation>[] =>
  records
    .filter(({ called }) => called <= end)
    .map((one) => (one.returned !== null && one.returned > end ? { ...one, returned: null } : one));

/** The witness in a few sentences. */
export function explain<Operation>(witness: Witness<Operation>, model: Model<Operation>): string {
  const { operation, open } = witness;
  const spoken = (one: Recorded<Operation>): string =>
    `process ${one.process}: ${model.show(one.operation)}, called at ${one.called}`;
  return [
    `no order of what was called before explains ${spoken(operation)}, returned at ${operation.returned}`,
    ...open.map((one) => `  still open then: ${spoken(one)}`),
  ].join("\n");
}
