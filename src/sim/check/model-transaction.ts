/**
 * Counting and transactions as the model (model.ts) sees them. Shares no code with kv/: numbers are big integers, a
 * transaction writes a list of changes, and whoever wants a key's value looks through it from behind.
 */
import { utf8 } from "../../base/bytes.ts";
import type { LogIndex } from "../../base/numbers.ts";
import { type Guard, limits, type Operation, type Reply, type Step } from "../../kv/command.ts";

type Transaction = Extract<Operation, { kind: "txn" }>;
type Transacted = Extract<Reply, { kind: "transacted" }>;
type Refused = Extract<Reply, { kind: "txn-refused" }>;
/** null: the key is deleted. */
export type Change = {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** "changed": where it stood, so that it has the lease that it had. */
  readonly how: "put" | "changed";
};
export type Held = { readonly value: Uint8Array; readonly revision: LogIndex };
/** What a key holds before the transaction; null: nothing. */
export type Look = (key: string) => Held | null;

const most = 2n ** 53n - 1n;

/** The sum, or why there is none. */
export function sumOf(held: Held | null, by: number): bigint | "not-an-integer" | "out-of-range" {
  const text = held === null ? "0" : new TextDecoder("latin1").decode(held.value);
  if (!/^-?\d+$/.test(text) || String(BigInt(text)) !== text) return "not-an-integer";
  const before = BigInt(text);
  if (before > most || before < -most) return "not-an-integer";
  const sum = before + BigInt(by);
  return sum > most || sum < -most ? "out-of-range" : sum;
}

export function transaction(
  { guard, holding, otherwise }: Transaction,
  index: LogIndex,
  look: Look,
): { readonly reply: Transacted | Refused; readonly changes: readonly Change[] } {
  const branch = isTrue(guard, look) ? "then" : "else";
  const changes: Change[] = [];
  const answers: Transacted["answers"][number][] = [];
  let read = 0;
  for (const [at, step] of (branch === "then" ? holding : otherwise).entries()) {
    const changed = changes.findLast(({ key }) => key === step.key);
    const before = changed === undefined ? look(step.key) : heldNow(changed, index);
    const { because, answer } = answerTo(step, before, index);
    if (because !== null) return refused(because, at);
    if (answer.kind === "found") read += answer.value.length;
    if (read > limits.answerBytesMax) return refused("answer-too-large", at);
    answers.push(answer);
    const change = changeBy(step, answer);
    if (change !== null) changes.push(change);
  }
  return { reply: { kind: "transacted", index, branch, answers }, changes };
}

const refused = (because: Refused["because"], step: number) => ({
  reply: { kind: "txn-refused", because, step } as const,
  changes: [],
});

const heldNow = ({ value }: Change, revision: LogIndex): Held | null =>
  value === null ? null : { value, revision };

type Answered =
  | { readonly because: null; readonly answer: Transacted["answers"][number] }
  | { readonly because: "not-an-integer" | "out-of-range"; readonly answer: null };

const said = (answer: Transacted["answers"][number]): Answered => ({ because: null, answer });

function answerTo(step: Step, held: Held | null, index: LogIndex): Answered {
  if (step.kind === "put") return said({ kind: "written", index });
  if (step.kind === "incr") {
    const sum = sumOf(held, step.by);
    if (typeof sum === "string") return { because: sum, answer: null };
    return said({ kind: "counted", index, value: Number(sum) });
  }
  if (held === null) return said({ kind: "absent" });
  return said(step.kind === "get" ? { kind: "found", ...held } : { kind: "deleted", index });
}

function changeBy(step: Step, answer: Transacted["answers"][number]): Change | null {
  const { key } = step;
  if (step.kind === "put") return { key, value: step.value, how: "put" };
  if (answer.kind === "counted") {
    return { key, value: utf8(`${answer.value}`), how: "changed" };
  }
  return answer.kind === "deleted" ? { key, value: null, how: "put" } : null;
}

function isTrue(guard: Guard, look: Look): boolean {
  switch (guard.kind) {
    case "and":
      return !guard.guards.some((one) => !isTrue(one, look));
    case "or":
      return !guard.guards.every((one) => !isTrue(one, look));
    case "not":
      return !isTrue(guard.guard, look);
    case "exists":
      return look(guard.key) !== null;
    case "revision":
      return isIn(guard.relation, (look(guard.key)?.revision ?? 0) - guard.revision);
    case "value": {
      const held = look(guard.key);
      if (held === null) return guard.relation === "!=";
      return isIn(guard.relation, Buffer.compare(held.value, guard.value));
    }
  }
}

/** `=` stands for 0, `<` for what is below it, `>` for what is above; `!` turns it round. */
function isIn(relation: string, order: number): boolean {
  if (relation === "!=") return order !== 0;
  if (order === 0) return relation.includes("=");
  return relation.includes(order < 0 ? "<" : ">");
}
