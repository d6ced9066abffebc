/**
 * The hash of a store at an entry, as the body of a datagram.
 *
 * store-hash, a MessagePack array: index, hash
 *
 * Valid when the array has exactly these fields, the index is 1 or more, and the hash is a whole number below 2^32.
 */
import type { LogIndex } from "../base/numbers.ts";
import { isCount, packFields } from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

/** Leader -> everyone, now and then: after this entry my store has this hash (kv/hash.ts). */
export type StoreHash = { readonly index: LogIndex; readonly hash: number };

export const encodeStoreHash = ({ index, hash }: StoreHash): Uint8Array =>
  packFields([index, hash]);

/** The hash, or null where the body is none. Never throws. */
export function decodeStoreHash(body: Uint8Array): StoreHash | null {
  const fields = unpackFields(body);
  if (fields?.length !== 2) return null;
  const [index, hash] = fields;
  if (!isCount(index) || index === 0 || !isCount(hash) || hash > 0xffffffff) return null;
  return { index, hash };
}
