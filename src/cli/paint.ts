/**
 * Colours, judged for one stream: a terminal, that `NO_COLOR` does not forbid, or as `--color`
 * says.
 */

type Ink = (text: string) => string;

export type Paint = {
  readonly bold: Ink;
  readonly dim: Ink;
  readonly red: Ink;
  readonly green: Ink;
  readonly yellow: Ink;
  readonly cyan: Ink;
};

const escaped =
  (on: number, off: number): Ink =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`;
const bare: Ink = (text) => text;

const colours: Paint = {
  bold: escaped(1, 22),
  dim: escaped(2, 22),
  red: escaped(31, 39),
  green: escaped(32, 39),
  yellow: escaped(33, 39),
  cyan: escaped(36, 39),
};

export const plain: Paint = {
  bold: bare,
  dim: bare,
  red: bare,
  green: bare,
  yellow: bare,
  cyan: bare,
};

export type StreamKind = "terminal" | "pipe";

export function paintFor(parts: {
  readonly stream: StreamKind;
  /** `--color`, `--no-color`, or neither. */
  readonly wish: "always" | "never" | "auto";
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Paint {
  if (parts.wish === "always") return colours;
  if (parts.wish === "never" || parts.stream === "pipe") return plain;
  const { NO_COLOR: forbidden, TERM: terminal } = parts.environment;
  return (forbidden ?? "") !== "" || terminal === "dumb" ? plain : colours;
}

/** Text from outside, made harmless to a terminal: control characters are shown, not obeyed. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
