/** Seeded bugs of reads at followers, and of what is said about the age of stale ones. */
import type { Mutant } from "./mutant.ts";

export const readMutants: readonly Mutant[] = [
  {
    name: "read-index-of-an-earlier-question",
    why: "The answer to a question that was asked again confirms reads that came after it (U5; P27, I19).",
    file: "raft/follower-reads.ts",
    before: "if (asked === null || m.id !== asked.id || m.term !== asked.term) return;",
    after: "if (asked === null || m.term !== asked.term) return;",
  },
  {
    name: "read-index-serves-later-reads",
    why: "Reads that came while the question was under way are answered by its index (P27, I19, I20).",
    file: "raft/follower-reads.ts",
    before: "  for (const ticket of asked.tickets) state.effects",
    after: `  asked.tickets.push(...state.reads.waiting);
  state.reads.waiting = [];
  for (const ticket of asked.tickets) state.effects`,
  },
  {
    name: "question-asked-again-under-its-number",
    why: "A question that is asked again is taken for the first one (U5).",
    file: "raft/follower-reads.ts",
    before: "  asked.id = nextId(state);\n",
    after: "",
  },
  {
    name: "questions-numbered-from-one",
    why: "An answer to an earlier life of a follower confirms the reads of this one (P27).",
    file: "raft/follower-reads.ts",
    before: "reads.lastId = state.random.below(firstIdMax);",
    after: "reads.lastId = 0;",
  },
  {
    name: "reads-kept-for-the-next-leader",
    why: "A follower whose leader is silent keeps its clients waiting (liveness).",
    file: "raft/follower-reads.ts",
    before: "if (leader === null || isOver || isTooOld(state, asked)) {",
    after: "if (leader === null) {",
  },
  {
    name: "followers-question-answered-at-once",
    why: "A leader that was deposed, or has yet to commit in its term, gives its index away (P2, P27; I20, I19).",
    file: "raft/reads.ts",
    before: `  role.reads.waiting.push({ kind: "follower", follower: m.from, id: m.id });`,
    after: `  confirm(state, { kind: "follower", follower: m.from, id: m.id }, state.commit);`,
  },
  {
    name: "followers-question-joins-a-round-under-way",
    why: "A round that began before the question confirms it (P27; I20).",
    file: "raft/reads.ts",
    before: `  role.reads.waiting.push({ kind: "follower", follower: m.from, id: m.id });`,
    after: `  const readers = (role.reads.confirming?.readers ?? role.reads.waiting) as Reader[];
  readers.push({ kind: "follower", follower: m.from, id: m.id });`,
  },
  {
    name: "read-answered-before-it-is-applied",
    why: "A follower that was given an index answers from an older store (I19).",
    file: "replica/service.ts",
    before: "const ready = this.confirmed.filter(({ index }) => index <= machine.applied);",
    after: `const isLeader = state.role.kind === "leader";
    const ready = this.confirmed.filter(({ index }) => !isLeader || index <= machine.applied);`,
  },
  {
    name: "age-is-not-counted",
    why: "A stale answer claims to be as of now (I19).",
    file: "replica/freshness.ts",
    before: "return this.knownAt === null ? null : Math.ceil(now - this.knownAt);",
    after: "return this.knownAt === null ? null : 0;",
  },
  {
    name: "age-known-before-it-is-applied",
    why: "A stale answer counts its age from an index that is not applied (I19).",
    file: "replica/freshness.ts",
    before: "    this.begun.set(ticket, now);\n",
    after: "    this.begun.set(ticket, now);\n    this.knownAt = now;\n",
  },
];
