/** Chance, handed in. The same seed gives the same numbers on every machine. */
import { assert } from "./assert.ts";

export interface Random {
  /** A whole number from 0 to exclusiveMax - 1. */
  readonly below: (exclusiveMax: number) => number;
}

/** A whole number from min to max, both included. */
export function between(random: Random, range: { min: number; max: number }): number {
  assert(range.min <= range.max, "a range begins before it ends");
  return range.min + random.below(range.max - range.min + 1);
}

/** sfc32, seeded from one 53-bit number: small, fast, and good enough to choose faults with. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = seed >>> 0;
  let c = Math.floor(seed / 2 ** 32) >>> 0;
  let d = 1;
  const next = (): number => {
    const sum = (a + b + d) >>> 0;
    d = (d + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  for (let round = 0; round < 16; round++) next();
  return {
    below(exclusiveMax: number): number {
      assert(exclusiveMax >= 1, "there is something to choose from");
      if (exclusiveMax <= 2 ** 32) return Math.floor((next() / 2 ** 32) * exclusiveMax);
      return Math.floor(((next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53) * exclusiveMax);
    },
  };
}
