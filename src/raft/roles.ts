/** The changes of role (paper Fig. 4). Whoever wants one calls these; nothing else assigns `state.role`. */
import { assert } from "../base/assert.ts";
import type { NodeId, Term } from "../base/numbers.ts";
import { later, millis, never, nextIndex } from "../base/numbers.ts";
import { isVoter, members } from "./membership.ts";
import { onRoundAnswered } from "./reads.ts";
import type { Leader, State } from "./state.ts";
import { firstProgress, longAgo, note, resetElectionTimer } from "./state.ts";
import type { Entry } from "./types.ts";

/** A newer term was seen: it is adopted, and its vote is free (§5.1; raft.tla `UpdateTerm`). */
export function adoptTerm(state: State, term: Term, because: string): void {
  assert(term > state.term, "a term never goes back");
  if (state.role.kind === "leader" || state.role.kind === "candidate") {
    note(state, `n${state.settings.me} steps down from term ${state.term}: ${because}`);
  }
  state.term = term;
  state.votedFor = null;
  state.leaderHeardAt = longAgo;
  becomeFollower(state, null);
}

/** The vote of the current term stays as it is: a server that steps down has still voted (P3). */
export function becomeFollower(state: State, leader: NodeId | null): void {
  const { role } = state;
  if (role.kind === "leader") abandonReads(state, role);
  if (role.kind === "follower" && role.leader === leader) return;
  state.role = { kind: "follower", leader };
  // Only who led has no deadline. A candidate that lost waits for the rest of its own (§5.2): were it to draw a new
  // one, the losers of a split vote, who hear of it at the same moment, would begin the next term in step again.
  if (role.kind === "leader") resetElectionTimer(state);
  if (leader !== null)
    note(state, `n${state.settings.me} follows n${leader} in term ${state.term}`);
}

/** Nobody is confirmed to lead: the reads under way cannot be answered here. */
function abandonReads(state: State, leader: Leader): void {
  const { waiting, confirming } = leader.reads;
  for (const reader of [...waiting, ...(confirming?.readers ?? [])]) {
    // A follower notices by itself that it has another leader.
    if (reader.kind === "own") state.effects.abandoned.push(reader.ticket);
  }
}

/** A quorum has voted for this server (raft.tla `BecomeLeader`): it opens its term with a no-op (§8). */
export function becomeLeader(state: State): void {
  assert(state.role.kind === "candidate", "only a candidate becomes leader");
  const voters = [...state.role.votes].filter(([, vote]) => vote === "yes").map(([id]) => `n${id}`);
  const role: Leader = {
    kind: "leader",
    followers: new Map(),
    opening: nextIndex(state.log.lastIndex),
    since: state.now,
    time: state.log.lastTime,
    round: 0,
    heartbeatAt: state.now,
    reads: { waiting: [], confirming: null },
    transfer: null,
  };
  state.role = role;
  enterMembers(state, role);
  appendAsLeader(state, role, { kind: "noop", body: null });
  note(state, `n${state.settings.me} leads term ${state.term}: elected by ${voters.join(", ")}`);
}

/** What a leader puts into its log; index, term and time are its to give. */
type NewEntry = Entry extends infer E
  ? E extends Entry
    ? Pick<E, "kind" | "body">
    : never
  : never;

export function appendAsLeader(state: State, role: Leader, content: NewEntry): void {
  const { log } = state;
  const index = nextIndex(log.lastIndex);
  const time = millis(Math.floor(role.time));
  const { kind, body } = content;
  const entry = { index, term: state.term, time, kind, body } as Entry;
  log.append(entry);
  if (entry.kind !== "configuration") return;
  state.membership.appended(entry);
  enterMembers(state, role);
}

/** Everybody in the configuration is in the leader's books, and nobody else, from the moment it is appended (4.1). */
function enterMembers(state: State, role: Leader): void {
  const { current } = state.membership;
  const everybody = members(current);
  for (const id of role.followers.keys()) if (!everybody.includes(id)) role.followers.delete(id);
  for (const id of everybody) {
    if (id === state.settings.me) continue;
    const progress = role.followers.get(id) ?? firstProgress(state);
    const firstRound = { target: state.log.lastIndex, since: state.now, lastRoundMs: never };
    progress.catchUp = isVoter(current, id) ? null : (progress.catchUp ?? firstRound);
    role.followers.set(id, progress);
  }
  // A round may have waited for somebody who has no say any more, and whose answers are not heard.
  onRoundAnswered(state, role);
}

/** A gap between two inputs of a leader counts for at most so many heartbeats of cluster time. */
const clusterTimeHeartbeatsMax = 2;

/**
 * Moves cluster time along. A leader that is awake looks at the time every heartbeat. A longer gap between two inputs
 * is one in which it slept, or its clock jumped: it counts for two heartbeats, so that no lease runs out that nobody
 * could renew.
 */
export function advanceClusterTime(state: State, role: Leader, elapsedMs: number): void {
  const counted = Math.min(elapsedMs, clusterTimeHeartbeatsMax * state.settings.timing.heartbeatMs);
  role.time = later(role.time, counted);
}
