/**
 * Bodies from bytes (messagepack.ts): what is valid is decided here, field by field. `undefined` says that the bytes
 * are no such thing; nil is null.
 */
import { noBytes, textOf } from "../base/bytes.ts";
import { depthMax, isCount, plain } from "./messagepack.ts";

/** What is read, and where: one body at a time. */
let source = noBytes;
let place = 0;

/**
 * The elements of the one MessagePack array that these bytes are, or null. Never throws. Keeps nothing of `bytes`:
 * binary elements are copies.
 */
export function unpackFields(bytes: Uint8Array): readonly unknown[] | null {
  source = plain(bytes);
  place = 0;
  const fields = readArray(source[place++], 1);
  return fields === undefined || place !== source.length ? null : fields;
}

/**
 * Field by field, for what is read a hundred thousand times a second: no array of fields is made. `from` begins, with
 * the number of fields, or null where the bytes are no array of fewer than 16. Each step gives null where the bytes
 * are something else; `isOver` says that nothing is left.
 */
export const stepwise = {
  from(bytes: Uint8Array): number | null {
    source = plain(bytes);
    place = 1;
    const token = source[0];
    return token !== undefined && token >= 0x90 && token < 0xa0 ? token & 0x0f : null;
  },
  count(): number | null {
    const field = readField(depthMax);
    return isCount(field) ? field : null;
  },
  binary(): Uint8Array | null {
    const field = readField(depthMax);
    return field instanceof Uint8Array ? field : null;
  },
  isOver: (): boolean => place === source.length,
} as const;

function readArray(token: number | undefined, depth: number): readonly unknown[] | undefined {
  if (token === undefined || depth > depthMax) return undefined;
  let count: number;
  if (token >= 0x90 && token < 0xa0) count = token & 0x0f;
  else if (token === 0xdc) count = readWhole(2);
  else if (token === 0xdd) count = readWhole(4);
  else return undefined;
  const fields: unknown[] = [];
  // A count of thousands of millions ends where the bytes do.
  for (let read = 0; read < count; read++) {
    const field = readField(depth);
    if (field === undefined) return undefined;
    fields.push(field);
  }
  return fields;
}

function readField(depth: number): unknown {
  const token = source[place++];
  if (token === undefined) return undefined;
  if (token < 0x80) return token;
  if (token >= 0xa0 && token < 0xc0) return readString(token & 0x1f);
  switch (token) {
    case 0xc0:
      return null;
    case 0xc4:
      return readBinary(readWhole(1));
    case 0xc5:
      return readBinary(readWhole(2));
    case 0xc6:
      return readBinary(readWhole(4));
    case 0xcc:
      return readWhole(1);
    case 0xcd:
      return readWhole(2);
    case 0xce:
      return readWhole(4);
    case 0xcf: // never written by this program
      return exact(readWhole(8));
    case 0xcb:
      return readFloat();
    case 0xd9:
      return readString(readWhole(1));
    case 0xda:
      return readString(readWhole(2));
    case 0xdb:
      return readString(readWhole(4));
    default:
      return readArray(token, depth + 1);
  }
}

/** The big-endian number of so many bytes here. Those beyond the end count as 0: the end is looked at later. */
function readWhole(width: 1 | 2 | 4 | 8): number {
  let value = 0;
  for (let byte = 0; byte < width; byte++) value = value * 256 + (source[place++] ?? 0);
  return value;
}

const float = new DataView(new ArrayBuffer(8));

/** A number that was rounded on the way is another number. */
const exact = (value: number): number | undefined =>
  Number.isSafeInteger(value) ? value : undefined;

function readFloat(): number {
  for (let byte = 0; byte < 8; byte++) float.setUint8(byte, source[place++] ?? 0);
  return float.getFloat64(0);
}

function readBinary(length: number): Uint8Array | undefined {
  const from = place;
  place += length;
  return place <= source.length ? source.slice(from, place) : undefined;
}

/** Text that is no UTF-8 is no text. */
function readString(length: number): string | undefined {
  const bytes = readBinary(length);
  return bytes === undefined ? undefined : (textOf(bytes) ?? undefined);
}
