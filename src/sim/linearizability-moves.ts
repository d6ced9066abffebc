/**
 * What can come next in a linearization. The search goes from return to return, and places operations as late as it
 * can (Lowe's "just in time"): only when an operation returns must it have found its place, and only then are others
 * placed before it, for its sake. Every linearization can be cut into such pieces, so nothing is missed.
 *
 * Of all pieces that are possible, those are left out that another is at least as good as:
 *   - an operation that would change nothing in the present state is free from there on, and so is every one that
 *     is legal everywhere once something overwrites the state: it can stand just before that;
 *   - of open operations with one name, the one that returns first is used first;
 *   - a state is entered before its time only if an open operation can make something of it;
 *   - a situation is dropped when an operation that must meet a state will not find it any more (`Outlook`).
 */
import { Outlook } from "./linearizability-outlook.ts";
import { any, impossible, type Name, type Plan } from "./linearizability-plan.ts";
import { has, type Situation, set, unset, wordsFor } from "./linearizability-situation.ts";

/** `arrived`: nothing was placed yet for the sake of this return. `under-way`: something was. */
export type Stage = "arrived" | "under-way";

export type Following = {
  /** Arrived at the next return. */
  readonly past: readonly Situation[];
  /** Still before this return, one operation further. */
  readonly before: readonly Situation[];
};

type Placing = { readonly name: number; readonly seat: number | null; readonly state: number };

const nothing: readonly Situation[] = [];

export class Moves<Operation> {
  private readonly plan: Plan<Operation>;
  private readonly outlook: Outlook<Operation>;
  /** Marks of the question that is being answered: a mark of an earlier one counts for nothing. */
  private question = 0;
  private readonly wantedStates: number[] = [];
  private readonly triedFree: number[] = [];
  private readonly triedOwed: number[] = [];
  /** Names of open operations that may make something of any state. */
  private wanting: { readonly name: number; readonly status: "owed" | "optional" }[] = [];

  constructor(plan: Plan<Operation>) {
    this.plan = plan;
    this.outlook = new Outlook(plan);
  }

  /** Before the first return, or null where even this is hopeless. */
  start(): Situation | null {
    const { plan } = this;
    const words = wordsFor(plan.seats);
    const start: Situation = {
      state: plan.initial,
      free: new Int32Array(words),
      used: new Int32Array(words),
      spent: new Uint16Array(plan.endlessNames.length),
    };
    return this.arrive(0, start);
  }

  follow(at: number, stage: Stage, situation: Situation): Following {
    const { plan } = this;
    const { name, seat } = plan.closed[at]!;
    if (has(situation.used, seat)) return { past: this.pass(at, situation), before: nothing };
    const isFree = has(situation.free, seat);
    const past: Situation[] = [];
    if (isFree && stage === "arrived") past.push(...this.pass(at, situation));
    const next = plan.next(name, situation.state);
    if (next !== impossible && !(next === situation.state && past.length > 0)) {
      past.push(...this.pass(at, this.place(at, situation, { name, seat, state: next })));
    }
    const isSettled = isFree && plan.names[name]!.nature === "observes";
    return { past, before: isSettled ? nothing : this.placings(at, situation) };
  }

  private pass(at: number, situation: Situation): readonly Situation[] {
    const next = this.arrive(at + 1, leave(situation, this.plan.closed[at]!.seat));
    return next === null ? nothing : [next];
  }

  /** Opens what was called since the return before. Changes `situation`, which is new. */
  private arrive(at: number, situation: Situation): Situation | null {
    const { plan } = this;
    if (at === plan.closed.length) return situation;
    for (const operation of plan.opened[at]!) {
      const { name, seat } = plan.closed[operation]!;
      if (plan.next(name, situation.state) === situation.state) set(situation.free, seat);
    }
    return this.outlook.of(at, situation) === "hopeless" ? null : situation;
  }

