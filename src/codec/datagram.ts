/**
 * The envelope of everything that is sent.
 *
 * DATAGRAM, version 1. All integers little-endian.
 *    0  u32  checksum: crc32 of byte 4 to the end
 *    4  u16  magic 0x4252 (the bytes "RB")
 *    6  u8   version 1
 *    7  u8   kind (kinds.ts): below 0x80 between servers, from 0x80 between clients and servers
 *    8  u48  cluster id; between clients and servers 0 says "not known yet"
 *   14  u16  sender: a node id; 0 from a client
 *   16  u48  sender's incarnation
 *   22  u16  receiver: the node id it is meant for; 0 between clients and servers
 *   24  u16  body length
 *   26       body, MessagePack
 *   end-16   tag of byte 4 to the end of the body (authentication.ts), where the group has a key
 *
 * Valid when the length is 26 + body, and 16 more exactly where a key is set; and magic, version,
 * checksum, kind, cluster, receiver and tag are right. The receiver stands in it because answers do
 * not say what was asked: a vote that reaches another candidate, at an address that changed hands,
 * would be counted there. The first seven bytes keep their meaning in every version.
 */
import { assert } from "../base/assert.ts";
import { crc32 } from "../base/checksum.ts";
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import { type NodeId, limits as numberLimits } from "../base/numbers.ts";
import { isTagOf, type Keys, tagBytes, tagOf } from "./authentication.ts";
import { codeOfKind, type DatagramKind, groupOfCode, kindOfCode } from "./kinds.ts";

export const datagramVersion = 1;

export const datagramLimits = {
  headerBytes: 26,
  tagBytes,
  /** The most that UDP carries over IPv4. */
  datagramBytesMax: 65_507,
} as const;

const magic = 0x4252;
const checkedFrom = 4;
const { headerBytes } = datagramLimits;

/** How long a body may be in datagrams of this size, with room for a tag. */
export const bodyBytesMax = (datagramBytes: number): number =>
  Math.min(datagramBytes, datagramLimits.datagramBytesMax) - headerBytes - tagBytes;

export type DatagramHeader = {
  readonly kind: DatagramKind;
  readonly cluster: number;
  /** A node id, or 0: a client. Never 0 in a datagram between servers. */
  readonly sender: NodeId | 0;
  readonly incarnation: number;
  readonly receiver: NodeId | 0;
};

export type DatagramParts = DatagramHeader & { readonly body: Uint8Array; readonly keys: Keys };

/** Why a datagram was not opened. Each is counted. */
export const dropReasons = [
  "too-short",
  "wrong-magic",
  "wrong-version",
  "wrong-length",
  "wrong-checksum",
  "unknown-kind",
  "wrong-cluster",
  "wrong-sender",
  "wrong-receiver",
  "missing-tag",
  "unexpected-tag",
  "wrong-tag",
] as const;

export type DropReason = (typeof dropReasons)[number];

export type OpenedDatagram =
  /** `body` is a view of the datagram. */
  | { readonly kind: "opened"; readonly header: DatagramHeader; readonly body: Uint8Array }
  | { readonly kind: "dropped"; readonly because: DropReason };

/** Who opens: a client is no node (`me` null) and takes nothing that is meant for servers. */
export type Opener = { readonly cluster: number; readonly me: NodeId | null; readonly keys: Keys };

/**
 * The datagram. It is new with every call, and the caller's: it stays as it is for as long as it is
 * held.
 */
