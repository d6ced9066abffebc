/** Words as a shell wants them, for remedies that can be pasted. */

const bare = /^[\w@%+=:,./-]+$/;

export const shellWord = (text: string): string =>
  bare.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Flags end where a plain word could be taken for one. */
export function shellLine(parts: {
  readonly verb: string;
  readonly plain: readonly string[];
  readonly flags: readonly string[];
}): string {
  const ambiguous = parts.plain.some((word) => word.startsWith("-"));
  const plain = parts.plain.map(shellWord);
  const words = ambiguous ? [...parts.flags, "--", ...plain] : [...plain, ...parts.flags];
  return ["rusty-boat", "client", parts.verb, ...words].join(" ");
}
