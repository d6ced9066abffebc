/**
 * Looks ahead: an operation that is still owed, or not yet called, may need a state (a read needs its value). If the
 * state is not there, cannot be made by anything open, and nothing called before that operation returns can make it
 * either, the situation leads nowhere, and it is better to know now than many returns later.
 */
import { any, type Plan } from "./linearizability-plan.ts";
import { has, type Situation } from "./linearizability-situation.ts";

export const limits = {
  /** So many of the next returns are looked at. */
  returnsAhead: 64,
} as const;

export class Outlook<Operation> {
  private readonly plan: Plan<Operation>;
  /** By return: the state it needs and the last return before which something that makes it is called. */
  private readonly needs: readonly ({ readonly state: number; readonly lastMade: number } | null)[];
  /** By state: the names of operations that can make it. */
  private readonly makers = new Map<number, ReadonlySet<number>>();

  /**
   * By state, the names of operations that leave it behind. What leaves behind any state is covered by `canLead`,
   * from the state it is used in.
   */
  private readonly leaving = new Map<number, number[]>();

  constructor(plan: Plan<Operation>) {
    this.plan = plan;
    for (const [name, { nature, leaves }] of plan.names.entries()) {
      if (nature === "observes" || leaves === any) continue;
      const known = this.leaving.get(leaves);
      if (known === undefined) this.leaving.set(leaves, [name]);
      else known.push(name);
    }
    const openings = new Map<number, readonly number[]>();
    this.needs = plan.closed.map(({ name }, at) => {
      const { meets, nature } = plan.names[name]!;
      if (meets === any || nature === "adapts" || nature === "overwrites") return null;
      const known = openings.get(meets) ?? this.openingsOfMakers(meets);
      openings.set(meets, known);
      return { state: meets, lastMade: lastUpTo(known, at) };
    });
  }

  of(at: number, situation: Situation): "possible" | "hopeless" {
    const { plan, needs } = this;
    const end = Math.min(plan.closed.length, at + limits.returnsAhead);
    for (let later = at; later < end; later++) {
      const need = needs[later];
      if (need === null || need === undefined || need.lastMade > at) continue;
      if (plan.canLead(situation.state, need.state) === "perhaps") continue;
      const { seat, opensAt } = plan.closed[later]!;
      if (opensAt <= at && (has(situation.free, seat) || has(situation.used, seat))) continue;
      if (this.canMake(at, situation, need.state) === "no") return "hopeless";
    }
    return "possible";
  }

  /** Whether something open can make the state. */
  private canMake(at: number, situation: Situation, state: number): "perhaps" | "no" {
    const { plan } = this;
    const makers = this.makersOf(state);
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      if (makers.has(name) && !has(situation.used, seat)) return "perhaps";
    }
    for (const name of makers) {
      const { endless } = plan.names[name]!;
      if (endless === null) continue;
      if (plan.endlessLeft(endless, situation.spent[endless]!, at) === "left") return "perhaps";
    }
    return "no";
  }

  private makersOf(state: number): ReadonlySet<number> {
    const known = this.makers.get(state);
    if (known !== undefined) return known;
    const makers = new Set<number>();
    for (const [left, names] of this.leaving) {
      if (this.plan.canLead(left, state) === "no") continue;
      for (const name of names) makers.add(name);
    }
    this.makers.set(state, makers);
    return makers;
  }

  private openingsOfMakers(state: number): readonly number[] {
    const openings = [...this.makersOf(state)].flatMap((name) => this.plan.openings(name));
    return openings.sort((a, b) => a - b);
  }
}

/** The last of these numbers, in order, that is not above `most`; -1 where all are. */
function lastUpTo(numbers: readonly number[], most: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! <= most) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : numbers[low - 1]!;
}
