/**
 * What servers say about snapshots, as fields of the bodies that message.ts writes.
 *
 *    snapshot-request    term, NAME, offset, piece
 *    snapshot-response   term, NAME, received
 *
 * NAME, four fields: index and term of the last entry in it, bytes, checksum (journal/snapshot-format.ts)
 *
 * Valid when, besides what holds for all messages, index and term are 1 or more, the term is not above the message's,
 * the checksum is below 2^32, and the piece is binary, not empty, and lies within the snapshot's bytes, as does what
 * was received.
 */
import type { NodeId, Term } from "../base/numbers.ts";
import type { SnapshotRequest, SnapshotResponse } from "../raft/message.ts";
import type { SnapshotId } from "../raft/types.ts";
import { type Field, headBytesMax, isBytes, isCount } from "./messagepack.ts";

type Ends = { readonly from: NodeId; readonly to: NodeId };

const nameFields = 4;

/** What surrounds a piece, at most. */
export const pieceHeadBytesMax =
  headBytesMax.array + (2 + nameFields) * headBytesMax.number + headBytesMax.binary;

export function snapshotFields(message: SnapshotRequest | SnapshotResponse): readonly Field[] {
  const { last, bytes, checksum } = message.snapshot;
  const head = [message.term, last.index, last.term, bytes, checksum];
  return message.kind === "snapshot-request"
    ? [...head, message.offset, message.piece]
    : [...head, message.received];
}

export function readSnapshotMessage(
  kind: "snapshot-request" | "snapshot-response",
  term: Term,
  fields: readonly unknown[],
  ends: Ends,
): SnapshotRequest | SnapshotResponse | null {
  const snapshot = readName(fields, term);
  const place = fields[1 + nameFields];
  if (snapshot === null || !isCount(place)) return null;
  if (kind === "snapshot-response") {
    if (fields.length !== 2 + nameFields || place > snapshot.bytes) return null;
    return { kind, ...ends, term, snapshot, received: place };
  }
  const piece = fields[2 + nameFields];
  if (fields.length !== 3 + nameFields || !isBytes(piece) || piece.length === 0) return null;
  if (place + piece.length > snapshot.bytes) return null;
  return { kind, ...ends, term, snapshot, offset: place, piece };
}

function readName(fields: readonly unknown[], newest: Term): SnapshotId | null {
  const [, index, term, bytes, checksum] = fields;
  if (!isCount(index) || !isCount(term) || !isCount(bytes) || !isCount(checksum)) return null;
  if (index === 0 || term === 0 || term > newest || checksum > 0xffffffff) return null;
  return { last: { index, term }, bytes, checksum };
}
