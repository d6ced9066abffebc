/** What reaches the decoder of MessagePack, and what it must never do. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOfHex } from "../../../src/base/bytes.ts";
import { decodeCommand, encodeCommand } from "../../../src/codec/command.ts";
import { copied, type Field, packFields, unpackFields } from "../../../src/codec/messagepack.ts";
import { isPlainForm } from "../../../src/codec/plain-form.ts";
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
];

for (const [what, spelled] of hostile) {
  test(`${what} is no body`, () => {
    expect(isPlainForm(bytes(spelled))).toBe(false);
    expect(unpackFields(bytes(spelled))).toBeNull();
  });
}

test("the decoder cannot compile code, and needs no native add-on", async () => {
  const decoder = await Bun.file(Bun.resolveSync("msgpackr/index-no-eval", import.meta.dir)).text();
  const imported = await Bun.file(`${import.meta.dir}/../../../src/codec/messagepack.ts`).text();
  expect(imported).toContain('from "msgpackr/index-no-eval"');
  expect(decoder).toContain("recordDefinition"); // it is the decoder that was read
  expect(decoder.match(/new Function\b|\beval\(|\brequire\(|\bimport\(/g)).toBeNull();
});

test("sixty thousand nested arrays are no body, and cost no stack", () => {
  expect(unpackFields(new Uint8Array(60_000).fill(0x91))).toBeNull();
});

test("64-bit integers are numbers, and too large ones are no number that is taken", () => {
  expect(unpackFields(bytes("91 cf 00 00 ff ff ff ff ff ff"))).toEqual([2 ** 48 - 1]);
  const command = bytes("92 00 cf ff ff ff ff ff ff ff ff");
  expect(unpackFields(command)).not.toBeNull();
  expect(decodeCommand(command)).toBeNull();
});

const field = fc.oneof(
  fc.nat(),
  fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  fc.constant(null),
  fc.string({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map(copied),
);
const fields: fc.Arbitrary<readonly Field[]> = fc.array(
  fc.oneof(field, fc.array(field, { maxLength: 20 })),
  { maxLength: 40 },
);

test("what is packed is of the plain form, and unpacks to the same", () => {
  fc.assert(
    fc.property(fields, (packed) => {
      const packedBytes = packFields(packed);
      expect(isPlainForm(packedBytes)).toBe(true);
      const unpacked = unpackFields(packedBytes);
      expect(unpacked).toEqual([...packed]);
    }),
    { numRuns: 1000 },
  );
});

test("what is of the plain form, the decoder takes without a word", () => {
  // The walk is what decides: if it let through what the decoder refuses, it would not know the format.
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (tail) => {
      const body = new Uint8Array([0x91, ...tail]);
      if (isPlainForm(body)) expect(unpackFields(body)).not.toBeNull();
    }),
    { numRuns: 20_000 },
  );
});

test("packed bytes stay as they are when more is packed", () => {
  const first = encodeCommand(put);
  const copy = copied(first);
  for (let more = 0; more < 1000; more++) packFields([more, "other", new Uint8Array(100)]);
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(first.length);
});
