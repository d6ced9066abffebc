/**
 * Prints s-expressions. `print` is canonical: one line, and equal values give equal bytes, so that
 * two nodes' states can be compared with `diff`. `pretty` is the same value on more lines, for
 * people. The reader accepts both. Escapes in strings: \" \\ \n \t \r, and \u{…} with lower-case
 * hex for what a terminal would not show.
 */
import { assert, must, unreachable } from "../base/assert.ts";
import { hex } from "../base/bytes.ts";
import { isHidden, limits } from "./tokens.ts";
import type { Sexp } from "./value.ts";

const prettyWidth = 100;
const indentStep = 2;

export const print = (value: Sexp): string => printAt(value, 0);

function printAt(value: Sexp, depth: number): string {
  assert(depth <= limits.nestingMax, "what is printed can be read back");
  switch (value.kind) {
    case "symbol":
      return value.name;
    case "integer":
      return String(value.value);
    case "string":
      return quoted(value.text);
    case "bytes":
      return `#x"${hex(value.bytes)}"`;
    case "list":
      return `(${printItems(value.items, depth + 1)})`;
    case "dotted":
      return `(${printItems(value.items, depth + 1)} . ${printAt(value.tail, depth + 1)})`;
    default:
      return unreachable(value);
  }
}

const printItems = (items: readonly Sexp[], depth: number): string =>
  items.map((item) => printAt(item, depth)).join(" ");

const needsEscape = /["\\]|[^ -~]/;
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\r", "\\r"],
]);

function quoted(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  let out = '"';
  for (const character of text) out += shortEscapes.get(character) ?? shown(character);
  return `${out}"`;
}

const shown = (character: string): string =>
  isHidden(character)
    ? `\\u{${must(character.codePointAt(0), "a character").toString(16)}}`
    : character;

/** The value on as many lines as it takes to keep them within the width where that is possible. */
export const pretty = (value: Sexp, width: number = prettyWidth): string =>
  prettyAt(value, { indent: 0, width, depth: 0 });

type Place = { readonly indent: number; readonly width: number; readonly depth: number };

/**
 * What fits stays on one line. Otherwise items fill the lines like words do; one that is itself too
 * long for a line begins a new one and is broken in the same way.
 */
function prettyAt(value: Sexp, place: Place): string {
  const flat = printAt(value, place.depth);
  if (place.indent + flat.length <= place.width) return flat;
  if (value.kind !== "list" && value.kind !== "dotted") return flat;
  if (value.kind === "list" && value.items.length === 0) return flat;
  const inner = { ...place, indent: place.indent + indentStep, depth: place.depth + 1 };
  const pieces = value.items.map((item) => prettyAt(item, inner));
  if (value.kind === "dotted") pieces.push(".", prettyAt(value.tail, inner));
  return `(${fill(pieces, inner)})`;
}

function fill(pieces: readonly string[], place: Place): string {
  const newLine = `\n${" ".repeat(place.indent)}`;
  let out = must(pieces[0], "a list that is broken has items");
  // The bracket before the first piece stands one column left of the indent's second blank.
  let column = lastColumn(out, place.indent - indentStep + 1);
  for (const piece of pieces.slice(1)) {
    const fits = !piece.includes("\n") && column + 1 + piece.length < place.width;
    out += (fits ? " " : newLine) + piece;
    column = lastColumn(piece, fits ? column + 1 : place.indent);
  }
  return out;
}

/** The column after a piece that began at `start`. */
function lastColumn(piece: string, start: number): number {
  const lineEnd = piece.lastIndexOf("\n");
  return lineEnd < 0 ? start + piece.length : piece.length - lineEnd - 1;
}
