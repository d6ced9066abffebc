import { expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { pretty, print } from "../../../src/sexp/print.ts";
import { read } from "../../../src/sexp/read.ts";
import { bytesSexp, dotted, form, list, type Sexp, symbol, word } from "../../../src/sexp/value.ts";
import { anySexp } from "./arbitrary.ts";

const cases: readonly (readonly [claim: string, value: Sexp, text: string])[] = [
  ["plain numbers and texts stand for themselves", form("put", "color", 3), '(put "color" 3)'],
  ["an empty list", list(), "()"],
  ["a pair", dotted([symbol("Get")], "k"), '(Get . "k")'],
  ["a dot before a list is that list", dotted([symbol("a")], list(symbol("b"), 1)), "(a b 1)"],
  ["a dot before a pair joins it", dotted([1], dotted([2], 3)), "(1 2 . 3)"],
  ["a dot before nothing is a list", dotted([1], list()), "(1)"],
  ["quotes and backslashes are escaped", list('a"b\\c'), '("a\\"b\\\\c")'],
  ["line ends and tabs have short escapes", list("a\nb\tc\rd"), '("a\\nb\\tc\\rd")'],
  ["letters of any language stay as they are", list("grün 日本 🛶"), '("grün 日本 🛶")'],
  ["controls are escaped", list("\0\x1b[31m\x7f"), '("\\u{0}\\u{1b}[31m\\u{7f}")'],
  ["marks that reorder text are escaped", list("a\u202eb\u200b"), '("a\\u{202e}b\\u{200b}")'],
  ["half a pair is escaped", list("\ud83d!"), '("\\u{d83d}!")'],
  ["readable bytes are a string", bytesSexp(utf8("blue\n")), '"blue\\n"'],
  ["no bytes are an empty string", bytesSexp(new Uint8Array(0)), '""'],
  ["bytes that are not UTF-8 are hex", bytesSexp(new Uint8Array([0, 255])), '#x"00ff"'],
  ["UTF-8 that cannot be seen is hex", bytesSexp(utf8("\ufeffa")), '#x"efbbbf61"'],
  ["a word that can be a symbol is one", list(word("follower"), word("a b")), '(follower "a b")'],
  ["a word of digits is a string", word("12"), '"12"'],
  ["minus zero is zero", list(-0), "(0)"],
];

for (const [claim, value, text] of cases) {
  test(`print: ${claim}`, () => {
    expect(print(value)).toBe(text);
    expect(print(read(text))).toBe(text);
  });
}

test("a name that would read back as something else cannot be a symbol", () => {
  for (const name of [
    "",
    ".",
    "12",
    "-1",
    "a b",
    "a(b",
    '"a"',
    "a;b",
    "#x",
    "'a",
    "a\u200b",
    "\n",
  ]) {
    expect(() => symbol(name)).toThrow();
  }
});

test("what is printed is read back as the same value, and prints the same again", () => {
  fc.assert(
    fc.property(anySexp, (value) => {
      const text = print(value);
      expect(text).not.toInclude("\n");
      expect(read(text)).toEqual(value);
      expect(print(read(text))).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("the pretty form is the same value at any width, and one line where that fits", () => {
  fc.assert(
    fc.property(anySexp, fc.integer({ min: 1, max: 120 }), (value, width) => {
      const text = pretty(value, width);
      expect(read(text)).toEqual(value);
      if (print(value).length <= width) expect(text).toBe(print(value));
    }),
    { numRuns: 500 },
  );
});

test("the pretty form fills lines and indents what is inside", () => {
  const value = form(
    "node",
    1,
    form("role", symbol("leader")),
    form("term", 3),
    form("members", form("voters", 1, 2, 3)),
    form("followers", list(2, form("match", 45)), list(3, form("match", 44))),
  );
  expect(pretty(value, 40)).toBe(
    [
      "(node 1 (role leader) (term 3)",
      "  (members (voters 1 2 3))",
      "  (followers (2 (match 45))",
      "    (3 (match 44))))",
    ].join("\n"),
  );
});
