/** Majorities, as tables: our own few, and etcd's many where they are at hand (../shared/oracles/quorum). */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { logIndex, nodeId } from "../../../src/base/numbers.ts";
import { heldByQuorum, majority, reachedByQuorum, tally } from "../../../src/raft/quorum.ts";
import type { Configuration } from "../../../src/raft/types.ts";

const configuration = (voters: readonly number[], outgoing: readonly number[] = []) =>
  ({
    voters: voters.map(nodeId),
    outgoing: outgoing.map(nodeId),
    learners: [],
  }) satisfies Configuration;

for (const [servers, needed] of [
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [6, 4],
  [7, 4],
] as const) {
  test(`${needed} of ${servers} servers are a majority, and any two majorities share a server`, () => {
    expect(majority(servers)).toBe(needed);
    expect(2 * majority(servers)).toBeGreaterThan(servers);
  });
}

/** What servers 1, 2, … have reached, and what a quorum of all of them has. */
for (const [reached, quorum] of [
  [[5], 5],
  [[5, 7], 5],
  [[5, 7, 9], 7],
  [[9, 7, 5], 7],
  [[0, 0, 9], 0],
  [[4, 4, 9, 9], 4],
  [[1, 2, 3, 4, 5], 3],
  // Numbers, not texts: 10 is above 9 (the default order of Array.sort says otherwise).
  [[9, 10, 10], 10],
  [[9, 100, 10], 10],
  [[2, 10, 9, 100, 11], 10],
] as const) {
  test(`of servers that have reached ${reached}, a quorum has reached ${quorum}`, () => {
    const all = configuration(reached.map((_, at) => at + 1));
    expect(reachedByQuorum(all, (id) => reached[id - 1] ?? 0)).toBe(quorum);
  });
}

test("in a joint configuration both groups must have reached it, each by its own majority", () => {
  const joint = configuration([1, 2, 3], [3, 4, 5]);
  const reached = [9, 9, 0, 1, 1];
  expect(reachedByQuorum(joint, (id) => reached[id - 1] ?? 0)).toBe(1);
  const votes = new Map([1, 2].map((id) => [nodeId(id), "yes" as const]));
  expect(tally(joint, (id) => votes.get(id) ?? null)).toBe("pending");
  votes.set(nodeId(4), "yes");
  votes.set(nodeId(5), "yes");
  expect(tally(joint, (id) => votes.get(id) ?? null)).toBe("won");
});

test("who does not vote in the configuration is not counted, whatever it says", () => {
  const three = configuration([1, 2, 3]);
  expect(tally(three, (id) => (id > 3 ? "yes" : null))).toBe("pending");
  const votes = new Map([1, 7, 8, 9].map((id) => [nodeId(id), "yes" as const]));
  expect(tally(three, (id) => votes.get(id) ?? null)).toBe("pending");
});

test("what a quorum holds never exceeds the leader's own log", () => {
  const held = heldByQuorum(configuration([1, 2, 3]), () => logIndex(9), logIndex(4));
  expect(Number(held)).toBe(4);
});

// etcd's tables: `committed cfg=(1,2) cfgj=(3) idx=(12,_)`, a drawing, and the result on the last line.

const folder = `${import.meta.dir}/../../../../shared/oracles/quorum`;

type Case = { readonly title: string; readonly command: string; readonly result: string };

function cases(file: string): Case[] {
  const found: Case[] = [];
  const lines = readFileSync(`${folder}/${file}`, "utf8").split("\n");
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== "----") continue;
    const command = lines[at - 1] ?? "";
    let end = at + 1;
    while (end < lines.length && lines[end] !== "") end += 1;
    const title = `${file}:${at} ${command}`;
    found.push({ title, command, result: (lines[end - 1] ?? "").trim() });
  }
  return found;
}

function list(command: string, name: string): string[] {
  const match = new RegExp(`\\b${name}=\\(([^)]*)\\)`).exec(command);
  return match === null ? [] : (match[1] ?? "").split(",").map((word) => word.trim());
}

/** The values belong to the members of both groups in order of mention, each named once. */
function play(command: string): string {
  const voters = list(command, "cfg").map(Number);
  const outgoing = list(command, "cfgj").map(Number);
  const group = configuration(voters, outgoing);
  const ids = [...new Set([...voters, ...outgoing])];
  if (command.startsWith("committed")) {
    const values = new Map(list(command, "idx").map((word, at) => [ids[at], word]));
    const reached = reachedByQuorum(group, (id) => {
      const word = values.get(id) ?? "_";
      return word === "_" ? 0 : Number(word);
    });
    return reached === Number.POSITIVE_INFINITY ? "∞" : String(reached);
  }
  const votes = new Map(list(command, "votes").map((word, at) => [ids[at], word]));
  const result = tally(group, (id) => {
    const word = votes.get(id) ?? "_";
    return word === "_" ? null : word === "y" ? "yes" : "no";
  });
  return { won: "VoteWon", lost: "VoteLost", pending: "VotePending" }[result];
}

if (!existsSync(folder)) {
  test.skip("etcd's quorum tables: skipped, ../shared/oracles/quorum is not here", () => {});
} else {
  for (const file of readdirSync(folder).sort()) {
    const all = cases(file);
    test(`etcd's table ${file} has something in it`, () => expect(all.length).toBeGreaterThan(9));
    for (const { title, command, result } of all) {
      test(title, () => expect(play(command)).toBe(result.includes("∞") ? "∞" : result));
    }
  }
}
