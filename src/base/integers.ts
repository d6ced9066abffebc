/**
 * Whole numbers as little-endian bytes, straight on a Uint8Array: the hot paths write a hundred
 * thousand of them a second, and a DataView per record would cost more than the record. Bounds are
 * the caller's.
 */

export const readU16 = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8);

export const readU32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

export const readU48 = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at) + readU16(bytes, at + 4) * 2 ** 32;

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value % 2 ** 32);
  writeU16(bytes, at + 4, Math.floor(value / 2 ** 32));
}
