/**
 * Looks for one linearization, depth first (Wing & Gong), and never goes on from a situation that was reached before
 * or that an earlier one covers (Lowe's cache). Quick to find an order where there is one.
 */
import type { Moves, Stage } from "./linearizability-moves.ts";
import type { Plan } from "./linearizability-plan.ts";
import { covers, equal, hashOf, type Situation } from "./linearizability-situation.ts";

/** Whether there is an order. */
export type Found = "some" | "none" | "undecided";

type Node = { readonly at: number; readonly stage: Stage; readonly situation: Situation };

const limits = {
  /** A new situation is held against so many of its state, the last ones first; equal ones are always found. */
  comparedMax: 24,
} as const;

/** `stepsMax`: gives up after so many situations. */
export function search<Operation>(
  plan: Plan<Operation>,
  moves: Moves<Operation>,
  stepsMax: number,
): Found {
  const start = moves.start();
  if (start === null) return "none";
  const seen = new Seen();
  const stack: Node[] = [{ at: 0, stage: "arrived", situation: start }];
  let steps = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { at, stage, situation } = node;
    if (at === plan.closed.length) return "some";
    if (seen.add(node) === "covered") continue;
    steps += 1;
    if (steps > stepsMax) return "undecided";
    const { past, before } = moves.follow(at, stage, situation);
    // The last that is pushed is tried first: to have arrived is better than to be under way, and to owe little
    // is better than to owe much.
    for (const one of worstFirst(moves, at, before)) {
      stack.push({ at, stage: "under-way", situation: one });
    }
    for (const one of worstFirst(moves, at + 1, past)) {
      stack.push({ at: at + 1, stage: "arrived", situation: one });
    }
  }
  return "none";
}

function worstFirst<Operation>(
  moves: Moves<Operation>,
  at: number,
  situations: readonly Situation[],
): readonly Situation[] {
  if (situations.length < 2) return situations;
  return situations
    .map((situation) => ({ situation, debt: moves.debt(at, situation) }))
    .sort((a, b) => b.debt - a.debt)
    .map(({ situation }) => situation);
}

/** What was reached, by return and state. */
class Seen {
  private readonly arrived: Map<number, Group>[] = [];
  private readonly underWay: Map<number, Group>[] = [];

  add({ at, stage, situation }: Node): "new" | "covered" {
    const groups = stage === "arrived" ? this.arrived : this.underWay;
    groups[at] ??= new Map();
    const group = groups[at].get(situation.state) ?? new Group();
    groups[at].set(situation.state, group);
    return group.add(situation);
  }
}

class Group {
  private readonly all: Situation[] = [];
  private byHash: Map<number, Situation[]> | null = null;

  add(situation: Situation): "new" | "covered" {
    const { all } = this;
    const end = Math.max(0, all.length - limits.comparedMax);
    for (let at = all.length - 1; at >= end; at--) {
      if (covers(all[at]!, situation)) return "covered";
    }
    if (end > 0 && this.isKnown(situation)) return "covered";
    all.push(situation);
    if (this.byHash !== null) this.note(situation);
    return "new";
  }

  private isKnown(situation: Situation): boolean {
    if (this.byHash === null) {
      this.byHash = new Map();
      for (const one of this.all) this.note(one);
    }
    return this.byHash.get(hashOf(situation))?.some((one) => equal(one, situation)) ?? false;
  }

  private note(situation: Situation): void {
    const hash = hashOf(situation);
    const same = this.byHash?.get(hash);
    if (same === undefined) this.byHash?.set(hash, [situation]);
    else same.push(situation);
  }
}
