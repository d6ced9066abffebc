/** The checker against the definition: on every small history, it says what trying all orders says. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkHistory, judgeHistory } from "../../../src/sim/linearizability.ts";
import {
  type CellAction,
  type CellOperation,
  type CellValue,
  cells,
} from "../../../src/sim/linearizability-cell.ts";
import {
  anyState,
  illegal,
  type ModelState,
  type Recorded,
} from "../../../src/sim/linearizability-model.ts";
import { Moves } from "../../../src/sim/linearizability-moves.ts";
import { Plan } from "../../../src/sim/linearizability-plan.ts";
import { search } from "../../../src/sim/linearizability-search.ts";
import { type Crowd, sweep } from "../../../src/sim/linearizability-sweep.ts";
import { someOrderExists } from "./brute-force.ts";

const value: fc.Arbitrary<string> = fc.constantFrom("a", "b", "ab");
const held: fc.Arbitrary<CellValue> = fc.oneof(value, fc.constant(null));

const registerAction: fc.Arbitrary<CellAction> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const), value: held }),
  fc.record({ kind: fc.constant("write" as const), value }),
  fc.record({
    kind: fc.constant("cas" as const),
    from: held,
    to: value,
    outcome: fc.constantFrom("done" as const, "refused" as const, "unknown" as const),
  }),
);
const keyAction: fc.Arbitrary<CellAction> = fc.oneof(
  registerAction,
  fc.record({ kind: fc.constant("append" as const), value: fc.constantFrom("a", "b") }),
  fc.record({
    kind: fc.constant("delete" as const),
    outcome: fc.constantFrom("deleted" as const, "absent" as const, "unknown" as const),
  }),
);

const lasting = (action: CellAction): CellAction =>
  action.kind === "cas" || action.kind === "delete" ? { ...action, outcome: "unknown" } : action;

/** Up to seven operations with few moments, so that many are open at once; some never return. */
const historyOf = (
  action: fc.Arbitrary<CellAction>,
): fc.Arbitrary<readonly Recorded<CellOperation>[]> =>
  fc
    .array(
      fc.record({
        action,
        called: fc.nat(12),
        lasts: fc.oneof(
          { weight: 4, arbitrary: fc.nat(6) },
          { weight: 1, arbitrary: fc.constant(null) },
        ),
      }),
      { maxLength: 7 },
    )
    .map((drafts) =>
      drafts.map(({ action, called, lasts }, process) => ({
        process,
        called,
        returned: lasts === null ? null : called + lasts,
        operation: { key: "", action: lasts === null ? lasting(action) : action },
      })),
    );

const expectedOf = (history: readonly Recorded<CellOperation>[]) =>
  someOrderExists(history, {
    initial: null,
    step: (state, { action }) => plainStep(state, action),
  }) === "some"
    ? "linearizable"
    : "not-linearizable";

/** The meaning of the operations, written down once more, without any blurring of states. */
function plainStep(state: ModelState, action: CellAction): ModelState | typeof illegal {
  switch (action.kind) {
    case "read":
      return state === action.value ? state : illegal;
    case "write":
      return action.value;
    case "append":
      return `${state === null ? "" : String(state)}${action.value}`;
    case "cas":
      if (action.outcome === "unknown") return state === action.from ? action.to : state;
      if (action.outcome === "refused") return state === action.from ? illegal : state;
      return state === action.from ? action.to : illegal;
    case "delete":
      if (action.outcome === "unknown") return null;
      return (state === null) === (action.outcome === "absent") ? null : illegal;
  }
}

const kinds = [
  { name: "a register", action: registerAction },
  { name: "a key with appends and deletes", action: keyAction },
];

type Span = readonly [called: number, returned: number | null];

const happened = (action: CellAction, [called, returned]: Span): Recorded<CellOperation> => ({
  ...{ process: 0, called, returned },
  operation: { key: "", action },
});

const write = (text: string): CellAction => ({ kind: "write", value: text });
const read = (text: string): CellAction => ({ kind: "read", value: text });
const cas = (from: CellValue, to: string, outcome: "done" | "unknown"): CellAction => ({
  kind: "cas",
  ...{ from, to, outcome },
});

/** All are linearizable, and were refused once: random histories found them. */
const refusedOnce = [
  {
    because: "deleting what is not there hides a write before it",
    history: [
      happened(read("ab"), [3, 4]),
      happened(cas(null, "ab", "unknown"), [0, null]),
      happened(read("ab"), [5, 5]),
      happened(write("a"), [4, 4]),
      happened({ kind: "delete", outcome: "unknown" }, [2, 4]),
    ],
  },
  {
    because: "writing what is there hides another write before it, even where it never returned",
    history: [
      happened(write("ab"), [0, null]),
      happened(write("ab"), [0, 0]),
      happened(cas("ab", "b", "done"), [0, 1]),
      happened(write("a"), [1, 2]),
      happened(read("b"), [3, 3]),
    ],
  },
];

