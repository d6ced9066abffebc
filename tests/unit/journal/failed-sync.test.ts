/**
 * After a failed sync the system reads back what the disk does not have, and a later sync succeeds without writing
 * it. A node that starts again without a power cut in between must not take such bytes for durable.
 */
import { describe, expect, test } from "bun:test";
import type { DiskOperation } from "../../../src/journal/disk.ts";
import { DiskError } from "../../../src/journal/disk.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { contents, me, open, Workbench } from "./workbench.ts";

/** A journal whose last batch was written, and whose sync failed; its process has ended. */
function afterFailedSync(): { disk: SimDisk; written: string; durable: string } {
  const bench = new Workbench();
  bench.recordState(1, me);
  bench.recordEntry(new Uint8Array(100).fill(1));
  bench.settle();
  const durable = bench.states[bench.durableCount] ?? "";
  bench.recordEntry(new Uint8Array(700).fill(2));
  failNext(bench.disk, "startSync");
  bench.flush();
  expect(() => bench.finishSync()).toThrow(DiskError);
  bench.disk.faults = () => null;
  bench.disk.processEnded();
  return { disk: bench.disk, written: bench.states.at(-1) ?? "", durable };
}

function failNext(disk: SimDisk, operation: DiskOperation): void {
  disk.faults = ({ kind }) => (kind === operation ? { kind: "sync-lost" } : null);
}

describe("a node that starts again after a failed sync, and no power cut", () => {
  test("reads what it wrote", () => {
    const { disk, written } = afterFailedSync();
    expect(contents(open(disk).recovered)).toBe(written);
  });

  test("finds the same after a power cut, because it has written it again", () => {
    const { disk, written } = afterFailedSync();
    open(disk);
    disk.crash("lose-all");
    expect(contents(open(disk).recovered)).toBe(written);
  });

  test("finds what was durable before, where the power was cut instead", () => {
    const { disk, durable } = afterFailedSync();
    disk.crash("lose-all");
    expect(contents(open(disk).recovered)).toBe(durable);
  });

  test("that fails again on the way starts again", () => {
    const { disk, written } = afterFailedSync();
    failNext(disk, "sync");
    expect(() => open(disk)).toThrow("could not be opened");
    disk.faults = () => null;
    open(disk);
    disk.crash("lose-all");
    expect(contents(open(disk).recovered)).toBe(written);
  });
});
