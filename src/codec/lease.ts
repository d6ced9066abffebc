/**
 * What is said of leases, as bytes: operations, replies, and the leader's expiry.
 *
 * OPERATION, fields of the array around it
 *   13, key, value, ttl, if, revision      put with a lease of its own
 *   14, key, value, lease, if, revision    put with a lease that was granted
 *   15, ttl                                lease-grant
 *   16, lease                              lease-revoke
 *   17, lease                              lease-keep-alive
 *   18, after, limit                       leases
 *
 * REPLY
 *   20, lease                              lease-granted
 *   21, lease, ttl                         lease-kept
 *   22, lease, keys                        lease-revoked
 *   23, lease                              lease-unknown
 *   24, of                                 lease-limit; of: 0 leases, 1 keys
 *   25, more, now, then of each lease, origin, ttl, deadline, keys
 *                                          leases-listed; more: 0 no, 1 yes; origin: 0 granted, 1 own
 *   26, keys, then each lease              expired
 *
 * `if` is 0 always, 1 absent, 2 revision; `revision` is 0 unless `if` is 2. Spans and moments are whole milliseconds.
 * What is valid in general stands in command.ts and reply.ts.
 */
import { millis } from "../base/numbers.ts";
import {
  type Condition,
  type LeaseItem,
  limits,
  type Operation,
  type Reply,
  type Tenure,
} from "../kv/command.ts";
import {
  binaryField,
  choiceOf,
  type Field,
  headBytesMax,
  isBytes,
  isCount,
} from "./messagepack.ts";

export const leaseCodes = {
  putOwn: 13,
  putGranted: 14,
  grant: 15,
  revoke: 16,
  keepAlive: 17,
  list: 18,
} as const;

export type LeaseOperation = Extract<
  Operation,
  { kind: "lease-grant" | "lease-revoke" | "lease-keep-alive" | "leases" }
>;
type PutLeased = Extract<Operation, { kind: "put-leased" }>;

const conditionKinds = ["always", "absent", "revision"] as const;

export const isLeaseSpan = (ms: unknown): ms is number =>
  isCount(ms) && ms >= limits.leaseMsMin && ms <= limits.leaseMsMax;

export function putLeasedFields(operation: PutLeased): readonly Field[] {
  const { key, value, condition, tenure } = operation;
  const [code, bound] =
    tenure.kind === "own"
      ? [leaseCodes.putOwn, tenure.ttlMs]
      : [leaseCodes.putGranted, tenure.lease];
  const revision = condition.kind === "revision" ? condition.revision : 0;
  const kind = conditionKinds.indexOf(condition.kind);
  return [code, binaryField(key), value, bound, kind, revision];
}

/** A put with a lease from position `at` to the end of an array, whose key was read. */
export function readPutLeased(
  fields: readonly unknown[],
  at: number,
  key: string,
): Operation | null {
  const value = fields[at + 2];
  const condition = readCondition(fields[at + 4], fields[at + 5]);
  const tenure = readTenure(fields[at], fields[at + 3]);
  if (fields.length - at !== 6 || !isBytes(value)) return null;
  if (condition === null || tenure === null) return null;
  return { kind: "put-leased", key, value, condition, tenure };
}

function readTenure(code: unknown, bound: unknown): Tenure | null {
  if (!isCount(bound)) return null;
  return code === leaseCodes.putOwn
    ? { kind: "own", ttlMs: bound }
    : { kind: "granted", lease: bound };
}

function readCondition(kind: unknown, revision: unknown): Condition | null {
  if (!isCount(revision)) return null;
  const chosen = choiceOf(conditionKinds, kind);
  if (chosen === "revision") return { kind: chosen, revision };
  return chosen === null || revision !== 0 ? null : { kind: chosen };
}

export function leaseOperationFields(operation: LeaseOperation): readonly Field[] {
  switch (operation.kind) {
    case "lease-grant":
      return [leaseCodes.grant, operation.ttlMs];
    case "lease-revoke":
      return [leaseCodes.revoke, operation.lease];
    case "lease-keep-alive":
      return [leaseCodes.keepAlive, operation.lease];
    case "leases":
      return [leaseCodes.list, operation.after, operation.limit];
  }
}

/** An operation on a lease from position `at` to the end of an array, or null. */
export function readLeaseOperation(fields: readonly unknown[], at: number): Operation | null {
  const [code, number, limit] = fields.slice(at);
  if (!isCount(number)) return null;
  if (code === leaseCodes.list) {
    if (fields.length - at !== 3 || !isCount(limit)) return null;
    return { kind: "leases", after: number, limit };
  }
  if (fields.length - at !== 2) return null;
  switch (code) {
    case leaseCodes.grant:
      return { kind: "lease-grant", ttlMs: number };
    case leaseCodes.revoke:
      return { kind: "lease-revoke", lease: number };
    case leaseCodes.keepAlive:
      return { kind: "lease-keep-alive", lease: number };
    default:
      return null;
  }
}

