/**
 * Linearizable reads at a follower (dissertation 6.4): it asks its leader for a read index, and answers when it has
 * applied that far. All reads that arrived since the last question go with the next one; a question that is asked
 * again is a new question, and its index a new index: none is ever used for a read that came after it was asked for
 * (P27, U5).
 */
import { later, type Millis, type NodeId, never, type Term } from "../base/numbers.ts";
import type { ReadIndexResponse } from "./message.ts";
import type { ReadTicket, State } from "./state.ts";
import { replicationLimits, send } from "./state.ts";

/** A question that is under way, and the reads that came before it. */
type Question = {
  id: number;
  readonly leader: NodeId;
  readonly term: Term;
  readonly since: Millis;
  readonly tickets: ReadTicket[];
  askAgainAt: Millis;
  againMs: number;
};

/** Reads on their way through the leader. */
export type FollowerReads = {
  waiting: ReadTicket[];
  asked: Question | null;
  /** The last question's number; 0 before the first. */
  lastId: number;
};

export const noFollowerReads = (): FollowerReads => ({ waiting: [], asked: null, lastId: 0 });

/** Questions are numbered from anywhere: an answer to one of an earlier life of this server names none of this one. */
const firstIdMax = 2 ** 40;

/** A batch of inputs is over: what has arrived is asked for, unless a question is under way already. */
export function askLeader(state: State): void {
  const { reads } = state;
  if (reads.asked === null && reads.waiting.length === 0) return;
  const { role } = state;
  // Who leads by now confirms them itself: the round that does so has yet to begin.
  if (role.kind === "leader") {
    role.reads.waiting.push(...takeAll(reads).map((ticket) => ({ kind: "own", ticket }) as const));
    return;
  }
  const leader = role.kind === "follower" ? role.leader : null;
  const { asked } = reads;
  const isOver = asked !== null && (asked.leader !== leader || asked.term !== state.term);
  if (leader === null || isOver || isTooOld(state, asked)) {
    state.effects.abandoned.push(...takeAll(reads));
    return;
  }
  if (asked === null) ask(state, leader);
  else if (state.now >= asked.askAgainAt) askAgain(state, asked);
}

function ask(state: State, leader: NodeId): void {
  const { reads, now, term } = state;
  const againMs = replicationLimits.resendHeartbeats * state.settings.timing.heartbeatMs;
  const tickets = reads.waiting;
  reads.waiting = [];
  const askAgainAt = later(now, againMs);
  const id = nextId(state);
  reads.asked = { id, leader, term, since: now, tickets, askAgainAt, againMs };
  sendQuestion(state, { id, leader });
}

/** The question or its answer was lost, or is late: it is asked anew, for all that wait by now. */
function askAgain(state: State, asked: Question): void {
  const { reads, settings } = state;
  asked.tickets.push(...reads.waiting);
  reads.waiting = [];
  asked.id = nextId(state);
  asked.againMs = Math.min(asked.againMs * 2, settings.timing.electionMsMin);
  asked.askAgainAt = later(state.now, asked.againMs);
  sendQuestion(state, asked);
}

function nextId(state: State): number {
  const { reads } = state;
  if (reads.lastId === 0) reads.lastId = state.random.below(firstIdMax);
  reads.lastId += 1;
  return reads.lastId;
}

function sendQuestion(state: State, { id, leader }: { id: number; leader: NodeId }): void {
  const from = state.settings.me;
  send(state, { kind: "read-index-request", from, to: leader, term: state.term, id });
}

/** Nobody answers: the clients may have more luck elsewhere. */
const isTooOld = (state: State, asked: Question | null): boolean =>
  asked !== null && state.now >= later(asked.since, state.settings.timing.electionMsMax);

function takeAll(reads: FollowerReads): readonly ReadTicket[] {
  const tickets = [...(reads.asked?.tickets ?? []), ...reads.waiting];
  reads.asked = null;
  reads.waiting = [];
  return tickets;
}

/** The leader was confirmed after the question came: everything before `index` is to be seen, and that is enough. */
export function onReadIndexResponse(state: State, m: ReadIndexResponse): void {
  const { asked } = state.reads;
  if (asked === null || m.id !== asked.id || m.term !== asked.term) return;
  state.reads.asked = null;
  for (const ticket of asked.tickets) state.effects.confirmed.push({ ticket, index: m.index });
}

/** When the question under way is to be asked again. */
export const askAgainAt = (state: State): Millis => state.reads.asked?.askAgainAt ?? never;
