/**
 * The leases of a store in a snapshot, with the keys that go with them. Follows the keys, which must be there.
 *
 * LEASES BLOCK (kind 18), item after item; leases in the order of their ids
 *    u8 1  the time: u48 cluster time of the last command; once, before all leases
 *    u8 2  a lease: u48 its id, u8 origin (0 granted, 1 own), u48 span, u48 deadline
 *    u8 3  a key: u48 the lease that it goes with, which stands before it, u16 length, the key; in byte order
 *
 * Valid when the items fill the block exactly, a lease's id is above that of the one before it, its span is one that a
 * lease may have, its deadline is no further from the time than that, and a key is in the store and goes with no other.
 */
import { byteString, bytesOfByteString } from "../base/bytes.ts";
import { readU16, readU48, writeU16, writeU48 } from "../base/integers.ts";
import { type Millis, millis } from "../base/numbers.ts";
import { beginLeaseView, type LeasePicture, nextLease } from "../kv/lease-view.ts";
import { attachKey, restoreLease } from "../kv/leases.ts";
import type { Store } from "../kv/store.ts";
import { isLeaseSpan } from "./lease.ts";
import { choiceOf } from "./messagepack.ts";
import { nextBlock, type Section } from "./section.ts";

const itemKinds = { time: 1, lease: 2, key: 3 } as const;
const timeItemBytes = 7;
const leaseItemBytes = 20;
const keyHeadBytes = 9;
const origins = ["granted", "own"] as const;

export const leasesSection: Section = { kind: 18, name: "leases", begin, read };

function begin({ leases, time }: Store, blockBytes: number) {
  const view = beginLeaseView(leases.byId);
  const items = itemsOf(time, () => nextLease(leases.byId, view));
  leases.view = view;
  return {
    next: () => nextBlock(items, blockBytes),
    end: () => {
      if (leases.view === view) leases.view = null;
    },
  };
}

function* itemsOf(time: Millis, next: () => LeasePicture | null): Generator<Uint8Array, undefined> {
  let lease = next();
  // Where there never was a lease there is no block.
  if (lease !== null) yield timeItem(time);
  for (; lease !== null; lease = next()) {
    yield leaseItem(lease);
    for (const key of lease.keys) yield keyItem(lease, key);
  }
}

function timeItem(time: Millis): Uint8Array {
  const item = new Uint8Array(timeItemBytes);
  item[0] = itemKinds.time;
  writeU48(item, 1, time);
  return item;
}

function leaseItem({ id, origin, ttlMs, deadline }: LeasePicture): Uint8Array {
  const item = new Uint8Array(leaseItemBytes);
  item[0] = itemKinds.lease;
  writeU48(item, 1, id);
  item[7] = origins.indexOf(origin);
  writeU48(item, 8, ttlMs);
  writeU48(item, 14, deadline);
  return item;
}

function keyItem({ id }: LeasePicture, key: string): Uint8Array {
  const item = new Uint8Array(keyHeadBytes + key.length);
  item[0] = itemKinds.key;
  writeU48(item, 1, id);
  writeU16(item, 7, key.length);
  item.set(bytesOfByteString(key), keyHeadBytes);
  return item;
}

function read(store: Store, block: Uint8Array): "taken" | null {
  let at = 0;
  while (at < block.length) {
    const end = readItem(store, block, at);
    if (end === null) return null;
    at = end;
  }
  return "taken";
}

/** Where the item ends, or null. */
function readItem(store: Store, block: Uint8Array, at: number): number | null {
  switch (block[at]) {
    case itemKinds.time:
      return readTime(store, block, at);
    case itemKinds.lease:
      return readLease(store, block, at);
    case itemKinds.key:
      return readKey(store, block, at);
    default:
      return null;
  }
}

function readTime(store: Store, block: Uint8Array, at: number): number | null {
  const end = at + timeItemBytes;
  if (end > block.length || store.leases.byId.size > 0) return null;
  store.time = millis(readU48(block, at + 1));
  return end;
}

function readLease({ leases, time }: Store, block: Uint8Array, at: number): number | null {
  const end = at + leaseItemBytes;
  if (end > block.length) return null;
  const id = readU48(block, at + 1);
  const origin = choiceOf(origins, block[at + 7]);
  const ttlMs = readU48(block, at + 8);
  const deadline = millis(readU48(block, at + 14));
  if (origin === null || !isLeaseSpan(ttlMs) || deadline > time + ttlMs) return null;
  const lease = { id, origin, ttlMs, deadline, keys: new Set<string>() };
  return restoreLease(leases, lease) === "restored" ? end : null;
}

function readKey({ leases, values }: Store, block: Uint8Array, at: number): number | null {
  const keyAt = at + keyHeadBytes;
  if (keyAt > block.length) return null;
  const lease = leases.byId.get(readU48(block, at + 1));
  const end = keyAt + readU16(block, at + 7);
  if (end > block.length || lease === undefined) return null;
  const key = byteString(block.subarray(keyAt, end));
  if (!values.has(key) || leases.ofKey.has(key)) return null;
  attachKey(leases, lease, key);
  return end;
}
