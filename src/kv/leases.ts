/**
 * Leases: keys that go when nobody keeps them alive. A lease is named by the log index at which it began and ends by
 * an entry of the log: a client's revocation, or an expiry that the leader proposes when the lease's time is up. Time
 * is cluster time, stamped on entries; no replica asks a clock of its own. An expiry is judged again where it is
 * applied: a keep-alive that stands before it in the log wins, and one that comes late or twice does nothing (P30, U6).
 */
import { assert, must } from "../base/assert.ts";
import { later, type Millis } from "../base/numbers.ts";
import { type LeaseId, type LeaseItem, limits } from "./command.ts";
import { Deadlines } from "./deadlines.ts";
import { keepLease, type LeaseView } from "./lease-view.ts";

/** "granted": by a request. "own": began with the write of a key, and is gone when no key has it any more. */
export type LeaseOrigin = "granted" | "own";

export type Lease = {
  readonly id: LeaseId;
  readonly origin: LeaseOrigin;
  readonly ttlMs: number;
  /** In cluster time. It only moves on. */
  deadline: Millis;
  readonly keys: Set<string>;
};

export type LeaseLimits = { readonly leasesMax: number; readonly leaseKeysMax: number };

export type Leases = {
  readonly limits: LeaseLimits;
  /** In the order of their ids. */
  readonly byId: Map<LeaseId, Lease>;
  /** The lease of each key that has one: the other side of `keys`. */
  readonly ofKey: Map<string, LeaseId>;
  /** The deadlines of `byId`, the first at hand. */
  readonly deadlines: Deadlines;
  /** The highest id so far: those of a snapshot come in order. */
  newest: LeaseId;
  /** Where somebody is reading the leases as they were at one moment (lease-view.ts); null at most times. */
  view: LeaseView | null;
};

export const noLeases = (leaseLimits: LeaseLimits = limits): Leases => ({
  limits: leaseLimits,
  byId: new Map(),
  ofKey: new Map(),
  deadlines: new Deadlines(),
  newest: 0,
  view: null,
});

export type NewLease = Pick<Lease, "id" | "origin" | "ttlMs"> & { readonly now: Millis };

export function hasRoomForLease(leases: Leases): "room" | "full" {
  return leases.byId.size < leases.limits.leasesMax ? "room" : "full";
}

export function beginLease(leases: Leases, { id, origin, ttlMs, now }: NewLease): Lease {
  assert(hasRoomForLease(leases) === "room", "leases are counted before one begins");
  assert(!leases.byId.has(id), "an index begins one lease");
  const lease: Lease = { id, origin, ttlMs, deadline: later(now, ttlMs), keys: new Set() };
  leases.byId.set(id, lease);
  leases.deadlines.set(id, lease.deadline);
  leases.newest = id;
  return lease;
}

/** A lease as a snapshot has it, after those with lower ids. */
export function restoreLease(leases: Leases, lease: Lease): "restored" | "out-of-order" {
  if (lease.id <= leases.newest || hasRoomForLease(leases) === "full") return "out-of-order";
  leases.byId.set(lease.id, lease);
  leases.deadlines.set(lease.id, lease.deadline);
  leases.newest = lease.id;
  return "restored";
}

/** The lease has its whole time again, from now on. */
export function keepAlive(leases: Leases, lease: Lease, now: Millis): void {
  const deadline = later(now, lease.ttlMs);
  assert(deadline >= lease.deadline, "keeping a lease alive never shortens it");
  changes(leases, lease);
  lease.deadline = deadline;
  leases.deadlines.set(lease.id, deadline);
}

export const hasRoomForKey = (leases: Leases, lease: Lease, key: string): "room" | "full" =>
  lease.keys.has(key) || lease.keys.size < leases.limits.leaseKeysMax ? "room" : "full";

/** The key goes with this lease from now on, and with no other. */
export function attachKey(leases: Leases, lease: Lease, key: string): void {
  if (leases.ofKey.get(key) === lease.id) return;
  detachKey(leases, key);
  changes(leases, lease);
  lease.keys.add(key);
  leases.ofKey.set(key, lease.id);
}

/** The key was written without a lease, or is gone. */
export function detachKey(leases: Leases, key: string): void {
  if (leases.ofKey.size === 0) return;
  const id = leases.ofKey.get(key);
  if (id === undefined) return;
  leases.ofKey.delete(key);
  const lease = must(leases.byId.get(id), "a key's lease is there");
  changes(leases, lease);
  lease.keys.delete(key);
  if (lease.origin === "own" && lease.keys.size === 0) forget(leases, lease);
}

/** Ends a lease; answers its keys, which have none any more, in byte order: whoever watches is told in that. */
export function endLease(leases: Leases, lease: Lease): readonly string[] {
  changes(leases, lease);
  const keys = [...lease.keys].sort();
  for (const key of keys) leases.ofKey.delete(key);
  lease.keys.clear();
  forget(leases, lease);
  return keys;
}

/** Called before a lease changes or goes: whoever reads it as it was is told. */
function changes(leases: Leases, lease: Lease): void {
  if (leases.view !== null) keepLease(leases.view, lease);
}

function forget(leases: Leases, lease: Lease): void {
  leases.byId.delete(lease.id);
  leases.deadlines.remove(lease.id);
}

/** Leases whose time is up, for one expiry: no more of them, with no more keys, than one entry may end. */
export function dueLeases(leases: Leases, now: Millis): readonly LeaseId[] {
  const due: LeaseId[] = [];
  let keys = 0;
  leases.deadlines.visitDue(now, (id) => {
    keys += must(leases.byId.get(id), "what has a deadline is there").keys.size;
    if (due.length > 0 && keys > limits.expiryKeysMax) return "stop";
    due.push(id);
    return due.length < limits.expiryLeasesMax ? "next" : "stop";
  });
  return due.sort((a, b) => a - b);
}

/** As many leases as asked for, by their ids, after one. */
export function listLeases(
  leases: Leases,
  { after, limit }: { readonly after: LeaseId; readonly limit: number },
): { readonly items: readonly LeaseItem[]; readonly more: "more" | "end" } {
  const most = Math.max(1, Math.min(limit, limits.listKeysMax));
  const items: LeaseItem[] = [];
  for (const { id, origin, ttlMs, deadline, keys } of leases.byId.values()) {
    if (id <= after) continue;
    if (items.length >= most) return { items, more: "more" };
    items.push({ lease: id, origin, ttlMs, deadline, keys: keys.size });
  }
  return { items, more: "end" };
}
