/** Names of entries in few words, for logs that are compared from afar. */
import type { LogIndex, Term } from "../base/numbers.ts";

/** Entries that follow each other, all of one term: `from` to `to`, both included. */
export type TermRun = { readonly from: LogIndex; readonly to: LogIndex; readonly term: Term };

/** So many are told at most, the last entry of the log besides. */
export const termRunsMax = 8;
