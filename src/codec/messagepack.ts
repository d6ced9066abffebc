/**
 * Bodies are MessagePack arrays read by position: the part of MessagePack that they need, and no more. Written
 * here, read in unpack.ts.
 *
 * A body is one array that fills its bytes exactly, of
 *    whole numbers      written in the shortest unsigned form below 2^32, as float 64 from there on
 *    floating numbers   float 64
 *    strings            UTF-8
 *    binary values
 *    nil
 *    arrays             of the same, and no deeper: a batch is an array of arrays
 *
 * What else MessagePack knows (maps, dates, extensions, signed numbers, float 32, booleans) is refused. Servers
 * must agree for ever on what a command in the log says, so what is valid stands here, and in no library whose next
 * version may read more. The tests compare both directions with another implementation.
 */
import { assert } from "../base/assert.ts";
import { byteString, bytesOfByteString, utf8 } from "../base/bytes.ts";
import { isWireCounter, type LogIndex, type Term } from "../base/numbers.ts";

/** What a body is made of. */
export type Field = number | string | Uint8Array | null | readonly Field[];

/** A body is an array (1) of arrays (2). */
export const depthMax = 2;

/** Bytes of the head of an array, a number, a string or a binary value, at most. */
export const headBytesMax = { array: 5, number: 9, string: 5, binary: 5 } as const;

/** What is written is written here, and copied out. */
let room = new Uint8Array(1 << 16);
let end = 0;

/** The fields as one MessagePack array. The result is new, and the caller's. */
export function packFields(fields: readonly Field[]): Uint8Array {
  end = 0;
  writeArray(fields, 1);
  return room.slice(0, end);
}

function makeRoom(bytes: number): void {
  if (end + bytes <= room.length) return;
  const larger = new Uint8Array(2 * (end + bytes));
  larger.set(room.subarray(0, end));
  room = larger;
}

function writeArray(fields: readonly Field[], depth: number): void {
  assert(depth <= depthMax, "a body is not deeper than an array of arrays");
  const count = fields.length;
  makeRoom(headBytesMax.array);
  if (count < 16) room[end++] = 0x90 | count;
  else writeWide(0xdc, count);
  for (let at = 0; at < count; at++) writeField(fields[at]!, depth);
}

function writeField(field: Field, depth: number): void {
  if (typeof field === "number") writeNumber(field);
  else if (field instanceof Uint8Array) writeBinary(field);
  else if (typeof field === "string") writeString(utf8(field));
  else if (field === null) {
    makeRoom(1);
    room[end++] = 0xc0;
  } else writeArray(field, depth + 1);
}

function writeNumber(value: number): void {
  makeRoom(headBytesMax.number);
  // Minus zero is not whole: it would come back as another number.
  if (value >>> 0 !== value || Object.is(value, -0)) writeFloat(value);
  else if (value < 0x80) room[end++] = value;
  else if (value < 0x100) writeByte(0xcc, value);
  else writeWide(0xcd, value);
}

function writeBinary(bytes: Uint8Array): void {
  const { length } = bytes;
  makeRoom(headBytesMax.binary + length);
  if (length < 0x100) writeByte(0xc4, length);
  else writeWide(0xc5, length);
  room.set(bytes, end);
  end += length;
}

function writeString(bytes: Uint8Array): void {
  const { length } = bytes;
  makeRoom(headBytesMax.string + length);
  if (length < 32) room[end++] = 0xa0 | length;
  else if (length < 0x100) writeByte(0xd9, length);
  else writeWide(0xda, length);
  room.set(bytes, end);
  end += length;
}

function writeByte(token: number, value: number): void {
  room[end] = token;
  room[end + 1] = value;
  end += 2;
}

/** Big-endian in two bytes; or, under the next token, in four. */
function writeWide(token: number, value: number): void {
  if (value < 0x10000) {
    room[end] = token;
    room[end + 1] = value >>> 8;
    room[end + 2] = value;
    end += 3;
    return;
  }
  room[end] = token + 1;
  room[end + 1] = value >>> 24;
  room[end + 2] = value >>> 16;
  room[end + 3] = value >>> 8;
  room[end + 4] = value;
  end += 5;
}

const float = new DataView(new ArrayBuffer(8));

function writeFloat(value: number): void {
  float.setFloat64(0, value);
  room[end] = 0xcb;
  for (let byte = 0; byte < 8; byte++) room[end + 1 + byte] = float.getUint8(byte);
  end += 9;
}

// What fields mean.

/**
 * The same bytes as a Uint8Array proper. The `slice` and `subarray` of a Buffer, which is what
 * sockets hand out, both make views, and a view where a copy was meant changes under its keeper.
 */
export const plain = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const isBytes = (field: unknown): field is Uint8Array => field instanceof Uint8Array;

/** Whether a field is a whole number below 2^48. Minus zero, which prints as zero, is none. */
export const isCount = (field: unknown): field is Term & LogIndex =>
  isWireCounter(field) && !Object.is(field, -0);

/** The member of the list that a field counts out, or null. */
export function choiceOf<Choice>(choices: readonly Choice[], field: unknown): Choice | null {
  return typeof field === "number" ? (choices[field] ?? null) : null;
}

/** The elements of a field that is an array, or null. */
export const elementsOf = (field: unknown): readonly unknown[] | null =>
  Array.isArray(field) ? field : null;

/** The byte string in a binary field of at most so many bytes, or null. */
export const textField = (field: unknown, bytesMax: number): string | null =>
  isBytes(field) && field.length <= bytesMax ? byteString(field) : null;

/** A byte string as a binary field. */
export function binaryField(text: string): Uint8Array {
  for (let at = 0; at < text.length; at++) {
    assert(text.charCodeAt(at) <= 0xff, "a byte string has one character per byte");
  }
  return bytesOfByteString(text);
}
