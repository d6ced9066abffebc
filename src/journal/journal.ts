/**
 * The writer: collects records, and turns them into one append and one sync at a time (group
 * commit). It does nothing to the disk itself: effects come out, the completion of a sync comes in.
 *
 * What a record promises may be told to others once `durable` has reached the `position` that was
 * read after recording it. While a sync is under way records go into the next batch; the batch
 * begins with a mark that says how far the file was durable by then (record.ts), which is what
 * tells damage from an unfinished write.
 */
import { assert } from "../base/assert.ts";
import { type LogIndex, logIndex, maxIndex, type NodeId, never } from "../base/numbers.ts";
import type { Configuration, Entry, HardState, SnapshotId } from "../raft/types.ts";
import { Batch } from "./batch.ts";
import type { DiskEffect, Roll } from "./effects.ts";
import { headerRecord, type Identity } from "./header.ts";
import { activeName, closedName, newName } from "./names.ts";
import { chainRecords, checksumAt, markRecordBytes, writeMark } from "./record.ts";
import type { Contradiction, Standing } from "./standing.ts";

export type { DiskEffect } from "./effects.ts";

declare const position: unique symbol;
/** How many records were recorded since the journal was opened. */
export type JournalPosition = number & { readonly [position]: true };

/** Nothing recorded: what was there when the journal was opened is durable. */
export const startPosition = 0 as JournalPosition;

export const journalLimits = { segmentBytesMin: 4096, segmentBytesMax: 2 ** 40 } as const;
export const segmentBytesDefault = 64 * 2 ** 20;

/** Where the active file stands, all of it durable. */
export type Place = {
  readonly segment: number;
  /** The number in the last closed file's name, 0 for none. */
  readonly closedNumber: number;
  /** The index of the first entry that the active file may hold. */
  readonly firstIndex: LogIndex;
  readonly end: number;
  /** The checksum of the last record, and of the header. */
  readonly chain: number;
  readonly seed: number;
};

/** A file that is not written to any more, and the last entry before the file that follows it. */
export type ClosedFile = { readonly name: string; readonly lastIndex: LogIndex };

type Sync = { readonly ticket: number; readonly position: JournalPosition; readonly end: number };

const none: readonly DiskEffect[] = [];

export class Journal {
  readonly identity: Identity;
  private readonly file: string;
  private readonly run: number;
  private readonly segmentBytesMax: number;
  private readonly batch = new Batch();
  /** What the records amount to: with the open batch, and without. */
  private recorded: Standing;
  private written: Standing;
  private place: Place;
  /** Oldest first. */
  private readonly closed: ClosedFile[];
  /** Bytes that were written since this journal was opened. */
  private bytes = 0;
  /** How far the active file is durable. */
  private durableEnd: number;
  private lowestIndex: number = never;
  private recordedCount = 0;
  private durablePosition: JournalPosition = startPosition;
  private sync: Sync | null = null;
  private ticket = 0;
  /** Whether the file ends with a mark that vouches for all the rest of it. */
  private tail: "sealed" | "open" = "sealed";

  constructor(parts: {
    readonly identity: Identity;
    readonly segmentBytesMax: number;
    readonly standing: Standing;
    readonly place: Place;
    readonly closed: readonly ClosedFile[];
    readonly run: number;
  }) {
    const { segmentBytesMin, segmentBytesMax } = journalLimits;
    assert(parts.segmentBytesMax >= segmentBytesMin, "a segment is not smaller than its limit");
    assert(parts.segmentBytesMax <= segmentBytesMax, "a segment is not larger than its limit");
    this.identity = parts.identity;
    this.file = activeName(parts.identity.node);
    this.run = parts.run;
    this.segmentBytesMax = parts.segmentBytesMax;
    this.recorded = parts.standing;
    this.written = parts.standing.copy();
    this.place = parts.place;
    this.closed = [...parts.closed];
    this.durableEnd = parts.place.end;
  }

  /** After everything recorded so far. */
  get position(): JournalPosition {
    return this.recordedCount as JournalPosition;
  }

  /** Everything recorded before this position is durable. */
  get durable(): JournalPosition {
    return this.durablePosition;
  }

  /** Grows by what is written; only differences mean anything. */
  get bytesWritten(): number {
    return this.bytes;
  }

  /** The next ticket for a sync or a read: none is given twice. */
  takeTicket(): number {
    this.ticket += 1;
    return this.ticket;
  }

  /**
   * An entry at an index that exists replaces it and all that follow. Its term was recorded before
   * it.
   */
  recordEntry(entry: Entry): void {
    accepted(this.recorded.takeEntry(entry));
    this.batch.addEntry(entry);
    if (entry.index < this.lowestIndex) this.lowestIndex = entry.index;
    this.recordedCount += 1;
  }

  recordState(state: HardState): void {
    accepted(this.recorded.takeState(state));
    this.batch.addState(state);
    this.recordedCount += 1;
  }

  /**
   * The first incarnation of a peer that was ever heard. A later record of the same peer replaces
   * it.
   */
  recordPeer(node: NodeId, incarnation: number): void {
    this.recorded.takePeer(node, incarnation);
    this.batch.addPeer({ node, incarnation });
    this.recordedCount += 1;
  }

