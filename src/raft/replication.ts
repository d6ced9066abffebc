/**
 * Log replication (§5.3), commitment (§5.4.2), and heartbeats, which are messages of their own here: they carry
 * no entries, wait for no disk and never stand behind bulk.
 */
import { assert, must } from "../base/assert.ts";
import type { LogIndex, Millis, NodeId } from "../base/numbers.ts";
import {
  later,
  logIndex,
  maxIndex,
  minIndex,
  nextIndex,
  noIndex,
  previousIndex,
} from "../base/numbers.ts";
import { entryCost } from "./log.ts";
import { members } from "./membership.ts";
import type {
  AppendAnswer,
  AppendRequest,
  AppendResponse,
  Heartbeat,
  HeartbeatResponse,
} from "./message.ts";
import { heldByQuorum, reachedByQuorum } from "./quorum.ts";
import { onRoundAnswered } from "./reads.ts";
import { becomeFollower } from "./roles.ts";
import type { CatchUp, Leader, Progress, State } from "./state.ts";
import { note, replicationLimits, resetElectionTimer, send } from "./state.ts";
import type { Entry } from "./types.ts";

// The follower's side.

/** Something of the current term's leader has arrived. */
export function hear(state: State, leader: NodeId): void {
  assert(state.role.kind !== "leader", "a term has one leader");
  becomeFollower(state, leader);
  state.leaderHeardAt = state.now;
  resetElectionTimer(state);
}

/** Paper Fig. 2, AppendEntries RPC, receiver (raft.tla `HandleAppendEntriesRequest`). */
export function onAppendRequest(state: State, m: AppendRequest): void {
  const stale = m.term < state.term;
  if (!stale) hear(state, m.from);
  const answer = stale ? mismatch(state, m) : accept(state, m);
  const from = state.settings.me;
  send(state, { kind: "append-response", from, to: m.from, term: state.term, answer });
}

function accept(state: State, m: AppendRequest): AppendAnswer {
  const { log } = state;
  const lastNew = logIndex(m.previous.index + m.entries.length);
  // What is committed here cannot conflict (§5.4, Leader Completeness): old repeats need no comparison.
  if (lastNew <= state.commit) return { kind: "matched", index: state.commit };
  if (m.previous.index >= state.commit && log.termAt(m.previous.index) !== m.previous.term) {
    return mismatch(state, m);
  }
  for (const entry of m.entries) {
    if (entry.index <= state.commit) continue;
    const held = log.termAt(entry.index);
    if (held === entry.term) continue;
    if (held !== null) takeBack(state, entry.index, m);
    log.append(entry);
    state.membership.appended(entry);
  }
  state.commit = maxIndex(state.commit, minIndex(m.commit, lastNew));
  return { kind: "matched", index: lastNew };
}

/** Only a conflict takes entries back, never a shorter message (P7). */
function takeBack(state: State, from: LogIndex, m: AppendRequest): void {
  note(
    state,
    `n${state.settings.me} takes back entries ${from} to ${state.log.lastIndex}: ` +
      `n${m.from}, leader of term ${m.term}, has others there`,
  );
  state.log.truncate(from, state.commit);
  state.membership.truncated(from);
  state.durable = minIndex(state.durable, previousIndex(from));
}

/** What this log has forgotten is committed: its base is in the leader's log, or in its snapshot. */
const mismatch = ({ log }: State, m: AppendRequest): AppendAnswer => ({
  kind: "mismatched",
  previous: m.previous.index,
  hint: log.lastNotAbove(m.previous.index, m.previous.term) ?? log.base,
});

/** Heartbeats say who leads; an older leader hears the newer term in the answer, and steps down. */
export function onHeartbeat(state: State, m: Heartbeat): void {
  const stale = m.term < state.term;
  if (!stale) {
    hear(state, m.from);
    state.commit = maxIndex(state.commit, minIndex(m.commit, state.log.lastIndex));
  }
  // Rounds are counted from 1 in each term: the number of an older term's would confirm reads it never saw.
  const round = stale ? 0 : m.round;
  const { term, log } = state;
  const from = state.settings.me;
  const last = log.lastIndex;
  send(state, { kind: "heartbeat-response", from, to: m.from, term, round, last });
}

// The leader's side.

export const progressOf = (state: State, id: NodeId): Progress | null =>
  state.role.kind === "leader" ? (state.role.followers.get(id) ?? null) : null;

/** raft.tla `HandleAppendEntriesResponse`. Answers may be old, repeated or out of order (P9). */
export function onAppendResponse(state: State, m: AppendResponse): void {
  const progress = m.term === state.term ? progressOf(state, m.from) : null;
  if (progress === null) return;
  progress.heardAt = state.now;
  if (m.answer.kind === "matched") matched(state, progress, m.answer.index);
  else mismatched(state, progress, m.answer);
}

