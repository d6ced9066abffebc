/** Whether a series is flat: what a node takes must not depend on how many puts it has seen. */
import { median } from "../measure/statistics.ts";

/**
 * How much larger the last quarter of a series is than its second quarter, as a factor of the medians: the first quarter
 * is what a program takes until it has seen everything once. 1 of a series that is too short to have quarters.
 */
export function growth(series: readonly number[]): number {
  const quarter = Math.floor(series.length / 4);
  if (quarter === 0) return 1;
  const second = median(series.slice(quarter, 2 * quarter));
  return median(series.slice(-quarter)) / second;
}
