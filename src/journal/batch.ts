/**
 * The records of one write, collected while the write before it is on its way to the disk. They
 * begin with room for a mark. The checksums come when the batch is taken: only then is it known
 * what it follows.
 *
 * Two buffers take turns, so that bytes that were handed out stay as they are until the batch after
 * the next is taken, and nothing is allocated per record.
 */
import { assert } from "../base/assert.ts";
import { entryBytes, writeEntry } from "../codec/entry.ts";
import type { Entry, HardState } from "../raft/types.ts";
import {
  frameBytes,
  kinds,
  markRecordBytes,
  peerRecordBytes,
  recordBytes,
  type SnapshotMark,
  snapshotPayloadBytes,
  stateRecordBytes,
  writeFrame,
  writePeer,
  writeSnapshot,
  writeState,
} from "./record.ts";

const firstBytes = 1 << 16;
/** A buffer that a burst has made larger than this is not kept. */
const keptBytesMax = 1 << 23;

export class Batch {
  private bytes = new Uint8Array(firstBytes);
  private spare = new Uint8Array(firstBytes);
  private used = markRecordBytes;

  get isEmpty(): boolean {
    return this.used === markRecordBytes;
  }

  addEntry(entry: Entry): void {
    const payloadBytes = entryBytes(entry);
    const at = this.room(recordBytes(payloadBytes));
    writeFrame(this.bytes, at, { kind: kinds.entry, payloadBytes });
    writeEntry(entry, this.bytes, at + frameBytes);
  }

  addState(state: HardState): void {
    const at = this.room(stateRecordBytes);
    writeState(this.bytes, at, state);
  }

  addPeer(peer: Parameters<typeof writePeer>[2]): void {
    const at = this.room(peerRecordBytes);
    writePeer(this.bytes, at, peer);
  }

  addSnapshot(mark: SnapshotMark): void {
    const at = this.room(recordBytes(snapshotPayloadBytes(mark)));
    writeSnapshot(this.bytes, at, mark);
  }

  /** The batch, its mark and its checksums still to be written. Collecting begins anew. */
  take(): Uint8Array {
    assert(!this.isEmpty, "there is something to write");
    const taken = this.bytes.subarray(0, this.used);
    const next = this.spare;
    this.spare = this.bytes.length > keptBytesMax ? new Uint8Array(firstBytes) : this.bytes;
    this.bytes = next;
    this.used = markRecordBytes;
    return taken;
  }

  /** Where the next `count` bytes go. */
  private room(count: number): number {
    const at = this.used;
    this.used = at + count;
    if (this.used > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.used, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    return at;
  }
}
