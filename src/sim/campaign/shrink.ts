/** Makes a failing run small: fewer steps, and of the kinds of fault only those without which it does not fail. */
import { type Examination, examine } from "./examine.ts";
import { drawPlan, type FaultKind, presentKinds } from "./plan.ts";
import type { Failure, RunChoices } from "./run.ts";

export type Smallest = {
  readonly seed: number;
  readonly steps: number;
  /** Kinds of fault that are left out, and those that are left. */
  readonly without: ReadonlySet<FaultKind>;
  readonly kinds: readonly FaultKind[];
  readonly failure: Failure;
  readonly runs: number;
};

const runsMax = 80;

export function shrink(
  seed: number,
  first: { failure: Failure; steps: number },
  choices: Pick<RunChoices, "tamper"> = {},
): Smallest {
  let best = { ...first, without: new Set<FaultKind>() };
  let runs = 0;
  const attempt = (steps: number, without: Set<FaultKind>): "smaller" | "no" => {
    if (runs >= runsMax) return "no";
    runs += 1;
    const { failure }: Examination = examine(seed, { ...choices, steps, without });
    if (failure === null) return "no";
    best = { failure, steps: stepsFor(failure, steps), without };
    return "smaller";
  };
  best.steps = stepsFor(first.failure, first.steps);
  for (const kind of presentKinds(drawPlan(seed, { steps: best.steps }))) {
    attempt(best.steps, new Set([...best.without, kind]));
  }
  for (let part = 2; part <= 16; part *= 2) {
    while (attempt(Math.floor(best.steps - best.steps / part), best.without) === "smaller");
  }
  const kinds = presentKinds(drawPlan(seed, best));
  return { seed, ...best, kinds, runs };
}

/** What is violated while faults are going on is violated without the steps after it. */
const stepsFor = (failure: Failure, steps: number): number =>
  failure.phase === "safety" ? Math.min(steps, failure.step + 1) : steps;
