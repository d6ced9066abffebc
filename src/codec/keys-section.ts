/**
 * The keys of a store in a snapshot.
 *
 * KEYS BLOCK (kind 16), item after item, by ascending key
 *    0  u16  length of the key, from 1
 *    2  u32  length of the value
 *    6  u48  revision, from 1
 *   12       the key, the value
 *
 * Valid when lengths are within the limits of kv/command.ts, the items fill the block exactly, and each key is above
 * the one before it, in this block or an earlier one.
 */
import { byteString } from "../base/bytes.ts";
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import { logIndex } from "../base/numbers.ts";
import { limits } from "../kv/command.ts";
import { lastKey } from "../kv/key-order.ts";
import { beginKeyView, type KeyItem, nextKeys } from "../kv/key-view.ts";
import type { Store } from "../kv/store.ts";
import { appendValue } from "../kv/values.ts";
import type { Section } from "./section.ts";

const itemHeadBytes = 12;

export const keysSection: Section = { kind: 16, name: "keys", begin, read };

function begin(store: Store, blockBytes: number) {
  const view = beginKeyView();
  store.keyView = view;
  let buffer = new Uint8Array(2 * blockBytes);
  return {
    next: () => {
      const items = nextKeys(store, view, blockBytes);
      if (items === null) return null;
      const length = lengthOf(items);
      if (length > buffer.length) buffer = new Uint8Array(2 * length);
      write(items, buffer);
      return buffer.subarray(0, length);
    },
    end: () => {
      if (store.keyView === view) store.keyView = null;
    },
  };
}

function lengthOf(items: readonly KeyItem[]): number {
  let length = 0;
  for (const { key, stored } of items) length += itemHeadBytes + key.length + stored.value.length;
  return length;
}

function write(items: readonly KeyItem[], bytes: Uint8Array): void {
  let at = 0;
  for (const { key, stored } of items) {
    writeU16(bytes, at, key.length);
    writeU32(bytes, at + 2, stored.value.length);
    writeU48(bytes, at + 6, stored.revision);
    at += itemHeadBytes;
    for (let character = 0; character < key.length; character++) {
      bytes[at + character] = key.charCodeAt(character);
    }
    at += key.length;
    bytes.set(stored.value, at);
    at += stored.value.length;
  }
}

function read(store: Store, block: Uint8Array): "taken" | null {
  let last = lastKey(store.order);
  let at = 0;
  while (at < block.length) {
    const keyAt = at + itemHeadBytes;
    if (keyAt > block.length) return null;
    const keyBytes = readU16(block, at);
    const valueBytes = readU32(block, at + 2);
    const revision = readU48(block, at + 6);
    const valueAt = keyAt + keyBytes;
    const end = valueAt + valueBytes;
    if (keyBytes === 0 || keyBytes > limits.keyBytesMax) return null;
    if (valueBytes > limits.valueBytesMax || revision === 0 || end > block.length) return null;
    const key = byteString(block.subarray(keyAt, valueAt));
    if (key <= last) return null;
    appendValue(store, key, { value: block.slice(valueAt, end), revision: logIndex(revision) });
    last = key;
    at = end;
  }
  return "taken";
}
