/**
 * Requests of clients, many to a datagram, as bodies of datagrams.
 *
 * request-batch, a MessagePack array of REQUEST, each an array
 *    id, 0, command             write: the command is binary (command.ts)
 *    id, 1, then OPERATION      read, linearizable: OPERATION (command.ts) is a get, a list or leases
 *    id, 2, then OPERATION      read, stale
 *    id, 3, age, then OPERATION read, at most so many milliseconds old; 0: linearizable, by any node
 *
 * Valid when the arrays have exactly these fields, ids are whole numbers below 2^48, there are 1 to
 * `elementsMax` in a batch, and a command is no longer than an entry's body. What a command says is
 * not looked at here: it is checked when its bytes are decoded.
 */

import { isReadOperation } from "../kv/command.ts";
import { decodeElements, type ElementForm, elementHeadBytesMax, packElements } from "./batch.ts";
import type { ClientRequest, Consistency, RequestBatch, RequestBody } from "./client-message.ts";
import { operationBytesMax, operationFields, readOperation } from "./command.ts";
import { entryLimits } from "./entry.ts";
import { type Field, headBytesMax, isBytes, isCount, packFields } from "./messagepack.ts";

const bodyCodes = { write: 0, linearizable: 1, stale: 2, bounded: 3 } as const;

const form: ElementForm<ClientRequest> = {
  bytesMax: requestBytesMax,
  fields: requestFields,
  read: readRequest,
};

/** As few bodies as carry the requests (batch.ts, packElements). */
export const packRequests = (
  requests: readonly ClientRequest[],
  bodyBytes: number,
  wholeBytes?: number,
): readonly Uint8Array[] => packElements(requests, bodyBytes, form, wholeBytes);

/** All of a batch in one body. The result is new, and the caller's. */
export const encodeRequestBatch = (batch: RequestBatch): Uint8Array =>
  packFields(batch.map(requestFields));

/**
 * The requests, or null where the body is no batch of them. Never throws. Keeps nothing of `body`.
 */
export const decodeRequestBatch = (body: Uint8Array): RequestBatch | null =>
  decodeElements(body, form);

function requestBytesMax({ body }: ClientRequest): number {
  if (body.kind !== "write") {
    return elementHeadBytesMax + headBytesMax.number + operationBytesMax(body.operation);
  }
  return elementHeadBytesMax + headBytesMax.binary + body.command.length;
}

function requestFields({ id, body }: ClientRequest): readonly Field[] {
  if (body.kind === "write") return [id, bodyCodes.write, body.command];
  const operation = operationFields(body.operation);
  if (body.kind === "bounded-read") return [id, bodyCodes.bounded, body.ageMsMax, ...operation];
  return [id, bodyCodes[body.consistency], ...operation];
}

function readRequest(fields: readonly unknown[]): ClientRequest | null {
  const id = fields[0];
  if (!isCount(id)) return null;
  const body = readRequestBody(fields);
  return body === null ? null : { id, body };
}

function readRequestBody(fields: readonly unknown[]): RequestBody | null {
  const command = fields[2];
  switch (fields[1]) {
    case bodyCodes.write:
      if (fields.length !== 3 || !isBytes(command)) return null;
      if (command.length > entryLimits.bodyBytesMax) return null;
      return { kind: "write", command: command };
    case bodyCodes.linearizable:
      return readRead(fields, "linearizable");
    case bodyCodes.stale:
      return readRead(fields, "stale");
    case bodyCodes.bounded:
      return readBoundedRead(fields);
    default:
      return null;
  }
}

function readRead(fields: readonly unknown[], consistency: Consistency): RequestBody | null {
  const operation = readOperation(fields, 2);
  if (operation === null || !isReadOperation(operation)) return null;
  return { kind: "read", operation, consistency };
}

function readBoundedRead(fields: readonly unknown[]): RequestBody | null {
  const ageMsMax = fields[2];
  const operation = readOperation(fields, 3);
  if (!isCount(ageMsMax)) return null;
  if (operation?.kind !== "get" && operation?.kind !== "list") return null;
  return { kind: "bounded-read", operation, ageMsMax };
}
