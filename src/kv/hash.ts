/**
 * The hash of a store's contents: the sum, over all keys, of a hash of the key, its value and its revision. It depends
 * on what is there and not on how it came to be there, so a server that was restored and one that was always up have
 * the same; and a change costs one hash of one value. 32 bits: it finds mistakes, and stops no liar.
 */
import { crc32, crc32OfText } from "../base/checksum.ts";
import type { LogIndex } from "../base/numbers.ts";

/** Mixed, so that going on with the value is not the checksum of the two behind each other. */
export const keyHashOf = (key: string): number => mixed(crc32OfText(key));

/** `keyHash` is the key's own. */
export function itemHash(keyHash: number, value: Uint8Array, revision: LogIndex): number {
  const high = Math.floor(revision / 2 ** 32);
  return mixed(crc32(value, keyHash) ^ Math.imul(revision, 0x9e3779b1) ^ high);
}

/** Every bit of the sum depends on every bit of what is summed (the finalizer of MurmurHash3). */
function mixed(bits: number): number {
  let h = bits ^ (bits >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export const withItem = (sum: number, item: number): number => (sum + item) >>> 0;
export const withoutItem = (sum: number, item: number): number => (sum - item) >>> 0;

/** As it is shown. */
export const hashText = (sum: number): string => sum.toString(16).padStart(8, "0");

type Contents = {
  readonly values: ReadonlyMap<string, { readonly value: Uint8Array; readonly revision: LogIndex }>;
};

/** The same from the contents alone: what the sum that is kept must be. */
export function hashOfContents({ values }: Contents): number {
  let sum = 0;
  for (const [key, { value, revision }] of values) {
    sum = withItem(sum, itemHash(keyHashOf(key), value, revision));
  }
  return sum;
}
