/**
 * What must always be true of one server, in sentences, run around every step, in production too. Each is a
 * few comparisons: none walks the log. What can only be seen from outside (one leader per term, equal logs) is
 * for the simulator to check.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import type { Leader, Role, State } from "./state.ts";

/** What a step is compared with afterwards. */
export type Before = {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly role: Role["kind"];
  readonly commit: LogIndex;
  readonly lastIndex: LogIndex;
  readonly baseIndex: LogIndex;
  readonly truncations: number;
};

export const remember = (state: State): Before => ({
  term: state.term,
  votedFor: state.votedFor,
  role: state.role.kind,
  commit: state.commit,
  lastIndex: state.log.lastIndex,
  baseIndex: state.log.base.index,
  truncations: state.log.truncations,
});

/** One state. */
export function checkState(state: State): void {
  const { log, role } = state;
  assert(log.lastTerm <= state.term, "no entry is newer than the current term");
  assert(state.commit >= log.base.index, "what the log has forgotten is committed");
  assert(state.commit <= log.lastIndex, "only what is in the log is committed");
  assert(state.durable <= log.lastIndex, "only what is in the log is on the disk");
  if (role.kind === "follower") {
    assert(role.leader !== state.settings.me, "a server does not follow itself");
  } else if (role.kind !== "pre-candidate") {
    assert(state.votedFor === state.settings.me, "who campaigns or leads has voted for itself");
  }
  if (role.kind === "leader") checkLeader(state, role);
}

function checkLeader(state: State, role: Leader): void {
  const { lastIndex } = state.log;
  assert(role.opening <= lastIndex, "a leader's own first entry stays in its log");
  for (const progress of role.followers.values()) {
    assert(progress.match < progress.next, "what is sent next is not acknowledged yet");
    assert(progress.match <= lastIndex, "a follower holds nothing that its leader lacks");
    assert(progress.round <= role.round, "no follower answers a round before it begins");
  }
}

/** One step. */
export function checkStep(before: Before, after: State): void {
  assert(after.term >= before.term, "a term never goes back");
  assert(after.commit >= before.commit, "a commit index never goes back");
  assert(after.log.base.index >= before.baseIndex, "what is forgotten does not come back");
  if (after.term !== before.term) return;
  if (before.votedFor !== null) {
    assert(after.votedFor === before.votedFor, "a vote is given once per term");
  }
  if (before.role !== "leader") return checkNewLeader(before, after);
  assert(after.log.lastIndex >= before.lastIndex, "a leader only adds to its log");
  assert(after.log.truncations === before.truncations, "a leader takes nothing back");
  if (after.role.kind === "leader") checkLeaderCommit(before, after);
}

function checkNewLeader(before: Before, after: State): void {
  if (after.role.kind !== "leader") return;
  assert(before.role !== "follower", "nobody leads without having campaigned");
}

function checkLeaderCommit(before: Before, after: State): void {
  if (after.commit === before.commit) return;
  assert(
    after.log.termAt(after.commit) === after.term,
    "a leader commits by an entry of its own term",
  );
}
