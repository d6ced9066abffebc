/**
 * One part of a history, prepared for the search: states and operations are small numbers, what an operation does to
 * a state is looked up, and the history is a row of returns, each with the operations that were called before it.
 *
 * An operation that returned has a seat while it is open; a seat is given on when its operation has returned, so
 * there are as many as operations were ever open at once. One that never returned needs no seat: it owes nothing,
 * and those of one name are the same, so it is enough to count how many were used.
 */
import { must } from "../base/assert.ts";
import {
  anyState,
  type Character,
  illegal,
  type Machine,
  type Model,
  type ModelState,
  type Recorded,
} from "./linearizability-model.ts";

/** What `next` says of an operation that cannot have happened in a state. */
export const impossible = -1;
/** In the place of a state: it may be any. */
export const any = -1;

/** All operations of one name. */
export type Name<Operation> = {
  readonly example: Operation;
  readonly nature: Character["nature"];
  readonly meets: number;
  readonly leaves: number;
  /** Its number among the names of operations that never returned, or null. */
  readonly endless: number | null;
};

/** An operation that returned. Its number is its place among the returns. */
export type Closed<Operation> = {
  readonly record: Recorded<Operation>;
  readonly name: number;
  readonly seat: number;
  /** The first return that came after its call. */
  readonly opensAt: number;
};

export class Plan<Operation> {
  readonly initial: number;
  readonly names: readonly Name<Operation>[];
  /** In the order of their returns. */
  readonly closed: readonly Closed<Operation>[];
  /** For each return, the operations that were called since the one before. */
  readonly opened: readonly (readonly number[])[];
  readonly seats: number;
  /** Names of operations that never returned and may change the state. */
  readonly endlessNames: readonly number[];
  /** By endless number: from which return on the first, second, … operation of the name may be used. */
  private readonly endlessFrom: readonly (readonly number[])[];
  private readonly machine: Machine<Operation>;
  private readonly states: ModelState[] = [];
  private readonly stateNumbers = new Map<ModelState, number>();
  private readonly nexts: number[][];
  private readonly open: (Int32Array | undefined)[] = [];

  constructor(model: Model<Operation>, records: readonly Recorded<Operation>[]) {
    this.machine = model.machine(records.map(({ operation }) => operation));
    this.initial = this.numberOf(this.machine.initial);
    const row = inOrder(records);
    const names = namesOf(this.machine, row);
    this.names = names.list.map((name) => ({
      ...{ example: name.example, nature: name.character.nature, endless: name.endless },
      meets: this.numberOrAny(name.character.meets),
      leaves: this.numberOrAny(name.character.leaves),
    }));
    this.nexts = this.names.map(() => []);
    const { closed, opened, endlessFrom } = seated(row, names);
    this.closed = closed;
    this.opened = opened;
    this.endlessFrom = endlessFrom;
    this.endlessNames = this.names.flatMap(({ endless }, name) => (endless === null ? [] : [name]));
    this.seats = closed.reduce((most, { seat }) => Math.max(most, seat + 1), 0);
  }

  /** The number of the next state, or `impossible`. */
  next(name: number, state: number): number {
    const row = this.nexts[name]!;
    return row[state] ?? this.computeNext(row, name, state);
  }

  /** The operations that are open at a return, in the order in which they return: the returning one first. */
  openAt(at: number): Int32Array {
    const known = this.open[at];
    if (known !== undefined) return known;
    const before = at === 0 ? noOperations : this.openBefore(at);
    const opened = this.opened[at]!;
    const now = new Int32Array(before.length + opened.length);
    now.set(before);
    now.set(opened, before.length);
    now.sort();
    this.open[at] = now;
    return now;
  }

  /** Whether one more operation of an endless name was called by the time of a return. */
  endlessLeft(endless: number, used: number, at: number): "left" | "none" {
    const from = this.endlessFrom[endless]![used];
    return from !== undefined && from <= at ? "left" : "none";
  }

  /** From which returns on operations of a name can be used. */
  openings(name: number): readonly number[] {
    const { endless } = this.names[name]!;
    const ofEndless = endless === null ? [] : this.endlessFrom[endless]!;
    return [...(this.openingsOfClosed[name] ?? []), ...ofEndless];
  }

  canLead(from: number, to: number): "perhaps" | "no" {
    if (from === to) return "perhaps";
    return this.machine.canLead(this.states[from]!, this.states[to]!);
  }

  private openBefore(at: number): Int32Array {
    // Usually the one before is known; after a jump, all from the last known on are made, without recursion.
    let from = at - 1;
    while (from > 0 && this.open[from] === undefined) from -= 1;
    for (let made = from; made < at - 1; made++) this.openAt(made);
    return this.openAt(at - 1).subarray(1);
  }