function matched(state: State, progress: Progress, index: LogIndex): void {
  assert(index <= state.log.lastIndex, "a follower holds no more of this term than its leader");
  forgetInflight(progress, index);
  const fresh = index > progress.match;
  if (fresh) {
    progress.match = index;
    progress.resendMs = firstResendMs(state);
  }
  if (fresh || index === previousIndex(progress.next)) progress.mode = "replicating";
  progress.next = maxIndex(progress.next, nextIndex(progress.match));
  if (progress.catchUp !== null) endRound(state, progress.match, progress.catchUp);
  if (fresh) advanceCommit(state);
}

/** The learner has what there was when its round of catching up began: the next one is as long as what came since. */
function endRound(state: State, match: LogIndex, round: CatchUp): void {
  if (match < round.target) return;
  round.lastRoundMs = state.now - round.since;
  round.target = state.log.lastIndex;
  round.since = state.now;
}

/** Goes back to where the logs may agree; both sides skip whole terms (§5.3, end). */
function mismatched(
  state: State,
  progress: Progress,
  answer: Extract<AppendAnswer, { kind: "mismatched" }>,
): void {
  if (answer.previous <= progress.match || progress.mode === "installing") return;
  // While probing, only the answer to the probe under way counts.
  if (progress.mode === "probing" && answer.previous !== previousIndex(progress.next)) return;
  // Where this log does not reach back to what they share, a snapshot is next.
  const common = state.log.lastNotAbove(answer.hint.index, answer.hint.term)?.index ?? noIndex;
  probe(progress, nextIndex(maxIndex(progress.match, common)));
}

function probe(progress: Progress, next: LogIndex): void {
  progress.mode = "probing";
  progress.next = next;
  progress.inflight = [];
  progress.inflightBytes = 0;
}

function forgetInflight(progress: Progress, upTo: LogIndex): void {
  while (progress.inflight.length > 0 && progress.inflight[0]!.last <= upTo) {
    progress.inflightBytes -= must(progress.inflight.shift(), "there is a first one").bytes;
  }
}

const firstResendMs = (state: State): number =>
  replicationLimits.resendHeartbeats * state.settings.timing.heartbeatMs;

export function onHeartbeatResponse(state: State, m: HeartbeatResponse): void {
  const progress = m.term === state.term ? progressOf(state, m.from) : null;
  if (progress === null || state.role.kind !== "leader") return;
  progress.heardAt = state.now;
  assert(m.round <= state.role.round, "nobody answers a round that was not begun");
  if (m.round === state.role.round && m.last < progress.matchAtRound) {
    forgetMatch(state, m, progress);
  }
  if (m.round <= progress.round) return;
  progress.round = m.round;
  onRoundAnswered(state, state.role);
}

/**
 * The follower had acknowledged more before this round began than it has now: it came back from a disk that has
 * lost its end. It is sent everything again from where its log ends; what is committed stays committed.
 */
function forgetMatch(state: State, m: HeartbeatResponse, progress: Progress): void {
  note(
    state,
    `n${state.settings.me} sends n${m.from} again what it has lost: ` +
      `it had acknowledged entry ${progress.matchAtRound}, and its log ends at ${m.last}`,
  );
  progress.match = noIndex;
  progress.matchAtRound = noIndex;
  probe(progress, nextIndex(m.last));
}

/** Own entries have reached the own disk: the leader's own vote for them (dissertation 10.2.1). */
export function onDurable(state: State, last: { index: LogIndex; term: State["term"] }): void {
  // A completion for entries that were taken back since marks nothing (P12).
  if (state.log.termAt(last.index) !== last.term) return;
  state.durable = maxIndex(state.durable, last.index);
  if (state.role.kind === "leader") advanceCommit(state);
}

/** Paper Fig. 2, Leaders 4; Fig. 8: only an entry of the own term commits, with all before it (P1). */
export function advanceCommit(state: State): void {
  const { role } = state;
  if (role.kind !== "leader") return;
  const index = heldByQuorum(
    state.membership.current,
    (id) => heldBy(state, role, id),
    state.log.lastIndex,
  );
  if (index > state.commit && state.log.termAt(index) === state.term) state.commit = index;
}

const heldBy = (state: State, role: Leader, id: NodeId): LogIndex =>
  id === state.settings.me ? state.durable : (role.followers.get(id)?.match ?? logIndex(0));

/** Sends what the windows allow (raft.tla `AppendEntries`). Called once per batch of inputs. */
export function replicate(state: State, role: Leader): void {
  for (const [id, progress] of role.followers) {
    if (progress.mode === "probing") sendProbe(state, id, progress);
    else if (progress.mode === "replicating") sendWindow(state, id, progress);
  }
}

function sendProbe(state: State, to: NodeId, progress: Progress): void {
  if (progress.inflight.length > 0 || needsSnapshot(state, to, progress)) return;
  sendAppend(state, to, progress, progress.next);
}

