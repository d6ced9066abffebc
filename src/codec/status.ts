/**
 * A node's description of itself, asked for and given, as bodies of datagrams.
 *
 * status-request, a MessagePack array: id
 * status-response, a MessagePack array: id, text (one s-expression)
 *
 * Valid when the arrays have exactly these fields and the id is a whole number below 2^48.
 */
import type { StatusRequest, StatusResponse } from "./client-message.ts";
import { isCount, packFields } from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

export const encodeStatusRequest = (request: StatusRequest): Uint8Array => packFields([request.id]);

export const encodeStatusResponse = (response: StatusResponse): Uint8Array =>
  packFields([response.id, response.text]);

/** The request, or null where the body is none. Never throws. */
export function decodeStatusRequest(body: Uint8Array): StatusRequest | null {
  const fields = unpackFields(body);
  const id = fields?.[0];
  return fields?.length === 1 && isCount(id) ? { id } : null;
}

/** The description, or null where the body is none. Never throws. */
export function decodeStatusResponse(body: Uint8Array): StatusResponse | null {
  const fields = unpackFields(body);
  const id = fields?.[0];
  const text = fields?.[1];
  return fields?.length === 2 && isCount(id) && typeof text === "string" ? { id, text } : null;
}
