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
    file: "kv/command.ts",
    before: "return revision === condition.revision;",
    after: "return revision >= condition.revision;",
  },
  {
    name: "compare-and-set-keeps-the-revision",
    why: "A key changes and its revision does not: conditions on it hold wrongly.",
    file: "kv/store.ts",
    before: `        return { kind: "condition-failed", revision: stored.revision };
      }
      setValue(store, operation.key, { value: operation.value, revision: index });`,
    after: `        return { kind: "condition-failed", revision: stored.revision };
      }
      setValue(store, operation.key, { value: operation.value, revision: stored.revision });`,
  },
  {
    name: "deleted-key-is-still-listed",
    why: "A key that is gone stays in the order of keys.",
    file: "kv/values.ts",
    before: `  removeKey(store.order, key);
`,
    after: "",
  },
  {
    name: "list-says-it-is-complete",
    why: "A list that was cut off says that nothing follows.",
    file: "kv/listing.ts",
    before: `      more = "more";
`,
    after: "",
  },
  {
    name: "list-repeats-the-last-key",
    why: "Asking for the keys after one gives that one again.",
    file: "kv/listing.ts",
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
  {
    name: "transaction-half-done",
    why: "A step that is refused leaves what the steps before it wrote (all or nothing).",
    file: "kv/transaction.ts",
    before: `if (typeof answer === "string") return { kind: "txn-refused", because: answer, step: at };`,
    after: `if (typeof answer === "string") {
      adopt(store, draft);
      return { kind: "txn-refused", because: answer, step: at };
    }`,
  },
  {
    name: "transaction-blind-to-itself",
    why: "A step does not see what the steps before it wrote.",
    file: "kv/transaction.ts",
    before: "const now = draft.has(key) ?",
    after: `const now = draft.has(key) && step.kind === "put" ?`,
  },
  {
    name: "transaction-forgets-what-it-deleted",
    why: "A step sees a key that an earlier step of its transaction has deleted.",
    file: "kv/transaction.ts",
    before: "(draft.get(key) ?? null)",
    after: "(draft.get(key) ?? store.values.get(key) ?? null)",
  },
  {
    name: "transaction-takes-the-wrong-branch",
    why: "An absent value counts as the smallest one.",
    file: "kv/transaction.ts",
    before: `if (value === undefined) return guard.relation === "!=";`,
    after: `if (value === undefined) return guard.relation === "!=" || guard.relation === "<";`,
  },
  {
    name: "and-is-or",
    why: "A guard of several comparisons holds when one of them does.",
    file: "kv/transaction.ts",
    before: "guard.guards.every((one) => holds(store, one));",
    after: "guard.guards.length === 0 || guard.guards.some((one) => holds(store, one));",
  },
  {
    name: "values-compared-by-length-first",
    why: "Values are in another order than keys.",
    file: "kv/transaction.ts",
    before: "  const shorter = Math.min(a.length, b.length);",
    after: "  if (a.length !== b.length) return a.length - b.length;\n  const shorter = a.length;",
  },
  {
    name: "transaction-answers-without-an-end",
    why: "One transaction may be answered with gigabytes (I24).",
    file: "kv/transaction.ts",
    before: "if (bytes > limits.answerBytesMax) {",
    after: "if (bytes > 1000 * limits.answerBytesMax) {",
  },
  {
    name: "incr-reads-what-begins-like-a-number",
    why: "A value with leading zeros is counted on, and comes back as another text.",
    file: "kv/counting.ts",
    before: String.raw`const pattern = /^(?:0|-?[1-9]\d{0,15})$/;`,
    after: String.raw`const pattern = /^-?\d{1,16}$/;`,
  },
  {
    name: "incr-loses-exactness",
    why: "Beyond 2^53 counting on by one changes nothing, and says that it did.",
    file: "kv/counting.ts",
    before: "if (!Number.isSafeInteger(next)) return",
    after: "if (!Number.isFinite(next)) return",
  },
  {
    name: "incr-keeps-the-revision",
    why: "A counter changes and its revision does not: conditions on it hold wrongly.",
    file: "kv/store.ts",
    before: "setValue(store, key, { value: numberBytes(counted.value), revision: index });",
    after:
      "setValue(store, key, { value: numberBytes(counted.value), revision: stored?.revision ?? index });",
  },
  {
    name: "page-lacks-what-was-deleted-since",
    why: "A page of an earlier moment lacks keys that were there then (I19).",
    file: "kv/list-view.ts",
    before: `    if (stored !== undefined) addKey(view.there, key);
`,
    after: "",
  },
  {
    name: "page-keeps-the-second-last-value",
    why: "A page of an earlier moment shows what a key held before its last change, not then (I19).",
    file: "kv/list-view.ts",
    before: "if (view.before.has(key) || !isInRange(view.range, key)) continue;",
    after: "if (!isInRange(view.range, key)) continue;",
  },
  {
    name: "page-shows-what-is-new",
    why: "A page of an earlier moment shows keys that were not there then (I19).",
    file: "kv/list-view.ts",
    before: "return before === undefined ? (values.get(key) ?? null) : before;",
    after: "return before ?? values.get(key) ?? null;",
  },
  {
    name: "page-forgets-the-deleted-behind-the-present",
    why: "Keys deleted since that come after all present ones are missing from a page (I19).",
    file: "kv/list-view.ts",
    before: "  visitBelow(null);\n",
    after: "",
  },
  {
    name: "page-of-whatever-moment",
    why: "A page is answered from another list's moment (I19).",
    file: "kv/list-view.ts",
    before: "(one) => one.index === index && sameRange(one.range, range)",
    after: "(one) => sameRange(one.range, range)",
  },
  {
    name: "held-list-without-an-end",
    why: "A list that was begun and left keeps every old value for ever (I24).",
    file: "kv/list-view.ts",
    before:
      "if (view.before.size > viewLimits.keysMax || view.bytes > viewLimits.bytesMax) grown = view;",
    after: "",
  },
  {
    name: "held-lists-without-a-number",
    why: "Every list that was begun and left costs every write something (I24).",
    file: "kv/list-view.ts",
    before: "  while (views.open.length >= viewLimits.viewsMax) views.open.shift();\n",
    after: "",
  },
  {
    name: "list-ends-too-early",
    why: "A range lacks the keys up to its end.",
    file: "kv/list-view.ts",
    before: '(to === "" || key < to)',
    after: '(to === "" || key <= to)',
  },
  {
    name: "expired-session-is-served-as-new",
    why: "A request of a forgotten session happens, perhaps for the second time (I18).",
    file: "kv/sessions.ts",
    before: `    if (sessions.newest === session.id) sessions.newest = 0;
    return sessionUnknown;`,
    after: `    const replies = new Map<number, Reply>();
    const fresh = { id: session.id, lastUsed: time, acknowledged: 1, replies };
    sessions.byId.set(session.id, fresh);
    return { kind: "admitted", session: fresh };`,
  },
  {
    name: "session-ages-from-its-beginning",
    why: "A session that is used all the time is forgotten (I18).",
    file: "kv/sessions.ts",
    before: `  session.lastUsed = time;
`,
    after: "",
  },
  {
    name: "newest-session-makes-room",
    why: "Whoever registered last is forgotten, instead of the one that was unused for longest (I18).",
    file: "kv/sessions.ts",
    before: "  for (const [id, session] of sessions.byId) {\n    if (sessions.view !== null)",
    after:
      "  for (const [id, session] of [...sessions.byId].reverse()) {\n    if (sessions.view !== null)",
  },
  {
    name: "lost-session-is-a-rejection",
    why: "A write of a forgotten session is said not to have happened, and may have (three outcomes).",
    file: "client/answers.ts",
    before: `    doubt(core, pending, "session-lost");`,
    after: `    reject(core, pending, { kind: "busy" });`,
  },
];
