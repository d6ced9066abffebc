/** Figure 16 of the paper, in fewer trials than `bun scripts/figure-16.ts` makes of it. */
import { describe, expect, test } from "bun:test";
import type { PreVote } from "../../src/raft/state.ts";
import { downtimeMs, type Range, syncMs } from "./figure-16.ts";
import type { DiskDiscipline } from "./figure-16-disk.ts";
import { quantile, rangeName, wideLines } from "./figure-16-paper.ts";

/** The median of so many trials is within 5 % of that of many more, in nearly all lines. */
const trials = 400;

function sortedTrials(
  timeoutMs: Range,
  how: { readonly preVote: PreVote; readonly disk: DiskDiscipline },
): readonly number[] {
  return Array.from({ length: trials }, (_, at) =>
    downtimeMs({ timeoutMs, ...how, syncMs }, at + 1),
  ).sort((a, b) => a - b);
}

describe("a crashed leader is replaced as fast as in the paper's figure 16", () => {
  for (const line of wideLines) {
    test(`timeouts of ${rangeName(line.timeoutMs)} ms: the median within 10 %`, () => {
      const sorted = sortedTrials(line.timeoutMs, { preVote: "without-pre-vote", disk: "locked" });
      const median = quantile(sorted, 0.5);
      expect(median).toBeGreaterThan(line.p50 * 0.9);
      expect(median).toBeLessThan(line.p50 * 1.1);
      // No less than half a timeout can pass, and the whole shape is right, not the middle alone.
      expect(sorted[0]).toBeGreaterThan(line.timeoutMs.min / 2);
      expect(Math.abs(quantile(sorted, 0.1) / line.p10 - 1)).toBeLessThan(0.15);
    });
  }
});

test("with pre-vote, timeouts that differ little are enough: nobody spends a term on a lost election", () => {
  const timeoutMs = { min: 150, max: 155 };
  const without = sortedTrials(timeoutMs, { preVote: "without-pre-vote", disk: "gated" });
  const asked = sortedTrials(timeoutMs, { preVote: "with-pre-vote", disk: "gated" });
  expect(quantile(asked, 0.5)).toBeLessThan(quantile(without, 0.5) / 1.5);
});

test("with pre-vote, wide timeouts cost a round trip more and no disk", () => {
  const timeoutMs = { min: 150, max: 300 };
  const without = sortedTrials(timeoutMs, { preVote: "without-pre-vote", disk: "gated" });
  const asked = sortedTrials(timeoutMs, { preVote: "with-pre-vote", disk: "gated" });
  expect(Math.abs(quantile(asked, 0.5) - quantile(without, 0.5))).toBeLessThan(10);
});

test("timeouts of 150-151 ms: a split vote repeats itself often, and not for ever", () => {
  const sorted = sortedTrials(
    { min: 150, max: 151 },
    { preVote: "without-pre-vote", disk: "locked" },
  );
  expect(quantile(sorted, 0.5)).toBeGreaterThan(1000);
  expect(sorted.at(-1)).toBeLessThan(30_000);
});

test("the same seed is the same election", () => {
  const timeoutMs = { min: 150, max: 155 };
  const how = { timeoutMs, preVote: "without-pre-vote", disk: "locked", syncMs } as const;
  expect(downtimeMs(how, 7)).toBe(downtimeMs(how, 7));
  expect(downtimeMs(how, 7)).not.toBe(downtimeMs(how, 8));
});
