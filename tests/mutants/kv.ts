/** Seeded bugs of src/kv: sessions, conditions, revisions, order. */
import type { Mutant } from "./mutant.ts";

export const kvMutants: readonly Mutant[] = [
  {
    name: "retry-applied-twice",
    why: "A request that is sent twice takes effect twice (I18).",
    file: "kv/sessions.ts",
    before: `return reply === undefined ? { kind: "admitted", session } : { kind: "answered", reply };`,
    after: `return reply !== null ? { kind: "admitted", session } : { kind: "answered", reply };`,
  },
  {
    name: "failed-condition-not-remembered",
    why: "A compare-and-set that failed succeeds when it is sent again (I18).",
    file: "kv/store.ts",
    before: "remember(admission.session, sequence, reply);",
    after: `if (reply.kind === "written") remember(admission.session, sequence, reply);`,
  },
  {
    name: "one-reply-too-many-forgotten",
    why: "The first reply that is not acknowledged is forgotten: its retry takes effect again (I18).",
    file: "kv/sessions.ts",
    before: "sequence < end; sequence++) {",
    after: "sequence <= end; sequence++) {",
  },
  {
    name: "acknowledged-request-takes-effect-again",
    why: "A copy that the network kept back takes effect after its reply was acknowledged (I18).",
    file: "kv/sessions.ts",
    before: `  if (name.sequence < session.acknowledged) return alreadyAcknowledged;
`,
    after: "",
  },
  {
    name: "acknowledgement-goes-back",
    why: "An overtaken request brings the window back, where replies are forgotten (I18).",
    file: "kv/sessions.ts",
    before: "if (acknowledged <= session.acknowledged) return;",
    after: "if (acknowledged === session.acknowledged) return;",
  },
  {
    name: "session-window-without-an-end",
    why: "A client that acknowledges nothing makes its session grow for ever (I24).",
    file: "kv/sessions.ts",
    before: "if (name.sequence >= session.acknowledged + sessions.limits.sessionWindow) return",
    after: "if (name.sequence >= session.acknowledged + limits.listBytesMax) return",
  },
  {
    name: "busy-session-is-forgotten",
    why: "The session that was registered first must go, though it was used last (I18).",
    file: "kv/sessions.ts",
    before: `  sessions.byId.delete(session.id);
  sessions.byId.set(session.id, session);`,
    after: "  sessions.byId.set(session.id, session);",
  },
  {
    name: "idle-session-is-remembered",
    why: "Whether a session is known depends on who else registered (I18).",
    file: "kv/sessions.ts",
    before: "if (isIdle(sessions, session, time)) {",
    after: "if (time < session.lastUsed) {",
  },
  {
    name: "sessions-without-an-end",
    why: "Sessions are kept without a limit (I24).",
    file: "kv/sessions.ts",
    before: `  while (sessions.byId.size >= sessions.limits.sessionsMax) forgetOldest(sessions);
`,
    after: "",
  },
  {
    name: "compared-by-length",
    why: "A compare-and-set succeeds where another value of that length stands.",
    file: "kv/store.ts",
    before: "if (!sameBytes(stored.value, operation.expected)) {",
    after: "if (stored.value.length !== operation.expected.length) {",
  },
  {
    name: "condition-on-a-revision-always-holds",
    why: "A write that names a revision overwrites a newer one.",
    file: "kv/store.ts",
    before: "return revision === condition.revision;",
    after: "return revision >= condition.revision;",
  },
  {
    name: "compare-and-set-keeps-the-revision",
    why: "A key changes and its revision does not: conditions on it hold wrongly.",
    file: "kv/store.ts",
    before: `        return { kind: "condition-failed", revision: stored.revision };
      }
      store.values.set(operation.key, { value: operation.value, revision: index });`,
    after: `        return { kind: "condition-failed", revision: stored.revision };
      }
      store.values.set(operation.key, { value: operation.value, revision: stored.revision });`,
  },
  {
    name: "deleted-key-is-still-listed",
    why: "A key that is gone stays in the order of keys.",
    file: "kv/store.ts",
    before: `      removeKey(store.order, operation.key);
`,
    after: "",
  },
  {
    name: "list-says-it-is-complete",
    why: "A list that was cut off says that nothing follows.",
    file: "kv/store.ts",
    before: `      more = "more";
`,
    after: "",
  },
  {
    name: "list-repeats-the-last-key",
    why: "Asking for the keys after one gives that one again.",
    file: "kv/store.ts",
    before: `    if (key === after) return "next";
`,
    after: "",
  },
  {
    name: "split-block-out-of-order",
    why: "With many keys a list is not in the order of bytes.",
    file: "kv/key-order.ts",
    before: "order.blocks.splice(blockAt + 1, 0,",
    after: "order.blocks.splice(blockAt, 0,",
  },
];
