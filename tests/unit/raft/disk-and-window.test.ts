/** The leader's own disk (dissertation 10.2.1; P12), the window of appends (P10), cluster time (6.3). */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { later, logIndex, millis, nodeId } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import { nextDeadline, step, takeEffects } from "../../../src/raft/raft.ts";
import { defaultTiming, replicationLimits } from "../../../src/raft/state.ts";
import {
  all,
  append,
  entryId,
  heartbeatResponse,
  matched,
  mismatched,
  only,
  Solo,
} from "../../harness/solo.ts";

const { heartbeatMs } = defaultTiming;

const roundOf = (sent: readonly Message[]) => only(sent, "heartbeat")?.round ?? 0;

// The leader's own disk (Solo's is instant, so the steps are taken one by one here).

function proposeWithoutDisk(solo: Solo): void {
  step(solo.state, solo.now, { kind: "propose", command: utf8("x") });
  takeEffects(solo.state);
}

test("a leader counts itself only when its own disk has answered", () => {
  const solo = new Solo();
  solo.lead();
  solo.hear(matched(2, 1, 1));
  proposeWithoutDisk(solo);
  step(solo.state, solo.now, { kind: "message", message: matched(2, 1, 2) });
  expect(Number(solo.state.commit)).toBe(1);
  step(solo.state, solo.now, { kind: "durable", last: entryId(2, 1) });
  expect(Number(solo.state.commit)).toBe(2);
});

test("two followers are a majority without the leader's disk", () => {
  const solo = new Solo();
  solo.lead();
  solo.hear(matched(2, 1, 1));
  proposeWithoutDisk(solo);
  for (const id of [2, 3]) {
    step(solo.state, solo.now, { kind: "message", message: matched(id, 1, 2) });
  }
  expect(Number(solo.state.commit)).toBe(2);
  expect(Number(solo.state.durable)).toBe(1);
});

test("a write that completes when its entries were replaced makes nothing durable (P12)", () => {
  const solo = new Solo({ log: [1] });
  solo.lead();
  proposeWithoutDisk(solo);
  proposeWithoutDisk(solo);
  expect(Number(solo.state.log.lastIndex)).toBe(4);
  // The leader of term 5 replaces 3 and 4 before the disk answers for them.
  const request = append(2, 5, { previous: entryId(2, 2), entries: [5] });
  step(solo.state, solo.now, { kind: "message", message: request });
  for (const last of [entryId(3, 2), entryId(4, 2)]) {
    step(solo.state, solo.now, { kind: "durable", last });
    expect(Number(solo.state.durable)).toBe(2);
  }
  step(solo.state, solo.now, { kind: "durable", last: entryId(3, 5) });
  expect(Number(solo.state.durable)).toBe(3);
});

test("what is taken back is not durable any more", () => {
  const solo = new Solo({ log: [1, 1, 1], term: 2 });
  const request = append(2, 2, { previous: entryId(1, 1), entries: [2] });
  step(solo.state, solo.now, { kind: "message", message: request });
  expect(Number(solo.state.durable)).toBe(1);
});

// The window of appends under way (P10).

/** Leads term 1 of three with one entry to an append, n2 replicating. */
function windowed(): Solo {
  const solo = new Solo({ appendBytesMax: 1 });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  return solo;
}

const toTwo = (sent: readonly Message[]) =>
  all(sent, "append-request")
    .filter(({ to }) => to === 2)
    .map(({ entries }) => Number(entries[0]?.index));

test("no more appends are under way than the window allows", () => {
  const solo = windowed();
  const sent: number[] = [];
  for (let count = 0; count < 100; count++) sent.push(...toTwo(solo.propose()));
  const allowed = Array.from({ length: replicationLimits.inflightMessagesMax }, (_, at) => at + 2);
  expect(sent).toEqual(allowed);
  // Each answer lets as many follow as it acknowledges.
  expect(toTwo(solo.hear(matched(2, 1, 4)))).toEqual([66, 67, 68]);
});

