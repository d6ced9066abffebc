/** A server's state and its messages in the one notation: what `status` and the debug log print. */
import { expect, test } from "bun:test";
import { logIndex, nodeId } from "../../../src/base/numbers.ts";
import {
  describeConfiguration,
  describeMessage,
  describeState,
} from "../../../src/raft/describe.ts";
import type { Message } from "../../../src/raft/message.ts";
import { print } from "../../../src/sexp/print.ts";
import {
  append,
  entryId,
  granted,
  heartbeat,
  heartbeatResponse,
  matched,
  mismatched,
  preVoteRequest,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

const text = (solo: Solo): string => describeState(solo.state).map(print).join(" ");

test("a follower", () => {
  const solo = new Solo({ log: [1, 2], term: 3, votedFor: 2 });
  solo.hear(heartbeat(2, 3));
  expect(text(solo)).toBe(
    "(role follower) (term 3) (voted-for 2) (leader 2) (commit 0) (durable 2) " +
      "(log (first 1) (last 2)) (members (voters 1 2 3))",
  );
});

test("a candidate has no leader", () => {
  const solo = new Solo();
  solo.timeOut();
  expect(text(solo)).toBe(
    "(role candidate) (term 1) (voted-for 1) (leader none) (commit 0) (durable 0) " +
      "(log (first 1) (last 0)) (members (voters 1 2 3))",
  );
});

test("a leader shows what it knows of its followers", () => {
  const solo = new Solo({ log: [1, 2] });
  solo.lead();
  solo.hear(matched(2, 3, 3));
  solo.propose();
  expect(text(solo)).toBe(
    "(role leader) (term 3) (voted-for 1) (leader 1) (commit 3) (durable 4) " +
      "(log (first 1) (last 4)) (members (voters 1 2 3)) " +
      "(followers (2 (match 3) (next 5) (mode replicating) (in-flight 1)) " +
      "(3 (match 0) (next 3) (mode probing) (in-flight 1)))",
  );
});

test("a joint configuration with learners shows all its groups", () => {
  const groups = describeConfiguration({
    voters: [1, 2].map(nodeId),
    outgoing: [2, 3].map(nodeId),
    learners: [nodeId(4)],
  });
  expect(groups.map(print).join(" ")).toBe("(voters 1 2) (outgoing 2 3) (learners 4)");
});

const now: Message = { ...heartbeat(2, 3), kind: "timeout-now" };
const messages: readonly (readonly [Message, string])[] = [
  [preVoteRequest(2, 3, entryId(4, 2)), "(pre-vote-request (from 2) (to 1) (term 3) (last 4 2))"],
  [
    voteRequest(2, 3, entryId(4, 2), "transfer"),
    "(vote-request (from 2) (to 1) (term 3) (last 4 2) (reason transfer))",
  ],
  [granted(2, 1, 3), "(vote-response (from 2) (to 1) (term 3) (answer granted))"],
  [
    append(2, 3, { previous: entryId(4, 2), entries: [2, 3], commit: 4 }),
    "(append-request (from 2) (to 1) (term 3) (previous 4 2) (entries 2 3) (commit 4))",
  ],
  [matched(2, 3, 6), "(append-response (from 2) (to 1) (term 3) (matched 6))"],
  [
    mismatched(2, 3, 6, entryId(4, 2)),
    "(append-response (from 2) (to 1) (term 3) (mismatched (previous 6) (hint 4 2)))",
  ],
  [
    heartbeat(2, 3, { commit: 4, round: 9 }),
    "(heartbeat (from 2) (to 1) (term 3) (commit 4) (round 9))",
  ],
  [
    heartbeatResponse(2, 3, 9, 41),
    "(heartbeat-response (from 2) (to 1) (term 3) (round 9) (last 41))",
  ],
  [now, "(timeout-now (from 2) (to 1) (term 3))"],
  [
    { ...now, kind: "read-index-request", id: 8 },
    "(read-index-request (from 2) (to 1) (term 3) (id 8))",
  ],
  [
    { ...now, kind: "read-index-response", id: 8, index: logIndex(42) },
    "(read-index-response (from 2) (to 1) (term 3) (id 8) (index 42))",
  ],
];

for (const [message, expected] of messages) {
  test(`a message: ${message.kind}`, () => expect(print(describeMessage(message))).toBe(expected));
}
