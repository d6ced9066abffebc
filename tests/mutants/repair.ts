/** Seeded bugs in how a damaged journal is read, filled and put back. */
import type { Mutant } from "./mutant.ts";

export const repairMutants: readonly Mutant[] = [
  {
    name: "hidden-vote-forgotten",
    why: "A vote that was given in the hole is given again, to another (I11, I1).",
    file: "journal/salvage.ts",
    before: "new Standing({ ...before, ...told, previous: last });",
    after: "new Standing({ ...told, ...before, previous: last });",
  },
  {
    name: "mark-tells-the-vote-behind-it",
    why: "Where the batch behind the mark is lost, its vote counts all the same, and the next start contradicts it.",
    file: "journal/journal.ts",
    before: "const { hardState, last, replacements } = written;",
    after: "const { last, replacements } = written;\n    const { hardState } = this.recorded;",
  },
  {
    name: "what-stood-before-the-hole-is-believed",
    why: "Entries that were replaced in the hole are there again, and acknowledged ones are not (I3, I8).",
    file: "journal/partial-log.ts",
    before: 'const isWhole = isSame || hole.replaced === "nothing" || isOneLeaders;',
    after: "const isWhole = true;",
  },
  {
    name: "leaders-end-taken-for-its-beginning",
    why: "A new term's leader has replaced what an older one left, and the old entries are believed (I3).",
    file: "journal/partial-log.ts",
    before:
      "const isOneLeaders = this.last.term === hole.termBehind && hole.termBefore === hole.termBehind;",
    after: "const isOneLeaders = hole.termBefore === hole.termBehind;",
  },
  {
    name: "replacements-not-counted",
    why: "The mark behind a hole says that nothing was replaced in it, and something was (I3).",
    file: "journal/standing.ts",
    before: `      this.replacements += 1;
      this.configurations = this.configurations.filter(`,
    after: "      this.configurations = this.configurations.filter(",
  },
  {
    name: "hole-read-though-entries-were-replaced",
    why: "Of what a hole still holds, entries are believed that were taken back in it (I3).",
    file: "journal/salvage.ts",
    before: "if (because !== null || !isUnreplaced || offset === 0) return because;",
    after: "if (because !== null || offset === 0) return because;",
  },
  {
    name: "gap-at-the-end-forgotten",
    why: "What was acknowledged last is lost without a word: the log ends before the hole (I8).",
    file: "journal/partial-log.ts",
    before: `    this.last = nameOf(last);
    if (last.index < this.base.index) this.base = this.last;
    const length = last.index - this.base.index;`,
    after: `    const length = Math.min(this.held.length, last.index - this.base.index);
    this.last = { index: (this.base.index + length) as LogIndex, term: last.term };`,
  },
  {
    name: "filled-from-a-log-with-another-end",
    why: "Entries come from a log that holds another entry behind the gap: it need not be the same before (I3).",
    file: "replica/repair-desk.ts",
    before: 'if (held === term) return { kind: "same" };',
    after: 'if (held !== null) return { kind: "same" };',
  },
  {
    name: "refuted-by-what-is-not-committed",
    why: "Acknowledged entries go because a server that lagged holds others (I8).",
    file: "replica/repair-desk.ts",
    before: "if (index <= source.commit) return",
    after: "if (index <= source.last.index) return",
  },
  {
    name: "refuted-log-keeps-its-end",
    why: "Behind what is committed stay entries of a log that never led there (I3).",
    file: "journal/partial-log.ts",
    before: `    const kept = this.commit;
    this.last = nameOf(truth);`,
    after: `    const kept = truth.index;
    this.last = nameOf(truth);`,
  },
  {
    name: "filling-of-another-term",
    why: "The last entry of the log is replaced by another of its index (I3).",
    file: "journal/partial-log.ts",
    before: 'if (entry.index === anchor.index && entry.term !== anchor.term) return "wrong";',
    after: "",
  },
  {
    name: "snapshot-within-a-gap-joined-unseen",
    why: "The entry behind the gap is taken to follow a snapshot that ends before it (I3).",
    file: "journal/partial-log.ts",
    before: "if (term === null && between <= 0) this.held[0] = null;",
    after: "",
  },
  {
    name: "gap-before-a-file-taken-for-none",
    why: "A file is gone, the next has lost its header, and entries that the lost one replaced are believed (I3).",
    file: "journal/salvage.ts",
    before: "if (this.standing !== null) this.standing.replacements = uncounted;",
    after: "if (this.standing !== null) this.standing.replacements = 0;",
  },
  {
    name: "terms-fall-behind-a-snapshot",
    why: "A dead end stays behind a fetched snapshot, no log ever fits it, and the node refuses.",
    file: "journal/partial-log.ts",
    before: "if (this.firstTermBehind(end.index) < end.term) return this.restart(end);",
    after: "",
  },
  {
    name: "joined-by-one-that-cannot-tell",
    why: "Who has a gap itself before the entries gives them, and a log that parts from a snapshot is joined to it (I3).",
    file: "replica/repair-desk.ts",
    before: "if (before === null && previous.index >= source.base.index) {",
    after: "if (before === null && previous.index < 0) {",
  },
  {
    name: "gives-up-while-a-snapshot-comes",
    why: "A server that was about to give up refuses in the middle of what it fetches.",
    file: "replica/repairer.ts",
    before: `    this.givenUpAt = never;
    this.askForPiece();`,
    after: "    this.askForPiece();",
  },
  {
    name: "fetched-snapshot-removed",
    why: "Under load newer snapshots replace the one that is fetched, and none is ever fetched whole.",
    file: "replica/snapshots.ts",
    before: "return until <= now;",
    after: "return true;",
  },
  {
    name: "gives-up-though-one-has-not-answered",
    why: "A server refuses to start though one that is down has what it lost.",
    file: "replica/repairer.ts",
    before: "const saidByAll = others.every(",
    after: "const saidByAll = others.some(",
  },
  {
    name: "answers-nothing-while-repairing",
    why: "Servers that are damaged in different places cannot mend each other.",
    file: "replica/repairer.ts",
    before: `      case "repair-request":
        return this.desk.onRequest(heard.from, heard.request);`,
    after: `      case "repair-request":
        return;`,
  },
  {
    name: "fetched-snapshot-not-looked-at",
    why: "Pieces that do not make the snapshot that was named stand for the log (I17).",
    file: "replica/snapshot-fetch.ts",
    before: "const loaded = assembly.end(id);",
    after: "const loaded = assembly.end(null);",
  },
  {
    name: "repaired-log-counts-before-it-is-whole",
    why: "A power cut leaves half a journal in the place of the damaged one, which is put aside (I8).",
    file: "journal/replace.ts",
    before: `perform(disk, effect, { file, journal });
  disk.sync(file);`,
    after: "perform(disk, effect, { file, journal });",
  },
  {
    name: "repaired-log-not-put-in-its-place",
    why: "After a power cut between the names the repair begins anew, or the journal is missing.",
    file: "journal/open.ts",
    before: "  finishReplacement(disk, node);\n",
    after: "",
  },
  {
    name: "term-of-a-fetched-entry-not-adopted",
    why: "The journal holds an entry of a term that its node never saw, and no start believes it.",
    file: "journal/open-damaged.ts",
    before: "last.term > term ? { term: last.term, votedFor: null } : standing.hardState;",
    after: "standing.hardState;",
  },
];