test("no more bytes are under way than the window allows, one append at least", () => {
  const solo = new Solo();
  solo.lead();
  solo.hear(matched(2, 1, 1));
  const half = "x".repeat(replicationLimits.inflightBytesMax / 2);
  expect(toTwo(solo.propose(half))).toEqual([2]);
  expect(toTwo(solo.propose(half))).toEqual([3]);
  expect(toTwo(solo.propose(half))).toEqual([]);
  expect(toTwo(solo.hear(matched(2, 1, 2)))).toEqual([4]);
});

test("of what travels in pieces few are under way, each of several entries; the rest follows the answers", () => {
  const largeAppends = { bytesMax: 3000, inflightMax: 2 };
  const solo = new Solo({ appendBytesMax: 500, largeAppends });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  const large = "x".repeat(1000);
  expect(toTwo(solo.propose(large))).toEqual([2]);
  expect(toTwo(solo.propose(large))).toEqual([3]);
  for (let count = 0; count < 3; count++) expect(toTwo(solo.propose(large))).toEqual([]);
  const [next] = all(solo.hear(matched(2, 1, 2)), "append-request");
  expect(next?.entries.map(({ index }) => Number(index))).toEqual([4, 5]);
  expect(toTwo(solo.hear(matched(2, 1, 3)))).toEqual([6]);
});

test("a window whose every packet is lost opens again by itself (P10)", () => {
  const solo = windowed();
  for (let count = 0; count < 100; count++) solo.propose();
  const sent: number[] = [];
  for (let beat = 0; beat < 2; beat++) sent.push(...toTwo(solo.pass(heartbeatMs)));
  expect(sent).toEqual([2]);
  expect(toTwo(solo.hear(matched(2, 1, 2))).length).toBe(replicationLimits.inflightMessagesMax);
});

test("while it looks for where the logs agree, one append is under way at a time", () => {
  const solo = new Solo({ log: [1, 1, 1], appendBytesMax: 1 });
  solo.lead();
  expect(toTwo(solo.propose())).toEqual([]);
  expect(toTwo(solo.hear(mismatched(2, 2, 3, entryId(1, 1))))).toEqual([2]);
  expect(toTwo(solo.hear(matched(2, 2, 2)))).toEqual([3, 4, 5]);
});

test("what is not answered is asked again, less and less often, down to every election timeout", () => {
  const solo = windowed();
  solo.propose();
  const at: number[] = [];
  const begin = solo.now;
  for (let beat = 1; beat <= 40; beat++) {
    const sent = solo.pass(heartbeatMs);
    if (toTwo(sent).length > 0) at.push(solo.now - begin);
    solo.hear(heartbeatResponse(3, 1, roundOf(sent)));
  }
  expect(at).toEqual([120, 360, 840, 1440, 2040]);
});

// Cluster time (dissertation 6.3; P30) and the next deadline.

test("cluster time goes on where the last leader's log left it, and counts no pause in full", () => {
  const solo = new Solo({ of: 1 });
  solo.lead();
  solo.now = later(solo.now, 50);
  solo.propose();
  solo.now = later(solo.now, 60_000);
  solo.propose();
  const times = [1, 2, 3].map((index) => Number(solo.state.log.at(logIndex(index)).time));
  expect(times).toEqual([0, 50, 50 + 2 * heartbeatMs]);
});

test("a clock that goes back does not take time back", () => {
  const solo = new Solo();
  solo.pass(500);
  step(solo.state, millis(100), { kind: "time" });
  expect(Number(solo.state.now)).toBe(500);
});

test("the next deadline is the election for a follower, the next heartbeat for a leader", () => {
  const solo = new Solo();
  expect(nextDeadline(solo.state)).toBe(solo.state.electionAt);
  solo.lead();
  expect(Number(nextDeadline(solo.state))).toBe(solo.now + heartbeatMs);
  expect(solo.state.membership.current.voters).toContain(nodeId(1));
});
