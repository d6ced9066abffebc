/** The Disk contract, as claims that hold for every implementation. Run on both by disk.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { type Disk, DiskError, type Synced } from "../../src/journal/disk.ts";

export type DiskUnderTest = {
  readonly disk: Disk;
  /** The completion of the sync that was begun last. */
  readonly nextSynced: () => Promise<Synced>;
  readonly dispose: () => void;
};

export function diskContract(name: string, make: () => DiskUnderTest): void {
  describe(`${name} keeps the Disk contract`, () => {
    let under: DiskUnderTest;
    let disk: Disk;
    beforeEach(() => {
      under = make();
      disk = under.disk;
    });
    afterEach(() => under.dispose());
    const text = (file: string): string =>
      new TextDecoder().decode(disk.read(file, 0, disk.size(file)));

    test("an empty folder lists nothing", () => {
      expect(disk.list()).toEqual([]);
    });

    test("created files are listed in order, with their bytes", () => {
      disk.create("b", utf8("two"));
      disk.create("a", utf8(""));
      expect(disk.list()).toEqual(["a", "b"]);
      expect(disk.size("a")).toBe(0);
      expect(text("b")).toBe("two");
    });

    test("create does not replace a file", () => {
      disk.create("a", utf8("first"));
      expect(failure(() => disk.create("a", utf8("second")))).toBe("create a: exists");
      expect(text("a")).toBe("first");
    });

    test("appended bytes are read at once, and do not change with the caller's", () => {
      disk.create("a", utf8("one"));
      const bytes = utf8(" two");
      disk.append("a", bytes);
      bytes.fill(0);
      disk.append("a", utf8(" three"));
      expect(text("a")).toBe("one two three");
    });

    test("bytes that are written again stay as they are, and syncs count for them", () => {
      disk.create("a", utf8("one two"));
      disk.writeAgain("a", 3);
      disk.append("a", utf8(" three"));
      disk.writeAgain("a", 0);
      disk.writeAgain("a", disk.size("a"));
      disk.sync("a");
      expect(text("a")).toBe("one two three");
      expect(failure(() => disk.writeAgain("b", 0))).toBe("writeAgain b: missing");
    });

    test("appends to two files in turn go each to its own", () => {
      disk.create("a", utf8(""));
      disk.create("b", utf8(""));
      for (const piece of ["1", "2", "3"]) {
        disk.append("a", utf8(`a${piece}`));
        disk.append("b", utf8(`b${piece}`));
      }
      expect([text("a"), text("b")]).toEqual(["a1a2a3", "b1b2b3"]);
    });

    test("a read gives what is there of what was asked for", () => {
      disk.create("a", utf8("0123456789"));
      const read = (offset: number, length: number): string =>
        new TextDecoder().decode(disk.read("a", offset, length));
      expect(read(2, 3)).toBe("234");
      expect(read(8, 100)).toBe("89");
      expect(read(10, 1)).toBe("");
      expect(read(50, 1)).toBe("");
    });

    test("what was read is the caller's: writing to it changes no file", () => {
      disk.create("a", utf8("kept"));
      disk.read("a", 0, 4).fill(0);
      expect(text("a")).toBe("kept");
    });

    test("truncate cuts the end off, and appends go on from there", () => {
      disk.create("a", utf8("0123456789"));
      disk.append("a", utf8("xyz"));
      disk.truncate("a", 4);
      expect(text("a")).toBe("0123");
      disk.append("a", utf8("!"));
      expect(text("a")).toBe("0123!");
    });

    test("a renamed file has its bytes under the new name only, appends included", () => {
      disk.create("a", utf8("one"));
      disk.append("a", utf8(" two"));
      disk.rename("a", "b");
      disk.append("b", utf8(" three"));
      expect(disk.list()).toEqual(["b"]);
      expect(text("b")).toBe("one two three");
    });

    test("after a rename the old name is free, and is another file", () => {
      disk.create("a", utf8("old"));
      disk.append("a", utf8("!"));
      disk.rename("a", "b");
      disk.create("a", utf8("new"));
      disk.append("a", utf8("?"));
      expect([text("a"), text("b")]).toEqual(["new?", "old!"]);
    });

    test("rename does not replace a file", () => {
      disk.create("a", utf8("from"));
      disk.create("b", utf8("to"));
      expect(failure(() => disk.rename("a", "b"))).toStartWith("rename");
      expect([text("a"), text("b")]).toEqual(["from", "to"]);
    });

    test("a removed file is gone, and its name is free", () => {
      disk.create("a", utf8("old"));
      disk.append("a", utf8("!"));
      disk.remove("a");
      expect(disk.list()).toEqual([]);
      disk.create("a", utf8("new"));
      disk.append("a", utf8("?"));
      expect(text("a")).toBe("new?");
    });

    test("blocking syncs of files and of the folder change nothing that is seen", () => {
      disk.create("a", utf8("bytes"));
      disk.sync("a");
      disk.syncFolder();
      expect(text("a")).toBe("bytes");
    });

    test("a sync completes later, with its ticket, and appends are allowed meanwhile", async () => {
      disk.create("a", utf8(""));
      disk.append("a", utf8("one"));
      const synced = under.nextSynced();
      disk.startSync("a", 41);
      disk.append("a", utf8(" two"));
      expect(await synced).toEqual({ kind: "synced", ticket: 41, outcome: { kind: "durable" } });
      expect(text("a")).toBe("one two");
    });

    test("a file that is not there is an error of the type missing, for every operation", () => {
      const operations: readonly (() => unknown)[] = [
        () => disk.size("x"),
        () => disk.read("x", 0, 1),
        () => disk.append("x", utf8("bytes")),
        () => disk.truncate("x", 0),
        () => disk.sync("x"),
        () => disk.startSync("x", 1),
        () => disk.rename("x", "y"),
        () => disk.remove("x"),
      ];
      for (const operation of operations) expect(failure(operation)).toContain("x: missing");
    });
  });
}

function failure(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof DiskError) return `${error.operation} ${error.file}: ${error.code}`;
    throw error;
  }
  return "no failure";
}
