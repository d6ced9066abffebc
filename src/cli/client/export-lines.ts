/**
 * An export, line by line: JSON, so that other programs can read and make one.
 *
 *   {"export":"rusty-boat","version":1,"prefix":"","index":42}     the first line
 *   {"key":"color","value":"blue","rev":7}                         a key; bytes that are no text: {"b64":"…"}
 *   {"end":"rusty-boat","keys":1}                                  the last line: nothing is missing
 *
 * A file of nothing but keys is taken too. What is between the lines (order, other fields) is not looked at.
 */
import { byteString, utf8 } from "../../base/bytes.ts";
import type { Item } from "../../kv/command.ts";
import { bytesJson, keyJson } from "./notation.ts";

const name = "rusty-boat";
export const exportVersion = 1;

export const firstLine = (prefix: string, index: number): string =>
  JSON.stringify({ export: name, version: exportVersion, prefix: keyJson(prefix), index });

export const keyLine = ({ key, value, revision }: Item): string =>
  JSON.stringify({
    key: keyJson(key),
    value: bytesJson(value ?? new Uint8Array(0)),
    rev: revision,
  });

export const lastLine = (keys: number): string => JSON.stringify({ end: name, keys });

export type ExportLine =
  | { readonly kind: "first"; readonly version: number }
  | { readonly kind: "key"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "last"; readonly keys: number }
  /** `why` is a clause that follows the line's number. */
  | { readonly kind: "malformed"; readonly why: string };

export function readExportLine(text: string): ExportLine {
  const value = parsed(text);
  if (value === null) return malformed("is no JSON object");
  if (value["export"] === name) {
    const version = value["version"];
    return typeof version === "number" ? { kind: "first", version } : malformed("has no version");
  }
  if (value["end"] === name) {
    const keys = value["keys"];
    return typeof keys === "number" ? { kind: "last", keys } : malformed("has no number of keys");
  }
  const key = bytesIn(value["key"]);
  const bytes = bytesIn(value["value"]);
  if (key === null) return malformed('has no "key" that is a text or {"b64":"…"}');
  if (bytes === null) return malformed('has no "value" that is a text or {"b64":"…"}');
  return { kind: "key", key: byteString(key), value: bytes };
}

const malformed = (why: string): ExportLine => ({ kind: "malformed", why });

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Halves of pairs would become other letters. */
function bytesIn(value: unknown): Uint8Array | null {
  if (typeof value === "string") return value.isWellFormed() ? utf8(value) : null;
  const text = isRecord(value) ? value["b64"] : null;
  if (typeof text !== "string" || !base64.test(text)) return null;
  return new Uint8Array(Buffer.from(text, "base64"));
}
