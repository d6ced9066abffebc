/**
 * What only the real disk has: modes, the system's error codes, and files that are read while they
 * grow.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { DiskErrorCode, Synced } from "../../../src/journal/disk.ts";
import { performDiskEffect } from "../../../src/journal/effects.ts";
import { openJournal } from "../../../src/journal/open.ts";
import { verifyFiles } from "../../../src/journal/verify.ts";
import { FileDisk, holdFile } from "../../../src/runtime/disk.ts";
import { diskError } from "../../../src/runtime/disk-error.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rusty-boat-disk-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = {
  node: nodeId(1),
  cluster: 7,
  create: {
    incarnation: 8,
    configuration: { voters: [nodeId(1)], outgoing: [], learners: [] },
  },
  segmentBytesMax: 4096,
};

test("files and folders are their owner's only", () => {
  const disk = new FileDisk(join(folder, "data"), () => {});
  disk.create("a", utf8("secret"));
  expect(statSync(join(folder, "data")).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "data", "a")).mode & 0o777).toBe(0o600);
});

test("the system's words are told in the disk's", () => {
  const codes: readonly (readonly [string, DiskErrorCode])[] = [
    ["ENOSPC", "disk-full"],
    ["EDQUOT", "disk-full"],
    ["ENOENT", "missing"],
    ["EEXIST", "exists"],
    ["EACCES", "permission"],
    ["EROFS", "permission"],
    ["EMFILE", "too-many-files"],
    ["EIO", "io"],
  ];
  for (const [code, expected] of codes) {
    const error = diskError("append", "a", Object.assign(new Error(`${code}: said`), { code }));
    expect(error).toMatchObject({ code: expected, operation: "append", file: "a" });
  }
});

// What is no file on a disk cannot be synced, and Linux says so: the nearest thing to a disk that fails.
test.if(process.platform === "linux")("a sync that fails is told as failed", async () => {
  symlinkSync("/dev/null", join(folder, "a"));
  const done = Promise.withResolvers<Synced>();
  const disk = new FileDisk(folder, done.resolve);
  disk.append("a", utf8("lost"));
  disk.startSync("a", 7);
  const { ticket, outcome } = await done.promise;
  disk.close();
  expect(ticket).toBe(7);
  expect(outcome).toMatchObject({ kind: "failed", error: { code: "io", operation: "startSync" } });
});

test("a bug is not told as a disk's error", () => {
  expect(() => diskError("append", "a", new TypeError("a bug"))).toThrow(TypeError);
});

describe("a journal on the real disk", () => {
  test("rolls, is synced by the thread pool, and is there when it is opened again", async () => {
    let synced: (input: Synced) => void = () => {};
    const disk = new FileDisk(folder, (input) => synced(input));
    const { journal } = openJournal({ ...options, disk });
    journal.recordState({ term: term(1), votedFor: nodeId(1) });
    for (let index = 1; index <= 20; index++) {
      const id = { index: logIndex(index), term: term(1), time: millis(index) };
      journal.recordEntry({ ...id, kind: "command", body: new Uint8Array(900).fill(index) });
      const done = Promise.withResolvers<Synced>();
      synced = done.resolve;
      for (const effect of journal.flush({ commit: logIndex(0) })) performDiskEffect(disk, effect);
      const { ticket, outcome } = await done.promise;
      expect(outcome.kind).toBe("durable");
      expect(journal.synced(ticket)).toBe(journal.position);
    }
    disk.close();
    const again = new FileDisk(folder, () => {});
    const { recovered } = openJournal({ ...options, disk: again });
    again.close();
    expect(recovered.segmentCount).toBeGreaterThan(3);
    expect(recovered.entries.map(({ body }) => (body instanceof Uint8Array ? body[0] : 0))).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
  });

  test("is read while it grows, and under the same hold after its file got another name", () => {
    const disk = new FileDisk(folder, () => {});
    const { journal } = openJournal({ ...options, disk });
    const held = holdFile(join(folder, "node1.log"));
    const before = held.source();
    journal.recordState({ term: term(1), votedFor: null });
    for (const effect of journal.flush({ commit: logIndex(0) })) performDiskEffect(disk, effect);
    disk.rename("node1.log", "node1.000000000000001.log");
    const look = (source: typeof before) =>
      verifyFiles([{ name: held.path, role: "active", source }]);
    expect(look(before)).toMatchObject({ verdict: "right", recordCount: 2 });
    expect(look(held.source())).toMatchObject({ verdict: "right", recordCount: 4 });
    held.close();
    disk.close();
  });
});
