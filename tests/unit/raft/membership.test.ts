/** Changes of membership, one test per sentence of chapter 4 of the dissertation; the stories are in tests/scenarios/members-*. */
import { expect, test } from "bun:test";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import { changeRefusal } from "../../../src/raft/change.ts";
import type { Edit } from "../../../src/raft/edits.ts";
import { edited, jointOf, leftJoint, withPlaces } from "../../../src/raft/edits.ts";
import { isVoter } from "../../../src/raft/membership.ts";
import { defaultTiming } from "../../../src/raft/state.ts";
import { beginTransfer } from "../../../src/raft/transfer.ts";
import type { Configuration, Place } from "../../../src/raft/types.ts";
import {
  all,
  entryId,
  granted,
  heartbeatResponse,
  matched,
  preVoteRequest,
  Solo,
  voteRequest,
} from "../../harness/solo.ts";

const ids = (...numbers: number[]) => numbers.map(nodeId);
const voting = (...numbers: number[]): Configuration => ({
  voters: ids(...numbers),
  outgoing: [],
  learners: [],
});
const place = (id: number, port: number, incarnation = id * 11): Place => ({
  id: nodeId(id),
  address: { host: "127.0.0.1", port },
  incarnation,
});
const add = (id: number, port = 7100 + id): Edit => ({ kind: "add", place: place(id, port) });
const promote = (id: number): Edit => ({ kind: "promote", id: nodeId(id) });
const remove = (id: number): Edit => ({ kind: "remove", id: nodeId(id) });

/** The configuration that wishes lead to, or what came of them. */
function after(from: Configuration, ...edits: Edit[]): Configuration | string {
  const wish = edited(from, edits);
  if (wish.kind === "edited") return wish.target;
  return wish.kind === "fulfilled" ? wish.kind : wish.because;
}

/** Leads term 1 with its first entry committed, and has heard n2 and n3. */
function settled(configuration: Configuration = voting(1, 2, 3)): Solo {
  const solo = new Solo({ configuration });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  solo.hear(matched(3, 1, 1));
  return solo;
}

const change = (solo: Solo, target: Configuration) =>
  solo.input({ kind: "change", target, leaving: [] });

test("several wishes are one change", () => {
  const target = after({ ...voting(1, 2, 3), learners: ids(4) }, promote(4), remove(3), add(5));
  expect(target).toEqual({
    voters: ids(1, 2, 4),
    outgoing: [],
    learners: ids(5),
    places: [place(5, 7105)],
  });
});

test("a wish that is fulfilled changes nothing, and one that makes no sense is refused with its reason", () => {
  const known = { ...voting(1, 2), places: [place(1, 7101), place(2, 7102)] };
  expect(after(known, promote(1), remove(7), add(2))).toBe("fulfilled");
  expect(after(known, promote(7))).toBe("unknown-member");
  expect(after(known, { kind: "move", place: place(7, 7107) })).toBe("unknown-member");
  expect(after(known, add(3, 7101))).toBe("address-taken");
  expect(after(known, remove(1), remove(2))).toBe("last-voter");
  const many = Array.from({ length: 61 }, (_, at) => add(at + 3));
  expect(after(known, ...many)).toBe("too-many-members");
});

test("a number belongs to one folder: another one under it is refused (P16)", () => {
  const known = { ...voting(1, 2), places: [place(1, 7101), place(2, 7102)] };
  const wiped: Edit = { kind: "add", place: place(2, 7102, 999) };
  expect(after(known, wiped)).toBe("other-incarnation");
  expect(after(known, { kind: "move", place: place(2, 7102, 999) })).toBe("other-incarnation");
});

test("an address changes, and nothing else (U15)", () => {
  const known = { ...voting(1, 2), places: [place(1, 7101), place(2, 7102)] };
  expect(after(known, { kind: "move", place: place(2, 7202) })).toEqual({
    ...voting(1, 2),
    places: [place(1, 7101), place(2, 7202)],
  });
});

test("where members are is kept through a joint configuration, and dropped with them", () => {
  const known = { ...voting(1, 2), places: [place(1, 7101), place(2, 7102)] };
  const target = { ...voting(1, 3), places: [place(1, 7101), place(3, 7103)] };
  const joint = jointOf(known, target, []);
  expect(joint.places?.map(({ id }) => Number(id))).toEqual([1, 2, 3]);
  expect(leftJoint(joint)).toEqual(target);
  expect(leftJoint(jointOf(voting(1, 2), voting(1, 3), []))).toEqual(voting(1, 3));
  // Nothing was known by the log yet: then what the leader knows of who goes is in it for as long as it decides.
  expect(jointOf(voting(1, 2), target, [place(2, 7102)])).toEqual(joint);
});

test("what was unknown of members is filled in, and what is known stays", () => {
  const known = { ...voting(1, 2), places: [place(1, 7101)] };
  const filled = withPlaces(known, (id) => place(id, 9000 + id));
  expect(filled.places).toEqual([place(1, 7101), place(2, 9002)]);
  expect(withPlaces(voting(1, 2), () => null)).toEqual(voting(1, 2));
});

test("a change of voters begins with both groups; one of learners or addresses needs no joint configuration", () => {
  const solo = settled();
  change(solo, { ...voting(1, 2, 3), learners: ids(4) });
  expect(solo.state.membership.current).toEqual({ ...voting(1, 2, 3), learners: ids(4) });
  solo.hear(matched(2, 1, 2));
  change(solo, voting(1, 2));
  expect(solo.state.membership.current).toEqual({ ...voting(1, 2), outgoing: ids(1, 2, 3) });
});

