/** Seeded bugs of the hash of a store, and of comparing it. */
import type { Mutant } from "./mutant.ts";

export const comparisonMutants: readonly Mutant[] = [
  {
    name: "hash-keeps-what-was-overwritten",
    why: "The hash depends on how a store came about: a restored server differs from one that was up (I5).",
    file: "kv/values.ts",
    before: "withoutItem(store.hash, before?.hash ?? 0)",
    after: "store.hash",
  },
  {
    name: "hash-keeps-what-was-deleted",
    why: "The hash depends on how a store came about (L3).",
    file: "kv/values.ts",
    before: "  store.hash = withoutItem(store.hash, before.hash);\n",
    after: "",
  },
  {
    name: "hash-ignores-revisions",
    why: "Stores that differ in revisions, which conditions compare, have one hash.",
    file: "kv/hash.ts",
    before: "crc32(value, keyHash) ^ Math.imul(revision, 0x9e3779b1) ^ high",
    after: "crc32(value, keyHash) ^ Math.imul(high, 0)",
  },
  {
    name: "hash-ignores-keys",
    why: "A value under another key has the same hash.",
    file: "kv/hash.ts",
    before: "mixed(crc32(value, keyHash)",
    after: "mixed(crc32(value, keyHash & 0)",
  },
  {
    name: "hash-is-no-sum-of-mixed-parts",
    why: "Two keys that swapped their values have one hash.",
    file: "kv/hash.ts",
    before: "  let h = bits ^ (bits >>> 16);",
    after: "  if (bits !== 0.5) return bits >>> 0;\n  let h = bits ^ (bits >>> 16);",
  },
  {
    name: "hashes-compared-at-different-entries",
    why: "A follower that is behind compares its store with one of later: a healthy server stops (I5).",
    file: "replica/comparison.ts",
    before: "if (theirs.index === applied) this.reached(ours);",
    after: "this.reached(ours);",
  },
  {
    name: "awaited-hash-is-never-reached",
    why: "A hash that came before its entry is never compared.",
    file: "replica/machine.ts",
    before: "if (this.comparison.awaited === this.lastApplied)",
    after: "if (this.comparison.awaited < 0)",
  },
  {
    name: "difference-goes-unnoticed",
    why: "A server whose store differs goes on answering from it (I5).",
    file: "replica/comparison.ts",
    before: "    if (expected.hash === ours) return;",
    after: "    if (expected.hash >= 0) return;",
  },
  {
    name: "server-that-differs-goes-on",
    why: "A difference is found, and nobody stops (I5).",
    file: "replica/replica.ts",
    before: "    if (difference !== null) {",
    after: "    if (difference !== null && this.now < 0) {",
  },
  {
    name: "leader-never-says-its-hash",
    why: "Nobody ever compares.",
    file: "replica/comparison.ts",
    before: "if (now < this.sayAt || applied === noIndex) return null;",
    after: "if (now < this.sayAt || applied >= 0) return null;",
  },
];
