/**
 * One server's part in Raft (paper Fig. 2, "State"), the knobs, and what a step may ask of the world.
 *
 * State is changed in place: a step is on the path of every request. What must survive is compared before and
 * after by replica/, so no handler can forget to save it.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex, Millis, NodeId, Term } from "../base/numbers.ts";
import { later, millis, never, nextIndex, noIndex } from "../base/numbers.ts";
import { between, type Random } from "../base/random.ts";
import { type FollowerReads, noFollowerReads } from "./follower-reads.ts";
import { Log } from "./log.ts";
import { Membership } from "./membership.ts";
import type { Message, SnapshotRequest, SnapshotResponse } from "./message.ts";
import type { Configuration, Entry, EntryId, HardState } from "./types.ts";

export type Timing = {
  readonly heartbeatMs: number;
  readonly electionMsMin: number;
  readonly electionMsMax: number;
};

export const defaultTiming: Timing = { heartbeatMs: 60, electionMsMin: 600, electionMsMax: 1200 };

export const replicationLimits = {
  /** Appends under way to one follower, and the bytes in them. */
  inflightMessagesMax: 64,
  inflightBytesMax: 1 << 20,
  /** Without an acknowledgement for this many heartbeats an append counts as lost. */
  resendHeartbeats: 2,
} as const;

export type PreVote = "with-pre-vote" | "without-pre-vote";

export type Settings = {
  readonly me: NodeId;
  readonly timing: Timing;
  /** Entries of one append stay below this, unless a single one is larger. */
  readonly appendBytesMax: number;
  /** Appends that begin with a larger one: how much they hold, and how many are under way. Not said: as others. */
  readonly largeAppends?: { readonly bytesMax: number; readonly inflightMax: number };
  readonly preVote: PreVote;
};

/** An append that was sent and not yet acknowledged. */
export type Inflight = {
  readonly last: LogIndex;
  readonly bytes: number;
  readonly sentAt: Millis;
};

/** What the leader knows of one follower. */
export type Progress = {
  /** Held durably by the follower, as the leader has it. Goes back only when its disk has lost some. */
  match: LogIndex;
  /** The next entry to send; always above `match`. */
  next: LogIndex;
  /**
   * "probing": one append at a time, to find where the logs agree. "replicating": a window of them. "installing": what
   * it needs is in a snapshot only, and no append is sent before it has that.
   */
  mode: "probing" | "replicating" | "installing";
  inflight: Inflight[];
  inflightBytes: number;
  /** How long to wait for an acknowledgement; doubles while none comes. */
  resendMs: number;
  /** When the follower last answered in this term. */
  heardAt: Millis;
  /** The newest heartbeat round it has answered. */
  round: number;
  /** `match` when the newest round began. */
  matchAtRound: LogIndex;
  /** How a learner comes along; null for whoever votes. */
  catchUp: CatchUp | null;
};

/**
 * Rounds of catching up (dissertation 4.2.1): each is to bring what the log had when it began. A learner whose last
 * round was short would not hold up a quorum.
 */
export type CatchUp = { target: LogIndex; since: Millis; lastRoundMs: number };

export type ReadTicket = number;

/** Who wants to know what is committed: reads of this server's own clients, or a follower with reads of its. */
export type Reader =
  | { readonly kind: "own"; readonly ticket: ReadTicket }
  | { readonly kind: "follower"; readonly follower: NodeId; readonly id: number };

/** Reads on their way through ReadIndex (dissertation 6.4). */
export type Reads = {
  waiting: Reader[];
  confirming: {
    readonly round: number;
    readonly index: LogIndex;
    readonly readers: readonly Reader[];
  } | null;
};

export type Transfer = { readonly target: NodeId; readonly deadline: Millis; asked: Millis | null };

export type Role =
  | { readonly kind: "follower"; readonly leader: NodeId | null }
  | { readonly kind: "pre-candidate"; readonly votes: Map<NodeId, "yes" | "no"> }
  | { readonly kind: "candidate"; readonly votes: Map<NodeId, "yes" | "no"> }
  | Leader;

export type Leader = {
  readonly kind: "leader";
  readonly followers: Map<NodeId, Progress>;
  /** The entry that opened this leadership: commits count from here on (§5.4.2). */
  readonly opening: LogIndex;
  readonly since: Millis;
  /** Cluster time now; see Entry.time. */
  time: Millis;
  round: number;
  heartbeatAt: Millis;
  reads: Reads;
  transfer: Transfer | null;
};

