/** The store, built again from the log by what builds it on every node: kv/store. */
import { assert, unreachable } from "../../base/assert.ts";
import {
  type LogIndex,
  millis,
  nextIndex,
  noIndex,
  noTerm,
  type Term,
} from "../../base/numbers.ts";
import { decodeCommand } from "../../codec/command.ts";
import type { LoadedSnapshot } from "../../journal/snapshot-load.ts";
import type { Reply } from "../../kv/command.ts";
import { apply, emptyStore, type Store } from "../../kv/store.ts";
import type { Entry } from "../../raft/types.ts";

export type Outcome =
  | { readonly kind: "replied"; readonly reply: Reply }
  /** The entry is the leader's own and means nothing to the store. */
  | { readonly kind: "no-command" }
  /** From here on the store is not known. */
  | { readonly kind: "unreadable" };

const noCommand: Outcome = { kind: "no-command" };

/** A snapshot that was read whole. */
export type Beginning = Extract<LoadedSnapshot, { kind: "loaded" }>;

export class Replay {
  readonly store: Store;
  /** The last entry that was applied. */
  applied: LogIndex = noIndex;
  term: Term = noTerm;
  time = millis(0);

  /** From the first entry on, or from what a snapshot has. */
  constructor(snapshot: Beginning | null = null) {
    this.store = snapshot?.store ?? emptyStore();
    if (snapshot === null) return;
    this.applied = snapshot.head.last.index;
    this.term = snapshot.head.last.term;
    this.time = snapshot.head.time;
  }

  /** Whether this is the next entry, one that a snapshot has, or one behind others that are not there. */
  place({ index }: Entry): "next" | "known" | "beyond" {
    if (index <= this.applied) return "known";
    return index === nextIndex(this.applied) ? "next" : "beyond";
  }

  apply(entry: Entry): Outcome {
    assert(entry.index === nextIndex(this.applied), "entries are applied in order, each once");
    this.applied = entry.index;
    this.term = entry.term;
    this.time = entry.time;
    switch (entry.kind) {
      case "command": {
        const { index, time } = entry;
        const command = decodeCommand(entry.body);
        if (command === null) return { kind: "unreadable" };
        return { kind: "replied", reply: apply(this.store, { index, time, command }) };
      }
      case "noop":
      case "configuration":
        return noCommand;
      default:
        return unreachable(entry);
    }
  }
}
