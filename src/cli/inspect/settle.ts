/**
 * From records in the order of the file to entries in the order of the log. An entry can be
 * replaced until it is committed, so it is held back until a mark says that it is; what is left in
 * the end is the tail of which the file does not know.
 */
import { type LogIndex, noIndex } from "../../base/numbers.ts";
import type { SnapshotMark } from "../../journal/record.ts";
import type { Entry } from "../../raft/types.ts";
import type { Item } from "./log.ts";

/** An entry with the record that holds it. */
export type Placed = { readonly entry: Entry; readonly item: Item };

export type Settled = {
  /** Committed from now on, in order. */
  readonly committed: readonly Placed[];
  /** Gone from now on. */
  readonly replaced: readonly Placed[];
};

const nothing: readonly Placed[] = [];
const unchanged: Settled = { committed: nothing, replaced: nothing };

export class Settling {
  private pending: Placed[] = [];
  private committed: LogIndex = noIndex;

  /** Not known to be committed, in order. */
  get tail(): readonly Placed[] {
    return this.pending;
  }

  take(item: Item): Settled {
    const { record } = item.located;
    switch (record.kind) {
      case "entry":
        return this.takeEntry(record.entry, item);
      case "mark":
      case "header":
        return this.takeCommit(record.commit);
      case "snapshot":
        return this.takeSnapshot(record);
      default:
        return unchanged;
    }
  }

  private takeEntry(entry: Entry, item: Item): Settled {
    const { pending } = this;
    const first = pending[0]?.entry.index ?? entry.index;
    const kept = Math.max(0, entry.index - first);
    const replaced = kept < pending.length ? pending.splice(kept) : nothing;
    pending.push({ entry, item });
    return replaced.length === 0 ? unchanged : { committed: nothing, replaced };
  }

  /** What it has is committed. A log that did not lead to it is gone, and goes on behind it. */
  private takeSnapshot({ id, log }: SnapshotMark): Settled {
    if (log === "kept") return this.takeCommit(id.last.index);
    this.committed = id.last.index;
    return { committed: nothing, replaced: this.pending.splice(0) };
  }

  private takeCommit(commit: LogIndex): Settled {
    if (commit <= this.committed) return unchanged;
    this.committed = commit;
    const first = this.pending[0]?.entry.index;
    if (first === undefined || commit < first) return unchanged;
    return { committed: this.pending.splice(0, commit - first + 1), replaced: nothing };
  }
}

/** Every entry of the log in order, those that were replaced left out. */
export function* settledEntries(items: Iterable<Item>): Generator<Placed> {
  const settling = new Settling();
  for (const item of items) yield* settling.take(item).committed;
  yield* settling.tail;
}
