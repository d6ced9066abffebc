/** Seeded bugs in what stands for the beginning of a log: its files, its record, and how it is read while it changes. */
import type { Mutant } from "./mutant.ts";

export const journalSnapshotMutants: readonly Mutant[] = [
  {
    name: "snapshot-published-before-its-name-is-durable",
    why: "The record may survive a power cut that the name does not: nothing stands for the log (I8).",
    file: "journal/effects.ts",
    before: `      disk.rename(effect.temporary, effect.file);
      disk.syncFolder();`,
    after: "      disk.rename(effect.temporary, effect.file);",
  },
  {
    name: "removals-out-of-order",
    why: "A power cut may leave an old file and not the one behind it: the node refuses to start.",
    file: "journal/effects.ts",
    before: `      disk.remove(effect.file);
      disk.syncFolder();`,
    after: "      disk.remove(effect.file);",
  },
  {
    name: "file-removed-that-is-half-needed",
    why: "Entries behind the snapshot go with the file that also has some before it (I8).",
    file: "journal/journal.ts",
    before: "oldest.lastIndex > base) return null;",
    after: "oldest.lastIndex > base + 1) return null;",
  },
  {
    name: "discarded-log-comes-back",
    why: "After a restart the entries of before stand behind the snapshot that they did not lead to (I3).",
    file: "journal/recovery.ts",
    before: `    this.base = { ...mark.id.last, configuration: mark.configuration, is: "known" };
    this.entries.length = 0;`,
    after: `    this.base = { ...mark.id.last, configuration: mark.configuration, is: "known" };`,
  },
  {
    name: "discarded-log-called-committed",
    why: "The mark before the record calls entries committed that go with it (I8).",
    file: "journal/journal.ts",
    before: 'if (mark.log === "discarded") this.lowestIndex = 1;',
    after: "",
  },
  {
    name: "replaced-beginning-taken-for-known",
    why: "The term before the first entry is that of an entry that was taken back (I3).",
    file: "journal/recovery.ts",
    before: 'index: previousIndex(entry.index), is: "replaced" };',
    after: "index: previousIndex(entry.index) };",
  },
  {
    name: "header-silent-about-the-snapshot",
    why: "When the file with its record is gone, nothing says which snapshot is in force.",
    file: "journal/header.ts",
    before: "if (snapshot !== null) writeSnapshotId(payload, snapshotAt, snapshot);",
    after: "",
  },
  {
    name: "snapshot-not-looked-at",
    why: "Another file under the right name passes for the snapshot (I22).",
    file: "journal/snapshot-load.ts",
    before: "if (id !== null && !sameSnapshot(id, this.id)) {",
    after: "if (id !== null && id.last.index !== this.id.last.index) {",
  },
  {
    name: "snapshot-block-checksum-not-looked-at",
    why: "A wrong bit in a snapshot becomes a part of the state (I22, I17).",
    file: "journal/snapshot-format.ts",
    before: 'return this.fail("checksum");',
    after: 'checksum < 0 ? this.fail("checksum") : null;',
  },
  {
    name: "unfinished-snapshots-left",
    why: "What a crash left of a snapshot is in the way of the next one, or stays for ever.",
    file: "journal/open.ts",
    before: "if (others.length === 0) return;",
    after: "if (others.length >= 0) return;",
  },
  {
    name: "view-does-not-keep-a-key",
    why: "A key that is overwritten while a snapshot is made is in it as it is later (I17).",
    file: "kv/values.ts",
    before: `  if (store.keyView !== null) keepKey(store.keyView, key, before);
  if (before === undefined) addKey(store.order, key);`,
    after: "  if (before === undefined) addKey(store.order, key);",
  },
  {
    name: "view-does-not-keep-a-deleted-key",
    why: "A key that is deleted while a snapshot is made is not in it (I17).",
    file: "kv/values.ts",
    before: "  if (store.keyView !== null) keepRemovedKey(store.keyView, key, before);\n",
    after: "",
  },
  {
    name: "view-does-not-keep-a-session",
    why: "A session that is used while a snapshot is made is in it as it is later (I17, I18).",
    file: "kv/sessions.ts",
    before: `  if (sessions.view !== null) keepSession(sessions.view, session);
  if (isIdle(sessions, session, time)) {`,
    after: "  if (isIdle(sessions, session, time)) {",
  },
  {
    name: "replies-left-out-of-snapshots",
    why: "A retry after a restart from a snapshot happens twice (I18).",
    file: "codec/sessions-section.ts",
    before: "const replies = [...session.replies].sort(([a], [b]) => a - b);",
    after: "const replies = [...session.replies].sort(([a], [b]) => a - b).slice(1);",
  },
  {
    name: "sessions-in-order-of-their-names",
    why: "Which session is forgotten first differs between a server that restarted and one that did not (I18).",
    file: "kv/session-view.ts",
    before: "ids: [...byId.keys()],",
    after: "ids: [...byId.keys()].sort((a, b) => a - b),",
  },
];
