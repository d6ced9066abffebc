/** The replicated state machine: committed entries in, in order, each once; replies out (§5.3). */
import { assert, must, unreachable } from "../base/assert.ts";
import type { LogIndex } from "../base/numbers.ts";
import { nextIndex } from "../base/numbers.ts";
import { decodeCommand } from "../codec/command.ts";
import type { Command, ReadOperation, Reply } from "../kv/command.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import { apply, emptyStore, read, type Store } from "../kv/store.ts";
import type { Entry } from "../raft/types.ts";

export class Machine {
  readonly store: Store;
  private lastApplied: LogIndex;

  constructor(base: LogIndex, sessionLimits: SessionLimits) {
    this.store = emptyStore(sessionLimits);
    this.lastApplied = base;
  }

  get applied(): LogIndex {
    return this.lastApplied;
  }

  get keys(): number {
    return this.store.values.size;
  }

  get sessions(): number {
    return this.store.sessions.byId.size;
  }

  /** `decoded` spares the work where the caller has it; null where the entry carries no command. */
  apply(entry: Entry, decoded: Command | null): Reply | null {
    assert(entry.index === nextIndex(this.lastApplied), "entries are applied in order, each once");
    this.lastApplied = entry.index;
    switch (entry.kind) {
      case "command": {
        const command = decoded ?? must(decodeCommand(entry.body), "what was accepted can be read");
        return apply(this.store, { index: entry.index, time: entry.time, command });
      }
      case "noop":
      case "configuration":
        return null;
      default:
        return unreachable(entry);
    }
  }

  read(operation: ReadOperation): Reply {
    return read(this.store, operation, this.lastApplied);
  }
}
