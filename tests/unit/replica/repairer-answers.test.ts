/** What a server that repairs its journal makes of single answers, in an order that a network seldom gives them. */
import { beforeEach, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { OperatorError } from "../../../src/base/error.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import type { RepairAnswer } from "../../../src/codec/repair.ts";
import { salvageJournal } from "../../../src/journal/salvage.ts";
import type { SnapshotId } from "../../../src/raft/types.ts";
import { Repairer, repairPace } from "../../../src/replica/repairer.ts";
import { cluster, me, Workbench } from "../journal/workbench.ts";

const [n2, n3] = [nodeId(2), nodeId(3)];

const snapshotUpTo = (index: number): SnapshotId => ({
  ...{ last: { index: logIndex(index), term: term(1) }, bytes: 1000, checksum: index },
});

const { retryMs, roundsMin, lingerMs } = repairPace;

const lacks = { kind: "none", because: "compacted" } as const;
const otherSnapshot = { kind: "none", because: "other-snapshot" } as const;

let repairer: Repairer;
let now = 0;

/** Five entries, of which the second is lost. */
beforeEach(() => {
  now = 0;
  const bench = new Workbench();
  bench.recordState(1, me);
  for (let count = 1; count <= 5; count++) {
    bench.recordEntry(utf8(`entry ${count}`));
    bench.settle();
  }
  bench.seal();
  const { disk } = bench;
  const bytes = Buffer.from(disk.read("node1.log", 0, disk.size("node1.log")));
  disk.flipBit("node1.log", bytes.indexOf("entry 2") * 8);
  const result = salvageJournal(disk, { node: me, cluster });
  if (result.kind === "hopeless") throw new Error(result.because);
  repairer = new Repairer({
    settings: {
      ...{ me, cluster, incarnation: 0xabc, addresses: new Map() },
      ...{ keys: noKeys, datagramBytesMax: 1200 },
    },
    salvage: result.salvage,
    refusal: new OperatorError({
      code: "log-damaged",
      exit: 6,
      what: "damaged",
      why: "seen",
      fix: ["none"],
    }),
    random: seededRandom(1),
    now: millis(now),
  });
});

/** It asks everybody again; returns why it has stopped. */
function pass(ms: number): OperatorError | null {
  now += ms;
  return repairer.handle(millis(now), []).stop;
}

const hear = (from: typeof n2, round: number, answer: RepairAnswer, offered = snapshotUpTo(9)) =>
  repairer["onResponse"](from, { round, offered, answer });

const fetching = () => repairer["fetch"];

/** n2 offers a snapshot, of which it is asked for the first piece. */
function beginFetch(): number {
  pass(0);
  hear(n2, 1, lacks);
  return must(fetching(), "a snapshot is fetched").round;
}

test("an answer about entries does not end a fetch, whatever it is counted as", () => {
  const round = beginFetch();
  expect(round).toBe(1);
  hear(n2, 1, lacks);
  expect(fetching()).not.toBe(null);
  hear(n2, round + 1, otherSnapshot);
  hear(n3, round, otherSnapshot);
  expect(fetching()).not.toBe(null);
  hear(n2, round, otherSnapshot);
  expect(fetching()).toBe(null);
});

test("a piece of another fetch or of another snapshot is not taken", () => {
  const round = beginFetch();
  const piece = { kind: "piece", offset: 0, piece: new Uint8Array(10) } as const;
  hear(n2, round + 1, piece);
  hear(n2, round, piece, snapshotUpTo(12));
  expect(fetching()).not.toBe(null);
  // It is looked at, and is rubbish.
  hear(n2, round, piece);
  expect(fetching()).toBe(null);
  expect(repairer.counters.get("repair-answers-wrong")).toBe(1);
});

/** All say that they have nothing, as often as it takes. */
function nobodyHasIt(): void {
  for (let times = 0; times < roundsMin; times++) for (const id of [n2, n3]) hear(id, 1, lacks);
}

test("it does not give up while a snapshot comes, though it was about to", () => {
  const round = beginFetch();
  nobodyHasIt();
  hear(n2, round, otherSnapshot);
  expect(fetching()).toBe(null);
  expect(pass(retryMs)).toBe(null);
  hear(n2, 1, lacks, snapshotUpTo(12));
  expect(fetching()).not.toBe(null);
  expect(pass(lingerMs)).toBe(null);
  expect(pass(retryMs)).toBe(null);
});

test("it gives up where no snapshot comes", () => {
  const round = beginFetch();
  nobodyHasIt();
  hear(n2, round, otherSnapshot);
  expect(pass(retryMs)).toBe(null);
  expect(pass(lingerMs)).toBeInstanceOf(OperatorError);
});
