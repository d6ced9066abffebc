/**
 * Operations from s-expressions, as typed at the prompt: what describe.ts prints, the command
 * line's short names (`del`, `ls`), and the original's commands `(Set "k" "v")`, `(Get . "k")`,
 * `(Delete "k")`, `(Noop)`. Sizes are not judged here: that is done for every client where a
 * command is encoded.
 */
import { unreachable } from "../base/assert.ts";
import { byteString, utf8 } from "../base/bytes.ts";
import { isWireCounter } from "../base/numbers.ts";
import { print } from "../sexp/print.ts";
import { formName } from "../sexp/query.ts";
import type { Sexp } from "../sexp/value.ts";
import { type Condition, limits, type Operation } from "./command.ts";

export type Parsed =
  | { readonly kind: "parsed"; readonly operation: Operation }
  /** `problem` is a clause that follows the command's text; `usage` is what to write instead. */
  | { readonly kind: "refused"; readonly problem: string; readonly usage: string };

type Usage = { readonly text: string; readonly parse: (parts: readonly Sexp[]) => Operation };

const noop: Usage = { text: "(noop)", parse: parseNoop };
const get: Usage = { text: '(get "key")', parse: parseGet };
const remove: Usage = { text: '(delete "key")', parse: parseDelete };
const cas: Usage = { text: '(cas "key" "expected" "new")', parse: parseCas };
const put: Usage = {
  text: '(put "key" "value")  (put "key" "value" (if-absent))  (put "key" "value" (if-rev 3))',
  parse: parsePut,
};
const list: Usage = {
  text: '(list)  (list "prefix")  (list "prefix" (after "key") (limit 10) (values))',
  parse: parseList,
};

const usages: ReadonlyMap<string, Usage> = new Map([
  ["put", put],
  ["set", put],
  ["get", get],
  ["delete", remove],
  ["del", remove],
  ["cas", cas],
  ["list", list],
  ["ls", list],
  ["noop", noop],
]);
const commands = "put get delete cas list noop";

/**
 * Names are taken in small letters and as the original writes them, with a capital first letter.
 */
export function parseOperation(value: Sexp): Parsed {
  const name = formName(value);
  if (name === null || (value.kind !== "list" && value.kind !== "dotted")) {
    const problem = "is not a command: a command is a list that begins with its name";
    return { kind: "refused", problem, usage: put.text };
  }
  const usage = usages.get(name.charAt(0).toLowerCase() + name.slice(1));
  if (usage === undefined) {
    return { kind: "refused", problem: `is not a command: no "${name}"`, usage: commands };
  }
  // The original writes one argument after a dot; it is the same as a list of one.
  const parts = [...value.items.slice(1), ...(value.kind === "dotted" ? [value.tail] : [])];
  try {
    return { kind: "parsed", operation: usage.parse(parts) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: "refused", problem: error.message, usage: usage.text };
  }
}

/** Carries the reason out of the functions below; never leaves this file. */
class Problem extends Error {}

function parseNoop(parts: readonly Sexp[]): Operation {
  atMost(parts, 0);
  return { kind: "noop" };
}

function parseGet(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  return { kind: "get", key: keyOf(parts[0], "the key") };
}

function parseDelete(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  return { kind: "delete", key: keyOf(parts[0], "the key") };
}

function parseCas(parts: readonly Sexp[]): Operation {
  atMost(parts, 3);
  return {
    kind: "cas",
    key: keyOf(parts[0], "the key"),
    expected: bytesOf(parts[1], "the expected value"),
    value: bytesOf(parts[2], "the new value"),
  };
}

function parsePut(parts: readonly Sexp[]): Operation {
  atMost(parts, 3);
  return {
    kind: "put",
    key: keyOf(parts[0], "the key"),
    value: bytesOf(parts[1], "the value"),
    condition: parts[2] === undefined ? { kind: "always" } : conditionOf(parts[2]),
  };
}

function conditionOf(value: Sexp): Condition {
  const parts = optionParts(value);
  switch (formName(value)) {
    case "if-absent":
      atMost(parts, 0);
      return { kind: "absent" };
    case "if-rev": {
      const revision = parts.length === 1 && parts[0]?.kind === "integer" ? parts[0].value : null;
      if (!isWireCounter(revision)) throw new Problem(`has no revision in ${print(value)}`);
      return { kind: "revision", revision };
    }
    default:
      throw new Problem(`has ${print(value)} where a condition stands`);
  }
}

function parseList(parts: readonly Sexp[]): Operation {
  const first = parts[0];
  const named = first !== undefined && first.kind !== "list";
  let operation: Extract<Operation, { kind: "list" }> = {
    kind: "list",
    prefix: named ? keyOf(first, "the prefix") : "",
    after: "",
    limit: limits.listKeysMax,
    show: "keys",
  };
  for (const option of parts.slice(named ? 1 : 0)) {
    operation = { ...operation, ...listOption(option) };
  }
  return operation;
}

function listOption(
  option: Sexp,
): Partial<Pick<Extract<Operation, { kind: "list" }>, "after" | "limit" | "show">> {
  const parts = optionParts(option);
  switch (formName(option)) {
    case "after":
      atMost(parts, 1);
      return { after: keyOf(parts[0], `the key in ${print(option)}`) };
    case "limit": {
      const limit = parts.length === 1 && parts[0]?.kind === "integer" ? parts[0].value : 0;
      if (limit >= 1 && limit <= limits.listKeysMax) return { limit };
      throw new Problem(`has no limit from 1 to ${limits.listKeysMax} in ${print(option)}`);
    }
    case "values":
      atMost(parts, 0);
      return { show: "values" };
    default:
      throw new Problem(`has ${print(option)} where an option stands`);
  }
}

const optionParts = (value: Sexp): readonly Sexp[] =>
  value.kind === "list" ? value.items.slice(1) : [];

function atMost(parts: readonly Sexp[], count: number): void {
  const surplus = parts[count];
  if (surplus !== undefined) throw new Problem(`has a surplus ${print(surplus)}`);
}

const keyOf = (value: Sexp | undefined, what: string): string => byteString(bytesOf(value, what));

/** Strings and bytes only: a bare word or number could be meant in more than one way (`007`). */
function bytesOf(value: Sexp | undefined, what: string): Uint8Array {
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
