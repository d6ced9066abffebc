/** The part of MessagePack that bodies are made of: what is read, what is written, and that another implementation agrees. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Packr, Unpackr } from "msgpackr";
import { bytesOfHex } from "../../../src/base/bytes.ts";
import { decodeCommand, encodeCommand } from "../../../src/codec/command.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import { unpackFields } from "../../../src/codec/unpack.ts";
import { put } from "./samples.ts";

const bytes = (spelled: string): Uint8Array => bytesOfHex(spelled.replaceAll(" ", ""))!;

/** An array of one element, which is the hostile part. */
const hostile: readonly (readonly [string, string])[] = [
  ["the definition of a record", "91 d4 72 40 91 a1 61 01"],
  ["the definition of a record, two bytes wide", "91 d5 72 40 00 91 a1 61 01"],
  ["a record defined and used", "94 d4 72 40 91 a1 61 01 40 02 40 03 40 04"],
  ["a map", "91 81 a1 61 01"],
  ["a map with __proto__", "91 81 a9 5f 5f 70 72 6f 74 6f 5f 5f 81 a1 61 01"],
  ["a wide map", "91 de 00 01 a1 61 01"],
  ["a wider map", "91 df 00 00 00 01 a1 61 01"],
  ["a date", "91 d6 ff 00 00 00 01"],
  ["a big integer", "91 c7 01 42 05"],
  ["a set", "91 d4 73 00 91 01"],
  ["an expression", "91 d4 78 00 92 a1 61 a1 67"],
  ["an error", "91 d4 65 00 92 a5 45 72 72 6f 72 a1 61"],
  ["a typed array", "91 c7 03 74 01 02 03"],
  ["a bundle of strings", "91 d6 62 00 00 00 01 a1 61 a1 61"],
  ["an id and a pointer to it", "92 d6 69 00 00 00 01 91 01 d6 70 00 00 00 01"],
  ["the undefined extension", "91 d4 00 00"],
  ["the byte that MessagePack never uses", "91 c1"],
  ["true", "91 c3"],
  ["false", "91 c2"],
  ["a float 32", "91 ca 3f 80 00 00"],
  ["a signed integer", "91 d0 05"],
  ["a negative integer", "91 ff"],
  ["an array in an array in an array", "91 91 91 01"],
  ["a number alone", "01"],
  ["a string alone", "a1 61"],
  ["nothing", ""],
  ["two values", "91 01 91 01"],
  ["an array with an element missing", "92 01"],
  ["an array of four thousand million", "dd ff ff ff ff 01"],
  ["a binary value of four thousand million bytes", "91 c6 ff ff ff ff 01"],
  ["a string that goes on beyond the end", "91 d9 05 61"],
  ["a string that is no UTF-8", "91 a1 ff"],
  ["a number that goes on beyond the end", "91 ce 01 02 03"],
  ["a float that goes on beyond the end", "91 cb 3f f0"],
];

for (const [what, spelled] of hostile) {
  test(`${what} is no body`, () => {
    expect(unpackFields(bytes(spelled))).toBeNull();
  });
}

test("sixty thousand nested arrays are no body, and cost no stack", () => {
  expect(unpackFields(new Uint8Array(60_000).fill(0x91))).toBeNull();
});

test("64-bit integers are numbers, and those that are not exact are no body", () => {
  expect(unpackFields(bytes("91 cf 00 00 ff ff ff ff ff ff"))).toEqual([2 ** 48 - 1]);
  const command = bytes("92 00 cf ff ff ff ff ff ff ff ff");
  expect(unpackFields(command)).toBeNull();
  expect(decodeCommand(command)).toBeNull();
});

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.nat(),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1),
  fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  fc.constant(null),
  fc.string({ maxLength: 300, unit: "grapheme" }),
  fc.uint8Array({ maxLength: 300 }).map((some) => new Uint8Array(some)),
);
const fields: fc.Arbitrary<readonly Field[]> = fc.array(
  fc.oneof(field, fc.array(field, { maxLength: 20 })),
  { maxLength: 40 },
);

/** Another implementation, which reads and writes more than this one: an oracle for what both know. */
const other = {
  packr: new Packr({ useRecords: false, int64AsType: "number", moreTypes: false }),
  unpackr: new Unpackr({ useRecords: false, int64AsType: "number" }),
};
const plainArrays = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plainArrays);
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
};

test("what is packed unpacks to the same, and another implementation writes the same bytes", () => {
  fc.assert(
    fc.property(fields, (packed) => {
      const bytes = packFields(packed);
      expect(unpackFields(bytes)).toEqual([...packed]);
      expect(bytes).toEqual(new Uint8Array(other.packr.pack(packed)));
    }),
    { numRuns: 1000 },
  );
});

for (const length of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 200_000]) {
  test(`strings, binary values and arrays of ${length} are written as another implementation writes them`, () => {
    for (const whole of [
      ["x".repeat(length)],
      [new Uint8Array(length).fill(7)],
      new Array<number>(length).fill(3),
    ]) {
      const bytes = packFields(whole);
      expect(bytes).toEqual(new Uint8Array(other.packr.pack(whole)));
      expect(unpackFields(bytes)).toEqual(whole);
    }
  });
}

test("what is read of any bytes, another implementation reads as well, and to the same", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (tail) => {
      const body = new Uint8Array([0x91, ...tail]);
      const read = unpackFields(body);
      if (read === null) return;
      taken += 1;
      expect(plainArrays(other.unpackr.unpack(body))).toEqual(read);
    }),
    { numRuns: 20_000 },
  );
  expect(taken).toBeGreaterThan(300);
});

test("binary elements are copies", () => {
  const body = bytes("91 c4 02 01 02");
  const read = unpackFields(body);
  body.fill(0);
  expect(read).toEqual([new Uint8Array([1, 2])]);
});

test("a Buffer, whose slices are views, is copied from all the same", () => {
  const body = Buffer.from(bytes("91 c4 02 01 02"));
  const read = unpackFields(body);
  body.fill(0);
  expect(read).toEqual([new Uint8Array([1, 2])]);
});

test("packed bytes stay as they are when more is packed", () => {
  const first = encodeCommand(put);
  const copy = new Uint8Array(first);
  for (let more = 0; more < 1000; more++) packFields([more, "other", new Uint8Array(100)]);
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(first.length);
});
