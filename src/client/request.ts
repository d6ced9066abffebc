/**
 * What is asked of the client half and what becomes of it. There are three outcomes and never two:
 * a request was committed, was rejected (it has and will have no effect), or nobody here can tell.
 */
import type { Address } from "../base/address.ts";
import type { LogIndex, Millis, NodeId, Term } from "../base/numbers.ts";
import type { Refusal } from "../codec/client-message.ts";
import type { CommandProblem } from "../codec/command-problem.ts";
import type { Operation, Reply } from "../kv/command.ts";

/** Names one request of one `submit` to its caller. */
export type Ticket = number;

/**
 * Names a request to the cluster for as long as its session is known there: whoever sends it again
 * under this name makes it happen once.
 */
export type RequestId = { readonly session: number; readonly sequence: number };

export const formatRequestId = (id: RequestId): string => `${id.session}-${id.sequence}`;

/** `12-3`, or null. */
export function parseRequestId(text: string): RequestId | null {
  const match = /^([1-9]\d{0,14})-([1-9]\d{0,14})$/.exec(text);
  return match === null ? null : { session: Number(match[1]), sequence: Number(match[2]) };
}

/**
 * How a get or a list is answered: `linearizable` sees every write that was acknowledged before, and
 * is asked of the leader, as long as that one answers: it is there one round trip sooner. `anywhere`
 * sees as much, and is asked of whichever node this client talks to. `stale` is whatever the asked node
 * has applied, `logged` goes through the log like a write. Writes have no choice.
 */
export type Consistency = "linearizable" | "anywhere" | "stale" | "logged";

/** How old a stale answer may be; unknown where the node had no word from a leader since it started. */
export type Age = { readonly kind: "at-most"; readonly ms: number } | { readonly kind: "unknown" };

export type Request = {
  readonly operation: Operation;
  readonly consistency: Consistency;
  /** A stale answer that may be older than this is none. */
  readonly ageMsMax?: number;
  /** Whatever is not known by then is given up: rejected or unknown. */
  readonly deadline: Millis;
  /** An earlier request to be sent again, of this process or another; null for a new one. */
  readonly again: RequestId | null;
};

/** Why a request has had no effect. */
export type Rejection =
  /** It is over a limit, and was not sent. */
  | { readonly kind: "invalid"; readonly problem: CommandProblem }
  /** A node will not take it, from nobody: another version, or broken on the way. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** No node has answered anything since it was submitted. */
  | { readonly kind: "unreachable" }
  /** Nodes answer, and none of them leads with a quorum behind it. */
  | { readonly kind: "no-leader" }
  /** Nodes said that they have more to do than they take on. */
  | { readonly kind: "busy" };

export type Doubt =
  /** It was sent, and the deadline passed without an answer that settles it. */
  | "deadline"
  /** Its session is forgotten: an earlier try may have had its effect before that. */
  | "session-lost";

export type Result =
  | {
      readonly kind: "committed";
      readonly reply: Reply;
      readonly index: LogIndex;
      readonly term: Term;
      readonly requestId: RequestId | null;
      /** Of a stale read's answer. */
      readonly age?: Age;
    }
  | {
      readonly kind: "rejected";
      readonly because: Rejection;
      readonly requestId: RequestId | null;
      readonly nodes: readonly NodeReport[];
    }
  | {
      readonly kind: "unknown";
      readonly because: Doubt;
      readonly requestId: RequestId | null;
      readonly nodes: readonly NodeReport[];
    }
  /** The answer to `submitStatus`: one s-expression. */
  | { readonly kind: "status"; readonly text: string; readonly id: NodeId };

export type Settled = { readonly ticket: Ticket; readonly result: Result };

/** What a node last said about itself. */
export type Said =
  | { readonly kind: "leads" }
  | { readonly kind: "follows"; readonly leader: NodeId }
  | { readonly kind: "knows-no-leader" }
  | { readonly kind: "has-no-quorum" }
  | { readonly kind: "busy" }
  /** It answered, but nothing that tells what it is. */
  | { readonly kind: "alive" };

/** How it stands with a node, for the operator. */
export type Contact =
  | { readonly kind: "not-asked" }
  | { readonly kind: "answered"; readonly said: Said }
  /** Nobody listens at its address. */
  | { readonly kind: "refused" }
  | { readonly kind: "silent"; readonly forMs: number };

export type NodeReport = {
  readonly id: NodeId | null;
  readonly address: Address;
  readonly contact: Contact;
};
