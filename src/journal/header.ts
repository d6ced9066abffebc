/**
 * The header: the first record of every file. It says whose file this is and repeats what the files
 * before it amount to, so that each can be read alone, and the older ones can go one day.
 *
 * HEADER (kind 1), versions 1 and 2: a header is of version 2 where a snapshot is in force
 *    0  8 bytes  "RUSTBOAT"
 *    8  u16  format version. Up to here, and the frame around it, no version will change.
 *   10  u16  node
 *   12  u48  cluster
 *   18  u48  incarnation
 *   24  u48  segment number, from 1
 *   30  u32  chain: the checksum of the last record of the segment before; 0 in the first
 *   34  u48  index of the last entry before this segment, 0 for none
 *   40  u48  term of that entry
 *   46  u48  term in force     52  u16  the node voted for in it, 0 for none
 *   54  u48  commit: every entry up to it was committed, and stands before this segment
 *   60  u48  run (as in a mark)
 *   66  u16  how many peers are known
 *   68  u16  bytes of the configuration in force
 *   70       only in version 2, the snapshot as in its mark (record.ts): u48 index, u48 term,
 *            u48 bytes, u32 checksum
 *   70 (92)  per peer: u16 node, u48 incarnation, by ascending node
 *            then the configuration (codec/entry.ts)
 *
 * Valid when its checksum, continued from its own `chain`, is right; the magic and the node are as
 * they must be; and peers and configuration fill it exactly. A header is durable before its file
 * has its name.
 */
import { assert } from "../base/assert.ts";
import { bytesOfByteString } from "../base/bytes.ts";
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import { isNodeId, type LogIndex, logIndex, type NodeId, term } from "../base/numbers.ts";
import { configurationBytes, readConfiguration, writeConfiguration } from "../codec/entry.ts";
import type { Configuration, EntryId, HardState, SnapshotId } from "../raft/types.ts";
import {
  chainRecords,
  frameBytes,
  kinds,
  readHardState,
  readSnapshotId,
  recordBytes,
  snapshotIdBytes,
  writeFrame,
  writeHardState,
  writePeerFields,
  writeSnapshotId,
} from "./record.ts";

/** The lowest in which everything can be said, so that older programs read what they can. */
export const versions = { withoutSnapshot: 1, withSnapshot: 2 } as const;

/** Whose journal it is. 0 is "unknown" for cluster and incarnation, which are below 2^48. */
export type Identity = {
  readonly cluster: number;
  readonly node: NodeId;
  readonly incarnation: number;
};

export type Header = {
  readonly kind: "header";
  /** Of the format that it was written in. */
  readonly version: number;
  readonly identity: Identity;
  readonly segment: number;
  readonly chain: number;
  /** The last entry before this segment. */
  readonly previous: EntryId;
  readonly hardState: HardState;
  readonly commit: LogIndex;
  readonly run: number;
  readonly snapshot: SnapshotId | null;
  readonly peers: ReadonlyMap<NodeId, number>;
  readonly configuration: Configuration;
};

/** Why a record that should be a header, and whose checksum is right, is none. */
export type HeaderProblem = "not-a-header" | "unknown-version";

const magic = bytesOfByteString("RUSTBOAT");
const snapshotAt = 70;
const peerBytes = 8;
const chainAt = 30;

/** The header as a whole record. */
export function headerRecord(header: Omit<Header, "kind" | "version">): Uint8Array {
  const configurationLength = configurationBytes(header.configuration);
  const { snapshot } = header;
  const peersAt = snapshot === null ? snapshotAt : snapshotAt + snapshotIdBytes;
  const configurationAt = peersAt + peerBytes * header.peers.size;
  const payloadBytes = configurationAt + configurationLength;
  assert(configurationLength <= 0xffff, "a configuration fits a header");
  const record = new Uint8Array(recordBytes(payloadBytes));
  writeFrame(record, 0, { kind: kinds.header, payloadBytes });
  const payload = record.subarray(frameBytes);
  payload.set(magic);
  writeU16(payload, 8, snapshot === null ? versions.withoutSnapshot : versions.withSnapshot);
  writeU16(payload, 10, header.identity.node);
  writeU48(payload, 12, header.identity.cluster);
  writeU48(payload, 18, header.identity.incarnation);
  writeU48(payload, 24, header.segment);
  writeU32(payload, chainAt, header.chain);
  writeU48(payload, 34, header.previous.index);
  writeU48(payload, 40, header.previous.term);
  writeHardState(payload, 46, header.hardState);
  writeU48(payload, 54, header.commit);
  writeU48(payload, 60, header.run);
  writeU16(payload, 66, header.peers.size);
  writeU16(payload, 68, configurationLength);
  if (snapshot !== null) writeSnapshotId(payload, snapshotAt, snapshot);
  writePeers(payload, peersAt, header.peers);
  writeConfiguration(header.configuration, payload, configurationAt);
  chainRecords(record, header.chain);
  return record;
}

/**
 * What the checksum of a record that may be a header continues from, or null where it is too short.
 */
export const headerChain = (bytes: Uint8Array, payload: number, end: number): number | null =>
  end - payload < snapshotAt ? null : readU32(bytes, payload + chainAt);

/** The header with the payload [payloadAt, end) of a record whose checksum is right. */
export function readHeader(
  bytes: Uint8Array,
  payloadAt: number,
  end: number,
): Header | HeaderProblem {
  const payload = bytes.subarray(payloadAt, end);
  if (!magic.every((byte, at) => payload[at] === byte)) return "not-a-header";
  const version = readU16(payload, 8);
  if (version < versions.withoutSnapshot || version > versions.withSnapshot) {
    return "unknown-version";
  }
  const node = readU16(payload, 10);
  const hasSnapshot = version === versions.withSnapshot;
  const peersAt = hasSnapshot ? snapshotAt + snapshotIdBytes : snapshotAt;
  const configurationAt = peersAt + peerBytes * readU16(payload, 66);
  const fits = configurationAt + readU16(payload, 68) === payload.length;
  if (!isNodeId(node) || !fits) return "not-a-header";
  const configuration = readConfiguration(payload, configurationAt, payload.length);
  const peers = readPeers(payload, peersAt, configurationAt);
  if (configuration === null || peers === null) return "not-a-header";
  return {
    kind: "header",
    version,
    identity: { node, cluster: readU48(payload, 12), incarnation: readU48(payload, 18) },
    segment: readU48(payload, 24),
    chain: readU32(payload, chainAt),
    previous: { index: logIndex(readU48(payload, 34)), term: term(readU48(payload, 40)) },
    hardState: readHardState(payload, 46),
    commit: logIndex(readU48(payload, 54)),
    run: readU48(payload, 60),
    snapshot: hasSnapshot ? readSnapshotId(payload, snapshotAt) : null,
    peers,
    configuration,
  };
}

function writePeers(payload: Uint8Array, from: number, peers: ReadonlyMap<NodeId, number>): void {
  let at = from;
  for (const [node, incarnation] of [...peers].sort(([a], [b]) => a - b)) {
    writePeerFields(payload, at, { node, incarnation });
    at += peerBytes;
  }
}

function readPeers(payload: Uint8Array, from: number, end: number): Map<NodeId, number> | null {
  const peers = new Map<NodeId, number>();
  let before = 0;
  for (let at = from; at < end; at += peerBytes) {
    const node = readU16(payload, at);
    if (!isNodeId(node) || node <= before) return null;
    peers.set(node, readU48(payload, at + 2));
    before = node;
  }
  return peers;
}
