/** What several measurements of one thing come to. All of these leave their numbers as they were. */

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

/** The middle one; of an even count the mean of the two in the middle. NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = ascending(numbers);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest one that `share` (0 to 1) of all do not exceed. NaN of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = ascending(numbers);
  const at = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.max(0, at)] ?? Number.NaN;
}

export type Summary = { readonly median: number; readonly min: number; readonly max: number };

export const summary = (numbers: readonly number[]): Summary => ({
  median: median(numbers),
  min: Math.min(...numbers),
  max: Math.max(...numbers),
});

/** How far the numbers lie apart, as a share of their median. */
export const spread = ({ median: middle, min, max }: Summary): number =>
  middle === 0 ? 0 : (max - min) / middle;
