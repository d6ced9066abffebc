/** What is left of a cluster: who has the most, what may be lost, and the new journals that are made of it. */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { openJournal } from "../../../src/journal/open.ts";
import { writeJournal } from "../../../src/journal/rewrite.ts";
import { bestOf, lossOf, readSurvivor, type Survivor } from "../../../src/journal/survivor.ts";
import type { Configuration } from "../../../src/raft/types.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { put, register, Scribe } from "../cli/inspect-support.ts";
import { entryPicture, newDisk, Workbench } from "./workbench.ts";

const five: Configuration = {
  voters: [1, 2, 3, 4, 5].map(nodeId),
  outgoing: [],
  learners: [],
};

/** A node's journal in which the terms have so many entries each. */
function journalOf(node: number, terms: readonly number[], known = 0): SimDisk {
  const disk = newDisk();
  const scribe = new Scribe(node, { segmentBytesMax: 4096, disk });
  for (const [at, entries] of terms.entries()) {
    scribe.enter(at + 1, node);
    if (entries > 0) scribe.write(at === 0 ? ["leader", register] : ["leader"]);
    while (scribe.last < terms.slice(0, at + 1).reduce((sum, more) => sum + more)) {
      scribe.write([put(`key${scribe.last % 5}`, "v".repeat(100) + scribe.last)]);
    }
  }
  if (known > 0) scribe.know(known);
  return disk;
}

const survivor = (node: number, terms: readonly number[], known = 0): Survivor =>
  must(readSurvivor(journalOf(node, terms, known), nodeId(node), "nothing"), "there is a journal");

describe("the one with the most", () => {
  test("is of the highest term, and of those the longest: who would be elected", () => {
    const [long, late, later] = [survivor(1, [20]), survivor(2, [5, 3]), survivor(3, [5, 4])];
    expect(bestOf([long, late, later])).toBe(later as never);
    expect(bestOf([later, late, long])).toBe(later as never);
    expect(bestOf([long])).toBe(long as never);
    expect(bestOf([])).toBeNull();
  });

  test("is none whose log is damaged, or not there", () => {
    const disk = journalOf(1, [40], 40);
    disk.flipBit("node1.log", 8 * 300);
    const damaged = must(readSurvivor(disk, nodeId(1), "nothing"), "there is a journal");
    expect(damaged.kind).toBe("damaged");
    expect(bestOf([damaged])).toBeNull();
    expect(readSurvivor(newDisk(), nodeId(1), "nothing")).toBeNull();
  });
});

describe("what may be lost", () => {
  const lossAmong = (...survivors: readonly Survivor[]) =>
    lossOf(must(bestOf(survivors), "there is one"), survivors);

  test("is nothing that was acknowledged, where a majority is here", () => {
    // Three voters: two are a majority, one is not.
    expect(lossAmong(survivor(1, [9], 7), survivor(2, [8]))).toEqual({
      ...{ majority: "here", committed: logIndex(7), lost: null },
      undecided: { from: 8, to: 9 },
    });
    expect(lossAmong(survivor(1, [9], 9))).toMatchObject({ majority: "missing", undecided: null });
  });

  test("is certain where a mark of a damaged log knows more than what is left", () => {
    const disk = journalOf(2, [30], 30);
    disk.flipBit("node2.log", 8 * 400);
    const damaged = must(readSurvivor(disk, nodeId(2), "nothing"), "there is a journal");
    const loss = lossAmong(survivor(1, [12], 10), damaged);
    expect(loss).toMatchObject({ majority: "missing", committed: logIndex(30) });
    expect(loss.lost).toEqual({ from: 13, to: 30 });
  });
});

describe("a rewritten journal", () => {
  const identity = { node: nodeId(4), cluster: 0x777, incarnation: 0x99 };

  function rewritten(old: SimDisk) {
    const found = must(readSurvivor(old, nodeId(1), "entries"), "there is a journal");
    if (found.kind !== "readable") throw new Error(found.kind);
    const disk = newDisk();
    const standing = must(found.reading.standing, "it is readable");
    const log = { standing, entries: found.reading.entries, snapshot: found.snapshot };
    writeJournal(disk, log, { identity, configuration: five });
    // What was made is durable: nothing depends on the power staying on.
    disk.crash("lose-all");
    const create = { incarnation: 1, configuration: five };
    const { node, cluster } = identity;
    const { recovered } = openJournal({ disk, node, cluster, create });
    return { recovered, old: log };
  }

  test("holds the same entries under another identity, and who its members are now", () => {
    const { recovered, old } = rewritten(journalOf(1, [60, 3], 40));
    expect(recovered.origin).toBe("opened");
    expect(recovered.identity).toEqual(identity);
    expect(recovered.peers.size).toBe(0);
    const last = must(recovered.entries.at(-1), "there are entries");
    expect(recovered.entries.slice(0, -1).map(entryPicture)).toEqual(old.entries.map(entryPicture));
    expect(last).toMatchObject({ index: logIndex(64), term: term(2), kind: "configuration" });
    expect(last.body).toEqual(five);
    expect(recovered.cut).toBeNull();
  });

  test("has the old one's term, and has voted for nobody in it", () => {
    const { recovered } = rewritten(journalOf(1, [3, 2]));
    expect(recovered.hardState).toEqual({ term: term(2), votedFor: null });
  });

  test("is believed by nobody of the old cluster", () => {
    const found = must(readSurvivor(journalOf(1, [5]), nodeId(1), "entries"), "a journal");
    if (found.kind !== "readable") throw new Error(found.kind);
    const disk = newDisk();
    const standing = must(found.reading.standing, "it is readable");
    writeJournal(
      disk,
      { standing, entries: found.reading.entries, snapshot: null },
      { identity: { ...identity, node: nodeId(1) }, configuration: five },
    );
    const create = { incarnation: 1, configuration: five };
    const open = () => openJournal({ disk, node: nodeId(1), cluster: found.cluster, create });
    expect(open).toThrow();
  });

  test("begins behind the same snapshot, with the new cluster in it", () => {
    const bench = new Workbench();
    bench.recordState(1, null);
    const fill = (count: number) => {
      for (let at = 0; at < count; at++) bench.recordEntry(new Uint8Array(1000));
      bench.settle();
    };
    fill(12);
    bench.commit = logIndex(12);
    bench.recordSnapshot("kept");
    bench.settle();
    bench.removeOutdated();
    fill(3);
    const { recovered, old } = rewritten(bench.disk);
    bench.reopen();
    const before = must(bench.recovered.snapshot, "so has the old one");
    const snapshot = must(recovered.snapshot, "it has a snapshot");
    expect(snapshot.id.last).toEqual(before.id.last);
    expect([...snapshot.store.values]).toEqual([...before.store.values]);
    expect(old.snapshot).not.toBeNull();
    expect(recovered.base.index).toBe(logIndex(12));
    expect(recovered.entries.map(({ index }) => index)).toEqual([13, 14, 15, 16].map(logIndex));
    expect(recovered.entries.at(-1)?.body).toEqual(five);
  });

  test("goes on in cluster time from where the old one was", () => {
    const { recovered, old } = rewritten(journalOf(1, [7]));
    expect(recovered.entries.at(-1)?.time).toBe(old.entries.at(-1)?.time ?? millis(0));
  });
});
