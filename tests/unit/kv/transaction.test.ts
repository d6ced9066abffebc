/** Transactions and counting, one claim at a time; store.test.ts holds them against the naive model. */
import { describe, expect, test } from "bun:test";
import { textOf, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis } from "../../../src/base/numbers.ts";
import { limits, type Operation, type Reply } from "../../../src/kv/command.ts";
import { parseOperation } from "../../../src/kv/parse.ts";
import { apply, emptyStore } from "../../../src/kv/store.ts";
import { read } from "../../../src/sexp/read.ts";

/** A client whose requests are entries 2, 3, and so on; it speaks s-expressions. */
function newClient() {
  const store = emptyStore();
  const at = (index: number) => ({ index: logIndex(index), time: millis(index) });
  apply(store, { ...at(1), command: { kind: "register", nonce: 1 } });
  let index = 1;
  const operate = (operation: Operation): Reply => {
    index += 1;
    const names = { session: 1, sequence: index - 1, acknowledged: index - 1 };
    return apply(store, { ...at(index), command: { kind: "request", ...names, operation } });
  };
  const say = (text: string): Reply => {
    const parsed = parseOperation(read(text));
    if (parsed.kind === "refused") throw new Error(parsed.problem);
    return operate(parsed.operation);
  };
  const value = (key: string) => textOf(store.values.get(key)?.value ?? utf8("(absent)"));
  return { store, say, operate, value };
}

describe("incr", () => {
  test("counts from 0, in both directions, and keeps decimal digits", () => {
    const { say, value, store } = newClient();
    expect(say('(incr "n")')).toEqual({ kind: "counted", index: logIndex(2), value: 1 });
    expect(say('(incr "n" -43)')).toMatchObject({ value: -42 });
    expect(value("n")).toBe("-42");
    expect(store.values.get("n")?.revision).toBe(logIndex(3));
    expect(say('(incr "n" 42)')).toMatchObject({ value: 0 });
    expect(value("n")).toBe("0");
  });

  const refused = [
    "",
    " 7",
    "7 ",
    "07",
    "-0",
    "+7",
    "7.0",
    "1e3",
    "0x7",
    "seven",
    "9007199254740992",
  ];
  for (const text of refused) {
    test(`refuses ${JSON.stringify(text)}, which is no number, and changes nothing`, () => {
      const { say, value } = newClient();
      say(`(put "n" "${text}")`);
      const reply = { kind: "count-refused", because: "not-an-integer", revision: logIndex(2) };
      expect(say('(incr "n")')).toEqual(reply as Reply);
      expect(value("n")).toBe(text);
    });
  }

  test("counts to the last exact number and not beyond, on either side", () => {
    const { say, value } = newClient();
    say('(put "n" "9007199254740990")');
    expect(say('(incr "n")')).toMatchObject({ kind: "counted", value: 9007199254740991 });
    const over = { kind: "count-refused", because: "out-of-range", revision: logIndex(3) };
    expect(say('(incr "n")')).toEqual(over as Reply);
    expect(value("n")).toBe("9007199254740991");
    say('(put "m" "-9007199254740991")');
    expect(say('(incr "m" -1)')).toMatchObject({ because: "out-of-range" });
  });
});

