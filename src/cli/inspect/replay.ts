/** The store, built again from the log by what builds it on every node: kv/store. */
import { assert, unreachable } from "../../base/assert.ts";
import { type LogIndex, millis, nextIndex, noIndex, noTerm } from "../../base/numbers.ts";
import { decodeCommand } from "../../codec/command.ts";
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

export class Replay {
  readonly store: Store = emptyStore();
  /** The last entry that was applied. */
  applied: LogIndex = noIndex;
  term = noTerm;
  time = millis(0);

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
