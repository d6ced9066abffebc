/** Seeded bugs in changes of membership. */
import type { Mutant } from "./mutant.ts";

export const raftMembershipMutants: readonly Mutant[] = [
  {
    name: "round-waits-for-who-was-removed",
    why: "After the last other voter was removed in the middle of a round, no read is answered (liveness).",
    file: "raft/roles.ts",
    before: "  onRoundAnswered(state, role);\n",
    after: "",
  },
  {
    name: "configuration-counts-when-committed",
    why: "Quorums are those of the older configuration until the newer is committed (I16, I6).",
    file: "raft/replication.ts",
    before: `  const index = heldByQuorum(
    state.membership.current,`,
    after: `  const { membership } = state;
  const index = heldByQuorum(
    membership.since > state.commit ? (membership.previous ?? membership.current) : membership.current,`,
  },
  {
    name: "votes-by-the-older-configuration",
    why: "An election is won in the configuration that a change has left (I1, I16).",
    file: "raft/election.ts",
    before: `function countVotes(state: State): void {
  if (state.role.kind !== "candidate") return;
  const { votes } = state.role;
  const result = tally(state.membership.current,`,
    after: `function countVotes(state: State): void {
  if (state.role.kind !== "candidate") return;
  const { votes } = state.role;
  const result = tally(state.membership.previous ?? state.membership.current,`,
  },
  {
    name: "change-before-an-own-commit",
    why: "A change begins while what the predecessor left behind is not known (I16, P19).",
    file: "raft/change.ts",
    before: `  if (state.commit < role.opening) return "not-settled";
`,
    after: "",
  },
  {
    name: "second-change-in-flight",
    why: "A change begins while another is not committed (I16).",
    file: "raft/change.ts",
    before: "if (membership.since > state.commit || isJoint(membership.current))",
    after: "if (isJoint(membership.current))",
  },
  {
    name: "change-in-one-leap",
    why: "Voters are exchanged without a joint configuration: two majorities that do not meet (I16, I1).",
    file: "raft/change.ts",
    before: "haveSameVoters(current, target) ? target : jointOf(current, target, leaving)",
    after: "target",
  },
  {
    name: "joint-left-too-early",
    why: "The new voters decide alone before the old ones have agreed (I16).",
    file: "raft/change.ts",
    before: `if (membership.since > commit || commit < role.opening) return "in-office";`,
    after: `if (commit < role.opening) return "in-office";`,
  },
  {
    name: "joint-never-left",
    why: "A change never ends, and no other can begin (L3).",
    file: "raft/change.ts",
    before: `  if (isJoint(current)) {
    appendConfiguration(state, role, leftJoint(current));
    return "in-office";
  }
`,
    after: `  if (isJoint(current)) return "in-office";
`,
  },
  {
    name: "learners-counted",
    why: "A learner's copy counts for a majority (I6).",
    file: "raft/quorum.ts",
    before: "const first = reachedByGroup(configuration.voters, reached);",
    after: `const first = reachedByGroup([...configuration.voters, ...configuration.learners], reached);`,
  },
  {
    name: "learners-vote-counted",
    why: "A learner's vote counts (I1).",
    file: "raft/quorum.ts",
    before: "const first = tallyGroup(configuration.voters, voteOf);",
    after:
      "const first = tallyGroup([...configuration.voters, ...configuration.learners], voteOf);",
  },
  {
    name: "removed-leader-counts-itself",
    why: "A leader that is left out counts its own disk (I6, P20).",
    file: "raft/replication.ts",
    before: `  const index = heldByQuorum(
    state.membership.current,`,
    after: `  const { current } = state.membership;
  const index = heldByQuorum(
    { ...current, voters: [...new Set([...current.voters, state.settings.me])] },`,
  },
  {
    name: "removed-leader-stays",
    why: "A leader that is left out goes on leading.",
    file: "raft/change.ts",
    before: `  leaveOffice(state);
  return "left-office";`,
    after: `  return "in-office";`,
  },
  {
    name: "removed-leader-goes-without-a-word",
    why: "When the leader is removed everybody waits for an election timeout.",
    file: "raft/change.ts",
    before: `    send(state, { kind: "timeout-now", from: me, to: successor, term: state.term });
`,
    after: "",
  },
  {
    name: "removed-server-never-campaigns",
    why: "The only one that holds the newest entry does not ask for votes, and nobody else gets them (P20).",
    file: "raft/election.ts",
    before: `return isVoter(previous, settings.me) ? "eligible" : "onlooker";`,
    after: `return "onlooker";`,
  },
  {
    name: "configuration-survives-its-entry",
    why: "A configuration that was taken back stays in force (I16, P17).",
    file: "raft/replication.ts",
    before: `  state.membership.truncated(from);
`,
    after: "",
  },
  {
    name: "who-was-removed-is-sent-everything",
    why: "The leader goes on replicating to who is no member any more.",
    file: "raft/roles.ts",
    before: `  for (const id of role.followers.keys()) if (!everybody.includes(id)) role.followers.delete(id);
`,
    after: "",
  },
  {
    name: "learner-promoted-at-once",
    why: "A voter that has nothing yet holds up every commit (4.2.1).",
    file: "raft/change.ts",
    before: `    if (progress?.catchUp && !isCaughtUp(state, progress)) return "not-caught-up";
`,
    after: "",
  },
  {
    name: "change-that-cannot-be-completed",
    why: "A change begins although too few of the voters to be answer: nothing is committed any more.",
    file: "raft/change.ts",
    before: `return isWithinReach(state, role, target) ? null : "would-lose-quorum";`,
    after: "return null;",
  },
  {
    name: "wiped-folder-added-under-its-old-number",
    why: "A server that has forgotten its votes is taken for the one it was (P16).",
    file: "raft/edits.ts",
    before: `    return known === undefined || differs(known.incarnation, place.incarnation)
      ? "other-incarnation"
      : "unchanged";`,
    after: `    return "unchanged";`,
  },
  {
    name: "leaving-without-a-place",
    why: "A new server waits to meet one that goes, and does not know where it is.",
    file: "replica/administration.ts",
    before: "leaving: current.places ?? []",
    after: "leaving: []",
  },
  {
    name: "places-of-the-removed-stay",
    why: "A configuration names places of servers that it does not have.",
    file: "raft/edits.ts",
    before:
      "const places = joint.places?.filter(({ id }) => isVoter(left, id) || learners.includes(id)) ?? [];",
    after: "const places = joint.places ?? [];",
  },
];