/** The leases of an expiry, from position `at` to the end of an array: ascending, each once. */
export function readExpiry(fields: readonly unknown[], at: number): readonly number[] | null {
  if (fields.length - at > limits.expiryLeasesMax) return null;
  return readLeaseIds(fields, at);
}

function readLeaseIds(fields: readonly unknown[], at: number): readonly number[] | null {
  const leases: number[] = [];
  let before = 0;
  for (const lease of fields.slice(at)) {
    if (!isCount(lease) || lease <= before) return null;
    leases.push(lease);
    before = lease;
  }
  return leases;
}

const replyCodes = {
  granted: 20,
  kept: 21,
  revoked: 22,
  unknown: 23,
  limit: 24,
  listed: 25,
  expired: 26,
} as const;

export type LeaseReply = Extract<
  Reply,
  {
    kind:
      | "lease-granted"
      | "lease-kept"
      | "lease-revoked"
      | "lease-unknown"
      | "lease-limit"
      | "leases-listed"
      | "expired";
  }
>;

const mores = ["end", "more"] as const;
const limitKinds = ["leases", "keys"] as const;
const origins = ["granted", "own"] as const;
/** Fields of one lease of a list. */
const itemFields = 5;

/** How many bytes the fields of the reply will be, at most. */
export function leaseReplyBytesMax(reply: LeaseReply): number {
  if (reply.kind === "leases-listed") {
    return headBytesMax.number * (3 + itemFields * reply.items.length);
  }
  return headBytesMax.number * (reply.kind === "expired" ? 2 + reply.leases.length : 3);
}

export function leaseReplyFields(reply: LeaseReply): readonly Field[] {
  switch (reply.kind) {
    case "lease-granted":
      return [replyCodes.granted, reply.lease];
    case "lease-kept":
      return [replyCodes.kept, reply.lease, reply.ttlMs];
    case "lease-revoked":
      return [replyCodes.revoked, reply.lease, reply.keys];
    case "lease-unknown":
      return [replyCodes.unknown, reply.lease];
    case "lease-limit":
      return [replyCodes.limit, limitKinds.indexOf(reply.of)];
    case "leases-listed": {
      const fields: Field[] = [replyCodes.listed, mores.indexOf(reply.more), reply.now];
      for (const { lease, origin, ttlMs, deadline, keys } of reply.items) {
        fields.push(lease, origins.indexOf(origin), ttlMs, deadline, keys);
      }
      return fields;
    }
    case "expired":
      return [replyCodes.expired, reply.keys, ...reply.leases];
  }
}

/** A reply of these from position `at` to the end of an array, or null where it is none of them. */
export function readLeaseReply(fields: readonly unknown[], at: number): Reply | null {
  const [code, first, second] = fields.slice(at);
  const length = fields.length - at;
  if (!isCount(first)) return null;
  switch (code) {
    case replyCodes.granted:
      return length === 2 ? { kind: "lease-granted", lease: first } : null;
    case replyCodes.unknown:
      return length === 2 ? { kind: "lease-unknown", lease: first } : null;
    case replyCodes.limit: {
      const of = choiceOf(limitKinds, first);
      return length === 2 && of !== null ? { kind: "lease-limit", of } : null;
    }
    case replyCodes.kept:
      if (length !== 3 || !isCount(second)) return null;
      return { kind: "lease-kept", lease: first, ttlMs: second };
    case replyCodes.revoked:
      if (length !== 3 || !isCount(second)) return null;
      return { kind: "lease-revoked", lease: first, keys: second };
    case replyCodes.expired: {
      const leases = readLeaseIds(fields, at + 2);
      return leases === null ? null : { kind: "expired", leases, keys: first };
    }
    case replyCodes.listed:
      return readLeases(fields, at);
    default:
      return null;
  }
}

function readLeases(fields: readonly unknown[], at: number): Reply | null {
  const more = choiceOf(mores, fields[at + 1]);
  const now = fields[at + 2];
  const itemsAt = at + 3;
  const count = (fields.length - itemsAt) / itemFields;
  if (more === null || !isCount(now)) return null;
  if (!Number.isInteger(count) || count > limits.listKeysMax) return null;
  const items: LeaseItem[] = [];
  for (let next = itemsAt; next < fields.length; next += itemFields) {
    const item = readItem(fields.slice(next, next + itemFields));
    if (item === null) return null;
    items.push(item);
  }
  return { kind: "leases-listed", now: millis(now), items, more };
}

function readItem([lease, from, ttlMs, deadline, keys]: readonly unknown[]): LeaseItem | null {
  const origin = choiceOf(origins, from);
  if (!isCount(lease) || origin === null || !isCount(ttlMs)) return null;
  if (!isCount(deadline) || !isCount(keys)) return null;
  return { lease, origin, ttlMs, deadline: millis(deadline), keys };
}
