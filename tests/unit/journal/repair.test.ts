/** A repair copy: whatever is wrong with a journal, everything before it is copied, and the copy is right. */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { roleOf } from "../../../src/journal/names.ts";
import { fileSource } from "../../../src/journal/reader.ts";
import { readJournal, type SegmentFile } from "../../../src/journal/recovery.ts";
import { planCopy, writeCopy } from "../../../src/journal/repair.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { put, register, Scribe } from "../cli/inspect-support.ts";
import { entryPicture, newDisk } from "./workbench.ts";

/** Some thirty entries in three files, and what is known of them written down now and then. */
function life(): SimDisk {
  const disk = newDisk();
  const scribe = new Scribe(1, { segmentBytesMax: 4096, disk }).enter(1, 1);
  scribe.write(["leader", register]);
  for (let n = 0; disk.list().length < 3 || n < 24; n++) {
    scribe.write([put(`key${n % 3}`, "v".repeat(300) + n)]).know();
  }
  return disk;
}

const filesOf = (disk: SimDisk): readonly SegmentFile[] =>
  disk
    .list()
    .filter((name) => name.endsWith(".log"))
    .map((name) => ({ name, role: roleOf(name), source: fileSource(disk, name) }));

const read = (disk: SimDisk) =>
  readJournal(filesOf(disk), { from: "first-segment", keep: "entries" });

/** The copy, or null where there is nothing to copy. */
function repaired(disk: SimDisk): SimDisk | null {
  const { problem } = read(disk);
  const plan = planCopy(nodeId(1), filesOf(disk), problem);
  if (plan.copied.length === 0) return null;
  const copy = newDisk();
  writeCopy(plan, filesOf(disk), copy);
  return copy;
}

describe("a repair copy", () => {
  const whole = life();
  const all = read(whole).entries.map(entryPicture);

  test("of a journal that is right is all of it", () => {
    const copy = must(repaired(whole), "there is something");
    for (const name of whole.list()) {
      expect(copy.read(name, 0, 1 << 20)).toEqual(whole.read(name, 0, 1 << 20));
    }
  });

  test("of one with any bit wrong is right, and holds everything before that bit", () => {
    let refused = 0;
    for (const name of whole.list()) {
      for (let bit = 5; bit < whole.size(name) * 8; bit += 1009) {
        const damaged = whole.copy();
        damaged.flipBit(name, bit);
        const copy = repaired(damaged);
        if (copy === null) {
          refused += 1;
          continue;
        }
        const reading = read(copy);
        expect(reading.problem).toBeNull();
        const found = reading.entries.map(entryPicture);
        expect(found).toEqual(all.slice(0, found.length));
        expect(found.length).toBe(read(damaged).entries.length);
        // What is read of the damaged one is read of the copy, and its last file is the active one.
        expect(copy.list().at(-1)).toBe("node1.log");
      }
    }
    // Only where the very first record is not right there is nothing to copy.
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(3);
  });

  test("of one that lacks a file holds what stands before it", () => {
    const [first = "", second = ""] = whole.list();
    const without = whole.copy();
    without.remove(second);
    const copy = must(repaired(without), "there is something");
    expect(copy.list()).toEqual(["node1.log"]);
    expect(copy.read("node1.log", 0, 1 << 20)).toEqual(whole.read(first, 0, 1 << 20));
  });

  test("says what it leaves out, file by file", () => {
    const [first = "", second = "", third = ""] = whole.list();
    const damaged = whole.copy();
    damaged.flipBit(second, 8 * 1000);
    const { problem } = read(damaged);
    const offset = must(problem, "it is damaged").offset;
    const { copied, leftOut } = planCopy(nodeId(1), filesOf(damaged), problem);
    expect(copied).toEqual([
      { name: first, of: first, bytes: whole.size(first) },
      { name: "node1.log", of: second, bytes: offset },
    ]);
    expect(leftOut).toEqual([
      { file: second, offset, bytes: whole.size(second) - offset },
      { file: third, offset: 0, bytes: whole.size(third) },
    ]);
  });

  test("is durable when it is made", () => {
    const damaged = whole.copy();
    damaged.flipBit("node1.log", 8 * 400);
    const copy = must(repaired(damaged), "there is something");
    const before = read(copy).entries.length;
    copy.crash("lose-all");
    expect(read(copy).entries.length).toBe(before);
  });
});
