/** The answers to counting and to transactions, in three notations. */
import { must, unreachable } from "../../base/assert.ts";
import { formatRequestId } from "../../client/request.ts";
import type { Operation, Reply, Step, StepReply } from "../../kv/command.ts";
import { keySexp } from "../../kv/describe.ts";
import { bytesSexp, form, type SexpInput, word } from "../../sexp/value.ts";
import type { Paint } from "../paint.ts";
import { bytesJson, keyJson, keyText, roundedMs, valueText } from "./notation.ts";
import type { Scene } from "./operate.ts";
import { type Answer, placeText } from "./shown.ts";

type Transaction = Extract<Operation, { kind: "txn" }>;
type Transacted = Extract<Reply, { kind: "transacted" }>;

export function showCounted(
  { program }: Pick<Scene, "program">,
  key: string,
  { value, answer }: { readonly value: number; readonly answer: Answer },
): Promise<void> {
  const { index, term, earlier } = answer;
  const { paint } = program.output;
  const again = earlier === null ? "" : `, by an earlier try of ${formatRequestId(earlier)}`;
  return program.output.result({
    text: () =>
      `${paint.green("ok")}  ${keyText(key)} = ${value}${again}  ${paint.dim(placeText(answer))}`,
    json: () => ({ ok: true, key: keyJson(key), value, index, term, ms: roundedMs(answer.ms) }),
    sexpr: () =>
      form(
        "incr-ok",
        form("key", keySexp(key)),
        form("value", value),
        form("index", index),
        form("term", term ?? word("unknown")),
      ),
  });
}

/** The branch that was taken, and a line for each of its steps. */
export function showTransacted(
  { program }: Pick<Scene, "program">,
  transaction: Transaction,
  { reply, answer }: { readonly reply: Transacted; readonly answer: Answer },
): Promise<void> {
  const { index, term, earlier } = answer;
  const { branch, answers } = reply;
  const { paint } = program.output;
  const steps = branch === "then" ? transaction.holding : transaction.otherwise;
  const pairs = answers.map((one, at) => ({ step: must(steps[at], "a step for each"), one }));
  const again = earlier === null ? "" : `, by an earlier try of ${formatRequestId(earlier)}`;
  const head = `${paint.green("ok")}  ${branch}${again}  ${paint.dim(placeText(answer))}`;
  return program.output.result({
    text: () =>
      [head, ...pairs.map(({ step, one }) => `    ${stepText(step, one, paint)}`)].join("\n"),
    json: () => ({
      ...{ ok: true, branch, answers: pairs.map(({ step, one }) => stepJson(step, one)) },
      ...{ index, term, ms: roundedMs(answer.ms) },
    }),
    sexpr: () =>
      form(
        "txn-ok",
        form(branch, ...pairs.map(({ step, one }) => stepSexp(step, one))),
        form("index", index),
        form("term", term ?? word("unknown")),
      ),
  });
}

function stepText(step: Step, answer: StepReply, paint: Paint): string {
  const key = keyText(step.key);
  switch (answer.kind) {
    case "written":
      return step.kind === "put" ? `${key} = ${valueText(step.value)}` : key;
    case "deleted":
      return `${key} is deleted`;
    case "absent":
      return `${key} has no value`;
    case "found":
      return `${key} = ${valueText(answer.value)}  ${paint.dim(`(revision ${answer.revision})`)}`;
    case "counted":
      return `${key} = ${answer.value}`;
    default:
      return unreachable(answer);
  }
}

function stepJson(step: Step, answer: StepReply): object {
  const named = { op: step.kind, key: keyJson(step.key) };
  switch (answer.kind) {
    case "written":
    case "deleted":
      return { ...named, index: answer.index };
    case "absent":
      return { ...named, value: null };
    case "found":
      return { ...named, value: bytesJson(answer.value), rev: answer.revision };
    case "counted":
      return { ...named, value: answer.value, index: answer.index };
    default:
      return unreachable(answer);
  }
}

function stepSexp(step: Step, answer: StepReply): SexpInput {
  const key = form("key", keySexp(step.key));
  switch (answer.kind) {
    case "written":
    case "deleted":
      return form(answer.kind, key);
    case "absent":
      return form("absent", key);
    case "found":
      return form(
        "found",
        key,
        form("rev", answer.revision),
        form("value", bytesSexp(answer.value)),
      );
    case "counted":
      return form("counted", key, form("value", answer.value));
    default:
      return unreachable(answer);
  }
}
