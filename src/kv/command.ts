/**
 * What is replicated: commands, and what applying one answers. Keys are byte strings
 * (base/bytes.ts), values are bytes. A key's revision is the log index of its last write.
 */
import { unreachable } from "../base/assert.ts";
import { type LogIndex, type Millis, noIndex } from "../base/numbers.ts";
import type { CountRefusal } from "./counting.ts";

export const limits = {
  keyBytesMax: 1024,
  valueBytesMax: 1 << 20,
  /** Keys in one answer to `list`; the rest is asked for with the last key seen. */
  listKeysMax: 1000,
  /** Bytes of keys and values in one answer to `list`. */
  listBytesMax: 1 << 20,
  /** Steps of both branches of a transaction. */
  stepsMax: 512,
  /** Comparisons of its guard, and what joins them; and how deep they are nested. */
  guardPartsMax: 128,
  guardDepthMax: 8,
  /** Bytes of the values that one transaction reads. */
  answerBytesMax: 1 << 20,
  /** How far one `incr` counts. */
  countByMax: 2 ** 48 - 1,
  sessionsMax: 10_000,
  /** Requests of one session that may be unanswered at once; so many replies are kept for it. */
  sessionWindow: 1024,
  /** A session that wrote nothing for this long, in cluster time, is forgotten. */
  sessionIdleMs: 24 * 60 * 60 * 1000,
  leasesMax: 100_000,
  /** Keys that go with one lease. */
  leaseKeysMax: 10_000,
  /** How long a lease lasts without being kept alive. */
  leaseMsMin: 100,
  leaseMsMax: 365 * 24 * 60 * 60 * 1000,
  /** Leases that one expiry ends, and the keys that go with them; the rest follows in the next. */
  expiryLeasesMax: 256,
  expiryKeysMax: 10_000,
} as const;

/** A client's session: the log index at which it was registered (dissertation 6.3). */
export type SessionId = number;

/** A lease's name: the log index at which it began. */
export type LeaseId = number;

/** How long a key stays that is not written again. */
export type Tenure =
  /** So long, unless its lease is kept alive: it has one of its own, named by the index of the write. */
  | { readonly kind: "own"; readonly ttlMs: number }
  /** As long as a lease that was granted. */
  | { readonly kind: "granted"; readonly lease: LeaseId };

/** What must hold of a key for a write to happen. */
export type Condition =
  | { readonly kind: "always" }
  | { readonly kind: "absent" }
  | { readonly kind: "revision"; readonly revision: LogIndex };

/** A key that is absent has revision 0, which a condition may name. */
export function meetsCondition(condition: Condition, revision: LogIndex): boolean {
  switch (condition.kind) {
    case "always":
      return true;
    case "absent":
      return revision === noIndex;
    case "revision":
      return revision === condition.revision;
    default:
      return unreachable(condition);
  }
}

/** One change or one read, as the user means it. */
export type Operation =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly condition: Condition;
    }
  /** A put whose key goes when a lease ends. */
  | {
      readonly kind: "put-leased";
      readonly key: string;
      readonly value: Uint8Array;
      readonly condition: Condition;
      readonly tenure: Tenure;
    }
  | { readonly kind: "delete"; readonly key: string }
  | {
      readonly kind: "cas";
      readonly key: string;
      readonly expected: Uint8Array;
      readonly value: Uint8Array;
    }
  | { readonly kind: "get"; readonly key: string }
  | {
      readonly kind: "list";
      readonly prefix: string;
      /** Only keys from this one on, and below that one; "": no such bound. */
      readonly from: string;
      readonly to: string;
      /** Only keys after this one, the last of the page before; "" for the first page. */
      readonly after: string;
      readonly limit: number;
      readonly show: "keys" | "values";
      readonly revision: ListRevision;
    }
  /** Counts a decimal value on by so much; a key without a value counts from 0. */
  | { readonly kind: "incr"; readonly key: string; readonly by: number }
  /** All steps of one branch, or nothing. A batch is a transaction whose guard is an empty "and". */
  | {
      readonly kind: "txn";
      readonly guard: Guard;
      readonly holding: readonly Step[];
      readonly otherwise: readonly Step[];
    }
  | { readonly kind: "noop" }
  | { readonly kind: "lease-grant"; readonly ttlMs: number }
  /** Ends the lease now; its keys go with it. */
  | { readonly kind: "lease-revoke"; readonly lease: LeaseId }
  /** The lease has its whole time again. */
  | { readonly kind: "lease-keep-alive"; readonly lease: LeaseId }
  /** The leases there are, after one; 0: from the first. */
  | { readonly kind: "leases"; readonly after: LeaseId; readonly limit: number };

/** Operations that change nothing, and so need not go through the log. */
export type ReadOperation = Extract<Operation, { readonly kind: "get" | "list" | "leases" }>;
export type WriteOperation = Exclude<Operation, ReadOperation>;

export const isReadOperation = (operation: Operation): operation is ReadOperation =>
  operation.kind === "get" || operation.kind === "list" || operation.kind === "leases";

/** Which moment a page of a list is of. */
export type ListRevision =
  | { readonly kind: "now" }
  /** Now, and the pages that follow can be asked for as of then. */
  | { readonly kind: "hold" }
  /** As of an index that was held. */
  | { readonly kind: "at"; readonly index: LogIndex };

export type ListOperation = Extract<Operation, { readonly kind: "list" }>;

