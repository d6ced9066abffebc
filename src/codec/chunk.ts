/**
 * A piece of something larger than a datagram, and the word that pieces have arrived, as bodies of
 * datagrams.
 *
 * peer-chunk, client-chunk, a MessagePack array
 *    transfer, kind, total, checksum, stride, number, bytes
 *      transfer   chosen by the sender, different for each of its transfers
 *      kind       of the datagram whose body the whole is; of the same group as the chunk
 *      total      bytes of the whole             stride   bytes of every piece but the last
 *      checksum   crc32 of the whole             number   of this piece, from 0; bytes: binary
 * peer-chunk-ack, client-chunk-ack, a MessagePack array
 *    transfer, below, others...
 *      below      every piece with a smaller number has arrived
 *      others     numbers of more pieces that have arrived
 *
 * Valid when the arrays have exactly these fields, all whole numbers below 2^48; the whole has 1 to
 * `wholeBytesMax` bytes in at most `chunksMax` pieces, the number is of one of them, and its bytes
 * are as many as that piece has; and the kind is known, of the group, and no chunk or ack itself.
 */
import {
  type ClientKind,
  codeOfKind,
  type DatagramKind,
  type Group,
  groupOfKind,
  kindOfCode,
  type PeerKind,
} from "./kinds.ts";
import { headBytesMax, isBytes, isCount, packFields } from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

export const chunkLimits = {
  /** The largest entry (entry.ts) or list of keys, and room for what surrounds it. */
  wholeBytesMax: (1 << 20) + (1 << 17),
  chunksMax: 0xffff,
  /** Pieces beyond the first gap that one ack names. */
  othersMax: 64,
} as const;

/** `bytes` is a view of the body it was decoded from. */
export type Chunk = {
  readonly transfer: number;
  readonly kind: DatagramKind;
  readonly totalBytes: number;
  readonly checksum: number;
  readonly stride: number;
  readonly number: number;
  readonly bytes: Uint8Array;
};

export type ChunkAck = {
  readonly transfer: number;
  readonly below: number;
  readonly others: readonly number[];
};

type ChunkKind = Extract<PeerKind | ClientKind, `${string}-chunk`>;
type ChunkAckKind = Extract<PeerKind | ClientKind, `${string}-chunk-ack`>;

export const chunkKinds: Readonly<Record<Group, ChunkKind>> = {
  peer: "peer-chunk",
  client: "client-chunk",
};

export const chunkAckKinds: Readonly<Record<Group, ChunkAckKind>> = {
  peer: "peer-chunk-ack",
  client: "client-chunk-ack",
};

/** The bytes of a chunk's body besides those it carries, at most. */
export const chunkHeadBytesMax = headBytesMax.array + 6 * headBytesMax.number + headBytesMax.binary;

export const chunkCount = (sizes: { readonly totalBytes: number; readonly stride: number }) =>
  Math.ceil(sizes.totalBytes / sizes.stride);

/** Whether a whole of this kind may travel in chunks of this group. */
export const isTransferable = (kind: DatagramKind, group: Group): boolean =>
  groupOfKind(kind) === group && kind !== chunkKinds[group] && kind !== chunkAckKinds[group];

/** The body is new, and the caller's. */
export const encodeChunk = (chunk: Chunk): Uint8Array =>
  packFields([
    chunk.transfer,
    codeOfKind(chunk.kind),
    chunk.totalBytes,
    chunk.checksum,
    chunk.stride,
    chunk.number,
    chunk.bytes,
  ]);

/** The chunk, or null where the body is none of this group. Never throws. */
export function decodeChunk(body: Uint8Array, group: Group): Chunk | null {
  const fields = unpackFields(body);
  if (fields === null || fields.length !== 7) return null;
  const [transfer, code, totalBytes, checksum, stride, number, bytes] = fields;
  if (!isCount(transfer) || !isCount(code) || !isCount(totalBytes)) return null;
  if (!isCount(checksum) || !isCount(stride) || !isCount(number) || !isBytes(bytes)) return null;
  const kind = kindOfCode(code);
  if (kind === null || !isTransferable(kind, group)) return null;
  if (totalBytes === 0 || totalBytes > chunkLimits.wholeBytesMax || stride === 0) return null;
  const count = chunkCount({ totalBytes, stride });
  if (count > chunkLimits.chunksMax || number >= count) return null;
  if (bytes.length !== Math.min(stride, totalBytes - number * stride)) return null;
  return { transfer, kind, totalBytes, checksum, stride, number, bytes };
}

/** The body is new, and the caller's. */
export const encodeChunkAck = (ack: ChunkAck): Uint8Array =>
  packFields([ack.transfer, ack.below, ...ack.others]);

/** The ack, or null where the body is none. Never throws. */
export function decodeChunkAck(body: Uint8Array): ChunkAck | null {
  const fields = unpackFields(body);
  if (fields === null || fields.length > 2 + chunkLimits.othersMax) return null;
  const [transfer, below, ...rest] = fields;
  if (!isCount(transfer) || !isCount(below)) return null;
  const others: number[] = [];
  for (const field of rest) {
    if (!isCount(field)) return null;
    others.push(field);
  }
  return { transfer, below, others };
}
