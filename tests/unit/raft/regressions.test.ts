/** Mistakes that were in the code once. Each test failed before its mistake was mended. */
import { expect, test } from "bun:test";
import { later } from "../../../src/base/numbers.ts";
import { Cluster } from "../../harness/cluster.ts";
import { deliverAll } from "../../harness/converge.ts";
import {
  all,
  entryId,
  heartbeat,
  heartbeatResponse,
  only,
  preVoteRequest,
  refused,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

test("the answer to a heartbeat of an older term confirms no round of the present one", () => {
  // n2 led term 1 and sent its round 7; the packet arrives in term 3, which n2 leads as well, in its round 2.
  // An echo of 7 in term 3 would confirm reads of rounds that n2 has yet to begin.
  const follower = new Solo({ term: 3 });
  const [answer] = all(follower.hear(heartbeat(2, 1, { round: 7 })), "heartbeat-response");
  expect(answer?.term as number).toBe(3);
  expect(answer?.round).toBe(0);
  expect(follower.state.role).toEqual({ kind: "follower", leader: null });

  const leader = new Solo();
  leader.lead();
  expect(() => leader.hear(heartbeatResponse(2, 1, 0))).not.toThrow();
});

test("a steady stream of reads does not keep a lost append from being sent again", () => {
  const cluster = new Cluster({ servers: 3 });
  cluster.wait(1200);
  cluster.lookAtClock(1);
  deliverAll(cluster);
  expect(cluster.leader() as number).toBe(1);
  cluster.propose(1);
  const lost = cluster.pool.filter(
    ({ message }) => message.kind === "append-request" && message.to === 3,
  );
  expect(lost.length).toBe(1);
  for (const packet of lost) cluster.lose(packet);
  // A read every 10 ms begins a round each time, and each round is a heartbeat: the next one is never due.
  for (let ticket = 1; ticket <= 100; ticket++) {
    deliverAll(cluster);
    cluster.wait(10);
    cluster.input(1, { kind: "read", ticket });
  }
  deliverAll(cluster);
  expect(cluster.server(3).live.log.lastIndex).toBe(cluster.server(1).live.log.lastIndex);
});

test("a lost probe is sent again where it was, not from the beginning of the log", () => {
  const leader = new Solo({ log: Array.from({ length: 50 }, () => 1) });
  const [first] = all(leader.lead(), "append-request");
  expect(first?.previous).toEqual(entryId(50, 1));
  const again: number[] = [];
  for (let beat = 0; beat < 5; beat++) {
    // The others are heard from (else the leader steps down), but their answers to the probe are not.
    const sent = leader.pass(60);
    const { round } = only(sent, "heartbeat", 2)!;
    leader.hear(heartbeatResponse(2, 2, round));
    for (const probe of all(sent, "append-request")) again.push(probe.previous.index);
  }
  expect(again.length).toBeGreaterThan(0);
  expect(new Set(again)).toEqual(new Set([50]));
});

test("who was told to take over no longer counts its old leader as alive", () => {
  // Else it refuses, for a whole election timeout, those who found out that this leader is gone.
  const target = new Solo({ term: 1 });
  target.hear(heartbeat(2, 1));
  const now = { kind: "timeout-now", from: heartbeat(2, 1).from, to: heartbeat(2, 1).to } as const;
  target.hear({ ...now, term: target.state.term });
  expect(target.state.role.kind).toBe("candidate");
  const [answer] = all(target.hear(preVoteRequest(3, 3)), "pre-vote-response");
  expect(answer?.answer).toBe("granted");
});

test("a candidate that lost waits for the rest of its timeout, and draws no new one", () => {
  // The losers of a split vote hear of it at the same moment. When each drew a new timeout then, what had set their
  // timers apart was gone, and with timeouts that differ little (150 to 151 ms) no term ever had a leader.
  const solo = new Solo();
  solo.timeOut();
  const due = solo.state.electionAt;
  solo.now = later(solo.now, 100);
  solo.hear(refused(2, 1, 1));
  solo.hear(refused(3, 1, 1));
  expect(solo.state.role.kind).toBe("follower");
  expect(solo.state.electionAt).toBe(due);
});

test("a candidate that hears of a newer term, and gives no vote in it, keeps its deadline", () => {
  const solo = new Solo({ term: 3, log: [1, 2, 3] });
  solo.timeOut();
  const due = solo.state.electionAt;
  solo.now = later(solo.now, 100);
  solo.hear(voteRequest(2, 9, entryId(1, 1)));
  expect(Number(solo.state.term)).toBe(9);
  expect(solo.state.electionAt).toBe(due);
});
