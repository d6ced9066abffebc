/** A snapshot in this server's folder: its name among servers, what it stands for, and its file's name. */
import type { NodeId } from "../base/numbers.ts";
import { snapshotName } from "../journal/names.ts";
import type { SnapshotEnd, SnapshotId } from "../raft/types.ts";

export type SnapshotFile = {
  readonly id: SnapshotId;
  readonly end: SnapshotEnd;
  readonly file: string;
};

export const snapshotFile = (me: NodeId, id: SnapshotId, end: SnapshotEnd): SnapshotFile => ({
  id,
  end,
  file: snapshotName(me, id.last.index),
});

/** A file that is whole, durable under another name, and to be adopted; with what is to become of it. */
export type WholeSnapshot = SnapshotFile & { readonly temporary: string };

export type SnapshotSettings = {
  /** So many entries after the last snapshot the next one is begun. */
  readonly everyEntries: number;
  /** Or so many bytes of journal after it. */
  readonly everyBytes: number;
  /**
   * How many entries that a snapshot has stay in the log, for followers and watchers that are a little behind, and
   * their bytes: some seconds under full load, as a watcher that loses its node needs about one to find the next.
   */
  readonly keptEntriesMax: number;
  readonly keptBytesMax: number;
  /** Of a block: about so much is encoded at once. */
  readonly blockBytes: number;
  /** What is sent at once, and answered. */
  readonly pieceBytes: number;
};

export const snapshotDefaults: SnapshotSettings = {
  everyEntries: 100_000,
  everyBytes: 64 << 20,
  keptEntriesMax: 100_000,
  keptBytesMax: 32 << 20,
  blockBytes: 1 << 15,
  pieceBytes: 1 << 18,
};

export const snapshotPace = {
  /** A slice of so many bytes is written at once, and then nothing of it for so long. */
  sliceBytes: 1 << 16,
  sliceMs: 2,
  /** After so many bytes a file is synced, so that the last sync is no longer than the others. */
  syncBytes: 4 << 20,
  /** How long a piece is waited for, at most. */
  resendMsMax: 5000,
  /** So many election timeouts without any progress, and nothing is kept for a follower's sake. */
  patienceTimeouts: 10,
} as const;
