/** Keys in byte order, page by page: as they are, or as they were when the first page was asked for (list-view.ts). */
import type { LogIndex } from "../base/numbers.ts";
import { type Item, type ListOperation, limits, type Reply } from "./command.ts";
import { visitKeys } from "./key-order.ts";
import {
  findView,
  heldThen,
  isInRange,
  type ListView,
  openView,
  type Range,
  visitThen,
} from "./list-view.ts";
import type { Stored, Values } from "./values.ts";

/**
 * At least one key where there is one, else as many as both limits allow. `more` says that another key would follow;
 * it is found by asking for the keys after the last one. `applied` is where the store stands; null where the list is
 * an entry of the log itself: then it is of that entry's moment, the same on every server, and there are no views.
 */
export function list(store: Values, operation: ListOperation, applied: LogIndex | null): Reply {
  const { revision } = operation;
  const range = rangeOf(operation);
  if (revision.kind === "at") {
    const { index } = revision;
    const view = applied === null ? null : viewAt(store, range, { index, applied });
    if (view === null || applied === null) return { kind: "view-lost", index };
    const page = pageOf(store, operation, view);
    view.askedAt = applied;
    view.last = page.more === "end" ? "given" : "to-come";
    return page;
  }
  const page = pageOf(store, operation, null);
  if (revision.kind === "hold" && page.more === "more" && applied !== null) {
    openView(store.views, range, applied);
  }
  return page;
}

const rangeOf = ({ prefix, from, to }: ListOperation): Range => ({ prefix, from, to });

/** What is asked for as of now needs no view that was opened before. */
function viewAt(
  store: Values,
  range: Range,
  { index, applied }: { readonly index: LogIndex; readonly applied: LogIndex },
): ListView | null {
  return index === applied
    ? openView(store.views, range, index)
    : findView(store.views, range, index);
}

function pageOf(
  store: Values,
  operation: ListOperation,
  view: ListView | null,
): Extract<Reply, { kind: "listed" }> {
  const { prefix, after, show } = operation;
  const range = rangeOf(operation);
  const keysMax = Math.max(1, Math.min(operation.limit, limits.listKeysMax));
  const items: Item[] = [];
  let bytes = 0;
  let more: "more" | "end" = "end";
  const visit = (key: string): "next" | "stop" => {
    if (key === after) return "next";
    if (!isInRange(range, key)) return "stop";
    const stored = heldAt(store, view, key);
    if (stored === null) return "next";
    bytes += key.length + (show === "values" ? stored.value.length : 0);
    if (items.length > 0 && (items.length >= keysMax || bytes > limits.listBytesMax)) {
      more = "more";
      return "stop";
    }
    const value = show === "values" ? stored.value : null;
    items.push({ key, revision: stored.revision, value });
    return "next";
  };
  const from = last(last(prefix, operation.from), after);
  if (view === null) visitKeys(store.order, from, visit);
  // One for the key that is left out, and one for the key that only tells that more follow.
  else visitThen(view, store.order, { from, wanted: keysMax + 2, visit });
  return { kind: "listed", items, more };
}

const last = (a: string, b: string): string => (b > a ? b : a);

function heldAt(store: Values, view: ListView | null, key: string): Stored | null {
  if (view !== null) return heldThen(view, store.values, key);
  return store.values.get(key) ?? null;
}
