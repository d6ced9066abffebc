/** The log in memory and the configurations in it, as tables. */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { beginning, entryCost, entryOverheadBytes, isBehind, Log } from "../../../src/raft/log.ts";
import { configurationProblem, Membership, members } from "../../../src/raft/membership.ts";
import type { Configuration, Entry } from "../../../src/raft/types.ts";
import { oldEntry } from "../../harness/cluster.ts";
import { append, entryId, Solo } from "../../harness/solo.ts";

const logOf = (...terms: readonly number[]): Log =>
  new Log(
    beginning,
    terms.map((t, at) => oldEntry(at + 1, t)),
  );

/** A log that begins after a snapshot which ends at (10, term 3). */
const shortened = (...terms: readonly number[]): Log =>
  new Log(
    entryId(10, 3),
    terms.map((t, at) => oldEntry(at + 11, t)),
  );

for (const [mine, other, behind] of [
  [[0, 0], [0, 0], false],
  [[0, 0], [1, 1], true],
  [[3, 2], [3, 2], false],
  [[3, 2], [4, 2], true],
  [[4, 2], [3, 2], false],
  [[9, 2], [1, 3], true],
  [[1, 3], [9, 2], false],
  // Numbers are compared as numbers: term 10 is later than term 9.
  [[1, 9], [1, 10], true],
  [[9, 1], [10, 1], true],
] as const) {
  const verb = behind ? "is" : "is not";
  test(`a log that ends at ${mine} (index, term) ${verb} behind one that ends at ${other}`, () => {
    expect(isBehind(entryId(mine[0], mine[1]), entryId(other[0], other[1]))).toBe(behind);
  });
}

test("an empty log ends where it began", () => {
  expect(logOf().last).toEqual(beginning);
  expect(shortened().last).toEqual(entryId(10, 3));
});

test("the term of an index is known for what the log holds, and for the entry before its first", () => {
  const log = shortened(3, 5);
  const terms = [9, 10, 11, 12, 13].map((index) => log.termAt(logIndex(index)));
  expect(terms).toEqual([null, term(3), term(3), term(5), null]);
  expect(logOf(1).termAt(logIndex(0))).toBe(term(0));
});

/** log, (index, term) asked about, the last entry that may agree (§5.3, end). */
for (const [terms, asked, hint] of [
  [[], [5, 5], [0, 0]],
  [
    [1, 1],
    [5, 5],
    [2, 1],
  ],
  [
    [1, 1, 4, 4],
    [4, 3],
    [2, 1],
  ],
  [
    [1, 1, 4, 4],
    [3, 4],
    [3, 4],
  ],
  [
    [4, 4, 4],
    [3, 2],
    [0, 0],
  ],
  [
    [1, 2, 3, 4, 5],
    [5, 3],
    [3, 3],
  ],
  [
    [1, 2, 3, 4, 5],
    [2, 9],
    [2, 2],
  ],
] as const) {
  test(`in [${terms}], the last entry not above (${asked}) is (${hint})`, () => {
    const found = logOf(...terms).lastNotAbove(logIndex(asked[0]), term(asked[1]));
    expect(found).toEqual(entryId(hint[0], hint[1]));
  });
}

test("what may agree does not go back beyond a snapshot", () => {
  expect(shortened(5, 5).lastNotAbove(logIndex(12), term(4))).toEqual(entryId(10, 3));
  expect(shortened(5, 5).lastNotAbove(logIndex(10), term(3))).toEqual(entryId(10, 3));
  // What it was before is not known any more, nor is what an older term may share.
  expect(shortened(5, 5).lastNotAbove(logIndex(9), term(4))).toBe(null);
  expect(shortened(5, 5).lastNotAbove(logIndex(12), term(2))).toBe(null);
});

test("what is forgotten is gone, and the rest stays where it is", () => {
  const log = logOf(1, 1, 2, 2, 4);
  log.compact(logIndex(3));
  expect(log.base).toEqual(entryId(3, 2));
  expect([log.termAt(logIndex(2)), log.termAt(logIndex(3)), log.termAt(logIndex(4))]).toEqual([
    null,
    term(2),
    term(2),
  ]);
  expect(Number(log.lastIndex)).toBe(5);
  log.compact(logIndex(2));
  expect(Number(log.firstIndex)).toBe(4);
  log.compact(logIndex(5));
  expect([log.lastIndex, log.lastTerm]).toEqual([logIndex(5), term(4)]);
  expect(log.takeUnrecorded()).toEqual([]);
});

test("what the journal was not given is not forgotten", () => {
  const log = logOf(1, 1);
  log.append(oldEntry(3, 1));
  expect(() => log.compact(logIndex(3))).toThrow("the journal was given");
});

test("a log that begins anew behind a snapshot takes what follows it", () => {
  const log = logOf(1, 1, 1, 1);
  log.restart(entryId(3, 2), millis(70));
  expect([log.last, log.lastTime]).toEqual([entryId(3, 2), millis(70)]);
  log.append(oldEntry(4, 2));
  expect(log.takeUnrecorded().map(({ index }) => Number(index))).toEqual([4]);
  expect(log.truncations).toBe(1);
  expect(() => log.restart(entryId(4, 2), millis(0))).toThrow("is kept");
});

test("entries follow each other, and their terms do not fall", () => {
  expect(() => logOf(1).append(oldEntry(3, 1))).toThrow("an entry follows the last one");
  expect(() => logOf(1).append(oldEntry(1, 1))).toThrow("an entry follows the last one");
  expect(() => logOf(2).append(oldEntry(2, 1))).toThrow("terms never decrease along a log");
});

