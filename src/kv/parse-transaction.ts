/**
 * Transactions from s-expressions: `(if GUARD STEPS STEPS)` and `(do STEP …)`. Guards are `(= (rev "k") 3)` and
 * `(= (value "k") "v")` with = != < <= > >=, `(exists "k")`, `(absent "k")`, `(not G)`, `(and G …)`, `(or G …)`.
 * STEPS is one step, or `(do STEP …)`.
 */
import { isWireCounter } from "../base/numbers.ts";
import { print } from "../sexp/print.ts";
import { formName } from "../sexp/query.ts";
import type { Sexp } from "../sexp/value.ts";
import { type Guard, type Operation, type Relation, relations, type Step } from "./command.ts";
import { atMost, bytesOf, keyOf, optionParts, Problem } from "./parse-parts.ts";

type Transaction = Extract<Operation, { kind: "txn" }>;
/** One operation by itself. */
type Parse = (value: Sexp) => Operation;

const always: Guard = { kind: "and", guards: [] };

export function parseIf(parts: readonly Sexp[], parse: Parse): Transaction {
  atMost(parts, 3);
  const [guard, holding, otherwise] = parts;
  if (guard === undefined) throw new Problem("lacks what it asks first");
  if (holding === undefined) throw new Problem("lacks what it does then");
  return {
    kind: "txn",
    guard: guardOf(guard),
    holding: stepsOf(holding, parse),
    otherwise: otherwise === undefined ? [] : stepsOf(otherwise, parse),
  };
}

export const parseDo = (parts: readonly Sexp[], parse: Parse): Transaction => ({
  kind: "txn",
  guard: always,
  holding: parts.map((part) => stepOf(part, parse)),
  otherwise: [],
});

function stepsOf(value: Sexp, parse: Parse): readonly Step[] {
  if (formName(value) !== "do") return [stepOf(value, parse)];
  return optionParts(value).map((part) => stepOf(part, parse));
}

function stepOf(value: Sexp, parse: Parse): Step {
  const operation = parse(value);
  switch (operation.kind) {
    case "get":
    case "delete":
    case "incr":
      return operation;
    case "put":
      if (operation.condition.kind === "always") return operation;
      throw new Problem(`has a condition in ${print(value)}: conditions stand in (if …)`);
    default:
      throw new Problem(`has ${print(value)} where put, delete, incr or get stands`);
  }
}

function guardOf(value: Sexp): Guard {
  const name = formName(value);
  const parts = optionParts(value);
  const relation = relations.find((one) => one === name);
  if (relation !== undefined) return comparisonOf(value, relation);
  switch (name) {
    case "exists":
      atMost(parts, 1);
      return { kind: "exists", key: keyOf(parts[0], `the key in ${print(value)}`) };
    case "absent":
      atMost(parts, 1);
      return {
        kind: "not",
        guard: { kind: "exists", key: keyOf(parts[0], `the key in ${print(value)}`) },
      };
    case "not": {
      const [only] = parts;
      atMost(parts, 1);
      if (only === undefined) throw new Problem("lacks what (not) denies");
      return { kind: "not", guard: guardOf(only) };
    }
    case "and":
    case "or":
      return { kind: name, guards: parts.map(guardOf) };
    default:
      throw new Problem(`has ${print(value)} where a comparison stands`);
  }
}

function comparisonOf(value: Sexp, relation: Relation): Guard {
  const [left, right, surplus] = optionParts(value);
  if (left === undefined || right === undefined || surplus !== undefined) {
    throw new Problem(`does not compare two things in ${print(value)}`);
  }
  const parts = optionParts(left);
  atMost(parts, 1);
  const key = keyOf(parts[0], `the key in ${print(left)}`);
  switch (formName(left)) {
    case "rev": {
      const revision = right.kind === "integer" ? right.value : null;
      if (!isWireCounter(revision)) throw new Problem(`has no revision in ${print(value)}`);
      return { kind: "revision", key, relation, revision };
    }
    case "value":
      return {
        kind: "value",
        key,
        relation,
        value: bytesOf(right, `the value in ${print(value)}`),
      };
    default:
      throw new Problem(`has ${print(left)} where (rev "key") or (value "key") stands`);
  }
}
