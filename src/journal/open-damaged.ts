/**
 * Opens a journal, or finds out what of a damaged one is missing, for a node that may ask the others for it
 * (docs/recovery.md). Nothing of a damaged one is changed here.
 */
import { assert } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import { maxIndex, type NodeId } from "../base/numbers.ts";
import type { SnapshotId } from "../raft/types.ts";
import { DiskError } from "./disk.ts";
import { notRepairable, openingFailed } from "./errors.ts";
import { type OpenedJournal, type OpenOptions, openJournal } from "./open.ts";
import type { PartialLog } from "./partial-log.ts";
import type { Replacement } from "./replace.ts";
import { type Salvage, salvageJournal } from "./salvage.ts";

export type Opening =
  | ({ readonly kind: "opened" } & OpenedJournal)
  /** `refusal` is what opening without a repair comes to. */
  | { readonly kind: "damaged"; readonly salvage: Salvage; readonly refusal: OperatorError };

/** Throws an OperatorError where the journal cannot be opened, and no others could help. */
export function openDamaged(options: OpenOptions): Opening {
  try {
    return { kind: "opened", ...openJournal(options) };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    if (error.parts.code !== "log-damaged" && error.parts.code !== "snapshot-damaged") throw error;
    return { kind: "damaged", salvage: salvaged(options, error), refusal: error };
  }
}

function salvaged({ disk, node, cluster }: OpenOptions, refusal: OperatorError): Salvage {
  try {
    const result = salvageJournal(disk, { node, cluster });
    if (result.kind === "salvaged") return result.salvage;
    throw notRepairable(refusal, { node, because: result.because });
  } catch (error) {
    if (error instanceof DiskError) throw openingFailed(disk.folder, error);
    throw error;
  }
}

/** A snapshot that came from another server. */
export type FetchedSnapshot = Pick<NonNullable<Salvage["snapshot"]>, "id" | "end"> & {
  readonly bytes: readonly Uint8Array[];
};

/** What is to be written once nothing is missing. */
export function replacementOf(
  salvage: Salvage,
  found: {
    /** Those that the journal says, and those that were first heard of since. */
    readonly peers: ReadonlyMap<NodeId, number>;
    readonly fetched: FetchedSnapshot | null;
  },
): Replacement {
  const { identity, segment, run, standing, log, damagedSnapshots } = salvage;
  const snapshot = found.fetched ?? salvage.snapshot;
  const { base, last, commit } = log;
  const { term } = standing.hardState;
  assert(base.term !== null, "what stands before the log is known");
  // What others hold may be of a term that this node never saw: it has given no vote in it.
  const hardState = last.term > term ? { term: last.term, votedFor: null } : standing.hardState;
  return {
    ...{ identity, segment, run, hardState, damagedSnapshots, peers: found.peers },
    commit: maxIndex(commit, base.index),
    base: { index: base.index, term: base.term },
    configuration: snapshot?.end.configuration ?? salvage.configuration,
    entries: log.entries,
    snapshot: snapshot === null ? null : { id: snapshot.id, bytes: found.fetched?.bytes ?? null },
  };
}

/** Whether a snapshot must come from somewhere: nothing stands for what is before the log's first entry. */
export const isBaseLost = (has: {
  readonly log: Pick<PartialLog, "base">;
  readonly snapshot: { readonly id: SnapshotId } | null;
}): boolean => has.log.base.index > (has.snapshot?.id.last.index ?? 0);
