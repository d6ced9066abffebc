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
import { Wants } from "./linearizability-wants.ts";

/** `arrived`: nothing was placed yet for the sake of this return. `under-way`: something was. */
export type Stage = "arrived" | "under-way";

export type Following = {
  /** Arrived at the next return. */
  readonly past: readonly Situation[];
  /** Still before this return, one operation further. */
  readonly before: readonly Situation[];
};

type Placing = { readonly name: number; readonly seat: number | null; readonly state: number };

const debts = { need: 8, write: 2, usedWrite: 1 } as const;

const nothing: readonly Situation[] = [];

export class Moves<Operation> {
  private readonly plan: Plan<Operation>;
  private readonly outlook: Outlook<Operation>;
  private readonly wants: Wants<Operation>;
  /** Names that were tried in the present question: a mark of an earlier one counts for nothing. */
  private question = 0;
  private readonly triedFree: number[] = [];
  private readonly triedOwed: number[] = [];
  /** Whether, in the present question, something is owed that an overwriting would hide. */
  private hideable: "something" | "nothing" = "nothing";

  constructor(plan: Plan<Operation>) {
    this.plan = plan;
    this.outlook = new Outlook(plan);
    this.wants = new Wants(plan);
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
    if (has(situation.used, seat))
      return { past: this.pass(at, situation, situation.state), before: nothing };
    const isFree = has(situation.free, seat);
    const past: Situation[] = [];
    const next = plan.next(name, situation.state);
    const changesNothing = next === situation.state;
    // To overwrite a state with itself is better than nothing: what is open can hide before it.
    const isIdle = changesNothing && plan.names[name]!.nature !== "overwrites";
    if (isFree && stage === "arrived" && (isIdle || !changesNothing)) {
      past.push(...this.pass(at, situation, situation.state));
    }
    if (next !== impossible && !(isIdle && past.length > 0)) {
      const placed = this.place(at, situation, { name, seat, state: next });
      past.push(...this.pass(at, placed, situation.state));
    }
    const isSettled = isFree && plan.names[name]!.nature === "observes";
    return { past, before: isSettled ? nothing : this.placings(at, situation) };
  }

  /**
   * How far a situation is from owing nothing; only for choosing which to try first. What must meet its state counts
   * most, and a write that was used up could have been of use later.
   */
  debt(at: number, situation: Situation): number {
    const { plan } = this;
    if (at === plan.closed.length) return 0;
    const open = plan.openAt(at);
    let debt = 0;
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      const { nature } = plan.names[name]!;
      if (has(situation.free, seat)) continue;
      if (!has(situation.used, seat)) debt += nature === "overwrites" ? debts.write : debts.need;
      else if (nature === "overwrites") debt += debts.usedWrite;
    }
    return debt;
  }

  /** `before` is the state that `situation` was in before the operation that returns was placed. */
  private pass(at: number, situation: Situation, before: number): readonly Situation[] {
    const { plan, outlook } = this;
    const { name, seat } = plan.closed[at]!;
    const next = this.arrive(at + 1, leave(situation, seat));
    if (next === null) return nothing;
    if (outlook.lost(at + 1, next, before) === "hopeless") return nothing;
    // What returned without having been used makes its state no more.
    const { leaves } = plan.names[name]!;
    if (leaves !== any && outlook.lost(at + 1, next, leaves) === "hopeless") return nothing;
    return [next];
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
    const { outlook } = this;
    this.question += 1;
    this.wants.ask(at, situation);
    this.hideable = this.owesWhatCanHide(at, situation);
    const placed: Situation[] = [];
    const add = (placing: Placing): void => {
      const next = this.place(at, situation, placing);
      if (outlook.lost(at, next, situation.state) === "hopeless") return;
      if (outlook.of(at, next) === "possible") placed.push(next);
    };
    this.openPlacings(at, situation, add);
    this.endlessPlacings(situation, add);
    return placed;
  }

  private owesWhatCanHide(at: number, { free, used }: Situation): "something" | "nothing" {
    const { plan } = this;
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      if (has(free, seat) || has(used, seat)) continue;
      if (isLegalEverywhere(plan.names[name]!)) return "something";
    }
    return "nothing";
  }

  /** The one that returns now is the first of its name: others of that name can wait. */
  private openPlacings(at: number, situation: Situation, add: (placing: Placing) => void): void {
    const { plan, wants, question, triedFree, triedOwed } = this;
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
      if (state === impossible || this.isIdle(name, situation.state, state)) continue;
      if ((isFree || nature === "overwrites") && !wants.isWanted(state)) continue;
      add({ name, seat, state });
    }
  }

  /** Whether nothing comes of it. A state that is overwritten with itself hides what had to be before it. */
  private isIdle(name: number, before: number, after: number): boolean {
    if (before !== after) return false;
    return this.plan.names[name]!.nature !== "overwrites" || this.hideable === "nothing";
  }

  private endlessPlacings(situation: Situation, add: (placing: Placing) => void): void {
    const { plan, wants, question, triedFree, triedOwed } = this;
    for (const name of wants.endlessIn(situation.state)) {
      if (triedOwed[name] === question || triedFree[name] === question) continue;
      const state = plan.next(name, situation.state);
      if (state === impossible || this.isIdle(name, situation.state, state)) continue;
      if (wants.isWanted(state)) add({ name, seat: null, state });
    }
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
