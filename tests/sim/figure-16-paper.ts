/**
 * What the paper's cluster took, in milliseconds: figure 16, read off the dissertation's drawing (about 1 ms off at
 * most in the lower part, half a percent in the upper). 1000 trials a line, 100 for 150-150.
 */
import type { Range } from "./figure-16.ts";

export type PaperLine = {
  readonly timeoutMs: Range;
  readonly p1: number;
  readonly p10: number;
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
};

const line = (
  [min, max]: readonly [number, number],
  [p1, p10, p50, p99, mean]: readonly [number, number, number, number, number],
): PaperLine => ({ timeoutMs: { min, max }, p1, p10, p50, p99, mean });

/** Nearly, or exactly, without chance: what ends these elections is how unevenly real machines run. */
export const narrowLines: readonly PaperLine[] = [
  line([150, 150], [13_818, 19_969, 41_104, 527_964, 54_279]),
  line([150, 151], [114, 434, 1199, 6013, 1536]),
];

/** The other lines of both parts of the figure. */
export const wideLines: readonly PaperLine[] = [
  line([150, 155], [93, 119, 287, 1242, 345]),
  line([150, 175], [90, 107, 141, 467, 164]),
  line([150, 200], [94, 110, 146, 352, 156]),
  line([150, 300], [103, 125, 171, 415, 181]),
  line([12, 24], [17, 20, 30, 87, 35]),
  line([25, 50], [25, 31, 43, 119, 48]),
  line([50, 100], [39, 48, 67, 169, 71]),
  line([100, 200], [69, 85, 120, 277, 125]),
];

export const rangeName = ({ min, max }: Range): string => `${min}-${max}`;

/** The value that `share` of the sorted values lie below. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
