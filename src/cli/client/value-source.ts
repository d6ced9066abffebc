/**
 * Keys and values as the command line gives them: words, a file, standard input. All checked before
 * anything is sent.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { byteString, concat, utf8 } from "../../base/bytes.ts";
import { exits, OperatorError } from "../../base/error.ts";
import type { CommandProblem } from "../../codec/command-problem.ts";
import { limits, type Operation } from "../../kv/command.ts";
import { formatDuration } from "../quantity.ts";
import type { Environment } from "../walk.ts";
import { chosen } from "./choice.ts";
import { nameOf } from "./notation.ts";
import type { Stdin } from "./place.ts";

/** The value of `put`, and the words that give it again. */
export type GivenValue = {
  readonly bytes: Uint8Array;
  readonly plain: readonly string[];
  readonly flags: readonly string[];
};

export type ValueTexts = {
  readonly word: string | undefined;
  readonly file: string | undefined;
  readonly stdin: boolean | undefined;
};

export async function readValue(
  texts: ValueTexts,
  standardInput: Pick<Stdin, "all"> | null,
  environment: Environment,
): Promise<GivenValue> {
  const { word, file, stdin } = texts;
  const choice = chosen(
    [
      ["VALUE", word !== undefined],
      ["--file", file !== undefined],
      ["--stdin", stdin === true],
    ],
    environment,
  );
  if (choice === "VALUE" && word !== undefined) {
    return { bytes: wordBytes(word, "the value"), plain: [word], flags: [] };
  }
  if (choice === "--file" && file !== undefined) {
    return { bytes: readValueFile(file), plain: [], flags: ["--file", file] };
  }
  if (choice === null) throw noValue();
  if (standardInput === null) throw stdinTaken();
  return { bytes: await standardInput.all(), plain: [], flags: ["--stdin"] };
}

const noValue = (): OperatorError =>
  mistake({
    code: "missing-argument",
    what: "put needs VALUE",
    why: "the value is the word after the key, or --stdin, or --file FILE",
    fix: ["rusty-boat client put KEY VALUE", "rusty-boat client put KEY --file FILE"],
  });

const stdinTaken = (): OperatorError =>
  mistake({
    code: "stdin-taken",
    what: "--stdin cannot be used at the prompt",
    why: "standard input carries the commands",
    fix: ["put KEY --file FILE"],
  });

function mistake(parts: { code: string; what: string; why: string; fix: string[] }): OperatorError {
  return new OperatorError({
    ...parts,
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });
}

/** A word whose bytes were not UTF-8 arrives with a replacement character; what it was is lost. */
export function wordBytes(word: string, what: string): Uint8Array {
  if (!word.includes("\ufffd") && word.isWellFormed()) return utf8(word);
  throw mistake({
    code: "bad-utf8",
    what: `${what} is not UTF-8`,
    why: "command lines carry text only; bytes would be changed on the way",
    fix: [
      "give a value with --stdin or --file",
      'write bytes in hex, at the prompt: (put #x"00ff" #x"00ff")',
    ],
  });
}

export const wordKey = (word: string): string => byteString(wordBytes(word, "the key"));

/** One byte more than is allowed tells that a file is too large; no more of it is read. */
function readValueFile(path: string): Uint8Array {
  const buffer = new Uint8Array(limits.valueBytesMax + 1);
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      for (;;) {
        const count = readSync(file, buffer, length, buffer.length - length, null);
        length += count;
        if (count === 0 || length === buffer.length) break;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return buffer.slice(0, length);
}

export async function readAllOfStdin(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of Bun.stdin.stream()) {
      parts.push(part);
      length += part.length;
      if (length > limits.valueBytesMax) break;
    }
  } catch (error) {
    throw unreadable("standard input", error);
  }
  return concat(parts);
}

function unreadable(path: string, error: unknown): OperatorError {
  return new OperatorError({
    code: "unreadable-value",
    what: `the value cannot be read from ${path}`,
    why: error instanceof Error ? error.message : String(error),
    fix: ["check the path and who may read it"],
    exit: exits.local,
    applied: "no",
    meaning: "nothing was sent",
  });
}

const problems: Readonly<Record<CommandProblem, readonly [what: string, fix: string]>> = {
  "key-empty": ["a key has at least one byte", "name a key"],
  "key-too-long": [`a key has at most ${limits.keyBytesMax} bytes`, "use a shorter key"],
  "value-too-long": [
    `a value has at most ${limits.valueBytesMax} bytes (for cas, both together)`,
    "cut it into several keys",
  ],
  "count-out-of-range": [`incr counts on by at most ${limits.countByMax}`, "name a smaller amount"],
  "condition-in-step": [
    "a put within a transaction has no condition of its own",
    'compare first: (if (absent "k") (put "k" "v"))',
  ],
  "transaction-too-large": [
    `a transaction has at most ${limits.stepsMax} steps, ${limits.guardPartsMax} comparisons, ` +
      `${limits.guardDepthMax} deep, and ${limits.valueBytesMax} bytes of keys and values`,
    "cut it into several, where that is all right",
  ],
  "limit-out-of-range": [
    `a list has at most ${limits.listKeysMax} keys at a time`,
    "ask again with the last key seen",
  ],
  "ttl-out-of-range": [
    `a lease lasts from ${formatDuration(limits.leaseMsMin)} to ${formatDuration(limits.leaseMsMax)}`,
    "give another span: 30s",
  ],
};

/** An operation that no node would take. */
export function invalidOperation(problem: CommandProblem, operation: Operation): OperatorError {
  const [why, fix] = problems[problem];
  const size = sizeOf(problem, operation);
  return mistake({
    code: problem,
    what: `${nameOf(operation)} cannot be done`,
    why: size === null ? why : `${why}; this one has ${size}`,
    fix: [fix],
  });
}

function sizeOf(problem: CommandProblem, operation: Operation): number | null {
  if (problem === "key-too-long" && "key" in operation) return operation.key.length;
  if (problem !== "value-too-long") return null;
  if (operation.kind === "put" || operation.kind === "put-leased") return operation.value.length;
  return operation.kind === "cas" ? operation.expected.length + operation.value.length : null;
}
