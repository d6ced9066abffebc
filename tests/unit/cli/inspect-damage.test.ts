/** `inspect` on logs that are not right: it says what a starting node says, and shows what is left. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { OperatorError } from "../../../src/base/error.ts";
import { nodeId, term } from "../../../src/base/numbers.ts";
import { readingFailed } from "../../../src/cli/inspect/errors.ts";
import { DiskError } from "../../../src/journal/disk.ts";
import { openJournal } from "../../../src/journal/open.ts";
import {
  chainRecords,
  checksumAt,
  stateRecordBytes,
  writeState,
} from "../../../src/journal/record.ts";
import { SimDisk } from "../../../src/sim/disk.ts";
import { Folder, inspect, put, register, Scribe, shortLife } from "./inspect-support.ts";

/** What a node says that starts on these files: where it refuses, or where it cuts. */
function startOn(disk: SimDisk): { refused: string } | { cutAt: number | null } {
  try {
    const { recovered } = openJournal({
      disk,
      node: nodeId(1),
      cluster: 0x4d2,
      create: { incarnation: 1, configuration: { voters: [], outgoing: [], learners: [] } },
      segmentBytesMax: 1 << 20,
    });
    return { cutAt: recovered.cut?.offset ?? null };
  } catch (error) {
    if (error instanceof OperatorError) return { refused: error.parts.what };
    throw error;
  }
}

const copyInto = (disk: SimDisk, folder: Folder): void => {
  for (const name of disk.list()) {
    writeFileSync(folder.file(name), disk.read(name, 0, disk.size(name)));
  }
};

/** Lets a node start on the same files, and compares. */
async function compareWithStart(
  disk: SimDisk,
  folder: Folder,
): Promise<"right" | "cut" | "refused"> {
  copyInto(disk, folder);
  const { exit, stdout, stderr } = await inspect(folder, ["data/node1.log", "--verify", "--json"]);
  const answer = JSON.parse(stdout);
  const started = startOn(disk);
  if ("refused" in started) {
    expect(exit).toBe(6);
    expect(answer.verdict).toBe("refused");
    expect(JSON.parse(stderr).error.message).toBe(started.refused);
    return "refused";
  }
  expect(exit).toBe(0);
  expect(answer.verdict).toBe(started.cutAt === null ? "right" : "unfinished");
  expect(answer.problem?.offset ?? null).toBe(started.cutAt);
  return started.cutAt === null ? "right" : "cut";
}

const simDisk = (scribe: Scribe): SimDisk => {
  if (scribe.disk instanceof SimDisk) return scribe.disk;
  throw new Error("these logs are written on the pretend disk");
};

