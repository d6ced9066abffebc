/**
 * What each applied entry changed, for watchers that read the log from somewhere on. The log says it: a put that took
 * effect changed its key to its value. Kept here is only what it does not say: writes that had no effect (a condition
 * that failed, a repetition), and entries of which the outcome depends on the store (transactions, counts, expiries).
 *
 * It goes back as far as the log does, and not further than this server has applied entry by entry.
 */
import { assert, must } from "../base/assert.ts";
import { type LogIndex, nextIndex, previousIndex } from "../base/numbers.ts";
import { decodeCommand } from "../codec/command.ts";
import type { Change, Changes } from "../kv/changes.ts";
import type { Command } from "../kv/command.ts";
import type { Entry } from "../raft/types.ts";

/** Entries whose changes are kept ready, because several watchers are about to ask for them. */
const recentMax = 1024;

type Recent = { readonly index: LogIndex; readonly changes: readonly Change[] };

export class Past {
  /** What is not as its entry says. */
  private readonly exceptions = new Map<LogIndex, readonly Change[]>();
  private readonly recent: (Recent | null)[] = new Array<Recent | null>(recentMax).fill(null);
  private first: LogIndex;
  private next: LogIndex;

  /** Nothing up to `base` is known. */
  constructor(base: LogIndex) {
    this.first = nextIndex(base);
    this.next = this.first;
  }

  /** The first entry whose changes can be told. What is before it is compacted. */
  get firstAvailable(): LogIndex {
    return this.first;
  }

  /** The last one; before the first where there is none. */
  get last(): LogIndex {
    return previousIndex(this.next);
  }

  /** What is kept of a past, for `inspect` and tests. */
  get kept(): number {
    return this.exceptions.size;
  }

  /** The next entry was applied. */
  note(index: LogIndex, command: Command | null, changes: Changes): void {
    assert(index === this.next, "what is noted joins on to what was");
    this.next = nextIndex(index);
    if (changes.count === plainCount(command)) return;
    this.exceptions.set(index, changes.list());
  }

  /** The log begins here now. */
  trim(firstIndex: LogIndex): void {
    if (firstIndex <= this.first) return;
    this.first = firstIndex;
    if (this.next < firstIndex) this.next = firstIndex;
    for (const index of this.exceptions.keys()) {
      if (index >= firstIndex) return;
      this.exceptions.delete(index);
    }
  }

  /** What the entry changed; it is one between the first and the last. */
  changesOf(entry: Entry): readonly Change[] {
    const { index } = entry;
    const slot = index % recentMax;
    const known = this.recent[slot];
    if (known?.index === index) return known.changes;
    const changes = this.exceptions.get(index) ?? changesAsWritten(entry);
    this.recent[slot] = { index, changes };
    return changes;
  }
}

/** How many changes an entry makes that took effect as it says. */
function plainCount(command: Command | null): number {
  if (command?.kind !== "request") return 0;
  const { kind } = command.operation;
  return kind === "put" || kind === "put-leased" || kind === "cas" || kind === "delete" ? 1 : 0;
}

function changesAsWritten(entry: Entry): readonly Change[] {
  if (entry.kind !== "command") return none;
  const command = must(decodeCommand(entry.body), "what was applied can be read");
  if (command.kind !== "request") return none;
  const { operation } = command;
  switch (operation.kind) {
    case "put":
    case "put-leased":
    case "cas":
      return [{ key: operation.key, value: operation.value }];
    case "delete":
      return [{ key: operation.key, value: null }];
    default:
      return none;
  }
}

const none: readonly Change[] = [];
