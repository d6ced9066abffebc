/** What several measurements come to. */
import { describe, expect, test } from "bun:test";
import { median, quantile, spread, summary } from "../../../scripts/measure/statistics.ts";

describe("the median", () => {
  test("is the middle one, in whatever order, and leaves the numbers as they were", () => {
    const numbers = [30, 1, 200];
    expect(median(numbers)).toBe(30);
    expect(numbers).toEqual([30, 1, 200]);
  });

  test("of an even count is between the two in the middle", () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  test("sorts as numbers and not as text", () => {
    expect(median([9, 10, 100])).toBe(10);
  });

  test("of nothing is no number", () => {
    expect(median([])).toBeNaN();
  });
});

test("a quantile is one of the numbers, and the ends are the ends", () => {
  const numbers = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(quantile(numbers, 0.99)).toBe(99);
  expect(quantile(numbers, 0)).toBe(1);
  expect(quantile(numbers, 1)).toBe(100);
  expect(quantile([7], 0.5)).toBe(7);
});

test("the spread is how far the ends lie apart, as a share of the middle", () => {
  expect(spread(summary([90, 100, 140]))).toBe(0.5);
  expect(spread(summary([3]))).toBe(0);
  expect(spread(summary([0, 0, 5]))).toBe(0);
});