export function sealDatagram(parts: DatagramParts): Uint8Array {
  const { body } = parts;
  const code = codeOfKind(parts.kind);
  const key = parts.keys[groupOfCode(code)];
  const bodyEnd = headerBytes + body.length;
  const datagram = new Uint8Array(key === null ? bodyEnd : bodyEnd + tagBytes);
  assert(datagram.length <= datagramLimits.datagramBytesMax, "what is larger goes in chunks");
  assert(parts.cluster <= numberLimits.counterMax, "a cluster id fits six bytes");
  assert(parts.incarnation <= numberLimits.counterMax, "an incarnation fits six bytes");
  writeU16(datagram, 4, magic);
  datagram[6] = datagramVersion;
  datagram[7] = code;
  writeU48(datagram, 8, parts.cluster);
  writeU16(datagram, 14, parts.sender);
  writeU48(datagram, 16, parts.incarnation);
  writeU16(datagram, 22, parts.receiver);
  writeU16(datagram, 24, body.length);
  datagram.set(body, headerBytes);
  if (key !== null) datagram.set(tagOf(key, datagram.subarray(checkedFrom, bodyEnd)), bodyEnd);
  writeU32(datagram, 0, crc32(datagram.subarray(checkedFrom)));
  return datagram;
}

/** What the datagram carries, or why it is dropped. Never throws, whatever the bytes. */
export function openDatagram(datagram: Uint8Array, opener: Opener): OpenedDatagram {
  const damage = damageOf(datagram);
  if (damage !== null) return dropped(damage);
  const kind = kindOfCode(datagram[7]!);
  if (kind === null) return dropped("unknown-kind");
  const header: DatagramHeader = {
    kind,
    cluster: readU48(datagram, 8),
    sender: readU16(datagram, 14) as NodeId | 0,
    incarnation: readU48(datagram, 16),
    receiver: readU16(datagram, 22) as NodeId | 0,
  };
  const mistake = misdirection(header, opener) ?? forgery(datagram, opener);
  if (mistake !== null) return dropped(mistake);
  const bodyAt = datagram.byteOffset + headerBytes;
  const body = new Uint8Array(datagram.buffer, bodyAt, readU16(datagram, 24));
  return { kind: "opened", header, body };
}

/** What is wrong with the bytes as such. */
function damageOf(datagram: Uint8Array): DropReason | null {
  if (datagram.length < headerBytes) return "too-short";
  if (readU16(datagram, 4) !== magic) return "wrong-magic";
  if (datagram[6] !== datagramVersion) return "wrong-version";
  const rest = datagram.length - headerBytes - readU16(datagram, 24);
  if (rest !== 0 && rest !== tagBytes) return "wrong-length";
  return crc32(datagram.subarray(checkedFrom)) === readU32(datagram, 0) ? null : "wrong-checksum";
}

/** Why whole bytes are not for this receiver. */
function misdirection(header: DatagramHeader, opener: Opener): DropReason | null {
  if (groupOfCode(codeOfKind(header.kind)) === "client") {
    if (header.cluster === 0 || opener.cluster === 0) return null;
    return header.cluster === opener.cluster ? null : "wrong-cluster";
  }
  if (header.cluster !== opener.cluster || header.cluster === 0) return "wrong-cluster";
  if (header.sender === 0 || header.sender === opener.me) return "wrong-sender";
  return header.receiver === opener.me ? null : "wrong-receiver";
}

/** Why a well-addressed datagram is not believed. */
function forgery(datagram: Uint8Array, opener: Opener): DropReason | null {
  const key = opener.keys[groupOfCode(datagram[7]!)];
  const bodyEnd = headerBytes + readU16(datagram, 24);
  const tagged = datagram.length > bodyEnd;
  if (key === null) return tagged ? "unexpected-tag" : null;
  if (!tagged) return "missing-tag";
  const covered = datagram.subarray(checkedFrom, bodyEnd);
  return isTagOf(key, covered, datagram.subarray(bodyEnd)) ? null : "wrong-tag";
}

type Dropped = Extract<OpenedDatagram, { readonly kind: "dropped" }>;

const drops = new Map<DropReason, Dropped>(
  dropReasons.map((because) => [because, { kind: "dropped", because }]),
);

/** One object per reason, made once: a flood of bad datagrams makes no garbage. */
const dropped = (because: DropReason): Dropped => drops.get(because)!;
