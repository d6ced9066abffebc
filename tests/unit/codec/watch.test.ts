/** Watches, and hashes of stores, as bodies of datagrams: what is written is read back, and what is not exactly so is nothing. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import { decodeStoreHash } from "../../../src/codec/store-hash.ts";
import {
  decodeWatchCancel,
  decodeWatchEnd,
  decodeWatchEvents,
  decodeWatchRequest,
  encodeWatchEvents,
  encodeWatchRequest,
  eventBytesMax,
  type WatchEvents,
  watchHeadBytesMax,
} from "../../../src/codec/watch.ts";
import { limits } from "../../../src/kv/command.ts";

const key = fc.uint8Array({ minLength: 1, maxLength: 20 }).map(byteString);
const value = fc.option(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
  { nil: null },
);

const anyBatch: fc.Arbitrary<WatchEvents> = fc
  .record({
    id: fc.nat(),
    from: fc.integer({ min: 1, max: 2 ** 40 }),
    steps: fc.array(fc.record({ step: fc.nat(3), key, value }), { maxLength: 8 }),
    beyond: fc.nat(5),
    ahead: fc.nat(9),
    ageMs: fc.option(fc.nat(), { nil: null }),
  })
  .map(({ id, from, steps, beyond, ahead, ageMs }) => {
    let at = from;
    const events = steps.map((one) => {
      at += one.step;
      return { index: logIndex(at), key: one.key, value: one.value };
    });
    const to = events.length === 0 ? from - 1 + beyond : at + beyond;
    const ends = { from: logIndex(from), to: logIndex(to), head: logIndex(to + ahead) };
    return { id, ...ends, ageMs, events };
  });

test("a batch is read back as it was written, and is no longer than was counted", () => {
  fc.assert(
    fc.property(anyBatch, (batch) => {
      const body = encodeWatchEvents(batch);
      expect(decodeWatchEvents(body)).toEqual(batch);
      const events = batch.events.reduce((sum, event) => sum + eventBytesMax(event), 0);
      expect(body.length).toBeLessThanOrEqual(watchHeadBytesMax + events);
    }),
  );
});

test("a request is read back as it was written", () => {
  const request = { id: 7, next: logIndex(1), room: 0, prefix: byteString(utf8("é")) };
  expect(decodeWatchRequest(encodeWatchRequest(request))).toEqual(request);
});

describe("what is not exactly so is nothing", () => {
  const color = utf8("color");
  const cases: readonly [string, (body: Uint8Array) => unknown, readonly Field[]][] = [
    ["a request from before the log", decodeWatchRequest, [5, 0, 10, color]],
    ["a request without a prefix", decodeWatchRequest, [5, 1, 10]],
    [
      "a prefix over the limit",
      decodeWatchRequest,
      [5, 1, 10, new Uint8Array(limits.keyBytesMax + 1)],
    ],
    ["a batch that ends before it begins", decodeWatchEvents, [5, 4, 2, 9, null]],
    ["a batch beyond what its node knows", decodeWatchEvents, [5, 4, 6, 5, null]],
    ["an event before the batch", decodeWatchEvents, [5, 4, 6, 9, 1, [3, color, null]]],
    ["an event after the batch", decodeWatchEvents, [5, 4, 6, 9, 1, [7, color, null]]],
    ["events out of order", decodeWatchEvents, [5, 4, 6, 9, 1, [6, color, null], [5, color, null]]],
    ["an event of no key", decodeWatchEvents, [5, 4, 6, 9, 1, [5, new Uint8Array(0), null]]],
    ["an event with a field too many", decodeWatchEvents, [5, 4, 6, 9, 1, [5, color, null, 1]]],
    ["an age that is none", decodeWatchEvents, [5, 4, 6, 9, color]],
    ["an end for no reason", decodeWatchEnd, [5, 2, 9]],
    ["an end without an entry", decodeWatchEnd, [5, 0]],
    ["a cancellation of two", decodeWatchCancel, [5, 6]],
    ["a hash before the log", decodeStoreHash, [0, 7]],
    ["a hash of more than 32 bits", decodeStoreHash, [5, 2 ** 32]],
    ["a hash of nothing", decodeStoreHash, [5]],
  ];
  for (const [what, decode, fields] of cases) {
    test(what, () => {
      expect(decode(packFields(fields))).toBeNull();
    });
  }
});
