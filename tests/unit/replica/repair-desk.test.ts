/** What a server answers to one that repairs its journal: only what is the same log for certain. */
import { describe, expect, test } from "bun:test";
import {
  type LogIndex,
  logIndex,
  millis,
  type NodeId,
  nodeId,
  term,
} from "../../../src/base/numbers.ts";
import type { RepairResponse } from "../../../src/codec/repair.ts";
import { Log } from "../../../src/raft/log.ts";
import type { Entry, EntryId } from "../../../src/raft/types.ts";
import { Counters } from "../../../src/replica/counters.ts";
import { answerFor, fetchPace, RepairDesk, sourceOf } from "../../../src/replica/repair-desk.ts";
import { type SnapshotFile, snapshotFile } from "../../../src/replica/snapshot-file.ts";

const id = (index: number, its: number): EntryId => ({ index: logIndex(index), term: term(its) });

const entry = (index: number, its: number): Entry => ({
  ...{ ...id(index, its), time: millis(0) },
  ...{ kind: "noop", body: null },
});

const run = (from: number, to: number, its: number) => ({
  ...{ from: logIndex(from), to: logIndex(to), term: term(its) },
});

/** Entries behind `base`, of these terms. */
function source(terms: readonly number[], { base = id(0, 0), commit = 0 } = {}) {
  const entries = terms.map((its, at) => entry(base.index + at + 1, its));
  return sourceOf(new Log(base, entries), logIndex(commit));
}

type Anchors = readonly ReturnType<typeof run>[];

/** Entries 3 and 4 are asked for. */
const ask = (from: ReturnType<typeof source>, anchors: Anchors, previous = id(2, 1)) => {
  const answer = answerFor(from, { kind: "entries", previous, to: logIndex(4), anchors }, 1000);
  return answer.kind === "entries"
    ? answer.entries.map((one) => `${one.index}.${one.term}`).join(" ")
    : answer;
};

describe("entries", () => {
  test("of a log that holds what is behind the gap", () => {
    expect(ask(source([1, 1, 1, 2, 2]), [run(5, 5, 2)])).toBe("3.1 4.2");
  });

  test("of one that holds something further behind, where the first is unknown to it", () => {
    expect(ask(source([1, 1, 1, 2, 2]), [run(5, 6, 2), run(7, 9, 3)])).toBe("3.1 4.2");
  });

  test("as many as fit, one at least", () => {
    const anchors = [run(5, 5, 2)];
    const question = { kind: "entries", previous: id(2, 1), to: logIndex(4), anchors } as const;
    const answer = answerFor(source([1, 1, 1, 2, 2]), question, 1);
    expect(answer).toMatchObject({ kind: "entries", entries: [{ index: 3 }] });
  });

  test("behind its own beginning, where older ones are compacted", () => {
    expect(ask(source([2, 2], { base: id(3, 1) }), [run(5, 5, 2)])).toBe("4.2");
  });
});

test("names before the beginning of a log are not looked for one by one", () => {
  const whole = source([1, 1], { base: id(10_000, 1) });
  let looks = 0;
  const termAt = (at: LogIndex) => {
    looks += 1;
    return whole.termAt(at);
  };
  ask({ ...whole, termAt }, [run(5, 10_002, 1)]);
  expect(looks).toBeLessThan(5);
});

describe("none", () => {
  test("of a log that has another entry behind the gap, not known to be committed", () => {
    const none = { kind: "none", because: "behind" } as const;
    expect(ask(source([1, 1, 1, 1, 1]), [run(5, 5, 2)])).toEqual(none);
    // The names behind that one cannot be the same either.
    expect(ask(source([1, 1, 1, 1, 1, 2]), [run(5, 5, 2), run(6, 6, 2)])).toEqual(none);
  });

  test("of a log that ends before", () => {
    const none = { kind: "none", because: "behind" } as const;
    expect(ask(source([1, 1, 1]), [run(5, 5, 2)])).toEqual(none);
  });

  test("of one that begins behind", () => {
    const none = { kind: "none", because: "compacted" } as const;
    expect(ask(source([3], { base: id(8, 3) }), [run(5, 5, 2)])).toEqual(none);
    expect(ask(source([2], { base: id(4, 2) }), [run(5, 5, 2)])).toEqual(none);
  });
});

