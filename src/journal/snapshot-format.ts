/**
 * Snapshots: what a log amounts to up to one entry, in a file of its own (dissertation 5.1).
 *
 * SNAPSHOT FILE, version 1. All integers little-endian; u48 is a whole number below 2^48. A file is blocks, one after
 * the other, and each begins at a multiple of 8, in the frame of the journal's records (record.ts):
 *    0  u32  CRC-32 of the rest of the block, padding included, continued from the checksum of the block before; that
 *            of the first continues from 0
 *    4  u24  length of the payload     7  u8  kind: 1 header, 2 end, from 16 on a section's
 *    8       payload, then zeros up to a multiple of 8
 *
 * HEADER (kind 1), the first block
 *    0  8 bytes  "RUSTSNAP"
 *    8  u16  format version. Up to here no version will change.
 *   10  u48  cluster
 *   16  u48  index of the last entry that is included     22  u48  term of that entry
 *   28  u48  its cluster time
 *   34       the configuration in force at that entry (codec/entry.ts)
 *
 * SECTIONS (kinds from 16 on): the store (codec/store-sections.ts).
 *
 * END (kind 2), the last block
 *    0  u48  how many blocks stand before it
 *
 * Valid when every checksum is right, the first block is a header, the last one an end with the right count, and
 * nothing follows it. The checksum of the end covers the whole file, and is a part of its name among servers. There
 * is no node in it: servers that hold the same state write the same bytes.
 */
import { assert } from "../base/assert.ts";
import { bytesOfByteString, concat, noBytes } from "../base/bytes.ts";
import { readU16, readU48, writeU16, writeU48 } from "../base/integers.ts";
import { logIndex, millis, term } from "../base/numbers.ts";
import { configurationBytes, readConfiguration, writeConfiguration } from "../codec/entry.ts";
import { sectionKindMin } from "../codec/section.ts";
import type { SectionBlock } from "../codec/store-sections.ts";
import type { SnapshotEnd, SnapshotId } from "../raft/types.ts";
import {
  chainRecords,
  checksumAt,
  checksumOf,
  frameBytes,
  payloadBytesAt,
  recordBytes,
  writeFrame,
} from "./record.ts";

export const snapshotVersion = 1;

/** Whose state it is, and up to which entry. */
export type SnapshotHead = SnapshotEnd & { readonly cluster: number };

const kinds = { header: 1, end: 2 } as const;
const magic = bytesOfByteString("RUSTSNAP");
const configurationAt = 34;
const endPayloadBytes = 6;

/**
 * Makes the blocks of one file, in order. What it gives out are views of one buffer, which is used anew after
 * takeWritten: a snapshot makes no more garbage than a slice of it is long, or collecting it would stop the server for
 * longer than any slice.
 */
export class SnapshotEncoder {
  private readonly last: SnapshotHead["last"];
  private blocks = 0;
  private bytes = 0;
  private chain = 0;
  private buffer = new Uint8Array(1 << 17);
  private used = 0;

  constructor({ last }: SnapshotHead) {
    this.last = last;
  }

  header(head: SnapshotHead): Uint8Array {
    const payload = new Uint8Array(configurationAt + configurationBytes(head.configuration));
    payload.set(magic);
    writeU16(payload, 8, snapshotVersion);
    writeU48(payload, 10, head.cluster);
    writeU48(payload, 16, head.last.index);
    writeU48(payload, 22, head.last.term);
    writeU48(payload, 28, head.time);
    writeConfiguration(head.configuration, payload, configurationAt);
    return this.block(kinds.header, payload);
  }

  section({ kind, bytes }: SectionBlock): Uint8Array {
    assert(kind >= sectionKindMin, "a section's kind is none of the file's own");
    return this.block(kind, bytes);
  }

  end(): Uint8Array {
    const payload = new Uint8Array(endPayloadBytes);
    writeU48(payload, 0, this.blocks);
    return this.block(kinds.end, payload);
  }

  /** After the end. */
  id(): SnapshotId {
    const { index, term: lastTerm } = this.last;
    return { last: { index, term: lastTerm }, bytes: this.bytes, checksum: this.chain };
  }

  /** The blocks since the last call, one behind the other; good until the next block is made. */
  takeWritten(): Uint8Array {
    const written = this.buffer.subarray(0, this.used);
    this.used = 0;
    return written;
  }

  private room(count: number): Uint8Array {
    const at = this.used;
    this.used += count;
    if (this.used > this.buffer.length) {
      const larger = new Uint8Array(Math.max(this.used, this.buffer.length * 2));
      larger.set(this.buffer.subarray(0, at));
      this.buffer = larger;
    }
    return this.buffer.subarray(at, this.used);
  }

