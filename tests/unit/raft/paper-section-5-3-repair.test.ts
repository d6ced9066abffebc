/** The Raft paper, section 5.3, the second half: the consistency check, and logs that differ. */
import { expect, test } from "bun:test";
import { logIndex } from "../../../src/base/numbers.ts";
import { Cluster } from "../../harness/cluster.ts";
import { converge, deliverAll } from "../../harness/converge.ts";
import {
  all,
  append,
  entryId,
  heartbeat,
  matched,
  mismatched,
  only,
  Solo,
} from "../../harness/solo.ts";

/** A leader of term 1 (the first after `log`) whose no-op all the others have. */
function settledLeader(options: { of?: number; log?: readonly number[] } = {}): Solo {
  const solo = new Solo(options);
  solo.lead();
  for (const id of solo.state.membership.current.voters) {
    if (id !== 1) solo.hear(matched(id, solo.state.term, solo.state.log.lastIndex));
  }
  return solo;
}

/** The follower's log [1 2]: `previous` of an append, and whether it fits (Fig. 2, AppendEntries 2). */
const checks = [
  { index: 0, t: 0, fits: true },
  { index: 1, t: 1, fits: true },
  { index: 2, t: 2, fits: true },
  { index: 1, t: 2, fits: false },
  { index: 2, t: 1, fits: false },
  { index: 3, t: 3, fits: false },
];

for (const { index, t, fits } of checks) {
  const verb = fits ? "takes" : "refuses";
  test(`5.3: a follower with terms [1 2] ${verb} what follows index ${index} of term ${t}`, () => {
    const solo = new Solo({ log: [1, 2], term: 3 });
    const previous = entryId(index, t);
    const [response] = all(solo.hear(append(2, 3, { previous, entries: [3] })), "append-response");
    expect(response?.answer.kind).toBe(fits ? "matched" : "mismatched");
    expect(solo.terms).toEqual(fits ? [...[1, 2].slice(0, index), 3] : [1, 2]);
  });
}

test("5.3: a success tells the leader that the logs agree up to the new entries, and no further", () => {
  const solo = new Solo({ log: [1, 1, 1, 1], term: 1 });
  const request = append(2, 1, { previous: entryId(1, 1), entries: [1] });
  const [response] = all(solo.hear(request), "append-response");
  expect(response?.answer).toEqual({ kind: "matched", index: logIndex(2) });
});

/** log, previous, entries of the append; the log then (etcd's append table, and P7). */
const overwrites = [
  { log: [1, 2], previous: [2, 2], entries: [3], outcome: [1, 2, 3] },
  { log: [1, 2], previous: [1, 1], entries: [3, 4], outcome: [1, 3, 4] },
  { log: [], previous: [0, 0], entries: [1], outcome: [1] },
  { log: [1], previous: [0, 0], entries: [3], outcome: [3] },
  { log: [1, 1, 1], previous: [0, 0], entries: [1], outcome: [1, 1, 1] },
  { log: [1, 1, 1], previous: [1, 1], entries: [], outcome: [1, 1, 1] },
  { log: [1, 2, 2, 2], previous: [1, 1], entries: [2, 3], outcome: [1, 2, 3] },
  { log: [1, 2, 2, 2], previous: [1, 1], entries: [2, 2], outcome: [1, 2, 2, 2] },
] as const;

for (const { log, previous, entries, outcome } of overwrites) {
  const title = `[${log}] with [${entries}] after ${previous[0]} is [${outcome}]`;
  test(`5.3: entries that conflict give way, with all after them, and no others: ${title}`, () => {
    const solo = new Solo({ log, term: 4 });
    const request = append(2, 4, { previous: entryId(previous[0], previous[1]), entries });
    const [response] = all(solo.hear(request), "append-response");
    expect(response?.answer.kind).toBe("matched");
    expect(solo.terms).toEqual([...outcome]);
  });
}

test("5.3: a new leader begins with each follower right after its own last entry", () => {
  const solo = new Solo({ log: [1, 1, 2], of: 3 });
  const probes = all(solo.lead(), "append-request");
  expect(probes.map(({ previous }) => previous)).toEqual([entryId(3, 2), entryId(3, 2)]);
});

