/** Reads without a log entry: ReadIndex (dissertation 6.4); and check-quorum (6.2). */
import { expect, test } from "bun:test";
import { later, logIndex } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import { append, heartbeatResponse, matched, only, Solo } from "../../harness/solo.ts";

const { heartbeatMs, electionMsMin } = defaultTiming;

/** Leads term 1 of five, its no-op is committed. */
function reader(): Solo {
  const solo = new Solo({ of: 5 });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  solo.hear(matched(3, 1, 1));
  return solo;
}

const tickets = (solo: Solo) => solo.effects.confirmed.map(({ ticket }) => ticket);
const ask = (solo: Solo, ticket: number) => solo.input({ kind: "read", ticket });
const roundOf = (sent: readonly Message[]) => only(sent, "heartbeat")?.round ?? 0;

test("a read begins a round, and is confirmed by a quorum's answers to it", () => {
  const solo = reader();
  const round = roundOf(ask(solo, 1));
  solo.hear(heartbeatResponse(2, 1, round));
  expect(tickets(solo)).toEqual([]);
  solo.hear(heartbeatResponse(3, 1, round));
  expect(solo.effects.confirmed).toEqual([{ ticket: 1, index: logIndex(1) }]);
});

test("answers to a round that began before the read confirm nothing (P27)", () => {
  const solo = reader();
  const early = roundOf(solo.pass(heartbeatMs));
  const round = roundOf(ask(solo, 1));
  expect(round).toBe(early + 1);
  for (const id of [2, 3, 4, 5]) solo.hear(heartbeatResponse(id, 1, early));
  expect(tickets(solo)).toEqual([]);
});

test("a read that comes while a round is under way waits for the next", () => {
  const solo = reader();
  const round = roundOf(ask(solo, 1));
  expect(roundOf(ask(solo, 2))).toBe(0);
  solo.hear(heartbeatResponse(2, 1, round));
  const next = roundOf(solo.hear(heartbeatResponse(3, 1, round)));
  expect(tickets(solo)).toEqual([1]);
  expect(next).toBe(round + 1);
  for (const id of [2, 3]) solo.hear(heartbeatResponse(id, 1, next));
  expect(tickets(solo)).toEqual([1, 2]);
});

test("the same answer twice is one answer", () => {
  const solo = reader();
  const round = roundOf(ask(solo, 1));
  for (let copy = 0; copy < 4; copy++) solo.hear(heartbeatResponse(2, 1, round));
  expect(tickets(solo)).toEqual([]);
});

test("answers to a later round confirm as well: a lost round does not hold reads up", () => {
  const solo = reader();
  ask(solo, 1);
  const later = roundOf(solo.pass(heartbeatMs));
  for (const id of [2, 3]) solo.hear(heartbeatResponse(id, 1, later));
  expect(tickets(solo)).toEqual([1]);
});

test("a read sees what was committed when its round began, though more is committed by then", () => {
  const solo = reader();
  const round = roundOf(ask(solo, 1));
  solo.propose();
  for (const id of [2, 3]) solo.hear(matched(id, 1, 2));
  for (const id of [2, 3]) solo.hear(heartbeatResponse(id, 1, round));
  expect(solo.effects.confirmed).toEqual([{ ticket: 1, index: logIndex(1) }]);
});

test("a new leader begins no round for reads before its no-op is committed (P2)", () => {
  const solo = new Solo({ log: [1] });
  solo.lead();
  ask(solo, 1);
  const round = roundOf(solo.pass(heartbeatMs));
  for (const id of [2, 3]) solo.hear(heartbeatResponse(id, 2, round));
  expect(tickets(solo)).toEqual([]);
  const next = roundOf(solo.hear(matched(2, 2, 2)));
  expect(next).toBe(round + 1);
  solo.hear(heartbeatResponse(2, 2, next));
  expect(solo.effects.confirmed).toEqual([{ ticket: 1, index: logIndex(2) }]);
});

test("a leader of one confirms its reads itself", () => {
  const solo = new Solo({ of: 1 });
  solo.lead();
  ask(solo, 1);
  expect(tickets(solo)).toEqual([1]);
});

test("a server without a leader gives reads back, and a leader that steps down those it has", () => {
  const follower = new Solo();
  ask(follower, 1);
  expect(follower.effects.abandoned).toEqual([1]);
  const solo = reader();
  ask(solo, 2);
  ask(solo, 3);
  solo.hear(append(2, 2, {}));
  expect([...solo.effects.abandoned].sort()).toEqual([2, 3]);
  solo.hear(heartbeatResponse(3, 1, 9));
  expect(tickets(solo)).toEqual([]);
});

test("after a long pause a leader answers no read before it has heard a quorum again", () => {
  const solo = reader();
  solo.now = later(solo.now, 10 * electionMsMin);
  ask(solo, 1);
  expect(tickets(solo)).toEqual([]);
  solo.input({ kind: "time" });
  expect(solo.state.role.kind).toBe("follower");
  expect(solo.effects.abandoned).toEqual([1]);
});

// Check-quorum (P24).

test("answers of a quorum, itself included, keep a leader; of fewer they do not", () => {
  for (const [answering, outcome] of [
    [[2, 3], "leader"],
    [[2], "follower"],
  ] as const) {
    const solo = reader();
    for (let beat = 0; beat < 20; beat++) {
      const round = roundOf(solo.pass(heartbeatMs));
      if (solo.state.role.kind !== "leader") break;
      for (const id of answering) solo.hear(heartbeatResponse(id, 1, round));
    }
    expect(solo.state.role.kind).toBe(outcome);
  }
});

test("a leader that gave up sends nothing, keeps its vote, and may campaign later", () => {
  const solo = reader();
  solo.pass(electionMsMin);
  expect(solo.state.role).toEqual({ kind: "follower", leader: null });
  expect([...solo.pass(heartbeatMs), ...solo.propose()]).toEqual([]);
  expect(Number(solo.state.votedFor)).toBe(1);
  expect(solo.state.electionAt).toBeGreaterThanOrEqual(solo.now);
});

test("a leader whose disk does not answer gives up (U8); others are not touched by it", () => {
  const solo = reader();
  solo.input({ kind: "disk-stalled" });
  expect(solo.state.role.kind).toBe("follower");
  const candidate = new Solo();
  candidate.timeOut();
  candidate.input({ kind: "disk-stalled" });
  expect(candidate.state.role.kind).toBe("candidate");
});
