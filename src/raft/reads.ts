/**
 * Linearizable reads without a log entry: ReadIndex (dissertation 6.4). A read waits for a heartbeat round that
 * began after it arrived to be answered by a quorum; then it sees everything that was committed when the round
 * began. Reads that arrive while a round is under way share the next one.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex, NodeId } from "../base/numbers.ts";
import type { ReadIndexRequest } from "./message.ts";
import { reachedByQuorum } from "./quorum.ts";
import type { Leader, Reader, ReadTicket, State } from "./state.ts";
import { knownLeader, send } from "./state.ts";

export function askToRead(state: State, ticket: ReadTicket): void {
  if (state.role.kind === "leader") state.role.reads.waiting.push({ kind: "own", ticket });
  else if (knownLeader(state) !== null) state.reads.waiting.push(ticket);
  else state.effects.abandoned.push(ticket);
}

/** A follower has reads of its own: its question waits for a round like any read. Only its newest one counts. */
export function onReadIndexRequest(state: State, m: ReadIndexRequest): void {
  const { role } = state;
  if (role.kind !== "leader" || m.term !== state.term || !role.followers.has(m.from)) return;
  const isOthers = (one: Reader): boolean => one.kind === "own" || one.follower !== m.from;
  role.reads.waiting = role.reads.waiting.filter(isOthers);
  role.reads.waiting.push({ kind: "follower", follower: m.from, id: m.id });
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
  role.reads.confirming = { round: role.round, index: state.commit, readers: role.reads.waiting };
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
  for (const reader of confirming.readers) confirm(state, reader, confirming.index);
  role.reads.confirming = null;
}

function confirm(state: State, reader: Reader, index: LogIndex): void {
  if (reader.kind === "own") {
    state.effects.confirmed.push({ ticket: reader.ticket, index });
    return;
  }
  const { follower: to, id } = reader;
  const from = state.settings.me;
  send(state, { kind: "read-index-response", from, to, term: state.term, id, index });
}
