/**
 * What a power cut now would leave of a server for certain: term, vote and log, as far as they are on its disk.
 * Read from the bytes that were synced, whenever more of them are, with the journal's own reader; nothing that
 * the server believes is asked.
 */
import { must } from "../../base/assert.ts";
import type { NodeId, Term } from "../../base/numbers.ts";
import { noTerm } from "../../base/numbers.ts";
import type { Header } from "../../journal/header.ts";
import { activeName, closedNames, snapshotName } from "../../journal/names.ts";
import {
  fileStart,
  type JournalRecord,
  type ReadPlace,
  RecordReader,
  type RecordSource,
} from "../../journal/reader.ts";
import type { SnapshotMark } from "../../journal/record.ts";
import type { Entry, HardState } from "../../raft/types.ts";
import type { SimDisk } from "../disk.ts";
import type { SimFile } from "../file.ts";
import type { SnapshotChecker } from "./snapshots.ts";
import { Violation } from "./violation.ts";
import type { Witness } from "./witness.ts";

export class DurableImage {
  hardState: HardState = { term: noTerm, votedFor: null };
  /** The snapshot in force, 0 for none: the last entry in it. */
  snapshotIndex = 0;
  /** The term of each entry of the log, with that of the entry before the first; of those before it there are none. */
  private terms: (Term | 0)[] = [0];
  readonly peers = new Map<NodeId, number>();
  readonly incarnation: number;
  /** Files that were begun since the image was made: rolls. */
  rolls = -1;
  private readonly disk: SimDisk;
  private readonly node: NodeId;
  private readonly witness: Witness;
  private readonly snapshots: SnapshotChecker;
  private lastTime = 0;
  private seenChanges = -1;
  private file: SimFile | null = null;
  private place: ReadPlace = fileStart;
  private hasBegun: "begun" | "not-begun" = "not-begun";
  private isLive: "live" | "being-read" = "being-read";

  /** Of a server that has just started: its files are all as they should be. */
  constructor(parts: {
    disk: SimDisk;
    node: NodeId;
    witness: Witness;
    snapshots: SnapshotChecker;
    incarnation: number;
  }) {
    this.disk = parts.disk;
    this.node = parts.node;
    this.witness = parts.witness;
    this.snapshots = parts.snapshots;
    this.incarnation = parts.incarnation;
    const { certain } = this.disk;
    for (const name of closedNames(this.node, [...certain.keys()])) {
      this.begin(must(certain.get(name), "a name that is listed has a file"));
    }
    this.rolls = -1;
    this.refresh();
    this.isLive = "live";
  }

  /** The term of an entry, which may be one that a snapshot stands for; null where there is none. */
  termAt(index: number): Term | 0 | null {
    const term = this.terms[index];
    if (term !== undefined) return term;
    return index <= this.snapshotIndex ? this.witness.termAt(index) : null;
  }

  get lastIndex(): number {
    return this.terms.length - 1;
  }

  get lastTerm(): Term | 0 {
    return this.terms[this.terms.length - 1] ?? 0;
  }

  /** How much of the active file is certain. */
  get certainEnd(): number {
    return this.place.offset;
  }

  /** Reads what has become durable. */
  refresh(): void {
    if (this.seenChanges === this.disk.durableChanges) return;
    this.seenChanges = this.disk.durableChanges;
    const active = this.disk.certain.get(activeName(this.node));
    // In the middle of a roll there is none under its name, and nothing new either.
    if (active === undefined) return;
    if (active !== this.file) {
      this.read();
      this.begin(active);
    } else this.read();
  }

  private begin(file: SimFile): void {
    this.file = file;
    this.place = fileStart;
    this.rolls += 1;
    this.read();
  }

  private read(): void {
    const { file } = this;
    if (file === null || file.certainSize === this.place.offset) return;
    const source: RecordSource = {
      size: file.certainSize,
      read: (offset, length) => file.readCertain(offset, length),
    };
    const reader = new RecordReader(source, this.place);
    for (;;) {
      const next = reader.next();
      if (next.kind === "end") break;
      if (next.kind === "bad") {
        const what = `${next.reason} at byte ${next.offset} of what n${this.node} has synced`;
        throw new Violation("I22", what);
      }
      this.take(next.record);
    }
    this.place = reader.place;
  }

  private take(record: JournalRecord): void {
    if (record.kind === "entry") this.takeEntry(record.entry);
    else if (record.kind === "state") this.hardState = record.hardState;
    else if (record.kind === "peer") this.peers.set(record.node, record.incarnation);
    else if (record.kind === "snapshot") this.takeSnapshot(record);
    else if (record.kind === "header") this.takeHeader(record);
  }

  private takeHeader(header: Header): void {
    for (const [node, incarnation] of header.peers) this.peers.set(node, incarnation);
    if (this.hasBegun === "begun") return;
    this.hasBegun = "begun";
    const { previous, hardState, snapshot } = header;
    this.hardState = hardState;
    this.terms = [];
    this.terms[previous.index] = previous.index === 0 ? 0 : previous.term;
    this.snapshotIndex = snapshot?.last.index ?? 0;
  }

  private takeSnapshot({ id, log }: SnapshotMark): void {
    const { disk, node } = this;
    const { index, term } = id.last;
    // An older one was looked at when it was new, and is gone.
    if (disk.certain.has(snapshotName(node, index))) this.snapshots.recorded({ disk, node, id });
    else if (this.isLive === "live") {
      throw new Violation(
        "I17",
        `n${node} has recorded a snapshot of entry ${index} without a file`,
      );
    }
    this.snapshotIndex = index;
    if (log === "kept") return;
    this.terms = [];
    this.terms[index] = term;
    this.lastTime = 0;
  }

  private takeEntry(entry: Entry): void {
    const { terms } = this;
    const replaces = entry.index < terms.length;
    const term = terms[entry.index - 1];
    if (term === undefined && entry.index <= Math.max(this.snapshotIndex, terms.length)) {
      // The first file of a journal may begin behind entries whose place others took.
      this.witness.entries.meet(entry, "forgotten", `on the disk of n${this.node}`);
      this.terms = [];
      this.terms[entry.index] = entry.term;
      this.lastTime = entry.time;
      return;
    }
    if (term === undefined) {
      throw new Violation(
        "I22",
        `the disk of n${this.node} lacks what is before entry ${entry.index}`,
      );
    }
    // The time of an entry that is replaced is not kept: then only the terms are compared.
    const time = replaces ? 0 : this.lastTime;
    this.witness.entries.meet(entry, { term: term as Term, time }, `on the disk of n${this.node}`);
    this.lastTime = entry.time;
    terms.length = entry.index;
    terms.push(entry.term);
  }
}
