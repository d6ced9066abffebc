/** Seeded bugs of src/raft: terms, votes, pre-vote, timers, transfer. */
import type { Mutant } from "./mutant.ts";

export const raftElectionMutants: readonly Mutant[] = [
  {
    name: "vote-without-looking-at-the-log",
    why: "A server that lacks committed entries becomes leader (I13, I4).",
    file: "raft/election.ts",
    before: `return "already-voted";
  return logBehind(state, m.lastLog) ?? "granted";`,
    after: `return "already-voted";
  return "granted";`,
  },
  {
    name: "logs-compared-by-length",
    why: "A long log of old entries wins over a shorter one with committed newer ones (I13, I4).",
    file: "raft/log.ts",
    before: "mine.term !== other.term ? mine.term < other.term : mine.index < other.index;",
    after: "mine.index < other.index;",
  },
  {
    name: "logs-compared-by-term",
    why: "Of two logs with one last term the shorter wins, and lacks what is committed (I13, I4).",
    file: "raft/log.ts",
    before: "mine.term !== other.term ? mine.term < other.term : mine.index < other.index;",
    after: "mine.term < other.term;",
  },
  {
    name: "second-vote-in-a-term",
    why: "Two candidates win one term (I11, I1).",
    file: "raft/election.ts",
    before: "if (state.votedFor !== null && state.votedFor !== m.from) return",
    after: "if (state.votedFor === state.settings.me) return",
  },
  {
    name: "stepping-down-forgets-the-vote",
    why: "Who steps down within a term votes again in it (I11, I1).",
    file: "raft/roles.ts",
    before: `state.role = { kind: "follower", leader };`,
    after: `state.role = { kind: "follower", leader };
  state.votedFor = null;`,
  },
  {
    name: "new-term-keeps-the-old-vote",
    why: "The vote of an older term counts as this term's: the server votes for nobody else.",
    file: "raft/roles.ts",
    before: `state.votedFor = null;
`,
    after: "",
  },
  {
    name: "older-votes-count",
    why: "A vote that was given in an older term elects a leader in this one (I1).",
    file: "raft/election.ts",
    before: `if (state.role.kind !== "candidate" || m.term < state.term) return;`,
    after: `if (state.role.kind !== "candidate") return;`,
  },
  {
    name: "a-refusal-is-a-vote",
    why: "A candidate counts answers and not votes (I1).",
    file: "raft/election.ts",
    before: `m.term < state.term) return;
  state.role.votes.set(m.from, m.answer === "granted" ? "yes" : "no");`,
    after: `m.term < state.term) return;
  state.role.votes.set(m.from, "yes");`,
  },
  {
    name: "half-is-a-majority",
    why: "Of four servers, two and two elect a leader each (I1, I6).",
    file: "raft/quorum.ts",
    before: "Math.floor(count / 2) + 1",
    after: "Math.ceil(count / 2)",
  },
  {
    name: "joint-votes-ask-one-group",
    why: "During a joint change the old and the new group elect a leader each (I16, I1).",
    file: "raft/quorum.ts",
    before: `return first === "won" && second === "won" ? "won" : "pending";`,
    after: `return first === "won" ? "won" : "pending";`,
  },
  {
    name: "pre-vote-ignores-a-living-leader",
    why: "A server that cannot hear the leader gets the others' promises, and deposes it.",
    file: "raft/election.ts",
    before: `  if (leaderIsAlive(state)) return "leader-alive";
`,
    after: "",
  },
  {
    name: "pre-vote-of-another-term-counts",
    why: "Promises that were made for an earlier attempt start an election.",
    file: "raft/election.ts",
    before: `  if (m.answer === "granted" && m.term !== nextTerm(state.term)) return;
`,
    after: "",
  },
  {
    name: "pre-vote-moves-the-term",
    why: "A mere question makes everybody adopt the term: what pre-vote is there to avoid.",
    file: "raft/raft.ts",
    before: `case "pre-vote-request":
      return false;`,
    after: `case "pre-vote-request":
      return true;`,
  },
  {
    name: "vote-request-deposes-a-living-leader",
    why: "A follower of a living leader adopts a disruptive candidate's term (dissertation 4.2.3).",
    file: "raft/election.ts",
    before: `m.reason === "timeout" && leaderIsAlive(state);`,
    after: `m.reason === "timeout" && state.role.kind === "leader";`,
  },
  {
    name: "transfer-is-held-off",
    why: "The successor's request counts as a disruption: leadership is never handed over.",
    file: "raft/election.ts",
    before: `m.reason === "timeout" && leaderIsAlive(state);`,
    after: "leaderIsAlive(state);",
  },
  {
    name: "successor-held-back-by-its-old-leader",
    why: "Who was told to take over, and lost, counts its old leader as alive (in the changelog).",
    file: "raft/election.ts",
    before: `  state.leaderHeardAt = longAgo;
`,
    after: "",
  },
  {
    name: "stale-leader-keeps-timers-quiet",
    why: "Appends of a deposed leader put off the election that is needed (liveness).",
    file: "raft/replication.ts",
    before: `if (!stale) hear(state, m.from);
  const answer`,
    after: `if (stale) resetElectionTimer(state);
  else hear(state, m.from);
  const answer`,
  },
  {
    name: "refused-vote-resets-the-timer",
    why: "A candidate that cannot win keeps those from campaigning who could (liveness).",
    file: "raft/election.ts",
    before: `    state.votedFor = m.from;
    resetElectionTimer(state);
  }`,
    after: `    state.votedFor = m.from;
  }
  resetElectionTimer(state);`,
  },
  {
    name: "granted-vote-leaves-the-timer",
    why: "A voter campaigns against the candidate that it has just voted for (liveness).",
    file: "raft/election.ts",
    before: `    state.votedFor = m.from;
    resetElectionTimer(state);`,
    after: "    state.votedFor = m.from;",
  },
  {
    name: "losers-draw-a-new-timeout",
    why: "The losers of a split vote begin the next term in step (in the changelog; liveness).",
    file: "raft/roles.ts",
    before: `if (role.kind === "leader") resetElectionTimer(state);`,
    after: "resetElectionTimer(state);",
  },
  {
    name: "one-timeout-for-all",
    why: "All servers campaign at the same moment and split the vote, again and again (Fig. 16).",
    file: "raft/state.ts",
    before: "between(state.random, { min: electionMsMin, max: electionMsMax });",
    after: "between(state.random, { min: electionMsMin, max: electionMsMin });",
  },
  {
    name: "leader-holds-on-without-a-quorum",
    why: "A leader that nobody answers goes on for ever, and so do the reads it holds.",
    file: "raft/replication.ts",
    before: "if (state.now < later(heardAt, state.settings.timing.electionMsMin)) return;",
    after: "if (heardAt >= role.since) return;",
  },
  {
    name: "leader-holds-on-without-a-disk",
    why: "A leader whose disk does not answer takes writes that it may lose (U8).",
    file: "replica/recorder.ts",
    before: "return now >= later(this.syncing.since, this.state.settings.timing.electionMsMax);",
    after: "return false;",
  },
  {
    name: "successor-told-before-it-has-all",
    why: "A successor that lacks entries is told to campaign: an outage instead of a hand-over.",
    file: "raft/transfer.ts",
    before: `  if (role.followers.get(transfer.target)?.match !== state.log.lastIndex) return;
`,
    after: "",
  },
  {
    name: "silent-successor",
    why: "A leader that stops hands over to a server that is down, and nobody leads.",
    file: "raft/transfer.ts",
    before: `    if (now > later(progress.heardAt, aliveHeartbeats * settings.timing.heartbeatMs)) continue;
`,
    after: "",
  },
  {
    name: "transfer-without-an-end",
    why: "A successor that is down keeps the leader from taking commands for ever.",
    file: "raft/transfer.ts",
    before: "if (state.now >= transfer.deadline) {",
    after: "if (transfer.deadline < transfer.deadline) {",
  },
  {
    name: "commands-taken-while-handing-over",
    why: "What is proposed is dropped, and its client is answered for another's entry (I21).",
    file: "raft/raft.ts",
    before: `return state.role.transfer === null ? null : "handing-over";`,
    after: "return null;",
  },
  {
    name: "learners-campaign",
    why: "A server without a vote starts elections (I16).",
    file: "raft/election.ts",
    before: `  if (standing(state) === "onlooker") return resetElectionTimer(state);
`,
    after: "",
  },
];
