/**
 * What clients and nodes say to each other. Requests travel in batches, so that many share a
 * datagram. Every batch may be lost, repeated, delayed and overtaken: an answer is matched by the
 * `id` its asker chose, and only a session (kv/command.ts) makes a repeated write happen once.
 */
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import type { ReadOperation, Reply } from "../kv/command.ts";

export type { ReadOperation };

/** `stale` is answered from what the asked node has applied, with no question to anybody. */
export type Consistency = "linearizable" | "stale";

export type RequestBody =
  /**
   * An encoded Command (codec/command.ts). It goes into the log, to disk and to the peers
   * unchanged.
   */
  | { readonly kind: "write"; readonly command: Uint8Array }
  | {
      readonly kind: "read";
      readonly operation: ReadOperation;
      readonly consistency: Consistency;
    }
  /**
   * Answered by any node that knows its answer to be no older than this; with 0 it sees everything that was
   * acknowledged before it was asked. A node that does not know asks its leader first (dissertation 6.4).
   */
  | {
      readonly kind: "bounded-read";
      readonly operation: ReadOperation;
      readonly ageMsMax: number;
    };

/** `id` is a whole number below 2^48 of the client's choice; the answer echoes it. */
export type ClientRequest = { readonly id: number; readonly body: RequestBody };

/** Client -> node. */
export type RequestBatch = readonly ClientRequest[];

/**
 * Why a node will never take this request, from anybody, at any time: it is not a command or read
 * that this version knows, or one that is over a limit of kv/command.ts.
 */
export type Refusal = "malformed" | "too-large";

/** What became of one request. Only `replied` says that something was applied. */
export type Outcome =
  /**
   * Applied (a write) or answered (a read). `index` and `term` say where in the log the answer
   * stands.
   */
  | {
      readonly kind: "replied";
      readonly reply: Reply;
      readonly index: LogIndex;
      readonly term: Term;
    }
  /**
   * A read that was answered without asking whether it is current. Everything that was committed `ageMs` before the
   * answer is in it; null: nobody has told this node since it started.
   */
  | {
      readonly kind: "dated";
      readonly reply: Reply;
      readonly index: LogIndex;
      readonly term: Term;
      readonly ageMs: number | null;
    }
  /** Nothing was appended here. `address` is `host:port` of the leader, where it is known. */
  | {
      readonly kind: "not-leader";
      readonly leader: NodeId | null;
      readonly address: string | null;
    }
  /** The queue is full: nothing was appended, ask again later. */
  | { readonly kind: "busy" }
  /** Nothing was appended, and asking again will not help. */
  | { readonly kind: "refused"; readonly because: Refusal }
  /**
   * This leader cannot reach a quorum; nothing was appended for this request. A read has no answer.
   */
  | { readonly kind: "no-quorum" }
  /**
   * The entry appended for this request was replaced by a later leader's: this try will never
   * commit.
   */
  | { readonly kind: "superseded" };

export type ClientResponse = { readonly id: number; readonly outcome: Outcome };

/** Node -> client. The answers to one batch of requests may come in several, in any order. */
export type ResponseBatch = readonly ClientResponse[];

/** Client -> node: describe yourself. Answered by any node in any state. */
export type StatusRequest = { readonly id: number };

/** Node -> client. `text` is one s-expression. */
export type StatusResponse = { readonly id: number; readonly text: string };
