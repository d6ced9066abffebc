/**
 * A failure as the user reads it: what, why, how to mend it, and what it means for the request, in
 * one block; or the same as one JSON object or s-expression, for scripts. Always on stderr.
 */
import { AssertionError, unreachable } from "../base/assert.ts";
import type { Applied, OperatorErrorParts } from "../base/error.ts";
import { exits, OperatorError } from "../base/error.ts";
import { print } from "../sexp/print.ts";
import { form, list, string, word } from "../sexp/value.ts";
import type { Format } from "./output.ts";
import { type Paint, visible } from "./paint.ts";
import { version } from "./version.ts";

/** Longer lists of remedies go on lines of their own. */
const columnsMax = 100;
const separator = "      or ";

/** Any thrown value as an error for the operator: what is not one already is a bug of ours. */
export function operatorError(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  const broken = error instanceof AssertionError;
  const message = error instanceof Error ? error.message : String(error);
  return new OperatorError({
    code: "bug",
    what: `rusty-boat ${version} has a bug and stopped`,
    why: broken ? `this must always be true, and was not: ${message}` : message,
    fix: ["report it with the command line, this message and the stack below it"],
    exit: exits.bug,
    applied: "unknown",
    meaning: "what was asked for may have happened or not",
  });
}

export function formatProblem(error: OperatorError, format: Format, paint: Paint): string {
  switch (format) {
    case "text":
      return block(error.parts, paint);
    case "json":
      return JSON.stringify({ error: problemJson(error.parts) });
    case "sexpr":
      return print(problemSexp(error.parts));
    default:
      return unreachable(format);
  }
}

function block(parts: OperatorErrorParts, paint: Paint): string {
  const exit = parts.meaning === undefined ? "" : `: ${visible(parts.meaning)}`;
  return [
    `${paint.red(paint.bold(`error[${parts.code}]`))}: ${visible(parts.what)}`,
    `  ${paint.dim("why")}  ${visible(parts.why)}`,
    ...remedies(parts.fix.map(visible)).map((line, at) =>
      at === 0 ? `  ${paint.dim("fix")}  ${line}` : `   ${paint.dim("or")}  ${line}`,
    ),
    `  ${paint.dim(`exit ${parts.exit}`)}${exit}`,
  ].join("\n");
}

function remedies(fix: readonly string[]): readonly string[] {
  const joined = fix.join(separator);
  return joined.length <= columnsMax ? [joined] : fix;
}

function problemJson(parts: OperatorErrorParts): object {
  return {
    code: parts.code,
    message: parts.what,
    why: parts.why,
    fix: parts.fix,
    applied: appliedOf(parts),
    retryable: retryable(parts),
    exit: parts.exit,
    ...(parts.requestId === undefined ? {} : { requestId: parts.requestId }),
  };
}

const problemSexp = (parts: OperatorErrorParts) =>
  form(
    "error",
    form("code", word(parts.code)),
    form("message", parts.what),
    form("why", parts.why),
    list(word("fix"), ...parts.fix.map(string)),
    form("applied", word(appliedOf(parts))),
    form("retryable", word(retryable(parts) ? "yes" : "no")),
    form("exit", parts.exit),
    ...(parts.requestId === undefined ? [] : [form("request", parts.requestId)]),
  );

const appliedOf = (parts: OperatorErrorParts): Applied =>
  parts.applied ?? (parts.exit === exits.unknown ? "unknown" : "no");

/**
 * Whether the same request may simply be sent again (with its request id, where the outcome is
 * unknown).
 */
const retryable = ({ exit }: OperatorErrorParts): boolean =>
  exit === exits.unreachable || exit === exits.notApplied || exit === exits.unknown;
