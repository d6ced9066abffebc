/**
 * Raft, one server, one step: an input goes in, the state changes, effects are collected.
 *
 * Everything that can happen to a server is in `Input`; everything a server can hear is in `onMessage`. The
 * rule for terms stands here once (§5.1), and the invariants run around every step.
 */
import { unreachable } from "../base/assert.ts";
import type { LogIndex, Millis, NodeId } from "../base/numbers.ts";
import { earliest, millis } from "../base/numbers.ts";
import { beginChange, continueChange } from "./change.ts";
import {
  isHeldOff,
  onElectionTimeout,
  onNewerTerm,
  onPreVoteRequest,
  onPreVoteResponse,
  onTimeoutNow,
  onVoteRequest,
  onVoteResponse,
} from "./election.ts";
import { askAgainAt, askLeader, onReadIndexResponse } from "./follower-reads.ts";
import { checkState, checkStep, remember } from "./invariants.ts";
import type { Message } from "./message.ts";
import { askToRead, joinRound, onReadIndexRequest, readsWantRound } from "./reads.ts";
import {
  onAppendRequest,
  onAppendResponse,
  onDurable,
  onHeartbeat,
  onHeartbeatResponse,
  replicate,
  resendOverdue,
  sendHeartbeats,
  stepDownWithoutQuorum,
} from "./replication.ts";
import { advanceClusterTime, appendAsLeader, becomeFollower } from "./roles.ts";
import { compactLog, install, onSnapshotRequest, onSnapshotResponse } from "./snapshot.ts";
import type { Effects, ReadTicket, State } from "./state.ts";
import { noEffects, note, resetElectionTimer } from "./state.ts";
import { beginTransfer, continueTransfer } from "./transfer.ts";
import type { Configuration, EntryId, Place, SnapshotEnd } from "./types.ts";

/** Everything that can happen to a server. */
export type Input =
  /** The server has (re)started: its timers begin now (raft.tla `Restart`). */
  | { readonly kind: "start" }
  | { readonly kind: "message"; readonly message: Message }
  /** Some time has passed (raft.tla `Timeout`). */
  | { readonly kind: "time" }
  /** A client's command, for the leader's log (raft.tla `ClientRequest`). */
  | { readonly kind: "propose"; readonly command: Uint8Array }
  | { readonly kind: "read"; readonly ticket: ReadTicket }
  /** The own disk holds the log up to this entry. */
  | { readonly kind: "durable"; readonly last: EntryId }
  | { readonly kind: "transfer"; readonly target: NodeId }
  /** Other members (dissertation ch. 4). The caller has asked `changeRefusal`. */
  | {
      readonly kind: "change";
      readonly target: Configuration;
      /** What is known of those who go: they decide for a while, and the others must reach them. */
      readonly leaving: readonly Place[];
    }
  /** A snapshot from elsewhere is durable here. The caller has asked `installVerdict`. */
  | { readonly kind: "install"; readonly end: SnapshotEnd }
  /** A durable snapshot stands for the log up to this entry, at least: it may be forgotten. */
  | { readonly kind: "compact"; readonly to: LogIndex }
  /** The own disk does not answer: a leader must not hold on (U8). */
  | { readonly kind: "disk-stalled" }
  /** A batch of inputs is over: send what has gathered (raft.tla `AppendEntries`). */
  | { readonly kind: "flush" };

/** Why this server takes no commands at the moment, or null. */
export type ProposalRefusal = "not-leader" | "handing-over";

export function proposalRefusal(state: State): ProposalRefusal | null {
  if (state.role.kind !== "leader") return "not-leader";
  return state.role.transfer === null ? null : "handing-over";
}

export function step(state: State, now: Millis, input: Input): void {
  const before = remember(state);
  const elapsedMs = Math.max(0, now - state.now);
  state.now = millis(Math.max(now, state.now));
  if (state.role.kind === "leader") advanceClusterTime(state, state.role, elapsedMs);
  handle(state, input);
  checkState(state);
  checkStep(before, state);
}

