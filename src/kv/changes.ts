/**
 * What applying an entry changed, key by key, in order: for whoever watches. One list serves every entry in turn, and
 * keeps its places from one to the next, so that a write costs no memory here.
 */

/** `value` null: the key was deleted. */
export type Change = { readonly key: string; readonly value: Uint8Array | null };

type Place = { key: string; value: Uint8Array | null };

/** Places beyond this many are not kept for the next entry. */
const placesKept = 64;

export class Changes {
  private readonly places: Place[] = [];
  private used = 0;

  get count(): number {
    return this.used;
  }

  /** The next entry is about to be applied. */
  begin(): void {
    this.used = 0;
    if (this.places.length > placesKept) this.places.length = placesKept;
  }

  note(key: string, value: Uint8Array | null): void {
    const place = this.places[this.used];
    if (place === undefined) this.places.push({ key, value });
    else {
      place.key = key;
      place.value = value;
    }
    this.used += 1;
  }

  /** A copy, for keeping. */
  list(): readonly Change[] {
    return this.places.slice(0, this.used).map(({ key, value }) => ({ key, value }));
  }
}
