/** Every crash point of a journal workload of 200 disk operations, with every folder that it may leave. */
import { expect, test } from "bun:test";
import {
  bounds,
  bytesLeft,
  type Interrupted,
  imagesOf,
  interruptedAt,
  sameMoment,
  wrongWith,
} from "./crash-points.ts";

/** Its workload rolls, takes entries back, takes snapshots and removes what they stand for, and reopens its journal. */
const seed = 7;

test(`before each of ${bounds.operations} operations, whatever is left is a prefix with all that was durable`, () => {
  let moments = 0;
  let images = 0;
  let before: Interrupted | null = null;
  for (let cutAt = 1; cutAt <= bounds.operations; cutAt++) {
    const interrupted = interruptedAt(seed, cutAt);
    if (interrupted === null) continue;
    if (before !== null && sameMoment(before, interrupted) === "same") continue;
    before = interrupted;
    moments += 1;
    for (const folder of imagesOf(interrupted)) {
      images += 1;
      const wrong = wrongWith(interrupted.bench, folder);
      if (wrong !== null) expect({ cutAt, image: images, wrong }).toBeNull();
    }
  }
  expect(moments).toBeGreaterThan(100);
  expect(images).toBeGreaterThan(20_000);
  expect(before?.seen.size).toBeGreaterThan(5);
  expect(before?.bench.recovered.run).toBeGreaterThan(3);
  expect(before?.bench.removed).toBeGreaterThan(1);
}, 60_000);

test("the folders hold what a disk may leave: nothing, every prefix, every subset of sectors, growth", () => {
  const kept = new Uint8Array(100).fill(1);
  const seen = new Uint8Array(1100).fill(2);
  seen.set(kept);
  const rests = [...bytesLeft(kept, seen)].map((image) => image.subarray(100));
  const has = (what: (rest: Uint8Array) => boolean): void => expect(rests.some(what)).toBe(true);
  for (let length = 0; length < 256; length++) has((rest) => rest.length === length);
  // Bytes 100 to 1099 lie in three sectors: eight subsets, each with zeros and with noise in the others.
  const pattern = (rest: Uint8Array): string => [0, 412, 924].map((at) => rest[at]).join();
  const whole = new Set(rests.filter((rest) => rest.length === 1000).map(pattern));
  for (const a of [0, 2]) {
    for (const b of [0, 2]) for (const c of [0, 2]) expect(whole).toContain(`${a},${b},${c}`);
  }
  has((rest) => rest.length === 412 && rest.every((byte) => byte === 0));
  has((rest) => rest.length === 412 && new Set(rest).size > 50);
});