describe("a transaction", () => {
  test("does one branch or the other, by what it compares", () => {
    const { say, value } = newClient();
    const swap = '(if (= (rev "k") 2) (put "k" "new") (get "k"))';
    say('(put "k" "old")');
    expect(say(swap)).toMatchObject({ branch: "then", answers: [{ kind: "written" }] });
    expect(value("k")).toBe("new");
    const found = { kind: "found", revision: logIndex(3), value: utf8("new") } as const;
    expect(say(swap)).toMatchObject({ branch: "else", answers: [found] });
  });

  test("writes several keys at one revision, which is its own", () => {
    const { say, store } = newClient();
    say('(do (put "a" "1") (put "b" "2") (incr "c"))');
    for (const key of ["a", "b", "c"]) expect(store.values.get(key)?.revision).toBe(logIndex(2));
  });

  test("sees its own writes, in order", () => {
    const { say, value } = newClient();
    const reply = say(
      '(do (get "k") (put "k" "5") (incr "k") (get "k") (delete "k") (get "k") (incr "k"))',
    );
    const index = logIndex(2);
    expect(reply).toEqual({
      ...{ kind: "transacted", index, branch: "then" },
      answers: [
        { kind: "absent" },
        { kind: "written", index },
        { kind: "counted", index, value: 6 },
        { kind: "found", revision: index, value: utf8("6") },
        { kind: "deleted", index },
        { kind: "absent" },
        { kind: "counted", index, value: 1 },
      ],
    });
    expect(value("k")).toBe("1");
  });

  test("does nothing at all where one step is refused, and says which", () => {
    const { say, value, store } = newClient();
    say('(put "word" "blue")');
    const reply = say(
      '(do (put "a" "1") (delete "word") (put "word" "x") (incr "word") (put "b" "2"))',
    );
    expect(reply).toEqual({ kind: "txn-refused", because: "not-an-integer", step: 3 });
    expect(value("word")).toBe("blue");
    expect([...store.values.keys()]).toEqual(["word"]);
  });

  test("reads as much as an answer holds, and else does nothing", () => {
    const { say, operate, store } = newClient();
    const half = new Uint8Array(limits.answerBytesMax / 2);
    const condition = { kind: "always" } as const;
    operate({ kind: "put", key: "half", value: half, condition });
    expect(say('(do (get "half") (get "half"))')).toMatchObject({ kind: "transacted" });
    operate({ kind: "put", key: "one", value: new Uint8Array(1), condition });
    const much = say('(do (put "x" "y") (get "half") (get "half") (get "one"))');
    expect(much).toEqual({ kind: "txn-refused", because: "answer-too-large", step: 3 });
    expect(store.values.has("x")).toBe(false);
  });

  test("that is sent twice happens once, and answers the same", () => {
    const { store, value } = newClient();
    const operation = parseOperation(read('(do (incr "n") (get "n"))'));
    if (operation.kind === "refused") throw new Error(operation.problem);
    const names = { session: 1, sequence: 1, acknowledged: 1 };
    const command = { kind: "request", ...names, operation: operation.operation } as const;
    const first = apply(store, { index: logIndex(2), time: millis(2), command });
    expect(apply(store, { index: logIndex(3), time: millis(3), command })).toBe(first);
    expect(value("n")).toBe("1");
  });
});

/** `k` holds "m" since entry 2; nothing is called `none`. */
const comparisons: readonly (readonly [guard: string, branch: "then" | "else"])[] = [
  ['(exists "k")', "then"],
  ['(exists "none")', "else"],
  ['(absent "none")', "then"],
  ['(= (rev "k") 2)', "then"],
  ['(!= (rev "k") 2)', "else"],
  ['(< (rev "k") 3)', "then"],
  ['(< (rev "k") 2)', "else"],
  ['(<= (rev "k") 2)', "then"],
  ['(> (rev "k") 2)', "else"],
  ['(>= (rev "k") 2)', "then"],
  ['(= (rev "none") 0)', "then"],
  ['(= (value "k") "m")', "then"],
  ['(= (value "k") "mm")', "else"],
  ['(< (value "k") "mm")', "then"],
  ['(> (value "k") "")', "then"],
  ['(< (value "k") #x"ff")', "then"],
  ['(>= (value "k") "n")', "else"],
  // Nothing equals no value, and nothing is before or after it.
  ['(= (value "none") "")', "else"],
  ['(!= (value "none") "")', "then"],
  ['(< (value "none") "z")', "else"],
  ['(>= (value "none") "")', "else"],
  ["(and)", "then"],
  ["(or)", "else"],
  ['(and (exists "k") (exists "none"))', "else"],
  ['(or (exists "none") (exists "k"))', "then"],
  ['(not (or (exists "none") (= (rev "k") 9)))', "then"],
];

for (const [guard, branch] of comparisons) {
  test(`${guard} takes the branch "${branch}"`, () => {
    const { say } = newClient();
    say('(put "k" "m")');
    expect(say(`(if ${guard} (do) (do))`)).toMatchObject({ kind: "transacted", branch });
  });
}
