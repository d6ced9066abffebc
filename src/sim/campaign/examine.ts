/**
 * A seed's verdict. Some seeds are run twice, to see that a seed is a run; of some the clients' history is also put
 * before the checker that knows nothing of the log.
 */

import { invariants } from "../check/violation.ts";
import { checkHistory } from "../linearizability.ts";
import { historyModel, historyOf } from "./history.ts";
import { type Failure, type Run, type RunChoices, runSeed } from "./run.ts";

export const samples = {
  /** One seed in so many. */
  twice: 100,
  linearizability: 10,
} as const;

export type Examination = {
  readonly run: Run;
  readonly failure: Failure | null;
  /** Which of the samples it was part of. */
  readonly also: readonly (keyof typeof samples)[];
};

export function examine(seed: number, choices: RunChoices = {}): Examination {
  const run = runSeed(seed, choices);
  const also = (Object.keys(samples) as (keyof typeof samples)[]).filter(
    (sample) => seed % samples[sample] === 0,
  );
  return { run, also, failure: run.failure ?? checkSamples(run, also, choices) };
}

function checkSamples(run: Run, also: Examination["also"], choices: RunChoices): Failure | null {
  if (also.includes("twice")) {
    const again = runSeed(run.plan.seed, choices);
    if (again.hash !== run.hash) {
      return found(run, "I23", `the trace is ${run.hash}, and ${again.hash} the second time`);
    }
  }
  if (!also.includes("linearizability")) return null;
  const verdict = checkHistory(historyOf(run.wishes), historyModel);
  if (verdict.kind === "linearizable") return null;
  return found(run, "I19", `no order explains what clients saw of ${verdict.part}`);
}

const found = (run: Run, invariant: "I19" | "I23", what: string): Failure => ({
  ...{ invariant, what, sentence: invariants[invariant], phase: "liveness" },
  ...{ step: run.steps, at: run.simulatedMs as Failure["at"], lastEvents: [], stack: "" },
});
