/**
 * The sessions as they were at one moment, in the order of their last use, which is a part of the state: it decides
 * who is forgotten first. Only their names are listed when it begins; a session is copied when it changes before it
 * was read (as keys are: key-view.ts).
 */
import type { Millis } from "../base/numbers.ts";
import type { Reply, SessionId } from "./command.ts";

export type SessionPicture = {
  readonly id: SessionId;
  readonly lastUsed: Millis;
  readonly acknowledged: number;
  readonly replies: ReadonlyMap<number, Reply>;
};

export type SessionView = {
  readonly ids: readonly SessionId[];
  /** How many of them have been read. */
  read: number;
  /** Sessions that have changed since and were not read yet, as they were. */
  readonly before: Map<SessionId, SessionPicture>;
};

export const beginSessionView = (byId: ReadonlyMap<SessionId, SessionPicture>): SessionView => ({
  ids: [...byId.keys()],
  read: 0,
  before: new Map(),
});

/** To be called before a session changes or goes. */
export function keepSession(view: SessionView, session: SessionPicture): void {
  const { id, lastUsed, acknowledged, replies } = session;
  if (view.before.has(id) || view.read === view.ids.length) return;
  view.before.set(id, { id, lastUsed, acknowledged, replies: new Map(replies) });
}

/** The next session as it was, or null when all have been read. */
export function nextSession(
  byId: ReadonlyMap<SessionId, SessionPicture>,
  view: SessionView,
): SessionPicture | null {
  const id = view.ids[view.read];
  if (id === undefined) return null;
  view.read += 1;
  const before = view.before.get(id);
  view.before.delete(id);
  // One that has changed was kept before, and one that is new is not on the list.
  return before ?? byId.get(id) ?? null;
}
