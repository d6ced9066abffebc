/** Whether a series is flat: what a node takes must not depend on how many puts it has seen. */

/**
 * How much higher the least of a series' second half is than the least of its first half, as a factor. The least, because
 * memory rises until the collector runs, and falls again: what is never given back lifts the bottom of that. 1 of a
 * series that has no halves.
 */
export function growth(series: readonly number[]): number {
  const half = Math.floor(series.length / 2);
  if (half === 0) return 1;
  return Math.min(...series.slice(-half)) / Math.min(...series.slice(0, half));
}