describe("--verify says what a starting node says", () => {
  test("wherever the file ends", async () => {
    const disk = simDisk(shortLife());
    const size = disk.size("node1.log");
    const seen = new Set<string>();
    for (let cut = 0; cut < size; cut += 7) {
      using folder = new Folder();
      const copy = disk.copy();
      copy.truncate("node1.log", size - cut);
      seen.add(await compareWithStart(copy, folder));
    }
    expect(seen).toEqual(new Set(["right", "cut", "refused"]));
  });

  test("whichever bit is wrong", async () => {
    const disk = simDisk(shortLife());
    const seen = new Set<string>();
    for (let bit = 3; bit < disk.size("node1.log") * 8; bit += 37) {
      using folder = new Folder();
      const copy = disk.copy();
      copy.flipBit("node1.log", bit);
      seen.add(await compareWithStart(copy, folder));
    }
    expect(seen).toEqual(new Set(["cut", "refused"]));
  });

  test("in whichever of several files", async () => {
    const scribe = new Scribe(1, { segmentBytesMax: 4096 }).enter(1).write(["leader", register]);
    while (scribe.disk.list().length < 3) scribe.write([put("k", "v".repeat(700))]);
    for (const name of scribe.disk.list()) {
      using folder = new Folder();
      const copy = simDisk(scribe).copy();
      copy.flipBit(name, 1000);
      // Nothing vouches for the one batch of the active file: it can be an unfinished write.
      const expected = name === "node1.log" ? "cut" : "refused";
      expect(await compareWithStart(copy, folder)).toBe(expected);
      using without = new Folder();
      const lost = simDisk(scribe).copy();
      if (name === "node1.log") continue;
      lost.remove(name);
      expect(await compareWithStart(lost, without)).toBe("refused");
    }
  });

  test("between the two last steps of a roll, where a crash can leave it", async () => {
    const scribe = new Scribe(1, { segmentBytesMax: 4096 }).enter(1).write(["leader", register]);
    while (scribe.disk.list().length < 3) scribe.write([put("k", "v".repeat(700))]);
    const copy = simDisk(scribe).copy();
    copy.rename("node1.log", "node1.log.new");
    using folder = new Folder();
    expect(await compareWithStart(copy, folder)).toBe("right");
    const { stdout } = await inspect(folder, ["data/node1.log", "--summary", "--json"]);
    expect(JSON.parse(stdout).last.index).toBe(scribe.last);
  });

  test("of another node's file under this node's name", async () => {
    using folder = Folder.of(shortLife(2));
    renameSync(folder.file("node2.log"), folder.file("node1.log"));
    const { exit, stderr } = await inspect(folder, ["data/node1.log", "--verify"]);
    expect(exit).toBe(6);
    expect(stderr).toContain("error[wrong-folder]");
    expect(stderr).toContain("it was written by node 2, and this is node 1");
  });

  test("of every file it is given, and ends with the first that is refused", async () => {
    const damaged = simDisk(shortLife(2));
    damaged.flipBit("node2.log", 8 * 372);
    using folder = Folder.of(shortLife(1), shortLife(3));
    copyInto(damaged, folder);
    const names = ["data/node1.log", "data/node2.log", "data/node3.log"];
    const { exit, stdout, stderr } = await inspect(folder, [...names, "--verify"]);
    expect(exit).toBe(6);
    expect(stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "right",
      "refused",
      "right",
      "",
    ]);
    expect(stderr).toContain("data/node2.log is damaged at byte 336");
  });

  test("without the active file a log is damaged, and says so with exit 6", async () => {
    const scribe = new Scribe(1, { segmentBytesMax: 4096 }).enter(1).write(["leader", register]);
    while (scribe.disk.list().length < 2) scribe.write([put("k", "v".repeat(700))]);
    using folder = Folder.of(scribe);
    rmSync(folder.file("node1.log"));
    const { exit, stderr } = await inspect(folder, ["data/node1.log", "--verify"]);
    expect(exit).toBe(6);
    expect(stderr).toContain("data/node1.log is missing");
  });
});

describe("a write that is not finished", () => {
  const unfinished = (): Folder => {
    const folder = Folder.of(shortLife());
    truncateSync(folder.file("node1.log"), 1200);
    return folder;
  };

  test("is said after the records, and is no error", async () => {
    using folder = unfinished();
    const { exit, stdout, stderr } = await inspect(folder, ["data/node1.log"]);
    expect(exit).toBe(0);
    expect(stdout).toEndWith("\n(unfinished (offset 1160) (bytes 40) (because cut-short))\n");
    expect(stderr).toContain("40 bytes from byte 1160 on");
    const json = await inspect(folder, ["data/node1.log", "--json"]);
    expect(JSON.parse(json.stdout.trimEnd().split("\n").at(-1)!)).toEqual({
      file: "data/node1.log",
      offset: 1160,
      length: 40,
      kind: "unfinished",
      index: null,
      term: null,
      command: null,
      because: "cut-short",
    });
  });

  test("is not in the state, in the summary or in a difference", async () => {
    using folder = unfinished();
    shortLife(2).copyTo(folder.path);
    expect((await inspect(folder, ["data/node1.log", "--at", "8"])).exit).toBe(1);
    const { stdout } = await inspect(folder, ["data/node1.log", "--summary", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ last: { index: 7 }, problem: { offset: 1160 } });
    const diff = await inspect(folder, ["data/node1.log", "--diff", "data/node2.log"]);
    expect(diff.exit).toBe(0);
    expect(diff.stdout).toContain("data/node2.log goes on to entry 8");
  });
});

