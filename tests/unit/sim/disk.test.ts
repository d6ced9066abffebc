/**
 * What the pretend disk may do to its files, and what it may not: the fault model of every crash
 * test.
 */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { DiskError } from "../../../src/journal/disk.ts";
import { PowerCut, SimDisk } from "../../../src/sim/disk.ts";

const newDisk = (): SimDisk => new SimDisk({ folder: "data", onSyncStarted: () => {} });

/** A file "a" whose first bytes are durable, and whose last ones are not. */
function halfSynced(durable: string, unsynced: Uint8Array): SimDisk {
  const disk = newDisk();
  disk.create("a", utf8(durable));
  disk.sync("a");
  disk.syncFolder();
  disk.append("a", unsynced);
  return disk;
}

const text = (disk: SimDisk, name = "a"): string =>
  new TextDecoder("latin1").decode(disk.read(name, 0, disk.size(name)));

/** What the file looks like after each of many power cuts. */
function images(disk: SimDisk, count = 300): readonly string[] {
  const seen: string[] = [];
  for (let seed = 0; seed < count; seed++) {
    const copy = disk.copy();
    copy.crash(seededRandom(seed));
    seen.push(text(copy));
  }
  return seen;
}

describe("after a power cut", () => {
  test("what was synced is there, in every case", () => {
    for (const image of images(halfSynced("durable", new Uint8Array(2000).fill(65)))) {
      expect(image).toStartWith("durable");
    }
  });

  test("what was not synced is lost, whole, cut anywhere, zeros, noise, or mixed sectors", () => {
    const seen = images(halfSynced("durable", new Uint8Array(2000).fill(65)), 600);
    const rests = seen.map((image) => image.slice("durable".length));
    const has = (what: (rest: string) => boolean): void => expect(rests.some(what)).toBe(true);
    has((rest) => rest === "");
    has((rest) => rest === "A".repeat(2000));
    has((rest) => /^A+$/.test(rest) && rest.length % 512 !== 0 && rest.length < 2000);
    has((rest) => rest.length === 2000 && /^\0+$/.test(rest));
    has((rest) => rest.length === 2000 && !/[A\0]{4}/.test(rest));
    has((rest) => /^\0{100,}A{100,}/.test(rest));
    has((rest) => /^A{100,}\0{100,}/.test(rest));
  });

  test("asked to lose all, it keeps exactly what was synced", () => {
    const disk = halfSynced("durable", utf8(" and more"));
    disk.create("b", utf8("never in a synced folder"));
    disk.sync("b");
    disk.crash("lose-all");
    expect(disk.list()).toEqual(["a"]);
    expect(text(disk)).toBe("durable");
  });

  test("a file that was cut shorter may be as long as before, with the bytes it had", () => {
    const disk = halfSynced("0123456789", utf8(""));
    disk.truncate("a", 4);
    disk.append("a", utf8("xy"));
    const seen = new Set(images(disk));
    expect(seen).toContain("0123456789");
    expect(seen).toContain("0123");
    expect(seen).toContain("0123xy");
    for (const image of seen) expect(image).toStartWith("0123");
  });

  test("names are as they were, or as they became, or anything between", () => {
    const disk = halfSynced("one", utf8(""));
    disk.rename("a", "b");
    disk.create("c", utf8(""));
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const copy = disk.copy();
      copy.crash(seededRandom(seed));
      seen.add(copy.list().join());
    }
    expect([...seen].sort()).toEqual(["a", "a,c", "b", "b,c"]);
  });

  test("the same chance leaves the same disk", () => {
    const disk = halfSynced("durable", new Uint8Array(3000).fill(65));
    expect(images(disk, 20)).toEqual(images(disk, 20));
  });
});

describe("a sync under way", () => {
  test("makes durable what was there when it began, and nothing else for certain", () => {
    const disk = halfSynced("one", utf8(" two"));
    disk.startSync("a", 1);
    disk.append("a", utf8(" three"));
    disk.finishSync(1);
    disk.crash("lose-all");
    expect(text(disk)).toBe("one two");
  });

  test("that the power cut interrupts has made nothing durable for certain", () => {
    const disk = halfSynced("one", utf8(" two"));
    disk.startSync("a", 1);
    disk.crash("lose-all");
    expect(text(disk)).toBe("one");
  });

  test("that fails says so, and no later sync writes what it should have written", () => {
    const disk = halfSynced("one", utf8(" two"));
    disk.faults = ({ kind }) => (kind === "startSync" ? { kind: "sync-lost" } : null);
    disk.startSync("a", 1);
    expect(disk.finishSync(1).outcome.kind).toBe("failed");
    disk.faults = () => null;
    expect(text(disk)).toBe("one two");
    disk.append("a", utf8(" three"));
    disk.sync("a");
    disk.crash("lose-all");
    expect(text(disk)).toBe("one\0\0\0\0 three");
  });
});

describe("a fault that was planned", () => {
  test("refuses the operation, and nothing of it happens", () => {
    const disk = halfSynced("one", utf8(""));
    disk.faults = ({ kind }) => (kind === "append" ? { kind: "refused", code: "io" } : null);
    expect(() => disk.append("a", utf8("two"))).toThrow(DiskError);
    expect(text(disk)).toBe("one");
  });

  test("writes a part on a full disk, and fails", () => {
    const disk = halfSynced("one", utf8(""));
    disk.faults = () => ({ kind: "half", code: "disk-full", bytes: 2 });
    expect(() => disk.append("a", utf8("two"))).toThrow("append a: disk-full");
    expect(text(disk)).toBe("onetw");
  });

  test("cuts the power before the operation of a given number", () => {
    const disk = newDisk();
    disk.faults = ({ count }) => (count === 3 ? { kind: "power-cut" } : null);
    disk.create("a", utf8(""));
    disk.append("a", utf8("one"));
    expect(() => disk.append("a", utf8("two"))).toThrow(PowerCut);
    expect(text(disk)).toBe("one");
  });
});

test("a flipped bit is read from now on, and survives a power cut", () => {
  const disk = halfSynced("A", utf8(""));
  disk.flipBit("a", 1);
  expect(text(disk)).toBe("C");
  disk.crash("lose-all");
  expect(text(disk)).toBe("C");
});
