/**
 * As much of EDN as recorded histories use: nil, whole numbers, texts, keywords, pairs in brackets, and one flat map.
 * Anything else is null.
 */

export type EdnValue =
  | { readonly kind: "nil" }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "pair"; readonly one: EdnValue; readonly other: EdnValue };

export type EdnMap = ReadonlyMap<string, EdnValue>;

/** Commas are blanks. */
const token =
  /[\s,]*(?:(nil\b)|(-?\d+)(?![\w.])|"((?:[^"\\]|\\.)*)"|(:[\w.*+!?<>=/-]+)|([[\]{}]))/y;

type Token = EdnValue | { readonly kind: "bracket"; readonly bracket: string };

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\" };

function tokensOf(text: string): readonly Token[] | null {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  let end = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    end = token.lastIndex;
    const [, nil, number, quoted, word, bracket = ""] = match;
    if (nil !== undefined) tokens.push({ kind: "nil" });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (word !== undefined) tokens.push({ kind: "word", word });
    else if (quoted === undefined) tokens.push({ kind: "bracket", bracket });
    else {
      const plain = unescaped(quoted);
      if (plain === null) return null;
      tokens.push({ kind: "text", text: plain });
    }
  }
  return /^[\s,]*$/.test(text.slice(end)) ? tokens : null;
}

function unescaped(quoted: string): string | null {
  if (!quoted.includes("\\")) return quoted;
  const unknown = [...quoted.matchAll(/\\(.)/gs)].some(([, letter = ""]) => !(letter in escapes));
  return unknown ? null : quoted.replaceAll(/\\(.)/gs, (_, letter: string) => escapes[letter]!);
}

/** Values one after the other, pairs among them. */
export function readEdnValues(text: string): readonly EdnValue[] | null {
  const tokens = tokensOf(text);
  return tokens === null ? null : valuesOf(tokens);
}

function valuesOf(tokens: readonly Token[]): readonly EdnValue[] | null {
  const values: EdnValue[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const one = tokens[at]!;
    if (one.kind !== "bracket") {
      values.push(one);
      continue;
    }
    const [first, second, close] = tokens.slice(at + 1, at + 4);
    if (one.bracket !== "[" || close?.kind !== "bracket" || close.bracket !== "]") return null;
    if (first === undefined || first.kind === "bracket") return null;
    if (second === undefined || second.kind === "bracket") return null;
    values.push({ kind: "pair", one: first, other: second });
    at += 3;
  }
  return values;
}

export function readEdnMap(text: string): EdnMap | null {
  const tokens = tokensOf(text);
  if (tokens === null) return null;
  const [open, close] = [tokens[0], tokens.at(-1)];
  if (tokens.length < 2 || open?.kind !== "bracket" || open.bracket !== "{") return null;
  if (close?.kind !== "bracket" || close.bracket !== "}") return null;
  const values = valuesOf(tokens.slice(1, -1));
  if (values === null || values.length % 2 !== 0) return null;
  const map = new Map<string, EdnValue>();
  for (let at = 0; at < values.length; at += 2) {
    const key = values[at]!;
    if (key.kind !== "word" || map.has(key.word)) return null;
    map.set(key.word, values[at + 1]!);
  }
  return map;
}
