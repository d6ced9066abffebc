/** Distributions on top of base/random.ts, for drawing faults. */
import { must } from "../base/assert.ts";
import type { Random } from "../base/random.ts";

/** A fraction in (0, 1]. */
export const fraction = (random: Random): number => (random.below(2 ** 30) + 1) / 2 ** 30;

/** Waits of this mean, as of things that happen independently of each other. */
export const exponential = (random: Random, mean: number): number =>
  -Math.log(fraction(random)) * mean;

/** Whether something of this probability happens. */
export const happens = (random: Random, probability: number): "yes" | "no" =>
  probability > 0 && fraction(random) <= probability ? "yes" : "no";

export const oneOf = <T>(random: Random, choices: readonly T[]): T =>
  must(choices[random.below(choices.length)], "a choice is one of the choices");

/** So many of them, in their order, or all where there are fewer. */
export function someOf<T>(random: Random, choices: readonly T[], count: number): readonly T[] {
  const rest = choices.map((_, at) => at);
  const taken = new Set<number>();
  while (taken.size < Math.min(count, choices.length)) {
    const [at = 0] = rest.splice(random.below(rest.length), 1);
    taken.add(at);
  }
  return choices.filter((_, at) => taken.has(at));
}

/** By weight: the entry of each choice is how often it is taken compared with the others. */
export function weighted<T extends string | number>(
  random: Random,
  weights: readonly (readonly [T, number])[],
): T {
  let sum = 0;
  for (const [, weight] of weights) sum += weight;
  let left = fraction(random) * sum;
  for (const [choice, weight] of weights) {
    left -= weight;
    if (left <= 0 && weight > 0) return choice;
  }
  return must(weights[weights.length - 1], "there is a choice")[0];
}
