/** Journals for `inspect` to look at, written by src/journal as a node would. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOfByteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { Replay } from "../../../src/cli/inspect/replay.ts";
import { rootCommand } from "../../../src/cli/root.ts";
import { encodeCommand } from "../../../src/codec/command.ts";
import { StoreReader } from "../../../src/codec/store-sections.ts";
import type { Disk } from "../../../src/journal/disk.ts";
import { performDiskEffect } from "../../../src/journal/effects.ts";
import type { DiskEffect, Journal } from "../../../src/journal/journal.ts";
import { snapshotName, unfinishedSnapshotName } from "../../../src/journal/names.ts";
import { openJournal } from "../../../src/journal/open.ts";
import { SnapshotEncoder } from "../../../src/journal/snapshot-format.ts";
import type { Operation } from "../../../src/kv/command.ts";
import type { Configuration, Entry } from "../../../src/raft/types.ts";
import { SimDisk } from "../../../src/sim/disk.ts";
import { type Around, type Ran, runWords } from "./support.ts";

const members: Configuration = {
  voters: [nodeId(1), nodeId(2), nodeId(3)],
  outgoing: [],
  learners: [],
};

export type Body =
  | Operation
  | { readonly kind: "register" }
  /** A command's bytes as they are. */
  | { readonly kind: "raw"; readonly bytes: string }
  | "leader"
  | Configuration;

/** Keeps a node's journal as a node would: each `write` is a batch, durable when it returns. */
export class Scribe {
  readonly disk: Disk;
  readonly node: number;
  commit = 0;
  last = 0;
  private term = 0;
  private sequence = 0;
  private session = 0;
  private journal: Journal;
  private readonly entries: Entry[] = [];
  private readonly options: { cluster: number; segmentBytesMax: number };

  constructor(node = 1, options: { cluster?: number; segmentBytesMax?: number; disk?: Disk } = {}) {
    const { disk, ...rest } = options;
    this.node = node;
    this.disk = disk ?? new SimDisk({ folder: "data", onSyncStarted: () => {} });
    this.options = { cluster: 0x4d2, segmentBytesMax: 1 << 20, ...rest };
    this.journal = this.open();
  }

  /** Enters a term; `vote` is for whom. */
  enter(number: number, vote: number | null = null): this {
    this.term = number;
    const votedFor = vote === null ? null : nodeId(vote);
    this.journal.recordState({ term: term(number), votedFor });
    this.flush();
    return this;
  }

  /** One batch of entries at the end of the log, or from `index` on, which replaces what is there. */
  write(bodies: readonly Body[], index = this.last + 1): this {
    for (const [at, body] of bodies.entries()) {
      this.last = index + at;
      const entry = this.entry(this.last, body);
      this.entries.length = this.last - 1;
      this.entries.push(entry);
      this.journal.recordEntry(entry);
    }
    this.flush();
    return this;
  }

  hear(node: number, incarnation: number): this {
    this.journal.recordPeer(nodeId(node), incarnation);
    this.flush();
    return this;
  }

  /** Knows that the log is committed up to `index`, and writes it down. */
  know(index = this.last): this {
    this.commit = index;
    for (const effect of this.journal.seal({ commit: logIndex(index) })) this.perform(effect);
    return this;
  }

  /** Takes a snapshot of all that is known to be committed, and removes the files that it stands for. */
  snapshot(): this {
    const index = logIndex(this.commit);
    const node = nodeId(this.node);
    const replay = new Replay();
    for (const entry of this.entries.slice(0, index)) replay.apply(entry);
    const { term: lastTerm, time } = replay;
    const last = { index, term: lastTerm };
    const head = { last, time, configuration: members, cluster: this.options.cluster };
    const encoder = new SnapshotEncoder(head);
    const file = snapshotName(node, index);
    const temporary = unfinishedSnapshotName(node, index, "made");
    this.disk.create(temporary, encoder.header(head));
    const reader = new StoreReader(replay.store);
    for (let block = reader.next(); block !== null; block = reader.next()) {
      this.disk.append(temporary, encoder.section(block));
    }
    this.disk.append(temporary, encoder.end());
    this.disk.sync(temporary);
    performDiskEffect(this.disk, { kind: "publish", temporary, file });
    this.journal.recordSnapshot(encoder.id(), { log: "kept", configuration: members });
    this.flush();
    for (let old = this.journal.takeCovered(index); old !== null; ) {
      performDiskEffect(this.disk, { kind: "remove", file: old });
      old = this.journal.takeCovered(index);
    }
    return this;
  }

