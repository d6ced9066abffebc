/**
 * Exactly-once effects and deterministic forgetting (dissertation 6.3; pitfalls 29 and 32),
 * sentence by sentence.
 */
import { beforeEach, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis } from "../../../src/base/numbers.ts";
import type { Operation, Reply } from "../../../src/kv/command.ts";
import { apply, emptyStore, type Store } from "../../../src/kv/store.ts";

const tight = { sessionsMax: 2, sessionWindow: 4, sessionIdleMs: 100 };
let store: Store;
let index = 0;

beforeEach(() => {
  store = emptyStore(tight);
  index = 0;
});

const put: Operation = { kind: "put", key: "k", value: utf8("v"), condition: { kind: "always" } };
const create: Operation = { ...put, condition: { kind: "absent" } };

function register(time = 0): number {
  const command = { kind: "register", nonce: 0 } as const;
  const reply = apply(store, { index: logIndex(++index), time: millis(time), command });
  if (reply.kind !== "registered") throw new Error(reply.kind);
  return reply.session;
}

type Parts = { sequence: number; acknowledged?: number; operation?: Operation; time?: number };

function request(session: number, parts: Parts): Reply {
  const { sequence, acknowledged = 1, operation = put, time = 0 } = parts;
  return apply(store, {
    index: logIndex(++index),
    time: millis(time),
    command: { kind: "request", session, sequence, acknowledged, operation },
  });
}

test("a session's name is the index of the entry that registered it", () => {
  expect([register(), register()]).toEqual([1, 2]);
});

test("a write that arrives twice has its effect once, and the same reply both times", () => {
  const session = register();
  const first = request(session, { sequence: 1, operation: create });
  expect(first).toEqual({ kind: "written", index: logIndex(2) });
  expect(request(session, { sequence: 1, operation: create })).toEqual(first);
  expect(store.values.get("k")?.revision).toBe(logIndex(2));
});

test("a refusal is remembered too: the retry of a failed condition does not succeed later", () => {
  const session = register();
  request(session, { sequence: 1 });
  const refused = request(session, { sequence: 2, operation: create });
  expect(refused.kind).toBe("condition-failed");
  request(session, { sequence: 3, operation: { kind: "delete", key: "k" } });
  expect(request(session, { sequence: 2, operation: create })).toEqual(refused);
});

test("writes of one session may arrive in any order within the window", () => {
  const session = register();
  for (const sequence of [4, 2, 3, 1]) {
    expect(request(session, { sequence }).kind).toBe("written");
  }
});

test("a sequence beyond the window is not applied, and can be once the window has moved", () => {
  const session = register();
  expect(request(session, { sequence: 5 })).toEqual({ kind: "window-exceeded" });
  expect(store.values.size).toBe(0);
  expect(request(session, { sequence: 5, acknowledged: 2 }).kind).toBe("written");
});

test("an acknowledged reply is forgotten, and its request is never applied again", () => {
  const session = register();
  request(session, { sequence: 1, operation: create });
  request(session, { sequence: 2, acknowledged: 2, operation: { kind: "delete", key: "k" } });
  expect(store.sessions.byId.get(session)?.replies.has(1)).toBe(false);
  const late = request(session, { sequence: 1, operation: create });
  expect(late).toEqual({ kind: "already-acknowledged" });
  expect(store.values.size).toBe(0);
});

test("the first reply that is not acknowledged is kept for its retry", () => {
  const session = register();
  request(session, { sequence: 1 });
  const second = request(session, { sequence: 2 });
  request(session, { sequence: 3, acknowledged: 2 });
  expect(request(session, { sequence: 2, acknowledged: 2 })).toEqual(second);
  expect(store.values.get("k")?.revision).toBe(logIndex(4));
});

test("what is acknowledged never goes back", () => {
  const session = register();
  request(session, { sequence: 3, acknowledged: 3 });
  expect(request(session, { sequence: 2, acknowledged: 1 }).kind).toBe("already-acknowledged");
});

test("an acknowledgement far ahead is taken in one short step", () => {
  const session = register();
  request(session, { sequence: 2 });
  const far = 2 ** 48 - 1;
  expect(request(session, { sequence: far, acknowledged: far }).kind).toBe("written");
  expect(store.sessions.byId.get(session)?.replies.size).toBe(1);
});

test("a read through the log is answered anew and keeps no reply", () => {
  const session = register();
  const get: Operation = { kind: "get", key: "k" };
  expect(request(session, { sequence: 1, operation: get })).toEqual({ kind: "absent" });
  request(session, { sequence: 2 });
  expect(request(session, { sequence: 1, operation: get }).kind).toBe("found");
  expect(store.sessions.byId.get(session)?.replies.size).toBe(1);
});

test("a session that never was is unknown, and nothing is applied", () => {
  expect(request(99, { sequence: 1 })).toEqual({ kind: "session-unknown" });
  expect(store.values.size).toBe(0);
});

test("a session that was idle too long in cluster time is unknown", () => {
  const session = register(1_000);
  expect(request(session, { sequence: 1, time: 1_099 }).kind).toBe("written");
  expect(request(session, { sequence: 2, time: 1_198 }).kind).toBe("written");
  expect(request(session, { sequence: 3, time: 1_298 }).kind).toBe("session-unknown");
  expect(request(session, { sequence: 3, time: 1_298 }).kind).toBe("session-unknown");
});

test("one too many: the session that was not used for longest goes, by log order", () => {
  const [first, second] = [register(), register()];
  request(first, { sequence: 1 });
  const third = register();
  expect(request(second, { sequence: 1 }).kind).toBe("session-unknown");
  expect(request(first, { sequence: 2 }).kind).toBe("written");
  expect(request(third, { sequence: 1 }).kind).toBe("written");
});

test("idle sessions make room before one in use has to go", () => {
  const first = register(0);
  register(0);
  request(first, { sequence: 1, time: 90 });
  register(120);
  expect(store.sessions.byId.size).toBe(2);
  expect(request(first, { sequence: 2, time: 120 }).kind).toBe("written");
});

test("idle sessions are gone when another is registered, though there is room", () => {
  register(0);
  register(100);
  expect([...store.sessions.byId.keys()]).toEqual([2]);
});