test.each(refusedOnce)("$because", ({ history }) => {
  expect(expectedOf(history)).toBe("linearizable");
  expect(judgeHistory(history, cells(null))).toBe("linearizable");
});

describe.each(kinds)("on small histories of $name", ({ action }) => {
  test("the verdict is that of trying every order", () => {
    fc.assert(
      fc.property(historyOf(action), (history) => {
        expect(judgeHistory(history, cells(null))).toBe(expectedOf(history));
      }),
      { numRuns: 3000 },
    );
  });

  test("each way alone, if it says anything, says the same, however little it may keep", () => {
    const crowds: readonly Crowd[] = ["merge", "drop"];
    fc.assert(
      fc.property(historyOf(action), (history) => {
        const plan = new Plan(cells(null), history);
        const moves = new Moves(plan);
        const exact = search(plan, moves, Number.POSITIVE_INFINITY);
        const verdicts = crowds.map((crowd) =>
          sweep(plan, moves, { crowd, apartMax: 1, stepsMax: 10_000 }),
        );
        for (const found of [exact, ...verdicts]) {
          if (found === "undecided") continue;
          expect(found === "none" ? "not-linearizable" : "linearizable").toBe(expectedOf(history));
        }
        expect(exact).not.toBe("undecided");
      }),
      { numRuns: 2000 },
    );
  });

  test("a witness is the first operation that finds no place: without it and what came later, all is well", () => {
    fc.assert(
      fc.property(historyOf(action), (history) => {
        const verdict = checkHistory(history, cells(null));
        if (verdict.kind === "linearizable") return;
        const { operation } = verdict;
        const end = operation.returned!;
        const upTo = history
          .filter(({ called }) => called <= end)
          .map((one) => (one.returned !== null && one.returned > end ? unreturned(one) : one));
        expect(expectedOf(upTo)).toBe("not-linearizable");
        const before = upTo.map((one) => (one.returned === end ? unreturned(one) : one));
        expect(expectedOf(before)).toBe("linearizable");
      }),
      { numRuns: 2000 },
    );
  });
});

/** It may have happened or not, though if it did, with the outcome that it had later. */
const unreturned = (one: Recorded<CellOperation>): Recorded<CellOperation> => ({
  ...one,
  returned: null,
});

test("what a character claims holds of every step", () => {
  const states: readonly CellValue[] = [null, "", "a", "b", "ab", "ba", "abb"];
  fc.assert(
    fc.property(fc.array(keyAction, { minLength: 1, maxLength: 6 }), (actions) => {
      const operations = actions.map((action) => ({ key: "", action }));
      // Reads of all states, so that none is blurred.
      const readers = states.map((seen) => ({
        ...{ key: "", action: { kind: "read" as const, value: seen } },
      }));
      const machine = cells(null).machine([...operations, ...readers]);
      for (const operation of operations) {
        const { nature, meets, leaves } = machine.character(operation);
        for (const state of states) {
          const next = machine.step(state, operation);
          if (nature === "observes") expect(next === state || next === illegal).toBe(true);
          if (nature === "overwrites" || nature === "adapts") expect(next).not.toBe(illegal);
          if (nature === "overwrites") expect(next === leaves).toBe(true);
          if (meets !== anyState && state !== meets)
            expect(next === state || next === illegal).toBe(true);
          // A state that nobody meets is not asked about.
          if (next === illegal || next === state || typeof next === "symbol") continue;
          if (leaves === anyState) expect(machine.canLead(state, next)).toBe("perhaps");
          else expect(next === leaves).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a compare-and-set that may have done nothing is content with any other state than its own", () => {
  const cas = (from: string | null, to: string, outcome: "done" | "unknown") =>
    ({ key: "", action: { kind: "cas", from, to, outcome } }) as const;
  // The third one, which never returned, comes first: then the first one does nothing, and the second finds its value.
  const history: readonly Recorded<CellOperation>[] = [
    { process: 0, called: 0, returned: 0, operation: cas(null, "a", "unknown") },
    { process: 1, called: 1, returned: 1, operation: cas("b", "a", "done") },
    { process: 2, called: 0, returned: null, operation: cas(null, "b", "unknown") },
  ];
  expect(judgeHistory(history, cells(null))).toBe("linearizable");
});