/** What a step asks of the world. Collected until taken, in order. */
export type Effects = {
  readonly send: Message[];
  /** Reads that may be answered once everything up to `index` is applied. */
  readonly confirmed: { readonly ticket: ReadTicket; readonly index: LogIndex }[];
  /** Reads that this server cannot answer: it does not lead (any more). */
  readonly abandoned: ReadTicket[];
  /** Followers that need a snapshot from now on. */
  readonly behind: NodeId[];
  /** What was heard about snapshots, in order: for whoever has the bytes. */
  readonly snapshots: (SnapshotRequest | SnapshotResponse)[];
  /** What happened, in sentences, for the operator. */
  readonly notes: string[];
};

/** Before anything that was ever heard. */
export const longAgo = millis(Number.NEGATIVE_INFINITY);

export const noEffects = (): Effects => ({
  send: [],
  confirmed: [],
  abandoned: [],
  behind: [],
  snapshots: [],
  notes: [],
});

export type State = {
  readonly settings: Settings;
  readonly random: Random;
  /** The time of the last input. */
  now: Millis;
  term: Term;
  votedFor: NodeId | null;
  role: Role;
  readonly log: Log;
  readonly membership: Membership;
  commit: LogIndex;
  /** Own entries known to be on the own disk. */
  durable: LogIndex;
  /** Reads that arrived while this server does not lead. */
  readonly reads: FollowerReads;
  /** When to campaign, unless a leader is heard from first. */
  electionAt: Millis;
  /** When a leader of the current term was last heard from. */
  leaderHeardAt: Millis;
  effects: Effects;
};

export type Recovered = {
  readonly hardState: HardState;
  readonly base: EntryId;
  /** Cluster time of the entry at `base`; left out where the log begins with its first entry. */
  readonly baseTime?: Millis;
  readonly entries: readonly Entry[];
  /** The configuration in force at `base`. */
  readonly configuration: Configuration;
  /** Known to be committed: a lower bound. */
  readonly commit: LogIndex;
};

export function createState(settings: Settings, recovered: Recovered, random: Random): State {
  const { heartbeatMs, electionMsMin, electionMsMax } = settings.timing;
  assert(electionMsMin >= 2 * heartbeatMs, "a lost heartbeat does not start an election");
  assert(electionMsMin <= electionMsMax, "the election range is a range");
  const log = new Log(recovered.base, recovered.entries, recovered.baseTime);
  const origin = { index: recovered.base.index, configuration: recovered.configuration };
  const state: State = {
    settings,
    random,
    now: millis(0),
    term: recovered.hardState.term,
    votedFor: recovered.hardState.votedFor,
    role: { kind: "follower", leader: null },
    log,
    membership: new Membership(origin, recovered.entries),
    commit: recovered.commit,
    durable: log.lastIndex,
    reads: noFollowerReads(),
    electionAt: never,
    leaderHeardAt: longAgo,
    effects: noEffects(),
  };
  assert(log.lastTerm <= state.term, "no entry is from a term that this server has not seen");
  return state;
}

export const send = (state: State, message: Message): void => {
  state.effects.send.push(message);
};

export const note = (state: State, sentence: string): void => {
  state.effects.notes.push(sentence);
};

/** Draws a new election timeout from now (§5.2: random, so that few campaign at once). */
export function resetElectionTimer(state: State): void {
  const { electionMsMin, electionMsMax } = state.settings.timing;
  const wait = between(state.random, { min: electionMsMin, max: electionMsMax });
  state.electionAt = later(state.now, wait);
}

/** The leader as this server knows it, or null. */
export function knownLeader(state: State): NodeId | null {
  if (state.role.kind === "leader") return state.settings.me;
  return state.role.kind === "follower" ? state.role.leader : null;
}

/** A new leader assumes that everybody has what it has, and finds out (paper Fig. 2, nextIndex). */
export const firstProgress = (state: State): Progress => ({
  match: noIndex,
  next: nextIndex(state.log.lastIndex),
  mode: "probing",
  inflight: [],
  inflightBytes: 0,
  resendMs: replicationLimits.resendHeartbeats * state.settings.timing.heartbeatMs,
  heardAt: state.now,
  round: 0,
  matchAtRound: noIndex,
  catchUp: null,
});
