/** One seed from beginning to end: its faults, its healing, and what is wrong, if anything is. */
import { AssertionError } from "../../base/assert.ts";
import type { Millis } from "../../base/numbers.ts";
import type { Wish } from "../check/oracle.ts";
import { type Invariant, invariants, Violation } from "../check/violation.ts";
import type { Coverage } from "./coverage.ts";
import { type Excuse, Liveness } from "./liveness.ts";
import { Misfortunes } from "./misfortunes.ts";
import { drawPlan, type Plan, type PlanChoices } from "./plan.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";

export type Phase = "safety" | "liveness";

export type Failure = {
  readonly invariant: Invariant;
  /** The sentence that should be true, and what is true instead. */
  readonly sentence: string;
  readonly what: string;
  readonly phase: Phase;
  readonly step: number;
  readonly at: Millis;
  readonly lastEvents: readonly string[];
  /** Where in the code it was noticed, for what the code threw itself. */
  readonly stack: string;
};

export type Run = {
  readonly plan: Plan;
  readonly failure: Failure | null;
  readonly hash: number;
  readonly coverage: Coverage;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly excuses: readonly Excuse[];
  readonly wishes: readonly Wish[];
};

export type RunChoices = PlanChoices & {
  readonly onLine?: (line: string) => void;
  /** For tests of the checkers: to break something that the simulator should notice. */
  readonly tamper?: (world: World) => void;
};

/** However long nothing happens to anybody. */
const simulatedMsMax = 600_000;

export function runSeed(seed: number, choices: RunChoices = {}): Run {
  const plan = drawPlan(seed, choices);
  const world = new World(plan);
  world.trace.onLine = choices.onLine ?? null;
  choices.tamper?.(world);
  const workload = new Workload(world);
  const misfortunes = new Misfortunes(world, workload);
  const liveness = new Liveness(world, misfortunes, workload);
  let phase: Phase = "safety";
  let failure: Failure | null = null;
  try {
    suffer(world, misfortunes, workload);
    phase = "liveness";
    liveness.run();
  } catch (error) {
    failure = failureOf(world, phase, error);
  }
  gather(world);
  gatherWatches(world, workload);
  return {
    ...{ plan, failure, hash: world.trace.hash, coverage: world.coverage },
    ...{ steps: world.steps, simulatedMs: world.now, excuses: liveness.excuses },
    wishes: world.oracle.wishes,
  };
}

function suffer(world: World, misfortunes: Misfortunes, workload: Workload): void {
  for (const server of world.all) world.start(server);
  workload.begin();
  misfortunes.begin();
  const { clock } = world.cluster;
  while (world.steps < world.plan.steps && world.now < simulatedMsMax) {
    if (clock.next() === "nothing-left") break;
  }
}

function failureOf(world: World, phase: Phase, error: unknown): Failure {
  const invariant = error instanceof Violation ? error.invariant : "crash";
  const what = error instanceof Error ? error.message : String(error);
  const byCode = error instanceof AssertionError ? "an assertion failed: " : "";
  return {
    ...{ invariant, sentence: invariants[invariant], what: `${byCode}${what}`, phase },
    ...{ step: world.steps, at: world.now, lastEvents: world.trace.lines() },
    stack: invariant === "crash" && error instanceof Error ? (error.stack ?? "") : "",
  };
}