/** All keys, a page of them, as of now: what a list is made from. */
export const wholeList: ListOperation = {
  ...{ kind: "list", prefix: "", from: "", to: "", after: "" },
  ...{ limit: limits.listKeysMax, show: "keys", revision: { kind: "now" } },
};

export const relations = ["=", "!=", "<", "<=", ">", ">="] as const;
export type Relation = (typeof relations)[number];

/** What a transaction asks of the store before it chooses a branch. */
export type Guard =
  | { readonly kind: "exists"; readonly key: string }
  | {
      readonly kind: "revision";
      readonly key: string;
      readonly relation: Relation;
      readonly revision: LogIndex;
    }
  /** Values are compared as bytes. */
  | {
      readonly kind: "value";
      readonly key: string;
      readonly relation: Relation;
      readonly value: Uint8Array;
    }
  | { readonly kind: "not"; readonly guard: Guard }
  /** An empty "and" holds, an empty "or" does not. */
  | { readonly kind: "and"; readonly guards: readonly Guard[] }
  | { readonly kind: "or"; readonly guards: readonly Guard[] };

/** What a transaction may do. A put has no condition of its own: the guard is the place for it. */
export type Step = Extract<Operation, { readonly kind: "put" | "delete" | "incr" | "get" }>;

/**
 * What a log entry carries. `sequence` numbers the requests of a session from 1; every sequence
 * below `acknowledged` has had its reply, which is forgotten then.
 */
export type Command =
  | { readonly kind: "register"; readonly nonce: number }
  | {
      readonly kind: "request";
      readonly session: SessionId;
      readonly sequence: number;
      readonly acknowledged: number;
      readonly operation: Operation;
    }
  /**
   * The leader's own, never a client's: the time of these leases is up, unless they were kept alive before this
   * entry. With none it only marks the time.
   */
  | { readonly kind: "expire"; readonly leases: readonly LeaseId[] };

/** One lease in an answer. `deadline` is in cluster time; `keys` counts them. */
export type LeaseItem = {
  readonly lease: LeaseId;
  readonly origin: "granted" | "own";
  readonly ttlMs: number;
  readonly deadline: Millis;
  readonly keys: number;
};

/** One key in an answer. */
export type Item = {
  readonly key: string;
  readonly revision: LogIndex;
  readonly value: Uint8Array | null;
};

/** What applying an operation answers. Deterministic: the same on every replica. */
export type Reply =
  | { readonly kind: "registered"; readonly session: SessionId }
  | { readonly kind: "written"; readonly index: LogIndex }
  | { readonly kind: "deleted"; readonly index: LogIndex }
  | { readonly kind: "absent" }
  | { readonly kind: "found"; readonly revision: LogIndex; readonly value: Uint8Array }
  | { readonly kind: "listed"; readonly items: readonly Item[]; readonly more: "more" | "end" }
  /** What the list held at that index is not kept (any more, or by this server). */
  | { readonly kind: "view-lost"; readonly index: LogIndex }
  | { readonly kind: "done"; readonly index: LogIndex }
  | { readonly kind: "counted"; readonly index: LogIndex; readonly value: number }
  /** The value cannot be counted on: nothing was written. `revision` is the key's now, 0 where it is absent. */
  | {
      readonly kind: "count-refused";
      readonly because: CountRefusal;
      readonly revision: LogIndex;
    }
  /** One answer to each step of the branch that was taken. */
  | {
      readonly kind: "transacted";
      readonly index: LogIndex;
      readonly branch: "then" | "else";
      readonly answers: readonly StepReply[];
    }
  /** A step of the branch cannot be done, so none of them was. Steps are counted from 0. */
  | {
      readonly kind: "txn-refused";
      readonly because: CountRefusal | "answer-too-large";
      readonly step: number;
    }
  | { readonly kind: "lease-granted"; readonly lease: LeaseId }
  /** `ttlMs`: how long it lasts from this entry on. */
  | { readonly kind: "lease-kept"; readonly lease: LeaseId; readonly ttlMs: number }
  /** `keys`: how many went with it. */
  | { readonly kind: "lease-revoked"; readonly lease: LeaseId; readonly keys: number }
  /** There is no such lease (any more): nothing was done. */
  | { readonly kind: "lease-unknown"; readonly lease: LeaseId }
  /** One lease, or one key of a lease, more than there may be: nothing was done. */
  | { readonly kind: "lease-limit"; readonly of: "leases" | "keys" }
  /** `now`: cluster time where this was answered. */
  | {
      readonly kind: "leases-listed";
      readonly now: Millis;
      readonly items: readonly LeaseItem[];
      readonly more: "more" | "end";
    }
  /** What an expiry ended, and how many keys went. */
  | { readonly kind: "expired"; readonly leases: readonly LeaseId[]; readonly keys: number }
  /**
   * The condition did not hold: nothing was written. `revision` is the key's now, 0 when it is
   * absent.
   */
  | { readonly kind: "condition-failed"; readonly revision: LogIndex }
  /** The session is not known (any more): whether an earlier try took effect cannot be told. */
  | { readonly kind: "session-unknown" }
  /** The reply to this sequence was acknowledged before, and is forgotten. */
  | { readonly kind: "already-acknowledged" }
  /** `sequence` is `sessionWindow` or more beyond what is acknowledged: nothing was done (yet). */
  | { readonly kind: "window-exceeded" };

export type StepReply = Extract<
  Reply,
  { readonly kind: "written" | "deleted" | "absent" | "found" | "counted" }
>;