  private place(at: number, from: Situation, { name, seat, state }: Placing): Situation {
    const { plan } = this;
    const free = from.free.slice();
    const used = from.used.slice();
    let { spent } = from;
    if (seat === null) {
      spent = spent.slice();
      spent[plan.names[name]!.endless!]! += 1;
    } else {
      set(used, seat);
      unset(free, seat);
    }
    const overwritten = plan.names[name]!.nature === "overwrites";
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const one = plan.closed[open[place]!]!;
      if (has(used, one.seat) || has(free, one.seat)) continue;
      const isHidden = overwritten && isLegalEverywhere(plan.names[one.name]!);
      if (isHidden || plan.next(one.name, state) === state) set(free, one.seat);
    }
    return { state, free, used, spent };
  }

  /** What may be placed before the operation that returns, for its sake. */
  private placings(at: number, situation: Situation): readonly Situation[] {
    this.ask(at, situation);
    const placed: Situation[] = [];
    const add = (placing: Placing): void => {
      const next = this.place(at, situation, placing);
      if (this.outlook.of(at, next) === "possible") placed.push(next);
    };
    this.openPlacings(at, situation, add);
    this.endlessPlacings(at, situation, add);
    return placed;
  }

  /** The one that returns now is the first of its name: others of that name can wait. */
  private openPlacings(at: number, situation: Situation, add: (placing: Placing) => void): void {
    const { plan, question, triedFree, triedOwed } = this;
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      const { nature } = plan.names[name]!;
      if (nature === "observes" || has(situation.used, seat)) continue;
      if (triedOwed[name] === question) continue;
      const isFree = has(situation.free, seat);
      if (isFree && triedFree[name] === question) continue;
      (isFree ? triedFree : triedOwed)[name] = question;
      if (place === 0) continue;
      const state = plan.next(name, situation.state);
      if (state === impossible || state === situation.state) continue;
      if ((isFree || nature === "overwrites") && !this.isWanted(state)) continue;
      add({ name, seat, state });
    }
  }

  private endlessPlacings(at: number, situation: Situation, add: (placing: Placing) => void): void {
    const { plan, question, triedFree, triedOwed } = this;
    for (let endless = 0; endless < plan.endlessNames.length; endless++) {
      const name = plan.endlessNames[endless]!;
      if (triedOwed[name] === question || triedFree[name] === question) continue;
      const number = plan.names[name]!.endless!;
      if (plan.endlessLeft(number, situation.spent[number]!, at) === "none") continue;
      const state = plan.next(name, situation.state);
      if (state === impossible || state === situation.state) continue;
      if (this.isWanted(state)) add({ name, seat: null, state });
    }
  }

  /** Notes which states open operations can make something of. */
  private ask(at: number, situation: Situation): void {
    const { plan } = this;
    this.question += 1;
    this.wanting = [];
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      if (has(situation.used, seat)) continue;
      this.want(name, has(situation.free, seat) ? "optional" : "owed");
    }
    for (const name of plan.endlessNames) {
      const { nature, endless } = plan.names[name]!;
      if (nature === "overwrites") continue;
      const used = situation.spent[endless!]!;
      if (plan.endlessLeft(endless!, used, at) === "left") this.want(name, "optional");
    }
  }

  private want(name: number, status: "owed" | "optional"): void {
    const { nature, meets } = this.plan.names[name]!;
    if (nature === "overwrites" || (nature === "observes" && status === "optional")) return;
    if (meets === any) this.wanting.push({ name, status });
    else this.wantedStates[meets] = this.question;
  }

  private isWanted(state: number): boolean {
    if (this.wantedStates[state] === this.question) return true;
    for (const { name, status } of this.wanting) {
      const next = this.plan.next(name, state);
      if (next === impossible) continue;
      if (next !== state || status === "owed") return true;
    }
    return false;
  }
}

function leave(situation: Situation, seat: number): Situation {
  const { state, spent } = situation;
  const free = situation.free.slice();
  const used = situation.used.slice();
  unset(free, seat);
  unset(used, seat);
  return { state, free, used, spent };
}

const isLegalEverywhere = ({ nature }: Name<unknown>): boolean =>
  nature === "overwrites" || nature === "adapts";
