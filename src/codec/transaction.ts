/**
 * Transactions as bytes, in the array of their command (command.ts): guard and steps follow each other, the outer
 * before the inner, and say themselves how many they are.
 *
 * TXN      GUARD, count, then so many STEPs of "then", count, then so many of "else"
 * GUARD    0, key                        exists
 *          1, key, relation, revision    the key's revision compared
 *          2, key, relation, value       its value compared
 *          3, then GUARD                 not
 *          4, count, then GUARDs         and
 *          5, count, then GUARDs         or
 * STEP     OPERATION of command.ts: a put without a condition, a delete, a get, an incr
 * relation 0 =, 1 !=, 2 <, 3 <=, 4 >, 5 >=
 */
import { assert, unreachable } from "../base/assert.ts";
import { type Guard, limits, type Operation, relations, type Step } from "../kv/command.ts";
import type { CommandProblem } from "./command-problem.ts";
import { entryLimits } from "./entry.ts";
import type { Fields } from "./fields.ts";
import {
  binaryField,
  choiceOf,
  type Field,
  headBytesMax,
  isBytes,
  isCount,
  textField,
} from "./messagepack.ts";

export type Transaction = Extract<Operation, { kind: "txn" }>;

const guardCodes = { exists: 0, revision: 1, value: 2, not: 3, and: 4, or: 5 } as const;

/** Bytes of a step or a part of a guard besides its key and value, at most. */
const partHeadBytesMax = 3 * headBytesMax.number + 2 * headBytesMax.binary;
const countsBytesMax = 2 * headBytesMax.number;
const headBytes =
  (limits.stepsMax + limits.guardPartsMax) * partHeadBytesMax +
  countsBytesMax +
  headBytesMax.array +
  5 * headBytesMax.number;

assert(
  headBytes + limits.valueBytesMax <= entryLimits.bodyBytesMax,
  "the largest transaction fits into an entry",
);

type Weight = { parts: number; bytes: number; problem: CommandProblem | null };

/** Its keys and values together may have as many bytes as one value: all stand in one entry. */
export function transactionProblem(
  { guard, holding, otherwise }: Transaction,
  problemOf: (step: Operation) => CommandProblem | null,
): CommandProblem | null {
  const weight: Weight = { parts: 0, bytes: 0, problem: null };
  weighGuard(guard, weight, 1);
  if (weight.problem !== null) return weight.problem;
  if (weight.parts > limits.guardPartsMax) return "transaction-too-large";
  if (holding.length + otherwise.length > limits.stepsMax) return "transaction-too-large";
  for (const step of [...holding, ...otherwise]) {
    const problem = problemOf(step);
    if (problem !== null) return problem;
    if (step.kind === "put" && step.condition.kind !== "always") return "condition-in-step";
    weight.bytes += step.key.length + (step.kind === "put" ? step.value.length : 0);
  }
  return weight.bytes > limits.valueBytesMax ? "transaction-too-large" : null;
}

function weighGuard(guard: Guard, weight: Weight, depth: number): void {
  weight.parts += 1;
  if (depth > limits.guardDepthMax) weight.problem = "transaction-too-large";
  if (weight.problem !== null || weight.parts > limits.guardPartsMax) return;
  switch (guard.kind) {
    case "not":
      return weighGuard(guard.guard, weight, depth + 1);
    case "and":
    case "or":
      for (const inner of guard.guards) weighGuard(inner, weight, depth + 1);
      return;
    case "exists":
    case "revision":
    case "value":
      weight.bytes += guard.key.length + (guard.kind === "value" ? guard.value.length : 0);
      if (guard.key.length === 0) weight.problem = "key-empty";
      if (guard.key.length > limits.keyBytesMax) weight.problem = "key-too-long";
      return;
    default:
      return unreachable(guard);
  }
}

export function transactionBytesMax({ guard, holding, otherwise }: Transaction): number {
  const weight: Weight = { parts: 0, bytes: 0, problem: null };
  weighGuard(guard, weight, 1);
  let bytes = countsBytesMax + weight.bytes + weight.parts * partHeadBytesMax;
  for (const step of [...holding, ...otherwise]) {
    bytes += partHeadBytesMax + step.key.length + (step.kind === "put" ? step.value.length : 0);
  }
  return bytes;
}

