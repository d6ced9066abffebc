/**
 * Reads a journal file record by record, verifying the chain of checksums, up to its end or to the
 * first byte that is not right. Reads in large pieces, and can go on later from where it stopped: a
 * file that is being written to is read like any other.
 */
import type { Disk } from "./disk.ts";
import { type Header, headerChain, readHeader } from "./header.ts";
import {
  type BodyRecord,
  checksumAt,
  checksumOf,
  frameBytes,
  kinds,
  payloadBytesAt,
  readBody,
  recordBytes,
} from "./record.ts";

/** A file, or the part of it that was there when it was looked at. */
export type RecordSource = {
  readonly size: number;
  /** Up to `length` bytes from `offset`, fewer only at the end. */
  readonly read: (offset: number, length: number) => Uint8Array;
};

export const fileSource = (disk: Disk, name: string): RecordSource => ({
  size: disk.size(name),
  read: (offset, length) => disk.read(name, offset, length),
});

export type JournalRecord = Header | BodyRecord;

/** A record and where it stands; `length` includes frame and padding. */
export type Located = {
  readonly kind: "record";
  readonly offset: number;
  readonly length: number;
  readonly record: JournalRecord;
};

export type BadReason =
  /** The file ends before the record does. */
  | "cut-short"
  /** Kind 0: what was never written reads like this. */
  | "no-record"
  | "checksum"
  /** The checksum is right: a newer version wrote this, or a bug. */
  | "unknown-kind"
  | "unknown-version"
  | "malformed";

export type Bad = { readonly kind: "bad"; readonly offset: number; readonly reason: BadReason };

export type ReadResult = Located | Bad | { readonly kind: "end"; readonly offset: number };

/** Where reading stopped, and all that is needed to go on from there. */
export type ReadPlace = {
  readonly offset: number;
  /** The checksum of the record before `offset`. */
  readonly chain: number;
  /** The checksum of the header; 0 before it was read. */
  readonly seed: number;
};

export const fileStart: ReadPlace = { offset: 0, chain: 0, seed: 0 };

const chunkBytes = 1 << 22;

export class RecordReader {
  private readonly source: RecordSource;
  private offset: number;
  private chain: number;
  private seed: number;
  /** A piece of the file, from `windowAt` on. */
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;

  constructor(source: RecordSource, place: ReadPlace = fileStart) {
    this.source = source;
    this.offset = place.offset;
    this.chain = place.chain;
    this.seed = place.seed;
  }

  get place(): ReadPlace {
    const { offset, chain, seed } = this;
    return { offset, chain, seed };
  }

  /** The next record. After "bad" or "end" it answers the same again. */
  next(): ReadResult {
    const { offset } = this;
    if (offset === this.source.size) return { kind: "end", offset };
    if (!this.fill(frameBytes)) return this.bad("cut-short");
    const frameAt = offset - this.windowAt;
    const kind = this.window[frameAt + 7]!;
    if (kind === 0) return this.bad("no-record");
    const payloadBytes = payloadBytesAt(this.window, frameAt);
    const length = recordBytes(payloadBytes);
    if (!this.fill(length)) return this.bad("cut-short");
    return this.take(kind, payloadBytes, length);
  }

  private take(kind: number, payloadBytes: number, length: number): ReadResult {
    const { window, offset } = this;
    const at = offset - this.windowAt;
    const payload = at + frameBytes;
    const end = payload + payloadBytes;
    const chain = offset === 0 ? headerChain(window, payload, end) : this.chain;
    const checksum = checksumAt(window, at);
    if (chain === null || checksum !== checksumOf(window, at, at + length, chain))
      return this.bad("checksum");
    const record =
      offset === 0
        ? this.header(kind, payload, end)
        : readBody(window, kind, { payload, end, offset, seed: this.seed });
    if (record === "unknown-version") return this.bad("unknown-version");
    if (record === null) return this.bad(isKnown(kind) ? "malformed" : "unknown-kind");
    if (offset === 0) this.seed = checksum;
    this.chain = checksum;
    this.offset += length;
    return { kind: "record", offset, length, record };
  }

  private header(kind: number, payload: number, end: number): Header | "unknown-version" | null {
    const header = readHeader(this.window, payload, end);
    if (kind !== kinds.header || header === "not-a-header") return null;
    return header;
  }

  private bad(reason: BadReason): Bad {
    return { kind: "bad", offset: this.offset, reason };
  }

  /** Makes the window hold `length` bytes from the offset on, if the file has them. */
  private fill(length: number): boolean {
    const { offset, windowAt, window } = this;
    if (offset + length <= windowAt + window.length) return true;
    if (offset + length > this.source.size) return false;
    const wanted = Math.min(Math.max(length, chunkBytes), this.source.size - offset);
    this.window = this.source.read(offset, wanted);
    this.windowAt = offset;
    return this.window.length >= length;
  }
}

const isKnown = (kind: number): boolean =>
  kind === kinds.header ||
  kind === kinds.mark ||
  kind === kinds.entry ||
  kind === kinds.state ||
  kind === kinds.peer ||
  kind === kinds.snapshot;
