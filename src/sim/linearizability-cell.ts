/**
 * The model of one cell: a register, or the value of a key. It holds a text, or nothing (null).
 *
 * Two states that no operation of the history can tell apart are one state here: a value that nobody reads or
 * compares is `unseen`. Where there are appends, a value counts as seen when something longer that begins with it
 * was seen. Without this, a thousand writes that nobody read would be a thousand states instead of one.
 */
import { assert, unreachable } from "../base/assert.ts";
import {
  anyState,
  type Character,
  illegal,
  type Machine,
  type Model,
  type ModelState,
} from "./linearizability-model.ts";

/** A text, or nothing at all. */
export type CellValue = string | null;

/** What was asked of the cell and what came of it. A read whose answer is not known says nothing, and is left out. */
export type CellAction =
  | { readonly kind: "read"; readonly value: CellValue }
  | { readonly kind: "write"; readonly value: CellValue }
  | { readonly kind: "append"; readonly value: string }
  | {
      readonly kind: "cas";
      readonly from: CellValue;
      readonly to: CellValue;
      /** `unknown`: it took effect if, and only if, the cell held `from` then. */
      readonly outcome: "done" | "refused" | "unknown";
    }
  | { readonly kind: "delete"; readonly outcome: "deleted" | "absent" | "unknown" };

export type CellOperation = { readonly key: string; readonly action: CellAction };

/** The state of a cell whose value nobody ever sees. */
const unseen: unique symbol = Symbol("unseen");

/** Cells that hold `initial` until something else is written. */
export const cells = (initial: CellValue): Model<CellOperation> => ({
  partOf: ({ key }) => key,
  machine: (operations) => cellMachine(initial, operations),
  show: ({ key, action }) => `${showAction(action)}${key === "" ? "" : ` of key ${key}`}`,
});

function cellMachine(
  initial: CellValue,
  operations: readonly CellOperation[],
): Machine<CellOperation> {
  const actions = operations.map(({ action }) => action);
  const seen = new Set(actions.flatMap(valuesSeenBy));
  const longer = actions.some(({ kind }) => kind === "append") ? beginningsOf(seen) : null;
  const blurred = (value: CellValue): ModelState => {
    if (value === null || seen.has(value)) return value;
    return longer !== null && longer(value) === "begins-one" ? value : unseen;
  };
  return {
    initial: blurred(initial),
    step(state, { action }) {
      const next = stepOf(state, action);
      return next === illegal || next === unseen ? next : blurred(next);
    },
    character: ({ action }) => characterOf(action, blurred),
    nameOf: ({ action }) => nameOf(action, blurred),
    canLead: (from, to) => (from === to || (longer !== null && grows(from, to)) ? "perhaps" : "no"),
  };
}

/** The values that an action tells from all others. */
function valuesSeenBy(action: CellAction): readonly string[] {
  if (action.kind === "read") return action.value === null ? [] : [action.value];
  if (action.kind === "cas") return action.from === null ? [] : [action.from];
  return [];
}

/** Whether a text is the beginning of one of these: it then stands just before it in their order. */
function beginningsOf(texts: ReadonlySet<string>): (text: string) => "begins-one" | "begins-none" {
  const sorted = [...texts].sort();
  return (text) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < text) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.startsWith(text) ? "begins-one" : "begins-none";
  };
}

/** Appends make something longer of nothing as well as of a text. */
function grows(from: ModelState, to: ModelState): boolean {
  if (typeof to !== "string") return false;
  return from === null || (typeof from === "string" && to.startsWith(from));
}

type Next = CellValue | typeof unseen | typeof illegal;

function stepOf(state: ModelState, action: CellAction): Next {
  const value = cellState(state);
  switch (action.kind) {
    case "read":
      return value === action.value ? value : illegal;
    case "write":
      return action.value;
    case "append":
      return value === unseen ? unseen : (value ?? "") + action.value;
    case "cas": {
      const { from, to, outcome } = action;
      if (value === from) return outcome === "refused" ? illegal : to;
      return outcome === "done" ? illegal : value;
    }
    case "delete":
      if (action.outcome === "absent") return value === null ? null : illegal;
      if (action.outcome === "deleted") return value === null ? illegal : null;
      return null;
    default:
      return unreachable(action);
  }
}

function cellState(state: ModelState): CellValue | typeof unseen {
  assert(typeof state !== "number", "the states of a cell are texts, nothing, or unseen");
  if (typeof state !== "symbol") return state;
  assert(state === unseen, "the only other state of a cell is unseen");
  return unseen;
}

type Blurred = (value: CellValue) => ModelState;

function characterOf(action: CellAction, blurred: Blurred): Character {
  switch (action.kind) {
    case "read":
      return { nature: "observes", meets: action.value, leaves: anyState };
    case "write":
      return { nature: "overwrites", meets: anyState, leaves: blurred(action.value) };
    case "append":
      return { nature: "adapts", meets: anyState, leaves: anyState };
    case "cas": {
      const { from, to, outcome } = action;
      if (outcome === "refused") return { nature: "observes", meets: anyState, leaves: anyState };
      if (from === to) {
        const meets = outcome === "done" ? from : anyState;
        return { nature: "observes", meets, leaves: anyState };
      }
      const nature = outcome === "done" ? "demands" : "adapts";
      return { nature, meets: from, leaves: blurred(to) };
    }
    case "delete":
      if (action.outcome === "absent") return { nature: "observes", meets: null, leaves: anyState };
      if (action.outcome === "deleted") return { nature: "demands", meets: anyState, leaves: null };
      return { nature: "overwrites", meets: anyState, leaves: null };
    default:
      return unreachable(action);
  }
}

function nameOf(action: CellAction, blurred: Blurred): string {
  const spelt = (value: CellValue): string => {
    const state = blurred(value);
    return typeof state === "symbol" ? "?" : JSON.stringify(state);
  };
  switch (action.kind) {
    case "read":
      return `read ${spelt(action.value)}`;
    case "write":
      return `write ${spelt(action.value)}`;
    case "append":
      return `append ${JSON.stringify(action.value)}`;
    case "cas":
      // What a refused one would have written does not matter.
      if (action.outcome === "refused") return `refused ${spelt(action.from)}`;
      return `cas ${spelt(action.from)} ${spelt(action.to)} ${action.outcome}`;
    case "delete":
      return action.outcome === "unknown" ? "write null" : `delete ${action.outcome}`;
    default:
      return unreachable(action);
  }
}

const spell = (value: CellValue): string => (value === null ? "nothing" : JSON.stringify(value));

function showAction(action: CellAction): string {
  switch (action.kind) {
    case "read":
      return `read ${spell(action.value)}`;
    case "write":
      return `write ${spell(action.value)}`;
    case "append":
      return `append ${spell(action.value)}`;
    case "cas":
      return `cas ${spell(action.from)} to ${spell(action.to)}, ${action.outcome}`;
    case "delete":
      return `delete, ${action.outcome}`;
    default:
      return unreachable(action);
  }
}
