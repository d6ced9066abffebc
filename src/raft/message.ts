/**
 * What servers say to each other. One message is one type; each names the figure, section or specification
 * action it implements. Every message may be lost, repeated, delayed and overtaken.
 */
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import type { Entry, EntryId, SnapshotId } from "./types.ts";

type Envelope = { readonly from: NodeId; readonly to: NodeId };

/** Why a server was asked for its vote: a transfer may pass a leader that is alive (dissertation 3.10, 4.2.3). */
export type CampaignReason = "timeout" | "transfer";

/** The answer to a request for a vote, with its reason. */
export type VoteAnswer = "granted" | "stale-term" | "already-voted" | "log-behind" | "leader-alive";

/**
 * Would-be candidate -> everyone: would you vote for me in `term`? (dissertation 9.6). Nobody's term moves:
 * `term` is the one that would be campaigned in, not one that anybody is in.
 */
export type PreVoteRequest = Envelope & {
  readonly kind: "pre-vote-request";
  readonly term: Term;
  readonly lastLog: EntryId;
};

/** The answer. `term` echoes the request when granted, and is the refuser's own term when not. */
export type PreVoteResponse = Envelope & {
  readonly kind: "pre-vote-response";
  readonly term: Term;
  readonly answer: VoteAnswer;
};

/** Candidate -> everyone: asks for a vote (paper Fig. 2, RequestVote RPC; raft.tla `RequestVote`). */
export type VoteRequest = Envelope & {
  readonly kind: "vote-request";
  readonly term: Term;
  readonly lastLog: EntryId;
  readonly reason: CampaignReason;
};

/** The answer (raft.tla `HandleRequestVoteResponse`). A grant is a promise: it waits for the disk. */
export type VoteResponse = Envelope & {
  readonly kind: "vote-response";
  readonly term: Term;
  readonly answer: VoteAnswer;
};

/**
 * Leader -> follower: these entries follow `previous` (paper Fig. 2, AppendEntries RPC; raft.tla
 * `AppendEntries`). Self-contained: any order of arrival is safe. `entries` may be empty (a probe).
 */
export type AppendRequest = Envelope & {
  readonly kind: "append-request";
  readonly term: Term;
  readonly previous: EntryId;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
};

/** Whether an append fitted onto the follower's log. */
export type AppendAnswer =
  /** The follower holds, durably, everything up to `index` as the leader has it. */
  | { readonly kind: "matched"; readonly index: LogIndex }
  /**
   * `previous` (echoed) did not fit. `hint` is the last entry of the follower that may: the last one of its log
   * whose term is not above the asked one (§5.3, end: one rejection per conflicting term).
   */
  | { readonly kind: "mismatched"; readonly previous: LogIndex; readonly hint: EntryId };

/** Follower -> leader. A match is a promise: it waits for the disk (raft.tla `HandleAppendEntriesResponse`). */
export type AppendResponse = Envelope & {
  readonly kind: "append-response";
  readonly term: Term;
  readonly answer: AppendAnswer;
};

/**
 * Leader -> everyone: I lead; `commit` never exceeds what the receiver is known to hold. `round` counts the
 * leader's heartbeat rounds: its echo confirms leadership for reads that arrived before it (dissertation 6.4).
 */
export type Heartbeat = Envelope & {
  readonly kind: "heartbeat";
  readonly term: Term;
  readonly commit: LogIndex;
  readonly round: number;
};

/**
 * Follower -> leader: I follow you; `round` echoes the heartbeat's, and is 0 in answer to one of an older term,
 * which confirms nothing. Never waits for the log. `last` is where the follower's log ends: less than it had
 * acknowledged before the round began means that its disk has lost some.
 */
export type HeartbeatResponse = Envelope & {
  readonly kind: "heartbeat-response";
  readonly term: Term;
  readonly round: number;
  readonly last: LogIndex;
};

/**
 * Leader -> follower: a piece of what stands for entries that the leader's log has no more (paper Fig. 13,
 * InstallSnapshot RPC; dissertation 5.3). `offset` is where the piece belongs in a file of `snapshot.bytes`.
 */
export type SnapshotRequest = Envelope & {
  readonly kind: "snapshot-request";
  readonly term: Term;
  readonly snapshot: SnapshotId;
  readonly offset: number;
  readonly piece: Uint8Array;
};

/**
 * Follower -> leader: so many bytes of that snapshot have come, from its beginning on. That all of it is installed is
 * said by an append-response: the follower holds the log up to its last entry.
 */
export type SnapshotResponse = Envelope & {
  readonly kind: "snapshot-response";
  readonly term: Term;
  readonly snapshot: SnapshotId;
  readonly received: number;
};

/** Leader -> its successor: campaign now, you have everything I have (dissertation 3.10). */
export type TimeoutNow = Envelope & { readonly kind: "timeout-now"; readonly term: Term };

/**
 * Follower -> leader: up to where is the log committed? (dissertation 6.4, for reads at followers). `id` is the
 * question's own: one that is asked again has another.
 */
export type ReadIndexRequest = Envelope & {
  readonly kind: "read-index-request";
  readonly term: Term;
  readonly id: number;
};

/** Leader -> follower, after a quorum has answered a round that began when the question had come. */
export type ReadIndexResponse = Envelope & {
  readonly kind: "read-index-response";
  readonly term: Term;
  readonly id: number;
  readonly index: LogIndex;
};

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse
  | SnapshotRequest
  | SnapshotResponse;

export type MessageKind = Message["kind"];