/** What others have counted, under the names of a campaign. */
function gather(world: World): void {
  const { coverage, witness, weather, promises, oracle } = world;
  for (const server of world.all) {
    world.collect(server);
    coverage.add("overflowed", server.overflowed);
  }
  for (const { rolls } of world.images.values()) coverage.add("rolls", Math.max(0, rolls));
  coverage.add("elections", witness.counts.leaders);
  coverage.add("truncations", witness.counts.truncations);
  coverage.add("figure-8", witness.leaders.figure8);
  coverage.add("commits", witness.counts.commits);
  coverage.add("snapshots-compared", world.snapshots.compared);
  coverage.add("split-votes", splitVotes(world));
  const { counts: changes } = witness.members;
  coverage.add("changes-begun", changes.begun);
  coverage.add("changes-committed", changes.committed);
  coverage.add("changes-taken-back", changes.takenBack);
  coverage.add("changes-and-elections", changes.overlapping);
  coverage.add("learners-promoted", changes.promoted);
  coverage.add("leaders-removed", changes.leadersRemoved);
  coverage.add("voters-1", changes.ofOne);
  coverage.add("voters-many", changes.ofMany);
  const { counts } = world.cluster.network;
  coverage.add("repeated", counts.repeated);
  coverage.add("outlived", counts.outlived);
  coverage.add("repeated-outlived", counts.repeatedOutlived);
  coverage.add("corrupted", weather.counts.corrupted);
  coverage.add("ancient-copies", weather.counts.ancient);
  coverage.add("clogs", weather.counts.clogged);
  coverage.add("fragments-lost", weather.counts.fragmentsLost);
  coverage.add("stopped", weather.counts.stopped);
  coverage.add("chunks", promises.counts.chunks);
  coverage.add("not-leader", promises.answers.get("not-leader") ?? 0);
  coverage.add("superseded", promises.answers.get("superseded") ?? 0);
  coverage.add("reads-confirmed", oracle.counts.reads);
  coverage.add("reads-anywhere", oracle.counts.anywhere);
  coverage.add("reads-stale", oracle.counts.stale);
  coverage.add("reads-dated", oracle.counts.dated);
  coverage.add("reads-logged", oracle.counts.logged);
  coverage.add("lists", oracle.counts.listed);
  coverage.add("sessions-expired", witness.model.expired);
  coverage.add("sessions-evicted", witness.model.evicted);
  coverage.add("forgotten", oracle.counts.forgotten);
  coverage.add("views-lost", oracle.counts["view-lost"]);
  coverage.add("pages-of-the-past", oracle.counts["page-of-the-past"]);
  for (const kind of ["counted", "count-refused", "txn-then", "txn-else", "txn-refused"] as const) {
    coverage.add(kind, oracle.counts[kind]);
  }
  coverage.add("committed", oracle.counts.committed);
  coverage.add("rejected", oracle.counts.rejected);
  coverage.add("unknown", oracle.counts.unknown);
  coverage.add("answered-again", witness.model.repeated);
  gatherLeases(world);
  coverage.addKnown(`servers-${world.plan.servers}`, 1);
}

function gatherWatches({ coverage }: World, { watching }: Workload): void {
  watching.gather();
  const { counts } = watching;
  coverage.add("watched", counts.events);
  coverage.add("watched-deletions", counts.deletions);
  coverage.add("watch-restarts", counts.restarts);
  coverage.add("watches-compacted", counts.compacted);
  coverage.add("watch-moves", counts.moves);
  coverage.add("watch-gaps", counts.gaps);
  coverage.add("watch-repeats", counts.repeats);
}

function gatherLeases({ coverage, witness, locks }: World): void {
  const { counts } = witness.model.leases;
  coverage.add("leases-granted", counts.granted);
  coverage.add("leases-kept", counts.kept);
  coverage.add("leases-kept-across", counts.keptAcrossElections);
  coverage.add("leases-expired", counts.expired);
  coverage.add("leases-spared", counts.spared);
  coverage.add("leases-revoked", counts.revoked);
  coverage.add("locks-held", locks.counts.held);
  coverage.add("locks-passed-on", locks.counts.passedOn);
  coverage.add("locks-waited", locks.counts.waited);
  coverage.add("locks-lost", locks.counts.lost);
  coverage.add("locks-fenced", locks.counts.fenced);
}

/** Terms in which more than one server campaigned, and none led. */
function splitVotes({ witness }: World): number {
  const campaigns = new Map<string, number>();
  for (const name of witness.candidates.keys()) {
    const term = name.slice(name.indexOf("/") + 1);
    campaigns.set(term, (campaigns.get(term) ?? 0) + 1);
  }
  let split = 0;
  for (const [term, count] of campaigns) {
    if (count > 1 && witness.leader(Number(term) as never) === null) split += 1;
  }
  return split;
}
