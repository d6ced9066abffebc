/** Seeded bugs of src/journal: what is written, what is believed when it is read, what is cut off. */
import type { Mutant } from "./mutant.ts";

export const journalMutants: readonly Mutant[] = [
  {
    name: "checksum-not-looked-at",
    why: "A torn or rotten record is taken for what was written (I22, I3).",
    file: "journal/reader.ts",
    before: "if (chain === null || checksum !== checksumOf(window, at, at + length, chain))",
    after: "if (chain === null)",
  },
  {
    name: "damage-taken-for-an-unfinished-write",
    why: "A bad byte in the middle cuts off all that was acknowledged behind it (PAR; I8, I4).",
    file: "journal/recovery.ts",
    before: `return mark === null ? null : { kind: "mark", mark };`,
    after: "return mark === null ? null : null;",
  },
  {
    name: "unfinished-write-taken-for-damage",
    why: "After a power cut the node refuses to start.",
    file: "journal/damage.ts",
    before: "if (mark.durable > bad.offset) return mark;",
    after: "if (mark.offset >= bad.offset) return mark;",
  },
  {
    name: "damaged-closed-file-is-cut",
    why: "Damage in a closed file counts as a write that was not finished (I8).",
    file: "journal/recovery.ts",
    before: `  if (file.role === "closed") return { kind: "closed" };
`,
    after: "",
  },
  {
    name: "chain-of-files-not-looked-at",
    why: "A file that lost its end, or another node's, goes unnoticed in the middle (I22).",
    file: "journal/recovery.ts",
    before: `    if (header.chain !== end.place.chain) return "chain-broken";
`,
    after: "",
  },
  {
    name: "missing-file-not-noticed",
    why: "The first of a node's files can be lost without a word (I8).",
    file: "journal/recovery.ts",
    before: "(standing?.snapshot?.last.index ?? 0) >= first.previous.index",
    after: "(standing?.snapshot?.last.index ?? 0) >= 0",
  },
  {
    name: "replaced-entries-come-back",
    why: "After a restart old entries stand behind those that replaced them (I3, I8).",
    file: "journal/recovery.ts",
    before: `    if (at < entries.length) entries.length = Math.max(0, at);
    entries.push(entry);`,
    after: "    entries[at] = entry;",
  },
  {
    name: "vote-not-read-back",
    why: "A restarted server votes a second time in its term (I11, I1).",
    file: "journal/record.ts",
    before: "votedFor: voted === 0 ? null : nodeId(voted)",
    after: "votedFor: voted >= 0 ? null : nodeId(voted)",
  },
  {
    name: "committed-entry-may-be-replaced",
    why: "A journal that contradicts itself is believed (I8).",
    file: "journal/standing.ts",
    before: `    if (entry.index <= this.commit) return "committed-entry-replaced";
`,
    after: "",
  },
  {
    name: "second-vote-may-be-recorded",
    why: "A journal with two votes in a term is believed (I11).",
    file: "journal/standing.ts",
    before: "if (state.term === term && votedFor !== null && state.votedFor !== votedFor) {",
    after: "if (state.term === term && votedFor !== null && state.votedFor === null) {",
  },
  {
    name: "mark-claims-what-the-batch-replaces",
    why: "A mark calls an entry committed that stands behind it (in the changelog; I8).",
    file: "journal/journal.ts",
    before: "Math.min(commit, written.last.index, this.lowestIndex - 1);",
    after: "Math.min(commit, written.last.index);",
  },
  {
    name: "mark-vouches-for-an-unsynced-seal",
    why: "A seal that the disk lost counts as damage, and the node refuses to start.",
    file: "journal/journal.ts",
    before: "durable: this.durableEnd, seed",
    after: "durable: end, seed",
  },
  {
    name: "sync-vouches-for-what-came-later",
    why: "What was recorded while the disk worked counts as durable when it is done (I12).",
    file: "journal/journal.ts",
    before: "this.durablePosition = sync.position;",
    after: "this.durablePosition = this.position;",
  },
  {
    name: "two-syncs-at-a-time",
    why: "A batch is written while the one before it is not durable: damage cannot be told (I22).",
    file: "journal/journal.ts",
    before: "if (this.batch.isEmpty || this.sync !== null) return none;",
    after: "if (this.batch.isEmpty) return none;",
  },
  {
    name: "found-bytes-vouched-for-unsynced",
    why: "A restarted node calls durable what only a cache held, and loses it to the next power cut.",
    file: "journal/open.ts",
    before: `  disk.sync(file);
  assert(disk.size(file) === place.offset`,
    after: "  assert(disk.size(file) === place.offset",
  },
  {
    name: "failed-sync-vouched-for-after-a-restart",
    why: "Bytes that a failed sync lost are seen until the next power cut, and called durable (P13; I8).",
    file: "journal/open.ts",
    before: `  disk.writeAgain(file, Math.min(reading.vouched, place.offset));
`,
    after: "",
  },
  {
    name: "cut-off-bytes-not-kept",
    why: "What is cut off is gone, and nobody can look at it any more.",
    file: "journal/open.ts",
    before: "if (!names.includes(name)) keep(disk, name, tail.bytes);",
    after: "if (!names.includes(name)) keep(disk, name, tail.bytes.subarray(0, 0));",
  },
  {
    name: "unfinished-write-stays",
    why: "The next write is appended behind half a record, and cannot be read back (I22).",
    file: "journal/open.ts",
    before: `  disk.truncate(file, offset);
`,
    after: "",
  },
  {
    name: "another-cluster-s-folder",
    why: "A node starts with a folder of another cluster, and votes with its terms (P33).",
    file: "journal/open.ts",
    before: "identity.cluster !== 0 && identity.cluster !== cluster;",
    after: "identity.cluster === 0;",
  },
  {
    name: "closed-before-it-is-durable",
    why: "A power cut takes the end of a closed file: the node refuses to start.",
    file: "journal/effects.ts",
    before: `  disk.sync(active);
`,
    after: "",
  },
  {
    name: "header-named-before-it-is-durable",
    why: "A power cut leaves a file with its name and without its header.",
    file: "journal/effects.ts",
    before: `  disk.sync(file.temporary);
`,
    after: "",
  },
  {
    name: "names-change-in-no-order",
    why: "A power cut may keep the second rename of a roll and lose the first.",
    file: "journal/effects.ts",
    before: `  disk.rename(active, closed);
  disk.syncFolder();`,
    after: "  disk.rename(active, closed);",
  },
  {
    name: "new-file-seeds-its-marks-anew",
    why: "Marks of a closed file's leftovers are trusted in the one after it.",
    file: "journal/journal.ts",
    before: "seed: checksumAt(header, 0),",
    after: "seed: this.place.seed,",
  },
  {
    name: "mark-of-another-place",
    why: "A value that holds the bytes of a mark passes for one (I22).",
    file: "journal/record.ts",
    before: `  if (readU48(bytes, payload + 8) !== place.offset) return null;
`,
    after: "",
  },
  {
    name: "peers-forgotten-by-the-header",
    why: "The header of the next file does not repeat the incarnations of the peers.",
    file: "journal/header.ts",
    before: "writeU16(payload, 66, header.peers.size);",
    after: "writeU16(payload, 66, 0);",
  },
  {
    name: "repair-copies-the-damage",
    why: "A repair copy of a log is as damaged as the log.",
    file: "journal/repair.ts",
    before: "(stopsHere ? problem.offset : source.size)",
    after: "source.size",
  },
  {
    name: "repair-goes-on-behind-the-damage",
    why: "A repair copy holds files that do not follow what stands before them.",
    file: "journal/repair.ts",
    before: "    if (stopsHere) isRight = false;\n",
    after: "",
  },
  {
    name: "repair-without-an-active-file",
    why: "A repair copy that ends in a closed file is no log that anybody would open.",
    file: "journal/repair.ts",
    before: "copied.push({ ...last, name: activeName(node) });",
    after: "copied.push(last);",
  },
  {
    name: "repair-is-not-synced",
    why: "A repair copy is gone with the power, after it was said to be there.",
    file: "journal/repair.ts",
    before: "    to.sync(name);\n",
    after: "",
  },
  {
    name: "new-cluster-of-the-longest-log",
    why: "A cluster is recovered from a log that is long and stale, and acknowledged writes are lost with it.",
    file: "journal/survivor.ts",
    before: "a.term === b.term ? a.index > b.index : a.term > b.term;",
    after: "a.index > b.index;",
  },
  {
    name: "new-cluster-keeps-the-old-vote",
    why: "A node of a recovered cluster has voted already, perhaps for nobody who is there.",
    file: "journal/rewrite.ts",
    before: "journal.recordState({ term: log.standing.hardState.term, votedFor: null });",
    after: "journal.recordState({ term: log.standing.hardState.term, votedFor: node });",
  },
  {
    name: "new-cluster-of-the-old-members",
    why: "A recovered cluster waits for the votes of nodes that are gone for good.",
    file: "journal/rewrite.ts",
    before: `  journal.recordEntry({ index: nextIndex(index), term, time, kind: "configuration", body });
`,
    after: "",
  },
  {
    name: "loss-is-not-told",
    why: "What a damaged log knows to have been committed is not counted among what is lost.",
    file: "journal/recovery.ts",
    before: "  return committedBehind(source, { offset: problem.offset, seed: end.place.seed });",
    after: "  return noIndex;",
  },
];
