/** A follower whose disk has lost the end of its log comes back in the same term: it is sent what it lost. */
import { expect, test } from "bun:test";
import type { Message } from "../../../src/raft/message.ts";
import { all, heartbeatResponse, matched, only, Solo } from "../../harness/solo.ts";

/** A leader whose followers hold its three entries, and have answered its newest round. */
function settledLeader(): Solo {
  const leader = new Solo({ log: [1, 1] });
  leader.lead();
  for (const follower of [2, 3]) leader.hear(matched(follower, 2, 3));
  return leader;
}

const roundOf = (sent: readonly Message[], to: number): number =>
  only(sent, "heartbeat", to)?.round ?? -1;

test("a follower that has less than it had acknowledged is sent the rest again", () => {
  const leader = settledLeader();
  const round = roundOf(leader.pass(60), 2);
  const [append] = all(leader.hear(heartbeatResponse(2, 2, round, 1)), "append-request");
  expect(append).toMatchObject({ to: 2, previous: { index: 1, term: 1 } });
  expect(append?.entries.map(({ index }) => Number(index))).toEqual([2, 3]);
  expect(leader.effects.notes.join()).toContain("sends n2 again what it has lost");
});

test("what was committed with its help stays committed", () => {
  const leader = settledLeader();
  const { commit } = leader.state;
  expect(Number(commit)).toBe(3);
  const round = roundOf(leader.pass(60), 2);
  leader.hear(heartbeatResponse(2, 2, round, 0));
  expect(leader.state.commit).toBe(commit);
});

test("until it has acknowledged them again, it counts for nothing new", () => {
  const leader = settledLeader();
  const round = roundOf(leader.pass(60), 2);
  leader.hear(heartbeatResponse(2, 2, round, 1));
  leader.hear(heartbeatResponse(3, 2, round, 0));
  leader.propose();
  expect(Number(leader.state.commit)).toBe(3);
  leader.hear(matched(2, 2, 4));
  expect(Number(leader.state.commit)).toBe(4);
});

test("an answer that was under way when the follower acknowledged more is no loss", () => {
  const leader = settledLeader();
  const round = roundOf(leader.pass(60), 2);
  // The follower answered the round with three entries, and then acknowledged a fourth.
  leader.propose();
  leader.hear(matched(2, 2, 4));
  expect(leader.hear(heartbeatResponse(2, 2, round, 3))).toEqual([]);
  expect(leader.effects.notes.join()).not.toContain("lost");
});

test("an answer to an older round is no loss either", () => {
  const leader = settledLeader();
  const older = roundOf(leader.pass(60), 2);
  leader.propose();
  leader.hear(matched(2, 2, 4));
  leader.pass(60);
  leader.hear(heartbeatResponse(2, 2, older, 3));
  expect(leader.effects.notes.join()).not.toContain("lost");
});