test("5.3: after a refusal it goes back and asks again, until the logs agree", () => {
  const solo = new Solo({ log: [1, 1, 2, 3, 3] });
  solo.lead();
  const asked: number[] = [];
  // A follower that has the first entry only, and gives the poorest hint there is: one step back each time.
  let next = 5;
  while (next > 1) {
    const hint = entryId(next - 1, 3);
    const request = only(solo.hear(mismatched(2, 4, next, hint)), "append-request", 2);
    next = Number(request?.previous.index);
    asked.push(next);
  }
  expect(asked).toEqual([4, 3, 2, 1]);
  const request = solo.hear(matched(2, 4, 6));
  expect(Number(solo.state.commit)).toBe(6);
  expect(all(request, "append-request")).toEqual([]);
});

test("5.3: the hint of a refusal skips a term's worth of entries at a time", () => {
  const solo = new Solo({ log: [1, 1, 2, 2, 2, 3, 3], term: 9 });
  const refusal = (index: number, t: number) => {
    const sent = solo.hear(append(2, 9, { previous: entryId(index, t) }));
    const { answer } = all(sent, "append-response")[0]!;
    return answer.kind === "mismatched" ? answer.hint : null;
  };
  expect(refusal(20, 8)).toEqual(entryId(7, 3));
  expect(refusal(6, 2)).toEqual(entryId(5, 2));
  expect(refusal(5, 1)).toEqual(entryId(2, 1));
});

test("5.3: a refusal that was overtaken does not take the leader back (P9)", () => {
  const solo = settledLeader({ log: [1, 1, 1] });
  const before = solo.state.role;
  solo.hear(mismatched(2, 2, 3, entryId(1, 1)));
  solo.hear(mismatched(2, 2, 1));
  const progress =
    before.kind === "leader" ? before.followers.get(heartbeat(2, 1).from) : undefined;
  expect([Number(progress?.match), Number(progress?.next), progress?.mode]).toEqual([
    4,
    5,
    "replicating",
  ]);
});

test("5.3: an acknowledgement that was overtaken takes nothing back (P9)", () => {
  const solo = settledLeader();
  solo.propose();
  solo.hear(matched(2, 1, 2));
  solo.hear(matched(2, 1, 1));
  const { role } = solo.state;
  const progress = role.kind === "leader" ? role.followers.get(heartbeat(2, 1).from) : undefined;
  expect([Number(progress?.match), Number(progress?.next)]).toEqual([2, 3]);
});

test("5.3: acknowledgements of an older term count for nothing (P9)", () => {
  const solo = new Solo({ log: [1], term: 4, of: 3 });
  solo.lead();
  solo.hear(matched(2, 4, 2));
  solo.hear(matched(3, 4, 2));
  expect(Number(solo.state.commit)).toBe(0);
  solo.hear(matched(2, 5, 2));
  expect(Number(solo.state.commit)).toBe(2);
});

test("5.3: a follower's log comes to equal the leader's, whatever it was before (Fig. 7)", () => {
  const logs: readonly (readonly number[])[] = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  for (const log of logs) {
    // n3, with a log that never was, makes the majority; so n1 leads whatever n2 thinks of it.
    const cluster = new Cluster({
      servers: [
        { id: 1, term: 7, log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6] },
        { id: 2, term: 7, log },
        { id: 3, term: 7 },
      ],
      preVote: "without-pre-vote",
    });
    cluster.wait(1200);
    cluster.lookAtClock(1);
    deliverAll(cluster);
    expect(Number(cluster.leader())).toBe(1);
    const { log: mine } = cluster.server(1).live;
    const { log: theirs } = cluster.server(2).live;
    expect(theirs.lastIndex).toBe(mine.lastIndex);
    for (let at = 1; at <= mine.lastIndex; at++) {
      expect(theirs.at(logIndex(at))).toEqual(mine.at(logIndex(at)));
    }
    converge(cluster);
  }
});

test("5.3: a leader never takes back or overwrites what is in its own log", () => {
  const solo = settledLeader({ log: [1, 1] });
  const before = solo.terms;
  solo.hear(append(2, 1, { entries: [1] }));
  solo.hear(mismatched(2, 2, 9));
  expect(solo.terms).toEqual(before);
});