test("another entry that is committed refutes the log that asks", () => {
  const truth = id(5, 3);
  const from = source([1, 1, 1, 3, 3], { commit: 5 });
  expect(ask(from, [run(5, 5, 2)])).toEqual({ kind: "refuted", truth });
});

test("the same entry behind the gap and another before it: the logs part", () => {
  expect(ask(source([1, 1, 1, 2, 2]), [run(5, 5, 2)], id(2, 2))).toEqual({ kind: "parted" });
});

test("one that has a gap before it cannot tell, and gives nothing", () => {
  const none = { kind: "none", because: "damaged" } as const;
  const whole = source([1, 1, 1, 2, 2]);
  const without = (index: number) => ({
    ...whole,
    termAt: (at: LogIndex) => (at === index ? null : whole.termAt(at)),
    at: (at: LogIndex) => (at === index ? null : whole.at(at)),
  });
  expect(ask(without(2), [run(5, 5, 2)], id(2, 2))).toEqual(none);
  expect(ask(without(2), [run(5, 5, 2)])).toEqual(none);
  expect(ask(without(1), [run(5, 5, 2)])).toBe("3.1 4.2");
});

describe("a snapshot in pieces", () => {
  const file = (index: number): SnapshotFile => {
    const last = id(index, 1);
    const end = {
      last,
      time: millis(0),
      configuration: { voters: [], outgoing: [], learners: [] },
    };
    return snapshotFile(nodeId(1), { last, bytes: 900, checksum: index }, end);
  };

  class Stage {
    newest = file(5);
    now = 0;
    readonly said: RepairResponse[] = [];
    readonly desk: RepairDesk;

    constructor(pieceBytes = 0) {
      const sendRepairResponse = (_: NodeId, response: RepairResponse) => this.said.push(response);
      this.desk = new RepairDesk({
        wire: { appendBytesMax: 200, sendRepairResponse },
        source: () => source([1]),
        newest: () => this.newest,
        now: () => millis(this.now),
        takeTicket: () => 7,
        counters: new Counters(),
        pieceBytes,
      });
    }

    ask({ id: snapshot }: SnapshotFile, offset: number) {
      this.desk.onRequest(nodeId(2), { kind: "piece", round: 3, snapshot, offset });
      return this.desk.takeReads();
    }
  }

  const { patienceMs, resendMs } = fetchPace;

  test("that was begun goes on though a newer one is in force, as long as it is asked for", () => {
    const stage = new Stage();
    const old = stage.newest;
    stage.ask(old, 0);
    stage.newest = file(9);
    stage.now = patienceMs - 1;
    expect(stage.ask(old, 136)).toMatchObject([{ file: old.file, offset: 136 }]);
    expect(Number(stage.desk.keptUntil(old.file))).toBe(stage.now + patienceMs);
    expect(Number(stage.desk.keptUntil(stage.newest.file))).toBe(0);
    stage.desk.onRead(7, new Uint8Array(10));
    expect(stage.said).toMatchObject([{ offered: old.id, answer: { kind: "piece", offset: 136 } }]);
    stage.now += patienceMs;
    expect(stage.ask(old, 146)).toEqual([]);
    expect(stage.said.at(-1)).toMatchObject({
      ...{ offered: stage.newest.id, answer: { kind: "none", because: "other-snapshot" } },
    });
  });

  test("that nobody had begun is not looked for", () => {
    const stage = new Stage();
    expect(stage.ask(file(4), 0)).toEqual([]);
    expect(stage.said).toMatchObject([{ answer: { because: "other-snapshot" } }]);
  });

  test("goes in pieces larger than a datagram, each sent again only after a while", () => {
    const stage = new Stage(500);
    expect(stage.ask(stage.newest, 0)).toMatchObject([{ length: 500 }]);
    stage.now = resendMs - 1;
    expect(stage.ask(stage.newest, 0)).toEqual([]);
    stage.now = resendMs;
    expect(stage.ask(stage.newest, 0)).toMatchObject([{ offset: 0 }]);
    expect(stage.ask(stage.newest, 500)).toMatchObject([{ offset: 500 }]);
  });
});
