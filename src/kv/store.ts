/**
 * The state that the log builds: keys with their values and revisions, the sessions, the leases. `apply` is
 * a function of the store and the entry alone, so every replica that applied the same entries holds
 * the same store. It changes the store in place, for speed, and keeps the values it is given.
 */
import { unreachable } from "../base/assert.ts";
import { sameBytes } from "../base/bytes.ts";
import { type LogIndex, type Millis, millis, noIndex } from "../base/numbers.ts";
import {
  type Command,
  isReadOperation,
  limits,
  meetsCondition,
  type ReadOperation,
  type Reply,
  type WriteOperation,
} from "./command.ts";
import { countOn, numberBytes } from "./counting.ts";
import { expire, writeLease } from "./lease-writes.ts";
import { listLeases } from "./leases.ts";
import { forgetIdleViews } from "./list-view.ts";
import { list } from "./listing.ts";
import {
  admit,
  noSessions,
  register,
  remember,
  type SessionLimits,
  type Sessions,
} from "./sessions.ts";
import { transact } from "./transaction.ts";
import { dropValue, noValues, putValue, revisionOf, setValue, type Values } from "./values.ts";

export type Store = Values & {
  readonly sessions: Sessions;
  /** Cluster time of the last command. */
  time: Millis;
};

export const emptyStore = (sessionLimits: SessionLimits = limits): Store => ({
  ...noValues(),
  sessions: noSessions(sessionLimits),
  time: millis(0),
});

/** What is applied: an entry's command, with the entry's index and cluster time. */
export type Application = {
  readonly index: LogIndex;
  readonly time: Millis;
  readonly command: Command;
};

export function apply(store: Store, { index, time, command }: Application): Reply {
  if (store.views.open.length > 0) forgetIdleViews(store.views, index);
  store.changes.begin();
  store.time = time;
  switch (command.kind) {
    case "register":
      return { kind: "registered", session: register(store.sessions, index, time) };
    case "request":
      return applyRequest(store, { index, time, command });
    case "expire":
      return expire(store, time, command.leases);
    default:
      return unreachable(command);
  }
}

function applyRequest(
  store: Store,
  application: Application & { readonly command: Extract<Command, { kind: "request" }> },
): Reply {
  const { command, index } = application;
  const admission = admit(store.sessions, command, application.time);
  if (admission.kind === "answered") return admission.reply;
  const { operation, sequence } = command;
  // A read has no effect to protect and its reply can be large: a retry reads again.
  if (isReadOperation(operation)) return read(store, operation, null);
  const reply = write(store, index, operation);
  remember(admission.session, sequence, reply);
  return reply;
}

function write(store: Store, index: LogIndex, operation: WriteOperation): Reply {
  switch (operation.kind) {
    case "put": {
      const { condition } = operation;
      // Most puts have no condition; to look at what they replace would be a miss of every cache.
      if (condition.kind !== "always") {
        const revision = revisionOf(store, operation.key);
        if (!meetsCondition(condition, revision)) return { kind: "condition-failed", revision };
      }
      putValue(store, operation.key, { value: operation.value, revision: index });
      return { kind: "written", index };
    }
    case "delete":
      if (dropValue(store, operation.key) === "absent") return { kind: "absent" };
      return { kind: "deleted", index };
    case "cas": {
      const stored = store.values.get(operation.key);
      if (stored === undefined) return { kind: "condition-failed", revision: noIndex };
      if (!sameBytes(stored.value, operation.expected)) {
        return { kind: "condition-failed", revision: stored.revision };
      }
      setValue(store, operation.key, { value: operation.value, revision: index });
      return { kind: "written", index };
    }
    case "incr":
      return count(store, index, operation);
    case "txn":
      return transact(store, index, operation);
    case "noop":
      return { kind: "done", index };
    case "put-leased":
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
      return writeLease(store, { index, now: store.time }, operation);
    default:
      return unreachable(operation);
  }
}

function count(
  store: Store,
  index: LogIndex,
  { key, by }: Extract<WriteOperation, { kind: "incr" }>,
): Reply {
  const stored = store.values.get(key);
  const counted = countOn(stored?.value ?? null, by);
  if (counted.kind === "refused") {
    const revision = stored?.revision ?? noIndex;
    return { kind: "count-refused", because: counted.because, revision };
  }
  setValue(store, key, { value: numberBytes(counted.value), revision: index });
  return { ...counted, index };
}

/**
 * Answers from the store as it is, or from a view of it; `applied` is where it stands, null for a read that is an
 * entry of the log itself. `now` is cluster time, for who knows it better than the last entry. The reply shares its
 * values with the store, which never changes one.
 */
export function read(
  store: Store,
  operation: ReadOperation,
  applied: LogIndex | null,
  now: Millis = store.time,
): Reply {
  if (operation.kind === "list") return list(store, operation, applied);
  if (operation.kind === "leases") {
    return { kind: "leases-listed", now, ...listLeases(store.leases, operation) };
  }
  const stored = store.values.get(operation.key);
  if (stored === undefined) return { kind: "absent" };
  return { kind: "found", revision: stored.revision, value: stored.value };
}
