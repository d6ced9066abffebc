/**
 * Keys with their values and revisions: what `apply` changes, and all ways in which it does. Whoever needs to know
 * of every change (an order, a view) is told here, and nowhere else.
 */
import { type LogIndex, noIndex } from "../base/numbers.ts";
import { Changes } from "./changes.ts";
import { itemHash, keyHashOf, withItem, withoutItem } from "./hash.ts";
import { addKey, appendKey, emptyKeyOrder, type KeyOrder, removeKey } from "./key-order.ts";
import { type KeyView, keepKey, keepRemovedKey } from "./key-view.ts";
import { detachKey, type Leases, noLeases } from "./leases.ts";
import { keepForViews, type ListViews, noViews } from "./list-view.ts";

export type Stored = { readonly value: Uint8Array; readonly revision: LogIndex };

/** With its part of the store's hash, and the key's own hash, which outlives its values. */
type Kept = Stored & { readonly keyHash: number; readonly hash: number };

export type Values = {
  readonly values: Map<string, Kept>;
  /** The keys of `values`, in byte order. */
  readonly order: KeyOrder;
  /** Where somebody is reading the keys as they were at one moment; null at most times. */
  keyView: KeyView | null;
  /** Lists that somebody reads in pages; none at most times. */
  readonly views: ListViews;
  /** What the entry that was applied last has changed. */
  readonly changes: Changes;
  /** Of the contents (hash.ts). */
  hash: number;
  readonly leases: Leases;
};

export const noValues = (): Values => ({
  values: new Map(),
  order: emptyKeyOrder(),
  keyView: null,
  views: noViews(),
  changes: new Changes(),
  hash: 0,
  leases: noLeases(),
});

/** A key that is absent has revision 0. */
export const revisionOf = (store: Values, key: string): LogIndex =>
  store.values.get(key)?.revision ?? noIndex;

/** A key has the lease that its last put names; without one it stays. Keeps what it is given. */
export function putValue(store: Values, key: string, stored: Stored): void {
  setValue(store, key, stored);
  detachKey(store.leases, key);
}

/** Changes a value where it stands: its lease is as before. Keeps what it is given. */
export function setValue(store: Values, key: string, stored: Stored): void {
  const before = store.values.get(key);
  if (store.views.open.length > 0) keepForViews(store.views, key, before);
  if (store.keyView !== null) keepKey(store.keyView, key, before);
  if (before === undefined) addKey(store.order, key);
  keep(store, key, stored, before);
  store.changes.note(key, stored.value);
}

/** A key above all others, as it stands in a snapshot: no entry has changed it. Keeps what it is given. */
export function appendValue(store: Values, key: string, stored: Stored): void {
  appendKey(store.order, key);
  keep(store, key, stored, undefined);
}

function keep(store: Values, key: string, stored: Stored, before: Kept | undefined): void {
  const { value, revision } = stored;
  const keyHash = before?.keyHash ?? keyHashOf(key);
  const hash = itemHash(keyHash, value, revision);
  store.values.set(key, { value, revision, keyHash, hash });
  store.hash = withItem(withoutItem(store.hash, before?.hash ?? 0), hash);
}

export function dropValue(store: Values, key: string): "dropped" | "absent" {
  const before = store.values.get(key);
  if (before === undefined) return "absent";
  if (store.keyView !== null) keepRemovedKey(store.keyView, key, before);
  if (store.views.open.length > 0) keepForViews(store.views, key, before);
  store.values.delete(key);
  store.hash = withoutItem(store.hash, before.hash);
  removeKey(store.order, key);
  store.changes.note(key, null);
  detachKey(store.leases, key);
  return "dropped";
}
