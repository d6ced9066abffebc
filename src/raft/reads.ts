/**
 * Linearizable reads without a log entry: ReadIndex (dissertation 6.4). A read waits for a heartbeat round that
 * began after it arrived to be answered by a quorum; then it sees everything that was committed when the round
 * began. Reads that arrive while a round is under way share the next one.
 */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import { reachedByQuorum } from "./quorum.ts";
import type { Leader, ReadTicket, State } from "./state.ts";

export function askToRead(state: State, ticket: ReadTicket): void {
  if (state.role.kind === "leader") state.role.reads.waiting.push(ticket);
  else state.effects.abandoned.push(ticket);
}

/** Whether a heartbeat round should begin now for the sake of reads. */
export function readsWantRound(state: State, role: Leader): "begin" | "wait" {
  if (role.reads.waiting.length === 0 || role.reads.confirming !== null) return "wait";
  // Until its own no-op is committed, a new leader does not know what is (§8).
  return state.commit >= role.opening ? "begin" : "wait";
}

/** The round has just begun: everything waiting goes with it. */
export function joinRound(state: State, role: Leader): void {
  assert(state.commit >= role.opening, "reads wait for a commit of the own term");
  role.reads.confirming = { round: role.round, index: state.commit, tickets: role.reads.waiting };
  role.reads.waiting = [];
  onRoundAnswered(state, role);
}

/** Rounds are counted per follower: a repeated answer adds nothing. */
export function onRoundAnswered(state: State, role: Leader): void {
  const { confirming } = role.reads;
  if (confirming === null) return;
  const answered = (id: NodeId): number =>
    id === state.settings.me ? role.round : (role.followers.get(id)?.round ?? 0);
  if (reachedByQuorum(state.membership.current, answered) < confirming.round) return;
  for (const ticket of confirming.tickets) {
    state.effects.confirmed.push({ ticket, index: confirming.index });
  }
  role.reads.confirming = null;
}
