/**
 * What applying a command answered, as bytes.
 *
 * REPLY, fields of the MessagePack array around it
 *    1, session            registered
 *    2, index              written
 *    3, index              deleted
 *    4                     absent
 *    5, revision, value    found
 *    6, more, then of each key, revision, value or nil    listed; more: 0 no, 1 yes
 *    7, index              done
 *    8, revision           condition-failed
 *    9                     session-unknown
 *   10                     already-acknowledged
 *   11                     window-exceeded
 *   12 to 16               store-reply.ts
 *   20 to 26               leases: lease.ts
 *
 * Keys and values are binary. Valid when the fields are exactly these, numbers whole and below
 * 2^48, and keys and values within the limits of kv/command.ts.
 */
import { unreachable } from "../base/assert.ts";
import { type Item, limits, type Reply } from "../kv/command.ts";
import { leaseReplyBytesMax, leaseReplyFields, readLeaseReply } from "./lease.ts";
import {
  binaryField,
  choiceOf,
  type Field,
  headBytesMax,
  isBytes,
  isCount,
  packFields,
  textField,
} from "./messagepack.ts";
import {
  readStoreReply,
  storeReplyBytesMax,
  storeReplyCodes,
  storeReplyFields,
} from "./store-reply.ts";
import { unpackFields } from "./unpack.ts";

const replyCodes = {
  registered: 1,
  written: 2,
  deleted: 3,
  absent: 4,
  found: 5,
  listed: 6,
  done: 7,
  conditionFailed: 8,
  sessionUnknown: 9,
  alreadyAcknowledged: 10,
  windowExceeded: 11,
} as const;

const mores = ["end", "more"] as const;

/** Fields of one item of a list. */
const itemFields = 3;

/** The bytes are new, and the caller's. */
export const encodeReply = (reply: Reply): Uint8Array => packFields(replyFields(reply));

/** The reply, or null where the bytes are none. Never throws. Keeps nothing of `bytes`. */
export function decodeReply(bytes: Uint8Array): Reply | null {
  const fields = unpackFields(bytes);
  return fields === null ? null : readReply(fields, 0);
}

/** How many bytes the fields of the reply will be, at most. */
export function replyBytesMax(reply: Reply): number {
  let bytes = 2 * headBytesMax.number;
  switch (reply.kind) {
    case "found":
      return bytes + headBytesMax.binary + reply.value.length;
    case "listed":
      for (const { key, value } of reply.items) {
        bytes += 2 * headBytesMax.binary + headBytesMax.number + key.length + (value?.length ?? 0);
      }
      return bytes;
    case "counted":
    case "count-refused":
    case "transacted":
    case "txn-refused":
    case "view-lost":
      return storeReplyBytesMax(reply);
    case "lease-kept":
    case "lease-revoked":
    case "leases-listed":
    case "expired":
      return leaseReplyBytesMax(reply);
    default:
      return bytes;
  }
}

/** REPLY, to stand in an array. */
export function replyFields(reply: Reply): readonly Field[] {
  switch (reply.kind) {
    case "registered":
      return [replyCodes.registered, reply.session];
    case "written":
      return [replyCodes.written, reply.index];
    case "deleted":
      return [replyCodes.deleted, reply.index];
    case "absent":
      return [replyCodes.absent];
    case "found":
      return [replyCodes.found, reply.revision, reply.value];
    case "listed": {
      const fields: Field[] = [replyCodes.listed, mores.indexOf(reply.more)];
      for (const { key, revision, value } of reply.items) {
        fields.push(binaryField(key), revision, value);
      }
      return fields;
    }
    case "done":
      return [replyCodes.done, reply.index];
    case "condition-failed":
      return [replyCodes.conditionFailed, reply.revision];
    case "session-unknown":
      return [replyCodes.sessionUnknown];
    case "already-acknowledged":
      return [replyCodes.alreadyAcknowledged];
    case "window-exceeded":
      return [replyCodes.windowExceeded];
    case "counted":
    case "count-refused":
    case "transacted":
    case "txn-refused":
    case "view-lost":
      return storeReplyFields(reply, replyFields);
    case "lease-granted":
    case "lease-kept":
    case "lease-revoked":
    case "lease-unknown":
    case "lease-limit":
    case "leases-listed":
    case "expired":
      return leaseReplyFields(reply);
    default:
      return unreachable(reply);
  }
}

/** REPLY from position `at` to the end of an array, or null where it is none. Copies. */
export const readReply = (fields: readonly unknown[], at: number): Reply | null =>
  readCommonReply(fields, at) ?? readLeaseReply(fields, at);

function readCommonReply(fields: readonly unknown[], at: number): Reply | null {
  if (isStoreReplyCode(fields[at])) return readStoreReply(fields, at, readReply);
  switch (fields.length - at) {
    case 1:
      return readBareReply(fields[at]);
    case 2:
      return readNumberReply(fields[at], fields[at + 1]);
    case 3:
      return readFound(fields, at);
    default:
      return readListed(fields, at);
  }
}

const isStoreReplyCode = (code: unknown): boolean =>
  typeof code === "number" && code >= storeReplyCodes.counted && code <= storeReplyCodes.viewLost;

function readBareReply(code: unknown): Reply | null {
  switch (code) {
    case replyCodes.absent:
      return { kind: "absent" };
    case replyCodes.sessionUnknown:
      return { kind: "session-unknown" };
    case replyCodes.alreadyAcknowledged:
      return { kind: "already-acknowledged" };
    case replyCodes.windowExceeded:
      return { kind: "window-exceeded" };
    default:
      return null;
  }
}

function readNumberReply(code: unknown, number: unknown): Reply | null {
  if (!isCount(number)) return null;
  switch (code) {
    case replyCodes.registered:
      return { kind: "registered", session: number };
    case replyCodes.written:
      return { kind: "written", index: number };
    case replyCodes.deleted:
      return { kind: "deleted", index: number };
    case replyCodes.done:
      return { kind: "done", index: number };
    case replyCodes.conditionFailed:
      return { kind: "condition-failed", revision: number };
    case replyCodes.listed: {
      const more = choiceOf(mores, number);
      return more === null ? null : { kind: "listed", items: [], more };
    }
    default:
      return null;
  }
}

function readFound(fields: readonly unknown[], at: number): Reply | null {
  const revision = fields[at + 1];
  const value = valueField(fields[at + 2]);
  if (fields[at] !== replyCodes.found || !isCount(revision) || value === null) return null;
  return { kind: "found", revision, value };
}

function readListed(fields: readonly unknown[], at: number): Reply | null {
  const more = choiceOf(mores, fields[at + 1]);
  const itemsAt = at + 2;
  const count = (fields.length - itemsAt) / itemFields;
  if (fields[at] !== replyCodes.listed || more === null) return null;
  if (!Number.isInteger(count) || count > limits.listKeysMax) return null;
  const items: Item[] = [];
  for (let next = itemsAt; next < fields.length; next += itemFields) {
    const key = textField(fields[next], limits.keyBytesMax);
    const revision = fields[next + 1];
    const value = valueField(fields[next + 2]);
    if (key === null || !isCount(revision)) return null;
    if (value === null && fields[next + 2] !== null) return null;
    items.push({ key, revision, value });
  }
  return { kind: "listed", items, more };
}

const valueField = (field: unknown): Uint8Array | null =>
  isBytes(field) && field.length <= limits.valueBytesMax ? field : null;
