/**
 * Looks ahead, because it is better to know now than many returns later that a situation leads nowhere. Some
 * operations need a state: a read needs its value. Where nothing that is open, and nothing that is called before
 * such an operation returns, can make that state,
 *
 *   - it must be there already, or be reachable from what is there;
 *   - and what is there must stay so until the operation is called, so that nothing that has to take effect before
 *     that may change it.
 */
import { any, type Plan } from "./linearizability-plan.ts";
import { has, type Situation } from "./linearizability-situation.ts";

export const limits = {
  /** So many of the next returns are looked at for what they need, */
  returnsAhead: 64,
  /** and so many for what must not happen while a state has to stay. */
  stayAhead: 1000,
} as const;

type Prospect = "possible" | "hopeless";

type Need = {
  readonly state: number;
  /** The last return before which something that makes the state is called. */
  readonly lastMade: number;
};

/** `state` is needed by an operation that is called after the return before `until`. */
type Stay = { readonly state: number; readonly until: number };

export class Outlook<Operation> {
  private readonly plan: Plan<Operation>;
  /** By return. */
  private readonly needs: readonly (Need | null)[];
  /** By state, the returns that need it. */
  private readonly needing = new Map<number, number[]>();
  /** By state: the names of operations that can make it, */
  private readonly makers = new Map<number, ReadonlySet<number>>();
  /** and those operations that return, where they are few. */
  private readonly fewMakers = new Map<number, readonly number[] | null>();
  /**
   * By state, the names of operations that leave it behind. What leaves behind any state is covered by `canLead`,
   * from the state it is used in.
   */
  private readonly leaving = new Map<number, number[]>();
  private readonly byName: readonly (readonly number[])[];

  constructor(plan: Plan<Operation>) {
    this.plan = plan;
    const byName: number[][] = plan.names.map(() => []);
    for (const [at, { name }] of plan.closed.entries()) byName[name]!.push(at);
    this.byName = byName;
    for (const [name, { nature, leaves }] of plan.names.entries()) {
      if (nature !== "observes" && leaves !== any) listed(this.leaving, leaves).push(name);
    }
    const openings = new Map<number, readonly number[]>();
    this.needs = plan.closed.map(({ name }, at) => {
      const { meets, nature } = plan.names[name]!;
      if (meets === any || nature === "adapts" || nature === "overwrites") return null;
      listed(this.needing, meets).push(at);
      const known = openings.get(meets) ?? this.openingsOfMakers(meets);
      openings.set(meets, known);
      return { state: meets, lastMade: lastUpTo(known, at) };
    });
  }

  of(at: number, situation: Situation): Prospect {
    const { plan, needs } = this;
    const end = Math.min(plan.closed.length, at + limits.returnsAhead);
    let stay: Stay | null = null;
    for (let later = at; later < end; later++) {
      const need = needs[later]!;
      if (need === null || need.lastMade > at || this.isSettled(at, situation, later)) continue;
      const isThere = plan.canLead(situation.state, need.state) === "perhaps";
      const until = plan.closed[later]!.opensAt;
      if (isThere && until <= (stay?.until ?? at)) continue;
      if (this.canMake(at, situation, need.state) === "perhaps") continue;
      if (!isThere) return "hopeless";
      stay = { state: need.state, until };
    }
    const further = this.stayHere(at, situation, stay?.until ?? at);
    return this.canStay(at, situation, further ?? stay);
  }

  /** A state that is left too early: of these, the ones far ahead matter as well. */
  lost(at: number, situation: Situation, state: number): Prospect {
    if (this.plan.canLead(situation.state, state) === "perhaps") return "possible";
    const needing = this.needing.get(state) ?? noReturns;
    for (let place = placeOf(needing, at); place < needing.length; place++) {
      const later = needing[place]!;
      // What returns later has at least as much that makes it.
      if (this.needs[later]!.lastMade > at) return "possible";
      if (this.isSettled(at, situation, later)) continue;
      return this.canMake(at, situation, state) === "perhaps" ? "possible" : "hopeless";
    }
    return "possible";
  }

  /** How long the very state that is there must stay, if that is longer than `until`. */
  private stayHere(at: number, situation: Situation, until: number): Stay | null {
    const { state } = situation;
    const needing = this.needing.get(state) ?? noReturns;
    let longest = until;
    for (let place = placeOf(needing, at); place < needing.length; place++) {
      const later = needing[place]!;
      if (this.needs[later]!.lastMade > at) break;
      longest = Math.max(longest, this.plan.closed[later]!.opensAt);
    }
    if (longest === until || this.canMake(at, situation, state) === "perhaps") return null;
    return { state, until: longest };
  }

  private canStay(at: number, situation: Situation, stay: Stay | null): Prospect {
    if (stay === null) return "possible";
    const { plan } = this;
    const end = Math.min(stay.until, at + limits.stayAhead);
    for (let later = at; later < end; later++) {
      if (this.isSettled(at, situation, later)) continue;
      const { nature, meets, leaves } = plan.names[plan.closed[later]!.name]!;
      if (nature === "adapts") continue;
      if (nature === "overwrites") {
        if (leaves === situation.state) continue;
        return "hopeless";
      }
      if (meets !== any) {
        if (plan.canLead(situation.state, meets) === "no") return "hopeless";
        if (plan.canLead(meets, stay.state) === "no") return "hopeless";
      }
      if (nature !== "demands" || leaves === any) continue;
      if (plan.canLead(leaves, stay.state) === "no") return "hopeless";
    }
    return "possible";
  }

  /** Whether the operation of a later return has found its place already. */
  private isSettled(at: number, { free, used }: Situation, later: number): boolean {
    const { seat, opensAt } = this.plan.closed[later]!;
    return opensAt <= at && (has(free, seat) || has(used, seat));
  }

  /** Whether something open can make the state. */
  private canMake(at: number, situation: Situation, state: number): "perhaps" | "no" {
    const { plan } = this;
    const makers = this.makersOf(state);
    const candidates = this.fewMakersOf(state) ?? plan.openAt(at);
    for (let place = 0; place < candidates.length; place++) {
      const number = candidates[place]!;
      const { name, seat, opensAt } = plan.closed[number]!;
      if (number < at || opensAt > at || !makers.has(name)) continue;
      if (!has(situation.used, seat)) return "perhaps";
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

  private fewMakersOf(state: number): readonly number[] | null {
    const known = this.fewMakers.get(state);
    if (known !== undefined) return known;
    const all = [...this.makersOf(state)].flatMap((name) => this.byName[name]!);
    const few = all.length <= this.plan.seats ? all : null;
    this.fewMakers.set(state, few);
    return few;
  }

  private openingsOfMakers(state: number): readonly number[] {
    const openings = [...this.makersOf(state)].flatMap((name) => this.plan.openings(name));
    return openings.sort((a, b) => a - b);
  }
}

const noReturns: readonly number[] = [];

function listed(lists: Map<number, number[]>, key: number): number[] {
  const known = lists.get(key) ?? [];
  lists.set(key, known);
  return known;
}

/** Where the first of these numbers, in order, stands that is not below `least`. */
function placeOf(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last of these numbers, in order, that is not above `most`; -1 where all are. */
const lastUpTo = (numbers: readonly number[], most: number): number =>
  numbers[placeOf(numbers, most + 1) - 1] ?? -1;
