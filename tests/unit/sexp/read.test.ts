import { expect, test } from "bun:test";
import fc from "fast-check";
import { print } from "../../../src/sexp/print.ts";
import { field, formName, integerField, textField } from "../../../src/sexp/query.ts";
import { read, readAll, SexpError, type SexpErrorParts } from "../../../src/sexp/read.ts";
import { limits } from "../../../src/sexp/tokens.ts";

const accepted: readonly (readonly [claim: string, text: string, canonical: string])[] = [
  ["the original's Set", '(Set "k" "v")', '(Set "k" "v")'],
  ["the original's Get is a pair", '(Get . "k")', '(Get . "k")'],
  ["the original's Noop", "(Noop)", "(Noop)"],
  ["blanks, line ends and comments", " ; one\n( a\t; two\r\n b )\n;", "(a b)"],
  ["a plus sign is an integer's", "+1", "1"],
  ["leading zeros", "-007", "-7"],
  ["a lone sign is a symbol", "(+ - 1)", "(+ - 1)"],
  ["digits with letters are a symbol", "(1a 5ms 127.0.0.1:7101)", "(1a 5ms 127.0.0.1:7101)"],
  ["dots inside of a token", "(... .5 a.b)", "(... .5 a.b)"],
  [
    "the largest integers",
    "(9007199254740991 -9007199254740991)",
    "(9007199254740991 -9007199254740991)",
  ],
  ["a dotted list", "(a . (b c))", "(a b c)"],
  ["a dotted pair inside a dotted list", "(a . (b . c))", "(a b . c)"],
  ["a dot beside brackets", "((a).(b))", "((a) b)"],
  ["hex escapes", '"\\x41\\u{42}\\u{1F6F6}"', '"AB🛶"'],
  ["a line end inside of a string", '"a\nb"', '"a\\nb"'],
  ["upper-case hex bytes", '#x"00FF"', '#x"00ff"'],
  ["values need no blank between brackets and strings", '(a"b"(c)"d")', '(a "b" (c) "d")'],
];

for (const [claim, text, canonical] of accepted) {
  test(`read: ${claim}`, () => expect(print(read(text))).toBe(canonical));
}

function errorOf(text: string): SexpErrorParts {
  try {
    read(text);
  } catch (error) {
    if (error instanceof SexpError) return error.parts;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

const refused: readonly (readonly [text: string, kind: string, place: string, expected: string])[] =
  [
    ["", "incomplete", "1:1", "a value"],
    ["  ; only a comment", "incomplete", "1:19", "a value"],
    ["(a\n (b c)", "incomplete", "2:7", '")" for the "(" at 1:1'],
    ["(a . b", "incomplete", "1:7", '")" for the "(" at 1:1'],
    ["(a .", "incomplete", "1:5", "a value"],
    ['("a', "incomplete", "1:4", "a closing quote"],
    ['"a\\', "incomplete", "1:4", "an escape and a closing quote"],
    ['#x"00', "incomplete", "1:6", "a closing quote"],
    ["(a) b", "malformed", "1:5", "the end after one value"],
    ["a)", "malformed", "1:2", "the end after one value"],
    [")", "malformed", "1:1", "a value"],
    ["(. a)", "malformed", "1:2", "a value before the dot"],
    ["(a . b c)", "malformed", "1:8", 'one value after the dot, then ")" for the "(" at 1:1'],
    ["(a . )", "malformed", "1:6", "a value"],
    [".", "malformed", "1:1", "a value (a dot stands inside of a list)"],
    [
      '(é "🛶" "\\q")',
      "malformed",
      "1:9",
      'one of the escapes \\" \\\\ \\n \\t \\r \\xNN \\u{NNNN}',
    ],
    [
      '"\\u{110000}"',
      "malformed",
      "1:2",
      'one of the escapes \\" \\\\ \\n \\t \\r \\xNN \\u{NNNN}',
    ],
    ['#x"0g"', "malformed", "1:4", "an even number of hex digits"],
    ['#x"000"', "malformed", "1:4", "an even number of hex digits"],
    ["#true", "malformed", "1:1", 'bytes as #x"00ff"'],
    ["9007199254740992", "malformed", "1:1", "an integer between -(2^53 - 1) and 2^53 - 1"],
    ["(put 'k' 1)", "malformed", "1:6", 'a value (a string is written in double quotes: "text")'],
    ["(a [b])", "malformed", "1:4", 'a value ("[" means nothing outside of a string)'],
    ["(a\u200b)", "malformed", "1:2", "a value (it holds a character that cannot be seen)"],
  ];

for (const [text, kind, place, expected] of refused) {
  test(`read refuses ${JSON.stringify(text)} at ${place}`, () => {
    const parts = errorOf(text);
    expect(`${parts.kind} ${parts.line}:${parts.column} ${parts.expected}`).toBe(
      `${kind} ${place} ${expected}`,
    );
  });
}

test("an error is one sentence with the place, what was expected and what was found", () => {
  expect(() => read("(a\n  #oops)")).toThrow('2:3: expected bytes as #x"00ff", found "#oops"');
});

test("lists nest up to the limit and not further", () => {
  const nested = (depth: number): string => "(".repeat(depth) + ")".repeat(depth);
  expect(print(read(nested(limits.nestingMax)))).toBe(nested(limits.nestingMax));
  expect(errorOf(nested(limits.nestingMax + 1)).column).toBe(limits.nestingMax + 1);
  expect(errorOf("(".repeat(1_000_000)).kind).toBe("malformed");
});

test("any text is read or refused with a place inside of it, and nothing else is thrown", () => {
  const letter = fc.constantFrom(
    "(",
    ")",
    ".",
    '"',
    "\\",
    "#",
    "x",
    ";",
    "\n",
    " ",
    "a",
    "1",
    "-",
    "'",
  );
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 30 }), (text) => {
      try {
        for (const value of readAll(text)) expect(read(print(value))).toEqual(value);
      } catch (error) {
        if (!(error instanceof SexpError)) throw error;
        expect(error.parts.line).toBeLessThanOrEqual(text.split("\n").length);
      }
    }),
    { numRuns: 2000 },
  );
});

test("readAll reads every value, and none from an empty text", () => {
  expect(readAll('(a) 1 "b" ; end').map(print)).toEqual(["(a)", "1", '"b"']);
  expect(readAll(" \n")).toEqual([]);
});

test("fields are found by name, and only in the shape that is asked for", () => {
  const node = read('(node 1 (role leader) (term 3) (address "h:1") (log (first 1) (last 45)))');
  expect(formName(node)).toBe("node");
  expect(textField(node, "role")).toBe("leader");
  expect(textField(node, "address")).toBe("h:1");
  expect(integerField(node, "term")).toBe(3);
  expect(integerField(node, "role")).toBeNull();
  expect(integerField(node, "commit")).toBeNull();
  expect(field(node, "log")?.map(print)).toEqual(["(first 1)", "(last 45)"]);
});
