/**
 * What became of clients' requests, many to a datagram, as bodies of datagrams.
 *
 * response-batch, a MessagePack array of RESPONSE, each an array
 *    id, 0, index, term, then REPLY      replied (reply.ts)
 *    id, 1, leader or 0, address or nil  not-leader
 *    id, 2                               busy
 *    id, 3, why                          refused: 0 malformed, 1 too-large
 *    id, 4                               no-quorum
 *    id, 5                               superseded
 *    id, 10, index, term, age or nil, then REPLY    dated: milliseconds
 *
 * Valid when the arrays have exactly these fields, ids are whole numbers below 2^48, an address is
 * `host:port`, and there are 1 to `elementsMax` in a batch.
 */
import { parseAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { isNodeId } from "../base/numbers.ts";
import { decodeElements, type ElementForm, elementHeadBytesMax, packElements } from "./batch.ts";
import type { ClientResponse, Outcome, Refusal, ResponseBatch } from "./client-message.ts";
import { choiceOf, type Field, headBytesMax, isCount, packFields } from "./messagepack.ts";
import { readReply, replyBytesMax, replyFields } from "./reply.ts";

const addressCharactersMax = 300;

const outcomeCodes = {
  replied: 0,
  notLeader: 1,
  busy: 2,
  refused: 3,
  noQuorum: 4,
  superseded: 5,
  dated: 10,
} as const;

const refusals: readonly Refusal[] = ["malformed", "too-large"];

const form: ElementForm<ClientResponse> = {
  bytesMax: responseBytesMax,
  fields: responseFields,
  read: readResponse,
};

/** As few bodies as carry the responses (batch.ts, packElements). */
export const packResponses = (
  responses: readonly ClientResponse[],
  bodyBytes: number,
): readonly Uint8Array[] => packElements(responses, bodyBytes, form);

/** All of a batch in one body. The result is new, and the caller's. */
export const encodeResponseBatch = (batch: ResponseBatch): Uint8Array =>
  packFields(batch.map(responseFields));

/**
 * The responses, or null where the body is no batch of them. Never throws. Keeps nothing of `body`.
 */
export const decodeResponseBatch = (body: Uint8Array): ResponseBatch | null =>
  decodeElements(body, form);

function responseBytesMax({ outcome }: ClientResponse): number {
  switch (outcome.kind) {
    case "replied":
    case "dated":
      return elementHeadBytesMax + 3 * headBytesMax.number + replyBytesMax(outcome.reply);
    case "not-leader": {
      const address = headBytesMax.string + (outcome.address?.length ?? 0);
      return elementHeadBytesMax + headBytesMax.number + address;
    }
    default:
      return elementHeadBytesMax + headBytesMax.number;
  }
}

function responseFields({ id, outcome }: ClientResponse): readonly Field[] {
  switch (outcome.kind) {
    case "replied": {
      const { index, term, reply } = outcome;
      return [id, outcomeCodes.replied, index, term, ...replyFields(reply)];
    }
    case "dated": {
      const { index, term, ageMs, reply } = outcome;
      return [id, outcomeCodes.dated, index, term, ageMs, ...replyFields(reply)];
    }
    case "not-leader":
      return [id, outcomeCodes.notLeader, outcome.leader ?? 0, outcome.address];
    case "busy":
      return [id, outcomeCodes.busy];
    case "refused":
      return [id, outcomeCodes.refused, refusals.indexOf(outcome.because)];
    case "no-quorum":
      return [id, outcomeCodes.noQuorum];
    case "superseded":
      return [id, outcomeCodes.superseded];
    default:
      return unreachable(outcome);
  }
}

function readResponse(fields: readonly unknown[]): ClientResponse | null {
  const id = fields[0];
  if (!isCount(id)) return null;
  const outcome = readOutcome(fields);
  return outcome === null ? null : { id, outcome };
}

function readOutcome(fields: readonly unknown[]): Outcome | null {
  const length = fields.length;
  switch (fields[1]) {
    case outcomeCodes.replied: {
      const [, , index, term] = fields;
      const reply = readReply(fields, 4);
      if (!isCount(index) || !isCount(term) || reply === null) return null;
      return { kind: "replied", reply, index, term };
    }
    case outcomeCodes.dated: {
      const [, , index, term, ageMs] = fields;
      const reply = readReply(fields, 5);
      if (!isCount(index) || !isCount(term) || reply === null) return null;
      if (ageMs !== null && !isCount(ageMs)) return null;
      return { kind: "dated", reply, index, term, ageMs };
    }
    case outcomeCodes.notLeader:
      return length === 4 ? readNotLeader(fields[2], fields[3]) : null;
    case outcomeCodes.refused: {
      const because = choiceOf(refusals, fields[2]);
      return length === 3 && because !== null ? { kind: "refused", because } : null;
    }
    case outcomeCodes.busy:
      return length === 2 ? { kind: "busy" } : null;
    case outcomeCodes.noQuorum:
      return length === 2 ? { kind: "no-quorum" } : null;
    case outcomeCodes.superseded:
      return length === 2 ? { kind: "superseded" } : null;
    default:
      return null;
  }
}

function readNotLeader(leader: unknown, address: unknown): Outcome | null {
  if (leader !== 0 && !isNodeId(leader)) return null;
  const known = leader === 0 ? null : leader;
  if (address === null) return { kind: "not-leader", leader: known, address };
  if (typeof address !== "string") return null;
  if (address.length > addressCharactersMax) return null;
  if (parseAddress(address) === null) return null;
  return { kind: "not-leader", leader: known, address };
}
