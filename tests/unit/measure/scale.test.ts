/** Axes: where a value stands, and which marks there are. */
import { describe, expect, test } from "bun:test";
import { type ScaleKind, scaleOf } from "../../../scripts/measure/scale.ts";

const marks = (kind: ScaleKind, values: readonly number[]): readonly number[] =>
  scaleOf(kind, values).ticks.map(({ value }) => value);

describe("a linear axis", () => {
  test("begins at 0, and its last mark is not below any value", () => {
    expect(marks("linear", [21_355, 44_566])).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
    expect(marks("linear", [9])).toEqual([0, 2, 4, 6, 8, 10]);
  });

  test("halves are half as high", () => {
    const scale = scaleOf("linear", [40]);
    expect(scale.at(0)).toBe(0);
    expect(scale.at(40)).toBe(2 * scale.at(20));
  });

  test("of nothing but zeros is still an axis", () => {
    expect(marks("linear", [0]).length).toBeGreaterThan(1);
  });

  test.each([1, 3, 7, 45, 99, 101, 5000, 999_999])("up to %p has four to ten steps", (top) => {
    const steps = marks("linear", [top]).length - 1;
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(steps).toBeLessThanOrEqual(10);
  });
});

describe("a logarithmic axis", () => {
  test("has marks at 1, 2 and 5 where there are few decades, and at powers of ten where there are many", () => {
    expect(marks("log", [16, 180])).toEqual([10, 20, 50, 100, 200]);
    expect(marks("log", [10, 1_000_000])).toEqual([10, 100, 1000, 10_000, 100_000, 1_000_000]);
  });

  test("equal factors are equal distances", () => {
    const scale = scaleOf("log", [1, 1000]);
    expect(scale.at(100) - scale.at(10)).toBeCloseTo(scale.at(10) - scale.at(1));
  });

  test("holds every value, also a single one on a mark", () => {
    for (const values of [[1], [10], [3, 4], [0.02, 7], [1, 1024]]) {
      const scale = scaleOf("log", values);
      for (const value of values) {
        expect(scale.at(value)).toBeGreaterThanOrEqual(0);
        expect(scale.at(value)).toBeLessThanOrEqual(1);
      }
    }
  });

  test("has no place for 0", () => {
    expect(() => scaleOf("log", [0, 10])).toThrow("cannot show 0");
  });
});

test("on an even axis points are at equal distances, in order, whatever their values", () => {
  const scale = scaleOf("even", [1_000_000, 0, 100_000]);
  expect([0, 100_000, 1_000_000].map(scale.at)).toEqual([1 / 6, 3 / 6, 5 / 6]);
});

test("an axis without values is refused", () => {
  expect(() => scaleOf("linear", [])).toThrow("without values");
});
