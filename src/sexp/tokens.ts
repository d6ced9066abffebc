/**
 * What the letters mean, in one place for the printer and the reader.
 *
 *   token     anything between blanks, parentheses, `"` and `;`
 *   integer   a token of digits with an optional sign: `7`, `-7`, `+7`, `007`;
 *             beyond 2^53 - 1 an error
 *   symbol    any other token: `put`, `-`, `1a`, `127.0.0.1:7101`. Case matters.
 *   dot       the token `.`, inside a list before its last value
 *   string    `"…"` with the escapes \" \\ \n \t \r \xNN \u{…}: code points in two,
 *             and in one to six hex digits
 *   bytes     `#x"00ff"`; a token begins with `#` nowhere else
 *   comment   from `;` to the end of the line
 *
 * The characters ' ` , | [ ] { } \ are reserved: no token holds them, and the reader says what to
 * write instead.
 */

export const limits = {
  /**
   * Lists inside lists; more is refused by the reader, so hostile text cannot exhaust the stack.
   */
  nestingMax: 256,
} as const;

const integerPattern = /^[+-]?[0-9]+$/;
const reservedPattern = /['`,|[\]{}\\]/;

/**
 * Characters that a terminal would obey, hide or reorder instead of showing: controls, odd blanks,
 * zero-width and bidirectional marks, halves of pairs, tags. Listed and not asked of the Unicode
 * tables, which change by version.
 */
const hiddenRanges: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x3000, 0x3000],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xfff9, 0xffff],
  [0xe0000, 0xe0fff],
];

export const isIntegerToken = (token: string): boolean => integerPattern.test(token);

export function isHidden(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return hiddenRanges.some(([first, last]) => code >= first && code <= last);
}

export const isBlank = (character: string): boolean =>
  character === " " || character === "\n" || character === "\t" || character === "\r";

export const isDelimiter = (character: string): boolean =>
  isBlank(character) ||
  character === "(" ||
  character === ")" ||
  character === '"' ||
  character === ";";

/** Why a token cannot be a symbol, or null. */
export function symbolProblem(token: string): string | null {
  if (token.startsWith("#")) return 'after "#" only bytes can follow: #x"00ff"';
  const reserved = reservedPattern.exec(token)?.[0];
  if (reserved === "'" || reserved === "`") return 'a string is written in double quotes: "text"';
  if (reserved !== undefined) return `"${reserved}" means nothing outside of a string`;
  return [...token].some(isHidden) ? "it holds a character that cannot be seen" : null;
}

/** What nearly every symbol looks like. Saves the long way for each that is printed. */
const plainSymbol = /^[a-zA-Z][a-zA-Z0-9-]*$/;

export function isSymbolToken(token: string): boolean {
  if (plainSymbol.test(token)) return true;
  if (token === "" || token === "." || isIntegerToken(token)) return false;
  for (const character of token) if (isDelimiter(character)) return false;
  return symbolProblem(token) === null;
}

const plainText = /^[ -~\n\t\r]*$/;

/** Whether a text is readable as it stands; line ends and tabs count as readable. */
export function isShownAsIs(text: string): boolean {
  if (plainText.test(text)) return true;
  for (const character of text) {
    if (isHidden(character) && !isBlank(character)) return false;
  }
  return true;
}
