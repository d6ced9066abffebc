/**
 * Reads s-expressions (the letters are in tokens.ts). Whatever the printer prints is read back as
 * the same value. An error says where (line and column, both from 1, columns in characters), what
 * was expected and what stood there; text that merely ends too early is told apart, so that a
 * prompt can ask for the next line.
 */
import { must } from "../base/assert.ts";
import { bytesOfHex } from "../base/bytes.ts";
import { isBlank, isDelimiter, isIntegerToken, limits, symbolProblem } from "./tokens.ts";
import { bytes, dotted, integer, type Sexp, string } from "./value.ts";

export type SexpErrorParts = {
  readonly line: number;
  readonly column: number;
  /** `incomplete`: more text could mend it. */
  readonly kind: "incomplete" | "malformed";
  readonly expected: string;
  readonly found: string;
};

export class SexpError extends Error {
  override readonly name = "SexpError";
  readonly parts: SexpErrorParts;

  constructor(parts: SexpErrorParts) {
    super(`${parts.line}:${parts.column}: expected ${parts.expected}, found ${parts.found}`);
    this.parts = parts;
  }
}

/** The one value that the text holds; throws SexpError. */
export function read(text: string): Sexp {
  const reader: Reader = { text, at: 0 };
  skipBlanks(reader);
  const value = readValue(reader, 0);
  skipBlanks(reader);
  if (reader.at < text.length) throw malformed(reader, reader.at, "the end after one value");
  return value;
}

/** Every value in the text, which may be none; throws SexpError. */
export function readAll(text: string): Sexp[] {
  const reader: Reader = { text, at: 0 };
  const values: Sexp[] = [];
  for (skipBlanks(reader); reader.at < text.length; skipBlanks(reader)) {
    values.push(readValue(reader, 0));
  }
  return values;
}

type Reader = { readonly text: string; at: number };

const here = (reader: Reader): string => reader.text.charAt(reader.at);

function skipBlanks(reader: Reader): void {
  while (reader.at < reader.text.length) {
    if (here(reader) === ";") {
      const lineEnd = reader.text.indexOf("\n", reader.at);
      reader.at = lineEnd < 0 ? reader.text.length : lineEnd;
    } else if (isBlank(here(reader))) {
      reader.at++;
    } else {
      return;
    }
  }
}

function readValue(reader: Reader, depth: number): Sexp {
  if (reader.at >= reader.text.length) throw incomplete(reader, "a value");
  switch (here(reader)) {
    case "(":
      return readList(reader, depth + 1);
    case ")":
      throw malformed(reader, reader.at, "a value");
    case '"':
      return string(readQuoted(reader));
    case "#":
      return readBytes(reader);
    default:
      return readToken(reader);
  }
}

function readList(reader: Reader, depth: number): Sexp {
  const open = reader.at;
  if (depth > limits.nestingMax) {
    throw malformed(reader, open, `at most ${limits.nestingMax} lists inside each other`);
  }
  reader.at++;
  const items: Sexp[] = [];
  for (;;) {
    skipBlanks(reader);
    if (reader.at >= reader.text.length) throw incomplete(reader, closing(reader, open));
    if (here(reader) === ")") {
      reader.at++;
      return { kind: "list", items };
    }
    if (isDot(reader)) return readTail(reader, { items, open, depth });
    items.push(readValue(reader, depth));
  }
}

/** A dot is one only where it stands alone: `.5` and `...` are symbols. */
function isDot(reader: Reader): boolean {
  if (here(reader) !== ".") return false;
  const next = reader.text.charAt(reader.at + 1);
  return next === "" || isDelimiter(next);
}

type Before = { readonly items: readonly Sexp[]; readonly open: number; readonly depth: number };

function readTail(reader: Reader, before: Before): Sexp {
  if (before.items.length === 0) throw malformed(reader, reader.at, "a value before the dot");
  reader.at++;
  skipBlanks(reader);
  const tail = readValue(reader, before.depth);
  skipBlanks(reader);
  if (reader.at >= reader.text.length) throw incomplete(reader, closing(reader, before.open));
  if (here(reader) !== ")") {
    throw malformed(
      reader,
      reader.at,
      `one value after the dot, then ${closing(reader, before.open)}`,
    );
  }
  reader.at++;
  return dotted(before.items, tail);
}