test("no change before an entry of the own term is committed (P19), and one at a time", () => {
  const solo = new Solo();
  expect(changeRefusal(solo.state, null)).toBe("not-leader");
  solo.lead();
  expect(changeRefusal(solo.state, null)).toBe("not-settled");
  change(solo, voting(1, 2));
  expect(solo.state.membership.since).toBe(logIndex(0));
  solo.hear(matched(2, 1, 1));
  expect(changeRefusal(solo.state, null)).toBeNull();
  change(solo, voting(1, 2));
  expect(changeRefusal(solo.state, null)).toBe("change-under-way");
  // The joint configuration is committed; the one that leaves it is under way.
  solo.hear(matched(3, 1, 2));
  solo.hear(matched(2, 1, 2));
  expect(solo.state.membership.current).toEqual(voting(1, 2));
  expect(changeRefusal(solo.state, null)).toBe("change-under-way");
  solo.hear(matched(2, 1, 3));
  expect(changeRefusal(solo.state, null)).toBeNull();
});

test("a leader that is handing over begins no change", () => {
  const solo = settled();
  solo.input({ kind: "transfer", target: nodeId(2) });
  expect(changeRefusal(solo.state, null)).toBe("handing-over");
});

test("who is removed gets nothing more, and who is added is sent the log (4.1)", () => {
  const solo = settled();
  const sent = change(solo, { ...voting(1, 2, 3), learners: ids(4) });
  expect(all(sent, "append-request").map(({ to }) => Number(to))).toContain(4);
  solo.hear(matched(2, 1, 2));
  change(solo, voting(1, 2, 3));
  solo.hear(matched(2, 1, 3));
  const later = solo.pass(defaultTiming.heartbeatMs);
  expect(all(later, "heartbeat").map(({ to }) => Number(to))).toEqual([2, 3]);
});

test("leadership goes to nobody who is on the way out (P31)", () => {
  const solo = settled();
  change(solo, voting(1, 2));
  expect(beginTransfer(solo.state, nodeId(3))).toBe("not-a-voter");
  expect(beginTransfer(solo.state, nodeId(2))).toBe("begun");
});

test("the leader that is left out asks its successor to take over before it goes (4.2.2)", () => {
  const solo = settled();
  change(solo, voting(2, 3));
  solo.hear(matched(2, 1, 2));
  solo.hear(matched(3, 1, 2));
  expect(solo.state.role.kind).toBe("leader");
  expect(isVoter(solo.state.membership.current, nodeId(1))).toBe(false);
  solo.hear(matched(3, 1, 3));
  // Its own disk has the entry too; {2 3} has it once.
  expect(solo.state.role.kind).toBe("leader");
  const orders = all(solo.hear(matched(2, 1, 3)), "timeout-now");
  expect(orders.map(({ to }) => Number(to))).toEqual([2]);
  expect(solo.state.role.kind).toBe("follower");
  expect(all(solo.timeOut(), "vote-request")).toEqual([]);
});

test("nobody is told to vote whose last round of catching up was long (4.2.1)", () => {
  const solo = settled();
  change(solo, { ...voting(1, 2, 3), learners: ids(4) });
  solo.hear(matched(2, 1, 2));
  const target = voting(1, 2, 3, 4);
  expect(changeRefusal(solo.state, target)).toBe("not-caught-up");
  const beat = () => {
    for (const { to, round } of all(solo.pass(defaultTiming.heartbeatMs), "heartbeat")) {
      solo.hear(heartbeatResponse(to, 1, round));
    }
  };
  // It takes eleven heartbeats, longer than an election timeout, and meanwhile the log has grown.
  for (let count = 0; count < 11; count++) beat();
  solo.propose();
  solo.hear(matched(4, 1, 2));
  expect(changeRefusal(solo.state, target)).toBe("not-caught-up");
  // The next round is short.
  solo.propose();
  solo.hear(matched(4, 1, 3));
  expect(changeRefusal(solo.state, target)).toBeNull();
  // And it must answer.
  for (let count = 0; count < 12; count++) {
    for (const { to, round } of all(solo.pass(defaultTiming.heartbeatMs), "heartbeat")) {
      if (to !== 4) solo.hear(heartbeatResponse(to, 1, round));
    }
  }
  expect(changeRefusal(solo.state, target)).toBe("not-caught-up");
});

test("a server that is in no configuration, or knows of nobody, answers and never asks (P21)", () => {
  const configuration = { voters: [], outgoing: [], learners: [] };
  const solo = new Solo({ me: 1, configuration });
  expect(solo.timeOut()).toEqual([]);
  const answers = solo.hear(preVoteRequest(2, 5, entryId(3, 4)));
  expect(all(answers, "pre-vote-response")[0]?.answer).toBe("granted");
  const votes = solo.hear(voteRequest(2, 5, entryId(3, 4)));
  expect(all(votes, "vote-response")[0]?.answer).toBe("granted");
  solo.hear(granted(2, 1, 5));
  expect(solo.state.role.kind).toBe("follower");
  expect(solo.state.term).toBe(term(5));
});

test("a round that waited for a server that is none any more is over: nobody else would say so to a leader alone", () => {
  // Seed 793 of a campaign: after the only other voter was removed in the middle of a round, no read was answered again.
  const solo = new Solo({ configuration: voting(1, 2) });
  solo.lead();
  solo.hear(matched(2, 1, 1));
  solo.input({ kind: "read", ticket: 7 });
  change(solo, voting(1));
  expect(solo.effects.confirmed).toEqual([]);
  solo.hear(matched(2, 1, 2));
  expect(solo.state.membership.current.outgoing).toEqual([]);
  expect(solo.effects.confirmed).toEqual([{ ticket: 7, index: logIndex(1) }]);
});
