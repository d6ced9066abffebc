/**
 * What can happen to the bytes of a datagram, and what strangers send. None of it may throw, and nothing but a
 * whole datagram of this cluster, from who it says, may move a server.
 */
import { assert, unreachable } from "../base/assert.ts";
import { crc32 } from "../base/checksum.ts";
import { readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import { between, type Random } from "../base/random.ts";
import { datagramLimits } from "../codec/datagram.ts";

export const corruptions = [
  "flip-a-bit",
  "cut-short",
  "pad",
  "splice",
  "noise",
  // From here on the checksum is right: a stranger's program has made it.
  "other-cluster",
  "other-receiver",
  "other-sender",
  "other-version",
  "unknown-kind",
  "nonsense-body",
  "tag-on-none",
  "tag-cut-off",
] as const;

export type Corruption = (typeof corruptions)[number];

/** A new datagram made of this one; `other` is one that was sent before. */
export function corrupt(
  how: Corruption,
  parts: { readonly bytes: Uint8Array; readonly other: Uint8Array },
  random: Random,
): Uint8Array {
  const { bytes, other } = parts;
  assert(bytes.length >= datagramLimits.headerBytes, "what is corrupted was a datagram");
  switch (how) {
    case "flip-a-bit":
      return changed(bytes, (copy) => flip(copy, random.below(copy.length * 8)));
    case "cut-short":
      return bytes.slice(0, random.below(bytes.length));
    case "pad":
      return joined(bytes, noise(between(random, { min: 1, max: 32 }), random));
    case "splice": {
      const at = random.below(bytes.length);
      return joined(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)));
    }
    case "noise":
      return noise(random.below(200), random);
    case "other-cluster":
      return forged(bytes, (copy) => writeU48(copy, 8, readU48(copy, 8) + 1));
    case "other-receiver":
      return forged(bytes, (copy) => writeU16(copy, 22, 99));
    case "other-sender":
      return forged(bytes, (copy) => writeU16(copy, 14, 77));
    case "other-version":
      return forged(bytes, (copy) => {
        copy[6] = 2;
      });
    case "unknown-kind":
      return forged(bytes, (copy) => {
        copy[7] = 0x7f;
      });
    case "nonsense-body":
      return forged(bytes, (copy) => {
        copy.set(noise(copy.length - bodyAt, random), bodyAt);
        // By chance it could be a message: those are for who has the key, and believed.
        if (copy.length > bodyAt) copy[bodyAt] = notMessagePack;
      });
    case "tag-on-none":
      return forged(joined(bytes, noise(datagramLimits.tagBytes, random)), () => {});
    case "tag-cut-off":
      return forged(
        bytes.slice(0, Math.max(bodyAt, bytes.length - datagramLimits.tagBytes)),
        () => {},
      );
    default:
      return unreachable(how);
  }
}

/** The one byte that no MessagePack begins with. */
const notMessagePack = 0xc1;
const bodyAt = datagramLimits.headerBytes;

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = new Uint8Array(bytes);
  change(copy);
  return copy;
}

/** Changed, and its checksum made right again. */
function forged(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  return changed(bytes, (copy) => {
    change(copy);
    writeU32(copy, 0, crc32(copy.subarray(4)));
  });
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = bytes[bit >>> 3]! ^ (1 << (bit & 7));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

export function noise(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}