function closing(reader: Reader, open: number): string {
  const place = placeOf(reader.text, open);
  return `")" for the "(" at ${place.line}:${place.column}`;
}

/** Reads from the opening quote to past the closing one. */
function readQuoted(reader: Reader): string {
  const { text } = reader;
  let out = "";
  reader.at++;
  let from = reader.at;
  for (; reader.at < text.length; reader.at++) {
    const character = here(reader);
    if (character === '"') {
      out += text.slice(from, reader.at);
      reader.at++;
      return out;
    }
    if (character === "\\") {
      out += text.slice(from, reader.at) + readEscape(reader);
      from = reader.at + 1;
    }
  }
  throw incomplete(reader, "a closing quote");
}

const plainEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
]);
const codeEscape = /x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}/y;
const codePointMax = 0x10ffff;

/** Reads one escape and stays on its last character. */
function readEscape(reader: Reader): string {
  const backslash = reader.at;
  if (backslash + 1 >= reader.text.length)
    throw incomplete(reader, "an escape and a closing quote");
  const plain = plainEscapes.get(reader.text.charAt(backslash + 1));
  if (plain !== undefined) {
    reader.at++;
    return plain;
  }
  codeEscape.lastIndex = backslash + 1;
  const match = codeEscape.exec(reader.text);
  const code = Number.parseInt(match?.[1] ?? match?.[2] ?? "", 16);
  if (match === null || code > codePointMax) {
    throw malformed(reader, backslash, 'one of the escapes \\" \\\\ \\n \\t \\r \\xNN \\u{NNNN}');
  }
  reader.at += match[0].length;
  return String.fromCodePoint(code);
}

function readBytes(reader: Reader): Sexp {
  const start = reader.at;
  if (!reader.text.startsWith('#x"', start)) {
    throw malformed(reader, start, 'bytes as #x"00ff"');
  }
  const close = reader.text.indexOf('"', start + 3);
  if (close < 0) {
    reader.at = reader.text.length;
    throw incomplete(reader, "a closing quote");
  }
  const value = bytesOfHex(reader.text.slice(start + 3, close));
  if (value === null) throw malformed(reader, start + 3, "an even number of hex digits");
  reader.at = close + 1;
  return bytes(value);
}

function readToken(reader: Reader): Sexp {
  const start = reader.at;
  while (reader.at < reader.text.length && !isDelimiter(here(reader))) reader.at++;
  const token = reader.text.slice(start, reader.at);
  if (isIntegerToken(token)) {
    const value = Number(token);
    if (Number.isSafeInteger(value)) return integer(value);
    throw malformed(reader, start, "an integer between -(2^53 - 1) and 2^53 - 1");
  }
  if (token === ".") throw malformed(reader, start, "a value (a dot stands inside of a list)");
  const problem = symbolProblem(token);
  if (problem !== null) throw malformed(reader, start, `a value (${problem})`);
  return { kind: "symbol", name: token };
}

const incomplete = (reader: Reader, expected: string): SexpError =>
  new SexpError({
    ...placeOf(reader.text, reader.text.length),
    kind: "incomplete",
    expected,
    found: "the end of the text",
  });

const malformed = (reader: Reader, at: number, expected: string): SexpError =>
  new SexpError({
    ...placeOf(reader.text, at),
    kind: "malformed",
    expected,
    found: excerpt(reader.text, at),
  });

const excerptLength = 20;

/** What stands at a place, as far as it helps: the token, or the beginning of it. */
function excerpt(text: string, at: number): string {
  if (at >= text.length) return "the end of the text";
  let end = at + 1;
  while (end < text.length && !isDelimiter(text.charAt(end))) end++;
  const token = text.slice(at, end);
  const isLong = token.length > excerptLength;
  return JSON.stringify(isLong ? `${token.slice(0, excerptLength)}…` : token);
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, at).split("\n");
  const last = must(lines.at(-1), "a text has a last line");
  return { line: lines.length, column: [...last].length + 1 };
}
