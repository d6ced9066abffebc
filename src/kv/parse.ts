/**
 * Operations from s-expressions, as typed at the prompt: what describe.ts prints, the command
 * line's short names (`del`, `ls`), and the original's commands `(Set "k" "v")`, `(Get . "k")`,
 * `(Delete "k")`, `(Noop)`. Sizes are not judged here: that is done for every client where a
 * command is encoded.
 */
import { isWireCounter } from "../base/numbers.ts";
import { print } from "../sexp/print.ts";
import { formName } from "../sexp/query.ts";
import type { Sexp } from "../sexp/value.ts";
import {
  type Condition,
  type ListOperation,
  limits,
  type Operation,
  wholeList,
} from "./command.ts";
import { atMost, bytesOf, keyOf, optionParts, Problem } from "./parse-parts.ts";
import { parseDo, parseIf } from "./parse-transaction.ts";

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
const incr: Usage = { text: '(incr "key")  (incr "key" -5)', parse: parseIncr };
const when: Usage = {
  text: '(if (= (rev "key") 3) (put "key" "value") (get "key"))  (if (and …) (do … …) (do …))',
  parse: (parts) => parseIf(parts, parseInner),
};
const together: Usage = {
  text: '(do (put "a" "1") (put "b" "2"))',
  parse: (parts) => parseDo(parts, parseInner),
};
const list: Usage = {
  text: '(list)  (list "prefix")  (list "prefix" (from "a") (to "m") (after "key") (limit 10) (values))',
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
  ["incr", incr],
  ["if", when],
  ["do", together],
  ["txn", { ...when, parse: parseTxn }],
  ["noop", noop],
]);
const commands = "put get delete cas list incr if do noop";

/**
 * Names are taken in small letters and as the original writes them, with a capital first letter.
 */
export function parseOperation(value: Sexp): Parsed {
  const name = formName(value);
  if (name === null || (value.kind !== "list" && value.kind !== "dotted")) {
    const problem = "is not a command: a command is a list that begins with its name";
    return { kind: "refused", problem, usage: put.text };
  }
  const usage = usageOf(name);
  if (usage === undefined) {
    return { kind: "refused", problem: `is not a command: no "${name}"`, usage: commands };
  }
  try {
    return { kind: "parsed", operation: usage.parse(partsOf(value)) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: "refused", problem: error.message, usage: usage.text };
  }
}

const usageOf = (name: string): Usage | undefined =>
  usages.get(name.charAt(0).toLowerCase() + name.slice(1));

/** The original writes one argument after a dot; it is the same as a list of one. */
const partsOf = (value: Extract<Sexp, { kind: "list" | "dotted" }>): readonly Sexp[] => [
  ...value.items.slice(1),
  ...(value.kind === "dotted" ? [value.tail] : []),
];

/** An operation inside of another. Its own problem is the outer one's. */
function parseInner(value: Sexp): Operation {
  const name = formName(value);
  const usage = name === null ? undefined : usageOf(name);
  if (usage === undefined || (value.kind !== "list" && value.kind !== "dotted")) {
    throw new Problem(`has ${print(value)} where a command stands`);
  }
  return usage.parse(partsOf(value));
}

function parseIncr(parts: readonly Sexp[]): Operation {
  atMost(parts, 2);
  const by = parts[1];
  const key = keyOf(parts[0], "the key");
  if (by === undefined) return { kind: "incr", key, by: 1 };
  if (by.kind === "integer") return { kind: "incr", key, by: by.value };
  throw new Problem(`has ${print(by)} where a whole number stands`);
}

/** `(txn …)` is what it holds. */
function parseTxn(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  const [inner] = parts;
  if (inner === undefined) throw new Problem("lacks what it does");
  const operation = parseInner(inner);
  if (operation.kind === "txn") return operation;
  throw new Problem(`has ${print(inner)} where (if …) or (do …) stands`);
}

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
  let operation: ListOperation = {
    ...wholeList,
    prefix: named ? keyOf(first, "the prefix") : "",
  };
  for (const option of parts.slice(named ? 1 : 0)) {
    operation = { ...operation, ...listOption(option) };
  }
  return operation;
}

function listOption(option: Sexp): Partial<ListOperation> {
  const parts = optionParts(option);
  const name = formName(option);
  switch (name) {
    case "from":
    case "to":
    case "after":
      atMost(parts, 1);
      return { [name]: keyOf(parts[0], `the key in ${print(option)}`) };
    case "hold":
      atMost(parts, 0);
      return { revision: { kind: "hold" } };
    case "at": {
      const index = parts.length === 1 && parts[0]?.kind === "integer" ? parts[0].value : null;
      if (isWireCounter(index)) return { revision: { kind: "at", index } };
      throw new Problem(`has no index in ${print(option)}`);
    }
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