  private get openingsOfClosed(): readonly (readonly number[])[] {
    this.closedOpenings ??= openingsByName(this.names.length, this.closed);
    return this.closedOpenings;
  }
  private closedOpenings: readonly (readonly number[])[] | null = null;

  private computeNext(row: number[], name: number, state: number): number {
    const next = this.machine.step(this.states[state]!, this.names[name]!.example);
    const number = next === illegal ? impossible : this.numberOf(next);
    row[state] = number;
    return number;
  }

  private numberOrAny(state: ModelState | typeof anyState): number {
    return state === anyState ? any : this.numberOf(state);
  }

  private numberOf(state: ModelState): number {
    const known = this.stateNumbers.get(state);
    if (known !== undefined) return known;
    const number = this.states.length;
    this.states.push(state);
    this.stateNumbers.set(state, number);
    return number;
  }
}

const noOperations = new Int32Array(0);

type Event = { readonly at: number; readonly what: "call" | "return"; readonly record: number };

type Row<Operation> = {
  readonly records: readonly Recorded<Operation>[];
  readonly events: readonly Event[];
};

function inOrder<Operation>(records: readonly Recorded<Operation>[]): Row<Operation> {
  const events = records.flatMap(({ called, returned }, record): Event[] => [
    { at: called, what: "call", record },
    ...(returned === null ? [] : [{ at: returned, what: "return", record } as const]),
  ]);
  const rank = (event: Event): number => (event.what === "call" ? 0 : 1);
  events.sort((a, b) => a.at - b.at || rank(a) - rank(b) || a.record - b.record);
  return { records, events };
}

type Names<Operation> = {
  readonly list: readonly {
    readonly example: Operation;
    readonly character: Character;
    readonly endless: number | null;
  }[];
  /** By record. */
  readonly of: readonly number[];
};

function namesOf<Operation>(
  machine: Machine<Operation>,
  { records }: Row<Operation>,
): Names<Operation> {
  const numbers = new Map<string, number>();
  const list: { example: Operation; character: Character; endless: number | null }[] = [];
  let endlessCount = 0;
  const of = records.map(({ operation, returned }) => {
    const name = machine.nameOf(operation);
    const number = numbers.get(name) ?? list.length;
    if (number === list.length) {
      numbers.set(name, number);
      list.push({ example: operation, character: machine.character(operation), endless: null });
    }
    const one = list[number]!;
    if (returned === null && one.endless === null && one.character.nature !== "observes") {
      one.endless = endlessCount;
      endlessCount += 1;
    }
    return number;
  });
  return { list, of };
}

type Seated<Operation> = Pick<Plan<Operation>, "closed" | "opened"> & {
  readonly endlessFrom: readonly (readonly number[])[];
};

/** Walks the events once: gives seats, numbers the returns, and notes what is open when. */
function seated<Operation>(row: Row<Operation>, names: Names<Operation>): Seated<Operation> {
  const closed: Closed<Operation>[] = [];
  const opened: number[][] = [];
  const endlessFrom: number[][] = names.list
    .filter(({ endless }) => endless !== null)
    .map(() => []);
  const placeOf = returnPlaces(row);
  const freeSeats: number[] = [];
  const seatOf = new Map<number, { readonly seat: number; readonly opensAt: number }>();
  let seats = 0;
  let calledNow: number[] = [];
  for (const { what, record } of row.events) {
    const name = names.of[record]!;
    const at = closed.length;
    if (what === "call") {
      const place = placeOf.get(record);
      if (place === undefined) {
        const { endless } = names.list[name]!;
        if (endless !== null) endlessFrom[endless]!.push(at);
        continue;
      }
      seatOf.set(record, { seat: freeSeats.pop() ?? seats++, opensAt: at });
      calledNow.push(place);
      continue;
    }
    const { seat, opensAt } = must(seatOf.get(record), "an operation is called before it returns");
    closed.push({ record: row.records[record]!, name, seat, opensAt });
    opened.push(calledNow);
    calledNow = [];
    freeSeats.push(seat);
  }
  return { closed, opened, endlessFrom };
}

/** Which return is whose. */
function returnPlaces({ events }: { readonly events: readonly Event[] }): Map<number, number> {
  const returns = events.filter(({ what }) => what === "return");
  return new Map(returns.map(({ record }, place) => [record, place]));
}

function openingsByName<Operation>(
  names: number,
  closed: readonly Closed<Operation>[],
): readonly (readonly number[])[] {
  const openings: number[][] = Array.from({ length: names }, () => []);
  for (const { name, opensAt } of closed) openings[name]!.push(opensAt);
  return openings;
}
