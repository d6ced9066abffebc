/** Entries as bytes: what is written is read back, and what is malformed is null. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AssertionError } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { writeU16, writeU32, writeU48 } from "../../../src/base/integers.ts";
import { limits, logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { entryBytes, entryLimits, readEntry, writeEntry } from "../../../src/codec/entry.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { configuration as anyConfiguration } from "./arbitrary.ts";

const counter = fc.integer({ min: 1, max: limits.counterMax });
const ids = fc
  .uniqueArray(fc.integer({ min: 1, max: limits.nodeIdMax }), { maxLength: 6 })
  .map((list) => list.sort((a, b) => a - b).map(nodeId));
const body = fc.oneof(
  fc.record({ kind: fc.constant("noop" as const), body: fc.constant(null) }),
  fc.record({ kind: fc.constant("command" as const), body: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    kind: fc.constant("configuration" as const),
    body: fc.oneof(anyConfiguration, fc.record({ voters: ids, outgoing: ids, learners: ids })),
  }),
);
const entries: fc.Arbitrary<Entry> = fc
  .record({ index: counter, term: counter, time: counter, rest: body })
  .map(({ index, term: termNumber, time, rest }) => ({
    index: logIndex(index),
    term: term(termNumber),
    time: millis(time - 1),
    ...rest,
  }));

const bytesOf = (entry: Entry): Uint8Array => {
  const bytes = new Uint8Array(entryBytes(entry));
  writeEntry(entry, bytes, 0);
  return bytes;
};

const command: Entry = {
  index: logIndex(5),
  term: term(2),
  time: millis(7),
  kind: "command",
  body: utf8("hello"),
};
const configuration: Entry = {
  ...command,
  kind: "configuration",
  body: { voters: [nodeId(1), nodeId(2)], outgoing: [nodeId(1)], learners: [nodeId(9)] },
};

const placed: Entry = {
  ...configuration,
  body: {
    ...configuration.body,
    places: [
      { id: nodeId(1), address: { host: "a.example", port: 7101 }, incarnation: 7 },
      { id: nodeId(9), address: null, incarnation: null },
    ],
  },
};

describe("an entry", () => {
  test("that is written is read back, anywhere in a buffer", () => {
    fc.assert(
      fc.property(entries, fc.nat(20), (entry, offset) => {
        const bytes = new Uint8Array(offset + entryBytes(entry) + 3).fill(0xee);
        const next = writeEntry(entry, bytes, offset);
        expect(next).toBe(offset + entryBytes(entry));
        expect(readEntry(bytes, offset, bytes.length)).toEqual({ entry, next });
        expect([...bytes.subarray(next)]).toEqual([0xee, 0xee, 0xee]);
      }),
    );
  });

  test("that is cut anywhere is null", () => {
    for (const entry of [command, configuration, placed]) {
      const bytes = bytesOf(entry);
      for (let end = 0; end < bytes.length; end++) {
        expect(readEntry(bytes, 0, end)).toBe(null);
        expect(readEntry(bytes.slice(0, end), 0, bytes.length)).toBe(null);
      }
    }
  });

  test("keeps its body when the buffer that it was read from changes", () => {
    const bytes = bytesOf(command);
    const read = readEntry(bytes, 0, bytes.length)!;
    bytes.fill(0);
    expect(read.entry.body).toEqual(utf8("hello"));
  });

  const malformed: readonly (readonly [string, Entry, (bytes: Uint8Array) => void])[] = [
    ["index 0", command, (bytes) => writeU48(bytes, 0, 0)],
    ["term 0", command, (bytes) => writeU48(bytes, 6, 0)],
    ["kind 0", command, (bytes) => bytes.fill(0, 18, 19)],
    ["an unknown kind", command, (bytes) => bytes.fill(4, 18, 19)],
    ["something in the byte that is kept free", command, (bytes) => bytes.fill(1, 19, 20)],
    ["a body beyond the limit", command, (b) => writeU32(b, 20, entryLimits.bodyBytesMax + 1)],
    ["a noop with a body", command, (bytes) => bytes.fill(1, 18, 19)],
    ["a node 0", configuration, (bytes) => writeU16(bytes, 30, 0)],
    ["ids that do not ascend", configuration, (bytes) => writeU16(bytes, 32, 1)],
    ["more voters than there are", configuration, (bytes) => writeU16(bytes, 24, 3)],
    ["fewer voters than there are", configuration, (bytes) => writeU16(bytes, 24, 1)],
    ["a place of nobody in it", placed, (bytes) => writeU16(bytes, 38, 3)],
    ["places that do not ascend", placed, (bytes) => writeU16(bytes, 38, 9)],
    ["a host and no port", placed, (bytes) => writeU16(bytes, 46, 0)],
    ["a host of something else than characters", placed, (bytes) => bytes.fill(0x20, 49, 50)],
    ["a host that goes beyond its end", placed, (bytes) => bytes.fill(40, 48, 49)],
  ];
  for (const [name, entry, change] of malformed) {
    test(`with ${name} is null`, () => {
      const bytes = bytesOf(entry);
      change(bytes);
      expect(readEntry(bytes, 0, bytes.length)).toBe(null);
    });
  }

  test("of random bytes is null or has the shape of an entry, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 60 }), (bytes) => {
        const read = readEntry(bytes, 0, bytes.length);
        if (read !== null) expect(bytesOf(read.entry)).toEqual(bytes.slice(0, read.next));
      }),
      { numRuns: 2000 },
    );
  });

  test("that cannot be is a bug, and is not written", () => {
    const impossible: readonly Entry[] = [
      { ...command, index: logIndex(0) },
      { ...command, term: term(0) },
      { ...command, time: millis(0.5) },
      { ...command, kind: "command", body: new Uint8Array(entryLimits.bodyBytesMax + 1) },
    ];
    for (const entry of impossible) expect(() => bytesOf(entry)).toThrow(AssertionError);
  });
});