  restart(): this {
    this.journal = this.open();
    return this;
  }

  /** The files as they are now. */
  copyTo(folder: string): void {
    for (const name of this.disk.list()) {
      writeFileSync(join(folder, name), this.disk.read(name, 0, this.disk.size(name)));
    }
  }

  private entry(index: number, body: Body): Entry {
    const id = { index: logIndex(index), term: term(this.term), time: millis(1000 + index) };
    if (body === "leader") return { ...id, kind: "noop", body: null };
    if ("voters" in body) return { ...id, kind: "configuration", body };
    if (body.kind === "raw") return { ...id, kind: "command", body: bytesOfByteString(body.bytes) };
    if (body.kind === "register") {
      this.session = index;
      this.sequence = 0;
      return { ...id, kind: "command", body: encodeCommand({ kind: "register", nonce: 7 }) };
    }
    this.sequence += 1;
    const command = {
      kind: "request",
      session: this.session,
      sequence: this.sequence,
      acknowledged: 1,
      operation: body,
    } as const;
    return { ...id, kind: "command", body: encodeCommand(command) };
  }

  private flush(): void {
    for (const effect of this.journal.flush({ commit: logIndex(this.commit) })) {
      this.perform(effect);
    }
  }

  private perform(effect: DiskEffect): void {
    if (effect.kind !== "sync") {
      performDiskEffect(this.disk, effect);
      return;
    }
    this.disk.sync(effect.file);
    this.journal.synced(effect.ticket);
  }

  private open(): Journal {
    const { cluster, segmentBytesMax } = this.options;
    const { journal } = openJournal({
      disk: this.disk,
      node: nodeId(this.node),
      cluster,
      create: { incarnation: 0xa0 + this.node, configuration: members },
      segmentBytesMax,
    });
    return journal;
  }
}

export const register: Body = { kind: "register" };

export const put = (key: string, value: string | Uint8Array): Body => ({
  kind: "put",
  key,
  value: typeof value === "string" ? utf8(value) : value,
  condition: { kind: "always" },
});

export const cas = (key: string, expected: string, value: string): Body => ({
  kind: "cas",
  key,
  expected: utf8(expected),
  value: utf8(value),
});

export const remove = (key: string): Body => ({ kind: "delete", key });

/** A leader, a session, writes of two keys, and one that is replaced by the next leader's. */
export const settledLife = (node = 1): Scribe =>
  new Scribe(node)
    .enter(1, 1)
    .write(["leader", register])
    .write([put("color", "blue"), put("shape", "round")])
    .know()
    .write([put("color", "lost")])
    .enter(2, 2)
    .write(["leader", put("color", "green")], 5)
    .know();

/** And then two entries of which the node does not know that they are committed. */
export const shortLife = (node = 1): Scribe =>
  settledLife(node).write([cas("color", "red", "black"), remove("shape")]);

/** A folder that is gone after the test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "inspect-"));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
  /** With this node's files in it. */
  static of(...scribes: readonly Scribe[]): Folder {
    const folder = new Folder();
    for (const scribe of scribes) scribe.copyTo(folder.path);
    return folder;
  }
  file(name: string): string {
    return join(this.path, name);
  }
}

/** The folder's name is another in every run, and is shown as `data`. */
export async function inspect(
  folder: Folder,
  words: readonly string[],
  around: Around = {},
): Promise<Ran> {
  const placed = words.map((word) => word.replaceAll(/^data\b/g, folder.path));
  const ran = await runWords(rootCommand, ["inspect", ...placed], around);
  const shown = (text: string): string => text.replaceAll(folder.path, "data");
  return { exit: ran.exit, stdout: shown(ran.stdout), stderr: shown(ran.stderr) };
}

export const lines = (text: string): string[] => text.split("\n").slice(0, -1);

/** What it prints with --json, line by line. */
export async function jsonOf(folder: Folder, ...words: string[]) {
  const { stdout, stderr, exit } = await inspect(folder, [...words, "--json"]);
  if (exit !== 0) throw new Error(`exit ${exit}: ${stderr}`);
  return lines(stdout).map((line) => JSON.parse(line));
}

/** Rolls about every ten puts. */
export const small = { segmentBytesMax: 4096 };
/** Four keys, written in turn, over several files. */
export const longLife = (): Scribe => {
  const scribe = new Scribe(1, small).enter(1, 1).write(["leader", register]);
  for (let n = 0; n < 40; n++) {
    scribe.write([put(`key${n % 4}`, "v".repeat(400) + n)]).know();
  }
  return scribe;
};
