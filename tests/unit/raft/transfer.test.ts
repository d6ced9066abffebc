/** Handing over (dissertation 3.10; P31). */
import { expect, test } from "bun:test";
import { nodeId, term } from "../../../src/base/numbers.ts";
import type { Message } from "../../../src/raft/message.ts";
import { proposalRefusal } from "../../../src/raft/raft.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import { beginTransfer, bestSuccessor } from "../../../src/raft/transfer.ts";
import {
  all,
  append,
  entryId,
  granted,
  heartbeat,
  heartbeatResponse,
  matched,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

const timeoutNow = (t: number): Message => ({
  kind: "timeout-now",
  from: nodeId(2),
  to: nodeId(1),
  term: term(t),
});

/** Leads term 1; n2 has everything, n3 lacks the second entry. */
function handing(): Solo {
  const solo = new Solo();
  solo.lead();
  solo.propose();
  solo.hear(matched(2, 1, 2));
  solo.hear(matched(3, 1, 1));
  return solo;
}

test("a transfer begins only where it can", () => {
  const solo = handing();
  expect(beginTransfer(solo.state, nodeId(1))).toBe("already-leader");
  expect(beginTransfer(solo.state, nodeId(9))).toBe("not-a-voter");
  expect(beginTransfer(solo.state, nodeId(2))).toBe("begun");
  expect(beginTransfer(solo.state, nodeId(3))).toBe("busy");
  expect(beginTransfer(new Solo().state, nodeId(2))).toBe("not-leader");
});

test("who has everything is told at once, who has not is told when it has", () => {
  const solo = handing();
  const early = solo.input({ kind: "transfer", target: nodeId(3) });
  expect(all(early, "timeout-now")).toEqual([]);
  const orders = all(solo.hear(matched(3, 1, 2)), "timeout-now");
  expect(orders.map(({ to }) => Number(to))).toEqual([3]);
  const other = handing();
  const orders2 = all(other.input({ kind: "transfer", target: nodeId(2) }), "timeout-now");
  expect(orders2.map(({ to }) => Number(to))).toEqual([2]);
});

test("while it hands over, a leader takes no commands; after the deadline it does again", () => {
  const solo = handing();
  solo.input({ kind: "transfer", target: nodeId(2) });
  expect(proposalRefusal(solo.state)).toBe("handing-over");
  const before = solo.terms;
  solo.propose();
  expect(solo.terms).toEqual(before);
  let orders = 0;
  for (let ms = 0; ms < defaultTiming.electionMsMin; ms += defaultTiming.heartbeatMs) {
    expect(proposalRefusal(solo.state)).toBe("handing-over");
    const sent = solo.pass(defaultTiming.heartbeatMs);
    orders += all(sent, "timeout-now").length;
    for (const { to, round } of all(sent, "heartbeat")) solo.hear(heartbeatResponse(to, 1, round));
  }
  expect(proposalRefusal(solo.state)).toBeNull();
  // Once with every heartbeat, for each order may be lost.
  expect(orders).toBe(9);
});

test("the successor campaigns at once, passes a living leader, and does not ask beforehand", () => {
  const successor = new Solo({ term: 1, log: [1], preVote: "with-pre-vote" });
  successor.hear(heartbeat(2, 1));
  const requests = all(successor.hear(timeoutNow(1)), "vote-request");
  expect(requests.map(({ reason }) => reason)).toEqual(["transfer", "transfer"]);
  const voter = new Solo({ term: 1, log: [1] });
  voter.hear(heartbeat(2, 1));
  const request = voteRequest(3, 2, entryId(1, 1), "transfer");
  expect(all(voter.hear(request), "vote-response")[0]?.answer).toBe("granted");
});

test("an order of an older term, or to one that leads already, is nothing", () => {
  const solo = new Solo({ term: 3 });
  expect(solo.hear(timeoutNow(2))).toEqual([]);
  solo.lead();
  expect(solo.hear(timeoutNow(4))).toEqual([]);
  expect(solo.state.role.kind).toBe("leader");
});

test("the best successor is the voter that is furthest along", () => {
  expect(Number(bestSuccessor(handing().state))).toBe(2);
  expect(bestSuccessor(new Solo({ of: 1 }).state)).toBeNull();
});

test("a candidate whose order came from a leader that is gone can lose and try again", () => {
  const solo = new Solo({ term: 1 });
  solo.hear(append(2, 1, { entries: [1] }));
  solo.hear(timeoutNow(1));
  solo.timeOut();
  solo.hear(granted(3, 1, 3));
  expect(solo.state.role.kind).toBe("leader");
});
