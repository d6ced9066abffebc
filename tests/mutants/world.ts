/** Seeded bugs of src/sim and src/runtime: a pretended world that is too kind, and the real one handled wrongly. */
import type { Mutant } from "./mutant.ts";

export const worldMutants: readonly Mutant[] = [
  {
    name: "pretended-power-cut-keeps-all",
    why: "The simulator's disk loses nothing: every test of the gate proves nothing.",
    file: "sim/file.ts",
    before: "this.seen = new Image(this.kept.copy());",
    after: "this.kept = new Image(this.seen.copy());",
  },
  {
    name: "pretended-sync-covers-what-came-later",
    why: "The simulator's sync makes durable what was written after it began.",
    file: "sim/disk.ts",
    before: "file.sync(size);",
    after: "file.sync(Math.max(size, file.size));",
  },
  {
    name: "pretended-names-are-durable-at-once",
    why: "The simulator's folder loses no create and no rename.",
    file: "sim/disk.ts",
    before: "this.names = kept.reduce(changed, this.durableNames);",
    after: "this.names = kept.length < 0 ? this.durableNames : this.names;",
  },
  {
    name: "pretended-failed-sync-is-made-good",
    why: "The simulator's next sync writes what the failed one lost.",
    file: "sim/file.ts",
    before: "this.dirtyFrom = Math.max(this.dirtyFrom, Math.min(size, this.seen.size));",
    after: "this.dirtyFrom = Math.min(this.dirtyFrom, size);",
  },
  {
    name: "pretended-rot-overlooks-a-mark-behind-a-hole",
    why: "The simulator spoils what is vouched for, and takes the rightful refusal for a bug (in the changelog).",
    file: "sim/campaign/rot.ts",
    before: "if (mark === null) return { vouched, vouchedForGood, records };",
    after: "if (mark !== undefined) return { vouched, vouchedForGood, records };",
  },
  {
    name: "report-of-a-dead-peer-swallows-a-datagram",
    why: "While a peer is down, datagrams to the living are lost (in the changelog).",
    file: "runtime/socket.ts",
    before: "reports <= pendingReportsMax; reports++) {",
    after: "reports < 1; reports++) {",
  },
  {
    name: "failed-fdatasync-is-durable",
    why: "The kernel could not write, and the server says that it did (P13; I12).",
    file: "runtime/disk.ts",
    before: "if (error !== null && error !== undefined) {",
    after: "if (error === undefined) {",
  },
  {
    name: "new-file-replaces-the-old",
    why: "Making a file that exists empties it.",
    file: "runtime/disk.ts",
    before: "constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;",
    after: "constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;",
  },
  {
    name: "rename-replaces-a-file",
    why: "A closed file is overwritten by another of its name.",
    file: "runtime/disk.ts",
    before: "if (existsSync(this.path(to))) {",
    after: "if (existsSync(this.path(to)) && from === to) {",
  },
  {
    name: "appends-go-to-the-old-file",
    why: "After a roll the journal goes on in the closed file.",
    file: "runtime/disk.ts",
    before: `    this.forget(from);
`,
    after: "",
  },
  {
    name: "folder-without-a-lock",
    why: "Two processes write one journal.",
    file: "runtime/lock.ts",
    before: "return library.flock(descriptor, exclusiveNow) === 0 ? () => {} : null;",
    after: "return library.flock(descriptor, exclusiveNow) <= 0 ? () => {} : null;",
  },
  {
    name: "disk-error-swallowed-by-the-loop",
    why: "The server is not told that a write failed, and goes on (I12).",
    file: "runtime/driver.ts",
    before: `      this.push({ kind: "disk-failed", error });
`,
    after: "",
  },
  {
    name: "disk-before-datagrams",
    why: "A leader's followers wait for its disk: what the gate is there to avoid.",
    file: "runtime/driver.ts",
    before: "this.parts.send(effects.datagrams);",
    after: `this.carryOut(effects.disk);
    this.parts.send(effects.datagrams);`,
  },
  {
    name: "loop-sleeps-through-a-deadline",
    why: "An alarm that is set late is not set sooner: heartbeats and elections are late (liveness).",
    file: "runtime/driver.ts",
    before: "if (this.timerAt <= moment) return;",
    after: "if (this.timerAt !== never) return;",
  },
  {
    name: "partition-cuts-nothing",
    why: "A link that the supervisor cut goes on carrying.",
    file: "runtime/link-filter.ts",
    before: "datagrams.filter(({ to }) => !this",
    after: "datagrams.filter(({ to }) => this",
  },
];
