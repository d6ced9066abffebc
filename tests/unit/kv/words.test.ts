/** Operations and replies in s-expressions: what is printed, what is read, what is refused. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis } from "../../../src/base/numbers.ts";
import type { Command, Reply } from "../../../src/kv/command.ts";
import { commandSexp, operationSexp, replySexp } from "../../../src/kv/describe.ts";
import { parseOperation } from "../../../src/kv/parse.ts";
import { print } from "../../../src/sexp/print.ts";
import { read } from "../../../src/sexp/read.ts";
import { anyOperation } from "./arbitrary.ts";

test("every operation is read back from what is printed", () => {
  fc.assert(
    fc.property(anyOperation, (operation) => {
      const parsed = parseOperation(read(print(operationSexp(operation))));
      expect(parsed).toEqual({ kind: "parsed", operation });
    }),
    { numRuns: 500 },
  );
});

const accepted: readonly (readonly [text: string, canonical: string])[] = [
  ['(Set "k" "v")', '(put "k" "v")'],
  ['(Get . "k")', '(get "k")'],
  ['(Delete "k")', '(delete "k")'],
  ["(Noop)", "(noop)"],
  ['(del "k")', '(delete "k")'],
  ['(ls "p")', '(list "p")'],
  ["(list)", '(list "")'],
  ["(list (values) (limit 3))", '(list "" (limit 3) (values))'],
  ['(list "p" (after "pa"))', '(list "p" (after "pa"))'],
  ['(ls (to "m") (from "a"))', '(list "" (from "a") (to "m"))'],
  ['(list "p" (hold))', '(list "p" (hold))'],
  ['(list "p" (after "pa") (at 42))', '(list "p" (after "pa") (at 42))'],
  ['(put "k" "v" (if-absent))', '(put "k" "v" (if-absent))'],
  ['(put "k" "v" (if-rev 3))', '(put "k" "v" (if-rev 3))'],
  ['(cas "k" "old" "new")', '(cas "k" "old" "new")'],
  ['(put #x"00ff" "grün")', '(put #x"00ff" "grün")'],
  ['(incr "k")', '(incr "k")'],
  ['(incr "k" +1)', '(incr "k")'],
  ['(incr "k" -5)', '(incr "k" -5)'],
  ['(if (= (rev "k") 3) (put "k" "v") (get "k"))', '(if (= (rev "k") 3) (put "k" "v") (get "k"))'],
  ['(If (absent "k") (Set "k" "v"))', '(if (not (exists "k")) (put "k" "v"))'],
  [
    '(if (or (!= (value "a") "x") (>= (rev "b") 1)) (do (delete "a") (incr "n")) (do))',
    '(if (or (!= (value "a") "x") (>= (rev "b") 1)) (do (delete "a") (incr "n")))',
  ],
  ['(txn (do (put "a" "1") (put "b" "2")))', '(do (put "a" "1") (put "b" "2"))'],
  ['(if (and) (do (get "a")))', '(do (get "a"))'],
  ['(if (and) (get "a") (get "b"))', '(if (and) (get "a") (get "b"))'],
  ["(do)", "(do)"],
  ['(put "k" "v" (ttl 5000) (if-absent))', '(put "k" "v" (if-absent) (ttl 5000))'],
  ['(put "k" "v" (lease 12))', '(put "k" "v" (lease 12))'],
  ["(lease-grant 5000)", "(lease-grant 5000)"],
  ["(lease-revoke 12)", "(lease-revoke 12)"],
  ["(lease-keep-alive 12)", "(lease-keep-alive 12)"],
  ["(leases (limit 3) (after 12))", "(leases (after 12) (limit 3))"],
];

for (const [text, canonical] of accepted) {
  test(`the prompt takes ${text}`, () => {
    const parsed = parseOperation(read(text));
    if (parsed.kind !== "parsed") throw new Error(parsed.problem);
    expect(print(operationSexp(parsed.operation))).toBe(canonical);
  });
}

const refused: readonly (readonly [text: string, problem: string])[] = [
  ["7", "is not a command: a command is a list that begins with its name"],
  ["()", "is not a command: a command is a list that begins with its name"],
  ['("put" "k")', "is not a command: a command is a list that begins with its name"],
  ['(frob "k")', 'is not a command: no "frob"'],
  ['(SET "k" "v")', 'is not a command: no "SET"'],
  ["(get)", "lacks the key"],
  ["(get color)", 'needs the key in double quotes: "color"'],
  ['(put "k" 5)', 'needs the value in double quotes: "5"'],
  ['(put "k")', "lacks the value"],
  ['(put "k" (a))', "has (a) where the value stands"],
  ['(put "k" "v" (if-new))', "has (if-new) where a condition or a lease stands"],
  ['(put "k" "v" (ttl 5))', "has no span of 100 to 31536000000 ms"],
  ['(put "k" "v" (ttl 500) (lease 12))', "has a surplus (lease 12)"],
  ['(put "k" "v" (if-absent) (if-rev 3))', "has a surplus (if-rev 3)"],
  ['(put "k" "v" (lease))', "has no lease in (lease)"],
  ["(lease-grant)", "has no span of 100 to 31536000000 ms"],
  ["(lease-grant 5s)", "has no span of 100 to 31536000000 ms"],
  ["(lease-revoke)", "has no lease's number"],
  ["(lease-keep-alive 1 2)", "has a surplus 2"],
  ["(leases (limit 0))", "has no limit from 1 to 1000 in (limit 0)"],
  ["(leases 5)", "has 5 where an option stands"],
  ['(put "k" "v" (if-rev))', "has no revision in (if-rev)"],
  ['(put "k" "v" (if-rev -1))', "has no revision in (if-rev -1)"],
  ['(put "k" "v" (if-absent) "x")', 'has a surplus "x"'],
  ['(get "a" "b")', 'has a surplus "b"'],
  ['(cas "k" "old")', "lacks the new value"],
  ['(list "p" (limit 0))', "has no limit from 1 to 1000 in (limit 0)"],
  ['(list "p" (at))', "has no index in (at)"],
  ['(list "p" (hold 3))', "has a surplus 3"],
  ['(list "p" (from a))', 'needs the key in (from a) in double quotes: "a"'],
  ['(list "p" "q")', 'has "q" where an option stands'],
  ['(incr "k" "5")', 'has "5" where a whole number stands'],
  ["(if)", "lacks what it asks first"],
  ['(if (exists "k"))', "lacks what it does then"],
  ['(if (exists "k") (do) (do) (do))', "has a surplus (do)"],
  ['(if (get "k") (do))', 'has (get "k") where a comparison stands'],
  ['(if (= (rev "k")) (do))', 'does not compare two things in (= (rev "k"))'],
  ['(if (= (rev "k") "3") (do))', 'has no revision in (= (rev "k") "3")'],
  ['(if (= (value "k") 3) (do))', 'needs the value in (= (value "k") 3) in double quotes: "3"'],
  ['(if (= (key "k") 3) (do))', 'has (key "k") where (rev "key") or (value "key") stands'],
  ["(if (not) (do))", "lacks what (not) denies"],
  ['(do (list "p"))', 'has (list "p") where put, delete, incr or get stands'],
  ["(do (do))", "has (do) where put, delete, incr or get stands"],
  ["(do 5)", "has 5 where a command stands"],
  [
    '(do (put "k" "v" (if-absent)))',
    'has a condition in (put "k" "v" (if-absent)): conditions stand in (if …)',
  ],
  ["(txn)", "lacks what it does"],
  ['(txn (get "k"))', 'has (get "k") where (if …) or (do …) stands'],
];

for (const [text, problem] of refused) {
  test(`the prompt refuses ${text}`, () => {
    const parsed = parseOperation(read(text));
    expect(
      parsed.kind === "refused" ? parsed.problem : print(operationSexp(parsed.operation)),
    ).toBe(problem);
  });
}

const index = logIndex(42);
const leaseItem = { lease: 42, origin: "own", ttlMs: 500, deadline: millis(700), keys: 1 } as const;
const item = { key: "a", revision: index, value: null };
const replies: readonly (readonly [reply: Reply, text: string])[] = [
  [{ kind: "registered", session: 42 }, "(registered (session 42))"],
  [{ kind: "written", index }, "(written (index 42))"],
  [{ kind: "deleted", index }, "(deleted (index 42))"],
  [{ kind: "done", index }, "(done (index 42))"],
  [{ kind: "absent" }, "(absent)"],
  [{ kind: "found", revision: index, value: utf8("v") }, '(found (rev 42) (value "v"))'],
  [{ kind: "listed", items: [item], more: "end" }, '(listed (item (key "a") (rev 42)) end)'],
  [{ kind: "condition-failed", revision: index }, "(condition-failed (rev 42))"],
  [{ kind: "view-lost", index }, "(view-lost (at 42))"],
  [{ kind: "counted", index, value: -7 }, "(counted (index 42) (value -7))"],
  [
    { kind: "count-refused", because: "not-an-integer", revision: index },
    "(count-refused not-an-integer (rev 42))",
  ],
  [
    { kind: "transacted", index, branch: "else", answers: [{ kind: "absent" }] },
    "(transacted (index 42) (else (absent)))",
  ],
  [
    { kind: "txn-refused", because: "answer-too-large", step: 3 },
    "(txn-refused answer-too-large (step 3))",
  ],
  [{ kind: "lease-granted", lease: 42 }, "(lease-granted (lease 42))"],
  [{ kind: "lease-kept", lease: 42, ttlMs: 500 }, "(lease-kept (lease 42) (ttl 500))"],
  [{ kind: "lease-revoked", lease: 42, keys: 2 }, "(lease-revoked (lease 42) (keys 2))"],
  [{ kind: "lease-unknown", lease: 42 }, "(lease-unknown (lease 42))"],
  [{ kind: "lease-limit", of: "keys" }, "(lease-limit keys)"],
  [
    { kind: "leases-listed", now: millis(9), items: [leaseItem], more: "end" },
    "(leases-listed (now 9) (lease (id 42) (own) (ttl 500) (deadline 700) (keys 1)) end)",
  ],
  [{ kind: "expired", leases: [12, 42], keys: 3 }, "(expired (leases 12 42) (keys 3))"],
  [{ kind: "session-unknown" }, "(session-unknown)"],
  [{ kind: "already-acknowledged" }, "(already-acknowledged)"],
  [{ kind: "window-exceeded" }, "(window-exceeded)"],
];

for (const [reply, text] of replies) {
  test(`a reply is printed as ${text}`, () => expect(print(replySexp(reply))).toBe(text));
}

test("a command is printed with its session and what it acknowledges", () => {
  const operation = { kind: "get", key: "\xff" } as const;
  const command: Command = {
    kind: "request",
    session: 12,
    sequence: 3,
    acknowledged: 2,
    operation,
  };
  expect(print(commandSexp(command))).toBe(
    '(request (session 12) (sequence 3) (acknowledged 2) (get #x"ff"))',
  );
  expect(print(commandSexp({ kind: "register", nonce: 7 }))).toBe("(register (nonce 7))");
  expect(print(commandSexp({ kind: "expire", leases: [12, 15] }))).toBe("(expire 12 15)");
});
