/**
 * Records: the frame that all share, and the payloads of the small ones.
 *
 * JOURNAL FILE, version 1. All integers little-endian. A file is records, one after the other; the
 * first is a header (header.ts), and each begins at a multiple of 8.
 *
 * FRAME
 *    0  u32  checksum: CRC-32 of the rest of the record, padding included, continued from the
 *            checksum of the record before; a file's first record continues from the last of the
 *            file before
 *    4  u24  payload length
 *    7  u8   kind: 1 header, 2 mark, 3 entry, 4 state, 5 peer, 6 snapshot. 7 and 8 are kept for more of it.
 *    8       payload, then zeros up to a multiple of 8
 *
 * MARK (kind 2): begins every write to the file. Can be found and trusted without what stands
 * before it.
 *    0  4 bytes  "MARK"
 *    4  u32  CRC-32 of bytes 8..55, continued from the checksum of this file's header record. It
 *            stands before what it covers: behind it, it would cancel out of the record's own CRC.
 *    8  u48  offset of this record in its file
 *   14  u48  every byte of this file before this offset was durable when the mark was written
 *   20  u48  commit: every entry up to it was committed, and stands before this mark
 *   26  u48  run: how many times the journal had been opened, this time included
 *   32  u48  term in force where the mark stands     38  u16  the node voted for in it, 0 for none
 *   40  u48  index of the last entry before the mark, 0 for none     46  u48  term of that entry
 *   52  u32  how often entries of this file took the place of others before the mark
 *            So damage before a mark hides no vote, nor how far the log had gone, nor whether what stands
 *            before the damage still counts (salvage.ts).
 *
 * ENTRY (kind 3): see codec/entry.ts. It replaces the entry of the same index and all that follow
 * that one.
 *
 * STATE (kind 4)
 *    0  u48  term     6  u16  the node voted for in this term, 0 for none
 *
 * PEER (kind 5): the first incarnation of a peer that was ever heard.
 *    0  u16  node     2  u48  incarnation
 *
 * SNAPSHOT (kind 6): from here on the file node<n>.<index>.snap, which is durable, stands for the log
 * up to its last entry (snapshot-format.ts).
 *    0  u48  index of the last entry in it     6  u48  term of that entry
 *   12  u48  how long the file is     18  u32  the checksum of its last block
 *   22  u8   the log: 0 kept, it holds that entry; 1 discarded, it did not, and begins behind it
 *   23  u8   0
 *   24       the configuration in force at that entry (codec/entry.ts)
 *
 * A record is valid when its checksum is right, its kind is known and its payload has the shape of
 * the kind. Kind 0 is none, so that zeros are never a record.
 */
import { assert } from "../base/assert.ts";
import { crc32 } from "../base/checksum.ts";
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import {
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  type Term,
  term,
} from "../base/numbers.ts";
import {
  configurationBytes,
  readConfiguration,
  readEntry,
  writeConfiguration,
} from "../codec/entry.ts";
import type { Configuration, Entry, EntryId, HardState, SnapshotId } from "../raft/types.ts";

export const frameBytes = 8;
export const recordAlignment = 8;
export const payloadBytesMax = 2 ** 24 - 1;

export const kinds = { header: 1, mark: 2, entry: 3, state: 4, peer: 5, snapshot: 6 } as const;

export type Mark = {
  readonly kind: "mark";
  readonly offset: number;
  readonly durable: number;
  readonly commit: LogIndex;
  readonly run: number;
  /** As they were before the write that the mark begins. */
  readonly hardState: HardState;
  readonly last: EntryId;
  /** How often entries of this file took the place of others before the mark. */
  readonly replacements: number;
};

/** A snapshot is in force. What became of the log then is told: later entries are read accordingly. */
export type SnapshotMark = {
  readonly kind: "snapshot";
  readonly id: SnapshotId;
  readonly log: "kept" | "discarded";
  readonly configuration: Configuration;
};

/** What follows a file's header. */
export type BodyRecord =
  | Mark
  | SnapshotMark
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "state"; readonly hardState: HardState }
  | { readonly kind: "peer"; readonly node: NodeId; readonly incarnation: number };

const markPayloadBytes = 56;
/** "MARK", and where it stands in a mark's record. */
export const markMagic = 0x4b52414d;
export const markMagicAt = frameBytes;
const markChecksumAt = 4;
const markFieldsAt = 8;
export const statePayloadBytes = 8;
export const peerPayloadBytes = 8;
/** A snapshot's name among servers, as it stands in a mark and in a header. */
export const snapshotIdBytes = 22;
const snapshotHeadBytes = 24;

