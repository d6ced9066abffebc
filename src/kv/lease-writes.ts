/** What requests and expiries do with leases, and with the keys that go with them. */
import type { LogIndex, Millis } from "../base/numbers.ts";
import { type LeaseId, meetsCondition, type Operation, type Reply } from "./command.ts";
import {
  attachKey,
  beginLease,
  endLease,
  hasRoomForKey,
  hasRoomForLease,
  keepAlive,
  type Lease,
} from "./leases.ts";
import { dropValue, revisionOf, setValue, type Values } from "./values.ts";

/** Where a request stands in the log. */
export type Place = { readonly index: LogIndex; readonly now: Millis };

export type LeaseWrite = Extract<
  Operation,
  { readonly kind: "put-leased" | "lease-grant" | "lease-revoke" | "lease-keep-alive" }
>;

export function writeLease(store: Values, { index, now }: Place, operation: LeaseWrite): Reply {
  const { leases } = store;
  if (operation.kind === "put-leased") return putLeased(store, { index, now }, operation);
  if (operation.kind === "lease-grant") {
    const { ttlMs } = operation;
    if (hasRoomForLease(leases) === "full") return { kind: "lease-limit", of: "leases" };
    beginLease(leases, { id: index, origin: "granted", ttlMs, now });
    return { kind: "lease-granted", lease: index };
  }
  const lease = leases.byId.get(operation.lease);
  if (lease === undefined) return { kind: "lease-unknown", lease: operation.lease };
  if (operation.kind === "lease-revoke") {
    return { kind: "lease-revoked", lease: lease.id, keys: endWithKeys(store, lease) };
  }
  keepAlive(leases, lease, now);
  return { kind: "lease-kept", lease: lease.id, ttlMs: lease.ttlMs };
}

function putLeased(
  store: Values,
  { index, now }: Place,
  operation: Extract<Operation, { kind: "put-leased" }>,
): Reply {
  const { key, value, condition, tenure } = operation;
  const { leases } = store;
  const granted = tenure.kind === "granted" ? leases.byId.get(tenure.lease) : null;
  if (tenure.kind === "granted" && granted == null) {
    return { kind: "lease-unknown", lease: tenure.lease };
  }
  const revision = revisionOf(store, key);
  if (!meetsCondition(condition, revision)) return { kind: "condition-failed", revision };
  const limit = leaseLimit(store, granted ?? null, key);
  if (limit !== null) return { kind: "lease-limit", of: limit };
  // Its lease so far must not end by this if it is the one that is named: it is taken off only for another.
  setValue(store, key, { value, revision: index });
  const ttlMs = tenure.kind === "own" ? tenure.ttlMs : 0;
  const lease = granted ?? beginLease(leases, { id: index, origin: "own", ttlMs, now });
  attachKey(leases, lease, key);
  return { kind: "written", index };
}

/** Which limit stands against one more key of a lease; null: a lease of its own. */
function leaseLimit(
  { leases }: Values,
  granted: Lease | null,
  key: string,
): "leases" | "keys" | null {
  if (granted === null) return hasRoomForLease(leases) === "room" ? null : "leases";
  return hasRoomForKey(leases, granted, key) === "room" ? null : "keys";
}

/**
 * The leader thought that the time of these leases was up. Whether it is says the time on this very entry: what was
 * kept alive meanwhile, or ended before, is left alone.
 */
export function expire(store: Values, now: Millis, named: readonly LeaseId[]): Reply {
  const leases: LeaseId[] = [];
  let keys = 0;
  for (const id of named) {
    const lease = store.leases.byId.get(id);
    if (lease === undefined || lease.deadline > now) continue;
    keys += endWithKeys(store, lease);
    leases.push(id);
  }
  return { kind: "expired", leases, keys };
}

/** Answers how many keys went with it. */
function endWithKeys(store: Values, lease: Lease): number {
  const keys = endLease(store.leases, lease);
  for (const key of keys) dropValue(store, key);
  return keys.length;
}
