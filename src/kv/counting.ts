/**
 * Values that are counted with: whole numbers in decimal digits, `-7`, `0`, `42`, as a person writes them. Every
 * number from -(2^53 - 1) to 2^53 - 1 has one spelling, and what is spelt otherwise is no number: `007`, `+7`, `-0`,
 * `7 `. Beyond that range a reader in JSON would see another number than was written.
 */
import { assert } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";

export type Counted =
  | { readonly kind: "counted"; readonly value: number }
  | { readonly kind: "refused"; readonly because: CountRefusal };

export const countRefusals = ["not-an-integer", "out-of-range"] as const;
export type CountRefusal = (typeof countRefusals)[number];

/** The number so much further on. A key without a value counts from 0. */
export function countOn(value: Uint8Array | null, by: number): Counted {
  const now = value === null ? 0 : numberIn(value);
  if (now === null) return { kind: "refused", because: "not-an-integer" };
  const next = now + by;
  if (!Number.isSafeInteger(next)) return { kind: "refused", because: "out-of-range" };
  return { kind: "counted", value: next };
}

const pattern = /^(?:0|-?[1-9]\d{0,15})$/;
const digitsMax = 17;

function numberIn(value: Uint8Array): number | null {
  if (value.length === 0 || value.length > digitsMax) return null;
  const text = String.fromCharCode(...value);
  if (!pattern.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

export function numberBytes(value: number): Uint8Array {
  assert(Number.isSafeInteger(value), "a number that is kept is exact");
  return utf8(String(value));
}