test("what is committed is never taken back (P7)", () => {
  expect(() => logOf(1, 1, 1).truncate(logIndex(2), logIndex(2))).toThrow("never taken back");
  const log = logOf(1, 1, 1);
  log.truncate(logIndex(3), logIndex(2));
  expect(Number(log.lastIndex)).toBe(2);
});

const sized = (index: number, bytes: number): Entry => ({
  ...entryId(index, 1),
  time: millis(0),
  kind: "command",
  body: new Uint8Array(bytes),
});

/** Sizes of the commands, the limit beyond their overheads, and how many entries fit. */
for (const [sizes, limit, count] of [
  [[10, 10, 10], 3 * (entryOverheadBytes + 10), 3],
  [[10, 10, 10], 3 * (entryOverheadBytes + 10) - 1, 2],
  [[10, 10, 10], 1, 1],
  [[5000, 10], 100, 1],
  [[10, 5000, 10], 200, 1],
  [[], 100, 0],
] as const) {
  test(`of commands of ${sizes} bytes, ${count} fit ${limit} (one at least)`, () => {
    const entries = sizes.map((bytes, at) => sized(at + 1, bytes));
    const slice = new Log(beginning, entries).slice(logIndex(1), limit);
    expect(slice).toEqual(entries.slice(0, count));
    const cost = slice.reduce((sum, entry) => sum + entryCost(entry), 0);
    if (count > 1) expect(cost).toBeLessThanOrEqual(limit);
  });
}

test("a slice begins where it is asked to, and not before the log does", () => {
  expect(shortened(3, 4, 5).slice(logIndex(12), 1000)).toEqual([oldEntry(12, 4), oldEntry(13, 5)]);
  expect(() => shortened(3).slice(logIndex(10), 1000)).toThrow("not here any more");
});

test("what the journal lacks is handed over once; after a truncation, from there on", () => {
  const log = logOf(1, 1);
  const taken = () => log.takeUnrecorded().map(({ index, term: t }) => [Number(index), Number(t)]);
  expect(taken()).toEqual([]);
  log.append(oldEntry(3, 1));
  log.append(oldEntry(4, 1));
  expect(taken()).toEqual([
    [3, 1],
    [4, 1],
  ]);
  expect(taken()).toEqual([]);
  log.truncate(logIndex(2), logIndex(1));
  log.append(oldEntry(2, 2));
  expect(taken()).toEqual([[2, 2]]);
});

// Configurations in the log.

const group = (voters: readonly number[], rest: Partial<Configuration> = {}): Configuration => ({
  voters: voters.map(nodeId),
  outgoing: [],
  learners: [],
  ...rest,
});

const change = (index: number, body: Configuration): Entry => ({
  ...entryId(index, 1),
  time: millis(0),
  kind: "configuration",
  body,
});

test("a configuration is in force from the moment it is appended (P17)", () => {
  const membership = new Membership({ index: logIndex(0), configuration: group([1]) }, []);
  membership.appended(change(1, group([1, 2])));
  membership.appended(oldEntry(2, 1));
  membership.appended(change(3, group([1, 2, 3])));
  expect(membership.current).toEqual(group([1, 2, 3]));
  expect(Number(membership.since)).toBe(3);
});

for (const [from, voters, since] of [
  [4, [1, 2, 3], 3],
  [3, [1, 2], 1],
  [2, [1, 2], 1],
  [1, [1], 0],
] as const) {
  test(`taking the log back from ${from} on leaves ${voters} in force`, () => {
    const log = [change(1, group([1, 2])), oldEntry(2, 1), change(3, group([1, 2, 3]))];
    const membership = new Membership({ index: logIndex(0), configuration: group([1]) }, log);
    membership.truncated(logIndex(from));
    expect(membership.current).toEqual(group(voters));
    expect(Number(membership.since)).toBe(since);
  });
}

test("a server goes back to the configuration before when its leader takes the newer one back (P17)", () => {
  const solo = new Solo({ log: [1], term: 1 });
  const request = append(2, 1, { previous: entryId(1, 1) });
  const wider = change(2, group([1, 2, 3, 4]));
  solo.hear({ ...request, entries: [wider] } as typeof request);
  expect(solo.state.membership.current).toEqual(group([1, 2, 3, 4]));
  solo.hear(append(3, 2, { previous: entryId(1, 1), entries: [2] }));
  expect(solo.state.membership.current).toEqual(group([1, 2, 3]));
});

for (const [configuration, problem] of [
  [group([1, 2, 3]), null],
  [group([1], { outgoing: [nodeId(1), nodeId(2)] }), null],
  [group([]), "a configuration has a voter"],
  [group([2, 1]), "members are sorted and named once"],
  [group([1, 1]), "members are sorted and named once"],
  [group([1, 2], { learners: [nodeId(2)] }), "a learner is not a voter"],
] as const) {
  test(`${JSON.stringify(configuration)}: ${problem ?? "sound"}`, () => {
    expect(configurationProblem(configuration)).toBe(problem);
  });
}

test("everybody who gets the log is named once, in order", () => {
  const all = group([3, 5], { outgoing: [nodeId(1), nodeId(3)], learners: [nodeId(4)] });
  expect(members(all).map(Number)).toEqual([1, 3, 4, 5]);
});

test("a command costs its bytes and its overhead", () => {
  expect(entryCost({ ...sized(1, 0), kind: "command", body: utf8("abc") })).toBe(
    entryOverheadBytes + 3,
  );
});
