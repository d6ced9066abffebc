/** From a value to a place on an axis, with the marks along it. */

/** "even": the points stand beside each other at equal distances, whatever their values. */
export type ScaleKind = "linear" | "log" | "even";

export type Tick = { readonly value: number; readonly at: number };

/** `at` gives 0 to 1 along the axis for values within the scale. */
export type Scale = {
  readonly kind: ScaleKind;
  readonly at: (value: number) => number;
  readonly ticks: readonly Tick[];
};

/** Throws where a logarithm is asked of what has none. */
export function scaleOf(kind: ScaleKind, values: readonly number[]): Scale {
  if (values.length === 0) throw new Error("an axis without values has no scale");
  switch (kind) {
    case "linear":
      return linear(values);
    case "log":
      return logarithmic(values);
    case "even":
      return even(values);
  }
}

/** From 0 on: a line that is half as high means half as much. */
function linear(values: readonly number[]): Scale {
  const step = niceStep(Math.max(...values, 0) || 1);
  const top = Math.ceil((Math.max(...values, 0) || 1) / step) * step;
  const at = (value: number): number => value / top;
  const count = Math.round(top / step);
  const ticks = Array.from({ length: count + 1 }, (_, n) => n * step);
  return { kind: "linear", at, ticks: ticks.map((value) => ({ value, at: at(value) })) };
}

/** 1, 2 or 5 times a power of ten: four to nine of them up to `top`. */
function niceStep(top: number): number {
  const power = 10 ** Math.floor(Math.log10(top / 4));
  const fits = [1, 2, 5, 10].map((n) => n * power).filter((step) => step * 4 <= top);
  return Math.max(...fits);
}

/** Between the marks around all values. Few decades have marks at 2 and 5 as well. */
function logarithmic(values: readonly number[]): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least <= 0) throw new Error(`a logarithmic axis cannot show ${least}`);
  const decades = Math.log10(most) - Math.log10(least);
  const marks = marksAround(least, most, decades > 3 ? [1] : [1, 2, 5]);
  const [low, high] = [Math.log10(marks[0] ?? 1), Math.log10(marks.at(-1) ?? 10)];
  const at = (value: number): number => (Math.log10(value) - low) / (high - low);
  return { kind: "log", at, ticks: marks.map((value) => ({ value, at: at(value) })) };
}

function marksAround(least: number, most: number, digits: readonly number[]): readonly number[] {
  const first = Math.floor(Math.log10(least));
  const last = Math.floor(Math.log10(most)) + 1;
  const powers = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const all = powers.flatMap((power) => digits.map((digit) => digit * 10 ** power));
  const from = all.findLastIndex((mark) => mark <= least);
  const to = all.findIndex((mark) => mark >= most);
  // One value alone, right on a mark, still has an axis around it.
  return all.slice(from, Math.max(to, from + 1) + 1);
}

function even(values: readonly number[]): Scale {
  const places = [...new Set(values)].sort((a, b) => a - b);
  const at = (value: number): number => (places.indexOf(value) + 0.5) / places.length;
  return { kind: "even", at, ticks: places.map((value) => ({ value, at: at(value) })) };
}
