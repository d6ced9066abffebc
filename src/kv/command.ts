/**
 * What is replicated: commands, and what applying one answers. Keys are byte strings
 * (base/bytes.ts), values are bytes. A key's revision is the log index of its last write.
 */
import type { LogIndex } from "../base/numbers.ts";

export const limits = {
  keyBytesMax: 1024,
  valueBytesMax: 1 << 20,
  /** Keys in one answer to `list`; the rest is asked for with the last key seen. */
  listKeysMax: 1000,
  /** Bytes of keys and values in one answer to `list`. */
  listBytesMax: 1 << 20,
  sessionsMax: 10_000,
  /** Requests of one session that may be unanswered at once; so many replies are kept for it. */
  sessionWindow: 1024,
  /** A session that wrote nothing for this long, in cluster time, is forgotten. */
  sessionIdleMs: 24 * 60 * 60 * 1000,
} as const;

/** A client's session: the log index at which it was registered (dissertation 6.3). */
export type SessionId = number;

/** What must hold of a key for a write to happen. */
export type Condition =
  | { readonly kind: "always" }
  | { readonly kind: "absent" }
  | { readonly kind: "revision"; readonly revision: LogIndex };

/** One change or one read, as the user means it. */
export type Operation =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly condition: Condition;
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
      /** Only keys after this one; "" from the first. */
      readonly after: string;
      readonly limit: number;
      readonly show: "keys" | "values";
    }
  | { readonly kind: "noop" };

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
  | { readonly kind: "done"; readonly index: LogIndex }
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
