/**
 * Majorities. In a joint configuration both groups must agree, each by its own majority (dissertation 4.3).
 * An empty group agrees to everything: it is the other half of a configuration that is not joint.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex, NodeId } from "../base/numbers.ts";
import { logIndex, minIndex } from "../base/numbers.ts";
import type { Configuration } from "./types.ts";

/** How many of `count` decide: 3 of 5, 3 of 4. */
export const majority = (count: number): number => Math.floor(count / 2) + 1;

export type Tally = "won" | "lost" | "pending";

/** Where a vote stands. `voteOf` is null for whoever has not answered. */
export function tally(
  configuration: Configuration,
  voteOf: (id: NodeId) => "yes" | "no" | null,
): Tally {
  const first = tallyGroup(configuration.voters, voteOf);
  const second = tallyGroup(configuration.outgoing, voteOf);
  if (first === "lost" || second === "lost") return "lost";
  return first === "won" && second === "won" ? "won" : "pending";
}

function tallyGroup(group: readonly NodeId[], voteOf: (id: NodeId) => "yes" | "no" | null): Tally {
  if (group.length === 0) return "won";
  let yes = 0;
  let no = 0;
  for (const id of group) {
    const vote = voteOf(id);
    if (vote === "yes") yes += 1;
    else if (vote === "no") no += 1;
  }
  const needed = majority(group.length);
  if (yes >= needed) return "won";
  return group.length - no < needed ? "lost" : "pending";
}

/** No group at all agrees to anything: then every number is reached. */
const unbounded = Number.POSITIVE_INFINITY;

/** The highest number that a quorum has reached: indexes, rounds or moments. */
export function reachedByQuorum(
  configuration: Configuration,
  reached: (id: NodeId) => number,
): number {
  const first = reachedByGroup(configuration.voters, reached);
  const second = reachedByGroup(configuration.outgoing, reached);
  return Math.min(first, second);
}

function reachedByGroup(group: readonly NodeId[], reached: (id: NodeId) => number): number {
  if (group.length === 0) return unbounded;
  const sorted = group.map(reached).sort((a, b) => b - a);
  return sorted[majority(group.length) - 1]!;
}

/** The highest index that a quorum holds (paper Fig. 2, Leaders 4), never above `last`. */
export function heldByQuorum(
  configuration: Configuration,
  matchOf: (id: NodeId) => LogIndex,
  last: LogIndex,
): LogIndex {
  const reached = reachedByQuorum(configuration, matchOf);
  assert(configuration.voters.length > 0, "somebody votes");
  return minIndex(logIndex(Math.min(reached, last)), last);
}
