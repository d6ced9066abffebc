/**
 * Answers as they are printed, in three notations. Names and shapes are a contract: docs/cli.md.
 */
import { unreachable } from "../../base/assert.ts";
import type { LogIndex, Term } from "../../base/numbers.ts";
import { type Age, formatRequestId, type RequestId } from "../../client/request.ts";
import type { Item, Operation, Reply, Tenure } from "../../kv/command.ts";
import { itemSexp, keySexp } from "../../kv/describe.ts";
import { bytesSexp, form, list, type SexpInput, symbol, word } from "../../sexp/value.ts";
import type { Paint } from "../paint.ts";
import { formatDuration } from "../quantity.ts";
import { ageJson, ageSexps, noteAge } from "./age.ts";
import { bytesJson, keyJson, keyText, roundedMs, terminalText, valueText } from "./notation.ts";
import type { Scene } from "./operate.ts";

/**
 * Where in the log a write stands. `term` is null where the answer is one that was kept from an
 * earlier try.
 */
export type Answer = {
  readonly index: LogIndex;
  readonly term: Term | null;
  readonly ms: number;
  /**
   * The name under which an earlier try got this answer; the cluster does not keep what that try
   * had asked for.
   */
  readonly earlier: RequestId | null;
};

type Write = Extract<Operation, { kind: "put" | "put-leased" | "cas" | "delete" | "noop" }>;

const names = {
  put: "put-ok",
  "put-leased": "put-ok",
  cas: "cas-ok",
  delete: "del-ok",
  noop: "noop-ok",
} as const;

export function showWritten(
  { program }: Pick<Scene, "program">,
  write: Write,
  answer: Answer,
): Promise<void> {
  const { index, term } = answer;
  const ms = roundedMs(answer.ms);
  const key: string | null = write.kind === "noop" ? null : write.key;
  const lease = write.kind === "put-leased" ? leaseOf(write.tenure, answer) : [];
  const { paint } = program.output;
  return program.output.result({
    text: () =>
      `${paint.green("ok")}  ${effectText(write, answer)}  ${paint.dim(placeText(answer))}`,
    json: () => ({
      ok: true,
      ...(key === null ? {} : { key: keyJson(key) }),
      ...{ index, term, ms },
      ...Object.fromEntries(lease),
    }),
    sexpr: () => {
      const parts: SexpInput[] = key === null ? [] : [form("key", keySexp(key))];
      parts.push(form("index", index), form("term", term ?? word("unknown")));
      for (const [name, number] of lease) parts.push(form(name === "ttlMs" ? "ttl" : name, number));
      return form(names[write.kind], ...parts);
    },
  });
}

/** The lease that a key has now, as fields. */
const leaseOf = (tenure: Tenure, { index }: Answer): readonly (readonly [string, number])[] =>
  tenure.kind === "granted"
    ? [["lease", tenure.lease]]
    : [
        ["lease", index],
        ["ttlMs", tenure.ttlMs],
      ];

function effectText(write: Write, { earlier }: Answer): string {
  if (earlier !== null) return `request ${formatRequestId(earlier)} was done by an earlier try`;
  switch (write.kind) {
    case "put":
      return `${keyText(write.key)} = ${valueText(write.value)}`;
    case "put-leased": {
      const { tenure } = write;
      const stay =
        tenure.kind === "own"
          ? `for ${formatDuration(tenure.ttlMs)}`
          : `with lease ${tenure.lease}`;
      return `${keyText(write.key)} = ${valueText(write.value)}, ${stay}`;
    }
    case "cas":
      return `${keyText(write.key)} = ${valueText(write.value)}, was ${valueText(write.expected)}`;
    case "delete":
      return `${keyText(write.key)} is deleted`;
    case "noop":
      return "noop";
    default:
      return unreachable(write);
  }
}

export function placeText({ index, term, ms }: Answer): string {
  const where = term === null ? `index ${index}` : `index ${index}, term ${term}`;
  return `(${where}, ${roundedMs(ms).toFixed(1)} ms)`;
}

type Found = Extract<Reply, { kind: "found" }>;

/** The value alone: exactly its bytes in a pipe, harmless ones on a terminal. */
export async function showFound(
  { program, place }: Scene,
  key: string,
  { value, revision }: Found,
  age: Age | undefined,
): Promise<void> {
  const { output, messages } = program;
  if (output.format !== "text") {
    await output.result({
      text: () => "",
      json: () => ({
        ...{ ok: true, key: keyJson(key), value: bytesJson(value), rev: revision },
        ...ageJson(age),
      }),
      sexpr: () =>
        form(
          "get-ok",
          form("key", keySexp(key)),
          form("value", bytesSexp(value)),
          form("rev", revision),
          ...ageSexps(age),
        ),
    });
    return;
  }
  const onTerminal = output.stream === "terminal";
  const text = onTerminal ? terminalText(value) : null;
  await output.raw(text ?? value);
  if (onTerminal || place.valueEnd === "newline") await output.raw("\n");
  if (text !== null && typeof bytesJson(value) !== "string" && messages.stream === "terminal") {
    await messages.line("these bytes are not text; into a file or a pipe they go as they are");
  }
  await noteAge(messages, age);
}

export type Listed = {
  readonly prefix: string;
  readonly items: readonly Item[];
  readonly more: "more" | "end";
  /** Which moment it is of; null where that is not said, or where each page has its own. */
  readonly index: LogIndex | null;
  /** What ended the list where more keys follow. */
  readonly cut: "by-limit" | "by-page";
  readonly age: Age | undefined;
};

export const itemText = ({ key, value }: Item, paint: Paint): string =>
  value === null ? keyText(key) : `${keyText(key)} ${paint.dim("=")} ${valueText(value)}`;

export async function showListed({ program }: Scene, listed: Listed): Promise<void> {
  const { items, more, prefix, index, age } = listed;
  const { output } = program;
  await output.result({
    text: () => items.map((item) => itemText(item, output.paint)).join("\n"),
    json: () => ({
      ok: true,
      prefix: keyJson(prefix),
      ...(index === null ? {} : { index }),
      items: items.map(itemJson),
      more: more === "more",
      ...ageJson(age),
    }),
    sexpr: () =>
      form(
        "ls-ok",
        form("prefix", keySexp(prefix)),
        ...(index === null ? [] : [form("index", index)]),
        list(symbol("items"), ...items.map(itemSexp)),
        form("more", word(more === "more" ? "yes" : "no")),
        ...ageSexps(age),
      ),
  });
  if (output.format === "text") await hintMore(program, listed);
}

async function hintMore({ messages }: Scene["program"], { more, cut }: Listed): Promise<void> {
  if (more === "end" || messages.stream !== "terminal") return;
  const way = cut === "by-limit" ? "a larger limit shows them" : 'ask (list "" (after "key"))';
  await messages.line(`more keys follow; ${way}`);
}

const itemJson = ({ key, revision, value }: Item): object => ({
  key: keyJson(key),
  rev: revision,
  ...(value === null ? {} : { value: bytesJson(value) }),
});