/** The room a record takes, from its payload's length. */
export const recordBytes = (payloadBytes: number): number =>
  (frameBytes + payloadBytes + recordAlignment - 1) & ~(recordAlignment - 1);

export const markRecordBytes = recordBytes(markPayloadBytes);
export const stateRecordBytes = recordBytes(statePayloadBytes);
export const peerRecordBytes = recordBytes(peerPayloadBytes);

export const payloadBytesAt = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + 4) & payloadBytesMax;

/** The checksum that the record at `at` carries. */
export const checksumAt = (bytes: Uint8Array, at: number): number => readU32(bytes, at);

/**
 * Writes all of a frame but its checksum, and the padding. The payload follows at `at +
 * frameBytes`.
 */
export function writeFrame(
  target: Uint8Array,
  at: number,
  frame: { readonly kind: number; readonly payloadBytes: number },
): void {
  assert(frame.payloadBytes <= payloadBytesMax, "a payload's length fits three bytes");
  writeU32(target, at + 4, frame.payloadBytes);
  target[at + 7] = frame.kind;
  const end = at + recordBytes(frame.payloadBytes);
  for (let padding = at + frameBytes + frame.payloadBytes; padding < end; padding++) {
    target[padding] = 0;
  }
}

/** What the checksum of the record in [at, end) must be. */
export const checksumOf = (bytes: Uint8Array, at: number, end: number, chain: number): number =>
  crc32(bytes.subarray(at + 4, end), chain);

/** Writes the checksums of the records that fill `bytes`, and returns the last. */
export function chainRecords(bytes: Uint8Array, chain: number): number {
  let last = chain;
  let at = 0;
  while (at < bytes.length) {
    const end = at + recordBytes(payloadBytesAt(bytes, at));
    last = checksumOf(bytes, at, end, last);
    writeU32(bytes, at, last);
    at = end;
  }
  assert(at === bytes.length, "records fill a batch exactly");
  return last;
}

/**
 * Writes a mark but for its record checksum. `seed` is the checksum of the file's header record.
 */
export function writeMark(
  target: Uint8Array,
  at: number,
  mark: Omit<Mark, "kind"> & { readonly seed: number },
): void {
  assert(mark.durable <= mark.offset, "a mark speaks of what stands before it");
  writeFrame(target, at, { kind: kinds.mark, payloadBytes: markPayloadBytes });
  const payload = at + frameBytes;
  writeU32(target, payload, markMagic);
  writeU48(target, payload + 8, mark.offset);
  writeU48(target, payload + 14, mark.durable);
  writeU48(target, payload + 20, mark.commit);
  writeU48(target, payload + 26, mark.run);
  writeHardState(target, payload + 32, mark.hardState);
  writeU48(target, payload + 40, mark.last.index);
  writeU48(target, payload + 46, mark.last.term);
  writeU32(target, payload + 52, mark.replacements);
  writeU32(target, payload + markChecksumAt, markChecksum(target, payload, mark.seed));
}

/**
 * The mark whose record begins at `at`, which is `offset` in the file, or null. The frame is not
 * looked at: this is for finding marks where the chain of checksums is broken.
 */
export function readMark(
  bytes: Uint8Array,
  at: number,
  place: { readonly offset: number; readonly seed: number },
): Mark | null {
  const payload = at + frameBytes;
  if (payload + markPayloadBytes > bytes.length) return null;
  if (readU32(bytes, payload) !== markMagic) return null;
  if (readU48(bytes, payload + 8) !== place.offset) return null;
  const checksum = readU32(bytes, payload + markChecksumAt);
  if (checksum !== markChecksum(bytes, payload, place.seed)) return null;
  const durable = readU48(bytes, payload + 14);
  if (durable > place.offset) return null;
  return {
    kind: "mark",
    offset: place.offset,
    durable,
    commit: logIndex(readU48(bytes, payload + 20)),
    run: readU48(bytes, payload + 26),
    hardState: readHardState(bytes, payload + 32),
    last: {
      index: logIndex(readU48(bytes, payload + 40)),
      term: term(readU48(bytes, payload + 46)),
    },
    replacements: readU32(bytes, payload + 52),
  };
}

const markChecksum = (bytes: Uint8Array, payload: number, seed: number): number =>
  crc32(bytes.subarray(payload + markFieldsAt, payload + markPayloadBytes), seed);

