/**
 * Whether a history is linearizable: whether its operations can be put in one order in which each has the outcome
 * that was seen, and none stands before one that returned before it was called (Herlihy & Wing). Each part is
 * decided for itself. The question is hard in general, so two ways are taken in turn, with growing patience: a search
 * that is quick to find an order, and a sweep that is quick to see that there is none.
 */
import type { Model, Recorded } from "./linearizability-model.ts";
import { Moves } from "./linearizability-moves.ts";
import { Plan } from "./linearizability-plan.ts";
import { type Found, search } from "./linearizability-search.ts";
import { sweep } from "./linearizability-sweep.ts";

export type Verdict<Operation> =
  | { readonly kind: "linearizable" }
  | ({ readonly kind: "not-linearizable" } & Witness<Operation>);

/** Where it breaks: the operation that finds no place any more, whatever the order before it. */
export type Witness<Operation> = {
  readonly part: string;
  readonly operation: Recorded<Operation>;
  /** What was still open when it returned. */
  readonly open: readonly Recorded<Operation>[];
  /** What the state can have been when the operation before it had returned. */
  readonly states: readonly string[];
};

/** Of the first round, and how much more the next has. */
const patience = { searchSteps: 30_000, sweepSteps: 1_000_000, apart: 1, growth: 4 } as const;

export function checkHistory<Operation>(
  history: readonly Recorded<Operation>[],
  model: Model<Operation>,
): Verdict<Operation> {
  for (const [part, records] of partsOf(history, model)) {
    const plan = new Plan(model, records);
    const found = decide(plan);
    if (found.kind === "stuck") return { kind: "not-linearizable", ...witness(plan, part, found) };
  }
  return { kind: "linearizable" };
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

type Decided = Exclude<Found, { kind: "undecided" }>;

/** Each round is more patient than the one before; without limit, both ways are exact. */
function decide<Operation>(plan: Plan<Operation>): Decided {
  const moves = new Moves(plan);
  for (let round = 0; ; round++) {
    const more = patience.growth ** round;
    const searched = search(plan, moves, patience.searchSteps * more);
    if (searched.kind !== "undecided") return searched;
    const apartMax = patience.apart * more;
    const swept = sweep(plan, moves, { apartMax, stepsMax: patience.sweepSteps * more });
    if (swept.kind !== "undecided") return swept;
  }
}

function witness<Operation>(
  plan: Plan<Operation>,
  part: string,
  { at, states }: Extract<Found, { kind: "stuck" }>,
): Witness<Operation> {
  const [operation, ...open] = [...plan.openAt(at)].map((number) => plan.closed[number]!.record);
  return { part, operation: operation!, open, states: states.map((state) => plan.show(state)) };
}

/** The witness in a few sentences. */
export function explain<Operation>(witness: Witness<Operation>, model: Model<Operation>): string {
  const { part, operation, open, states } = witness;
  const spoken = (one: Recorded<Operation>): string =>
    `process ${one.process}: ${model.show(one.operation)}`;
  return [
    `${part === "" ? "" : `${part}: `}no order of the operations explains ${spoken(operation)}`,
    `  it was called at ${operation.called} and returned at ${operation.returned}`,
    `  after the return before it, the state can only have been ${states.join(" or ")}`,
    ...open.map((one) => `  still open: ${spoken(one)}, called at ${one.called}`),
  ].join("\n");
}
