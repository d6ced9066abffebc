/**
 * What the journal asks of a disk: one folder of flat files, of which bytes are only ever appended
 * or cut off at the end. Everything is done when the call returns, except that a sync may complete
 * later: a node goes on hearing the others while its disk works.
 *
 * Two implementations, one contract (tests/contract/disk-contract.ts): src/runtime/disk.ts and
 * src/sim/disk.ts. How the completion of startSync is delivered is the constructor's business.
 */

export interface Disk {
  /** The folder's path, for messages to people. */
  readonly folder: string;
  /** The names of the files in the folder, sorted. */
  readonly list: () => readonly string[];
  readonly size: (name: string) => number;
  /** Up to `length` bytes from `offset`: fewer only where the file ends. The caller owns them. */
  readonly read: (name: string, offset: number, length: number) => Uint8Array;
  /**
   * A new file with these bytes; an existing one is an error. Neither name nor bytes are durable
   * yet.
   */
  readonly create: (name: string, bytes: Uint8Array) => void;
  /**
   * At the end. Visible to readers at once, durable after a sync. An error may leave half of it.
   */
  readonly append: (name: string, bytes: Uint8Array) => void;
  /** Cuts the end off. Durable after a sync. */
  readonly truncate: (name: string, size: number) => void;
  /**
   * Writes the bytes from `offset` to the end once more, as they are read. A sync that failed may have left them
   * where readers see them and no later sync writes them. A crash on the way leaves them as they are. Durable
   * after a sync.
   */
  readonly writeAgain: (name: string, offset: number) => void;
  /** Returns when every byte of the file is durable: for opening, rolling and repairing. */
  readonly sync: (name: string) => void;
  /**
   * Begins to make durable what the file holds now. `ticket` comes back with the outcome; of one file at most
   * one is under way, and nothing but reading and appending happens to it until then.
   */
  readonly startSync: (name: string, ticket: number) => void;
  /** An existing target is an error: nothing here is ever replaced. Durable after syncFolder. */
  readonly rename: (from: string, to: string) => void;
  /** Durable after syncFolder. */
  readonly remove: (name: string) => void;
  /** Returns when every create, rename and remove so far is durable. */
  readonly syncFolder: () => void;
}

/** The input a completed startSync becomes. */
export type Synced = {
  readonly kind: "synced";
  readonly ticket: number;
  readonly outcome: SyncOutcome;
};

/**
 * A failed sync is final. The kernel may have dropped the bytes and marked them clean, so that a
 * second try would succeed without having written anything.
 */
export type SyncOutcome =
  | { readonly kind: "durable" }
  | { readonly kind: "failed"; readonly error: DiskError };

export const durable: SyncOutcome = { kind: "durable" };

export type DiskErrorCode =
  | "disk-full"
  | "missing"
  | "exists"
  | "permission"
  | "too-many-files"
  | "io";

export type DiskOperation = Exclude<keyof Disk, "folder">;

/** The disk did not do what it was asked. Nothing is known about how much of it happened. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: DiskErrorCode;
  readonly operation: DiskOperation;
  /** The file's name within the folder; "" for the folder itself. */
  readonly file: string;

  constructor(parts: {
    code: DiskErrorCode;
    operation: DiskOperation;
    file: string;
    /** In the system's own words, where it said something. */
    detail?: string;
  }) {
    const detail = parts.detail === undefined ? "" : `: ${parts.detail}`;
    super(`${parts.operation} ${parts.file}: ${parts.code}${detail}`);
    this.code = parts.code;
    this.operation = parts.operation;
    this.file = parts.file;
  }
}