export function writeState(target: Uint8Array, at: number, state: HardState): void {
  writeFrame(target, at, { kind: kinds.state, payloadBytes: statePayloadBytes });
  writeHardState(target, at + frameBytes, state);
}

export function writePeer(
  target: Uint8Array,
  at: number,
  peer: { readonly node: NodeId; readonly incarnation: number },
): void {
  writeFrame(target, at, { kind: kinds.peer, payloadBytes: peerPayloadBytes });
  writePeerFields(target, at + frameBytes, peer);
}

export const snapshotPayloadBytes = ({ configuration }: SnapshotMark): number =>
  snapshotHeadBytes + configurationBytes(configuration);

export function writeSnapshot(target: Uint8Array, at: number, mark: SnapshotMark): void {
  const payload = at + frameBytes;
  const payloadBytes = snapshotPayloadBytes(mark);
  writeFrame(target, at, { kind: kinds.snapshot, payloadBytes });
  writeSnapshotId(target, payload, mark.id);
  target[payload + snapshotIdBytes] = mark.log === "kept" ? 0 : 1;
  target[payload + snapshotIdBytes + 1] = 0;
  // Without what lies behind the payload: the batch goes on there.
  const fields = target.subarray(payload + snapshotHeadBytes, payload + payloadBytes);
  writeConfiguration(mark.configuration, fields, 0);
}

function readSnapshot(bytes: Uint8Array, payload: number, end: number): SnapshotMark | null {
  if (end - payload < snapshotHeadBytes) return null;
  const id = readSnapshotId(bytes, payload);
  const log = bytes[payload + snapshotIdBytes];
  const configuration = readConfiguration(bytes, payload + snapshotHeadBytes, end);
  if (id === null || configuration === null || bytes[payload + snapshotIdBytes + 1] !== 0) {
    return null;
  }
  if (log !== 0 && log !== 1) return null;
  return { kind: "snapshot", id, log: log === 0 ? "kept" : "discarded", configuration };
}

export function writeSnapshotId(target: Uint8Array, at: number, id: SnapshotId): void {
  writeU48(target, at, id.last.index);
  writeU48(target, at + 6, id.last.term);
  writeU48(target, at + 12, id.bytes);
  writeU32(target, at + 18, id.checksum);
}

/** Null where there is none: an index of 0. */
export function readSnapshotId(bytes: Uint8Array, at: number): SnapshotId | null {
  const index = readU48(bytes, at);
  if (index === 0) return null;
  const last = { index: logIndex(index), term: term(readU48(bytes, at + 6)) };
  return { last, bytes: readU48(bytes, at + 12), checksum: readU32(bytes, at + 18) };
}

/** The payload in [payload, end) as a record of its kind, or null where it has not the shape. */
export function readBody(
  bytes: Uint8Array,
  kind: number,
  place: { readonly payload: number; readonly end: number; offset: number; seed: number },
): BodyRecord | null {
  const { payload, end } = place;
  switch (kind) {
    case kinds.mark:
      return end - payload === markPayloadBytes
        ? readMark(bytes, payload - frameBytes, place)
        : null;
    case kinds.entry: {
      const read = readEntry(bytes, payload, end);
      return read !== null && read.next === end ? { kind: "entry", entry: read.entry } : null;
    }
    case kinds.state:
      return end - payload === statePayloadBytes
        ? { kind: "state", hardState: readHardState(bytes, payload) }
        : null;
    case kinds.snapshot:
      return readSnapshot(bytes, payload, end);
    case kinds.peer: {
      const node = readU16(bytes, payload);
      if (end - payload !== peerPayloadBytes || !isNodeId(node)) return null;
      return { kind: "peer", node, incarnation: readU48(bytes, payload + 2) };
    }
    default:
      return null;
  }
}

/** Term and vote, 8 bytes: the payload of a state record, and a part of a header. */
export function writeHardState(target: Uint8Array, at: number, state: HardState): void {
  writeU48(target, at, state.term);
  writeU16(target, at + 6, state.votedFor ?? 0);
}

export function readHardState(bytes: Uint8Array, at: number): HardState {
  const voted = readU16(bytes, at + 6);
  const current: Term = term(readU48(bytes, at));
  return { term: current, votedFor: voted === 0 ? null : nodeId(voted) };
}

/** A peer and its incarnation, 8 bytes: the payload of a peer record, and a part of a header. */
export function writePeerFields(
  target: Uint8Array,
  at: number,
  peer: { readonly node: NodeId; readonly incarnation: number },
): void {
  writeU16(target, at, peer.node);
  writeU48(target, at + 2, peer.incarnation);
}
