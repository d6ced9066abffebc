/**
 * The keys in byte order, kept in order while they come and go: blocks of sorted keys, so that a
 * new key moves a few hundred others at most, and listing a prefix costs what it lists. Which keys
 * lie in which block depends on the order in which they came, and is no part of the store's state.
 */
import { assert, must } from "../base/assert.ts";

const blockKeysMax = 512;

export type KeyOrder = {
  /** No block is empty; every key of a block is below every key of the next. */
  readonly blocks: string[][];
};

export const emptyKeyOrder = (): KeyOrder => ({ blocks: [] });

export function addKey(order: KeyOrder, key: string): void {
  if (order.blocks.length === 0) {
    order.blocks.push([key]);
    return;
  }
  const blockAt = Math.max(0, blockFor(order, key));
  const block = must(order.blocks[blockAt], "the search stays inside");
  const at = firstNotBelow(block, key);
  assert(block[at] !== key, "a key is added once");
  block.splice(at, 0, key);
  if (block.length > blockKeysMax) {
    order.blocks.splice(blockAt + 1, 0, block.splice(blockKeysMax / 2));
  }
}

/** A key that is above all others: for a store that is made of keys in order, whose blocks are then full. */
export function appendKey(order: KeyOrder, key: string): void {
  const block = order.blocks[order.blocks.length - 1];
  assert(key > lastKey(order), "a key that is appended is the last one");
  if (block === undefined || block.length >= blockKeysMax) order.blocks.push([key]);
  else block.push(key);
}

/** The last key, or "" where there is none. */
export const lastKey = (order: KeyOrder): string => order.blocks.at(-1)?.at(-1) ?? "";

export function hasKey(order: KeyOrder, key: string): boolean {
  const block = order.blocks[blockFor(order, key)];
  return block !== undefined && block[firstNotBelow(block, key)] === key;
}

export function removeKey(order: KeyOrder, key: string): void {
  const blockAt = blockFor(order, key);
  const block = must(order.blocks[blockAt], "a key that is removed is in some block");
  const at = firstNotBelow(block, key);
  assert(block[at] === key, "a key that is removed is there");
  block.splice(at, 1);
  if (block.length === 0) order.blocks.splice(blockAt, 1);
}

/**
 * Calls `visit` for each key from `from` on, in order, until it says "stop". The order must not
 * change meanwhile.
 */
export function visitKeys(
  order: KeyOrder,
  from: string,
  visit: (key: string) => "next" | "stop",
): void {
  const firstBlock = Math.max(0, blockFor(order, from));
  for (let blockAt = firstBlock; blockAt < order.blocks.length; blockAt++) {
    const block = must(order.blocks[blockAt], "the loop stays inside");
    for (
      let at = blockAt === firstBlock ? firstNotBelow(block, from) : 0;
      at < block.length;
      at++
    ) {
      if (visit(must(block[at], "the loop stays inside")) === "stop") return;
    }
  }
}

/** The last block whose first key is not above `key`; -1 where all are. */
function blockFor(order: KeyOrder, key: string): number {
  let low = 0;
  let high = order.blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (must(order.blocks[middle]?.[0], "no block is empty") <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The place of the first key that is `key` or above it. */
function firstNotBelow(block: readonly string[], key: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (must(block[middle], "the search stays inside") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
