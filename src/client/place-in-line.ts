/**
 * Who holds a lock, and who comes next. Whoever wants it writes a key of its own below the lock's prefix, with a lease
 * of its own: the key's revision is the place in line, and the token that the holder shows to what the lock guards. The
 * lowest revision holds. A key goes with its lease or when its owner leaves, and nobody comes in front: revisions grow.
 *
 * So tokens grow from holder to holder, and whoever is first stays first until its key is gone.
 */
import { byteString, utf8 } from "../base/bytes.ts";
import type { Item, LeaseId, Operation } from "../kv/command.ts";
import { wholeList } from "../kv/command.ts";

/** What is contended for: locks and elections are the same thing under different names. */
export type Prize = { readonly kind: "lock" | "elect"; readonly name: string };

/** The keys of all that are in line begin so. */
export const prefixOf = ({ kind, name }: Prize): string => byteString(utf8(`${kind}/${name}/`));

const nonceDigits = 12;

export const nonceMax = 16 ** nonceDigits;

/** `nonce` is drawn anew for each place in line. */
export const placeKey = (prefix: string, nonce: number): string =>
  prefix + nonce.toString(16).padStart(nonceDigits, "0");

/** Other names may begin with this one: `lock/a/` and `lock/a/b/`. */
export const isPlace = (prefix: string, key: string): boolean =>
  key.startsWith(prefix) && new RegExp(`^[0-9a-f]{${nonceDigits}}$`).test(key.slice(prefix.length));

export const enterLine = (parts: { key: string; value: Uint8Array; ttlMs: number }): Operation => ({
  ...{ kind: "put-leased", key: parts.key, value: parts.value, condition: { kind: "absent" } },
  tenure: { kind: "own", ttlMs: parts.ttlMs },
});

export const leaveLine = (lease: LeaseId): Operation => ({ kind: "lease-revoke", lease });
export const stayInLine = (lease: LeaseId): Operation => ({ kind: "lease-keep-alive", lease });

export const lookAtLine = (prefix: string, after: string): Operation => ({
  ...{ ...wholeList, prefix, after, show: "values" },
});

/**
 * Looks at the line page by page. Each page shows another moment, which does no harm: nobody can come in front of a
 * place, so whom no page has shown in front of it is not there.
 */
export class Line {
  readonly prefix: string;
  readonly #items: Item[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** One page more; the key after which to ask for the next, or null. */
  add(page: { readonly items: readonly Item[]; readonly more: "more" | "end" }): string | null {
    for (const item of page.items) if (isPlace(this.prefix, item.key)) this.#items.push(item);
    return page.more === "more" ? (page.items.at(-1)?.key ?? null) : null;
  }

  get holder(): Item | null {
    return this.#before(Number.POSITIVE_INFINITY, "first");
  }

  /** Whoever stands directly in front of a place; null: nobody, it holds. */
  ahead(place: number): Item | null {
    return this.#before(place, "last");
  }

  has(place: number): boolean {
    return this.#items.some(({ revision }) => revision === place);
  }

  #before(place: number, which: "first" | "last"): Item | null {
    const items = this.#items.filter(({ revision }) => revision < place);
    items.sort((a, b) => a.revision - b.revision);
    return (which === "first" ? items[0] : items.at(-1)) ?? null;
  }
}
