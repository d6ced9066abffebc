/**
 * Goes through the history once, with all situations that are possible at each return side by side. Where there are
 * too many of them, one of two things is done, and each keeps one of the two answers true:
 *
 *   merge   similar ones become one that covers both. More seems possible than is; if nothing is left at some
 *           return all the same, the history is not linearizable.
 *   drop    those that owe the most are forgotten. Less seems possible than is; if something is left at the end all
 *           the same, the history is linearizable.
 *
 * Where the depth-first search would try every order of everything before it gives up, the first is quick to refute;
 * where it takes one wrong turn early, the second is quick to find the right one.
 */
import type { Moves } from "./linearizability-moves.ts";
import type { Plan } from "./linearizability-plan.ts";
import type { Found } from "./linearizability-search.ts";
import { covers, distance, merged, type Situation } from "./linearizability-situation.ts";

export type Crowd = "merge" | "drop";

export type SweepLimits = {
  readonly crowd: Crowd;
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
  if (start === null) return "none";
  let front: readonly Situation[] = [start];
  let crowded = 0;
  let steps = 0;
  for (let at = 0; at < plan.closed.length; at++) {
    const past = new Front(limits, (one) => moves.debt(at + 1, one));
    const before = new Front(limits, (one) => moves.debt(at, one));
    const take = (from: ReturnType<typeof moves.follow>): void => {
      for (const one of from.past) past.add(one);
      for (const one of from.before) before.add(one);
    };
    for (const one of front) take(moves.follow(at, "arrived", one));
    for (let one = before.takeNew(); one !== null; one = before.takeNew()) {
      steps += 1;
      if (steps > limits.stepsMax) return "undecided";
      take(moves.follow(at, "under-way", one));
    }
    crowded += past.crowded + before.crowded;
    const next = past.all();
    if (next.length === 0) {
      return crowded === 0 || limits.crowd === "merge" ? "none" : "undecided";
    }
    steps += next.length;
    if (steps > limits.stepsMax) return "undecided";
    front = next;
  }
  const isTrue = crowded === 0 || limits.crowd === "drop";
  return isTrue ? "some" : "undecided";
}

type Held = { readonly situation: Situation; readonly debt: number };

/** Situations at one return of which none covers another, at most `apartMax` per state. */
class Front {
  /** How often there were too many. */
  crowded = 0;
  private readonly limits: SweepLimits;
  private readonly debtOf: (situation: Situation) => number;
  private readonly byState = new Map<number, Held[]>();
  private readonly fresh: Held[] = [];

  constructor(limits: SweepLimits, debtOf: (situation: Situation) => number) {
    this.limits = limits;
    this.debtOf = debtOf;
  }

  add(situation: Situation): void {
    const group = this.byState.get(situation.state) ?? [];
    this.byState.set(situation.state, group);
    if (group.some((held) => covers(held.situation, situation))) return;
    if (group.length < this.limits.apartMax) return this.keep(group, situation);
    this.crowded += 1;
    if (this.limits.crowd === "merge") {
      return this.keep(group, merged(nearest(group, situation), situation));
    }
    const worst = group.reduce((most, held) => (held.debt > most.debt ? held : most));
    if (this.debtOf(situation) >= worst.debt) return;
    group.splice(group.indexOf(worst), 1);
    this.keep(group, situation);
  }

  /** One that was not taken yet and that is still here. */
  takeNew(): Situation | null {
    for (let held = this.fresh.pop(); held !== undefined; held = this.fresh.pop()) {
      if (this.byState.get(held.situation.state)?.includes(held)) return held.situation;
    }
    return null;
  }

  all(): readonly Situation[] {
    return [...this.byState.values()].flat().map(({ situation }) => situation);
  }

  private keep(group: Held[], situation: Situation): void {
    let kept = 0;
    for (const held of group) if (!covers(situation, held.situation)) group[kept++] = held;
    group.length = kept;
    const debt = this.limits.crowd === "drop" ? this.debtOf(situation) : 0;
    const held = { situation, debt };
    group.push(held);
    this.fresh.push(held);
  }
}

function nearest(group: readonly Held[], situation: Situation): Situation {
  let best = group[0]!.situation;
  let least = distance(best, situation);
  for (const held of group) {
    const far = distance(held.situation, situation);
    if (far < least) {
      best = held.situation;
      least = far;
    }
  }
  return best;
}
