/** What a server is told, and what it asks for in return. Data only: the same in the simulator and in the world. */
import type { Address } from "../base/address.ts";
import type { OperatorError } from "../base/error.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import { type Millis, type NodeId, never } from "../base/numbers.ts";
import type { DiskError, Synced } from "../journal/disk.ts";
import type { ReadDone } from "../journal/effects.ts";
import type { DiskEffect } from "../journal/journal.ts";

export type Input =
  /** `bytes` may be reused by the caller after the call. */
  | { readonly kind: "datagram"; readonly from: Address; readonly bytes: Uint8Array }
  /** A sync that was asked for is over. */
  | Synced
  /** Bytes that were asked for. */
  | ReadDone
  /** A disk effect could not be carried out. */
  | { readonly kind: "disk-failed"; readonly error: DiskError }
  /** A deadline has passed, or the world simply wants to say what time it is. */
  | { readonly kind: "time" }
  /** Somebody wants this leader to make `target` leader; null: whoever is furthest along. */
  | { readonly kind: "hand-over"; readonly target: NodeId | null }
  /** This server is about to stop in good order: its journal may be sealed now, without waiting to be idle. */
  | { readonly kind: "seal" };

/**
 * In the order in which they must happen: datagrams (none of them claims what is not yet durable), then the
 * disk. What waits for the disk is sent by a later call, when the sync is over.
 */
export type Effects = {
  readonly datagrams: readonly OutgoingDatagram[];
  readonly disk: readonly DiskEffect[];
  /** What happened, in sentences, for the operator. */
  readonly notes: readonly string[];
  /** When to call again, unless something arrives first. */
  readonly wakeAt: Millis;
  /** This server cannot go on; it takes no more input. */
  readonly stop: OperatorError | null;
};

/** Nothing more comes of a server that cannot go on. */
export const stopped = (failure: OperatorError, notes: readonly string[]): Effects => ({
  datagrams: [],
  disk: [],
  notes,
  wakeAt: never,
  stop: failure,
});
