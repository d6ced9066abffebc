/**
 * S-expressions as values: the one notation for status, logs, `inspect`, scenarios and failures. A
 * value has one form only: a list that was written with a dot, `(a . (b c))`, is the list `(a b
 * c)`, so that equal values print equal bytes.
 */
import { assert } from "../base/assert.ts";
import { textOf } from "../base/bytes.ts";
import { isShownAsIs, isSymbolToken } from "./tokens.ts";

export type Sexp =
  | { readonly kind: "symbol"; readonly name: string }
  /** A safe integer; there are no fractions in this notation. */
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "list"; readonly items: readonly Sexp[] }
  /** `(a b . c)`: at least one item, and a tail that is neither a list nor dotted itself. */
  | { readonly kind: "dotted"; readonly items: readonly Sexp[]; readonly tail: Sexp };

export type SexpList = Extract<Sexp, { kind: "list" }>;

/** What the constructors take: plain numbers, texts and bytes stand for themselves. */
export type SexpInput = Sexp | number | string | Uint8Array;

export function symbol(name: string): Sexp {
  assert(isSymbolToken(name), "a symbol's name reads back as that symbol");
  return { kind: "symbol", name };
}

export function integer(value: number): Sexp {
  assert(Number.isSafeInteger(value), "an integer is exact");
  return { kind: "integer", value: value === 0 ? 0 : value };
}

export const string = (text: string): Sexp => ({ kind: "string", text });

/** Keeps the bytes it is given. */
export const bytes = (value: Uint8Array): Sexp => ({ kind: "bytes", bytes: value });

export const list = (...items: readonly SexpInput[]): SexpList => listOf(items);

export const listOf = (items: readonly SexpInput[]): SexpList => ({
  kind: "list",
  items: items.map(sexp),
});

/** `(name part part …)`: the shape of nearly everything that is printed. */
export const form = (name: string, ...parts: readonly SexpInput[]): SexpList => ({
  kind: "list",
  items: [symbol(name), ...parts.map(sexp)],
});

/** `(items … . tail)`, in the one form that equal values share. */
export function dotted(items: readonly SexpInput[], tail: SexpInput): Sexp {
  assert(items.length > 0, "something stands before a dot");
  const before = items.map(sexp);
  const after = sexp(tail);
  if (after.kind === "list") return { kind: "list", items: [...before, ...after.items] };
  if (after.kind !== "dotted") return { kind: "dotted", items: before, tail: after };
  return { kind: "dotted", items: [...before, ...after.items], tail: after.tail };
}

export function sexp(input: SexpInput): Sexp {
  if (typeof input === "number") return integer(input);
  if (typeof input === "string") return string(input);
  return input instanceof Uint8Array ? bytes(input) : input;
}

/**
 * Bytes as people want to see them: a string where they are readable UTF-8, else `#x"…"`. Copies
 * neither.
 */
export function bytesSexp(value: Uint8Array): Sexp {
  const text = textOf(value);
  return text !== null && isShownAsIs(text) ? string(text) : bytes(value);
}

/** A symbol where the word can be one (a role, a kind, a reason), else a string. */
export const word = (text: string): Sexp =>
  isSymbolToken(text) ? { kind: "symbol", name: text } : string(text);
