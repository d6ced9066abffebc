/**
 * One line of the prompt: words as on the command line, an s-expression (which may go on over more
 * lines), a request to the prompt itself (`.help`), or nothing.
 *
 * Words stand between blanks. "…" takes the escapes of s-expressions, '…' is taken as it is, and
 * both may be parts of a word. A line that begins with # or ; is a comment.
 */
import { read, SexpError } from "../../sexp/read.ts";
import type { Sexp } from "../../sexp/value.ts";

export type Line =
  | { readonly kind: "nothing" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "expression"; readonly value: Sexp }
  /** To be joined with the next line. */
  | { readonly kind: "unfinished" }
  | { readonly kind: "wish"; readonly wish: "help" | "exit" }
  | { readonly kind: "malformed"; readonly why: string };

const wishes: Readonly<Record<string, "help" | "exit">> = {
  ".help": "help",
  ".exit": "exit",
  ".quit": "exit",
  help: "help",
  "?": "help",
  exit: "exit",
  quit: "exit",
};

export function readLine(text: string): Line {
  const line = text.trim();
  if (line === "" || /^[#;]/.test(line)) return { kind: "nothing" };
  if (line.startsWith("(")) return readExpression(text);
  const wish = Object.hasOwn(wishes, line) ? wishes[line] : undefined;
  if (wish !== undefined) return { kind: "wish", wish };
  return readWords(line);
}

function readExpression(text: string): Line {
  try {
    return { kind: "expression", value: read(text) };
  } catch (error) {
    if (!(error instanceof SexpError)) throw error;
    if (error.parts.kind === "incomplete") return { kind: "unfinished" };
    return { kind: "malformed", why: `at ${error.message}` };
  }
}

/** A piece of a word: quoted in one of two ways, or bare. */
const piece = /"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']+/y;

function readWords(line: string): Line {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < line.length; ) {
    if (/\s/.test(line.charAt(at))) {
      if (word !== null) words.push(word);
      word = null;
      at++;
      continue;
    }
    piece.lastIndex = at;
    const found = piece.exec(line)?.[0];
    if (found === undefined) return malformed(at, "the quote has no end");
    const meant = meaningOf(found);
    if (meant === null)
      return malformed(at, 'one of the escapes \\" \\\\ \\n \\t \\r \\xNN \\u{NNNN}');
    word = (word ?? "") + meant;
    at += found.length;
  }
  if (word !== null) words.push(word);
  return { kind: "words", words: withoutName(words) };
}

const malformed = (at: number, why: string): Line => ({
  kind: "malformed",
  why: `at column ${at + 1}: ${why}`,
});

/** Null: an escape that means nothing. */
function meaningOf(found: string): string | null {
  if (found.startsWith("'")) return found.slice(1, -1);
  if (!found.startsWith('"')) return found;
  try {
    const value = read(found);
    return value.kind === "string" ? value.text : null;
  } catch (error) {
    if (error instanceof SexpError) return null;
    throw error;
  }
}

/** A whole command line can be pasted. */
function withoutName(words: readonly string[]): readonly string[] {
  const rest = words[0] === "rusty-boat" ? words.slice(1) : words;
  return rest[0] === "client" ? rest.slice(1) : rest;
}
