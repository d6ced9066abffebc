/**
 * Bodies are MessagePack arrays read by position. This file is the only one that knows msgpackr,
 * and keeps it from what it must not do: no records are written; only the plain part of MessagePack
 * reaches the decoder (plain-form.ts); and the build is the one without eval, so that no bytes can
 * ever make it compile code.
 *
 * Whole numbers of 2^32 and more are written as float 64, which is exact up to 2^53.
 */
import { Packr, RESET_BUFFER_MODE } from "msgpackr/index-no-eval";
import { assert } from "../base/assert.ts";
import { byteString, bytesOfByteString } from "../base/bytes.ts";
import { isWireCounter, type LogIndex, type Term } from "../base/numbers.ts";
import { isPlainForm } from "./plain-form.ts";

/** What a body is made of. */
export type Field = number | string | Uint8Array | null | readonly Field[];

const packr = new Packr({ useRecords: false, int64AsType: "number", moreTypes: false });

/** Bytes of the head of an array, a number, a string or a binary value, at most. */
export const headBytesMax = { array: 5, number: 9, string: 5, binary: 5 } as const;

/** The fields as one MessagePack array. The result is new, and the caller's. */
export const packFields = (fields: readonly Field[]): Uint8Array =>
  new Uint8Array(packr.pack(fields, RESET_BUFFER_MODE));

/**
 * The elements of the one MessagePack array that these bytes are, or null. Never throws. Binary
 * elements are views of `bytes`: whoever keeps one copies it (`copied`).
 */
export function unpackFields(bytes: Uint8Array): readonly unknown[] | null {
  if (!isPlainForm(bytes)) return null;
  try {
    const value = packr.unpack(plain(bytes));
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * The same bytes as a Uint8Array proper. The `slice` and `subarray` of a Buffer, which is what
 * sockets hand out, both make views, and a view where a copy was meant changes under its keeper.
 */
export const plain = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A copy, for keeping. */
export const copied = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

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