/** TXN, to stand in an array. */
export function transactionFields(
  { guard, holding, otherwise }: Transaction,
  stepFields: (step: Step) => readonly Field[],
): readonly Field[] {
  return [
    ...guardFields(guard),
    holding.length,
    ...holding.flatMap(stepFields),
    otherwise.length,
    ...otherwise.flatMap(stepFields),
  ];
}

function guardFields(guard: Guard): readonly Field[] {
  switch (guard.kind) {
    case "exists":
      return [guardCodes.exists, binaryField(guard.key)];
    case "revision": {
      const relation = relations.indexOf(guard.relation);
      return [guardCodes.revision, binaryField(guard.key), relation, guard.revision];
    }
    case "value": {
      const relation = relations.indexOf(guard.relation);
      return [guardCodes.value, binaryField(guard.key), relation, guard.value];
    }
    case "not":
      return [guardCodes.not, ...guardFields(guard.guard)];
    case "and":
    case "or":
      return [guardCodes[guard.kind], guard.guards.length, ...guard.guards.flatMap(guardFields)];
    default:
      return unreachable(guard);
  }
}

/**
 * TXN from the position to the end of an array; null where it is none. Copies. `stepLength` says how many fields the
 * step with a code has, or null where the code is that of none.
 */
export function readTransaction(
  fields: Fields,
  readStep: (fields: readonly unknown[]) => Operation | null,
  stepLength: (code: unknown) => number | null,
): Transaction | null {
  const guard = readGuard(fields, 1);
  if (guard === null) return null;
  const holding = readSteps(fields, readStep, stepLength);
  const otherwise = holding === null ? null : readSteps(fields, readStep, stepLength);
  if (holding === null || otherwise === null || !fields.isAtEnd) return null;
  return { kind: "txn", guard, holding, otherwise };
}

function readSteps(
  fields: Fields,
  readStep: (fields: readonly unknown[]) => Operation | null,
  stepLength: (code: unknown) => number | null,
): Step[] | null {
  const count = fields.next();
  if (!isCount(count) || count > limits.stepsMax) return null;
  const steps: Step[] = [];
  for (let at = 0; at < count; at++) {
    const length = stepLength(fields.peek());
    const step = length === null ? null : readStep(fields.take(length));
    if (step?.kind !== "put" && step?.kind !== "delete") {
      if (step?.kind !== "get" && step?.kind !== "incr") return null;
    }
    steps.push(step);
  }
  return steps;
}

function readGuard(fields: Fields, depth: number): Guard | null {
  if (depth > limits.guardDepthMax) return null;
  const code = fields.next();
  switch (code) {
    case guardCodes.not: {
      const guard = readGuard(fields, depth + 1);
      return guard === null ? null : { kind: "not", guard };
    }
    case guardCodes.and:
    case guardCodes.or: {
      const guards = readGuards(fields, depth);
      if (guards === null) return null;
      return { kind: code === guardCodes.and ? "and" : "or", guards };
    }
    default:
      return readComparison(fields, code);
  }
}

function readGuards(fields: Fields, depth: number): readonly Guard[] | null {
  const count = fields.next();
  if (!isCount(count) || count > limits.guardPartsMax) return null;
  const guards: Guard[] = [];
  for (let at = 0; at < count; at++) {
    const guard = readGuard(fields, depth + 1);
    if (guard === null) return null;
    guards.push(guard);
  }
  return guards;
}

function readComparison(fields: Fields, code: unknown): Guard | null {
  const key = textField(fields.next(), limits.keyBytesMax);
  if (key === null) return null;
  if (code === guardCodes.exists) return { kind: "exists", key };
  const relation = choiceOf(relations, fields.next());
  const right = fields.next();
  if (relation === null) return null;
  if (code === guardCodes.revision) {
    return isCount(right) ? { kind: "revision", key, relation, revision: right } : null;
  }
  if (code !== guardCodes.value || !isBytes(right)) return null;
  return { kind: "value", key, relation, value: right };
}
