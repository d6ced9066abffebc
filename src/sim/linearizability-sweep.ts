/**
 * Goes through the history once, with all situations that are possible at each return side by side. Where they are
 * too many, similar ones are merged into one that covers both. That can only make more seem possible than is, so if
 * nothing is left at some return, the history is not linearizable, however much was merged. Quick to refute where a
 * depth-first search would have to try every order of everything before.
 */
import type { Moves } from "./linearizability-moves.ts";
import type { Plan } from "./linearizability-plan.ts";
import type { Found } from "./linearizability-search.ts";
import { covers, distance, merged, type Situation } from "./linearizability-situation.ts";

export type SweepLimits = {
  /** Situations of one state that are kept apart. */
  readonly apartMax: number;
  /** Gives up after so many situations in all. */
  readonly stepsMax: number;
};

export function sweep<Operation>(
  plan: Plan<Operation>,
  moves: Moves<Operation>,
  limits: SweepLimits,
): Found {
  const start = moves.start();
  if (start === null) return { kind: "stuck", at: 0, states: [plan.initial] };
  let front: readonly Situation[] = [start];
  let merges = 0;
  let steps = 0;
  for (let at = 0; at < plan.closed.length; at++) {
    const past = new Front(limits.apartMax);
    const before = new Front(limits.apartMax);
    const take = (from: ReturnType<typeof moves.follow>): void => {
      for (const one of from.past) past.add(one);
      for (const one of from.before) before.add(one);
    };
    for (const one of front) take(moves.follow(at, "arrived", one));
    for (let one = before.takeNew(); one !== null; one = before.takeNew()) {
      steps += 1;
      if (steps > limits.stepsMax) return { kind: "undecided" };
      take(moves.follow(at, "under-way", one));
    }
    const next = past.all();
    if (next.length === 0) {
      return { kind: "stuck", at, states: [...new Set(front.map(({ state }) => state))] };
    }
    steps += next.length;
    if (steps > limits.stepsMax) return { kind: "undecided" };
    merges += past.merges + before.merges;
    front = next;
  }
  return merges === 0 ? { kind: "linearizable" } : { kind: "undecided" };
}

/** Situations at one return of which none covers another, at most `apartMax` per state. */
class Front {
  merges = 0;
  private readonly apartMax: number;
  private readonly byState = new Map<number, Situation[]>();
  private readonly fresh: Situation[] = [];

  constructor(apartMax: number) {
    this.apartMax = apartMax;
  }

  add(situation: Situation): void {
    const group = this.byState.get(situation.state) ?? [];
    this.byState.set(situation.state, group);
    if (group.some((one) => covers(one, situation))) return;
    let one = situation;
    if (group.length >= this.apartMax) {
      this.merges += 1;
      one = merged(nearest(group, situation), situation);
    }
    keep(group, (other) => !covers(one, other));
    group.push(one);
    this.fresh.push(one);
  }

  /** One that was not taken yet and that nothing added later covers. */
  takeNew(): Situation | null {
    for (let one = this.fresh.pop(); one !== undefined; one = this.fresh.pop()) {
      if (this.byState.get(one.state)?.includes(one)) return one;
    }
    return null;
  }

  all(): readonly Situation[] {
    return [...this.byState.values()].flat();
  }
}

function nearest(group: readonly Situation[], situation: Situation): Situation {
  let best = group[0]!;
  let least = distance(best, situation);
  for (const one of group) {
    const far = distance(one, situation);
    if (far < least) {
      best = one;
      least = far;
    }
  }
  return best;
}

function keep(group: Situation[], wanted: (situation: Situation) => boolean): void {
  let kept = 0;
  for (const one of group) if (wanted(one)) group[kept++] = one;
  group.length = kept;
}