  private block(kind: number, payload: Uint8Array): Uint8Array {
    const block = this.room(recordBytes(payload.length));
    writeFrame(block, 0, { kind, payloadBytes: payload.length });
    block.set(payload, frameBytes);
    this.chain = chainRecords(block, this.chain);
    this.blocks += 1;
    this.bytes += block.length;
    return block;
  }
}

export type SnapshotPart = { readonly offset: number; readonly length: number } & (
  | { readonly kind: "header"; readonly head: SnapshotHead }
  | { readonly kind: "section"; readonly block: SectionBlock }
  | { readonly kind: "end"; readonly id: SnapshotId }
);

export type SnapshotWrong =
  | "checksum"
  /** The checksum is right: a newer version wrote this, or a bug. */
  | "unknown-version"
  | "malformed"
  /** There is something behind the end. */
  | "goes-on";

/** Reads a snapshot of which a piece is given at a time, in order; what is left over waits for the next. */
export class SnapshotDecoder {
  /** What is wrong at `offset`; nothing is read any more. */
  wrong: SnapshotWrong | null = null;
  /** Behind the last block that is right. */
  offset = 0;
  private rest: Uint8Array = noBytes;
  private chain = 0;
  private blocks = 0;
  private head: SnapshotHead | null = null;
  private state: "open" | "ended" = "open";

  get isComplete(): boolean {
    return this.state === "ended" && this.wrong === null;
  }

  /** The blocks that are complete with these bytes, as views of them: to be used before the next call. */
  push(bytes: Uint8Array): readonly SnapshotPart[] {
    const data = this.rest.length === 0 ? bytes : concat([this.rest, bytes]);
    const parts: SnapshotPart[] = [];
    let at = 0;
    while (this.wrong === null && at + frameBytes <= data.length) {
      const length = recordBytes(payloadBytesAt(data, at));
      if (at + length > data.length) break;
      const part = this.take(data, at, length);
      if (part === null) break;
      parts.push(part);
      at += length;
    }
    this.rest = data.slice(at);
    if (this.state === "ended" && this.rest.length > 0) this.wrong ??= "goes-on";
    return parts;
  }

  private take(data: Uint8Array, at: number, length: number): SnapshotPart | null {
    const checksum = checksumAt(data, at);
    if (checksum !== checksumOf(data, at, at + length, this.chain)) return this.fail("checksum");
    if (this.state === "ended") return this.fail("goes-on");
    this.chain = checksum;
    const payload = data.subarray(at + frameBytes, at + frameBytes + payloadBytesAt(data, at));
    const part = this.part(data[at + 7] ?? 0, payload, length);
    if (part === null) return this.fail("malformed");
    if (part === "unknown-version") return this.fail(part);
    this.blocks += 1;
    this.offset += length;
    return part;
  }

  private part(
    kind: number,
    payload: Uint8Array,
    length: number,
  ): SnapshotPart | "unknown-version" | null {
    const { offset, head } = this;
    if (head === null) {
      const read = kind === kinds.header ? readHead(payload) : null;
      if (read === null || read === "unknown-version") return read;
      this.head = read;
      return { offset, length, kind: "header", head: read };
    }
    if (kind >= sectionKindMin) {
      return { offset, length, kind: "section", block: { kind, bytes: payload } };
    }
    const isEnd = kind === kinds.end && payload.length === endPayloadBytes;
    if (!isEnd || readU48(payload, 0) !== this.blocks) return null;
    this.state = "ended";
    const id = { last: head.last, bytes: offset + length, checksum: this.chain };
    return { offset, length, kind: "end", id };
  }

  private fail(wrong: SnapshotWrong): null {
    this.wrong = wrong;
    return null;
  }
}

export const startsLikeSnapshot = (bytes: Uint8Array): boolean =>
  magic.every((byte, at) => bytes[frameBytes + at] === byte);

function readHead(payload: Uint8Array): SnapshotHead | "unknown-version" | null {
  if (!magic.every((byte, at) => payload[at] === byte)) return null;
  if (readU16(payload, 8) !== snapshotVersion) return "unknown-version";
  if (payload.length < configurationAt) return null;
  const configuration = readConfiguration(payload, configurationAt, payload.length);
  const last = { index: logIndex(readU48(payload, 16)), term: term(readU48(payload, 22)) };
  if (configuration === null || last.index === 0 || last.term === 0) return null;
  const time = millis(readU48(payload, 28));
  return { cluster: readU48(payload, 10), last, time, configuration };
}

export const sameSnapshot = (a: SnapshotId, b: SnapshotId): boolean =>
  a.last.index === b.last.index &&
  a.last.term === b.last.term &&
  a.bytes === b.bytes &&
  a.checksum === b.checksum;
