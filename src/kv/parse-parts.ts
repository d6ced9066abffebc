/** What the forms of parse.ts are made of: keys, values, numbers, and the reason why something is none. */
import { unreachable } from "../base/assert.ts";
import { byteString, utf8 } from "../base/bytes.ts";
import { print } from "../sexp/print.ts";
import type { Sexp } from "../sexp/value.ts";

/** Carries the reason out of the functions that parse; parse.ts turns it into an answer. */
export class Problem extends Error {}

export const optionParts = (value: Sexp): readonly Sexp[] =>
  value.kind === "list" ? value.items.slice(1) : [];

export function atMost(parts: readonly Sexp[], count: number): void {
  const surplus = parts[count];
  if (surplus !== undefined) throw new Problem(`has a surplus ${print(surplus)}`);
}

export const keyOf = (value: Sexp | undefined, what: string): string =>
  byteString(bytesOf(value, what));

/** Strings and bytes only: a bare word or number could be meant in more than one way (`007`). */
export function bytesOf(value: Sexp | undefined, what: string): Uint8Array {
  if (value === undefined) throw new Problem(`lacks ${what}`);
  switch (value.kind) {
    case "string":
      return utf8(value.text);
    case "bytes":
      return value.bytes.slice();
    case "symbol":
    case "integer":
      throw new Problem(`needs ${what} in double quotes: "${print(value)}"`);
    case "list":
    case "dotted":
      throw new Problem(`has ${print(value)} where ${what} stands`);
    default:
      return unreachable(value);
  }
}
