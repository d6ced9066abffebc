/** What a campaign prints. Text only: who prints it is scripts/simulate.ts. */
import type { Coverage } from "./coverage.ts";
import { coverageNames } from "./coverage.ts";
import { type FaultKind, type Plan, presentKinds, stepsDefault } from "./plan.ts";
import type { Failure } from "./run.ts";
import type { Smallest } from "./shrink.ts";

/** The command that runs this seed again. */
export function replayCommand(parts: {
  readonly seed: number;
  readonly steps: number;
  readonly without: ReadonlySet<FaultKind>;
}): string {
  const steps = parts.steps === stepsDefault ? "" : ` --steps ${parts.steps}`;
  const without = parts.without.size === 0 ? "" : ` --without ${[...parts.without].join(",")}`;
  return `bun run simulate --seed ${parts.seed}${steps}${without} --trace`;
}

export function describePlan(plan: Plan): string {
  const { electionMsMin, electionMsMax, heartbeatMs } = plan.timing;
  return [
    `${plan.servers} servers, ${plan.clients} clients of ${plan.width}`,
    `elections ${electionMsMin}-${electionMsMax} ms, heartbeats ${heartbeatMs} ms, ${plan.preVote}`,
    `syncs ${plan.syncMs} ms, datagrams ${plan.datagramBytesMax} bytes`,
    `sessions ${plan.sessionLimits.sessionsMax}, forgotten after ${plan.sessionLimits.sessionIdleMs} ms`,
    `segments ${plan.segmentBytesMax} bytes, secret ${plan.secret}`,
    `faults: ${presentKinds(plan).join(" ") || "none"}`,
  ].join("; ");
}

export function describeFailure(plan: Plan, failure: Failure): string {
  const { seed } = plan;
  const where = `in the ${failure.phase} phase, step ${failure.step}, at ${Math.floor(failure.at)} ms`;
  return [
    ...failure.lastEvents.map((line) => `  ${line}`),
    `seed ${seed} violates ${failure.invariant}: ${failure.sentence}`,
    `  ${failure.what}`,
    `  ${where}`,
    `  ${describePlan(plan)}`,
    ...(failure.stack === "" ? [] : [indented(failure.stack)]),
    `  replay: ${replayCommand({ seed, steps: plan.steps, without: new Set() })}`,
  ].join("\n");
}

const indented = (text: string): string => text.replaceAll(/^/gm, "  ");

export function describeSmallest(smallest: Smallest): string {
  const { kinds, steps, runs, failure } = smallest;
  return [
    `  smallest of ${runs} runs: ${steps} steps; faults: ${kinds.join(" ") || "none"}`,
    `  it violates ${failure.invariant}: ${failure.what}`,
    `  replay: ${replayCommand(smallest)}`,
  ].join("\n");
}

/** What was met how often, and what was never met: that many counters failed. */
export function describeCoverage(coverage: Coverage): string {
  const width = Math.max(...Object.keys(coverageNames).map((name) => name.length));
  return Object.entries(coverageNames)
    .map(([name, what]) => {
      const count = coverage.get(name as keyof typeof coverageNames);
      return `  ${name.padEnd(width)} ${String(count).padStart(9)}  ${what}`;
    })
    .join("\n");
}

export const describeMissing = (coverage: Coverage, seeds: number): readonly string[] =>
  coverage
    .missing(seeds)
    .map((name) => `never met in ${seeds} seeds: ${name} (${coverageNames[name]})`);

export type Pace = {
  readonly seeds: number;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly realMs: number;
};

export function describePace({ seeds, simulatedMs, steps, realMs }: Pace): string {
  const seconds = Math.max(realMs, 1) / 1000;
  const perSecond = (amount: number): string => (amount / seconds).toFixed(1);
  return (
    `${seeds} seeds in ${seconds.toFixed(1)} s: ${perSecond(seeds)} seeds per second, ` +
    `${perSecond(simulatedMs / 1000)} simulated seconds per second, ${steps} steps`
  );
}
