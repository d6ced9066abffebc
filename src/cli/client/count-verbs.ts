/** `client incr`, `client mput`, `client txn`: what changes by more than one put. */
import { exits, OperatorError } from "../../base/error.ts";
import { limits, type Operation, type Step } from "../../kv/command.ts";
import { operationSexp } from "../../kv/describe.ts";
import { parseOperation } from "../../kv/parse.ts";
import { print } from "../../sexp/print.ts";
import { read, SexpError } from "../../sexp/read.ts";
import { type Command, command } from "../command.ts";
import { badValue } from "../mistakes.ts";
import { nameOf } from "./notation.ts";
import { checkOperation, perform } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { wordBytes, wordKey } from "./value-source.ts";
import { againOf, keyArg, requestIdArg } from "./write-verbs.ts";

type WriteArgs = Parameters<Place["connect"]>[0] & {
  readonly timeout: string;
  readonly "request-id"?: string | undefined;
};

export const incrCommand = (place: Place): Command =>
  command({
    name: "incr",
    description: "Count a key's value on. Exit 1 where it is no decimal whole number.",
    args: {
      key: keyArg,
      by: { type: "positional", required: false, description: "How far, 1 unless said" },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client incr visits", does: "a key without a value counts from 0" },
      { line: "rusty-boat client incr balance -5", does: "downwards" },
    ],
    async run({ args, program }) {
      const operation = { kind: "incr", key: wordKey(args.key), by: amountOf(args.by) } as const;
      const plain = args.by === undefined ? [args.key] : [args.key, args.by];
      const task = writeTask(operation, args, { verb: "incr", plain });
      return connected(place, args, (connection) => perform({ place, connection, program }, task));
    },
  });

function amountOf(text: string | undefined): number {
  if (text === undefined) return 1;
  const amount = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
  if (amount !== null && Math.abs(amount) <= limits.countByMax) return amount;
  throw badValue({
    source: "BY",
    value: text,
    expected: `a whole number, up to ${limits.countByMax}`,
    example: "rusty-boat client incr visits 5",
  });
}

export const mputCommand = (place: Place): Command =>
  command({
    name: "mput",
    description: "Write several keys in one entry of the log: all of them, or none.",
    args: { "request-id": requestIdArg, ...clientArgs },
    rest: { name: "key value", description: "Keys and values in turn", least: 1 },
    examples: [{ line: "rusty-boat client mput color blue size large", does: "two keys at once" }],
    async run({ args, rest, program }) {
      if (rest.length % 2 !== 0) throw unpaired(rest[rest.length - 1] ?? "");
      const holding: Step[] = [];
      for (let at = 0; at < rest.length; at += 2) {
        const key = wordKey(rest[at] ?? "");
        const value = wordBytes(rest[at + 1] ?? "", "the value");
        holding.push({ kind: "put", key, value, condition: { kind: "always" } });
      }
      const guard = { kind: "and", guards: [] } as const;
      const operation = { kind: "txn", guard, holding, otherwise: [] } as const;
      const task = writeTask(operation, args, { verb: "mput", plain: rest });
      return connected(place, args, (connection) => perform({ place, connection, program }, task));
    },
  });

export const txnCommand = (place: Place): Command =>
  command({
    name: "txn",
    description:
      "Compare, and do one thing or the other, atomically. Exit 1 where neither is done.",
    args: {
      expression: { type: "positional", required: true, description: "As an s-expression" },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [
      {
        line: `rusty-boat client txn '(if (= (rev "k") 3) (put "k" "v") (get "k"))'`,
        does: "write, or see what is there",
      },
      {
        line: `rusty-boat client txn '(if (and (exists "a") (< (value "b") "m")) (do (delete "a") (incr "n")))'`,
        does: "several keys",
      },
      {
        line: `rusty-boat client txn '(do (put "a" "1") (put "b" "2"))'`,
        does: "without a question",
      },
    ],
    async run({ args, program }) {
      const operation = transactionOf(args.expression);
      const task = writeTask(operation, args, { verb: "txn", plain: [args.expression] });
      return connected(place, args, (connection) => perform({ place, connection, program }, task));
    },
  });

/** A single step is a transaction too. */
function transactionOf(text: string): Operation {
  const value = readExpression(text);
  const parsed = parseOperation(value);
  if (parsed.kind === "refused") throw badTransaction(parsed.problem, parsed.usage);
  const { operation } = parsed;
  if (operation.kind === "txn") return operation;
  const whole = parseOperation(read(`(do ${print(operationSexp(operation))})`));
  if (whole.kind === "parsed") return whole.operation;
  throw badTransaction(whole.problem, whole.usage);
}

function readExpression(text: string) {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof SexpError)) throw error;
    throw badTransaction(`cannot be read, at ${error.message}`, '(do (put "a" "1"))');
  }
}

const badTransaction = (problem: string, usage: string): OperatorError =>
  mistake("bad-expression", `the transaction ${problem}`, [usage]);

const unpaired = (word: string): OperatorError =>
  mistake("missing-argument", `mput has the key ${JSON.stringify(word)}, and no value for it`, [
    "rusty-boat client mput KEY VALUE KEY VALUE",
  ]);

const mistake = (code: string, what: string, fix: readonly string[]): OperatorError =>
  new OperatorError({
    ...{ code, what, fix, exit: exits.usage, applied: "no", meaning: "nothing was sent" },
    why: "nothing is done before all of it can be read",
  });

/** Everything is checked before anything is opened. */
function writeTask(
  operation: Operation,
  args: WriteArgs,
  { verb, plain }: { readonly verb: string; readonly plain: readonly string[] },
) {
  checkOperation(operation);
  const line = { verb, plain, flags: [] };
  const again = againOf(args["request-id"]);
  const timeoutMs = timeoutFlag(args.timeout);
  const consistency = "linearizable";
  return { name: nameOf(operation), operation, consistency, again, timeoutMs, line } as const;
}
