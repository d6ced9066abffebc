/**
 * Keys with their values and revisions: what `apply` changes, and all ways in which it does. Whoever needs to know
 * of every change (an order, a view) is told here, and nowhere else.
 */
import type { LogIndex } from "../base/numbers.ts";
import { addKey, emptyKeyOrder, type KeyOrder, removeKey } from "./key-order.ts";
import { type KeyView, keepKey } from "./key-view.ts";
import { keepForViews, type ListViews, noViews } from "./list-view.ts";

export type Stored = { readonly value: Uint8Array; readonly revision: LogIndex };

export type Values = {
  readonly values: Map<string, Stored>;
  /** The keys of `values`, in byte order. */
  readonly order: KeyOrder;
  /** Where somebody is reading the keys as they were at one moment; null at most times. */
  keyView: KeyView | null;
  /** Lists that somebody reads in pages; none at most times. */
  readonly views: ListViews;
};

export const noValues = (): Values => ({
  values: new Map(),
  order: emptyKeyOrder(),
  keyView: null,
  views: noViews(),
});

/** Keeps what it is given. */
export function setValue(store: Values, key: string, stored: Stored): void {
  if (store.views.open.length > 0) keepForViews(store.views, key, store.values.get(key));
  if (store.keyView !== null) keepKey(store.keyView, key, store.values.get(key));
  if (!store.values.has(key)) addKey(store.order, key);
  store.values.set(key, stored);
}

export function dropValue(store: Values, key: string): "dropped" | "absent" {
  if (store.views.open.length > 0 && store.values.has(key)) {
    keepForViews(store.views, key, store.values.get(key));
  }
  if (store.keyView !== null) keepKey(store.keyView, key, store.values.get(key));
  if (!store.values.delete(key)) return "absent";
  removeKey(store.order, key);
  return "dropped";
}
