/** The replicated state machine: committed entries in, in order, each once; replies out (§5.3). */
import { assert, must, unreachable } from "../base/assert.ts";
import type { LogIndex, Millis } from "../base/numbers.ts";
import { nextIndex, noIndex } from "../base/numbers.ts";
import { decodeCommand } from "../codec/command.ts";
import type { JournalRecovered } from "../journal/open.ts";
import type { Command, ReadOperation, Reply } from "../kv/command.ts";
import type { Leases } from "../kv/leases.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import { apply, emptyStore, read, type Store } from "../kv/store.ts";
import type { Entry } from "../raft/types.ts";
import type { Comparison } from "./comparison.ts";
import { Past } from "./past.ts";

export class Machine {
  /** What the entries changed, for watchers. */
  readonly past: Past;
  private readonly comparison: Comparison;
  private current: Store;
  private lastApplied: LogIndex;
  private readonly sessionLimits: SessionLimits;

  /** As a snapshot has it, or from the first entry on. */
  constructor(
    from: { readonly store: Store; readonly applied: LogIndex } | null,
    sessionLimits: SessionLimits,
    comparison: Comparison,
  ) {
    this.sessionLimits = sessionLimits;
    this.current = this.limited(from?.store ?? emptyStore());
    this.lastApplied = from?.applied ?? noIndex;
    this.comparison = comparison;
    this.past = new Past(this.lastApplied);
  }

  get store(): Store {
    return this.current;
  }

  get applied(): LogIndex {
    return this.lastApplied;
  }

  /** The state as it is after an entry that was not applied here: it came as a whole. */
  restore(store: Store, applied: LogIndex): void {
    assert(applied > this.lastApplied, "what is installed is further on");
    this.current = this.limited(store);
    this.lastApplied = applied;
    // What the entries in between have changed was not seen here, also where the log has them.
    this.past.trim(nextIndex(applied));
  }

  /** A store as it was read knows of no limits but the usual ones. */
  private limited(store: Store): Store {
    return { ...store, sessions: { ...store.sessions, limits: this.sessionLimits } };
  }

  get keys(): number {
    return this.store.values.size;
  }

  /** To be looked at, and never changed. */
  get leases(): Leases {
    return this.store.leases;
  }

  /** Cluster time of the last command that was applied. */
  get time(): Millis {
    return this.store.time;
  }

  get sessions(): number {
    return this.store.sessions.byId.size;
  }

  /** `decoded` spares the work where the caller has it; null where the entry carries no command. */
  apply(entry: Entry, decoded: Command | null): Reply | null {
    assert(entry.index === nextIndex(this.lastApplied), "entries are applied in order, each once");
    this.lastApplied = entry.index;
    const { store, past } = this;
    switch (entry.kind) {
      case "command": {
        const command = decoded ?? must(decodeCommand(entry.body), "what was accepted can be read");
        const reply = apply(store, { index: entry.index, time: entry.time, command });
        past.note(entry.index, command, store.changes);
        this.compare();
        return reply;
      }
      case "noop":
      case "configuration":
        store.changes.begin();
        past.note(entry.index, null, store.changes);
        this.compare();
        return null;
      default:
        return unreachable(entry);
    }
  }

  private compare(): void {
    if (this.comparison.awaited === this.lastApplied) this.comparison.reached(this.store.hash);
  }

  /** `now`: cluster time. */
  read(operation: ReadOperation, now: Millis): Reply {
    return read(this.store, operation, this.lastApplied, now);
  }
}

/** Where a server that starts begins to apply: null at the first entry. */
export function recoveredState({ snapshot, base }: JournalRecovered) {
  assert(snapshot !== null || base.index === 0, "what the log does not hold is in a snapshot");
  return snapshot === null ? null : { store: snapshot.store, applied: snapshot.end.last.index };
}