describe("a damaged log", () => {
  const damaged = (): Folder => {
    const disk = simDisk(shortLife());
    disk.flipBit("node1.log", 8 * 932);
    const folder = new Folder();
    copyInto(disk, folder);
    return folder;
  };

  test("is listed up to the damage, which is then the error", async () => {
    using folder = damaged();
    const { exit, stdout, stderr } = await inspect(folder, ["data/node1.log"]);
    expect(exit).toBe(6);
    expect(stdout.trimEnd().split("\n").at(-1)).toStartWith("(entry (offset 880) (index 5)");
    expect(stderr).toContain("data/node1.log is damaged at byte 912");
    expect(stderr).toContain("the log up to entry 5 of term 2");
  });

  test("gives the state before the damage, and no state after it", async () => {
    using folder = damaged();
    expect((await inspect(folder, ["data/node1.log", "--at", "4"])).exit).toBe(0);
    expect((await inspect(folder, ["data/node1.log", "--at", "6"])).exit).toBe(6);
  });

  test("that contradicts itself ends where the contradiction begins", async () => {
    const disk = simDisk(shortLife());
    const size = disk.size("node1.log");
    const last = 1160;
    const state = new Uint8Array(stateRecordBytes);
    writeState(state, 0, { term: term(1), votedFor: null });
    chainRecords(state, checksumAt(disk.read("node1.log", last, 4), 0));
    const copy = disk.copy();
    copy.append("node1.log", state);
    using folder = new Folder();
    expect(await compareWithStart(copy, folder)).toBe("refused");
    const { exit, stdout, stderr } = await inspect(folder, ["data/node1.log"]);
    expect(exit).toBe(6);
    expect(stderr).toContain(`data/node1.log is damaged at byte ${size}`);
    expect(stderr).toContain("the term goes back");
    expect(stdout.trimEnd().split("\n").at(-1)).toStartWith(`(entry (offset ${last}) (index 8)`);
  });

  test("is summarized as far as it goes, with exit 6", async () => {
    using folder = damaged();
    const { exit, stdout } = await inspect(folder, ["data/node1.log", "--summary", "--json"]);
    expect(exit).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({
      last: { index: 5 },
      problem: { kind: "damaged", offset: 912 },
    });
  });

  test("agrees with nobody", async () => {
    using folder = damaged();
    shortLife(2).copyTo(folder.path);
    const { exit } = await inspect(folder, ["data/node2.log", "--diff", "data/node1.log"]);
    expect(exit).toBe(6);
  });
});

