/** Pieces of snapshots, as far as Raft is concerned (paper Fig. 13; dissertation 5.3). */
import { expect, test } from "bun:test";
import { nodeId, term } from "../../../src/base/numbers.ts";
import type { SnapshotRequest } from "../../../src/raft/message.ts";
import { knownLeader } from "../../../src/raft/state.ts";
import { entryId, Solo } from "../../harness/solo.ts";

const piece = (from: number, t: number, last: number): SnapshotRequest => ({
  ...{ kind: "snapshot-request", from: nodeId(from), to: nodeId(1), term: term(t) },
  snapshot: { last: entryId(last, 1), bytes: 10, checksum: 7 },
  ...{ offset: 0, piece: new Uint8Array(10) },
});

test("Fig. 13, receiver 1: a piece of an older term is refused with the own one, and makes nobody a leader", () => {
  const follower = new Solo({ term: 3 });
  expect(follower.hear(piece(2, 2, 5))).toMatchObject([
    { kind: "snapshot-response", to: 2, term: 3, received: 0 },
  ]);
  expect(follower.effects.snapshots).toEqual([]);
  expect(knownLeader(follower.state)).toBeNull();
});

test("a piece is a word of the leader: its sender is one, and nobody campaigns meanwhile", () => {
  const follower = new Solo({ term: 3 });
  follower.pass(550);
  follower.hear(piece(2, 3, 5));
  expect(Number(knownLeader(follower.state))).toBe(2);
  expect(follower.effects.snapshots.map(({ from }) => Number(from))).toEqual([2]);
  expect(follower.pass(550)).toEqual([]);
});

test("a leader takes no answer about a snapshot of another term for one of its own", () => {
  const leader = new Solo({ term: 2 });
  leader.lead();
  const { snapshot } = piece(2, 1, 5);
  const answer = { kind: "snapshot-response", snapshot, received: 10 } as const;
  leader.hear({ ...answer, from: nodeId(2), to: nodeId(1), term: term(2) });
  expect(leader.effects.snapshots).toEqual([]);
  leader.hear({ ...answer, from: nodeId(2), to: nodeId(1), term: leader.state.term });
  expect(leader.effects.snapshots).toHaveLength(1);
});
