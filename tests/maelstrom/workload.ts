/** The lin-kv workload in terms of the store: what a request asks for, and how its result is told. */
import { byteString, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Rejection, Result } from "../../src/client/request.ts";
import type { Operation, Reply } from "../../src/kv/command.ts";
import {
  type ErrorCode,
  errorBody,
  errorCodes,
  type Json,
  type JsonObject,
  spelling,
} from "./protocol.ts";

/** What is to be done, or the answer where nothing is. */
export type Asked =
  | { readonly kind: "operation"; readonly operation: Operation }
  | { readonly kind: "answer"; readonly body: JsonObject };

const keyOf = (key: Json): string => byteString(utf8(spelling(key)));
const bytesOf = (value: Json): Uint8Array => utf8(spelling(value));

export function askedBy(body: JsonObject): Asked {
  const { type, key, value, from, to } = body as Partial<Record<string, Json>>;
  switch (type) {
    case "read":
      if (key === undefined) return lacking("key");
      return { kind: "operation", operation: { kind: "get", key: keyOf(key) } };
    case "write": {
      if (key === undefined || value === undefined) return lacking("key or value");
      const condition = { kind: "always" } as const;
      const put = { kind: "put", key: keyOf(key), value: bytesOf(value), condition } as const;
      return { kind: "operation", operation: put };
    }
    case "cas": {
      if (key === undefined || from === undefined || to === undefined) {
        return lacking("key, from or to");
      }
      const cas = { kind: "cas", key: keyOf(key), expected: bytesOf(from), value: bytesOf(to) };
      return { kind: "operation", operation: { ...cas, kind: "cas" } };
    }
    default:
      return refusal(errorCodes.notSupported, `no request is called ${spelling(type ?? null)}`);
  }
}

const refusal = (code: ErrorCode, text: string): Asked => ({
  kind: "answer",
  body: errorBody(code, text),
});
const lacking = (what: string): Asked =>
  refusal(errorCodes.malformedRequest, `the request has no ${what}`);

/** The answer to the request that became `operation`. */
export function answerTo(operation: Operation, result: Result): JsonObject {
  switch (result.kind) {
    case "committed":
      return replied(operation, result.reply);
    case "rejected":
      return errorBody(codeOf(result.because), `not done: ${result.because.kind}`);
    case "unknown":
      return result.because === "deadline"
        ? errorBody(errorCodes.timeout, "no answer in time, the request may still be carried out")
        : errorBody(
            errorCodes.crash,
            "its session was lost, the request may have been carried out",
          );
    case "status":
      return errorBody(errorCodes.crash, "an answer to something else");
  }
}

/** All of these are definite: what was rejected has no effect and never will. */
function codeOf(because: Rejection): ErrorCode {
  switch (because.kind) {
    case "unreachable":
    case "no-leader":
    case "busy":
      return errorCodes.temporarilyUnavailable;
    case "invalid":
      return errorCodes.malformedRequest;
    case "refused":
      return errorCodes.abort;
  }
}

function replied(operation: Operation, reply: Reply): JsonObject {
  switch (reply.kind) {
    case "found":
      return { type: "read_ok", value: JSON.parse(textOf(reply.value) ?? "null") };
    case "absent":
      return errorBody(errorCodes.keyDoesNotExist, "the key does not exist");
    case "written":
      return { type: operation.kind === "cas" ? "cas_ok" : "write_ok" };
    case "condition-failed":
      return reply.revision === 0
        ? errorBody(errorCodes.keyDoesNotExist, "the key does not exist")
        : errorBody(errorCodes.preconditionFailed, "the key holds another value");
    default:
      return errorBody(errorCodes.crash, `an answer of another kind: ${reply.kind}`);
  }
}
