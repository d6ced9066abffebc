/**
 * Maelstrom's protocol, as far as a lin-kv node needs it: one JSON object per line, `{src, dest, body}`. A body has a
 * `type`; a request has a `msg_id`, and its answer repeats it as `in_reply_to`.
 *
 *   request                          answer         errors
 *   init   node_id, node_ids         init_ok
 *   read   key                       read_ok value  20 the key does not exist
 *   write  key, value                write_ok
 *   cas    key, from, to             cas_ok         20, 22 the value is another
 *
 * And to all of them: 0 nobody knows what became of it, 10 not supported, 11 nothing was done because nobody can do
 * it now, 12 malformed, 13 as 0, 14 nothing was done and never will be. Keys and values are any JSON.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

export type Message = { readonly src: string; readonly dest: string; readonly body: JsonObject };

export const errorCodes = {
  timeout: 0,
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformedRequest: 12,
  crash: 13,
  abort: 14,
  keyDoesNotExist: 20,
  preconditionFailed: 22,
} as const;

export type ErrorCode = (typeof errorCodes)[keyof typeof errorCodes];

/** After these, the request may have had its effect, or may have it later; after all others it has none. */
export const isIndefinite = (code: number): boolean => code === 0 || code === 13 || code >= 1000;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The message on a line, or null where it is none. */
export function readMessage(line: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const { src, dest, body } = value as Partial<Record<"src" | "dest" | "body", Json>>;
  if (typeof src !== "string" || typeof dest !== "string" || !isObject(body)) return null;
  return { src, dest, body };
}

export const errorBody = (code: ErrorCode, text: string): JsonObject => ({
  type: "error",
  code,
  text,
});

/** One spelling for equal values, so that bytes can be compared: names of an object stand in order. */
export const spelling = (value: Json): string =>
  JSON.stringify(value, (_, part: Json) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