describe("what is no journal", () => {
  const problem = async (folder: Folder, ...words: string[]) => {
    const { exit, stdout, stderr } = await inspect(folder, [...words, "--json"]);
    expect(stdout).toBe("");
    const { error } = JSON.parse(stderr);
    expect(error.exit).toBe(exit);
    expect(error.fix.length).toBeGreaterThan(0);
    return error;
  };

  test("a file that is not there: exit 2, and the ones that are", async () => {
    using folder = Folder.of(shortLife());
    const error = await problem(folder, "data/node7.log");
    expect(error).toMatchObject({ code: "no-such-file", exit: 2 });
    expect(error.fix[0]).toBe("rusty-boat inspect data/node1.log");
    expect(await problem(folder, "data/none/node1.log")).toMatchObject({ exit: 2 });
  });

  test("a folder: exit 2, and the files in it", async () => {
    using folder = Folder.of(shortLife(1), shortLife(2));
    const error = await problem(folder, "data");
    expect(error).toMatchObject({ code: "is-a-folder", exit: 2 });
    expect(error.fix[0]).toBe("rusty-boat inspect data/node1.log data/node2.log");
    mkdirSync(folder.file("empty"));
    expect((await problem(folder, "data/empty")).code).toBe("is-a-folder");
  });

  test("another file: exit 6", async () => {
    using folder = new Folder();
    writeFileSync(folder.file("notes.txt"), "what a nice day it is in here, is it not");
    writeFileSync(folder.file("empty.log"), "");
    expect(await problem(folder, "data/notes.txt")).toMatchObject({
      code: "not-a-journal",
      exit: 6,
    });
    expect((await problem(folder, "data/empty.log")).why).toBe("it is empty");
  });

  test("an empty file by a journal's name is a damaged journal, as a node would say", async () => {
    using folder = new Folder();
    writeFileSync(folder.file("node1.log"), "");
    const { exit, stderr } = await inspect(folder, ["data/node1.log"]);
    expect(exit).toBe(6);
    expect(stderr).toContain("data/node1.log is damaged at byte 0");
  });

  test("a device: exit 2", async () => {
    using folder = new Folder();
    expect(await problem(folder, "/dev/null")).toMatchObject({ code: "not-a-file", exit: 2 });
  });

  test("bytes that a node cut off are read behind what stood before them", async () => {
    using folder = Folder.of(shortLife());
    writeFileSync(folder.file("node1.log.cut-920"), "anything");
    const error = await problem(folder, "data/node1.log.cut-920");
    expect(error.code).toBe("not-a-journal");
    expect(error.fix[0]).toStartWith("head -c 920 data/node1.log | cat - data/node1.log.cut-920");
  });

  test("a file that may not be read: exit 7", () => {
    const error = new DiskError({ code: "permission", operation: "read", file: "data/node1.log" });
    expect(readingFailed(error).parts).toMatchObject({ code: "permission", exit: 7 });
  });

  test("a copy under any name is read like the file itself", async () => {
    using folder = Folder.of(shortLife());
    const original = await inspect(folder, ["data/node1.log"]);
    renameSync(folder.file("node1.log"), folder.file("copy"));
    expect((await inspect(folder, ["data/copy"])).stdout).toBe(original.stdout);
    expect((await inspect(folder, ["data/copy", "--verify"])).exit).toBe(0);
  });
});

describe("flags", () => {
  const refused = async (...words: string[]): Promise<string> => {
    using folder = Folder.of(shortLife(1), shortLife(2));
    const { exit, stderr } = await inspect(folder, ["data/node1.log", ...words]);
    expect(exit).toBe(2);
    return stderr;
  };

  test("that ask for two answers do not go together", async () => {
    expect(await refused("--verify", "--summary")).toContain("--verify and --summary do not go");
    expect(await refused("--at", "3", "--diff", "data/node2.log")).toContain("--at and --diff");
    expect(await refused("--summary", "--key", "k")).toContain("--summary and --key");
    expect(await refused("--at", "3", "--follow")).toContain("--at and --follow");
  });

  test("with values that mean nothing are refused with an example", async () => {
    expect(await refused("--from", "0")).toContain("a whole number from 1 to");
    expect(await refused("--from", "5", "--to", "4")).toContain("not below --from 5");
    expect(await refused("--kind", "ptu")).toContain("fix  --kind put");
    expect(await refused("--key", '#x"0"')).toContain("bytes like");
    expect(await refused("--form", "3")).toContain("--from");
  });

  test("about one log refuse a second file", async () => {
    expect(await refused("data/node2.log", "--at", "3")).toContain("surplus-argument");
    expect(await refused("data/node2.log", "--follow")).toContain("surplus-argument");
  });

  test("inspect without a file says what it needs", async () => {
    using folder = new Folder();
    const { exit, stderr } = await inspect(folder, []);
    expect(exit).toBe(2);
    expect(stderr).toContain("needs FILE");
  });
});
