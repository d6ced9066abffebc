/** One part of a store as bytes: what every section of a snapshot can do. The list of them: store-sections.ts. */
import { concat } from "../base/bytes.ts";
import type { Store } from "../kv/store.ts";

/** About how many bytes make a block: so much is also encoded at once. */
export const blockBytesDefault = 1 << 15;

/** Kinds below this are for the file around the sections. */
export const sectionKindMin = 16;

export type Section = {
  readonly kind: number;
  /** For people. */
  readonly name: string;
  /** Starts to read this part as it is now, in blocks of about so many bytes. */
  readonly begin: (store: Store, blockBytes: number) => SectionSource;
  /** Puts the items of a block into a store that is being made; null where they are malformed. */
  readonly read: (store: Store, block: Uint8Array) => "taken" | null;
};

export type SectionSource = {
  /** The next block, or null behind the last; to be used before the one after it is asked for. */
  readonly next: () => Uint8Array | null;
  /** Nobody reads any more: the store keeps nothing more aside. */
  readonly end: () => void;
};

/** The next items as one block: as many as reach `bytesMin` together; null when there are none left. */
export function nextBlock(items: Iterator<Uint8Array>, bytesMin: number): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < bytesMin) {
    const next = items.next();
    if (next.done === true) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return length === 0 ? null : concat(parts);
}
