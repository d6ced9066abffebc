/**
 * Client sessions (dissertation 6.3): a request that is sent twice has its effect once. A session
 * remembers the replies to its writes until the client has acknowledged them. What is remembered,
 * and what is forgotten when, depends on the log alone: on log order and on cluster time, never on
 * a replica's own clock.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex, Millis } from "../base/numbers.ts";
import { limits, type Reply, type SessionId } from "./command.ts";
import { keepSession, type SessionView } from "./session-view.ts";

export type Session = {
  readonly id: SessionId;
  /** Cluster time of its last request, or of its registration. */
  lastUsed: Millis;
  /** Every sequence below has had its reply, which is forgotten. */
  acknowledged: number;
  /**
   * Replies to writes by sequence, from `acknowledged` up to less than `sessionWindow` beyond it.
   */
  readonly replies: Map<number, Reply>;
};

export type SessionLimits = {
  readonly sessionsMax: number;
  readonly sessionWindow: number;
  readonly sessionIdleMs: number;
};

export type Sessions = {
  readonly limits: SessionLimits;
  /** In the order of their last use, the longest unused one first: who must go is found at once. */
  readonly byId: Map<SessionId, Session>;
  /** The last of `byId`, which is spared being moved to the end; 0 where there is none. */
  newest: SessionId;
  /** Where somebody is reading the sessions as they were at one moment (view.ts); null at most times. */
  view: SessionView | null;
};

export const noSessions = (sessionLimits: SessionLimits = limits): Sessions => ({
  limits: sessionLimits,
  byId: new Map(),
  newest: 0,
  view: null,
});

/**
 * The new session's name is the index of the entry that registered it, so no two are ever the same.
 */
export function register(sessions: Sessions, index: LogIndex, time: Millis): SessionId {
  assert(!sessions.byId.has(index), "an index registers one session");
  forgetIdle(sessions, time);
  while (sessions.byId.size >= sessions.limits.sessionsMax) forgetOldest(sessions);
  sessions.byId.set(index, { id: index, lastUsed: time, acknowledged: 1, replies: new Map() });
  sessions.newest = index;
  return index;
}

export type RequestName = {
  readonly session: SessionId;
  readonly sequence: number;
  readonly acknowledged: number;
};

export type Admission =
  /** Not seen before (or a read, which is answered anew each time). */
  | { readonly kind: "admitted"; readonly session: Session }
  /** The answer, without any effect. */
  | { readonly kind: "answered"; readonly reply: Reply };

/** What to do with a request. Counts as a use of the session. */
export function admit(sessions: Sessions, name: RequestName, time: Millis): Admission {
  const session = sessions.byId.get(name.session);
  if (session === undefined) return sessionUnknown;
  if (sessions.view !== null) keepSession(sessions.view, session);
  if (isIdle(sessions, session, time)) {
    sessions.byId.delete(session.id);
    if (sessions.newest === session.id) sessions.newest = 0;
    return sessionUnknown;
  }
  use(sessions, session, time);
  acknowledge(sessions, session, name.acknowledged);
  if (name.sequence < session.acknowledged) return alreadyAcknowledged;
  if (name.sequence >= session.acknowledged + sessions.limits.sessionWindow) return windowExceeded;
  const reply = session.replies.get(name.sequence);
  return reply === undefined ? { kind: "admitted", session } : { kind: "answered", reply };
}

/** Keeps the reply to a write for the retries of it. */
export function remember(session: Session, sequence: number, reply: Reply): void {
  assert(sequence >= session.acknowledged, "a reply that is acknowledged is not kept");
  session.replies.set(sequence, reply);
}

const sessionUnknown: Admission = { kind: "answered", reply: { kind: "session-unknown" } };
const alreadyAcknowledged: Admission = {
  kind: "answered",
  reply: { kind: "already-acknowledged" },
};
const windowExceeded: Admission = { kind: "answered", reply: { kind: "window-exceeded" } };

function use(sessions: Sessions, session: Session, time: Millis): void {
  session.lastUsed = time;
  if (sessions.newest === session.id) return;
  sessions.byId.delete(session.id);
  sessions.byId.set(session.id, session);
  sessions.newest = session.id;
}

/** All kept replies lie within the window, so this ends however far a client jumps. */
function acknowledge(sessions: Sessions, session: Session, acknowledged: number): void {
  if (acknowledged <= session.acknowledged) return;
  const end = Math.min(acknowledged, session.acknowledged + sessions.limits.sessionWindow);
  for (let sequence = session.acknowledged; sequence < end; sequence++) {
    session.replies.delete(sequence);
  }
  session.acknowledged = acknowledged;
}

const isIdle = (sessions: Sessions, session: Session, time: Millis): boolean =>
  time - session.lastUsed >= sessions.limits.sessionIdleMs;

/**
 * Idle sessions are forgotten when they are asked for, and all of them before a new one is
 * registered: nothing can tell this from forgetting each at its moment.
 */
function forgetIdle(sessions: Sessions, time: Millis): void {
  for (const session of sessions.byId.values()) {
    if (!isIdle(sessions, session, time)) return;
    if (sessions.view !== null) keepSession(sessions.view, session);
    sessions.byId.delete(session.id);
  }
}

function forgetOldest(sessions: Sessions): void {
  for (const [id, session] of sessions.byId) {
    if (sessions.view !== null) keepSession(sessions.view, session);
    sessions.byId.delete(id);
    return;
  }
}
