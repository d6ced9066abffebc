/**
 * The part of MessagePack that may reach the decoder. A general decoder does more than bodies need:
 * maps, dates, big integers, expressions, references, definitions of records, any depth. What it
 * does with those may change with its version, and servers must agree for ever on what a command in
 * the log says. So bytes are walked first, and pass where they are one array of whole or floating
 * numbers, strings, binary values, nil and arrays, at most `depthMax` deep, that fills them
 * exactly.
 */

/** A batch is an array of arrays. Nothing is deeper. */
const depthMax = 2;

/** What no offset is: these bytes do not pass. */
const refused = -1;

export const isPlainForm = (bytes: Uint8Array): boolean =>
  afterArray(bytes, 0, 1) === bytes.length && bytes.length > 0;

/** The offset after the array at `at`, or `refused`. */
function afterArray(bytes: Uint8Array, at: number, depth: number): number {
  const token = bytes[at]!;
  let count = token & 0x0f;
  let next = at + 1;
  if (token === 0xdc || token === 0xdd) {
    const width = token === 0xdc ? 2 : 4;
    count = numberAt(bytes, next, width);
    next += width;
  } else if (token < 0x90 || token > 0x9f) {
    return refused;
  }
  if (depth > depthMax) return refused;
  for (let element = 0; element < count; element++) {
    next = afterValue(bytes, next, depth);
    if (next === refused || next > bytes.length) return refused;
  }
  return next;
}

/** The offset after the value at `at`, which may lie beyond the end, or `refused`. */
function afterValue(bytes: Uint8Array, at: number, depth: number): number {
  const token = bytes[at];
  if (token === undefined) return refused;
  if (token < 0x80) return at + 1;
  if (token >= 0xa0 && token < 0xc0) return at + 1 + (token & 0x1f);
  switch (token) {
    case 0xc0: // nil
      return at + 1;
    case 0xc4: // binary
    case 0xd9: // string
      return at + 2 + numberAt(bytes, at + 1, 1);
    case 0xc5:
    case 0xda:
      return at + 3 + numberAt(bytes, at + 1, 2);
    case 0xc6:
    case 0xdb:
      return at + 5 + numberAt(bytes, at + 1, 4);
    case 0xcc: // whole number
      return at + 2;
    case 0xcd:
      return at + 3;
    case 0xce:
      return at + 5;
    case 0xcf:
    case 0xcb: // float 64
      return at + 9;
    default:
      return afterArray(bytes, at, depth + 1);
  }
}

/**
 * The big-endian number at `at`. Bytes beyond the end count as 0: the caller sees that it went
 * beyond.
 */
function numberAt(bytes: Uint8Array, at: number, width: 1 | 2 | 4): number {
  let value = 0;
  for (let byte = 0; byte < width; byte++) value = value * 256 + (bytes[at + byte] ?? 0);
  return value;
}