  /**
   * The file of this snapshot has its name, and is durable. "discarded": the log did not hold its last entry, and
   * begins anew behind it.
   */
  recordSnapshot(
    id: SnapshotId,
    mark: { readonly log: "kept" | "discarded"; readonly configuration: Configuration },
  ): void {
    const record = { kind: "snapshot", id, ...mark } as const;
    accepted(this.recorded.takeSnapshot(record));
    this.batch.addSnapshot(record);
    // What is known to be committed now need not be what this log held before.
    if (mark.log === "discarded") this.lowestIndex = 1;
    this.recordedCount += 1;
  }

  /**
   * Takes the oldest file that holds nothing beyond `base`, to be removed: one at a time, so that a crash leaves no
   * gap. The snapshot that stands for it must be durable, its mark included.
   */
  takeCovered(base: LogIndex): string | null {
    const [oldest] = this.closed;
    if (oldest === undefined || oldest.lastIndex > base) return null;
    this.closed.shift();
    return oldest.name;
  }

  /**
   * Writes what was recorded and begins to sync it; nothing while a sync is under way. The effects
   * are to be performed, in order, before the next call of flush or seal. `commit` is what is known
   * to be committed now.
   */
  flush(known: { readonly commit: LogIndex }): readonly DiskEffect[] {
    if (this.batch.isEmpty || this.sync !== null) return none;
    const effects: DiskEffect[] = [];
    if (this.place.end >= this.segmentBytesMax) effects.push(this.roll());
    effects.push(this.append(this.batch.take(), known.commit));
    this.written = this.recorded.copy();
    this.lowestIndex = never;
    this.tail = "open";
    const ticket = this.takeTicket();
    this.sync = { ticket, position: this.position, end: this.place.end };
    effects.push({ kind: "sync", file: this.file, ticket });
    return effects;
  }

  /** Whether this ticket is of a sync of the journal's own file. */
  isOwn(ticket: number): "own" | "other" {
    return this.sync?.ticket === ticket ? "own" : "other";
  }

  /** The sync with this ticket is over, and the bytes are durable. Returns how far. */
  synced(ticket: number): JournalPosition {
    const { sync } = this;
    assert(sync !== null, "a sync is under way");
    assert(sync.ticket === ticket, "the sync that ends is the one that was begun");
    this.sync = null;
    this.durableEnd = sync.end;
    this.durablePosition = sync.position;
    return this.durablePosition;
  }

  /**
   * For a journal that has been idle for a while: a lone mark that vouches for all before it, so
   * that from now on a bad byte there is known to be damage. Nothing waits for it, so it is not
   * synced.
   */
  seal(known: { readonly commit: LogIndex }): readonly DiskEffect[] {
    if (this.tail === "sealed" || this.sync !== null || !this.batch.isEmpty) return none;
    this.tail = "sealed";
    return [this.append(new Uint8Array(markRecordBytes), known.commit)];
  }

  /** `bytes` begin with room for a mark. */
  private append(bytes: Uint8Array, commit: LogIndex): DiskEffect {
    const { end, seed, chain } = this.place;
    const { written, run } = this;
    const provable = Math.min(commit, written.last.index, this.lowestIndex - 1);
    const told = maxIndex(written.commit, logIndex(provable));
    accepted(written.takeCommit(told));
    accepted(this.recorded.takeCommit(maxIndex(told, this.recorded.commit)));
    this.bytes += bytes.length;
    const { hardState, last, replacements } = written;
    const said = { commit: told, run, hardState, last, replacements };
    writeMark(bytes, 0, { offset: end, durable: this.durableEnd, seed, ...said });
    this.place = {
      ...this.place,
      end: end + bytes.length,
      chain: chainRecords(bytes, chain),
    };
    return { kind: "append", file: this.file, bytes };
  }

  private roll(): Roll {
    const { node } = this.identity;
    const { segment, chain, closedNumber, firstIndex } = this.place;
    const parts = this.written.parts();
    const header = headerRecord({
      ...parts,
      identity: this.identity,
      segment: segment + 1,
      chain,
      run: this.run,
    });
    const number = Math.max(firstIndex, closedNumber + 1);
    this.closed.push({ name: closedName(node, number), lastIndex: parts.previous.index });
    this.place = {
      segment: segment + 1,
      closedNumber: number,
      firstIndex: logIndex(parts.previous.index + 1),
      end: header.length,
      chain: checksumAt(header, 0),
      seed: checksumAt(header, 0),
    };
    this.durableEnd = header.length;
    this.recorded.replacements -= this.written.replacements;
    this.written.replacements = 0;
    return {
      kind: "roll",
      active: this.file,
      closed: closedName(node, number),
      temporary: newName(node),
      header,
    };
  }
}

function accepted(contradiction: Contradiction | null): void {
  if (contradiction === null) return;
  assert(
    false,
    `a record follows from the ones before it, and this one does not: ${contradiction}`,
  );
}
