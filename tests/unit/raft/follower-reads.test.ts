/** Reads at followers: the leader's ReadIndex, asked for by another server (dissertation 6.4). */
import { expect, test } from "bun:test";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import { nextDeadline } from "../../../src/raft/raft.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import { all, heartbeat, heartbeatResponse, matched, only, Solo } from "../../harness/solo.ts";

const { heartbeatMs, electionMsMin, electionMsMax } = defaultTiming;

const answer = (from: number, t: number, id: number, index: number): Message => ({
  ...{ kind: "read-index-response", from: nodeId(from), to: nodeId(1), term: term(t), id },
  index: logIndex(index),
});
const question = (from: number, t: number, id: number): Message => ({
  ...{ kind: "read-index-request", from: nodeId(from), to: nodeId(1), term: term(t), id },
});

/** Follows n2 in term 1. */
function follower(): Solo {
  const solo = new Solo();
  solo.hear(heartbeat(2, 1));
  return solo;
}

const ask = (solo: Solo, ticket: number) => solo.input({ kind: "read", ticket });
const asked = (sent: readonly Message[]): number => only(sent, "read-index-request", 2)?.id ?? 0;
const tickets = (solo: Solo) => solo.effects.confirmed.map(({ ticket }) => ticket);

test("a follower asks its leader, and may answer from the index it is given on", () => {
  const solo = follower();
  const id = asked(ask(solo, 1));
  expect(id).toBeGreaterThan(0);
  expect(tickets(solo)).toEqual([]);
  solo.hear(answer(2, 1, id, 7));
  expect(solo.effects.confirmed).toEqual([{ ticket: 1, index: logIndex(7) }]);
});

test("reads that come while a question is under way share the next one, and never its index (P27)", () => {
  const solo = follower();
  const first = asked(ask(solo, 1));
  expect(asked(ask(solo, 2))).toBe(0);
  expect(asked(ask(solo, 3))).toBe(0);
  const second = asked(solo.hear(answer(2, 1, first, 7)));
  expect(tickets(solo)).toEqual([1]);
  expect(second).not.toBe(first);
  // The answer to the first question once more is no answer to the second.
  solo.hear(answer(2, 1, first, 7));
  expect(tickets(solo)).toEqual([1]);
  solo.hear(answer(2, 1, second, 9));
  expect(solo.effects.confirmed.slice(1)).toEqual([
    { ticket: 2, index: logIndex(9) },
    { ticket: 3, index: logIndex(9) },
  ]);
});

test("a question that stays unanswered is asked again, as another one, for all who wait by then (U5)", () => {
  const solo = follower();
  const first = asked(ask(solo, 1));
  ask(solo, 2);
  expect(Number(nextDeadline(solo.state))).toBe(solo.now + 2 * heartbeatMs);
  const second = asked(solo.pass(2 * heartbeatMs));
  expect(second).not.toBe(first);
  expect(second).toBeGreaterThan(0);
  // Read 2 came after the first question: what answers that one says nothing about it.
  solo.hear(answer(2, 1, first, 3));
  expect(tickets(solo)).toEqual([]);
  solo.hear(answer(2, 1, second, 8));
  expect(tickets(solo)).toEqual([1, 2]);
});

test("two lives of a server ask no question by the same number", () => {
  const ids = [1, 2].map((seed) => {
    const solo = new Solo({ seed });
    solo.hear(heartbeat(2, 1));
    return asked(ask(solo, 1));
  });
  expect(new Set(ids).size).toBe(2);
});

test("reads are given back when there is another leader, or none, or no answer for long", () => {
  const another = follower();
  ask(another, 1);
  another.hear(heartbeat(3, 2));
  expect(another.effects.abandoned).toEqual([1]);

  const none = follower();
  ask(none, 1);
  none.timeOut();
  expect(none.effects.abandoned).toEqual([1]);

  const silent = follower();
  ask(silent, 1);
  for (let passed = 0; passed < electionMsMax; passed += heartbeatMs) {
    silent.hear(heartbeat(2, 1));
    silent.pass(heartbeatMs);
  }
  expect(silent.state.role.kind).toBe("follower");
  expect(silent.effects.abandoned).toEqual([1]);
});

test("an answer of an earlier leader confirms nothing", () => {
  const solo = follower();
  const first = asked(ask(solo, 1));
  solo.hear(heartbeat(3, 2));
  ask(solo, 2);
  solo.hear(answer(2, 1, first, 7));
  expect(tickets(solo)).toEqual([]);
});

/** Leads term 1 of five, its no-op is committed. */
function leader(): Solo {
  const solo = new Solo({ of: 5 });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  solo.hear(matched(3, 1, 1));
  return solo;
}
const roundOf = (sent: readonly Message[]) => only(sent, "heartbeat")?.round ?? 0;

test("a leader answers a follower's question when a round that began after it is answered by a quorum", () => {
  const solo = leader();
  const early = roundOf(solo.pass(heartbeatMs));
  const round = roundOf(solo.hear(question(5, 1, 8)));
  expect(round).toBe(early + 1);
  for (const id of [2, 3, 4])
    expect(all(solo.hear(heartbeatResponse(id, 1, early)), "read-index-response")).toEqual([]);
  solo.hear(heartbeatResponse(2, 1, round));
  const sent = solo.hear(heartbeatResponse(3, 1, round));
  expect(only(sent, "read-index-response", 5)).toMatchObject({ id: 8, index: 1, term: 1 });
});

test("its own reads and those of followers share a round; of one follower only the newest question counts", () => {
  const solo = leader();
  const round = roundOf(ask(solo, 1));
  ask(solo, 2);
  for (const id of [8, 9, 10]) solo.hear(question(5, 1, id));
  solo.hear(question(4, 1, 3));
  solo.hear(heartbeatResponse(2, 1, round));
  const next = roundOf(solo.hear(heartbeatResponse(3, 1, round)));
  solo.hear(heartbeatResponse(2, 1, next));
  const sent = all(solo.hear(heartbeatResponse(3, 1, next)), "read-index-response");
  expect(sent.map(({ to, id }) => [Number(to), id])).toEqual([
    [5, 10],
    [4, 3],
  ]);
  expect(tickets(solo)).toEqual([1, 2]);
});

test("a new leader answers no question before its own first entry is committed (P2)", () => {
  const solo = new Solo({ log: [1] });
  solo.lead();
  solo.hear(question(2, 2, 8));
  const early = roundOf(solo.pass(heartbeatMs));
  const none = [2, 3].flatMap((id) => solo.hear(heartbeatResponse(id, 2, early)));
  expect(all(none, "read-index-response")).toEqual([]);
  const round = roundOf(solo.hear(matched(2, 2, 2)));
  const sent = solo.hear(heartbeatResponse(2, 2, round));
  expect(only(sent, "read-index-response", 2)).toMatchObject({ id: 8, index: 2 });
});

test("who does not lead, or is asked in another term, or by a stranger, says nothing", () => {
  expect(all(follower().hear(question(3, 1, 8)), "read-index-response")).toEqual([]);
  const solo = leader();
  const stranger = roundOf(solo.hear(question(9, 1, 8)));
  const late = roundOf(solo.hear(question(2, 0, 8)));
  expect([stranger, late]).toEqual([0, 0]);
});

test("a follower that becomes leader confirms the reads it has by a round of its own", () => {
  const solo = follower();
  ask(solo, 1);
  solo.effects.abandoned.length = 0;
  solo.pass(electionMsMin);
  // It may have given them back by then: nothing is confirmed without a round.
  expect(tickets(solo)).toEqual([]);
});
