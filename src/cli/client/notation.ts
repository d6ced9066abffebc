/** Keys and values in the three notations. */
import { unreachable } from "../../base/assert.ts";
import { bytesOfByteString, textOf } from "../../base/bytes.ts";
import type { Operation } from "../../kv/command.ts";
import { keySexp } from "../../kv/describe.ts";
import { print } from "../../sexp/print.ts";
import { bytesSexp } from "../../sexp/value.ts";
import { visible } from "../paint.ts";

/** Text where it is UTF-8, else its bytes in base 64, told apart by being an object. */
export const bytesJson = (bytes: Uint8Array): string | { readonly b64: string } =>
  textOf(bytes) ?? { b64: Buffer.from(bytes).toString("base64") };

export const keyJson = (key: string): ReturnType<typeof bytesJson> =>
  bytesJson(bytesOfByteString(key));

/** Whether a text stands for itself on one line and cannot be taken for a quoted one. */
const isPlain = (text: string): boolean =>
  text !== "" && visible(text) === text && !text.startsWith('"') && !text.startsWith('#x"');

/**
 * A key on a line of its own: as it is, or quoted like an s-expression where it would not be clear.
 */
export function keyText(key: string): string {
  const text = textOf(bytesOfByteString(key));
  return text !== null && isPlain(text) ? text : print(keySexp(key));
}

const shownCharactersMax = 60;
const shownBytesMax = 16;

/** A value in a sentence: short, and on one line. */
export function valueText(value: Uint8Array): string {
  const text = textOf(value);
  if (text === null) {
    if (value.length <= shownBytesMax) return print(bytesSexp(value));
    return `${print(bytesSexp(value.subarray(0, shownBytesMax)))}… (${value.length} bytes)`;
  }
  const whole = isPlain(text) ? text : print(bytesSexp(value));
  if (whole.length <= shownCharactersMax) return whole;
  const begin = [...whole].slice(0, shownCharactersMax).join("");
  return `${begin}… (${value.length} bytes)`;
}

/**
 * A value for the eyes: its line ends and tabs are obeyed, and nothing else that a terminal would
 * obey.
 */
export function terminalText(value: Uint8Array): string {
  const text = textOf(value);
  if (text === null) return print(bytesSexp(value));
  return text
    .split(/([\n\t])/)
    .map((part) => (part === "\n" || part === "\t" ? part : visible(part)))
    .join("");
}

/** One decimal, as people compare latencies. */
export const roundedMs = (ms: number): number => Math.round(ms * 10) / 10;

/** `1 key`, `2 keys`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `put "color"`: a request as its user knows it. */
export function nameOf(operation: Operation): string {
  switch (operation.kind) {
    case "put-leased":
      return `put ${quotedKey(operation.key)}`;
    case "put":
    case "cas":
    case "get":
    case "incr":
      return `${operation.kind} ${quotedKey(operation.key)}`;
    case "delete":
      return `del ${quotedKey(operation.key)}`;
    case "list":
      return operation.prefix === "" ? "ls" : `ls ${quotedKey(operation.prefix)}`;
    case "txn":
      return "the transaction";
    case "noop":
      return "noop";
    case "lease-grant":
      return "lease grant";
    case "lease-revoke":
      return `lease revoke ${operation.lease}`;
    case "lease-keep-alive":
      return `lease keep-alive ${operation.lease}`;
    case "leases":
      return "lease ls";
    default:
      return unreachable(operation);
  }
}

function quotedKey(key: string): string {
  const short = key.length <= shownCharactersMax;
  return short ? print(keySexp(key)) : `${print(keySexp(key.slice(0, shownCharactersMax)))}…`;
}
