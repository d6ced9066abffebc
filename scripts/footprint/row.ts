/** One line of what a node needs: measured, wanted, and whether that is so. */
import { markdownTable } from "../measure/table.ts";

export type Verdict = "met" | "missed" | "no goal" | "not measured";

export type Row = {
  readonly what: string;
  readonly measured: string;
  /** "" where nobody has set one. */
  readonly goal: string;
  readonly verdict: Verdict;
};

/** A figure that is to stay at or below another one. */
export function bounded(
  what: string,
  figure: { readonly value: number; readonly shown: string },
  most: { readonly value: number; readonly shown: string },
): Row {
  const verdict = figure.value <= most.value ? "met" : "missed";
  return { what, measured: figure.shown, goal: `at most ${most.shown}`, verdict };
}

export const toldOnly = (what: string, measured: string): Row => ({
  ...{ what, measured },
  ...{ goal: "", verdict: "no goal" },
});

export const notMeasured = (what: string, because: string): Row => ({
  ...{ what, measured: because },
  ...{ goal: "", verdict: "not measured" },
});

export const rowsTable = (rows: readonly Row[]): string =>
  markdownTable(
    ["what:", "measured:", "goal:", "verdict:"],
    rows.map(({ what, measured, goal, verdict }) => [what, measured, goal, verdict]),
  );
