/**
 * Elections (§5.2, §5.4.1), pre-vote (dissertation 9.6), and the refusal to depose a leader that is alive
 * (dissertation 4.2.3).
 */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import { later, nextTerm } from "../base/numbers.ts";
import { isBehind } from "./log.ts";
import { isVoter, members } from "./membership.ts";
import type {
  CampaignReason,
  PreVoteRequest,
  PreVoteResponse,
  TimeoutNow,
  VoteAnswer,
  VoteRequest,
  VoteResponse,
} from "./message.ts";
import { tally } from "./quorum.ts";
import { adoptTerm, becomeFollower, becomeLeader } from "./roles.ts";
import type { State } from "./state.ts";
import { knownLeader, longAgo, note, resetElectionTimer, send } from "./state.ts";
import type { EntryId } from "./types.ts";

/** The election timeout has passed without a leader (raft.tla `Timeout`). */
export function onElectionTimeout(state: State): void {
  assert(state.role.kind !== "leader", "a leader does not campaign against itself");
  if (standing(state) === "onlooker") return resetElectionTimer(state);
  if (state.settings.preVote === "without-pre-vote") return campaign(state, "timeout");
  askBeforehand(state);
}

/**
 * Whether this server may ask for votes. Who is left out by a configuration that is not known to be committed must,
 * because it may be the only one that holds it, and nobody whose log is shorter gets its vote (dissertation 4.2.2).
 * It does not count itself: votes are counted by the configuration.
 */
export function standing(state: State): "eligible" | "onlooker" {
  const { membership, settings, commit } = state;
  if (isVoter(membership.current, settings.me)) return "eligible";
  const { previous } = membership;
  if (membership.since <= commit || previous === null) return "onlooker";
  return isVoter(previous, settings.me) ? "eligible" : "onlooker";
}

/** Asks whether an election would be won, before disturbing anybody with a new term. */
function askBeforehand(state: State): void {
  const { me } = state.settings;
  state.role = { kind: "pre-candidate", votes: new Map([[me, "yes"]]) };
  resetElectionTimer(state);
  for (const to of voters(state)) {
    const lastLog = state.log.last;
    send(state, { kind: "pre-vote-request", from: me, to, term: nextTerm(state.term), lastLog });
  }
  countPreVotes(state);
}

/** Starts an election in a new term, with a vote for itself (raft.tla `Timeout`, `RequestVote`). */
export function campaign(state: State, reason: CampaignReason): void {
  const { me } = state.settings;
  note(state, `n${me} campaigns in term ${nextTerm(state.term)}: ${why(state, reason)}`);
  state.term = nextTerm(state.term);
  state.votedFor = me;
  state.leaderHeardAt = longAgo;
  state.role = { kind: "candidate", votes: new Map([[me, "yes"]]) };
  resetElectionTimer(state);
  for (const to of voters(state)) {
    const lastLog = state.log.last;
    send(state, { kind: "vote-request", from: me, to, term: state.term, lastLog, reason });
  }
  countVotes(state);
}

const why = (state: State, reason: CampaignReason): string => {
  if (reason === "transfer") return "its leader asked it to take over";
  return state.role.kind === "pre-candidate"
    ? "a quorum hears no leader either"
    : "it hears no leader";
};

const voters = (state: State): readonly NodeId[] =>
  members(state.membership.current).filter(
    (id) => id !== state.settings.me && isVoter(state.membership.current, id),
  );

/** Whether a leader of this term was heard from so lately that no election can be due. */
export function leaderIsAlive(state: State): boolean {
  if (state.role.kind === "leader") return true;
  return state.now < later(state.leaderHeardAt, state.settings.timing.electionMsMin);
}

/** The leader that this server has heard from lately, or is itself; or null. */
export const liveLeader = (state: State): NodeId | null =>
  leaderIsAlive(state) ? knownLeader(state) : null;

export function onPreVoteRequest(state: State, m: PreVoteRequest): void {
  const answer = preVoteAnswer(state, m);
  const term = answer === "granted" ? m.term : state.term;
  const from = state.settings.me;
  send(state, { kind: "pre-vote-response", from, to: m.from, term, answer });
}

