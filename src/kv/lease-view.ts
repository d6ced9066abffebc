/**
 * The leases as they were at one moment, in the order of their ids. Only their ids are listed when it begins; a lease
 * is copied when it changes before it was read (as sessions are: session-view.ts).
 */
import type { LeaseId } from "./command.ts";
import type { Lease } from "./leases.ts";

/** Its keys in byte order, which is none of the lease's own: the same lease makes the same picture. */
export type LeasePicture = Omit<Lease, "keys"> & { readonly keys: readonly string[] };

export type LeaseView = {
  readonly ids: readonly LeaseId[];
  /** How many of them have been read. */
  read: number;
  /** Leases that have changed since and were not read yet, as they were. */
  readonly before: Map<LeaseId, LeasePicture>;
};

export const beginLeaseView = (byId: ReadonlyMap<LeaseId, Lease>): LeaseView => ({
  ids: [...byId.keys()],
  read: 0,
  before: new Map(),
});

/** To be called before a lease changes or goes. */
export function keepLease(view: LeaseView, lease: Lease): void {
  if (view.before.has(lease.id) || view.read === view.ids.length) return;
  view.before.set(lease.id, pictureOf(lease));
}

/** The next lease as it was, or null when all have been read. */
export function nextLease(byId: ReadonlyMap<LeaseId, Lease>, view: LeaseView): LeasePicture | null {
  const id = view.ids[view.read];
  if (id === undefined) return null;
  view.read += 1;
  const before = view.before.get(id);
  view.before.delete(id);
  // One that has changed was kept before, and one that is new is not on the list.
  const now = byId.get(id);
  return before ?? (now === undefined ? null : pictureOf(now));
}

const pictureOf = (lease: Lease): LeasePicture => ({ ...lease, keys: [...lease.keys].sort() });
