/**
 * Transactions: a guard that compares keys, and the steps of one of two branches, all of them or none. The steps run
 * in order on a draft, each sees what those before it did, and the draft becomes the store when no step is refused.
 * All keys that a transaction writes have one revision, its own.
 */
import { unreachable } from "../base/assert.ts";
import { sameBytes } from "../base/bytes.ts";
import { type LogIndex, noIndex } from "../base/numbers.ts";
import {
  type Guard,
  limits,
  type Operation,
  type Relation,
  type Reply,
  type Step,
  type StepReply,
} from "./command.ts";
import { countOn, numberBytes } from "./counting.ts";
import { dropValue, putValue, type Stored, setValue, type Values } from "./values.ts";

type Transaction = Extract<Operation, { kind: "txn" }>;
type Refused = Extract<Reply, { kind: "txn-refused" }>;

/** What the steps so far have written; null: deleted. */
type Draft = Map<string, Drafted | null>;
/** "changed": where it stands, so that a key that had a lease before has it still. */
type Drafted = Stored & { readonly how: "put" | "changed" };

export function transact(store: Values, index: LogIndex, transaction: Transaction): Reply {
  const branch = holdsGuard(store, transaction.guard) === "holds" ? "then" : "else";
  const steps = branch === "then" ? transaction.holding : transaction.otherwise;
  const draft: Draft = new Map();
  const answers: StepReply[] = [];
  let bytes = 0;
  for (const [at, step] of steps.entries()) {
    const answer = perform(store, draft, { index, step });
    if (typeof answer === "string") return { kind: "txn-refused", because: answer, step: at };
    if (answer.kind === "found") bytes += answer.value.length;
    if (bytes > limits.answerBytesMax) {
      return { kind: "txn-refused", because: "answer-too-large", step: at };
    }
    answers.push(answer);
  }
  adopt(store, draft);
  return { kind: "transacted", index, branch, answers };
}

/** One step on the draft, or why none of them is done. */
function perform(
  store: Values,
  draft: Draft,
  { index, step }: { readonly index: LogIndex; readonly step: Step },
): StepReply | Refused["because"] {
  const { key } = step;
  const now = draft.has(key) ? (draft.get(key) ?? null) : (store.values.get(key) ?? null);
  switch (step.kind) {
    case "get":
      if (now === null) return { kind: "absent" };
      return { kind: "found", revision: now.revision, value: now.value };
    case "put":
      draft.set(key, { value: step.value, revision: index, how: "put" });
      return { kind: "written", index };
    case "delete":
      if (now === null) return { kind: "absent" };
      draft.set(key, null);
      return { kind: "deleted", index };
    case "incr": {
      const counted = countOn(now?.value ?? null, step.by);
      if (counted.kind === "refused") return counted.because;
      const how = draft.has(key) ? (draft.get(key)?.how ?? "put") : "changed";
      draft.set(key, { value: numberBytes(counted.value), revision: index, how });
      return { kind: "counted", index, value: counted.value };
    }
    default:
      return unreachable(step);
  }
}

function adopt(store: Values, draft: Draft): void {
  for (const [key, drafted] of draft) {
    if (drafted === null) {
      dropValue(store, key);
      continue;
    }
    const stored = { value: drafted.value, revision: drafted.revision };
    if (drafted.how === "put") putValue(store, key, stored);
    else setValue(store, key, stored);
  }
}

function holdsGuard(store: Values, guard: Guard): "holds" | "fails" {
  return holds(store, guard) ? "holds" : "fails";
}

/** A key without a value has revision 0, and its value equals nothing and is in no order with anything. */
function holds(store: Values, guard: Guard): boolean {
  switch (guard.kind) {
    case "exists":
      return store.values.has(guard.key);
    case "revision": {
      const revision = store.values.get(guard.key)?.revision ?? noIndex;
      return stands(Math.sign(revision - guard.revision), guard.relation);
    }
    case "value": {
      const value = store.values.get(guard.key)?.value;
      if (value === undefined) return guard.relation === "!=";
      return stands(compareBytes(value, guard.value), guard.relation);
    }
    case "not":
      return !holds(store, guard.guard);
    case "and":
      return guard.guards.every((one) => holds(store, one));
    case "or":
      return guard.guards.some((one) => holds(store, one));
    default:
      return unreachable(guard);
  }
}

/** `order` is below 0, 0 or above 0, as what stands left is below, at or above what stands right. */
function stands(order: number, relation: Relation): boolean {
  switch (relation) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return unreachable(relation);
  }
}

/** The order of keys: byte by byte, and what ends first is first. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (sameBytes(a, b)) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