function preVoteAnswer(state: State, m: PreVoteRequest): VoteAnswer {
  if (m.term <= state.term) return "stale-term";
  if (leaderIsAlive(state)) return "leader-alive";
  return logBehind(state, m.lastLog) ?? "granted";
}

const logBehind = (state: State, theirs: EntryId): "log-behind" | null =>
  isBehind(theirs, state.log.last) ? "log-behind" : null;

export function onPreVoteResponse(state: State, m: PreVoteResponse): void {
  if (state.role.kind !== "pre-candidate") return;
  if (m.answer === "granted" && m.term !== nextTerm(state.term)) return;
  state.role.votes.set(m.from, m.answer === "granted" ? "yes" : "no");
  countPreVotes(state);
}

function countPreVotes(state: State): void {
  if (state.role.kind !== "pre-candidate") return;
  const { votes } = state.role;
  const result = tally(state.membership.current, (id) => votes.get(id) ?? null);
  if (result === "won") campaign(state, "timeout");
  else if (result === "lost") becomeFollower(state, null);
}

/** The term rule has run: the request is of this term, an older one, or held off by a living leader. */
export function onVoteRequest(state: State, m: VoteRequest): void {
  const answer = voteAnswer(state, m);
  if (answer === "granted") {
    state.votedFor = m.from;
    resetElectionTimer(state);
  }
  note(state, voteNote(state, m, answer));
  const from = state.settings.me;
  send(state, { kind: "vote-response", from, to: m.from, term: state.term, answer });
}

/** Paper Fig. 2, RequestVote RPC, receiver 1 and 2 (raft.tla `HandleRequestVoteRequest`). */
function voteAnswer(state: State, m: VoteRequest): VoteAnswer {
  if (m.term > state.term) return "leader-alive";
  if (m.term < state.term) return "stale-term";
  if (state.votedFor !== null && state.votedFor !== m.from) return "already-voted";
  return logBehind(state, m.lastLog) ?? "granted";
}

function voteNote(state: State, m: VoteRequest, answer: VoteAnswer): string {
  const who = `n${state.settings.me}`;
  if (answer === "granted") return `${who} votes for n${m.from} in term ${m.term}`;
  const reasons: Record<Exclude<VoteAnswer, "granted">, string> = {
    "stale-term": `the term is ${state.term} by now`,
    "already-voted": `it has voted for n${state.votedFor ?? 0}`,
    "log-behind": `its log is behind`,
    "leader-alive": `a leader of term ${state.term} is alive`,
  };
  return `${who} refuses n${m.from} its vote for term ${m.term}: ${reasons[answer]}`;
}

export function onVoteResponse(state: State, m: VoteResponse): void {
  if (state.role.kind !== "candidate" || m.term < state.term) return;
  state.role.votes.set(m.from, m.answer === "granted" ? "yes" : "no");
  countVotes(state);
}

/** Votes are counted by who gave them: a repeated datagram adds nothing (P6). */
function countVotes(state: State): void {
  if (state.role.kind !== "candidate") return;
  const { votes } = state.role;
  const result = tally(state.membership.current, (id) => votes.get(id) ?? null);
  if (result === "won") becomeLeader(state);
  else if (result === "lost") becomeFollower(state, null);
}

/** The leader hands over: no pre-vote, and its own liveness is no objection (dissertation 3.10). */
export function onTimeoutNow(state: State, m: TimeoutNow): void {
  if (m.term < state.term || state.role.kind === "leader") return;
  if (standing(state) === "onlooker") return;
  campaign(state, "transfer");
}

/**
 * Whether a request for a vote in a newer term must leave this server as it is, because the leader it hears
 * would otherwise be deposed by a server that merely cannot hear it (dissertation 4.2.3).
 */
export const isHeldOff = (state: State, m: VoteRequest): boolean =>
  m.reason === "timeout" && leaderIsAlive(state);

/** A message of a newer term, other than one held off: adopt the term first (§5.1). */
export function onNewerTerm(state: State, from: NodeId, term: State["term"]): void {
  adoptTerm(state, term, `n${from} is in term ${term}`);
}
