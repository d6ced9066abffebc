/** Long histories: what is linearizable by construction is accepted, what is spoilt is refused, both in seconds. */
import { describe, expect, test } from "bun:test";
import { checkHistory, judgeHistory } from "../../../src/sim/linearizability.ts";
import { type CellOperation, cells } from "../../../src/sim/linearizability-cell.ts";
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

/** Each takes well below a second where nothing else runs. */
const secondsMax = 20;

/** After everything else, a write that returns, and then a read of something older. */
function withStaleEnd(
  history: readonly Recorded<CellOperation>[],
): readonly Recorded<CellOperation>[] {
  const end = 1 + Math.max(...history.map(({ called, returned }) => returned ?? called));
  const { key } = history[0]!.operation;
  const [last, older] = ["last", "0"];
  return [
    ...history,
    {
      process: -1,
      called: end,
      returned: end + 1,
      operation: { key, action: { kind: "write", value: last } },
    },
    {
      process: -2,
      called: end + 2,
      returned: end + 3,
      operation: { key, action: { kind: "read", value: last } },
    },
    {
      process: -2,
      called: end + 4,
      returned: end + 5,
      operation: { key, action: { kind: "read", value: `${older}!` } },
    },
  ];
}

describe.each([...mixtures])("10,000 operations, $name", ({ name: _, ...mixture }) => {
  const all = { ...base, ...mixture };
  const history = linearizableHistory(all);
  const model = cells(all.initial);

  test(
    "are accepted",
    () => {
      const began = performance.now();
      expect(judgeHistory(history, model)).toBe("linearizable");
      expect(performance.now() - began).toBeLessThan(secondsMax * 1000);
    },
    secondsMax * 2000,
  );

  test.each([0.02, 0.5, 0.97])(
    "are refused when a read at %p of them sees what nobody wrote",
    (near) => {
      const began = performance.now();
      const spoilt = withRead(history, { near, value: "never" });
      expect(judgeHistory(spoilt, model)).toBe("not-linearizable");
      expect(performance.now() - began).toBeLessThan(secondsMax * 1000);
    },
    secondsMax * 2000,
  );

  test(
    "are refused when the last read sees what was overwritten",
    () => {
      expect(judgeHistory(withStaleEnd(history), model)).toBe("not-linearizable");
    },
    secondsMax * 2000,
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