/** What the steps since the last call ask of the world. */
export function takeEffects(state: State): Effects {
  const { effects } = state;
  state.effects = noEffects();
  return effects;
}

function handle(state: State, input: Input): void {
  switch (input.kind) {
    case "start":
      return resetElectionTimer(state);
    case "message":
      return onMessage(state, input.message);
    case "time":
      return onTime(state);
    case "propose":
      return propose(state, input.command);
    case "read":
      return askToRead(state, input.ticket);
    case "durable":
      return onDurable(state, input.last);
    case "transfer":
      beginTransfer(state, input.target);
      return;
    case "change":
      return beginChange(state, input);
    case "install":
      return install(state, input.end);
    case "compact":
      return compactLog(state, input.to);
    case "disk-stalled":
      return onDiskStalled(state);
    case "flush":
      return flush(state);
    default:
      return unreachable(input);
  }
}

/** The caller has asked `proposalRefusal`: what is proposed elsewhere is dropped. */
function propose(state: State, command: Uint8Array): void {
  if (state.role.kind !== "leader" || state.role.transfer !== null) return;
  appendAsLeader(state, state.role, { kind: "command", body: command });
}

function onTime(state: State): void {
  const { role } = state;
  if (role.kind === "leader") {
    stepDownWithoutQuorum(state, role);
  } else if (state.now >= state.electionAt) onElectionTimeout(state);
}

function onDiskStalled(state: State): void {
  if (state.role.kind !== "leader") return;
  note(state, `n${state.settings.me} steps down: its disk does not answer`);
  becomeFollower(state, null);
}

function flush(state: State): void {
  const { role } = state;
  askLeader(state);
  if (role.kind !== "leader") return;
  if (continueChange(state, role) === "left-office") return;
  // Not only when a heartbeat is due: the rounds of a stream of reads put that off again and again.
  resendOverdue(state, role);
  if (state.now >= role.heartbeatAt) sendHeartbeats(state, role);
  replicate(state, role);
  if (readsWantRound(state, role) === "begin") {
    sendHeartbeats(state, role);
    joinRound(state, role);
  }
  continueTransfer(state, role);
}

function onMessage(state: State, m: Message): void {
  if (m.term > state.term && movesTerm(state, m)) onNewerTerm(state, m.from, m.term);
  switch (m.kind) {
    case "pre-vote-request":
      return onPreVoteRequest(state, m);
    case "pre-vote-response":
      return onPreVoteResponse(state, m);
    case "vote-request":
      return onVoteRequest(state, m);
    case "vote-response":
      return onVoteResponse(state, m);
    case "append-request":
      return onAppendRequest(state, m);
    case "append-response":
      return onAppendResponse(state, m);
    case "heartbeat":
      return onHeartbeat(state, m);
    case "heartbeat-response":
      return onHeartbeatResponse(state, m);
    case "snapshot-request":
      return onSnapshotRequest(state, m);
    case "snapshot-response":
      return onSnapshotResponse(state, m);
    case "timeout-now":
      return onTimeoutNow(state, m);
    case "read-index-request":
      return onReadIndexRequest(state, m);
    case "read-index-response":
      return onReadIndexResponse(state, m);
    default:
      return unreachable(m);
  }
}

/** A newer term is adopted, unless it is only a question (pre-vote) or a living leader stands against it. */
function movesTerm(state: State, m: Message): boolean {
  switch (m.kind) {
    case "pre-vote-request":
      return false;
    case "pre-vote-response":
      return m.answer !== "granted";
    case "vote-request":
      return !isHeldOff(state, m);
    default:
      return true;
  }
}

/** When the next "time" input is due. */
export const nextDeadline = (state: State): Millis =>
  state.role.kind === "leader"
    ? state.role.heartbeatAt
    : earliest(state.electionAt, askAgainAt(state));