/** The entry before the next one is not in the log any more: what it was appended to cannot be named. */
function needsSnapshot(state: State, to: NodeId, progress: Progress): boolean {
  if (progress.next > state.log.base.index) return false;
  note(
    state,
    `n${state.settings.me} has no entry ${progress.next} any more: n${to} needs a snapshot`,
  );
  probe(progress, progress.next);
  progress.mode = "installing";
  state.effects.behind.push(to);
  return true;
}

function sendWindow(state: State, to: NodeId, progress: Progress): void {
  const { inflightMessagesMax, inflightBytesMax } = replicationLimits;
  while (progress.next <= state.log.lastIndex) {
    if (progress.inflight.length >= inflightMessagesMax) return;
    if (progress.inflightBytes >= inflightBytesMax) return;
    if (needsSnapshot(state, to, progress)) return;
    if (mustWaitForLarge(state, progress)) return;
    progress.next = nextIndex(sendAppend(state, to, progress, progress.next));
  }
}

/** What travels in pieces takes long: more of it would wait in line, and count as lost before it was sent. */
function mustWaitForLarge({ log, settings }: State, { next, inflight }: Progress): boolean {
  const { appendBytesMax, largeAppends } = settings;
  if (largeAppends === undefined || entryCost(log.at(next)) <= appendBytesMax) return false;
  let large = 0;
  for (const { bytes } of inflight) if (bytes > appendBytesMax) large += 1;
  return large >= largeAppends.inflightMax;
}

/** The entries of one append. */
function entriesFrom({ log, settings }: State, next: LogIndex): readonly Entry[] {
  const { appendBytesMax, largeAppends } = settings;
  const isLarge = next <= log.lastIndex && entryCost(log.at(next)) > appendBytesMax;
  return log.slice(next, (isLarge ? largeAppends?.bytesMax : null) ?? appendBytesMax);
}

/** Sends one append from `next` on; returns the last index in it. */
function sendAppend(state: State, to: NodeId, progress: Progress, next: LogIndex): LogIndex {
  const { log, settings } = state;
  const before = previousIndex(next);
  const term = must(log.termAt(before), "what a follower needs is still in the log");
  const entries = entriesFrom(state, next);
  const last = logIndex(before + entries.length);
  let bytes = 0;
  for (const entry of entries) bytes += entryCost(entry);
  progress.inflight.push({ last, bytes, sentAt: state.now });
  progress.inflightBytes += bytes;
  const previous = { index: before, term };
  const commit = minIndex(state.commit, last);
  const from = settings.me;
  send(state, { kind: "append-request", from, to, term: state.term, previous, entries, commit });
  return last;
}

/** Begins a heartbeat round: who leads, what is committed, and the number reads are confirmed by. */
export function sendHeartbeats(state: State, role: Leader): void {
  const { me, timing } = state.settings;
  role.round += 1;
  role.heartbeatAt = later(state.now, timing.heartbeatMs);
  const { round } = role;
  for (const [to, progress] of role.followers) {
    progress.matchAtRound = progress.match;
    const commit = minIndex(progress.match, state.commit);
    send(state, { kind: "heartbeat", from: me, to, term: state.term, commit, round });
  }
}

/**
 * What was not acknowledged in time counts as lost: back to one append at a time from the last match. A lost probe
 * has told nothing: it is sent again where it was.
 */
export function resendOverdue(state: State, role: Leader): void {
  for (const progress of role.followers.values()) {
    const oldest = progress.inflight[0];
    if (oldest === undefined || state.now < later(oldest.sentAt, progress.resendMs)) continue;
    progress.resendMs = Math.min(progress.resendMs * 2, state.settings.timing.electionMsMin);
    const next = progress.mode === "probing" ? progress.next : nextIndex(progress.match);
    probe(progress, next);
  }
}

/** When a quorum, this server included, was last in touch with this leader. */
export function quorumHeardAt(state: State, role: Leader): Millis {
  const heard = (id: NodeId): number =>
    id === state.settings.me ? state.now : (role.followers.get(id)?.heardAt ?? role.since);
  return reachedByQuorum(state.membership.current, heard) as Millis;
}

/** Check-quorum (dissertation 6.2): a leader that a quorum does not answer goes silent. */
export function stepDownWithoutQuorum(state: State, role: Leader): void {
  const heardAt = quorumHeardAt(state, role);
  if (state.now < later(heardAt, state.settings.timing.electionMsMin)) return;
  const silent = members(state.membership.current).filter(
    (id) => (role.followers.get(id)?.heardAt ?? state.now) <= heardAt,
  );
  const names = silent.map((id) => `n${id}`).join(", ");
  const { me, timing } = state.settings;
  note(state, `n${me} steps down: not a word from ${names} for ${timing.electionMsMin} ms`);
  becomeFollower(state, null);
}
