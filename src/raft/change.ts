/**
 * Changes of membership by joint consensus (dissertation 4.3): C-old,new is appended and in force at once, and when it
 * is committed by both majorities, C-new follows by itself. A change that leaves the voters as they are needs no joint
 * configuration. One change is under way at a time, and none begins before this leader has committed in its own term:
 * only then does it know what its predecessors left behind (P19).
 */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import { later } from "../base/numbers.ts";
import { jointOf, leftJoint } from "./edits.ts";
import { isJoint, isVoter } from "./membership.ts";
import { reachedByQuorum } from "./quorum.ts";
import { appendAsLeader, becomeFollower } from "./roles.ts";
import type { Leader, Progress, State } from "./state.ts";
import { note, send } from "./state.ts";
import { bestSuccessor } from "./transfer.ts";
import type { Configuration, Place } from "./types.ts";

/** Why no change can begin at the moment. Asking again later helps, at the leader. */
export type ChangeRefusal =
  | "not-leader"
  | "handing-over"
  | "change-under-way"
  /** Nothing of the own term is committed. */
  | "not-settled"
  /** A learner that is to vote would hold up the others. */
  | "not-caught-up"
  /** Too few of the voters that are to be answer now: the change could not be completed. */
  | "would-lose-quorum";

export function changeRefusal(state: State, target: Configuration | null): ChangeRefusal | null {
  const { role, membership } = state;
  if (role.kind !== "leader") return "not-leader";
  if (role.transfer !== null) return "handing-over";
  if (membership.since > state.commit || isJoint(membership.current)) return "change-under-way";
  if (state.commit < role.opening) return "not-settled";
  if (target === null || haveSameVoters(membership.current, target)) return null;
  for (const id of target.voters) {
    const progress = role.followers.get(id);
    if (progress?.catchUp && !isCaughtUp(state, progress)) return "not-caught-up";
  }
  return isWithinReach(state, role, target) ? null : "would-lose-quorum";
}

const haveSameVoters = (one: Configuration, other: Configuration): boolean =>
  one.voters.length === other.voters.length &&
  one.voters.every((id, at) => id === other.voters[at]);

/** Dissertation 4.2.1: its last round of catching up took less than an election timeout, and so does this one. */
export function isCaughtUp(state: State, { match, catchUp, heardAt }: Progress): boolean {
  const { electionMsMin } = state.settings.timing;
  if (catchUp === null || state.now >= later(heardAt, electionMsMin)) return false;
  if (match === state.log.lastIndex) return true;
  return Math.max(catchUp.lastRoundMs, state.now - catchUp.since) < electionMsMin;
}

/** Whether a majority of the voters that are to be was heard lately. */
function isWithinReach(state: State, role: Leader, target: Configuration): boolean {
  const heardAt = (id: NodeId): number => {
    if (id === state.settings.me) return state.now;
    return role.followers.get(id)?.heardAt ?? Number.NEGATIVE_INFINITY;
  };
  const { electionMsMin } = state.settings.timing;
  return state.now - reachedByQuorum(target, heardAt) < electionMsMin;
}

/** The caller has asked `changeRefusal`: what is asked for at another time is dropped. */
export function beginChange(
  state: State,
  { target, leaving }: { readonly target: Configuration; readonly leaving: readonly Place[] },
): void {
  const { role, membership } = state;
  if (role.kind !== "leader" || changeRefusal(state, target) !== null) return;
  assert(!isJoint(target), "a change leads to a configuration that is not joint");
  const { current } = membership;
  const next = haveSameVoters(current, target) ? target : jointOf(current, target, leaving);
  note(state, `n${state.settings.me} begins a change of members: ${sentence(current, target)}`);
  appendConfiguration(state, role, next);
}

function appendConfiguration(state: State, role: Leader, configuration: Configuration): void {
  assert(state.membership.since <= state.commit, "one change of members is under way at a time");
  assert(state.commit >= role.opening, "no change of members before a commit of the own term");
  appendAsLeader(state, role, { kind: "configuration", body: configuration });
}

const sentence = (from: Configuration, to: Configuration): string => {
  const names = (ids: readonly NodeId[]): string => ids.map((id) => `n${id}`).join(", ");
  const learners = to.learners.length === 0 ? "" : `; ${names(to.learners)} learn`;
  return `voters ${names(from.voters)} become ${names(to.voters)}${learners}`;
};

/** Once per batch of inputs: a joint configuration that is committed is left; so is the office by who is left out. */
export function continueChange(state: State, role: Leader): "in-office" | "left-office" {
  const { membership, commit } = state;
  if (membership.since > commit || commit < role.opening) return "in-office";
  const { current } = membership;
  if (isJoint(current)) {
    appendConfiguration(state, role, leftJoint(current));
    return "in-office";
  }
  if (isVoter(current, state.settings.me)) return "in-office";
  leaveOffice(state);
  return "left-office";
}

/** Dissertation 4.2.2. Whoever is furthest along is asked to take over, so that nobody has to wait for a timeout. */
function leaveOffice(state: State): void {
  const { me } = state.settings;
  const successor = bestSuccessor(state);
  note(state, `n${me} steps down: the members have agreed to go on without it`);
  if (successor !== null) {
    send(state, { kind: "timeout-now", from: me, to: successor, term: state.term });
  }
  becomeFollower(state, null);
}
