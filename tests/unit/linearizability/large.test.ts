/** Long histories: what is linearizable by construction is accepted, what is spoilt is refused, both in seconds. */
import { describe, expect, test } from "bun:test";
import { checkHistory, judgeHistory } from "../../../src/sim/linearizability.ts";
import {
  type CellAction,
  type CellOperation,
  cells,
} from "../../../src/sim/linearizability-cell.ts";
import type { Recorded } from "../../../src/sim/linearizability-model.ts";
import { linearizableHistory, type Mixture, withRead } from "./generate.ts";

const base: Mixture = {
  ...{ seed: 1, operations: 10_000, processes: 10, keys: 1, values: 5 },
  ...{ verbs: ["read", "write", "cas"], lostPercent: 0, rest: 0, initial: null },
};

const mixtures: readonly (Partial<Mixture> & { readonly name: string })[] = [
  { name: "few processes, one key", processes: 3 },
  { name: "a hundred processes, one key", processes: 100 },
  { name: "hardly ever two at once", rest: 1000 },
  { name: "many that never return", processes: 20, lostPercent: 30 },
  { name: "no value written twice, some never return", values: 0, processes: 20, lostPercent: 10 },
  { name: "a hundred keys", keys: 100, processes: 50, lostPercent: 5 },
  { name: "deletes", verbs: ["read", "write", "cas", "delete"], lostPercent: 5 },
  {
    ...{ name: "appends", verbs: ["read", "append", "append", "write"], values: 0, initial: "" },
    ...{ keys: 3, lostPercent: 5 },
  },
];

/** Each takes about a second or less where nothing else runs. */
const secondsMax = 20;
const timeoutMs = 2 * secondsMax * 1000;

/** After everything else, two writes that return, and then a read of the first. */
function withStaleEnd(
  history: readonly Recorded<CellOperation>[],
): readonly Recorded<CellOperation>[] {
  let now = 1 + Math.max(...history.map(({ called, returned }) => returned ?? called));
  const { key } = history[0]!.operation;
  const add = (action: CellAction): Recorded<CellOperation> => {
    now += 2;
    return { process: "last", called: now - 2, returned: now - 1, operation: { key, action } };
  };
  return [
    ...history,
    add({ kind: "write", value: "first" }),
    add({ kind: "write", value: "second" }),
    add({ kind: "read", value: "first" }),
  ];
}

describe.each([...mixtures])("10,000 operations, $name", ({ name: _, ...mixture }) => {
  const all = { ...base, ...mixture };
  const history = linearizableHistory(all);
  const model = cells(all.initial);

  function judgedInTime(judged: readonly Recorded<CellOperation>[]): string {
    const began = performance.now();
    const verdict = judgeHistory(judged, model);
    expect(performance.now() - began).toBeLessThan(secondsMax * 1000);
    return verdict;
  }

  test("are accepted", () => expect(judgedInTime(history)).toBe("linearizable"), timeoutMs);

  test(
    "are refused when a read halfway sees what nobody wrote",
    () => {
      const spoilt = withRead(history, { near: 0.5, value: "never" });
      expect(judgedInTime(spoilt)).toBe("not-linearizable");
    },
    timeoutMs,
  );

  test(
    "are refused when the last read sees what was overwritten",
    () => expect(judgedInTime(withStaleEnd(history))).toBe("not-linearizable"),
    timeoutMs,
  );
});

test("the witness in a long history is the read that was spoilt", () => {
  const history = linearizableHistory({ ...base, operations: 2000, seed: 9 });
  const spoilt = withRead(history, { near: 0.4, value: "never" });
  const wrong = spoilt.find(
    ({ operation: { action } }) => action.kind === "read" && action.value === "never",
  );
  const verdict = checkHistory(spoilt, cells(null));
  expect(verdict.kind).toBe("not-linearizable");
  if (verdict.kind === "not-linearizable") expect(verdict.operation).toEqual(wrong!);
});
