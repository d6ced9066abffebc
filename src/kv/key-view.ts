/**
 * The keys of a store as they were at one moment, read bit by bit in byte order while the store goes on.
 *
 * Nothing is copied when it begins. Whoever changes a key that was not read yet leaves what it held (`keepKey` and
 * `keepRemovedKey`, called before every change): the price is one entry of a map for each key that changes while a view
 * is read, once, and a comparison with null at all other times. Values are shared, as they are never changed.
 */
import { addKey, emptyKeyOrder, hasKey, type KeyOrder, visitKeys } from "./key-order.ts";
import type { Stored } from "./values.ts";

export type KeyView = {
  /** Every key up to this one has been read. No key is empty. */
  cursor: string;
  /** What keys held that have changed since and were not read yet; null: there was no such key. */
  readonly before: Map<string, Stored | null>;
  /** The keys of `before` that there were, and that were removed since: some are there again. */
  readonly removed: KeyOrder;
};

export type KeySource = {
  readonly values: ReadonlyMap<string, Stored>;
  /** The keys of `values`. */
  readonly order: KeyOrder;
};

export type KeyItem = { readonly key: string; readonly stored: Stored };

/** Listed together. */
const keysAtOnceMax = 256;

export const beginKeyView = (): KeyView => ({
  cursor: "",
  before: new Map(),
  removed: emptyKeyOrder(),
});

/** To be called before a key changes: `stored` is what it holds, undefined where there is no such key. */
export function keepKey(view: KeyView, key: string, stored: Stored | undefined): void {
  if (key <= view.cursor || view.before.has(key)) return;
  view.before.set(key, stored ?? null);
}

/** The same before a key is removed. */
export function keepRemovedKey(view: KeyView, key: string, stored: Stored): void {
  keepKey(view, key, stored);
  if (view.before.get(key) == null || hasKey(view.removed, key)) return;
  addKey(view.removed, key);
}

/**
 * The next keys with what they held: as many as there are, up to the one with which their keys and values reach
 * `bytesMin`. Null when all have been read.
 */
export function nextKeys(
  source: KeySource,
  view: KeyView,
  bytesMin: number,
): readonly KeyItem[] | null {
  const items: KeyItem[] = [];
  let bytes = 0;
  while (bytes < bytesMin) {
    const keys = keysAfterCursor(source, view);
    if (keys.length === 0) break;
    for (const key of keys) {
      const stored = storedThen(source, view, key);
      view.cursor = key;
      if (stored === null) continue;
      bytes += key.length + stored.value.length;
      items.push({ key, stored });
      if (bytes >= bytesMin) break;
    }
  }
  return items.length === 0 ? null : items;
}

/** What a key held when the view began. */
function storedThen({ values }: KeySource, { before }: KeyView, key: string): Stored | null {
  const kept = before.size === 0 ? undefined : before.get(key);
  if (kept === undefined) return values.get(key) ?? null;
  before.delete(key);
  return kept;
}

/** Keys that are there, and keys that were, merged: as far as both lists are known. */
function keysAfterCursor(source: KeySource, view: KeyView): readonly string[] {
  const present = someKeysAfter(source.order, view.cursor);
  if (view.removed.blocks.length === 0) return present;
  const removed = someKeysAfter(view.removed, view.cursor);
  if (removed.length === 0) return present;
  const merged = [...new Set([...present, ...removed])].sort();
  // A list that was cut says nothing of what is beyond its end.
  const ends = [present, removed].filter((list) => list.length === keysAtOnceMax);
  return merged.filter((key) => ends.every((list) => key <= (list.at(-1) ?? "")));
}

function someKeysAfter(order: KeyOrder, cursor: string): readonly string[] {
  const keys: string[] = [];
  visitKeys(order, cursor, (key) => {
    if (key !== cursor) keys.push(key);
    return keys.length < keysAtOnceMax ? "next" : "stop";
  });
  return keys;
}
