/** Any s-expression, for properties. */
import fc from "fast-check";
import { isSymbolToken } from "../../../src/sexp/tokens.ts";
import {
  bytes,
  dotted,
  integer,
  listOf,
  type Sexp,
  string,
  symbol,
} from "../../../src/sexp/value.ts";

const atom: fc.Arbitrary<Sexp> = fc.oneof(
  fc
    .constantFrom("put", "-", "+", "...", "1a", "a.b", "127.0.0.1:7101", "*", "Set", "é")
    .map(symbol),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter(isSymbolToken).map(symbol),
  fc.maxSafeInteger().map(integer),
  fc.string({ unit: "binary", maxLength: 12 }).map(string),
  fc
    .string({
      unit: fc.constantFrom('"', "\\", "\n", "\r", "\t", "\0", "\ud800", "\udc00", "x", "u"),
    })
    .map(string),
  fc.uint8Array({ maxLength: 6 }).map(bytes),
);

export const anySexp: fc.Arbitrary<Sexp> = fc.letrec<{ value: Sexp }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    atom,
    fc.array(tie("value"), { maxLength: 5 }).map((items) => listOf(items)),
    fc
      .tuple(fc.array(tie("value"), { minLength: 1, maxLength: 3 }), tie("value"))
      .map(([items, tail]) => dotted(items, tail)),
  ),
})).value;
