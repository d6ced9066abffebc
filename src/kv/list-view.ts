/**
 * Lists that are read in pages of one revision, though the store goes on and keeps one version of each key. Whoever
 * asks for the first page of such a list opens a view of its range; from then on a key that changes there leaves
 * what it held, once, in the view. A later page is the store with what was left put back.
 *
 * A view is this server's own and no part of the replicated state: another server, or this one after a restart, has
 * none, and says so. It is bounded in keys and bytes; one that would grow beyond is given up, and so is the one that
 * was not asked for longest when there are too many, and one that nobody asks for while the log goes on.
 *
 * Rejected: a check that nothing has changed since the first page. Under load there would never be a second one.
 */
import type { LogIndex } from "../base/numbers.ts";
import { addKey, emptyKeyOrder, type KeyOrder, visitKeys } from "./key-order.ts";
import type { Stored } from "./values.ts";

export const viewLimits = {
  viewsMax: 4,
  /** Keys that one view keeps, and their bytes with what they held. */
  keysMax: 65_536,
  bytesMax: 16 << 20,
  /** Entries that are applied while nobody asks for a page; fewer once the last page was given. */
  idleEntriesMax: 1_000_000,
  doneEntriesMax: 10_000,
} as const;

const lookEveryEntries = 1000;

/** What is listed: keys that begin with `prefix`, from `from` on, below `to` where that is not "". */
export type Range = { readonly prefix: string; readonly from: string; readonly to: string };

export type ListView = {
  readonly range: Range;
  readonly index: LogIndex;
  /** What keys held that have changed since; null: there was no such key. */
  readonly before: Map<string, Stored | null>;
  /** Those of `before` that there were. */
  readonly there: KeyOrder;
  bytes: number;
  askedAt: LogIndex;
  last: "to-come" | "given";
};

/** The one that was asked for last stands last. */
export type ListViews = { open: ListView[] };

export const noViews = (): ListViews => ({ open: [] });

export const isInRange = ({ prefix, from, to }: Range, key: string): boolean =>
  key >= from && (to === "" || key < to) && key.startsWith(prefix);

/** The store is at `index`: nothing has changed yet. */
export function openView(views: ListViews, range: Range, index: LogIndex): ListView {
  const known = findView(views, range, index);
  if (known !== null) return known;
  while (views.open.length >= viewLimits.viewsMax) views.open.shift();
  const view: ListView = {
    ...{ range, index, before: new Map(), there: emptyKeyOrder() },
    ...{ bytes: 0, askedAt: index, last: "to-come" },
  };
  views.open.push(view);
  return view;
}

/** The view of this range as of `index`, or null where there is none (any more). */
export function findView(views: ListViews, range: Range, index: LogIndex): ListView | null {
  const view = views.open.find((one) => one.index === index && sameRange(one.range, range));
  if (view === undefined) return null;
  views.open = views.open.filter((one) => one !== view);
  views.open.push(view);
  return view;
}

const sameRange = (a: Range, b: Range): boolean =>
  a.prefix === b.prefix && a.from === b.from && a.to === b.to;

/** To be called before a key changes, while views are open. `stored` is what it holds; undefined: nothing. */
export function keepForViews(views: ListViews, key: string, stored: Stored | undefined): void {
  let grown: ListView | null = null;
  for (const view of views.open) {
    if (view.before.has(key) || !isInRange(view.range, key)) continue;
    view.before.set(key, stored ?? null);
    view.bytes += key.length + (stored?.value.length ?? 0);
    if (stored !== undefined) addKey(view.there, key);
    if (view.before.size > viewLimits.keysMax || view.bytes > viewLimits.bytesMax) grown = view;
  }
  if (grown !== null) views.open = views.open.filter((view) => view !== grown);
}

/** To be called with every entry, while views are open: those that nobody asks for are given up. */
export function forgetIdleViews(views: ListViews, index: LogIndex): void {
  if (index % lookEveryEntries !== 0) return;
  views.open = views.open.filter(({ askedAt, last }) => {
    const most = last === "given" ? viewLimits.doneEntriesMax : viewLimits.idleEntriesMax;
    return index - askedAt <= most;
  });
}

/** What a key held at the view's revision. */
export const heldThen = (
  view: ListView,
  values: ReadonlyMap<string, Stored>,
  key: string,
): Stored | null => {
  const before = view.before.get(key);
  return before === undefined ? (values.get(key) ?? null) : before;
};

/**
 * Calls `visit` in order for each key from `from` on that is there now or was there then, until it says "stop".
 * At most `wanted` of those that are gone are looked up: whoever wants more has said "stop" before.
 */
export function visitThen(
  view: ListView,
  order: KeyOrder,
  walk: {
    readonly from: string;
    readonly wanted: number;
    readonly visit: (key: string) => "next" | "stop";
  },
): void {
  const { from, wanted, visit } = walk;
  const kept: string[] = [];
  visitKeys(view.there, from, (key) => {
    kept.push(key);
    return kept.length < wanted ? "next" : "stop";
  });
  let at = 0;
  let said: "next" | "stop" = "next";
  const visitBelow = (key: string | null): void => {
    for (let next = kept[at]; next !== undefined && said === "next"; next = kept[at]) {
      if (key !== null && next >= key) return;
      at += 1;
      said = visit(next);
    }
  };
  visitKeys(order, from, (key) => {
    visitBelow(key);
    if (said === "stop") return "stop";
    if (kept[at] === key) at += 1;
    said = visit(key);
    return said;
  });
  visitBelow(null);
}
