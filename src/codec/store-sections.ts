/**
 * A store as bytes, and back: what a snapshot holds besides who and where it is (journal/snapshot-format.ts).
 *
 * The store is written in SECTIONS, one after the other in the order of the list below; a section is any number of
 * blocks of its kind, none of them empty. The same store makes the same blocks, byte for byte, on every server: where
 * a block ends depends on what is in it alone.
 *
 * To add a part to the store's state: a file beside keys-section.ts with a `Section`, a kind that was never used, its
 * place at the end of the list. `begin` is called between two entries and must not copy what can be large: it may
 * list names, and be told of changes from then on (kv/key-view.ts shows how). A part that never was used writes no
 * block, so that snapshots of before stay as they were; a reader that finds a kind it does not know refuses.
 */
import { emptyStore, type Store } from "../kv/store.ts";
import { keysSection } from "./keys-section.ts";
import { leasesSection } from "./leases-section.ts";
import { blockBytesDefault, type Section, type SectionSource } from "./section.ts";
import { sessionsSection } from "./sessions-section.ts";

export type SectionBlock = { readonly kind: number; readonly bytes: Uint8Array };

/** In the order in which they are written. Kinds: 16 keys, 17 sessions, 18 leases; 19 is kept for watches. */
const sections: readonly Section[] = [keysSection, sessionsSection, leasesSection];

/** A store as it was when this was made, block by block, while the store goes on. One at a time. */
export class StoreReader {
  private readonly parts: { readonly kind: number; readonly source: SectionSource }[];

  constructor(store: Store, blockBytes: number = blockBytesDefault) {
    this.parts = sections.map(({ kind, begin }) => ({ kind, source: begin(store, blockBytes) }));
  }

  /** To be used before the next one is asked for. */
  next(): SectionBlock | null {
    for (let part = this.parts[0]; part !== undefined; part = this.parts[0]) {
      const bytes = part.source.next();
      if (bytes !== null) return { kind: part.kind, bytes };
      part.source.end();
      this.parts.shift();
    }
    return null;
  }

  /** Stops early. */
  end(): void {
    for (const { source } of this.parts) source.end();
    this.parts.length = 0;
  }
}

/** Makes a store of blocks, in the order in which they were written. */
export class StoreBuilder {
  readonly store: Store = emptyStore();
  private at = 0;

  /** Keeps nothing of the bytes. After anything but "taken" the store is of no use. */
  take({ kind, bytes }: SectionBlock): "taken" | "unknown-section" | "malformed" {
    const at = sections.findIndex((section) => section.kind === kind);
    if (at < 0) return "unknown-section";
    if (at < this.at) return "malformed";
    this.at = at;
    return sections[at]?.read(this.store, bytes) ?? "malformed";
  }
}

export const sectionName = (kind: number): string =>
  sections.find((section) => section.kind === kind)?.name ?? `section-${kind}`;
