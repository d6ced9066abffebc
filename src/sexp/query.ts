/**
 * Picks fields out of forms like `(node 1 (role leader) (term 3))`, for what reads a state back.
 */
import type { Sexp } from "./value.ts";

/** The symbol that a list begins with, or null. */
export function formName(value: Sexp): string | null {
  if (value.kind !== "list" && value.kind !== "dotted") return null;
  const head = value.items[0];
  return head?.kind === "symbol" ? head.name : null;
}

/**
 * What follows the name in the first form of that name among a list's items, or null where there is
 * none.
 */
export function field(value: Sexp, name: string): readonly Sexp[] | null {
  if (value.kind !== "list") return null;
  for (const item of value.items) {
    if (item.kind === "list" && formName(item) === name) return item.items.slice(1);
  }
  return null;
}

/** The integer in `(name 3)`, or null. */
export function integerField(value: Sexp, name: string): number | null {
  const only = onlyPart(value, name);
  return only?.kind === "integer" ? only.value : null;
}

/** The word in `(name word)` or `(name "word")`, or null. */
export function textField(value: Sexp, name: string): string | null {
  const only = onlyPart(value, name);
  if (only?.kind === "symbol") return only.name;
  return only?.kind === "string" ? only.text : null;
}

function onlyPart(value: Sexp, name: string): Sexp | null {
  const parts = field(value, name);
  return parts?.length === 1 ? (parts[0] ?? null) : null;
}
