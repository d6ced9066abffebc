/**
 * How configurations may follow each other (I16), by what must be true of them and not by how they are made: any
 * quorum of one meets any quorum of the next.
 */
import type { NodeId } from "../../base/numbers.ts";
import type { Configuration } from "../../raft/types.ts";

/** Why the second cannot follow the first, or null. */
export function configurationLeap(before: Configuration, after: Configuration): string | null {
  const groupsBefore = groupsOf(before);
  const groupsAfter = groupsOf(after);
  // Two majorities of one group share a server; a group that both have is enough for their quorums to meet.
  const shared = groupsBefore.some((one) => groupsAfter.some((other) => same(one, other)));
  if (!shared) return `${text(before)} and ${text(after)} may decide apart`;
  if (groupsBefore.length === 2 && groupsAfter.length === 2 && !same(before.voters, after.voters)) {
    return `${text(after)} begins a change while ${text(before)} is one`;
  }
  return null;
}

const groupsOf = ({ voters, outgoing }: Configuration): readonly (readonly NodeId[])[] =>
  outgoing.length === 0 ? [voters] : [voters, outgoing];

const same = (one: readonly NodeId[], other: readonly NodeId[]): boolean =>
  one.length === other.length && one.every((id, at) => id === other[at]);

const text = ({ voters, outgoing }: Configuration): string =>
  outgoing.length === 0 ? `{${voters.join(" ")}}` : `{${voters.join(" ")} & ${outgoing.join(" ")}}`;
