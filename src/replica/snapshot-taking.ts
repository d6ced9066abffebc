/**
 * A snapshot of the own state, on its way to the disk: a slice per turn, so that no turn is long, of the state as it
 * was when this began. It is written to a file aside; when that is whole and durable, it can be adopted.
 */
import { later, type Millis, type NodeId, never } from "../base/numbers.ts";
import { StoreReader } from "../codec/store-sections.ts";
import type { DiskEffect } from "../journal/effects.ts";
import { unfinishedSnapshotName } from "../journal/names.ts";
import { SnapshotEncoder } from "../journal/snapshot-format.ts";
import type { Store } from "../kv/store.ts";
import type { SnapshotEnd } from "../raft/types.ts";
import { SideFile } from "./side-file.ts";
import { snapshotFile, snapshotPace, type WholeSnapshot } from "./snapshot-file.ts";

export class SnapshotTaking {
  readonly end: SnapshotEnd;
  readonly file: SideFile;
  private readonly me: NodeId;
  private readonly encoder: SnapshotEncoder;
  private readonly reader: StoreReader;
  private sliceAt: Millis;

  constructor(parts: {
    me: NodeId;
    cluster: number;
    store: Store;
    end: SnapshotEnd;
    blockBytes: number;
    takeTicket: () => number;
    now: Millis;
  }) {
    const { me, cluster, store, end, blockBytes, takeTicket, now } = parts;
    const head = { ...end, cluster };
    this.me = me;
    this.end = end;
    this.encoder = new SnapshotEncoder(head);
    this.reader = new StoreReader(store, blockBytes);
    const name = unfinishedSnapshotName(me, end.last.index, "made");
    this.encoder.header(head);
    const firstBytes = this.encoder.takeWritten().slice();
    this.file = new SideFile({ name, takeTicket, firstBytes });
    this.sliceAt = now;
  }

  nextDeadline(): Millis {
    return this.file.state === "open" && this.file.mayGrow() === "may" ? this.sliceAt : never;
  }

  /** What is to be done to the disk now. */
  continue(now: Millis): readonly DiskEffect[] {
    if (now >= this.nextDeadline()) {
      this.sliceAt = later(now, snapshotPace.sliceMs);
      this.addSlice();
    }
    return this.file.takeEffects();
  }

  /** The file, once it is whole and durable. */
  whole(): WholeSnapshot | null {
    if (this.file.state !== "durable") return null;
    const known = snapshotFile(this.me, this.encoder.id(), this.end);
    return { ...known, temporary: this.file.name };
  }

  /** Of no use any more. */
  giveUp(): void {
    this.reader.end();
    this.file.giveUp();
  }

  private addSlice(): void {
    const { encoder, file } = this;
    let bytes = 0;
    while (bytes < snapshotPace.sliceBytes) {
      const block = this.reader.next();
      bytes += (block === null ? encoder.end() : encoder.section(block)).length;
      if (block !== null) continue;
      file.append(encoder.takeWritten());
      return file.end();
    }
    file.append(encoder.takeWritten());
  }
}
