/**
 * Every entry that was ever in a log of the cluster, by index and term. If the pair names one entry, and one
 * entry before it, then two logs that share the pair share everything before it (§5.3, Log Matching): that is
 * checked here once for each entry that a log gains, and from then on two terms are compared instead of two logs.
 */
import { assert, must } from "../../base/assert.ts";
import { sameBytes } from "../../base/bytes.ts";
import type { Term } from "../../base/numbers.ts";
import type { Entry } from "../../raft/types.ts";
import type { Passage, Seen } from "./passage.ts";
import { Violation } from "./violation.ts";

type Known = { readonly entry: Entry; readonly before: Term | 0; readonly seen: Seen };

/** Terms in a run stay below this, so that index and term make one exact number. */
const termsMax = 2 ** 20;

export class Entries {
  private readonly known = new Map<number, Known>();
  private readonly passage: Passage;

  constructor(passage: Passage) {
    this.passage = passage;
  }

  /** The entry of this name, which somebody was seen to hold. */
  at(index: number, term: Term): Entry {
    return must(this.known.get(index * termsMax + term), "the entry was in some log").entry;
  }

  /**
   * `before` is the entry in front of it, null for the first; or it is not known any more, where other entries took
   * the place of those that the first file of a journal begins behind. `where` says who holds it.
   */
  meet(
    entry: Entry,
    before: { readonly term: Term; readonly time: number } | "forgotten" | null,
    where: string,
  ): void {
    if (before === "forgotten") return;
    const { index, term } = entry;
    const beforeTerm = before?.term ?? 0;
    if (beforeTerm > term) {
      throw new Violation(
        "I15",
        `${where}: entry ${index} of term ${term} follows term ${beforeTerm}`,
      );
    }
    if (before !== null && before.time > entry.time) {
      throw new Violation("I15", `${where}: cluster time falls at entry ${index}`);
    }
    assert(term < termsMax, "a run has fewer terms");
    const name = index * termsMax + term;
    const known = this.known.get(name);
    if (known !== undefined) return this.compare(known, { entry, before: beforeTerm }, where);
    const seen = this.passage.see();
    this.known.set(name, { entry, before: beforeTerm, seen });
    const previous = this.known.get((index - 1) * termsMax + beforeTerm);
    if (previous === undefined) return;
    const earlier = { time: previous.entry.time, seen: previous.seen };
    this.passage.check(earlier, { time: entry.time, seen }, where);
  }

  /** What was made in these terms never was. */
  forget(terms: ReadonlySet<Term>): void {
    for (const [name, { entry }] of this.known) if (terms.has(entry.term)) this.known.delete(name);
  }

  private compare(known: Known, met: Omit<Known, "seen">, where: string): void {
    const { index, term } = met.entry;
    if (known.before !== met.before) {
      const what = `${where}: entry ${index} of term ${term} follows term ${met.before}`;
      throw new Violation("I3", `${what}, and term ${known.before} elsewhere`);
    }
    if (!sameEntry(known.entry, met.entry)) {
      throw new Violation(
        "I3",
        `${where}: entry ${index} of term ${term} is another one than elsewhere`,
      );
    }
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.time !== b.time) return false;
  if (a.kind === "command" && b.kind === "command") return sameBytes(a.body, b.body);
  return a.kind !== "configuration" || JSON.stringify(a.body) === JSON.stringify(b.body);
}
