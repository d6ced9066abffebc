/**
 * A seeded bug: a small patch of the real source, kept as data. `bun run mutants` (scripts/mutants.ts) applies each
 * to a copy of the tree and expects the tests to notice. Nothing in src/ knows of them.
 */

export type Mutant = {
  /** Names it for ever, in reports and after `--only`. */
  readonly name: string;
  /** What breaks, in a sentence; the invariants are those of docs/verification.md. */
  readonly why: string;
  /** Below src/. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly before: string;
  readonly after: string;
};

/** The folder of src/ that a mutant changes. */
export const areaOf = ({ file }: Mutant): string => file.slice(0, file.indexOf("/"));

/** The file with the mutant in it, or why that cannot be. */
export type Patched =
  | { readonly kind: "patched"; readonly text: string }
  | { readonly kind: "does-not-apply"; readonly because: string };

export function patch(text: string, { before, after }: Mutant): Patched {
  const found = text.split(before).length - 1;
  if (found === 1 && before !== after) {
    return { kind: "patched", text: text.replace(before, () => after) };
  }
  const because = found === 1 ? "it changes nothing" : `its text occurs ${found} times, not once`;
  return { kind: "does-not-apply", because };
}
