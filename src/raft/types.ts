/** The nouns of Raft. Pure data: no bytes are interpreted here, no clock is read, nothing is sent. */
import type { Address } from "../base/address.ts";
import type { LogIndex, Millis, NodeId, Term } from "../base/numbers.ts";

/** What names an entry for ever: two logs that share an EntryId share everything before it (§5.3). */
export type EntryId = { readonly index: LogIndex; readonly term: Term };

/**
 * Who takes part (dissertation 4.3). `voters` decide; during a joint change `outgoing` decide as well, each
 * group by its own majority; `learners` receive the log and have no say. Sorted, no id twice in a list.
 */
export type Configuration = {
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** What is known of members, by ascending id; absent where nothing is. Raft carries it and asks for none of it. */
  readonly places?: readonly Place[];
};

/**
 * Where a member is reached, and which incarnation of it is meant: a folder that was wiped or put back from elsewhere
 * is another server, whatever its number. null: nobody has said so yet.
 */
export type Place = {
  readonly id: NodeId;
  readonly address: Address | null;
  readonly incarnation: number | null;
};

/**
 * One line of the log. `time` is cluster time: milliseconds during which the cluster had a leader, stamped by
 * the leader, never smaller than the stamp before it (dissertation 6.3); replicas read no other clock.
 */
export type Entry =
  | (EntryId & { readonly time: Millis; readonly kind: "noop"; readonly body: null })
  | (EntryId & { readonly time: Millis; readonly kind: "command"; readonly body: Uint8Array })
  | (EntryId & {
      readonly time: Millis;
      readonly kind: "configuration";
      readonly body: Configuration;
    });

/** What must survive a crash besides the log (paper Fig. 2, "Persistent state"). */
export type HardState = { readonly term: Term; readonly votedFor: NodeId | null };

/** What a snapshot stands for: the log up to `last`, which is committed (paper Fig. 12; dissertation 5.1). */
export type SnapshotEnd = {
  readonly last: EntryId;
  /** Cluster time of that entry. */
  readonly time: Millis;
  /** In force at that entry. */
  readonly configuration: Configuration;
};

/** What names a snapshot among servers: two files with the same one are the same, byte for byte. */
export type SnapshotId = {
  readonly last: EntryId;
  readonly bytes: number;
  readonly checksum: number;
};
