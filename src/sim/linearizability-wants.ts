/**
 * Which states something can be made of just now: an open read waits for its value, a compare-and-set for the one it
 * expects. To enter any other state before its time is of no use. There can be thousands of operations that never
 * returned and may still be used, so those are looked up by state and not gone through.
 */
import { any, impossible, type Plan } from "./linearizability-plan.ts";
import { has, type Situation } from "./linearizability-situation.ts";

type Wanting = { readonly name: number; readonly status: "owed" | "optional" };

export class Wants<Operation> {
  private readonly plan: Plan<Operation>;
  private at = 0;
  private spent: Uint16Array = new Uint16Array(0);
  /** A mark of an earlier question counts for nothing. */
  private question = 0;
  private readonly marks: number[] = [];
  private marked: number[] = [];
  /** Open operations that may make something of many states. */
  private wanting: Wanting[] = [];
  /** Names of operations that never returned: by the state they leave behind, whatever was before; */
  private readonly writing = new Map<number, number[]>();
  /** by the one state in which they do anything; */
  private readonly meeting = new Map<number, number[]>();
  /** and those that may do something in many. */
  private readonly adapting: number[] = [];
  /** Those of `writing` after which one of `meeting` can follow. */
  private readonly chained: readonly number[];

  constructor(plan: Plan<Operation>) {
    this.plan = plan;
    for (const name of plan.endlessNames) {
      const { nature, meets, leaves } = plan.names[name]!;
      if (nature === "overwrites") listed(this.writing, leaves).push(name);
      else if (meets === any) this.adapting.push(name);
      else listed(this.meeting, meets).push(name);
    }
    this.chained = [...this.writing].flatMap(([state, names]) =>
      this.meeting.has(state) ? names : [],
    );
  }

  /** All answers are about this situation, until the next call. */
  ask(at: number, situation: Situation): void {
    const { plan } = this;
    this.question += 1;
    this.at = at;
    this.spent = situation.spent;
    this.marked = [];
    this.wanting = [];
    const open = plan.openAt(at);
    for (let place = 0; place < open.length; place++) {
      const { name, seat } = plan.closed[open[place]!]!;
      if (!has(situation.used, seat))
        this.want(name, has(situation.free, seat) ? "optional" : "owed");
    }
    for (const name of this.adapting) {
      if (this.isLeft(name)) this.wanting.push({ name, status: "optional" });
    }
  }

  isWanted(state: number): boolean {
    if (this.marks[state] === this.question) return true;
    for (const name of this.meeting.get(state) ?? noNames) if (this.isLeft(name)) return true;
    for (const { name, status } of this.wanting) {
      const next = this.plan.next(name, state);
      if (next === impossible) continue;
      if (next !== state || status === "owed") return true;
    }
    return false;
  }

  /** The names of operations that never returned, of which one may be worth using in `state`. */
  endlessIn(state: number): readonly number[] {
    const here = [...this.adapting, ...(this.meeting.get(state) ?? noNames)];
    const written =
      this.wanting.length > 0
        ? [...this.writing.values()].flat()
        : [
            ...this.marked.flatMap((wanted) => this.writing.get(wanted) ?? noNames),
            ...this.chained,
          ];
    return [...new Set([...written, ...here])].filter((name) => this.isLeft(name));
  }

  private want(name: number, status: Wanting["status"]): void {
    const { nature, meets } = this.plan.names[name]!;
    if (nature === "overwrites" || (nature === "observes" && status === "optional")) return;
    // What takes effect in one state only, and may as well have none, is content with every other state.
    const isContent = nature === "adapts" && status === "owed";
    if (meets === any || isContent) this.wanting.push({ name, status });
    else if (this.marks[meets] !== this.question) {
      this.marks[meets] = this.question;
      this.marked.push(meets);
    }
  }

  private isLeft(name: number): boolean {
    const endless = this.plan.names[name]!.endless!;
    return this.plan.endlessLeft(endless, this.spent[endless]!, this.at) === "left";
  }
}

const noNames: readonly number[] = [];

function listed(lists: Map<number, number[]>, key: number): number[] {
  const known = lists.get(key) ?? [];
  lists.set(key, known);
  return known;
}
