/** Seeded bugs of watches: in what a server tells, and in what its client takes. */
import type { Mutant } from "./mutant.ts";

export const watchMutants: readonly Mutant[] = [
  {
    name: "watch-tells-what-had-no-effect",
    why: "A write whose condition failed, or that came twice, is told as a change (I25).",
    file: "replica/past.ts",
    before: "if (changes.count === plainCount(command)) return;",
    after: "if (changes.count <= plainCount(command)) return;",
  },
  {
    name: "watch-forgets-what-the-log-does-not-say",
    why: "Counts and transactions change keys, and nobody is told (I25).",
    file: "replica/past.ts",
    before: "this.exceptions.get(index) ?? changesAsWritten(entry)",
    after: "changesAsWritten(entry)",
  },
  {
    name: "watch-mixes-entries-up",
    why: "What is kept ready of one entry is told as that of another (I25).",
    file: "replica/past.ts",
    before: "if (known?.index === index) return known.changes;",
    after: "if (known != null) return known.changes;",
  },
  {
    name: "compacted-entries-are-passed-over",
    why: "A watcher that asks for what is not there any more is told of the rest, without a word (I25).",
    file: "replica/watches.ts",
    before: "if (watcher.cursor < first) {",
    after: "if (watcher.cursor < first) watcher.cursor = first;\n    if (watcher.cursor < first) {",
  },
  {
    name: "watch-never-tells-again",
    why: "A batch that is lost is lost for good (L5).",
    file: "replica/watcher.ts",
    before: "if (oldest === undefined || now < oldest.dueAt) return",
    after: "if (oldest === undefined || now >= 0) return",
  },
  {
    name: "lost-word-is-never-told-again",
    why: "A watcher that missed how far others went waits for ever (L5).",
    file: "replica/watcher.ts",
    before: `    this.told = this.acked;
    this.cursor = this.acked;
  }

  isForgotten`,
    after: `  }

  isForgotten`,
  },
  {
    name: "batch-begins-where-it-was-read",
    why: "Entries that did not match are in no batch: the next one does not join on (I25, L5).",
    file: "replica/watches.ts",
    before: "const body = encodeWatchEvents({ id, from: told, to: upTo, head, ageMs, events });",
    after: `const from = events[0]?.index ?? told;
    const body = encodeWatchEvents({ id, from, to: upTo, head, ageMs, events });`,
  },
  {
    name: "window-without-acknowledgement",
    why: "A slow watcher is sent everything at once (I24).",
    file: "replica/watcher.ts",
    before: "return Math.min(limits.windowBytesMax, this.room) - this.flightBytes;",
    after: "return limits.windowBytesMax;",
  },
  {
    name: "silent-watcher-stays",
    why: "A watcher whose process is gone is told for ever (I24).",
    file: "replica/watcher.ts",
    before: `return now >= later(this.heardAt, limits.silenceMs) ? "forgotten" : "alive";`,
    after: `return now < 0 ? "forgotten" : "alive";`,
  },
  {
    name: "watcher-takes-what-leaves-a-gap",
    why: "A lost batch is passed over in silence (I25).",
    file: "client/watcher.ts",
    before: "if (batch.from > this.#next) {",
    after: "if (batch.from < 0) {",
  },
  {
    name: "watcher-takes-changes-twice",
    why: "What came in a batch before comes once more (I25).",
    file: "client/watcher.ts",
    before: "      if (event.index < this.#next) continue;\n",
    after: "",
  },
  {
    name: "watcher-stays-with-a-node-behind",
    why: "A watcher of a server that is cut off from its leader is told nothing any more (L5).",
    file: "client/watcher.ts",
    before: "else this.#stay.behindSince ??= this.#now;",
    after: "",
  },
  {
    name: "watcher-stays-with-a-stuck-node",
    why: "A watcher of a server whose clock stands still is told nothing any more (L5).",
    file: "client/watcher.ts",
    before: "earliest(earliest(silentAt, behindAt), idleAt)",
    after: "earliest(silentAt, behindAt)",
  },
  {
    name: "watcher-stays-with-a-dead-node",
    why: "A watcher does not go to another server when its own ends (L5).",
    file: "client/watcher.ts",
    before: "if (this.#ended !== null || this.#now < this.#patienceEnds()) return;",
    after: "if (this.#ended !== null || this.#now >= 0) return;",
  },
  {
    name: "one-compacted-node-ends-a-watch",
    why: "A watch ends though another node still has what it wants.",
    file: "client/watcher.ts",
    before: "if (this.#compacted.moves < this.#nodes.all.length) return;",
    after: "if (this.#compacted.moves < 1) return;",
  },
];
