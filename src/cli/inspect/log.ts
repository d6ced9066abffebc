/**
 * A log as a stream of records. First all of it is judged, by the same reading that a starting node
 * does; then the records before the problem, if there is one, are read again one by one. So memory
 * is bounded by what is kept of a record, and `inspect` and a node never disagree about where a log
 * ends.
 */

import type { OperatorError } from "../../base/error.ts";
import type { LogIndex } from "../../base/numbers.ts";
import { readableLog } from "../../journal/errors.ts";
import type { Located, ReadPlace } from "../../journal/reader.ts";
import { fileStart } from "../../journal/reader.ts";
import { type Reading, type ReadingOptions, readJournal } from "../../journal/recovery.ts";
import { readSegment, type SegmentEnd } from "../../journal/verify.ts";
import { refusedLog } from "./errors.ts";
import type { LogFile, LogFiles } from "./files.ts";

/** Entries that a later one takes the place of. */
export type Replaced = { readonly from: LogIndex; readonly to: LogIndex };

/** A record, where it stands, and what it did to the entries before it. */
export type Item = {
  readonly path: string;
  readonly located: Located;
  readonly replaces: Replaced | null;
};

export type Judged = {
  readonly log: LogFiles;
  readonly reading: Reading;
  /** The problem as an error; null where there is none, or only an unfinished write. */
  readonly refusal: OperatorError | null;
};

export function judgeLog(log: LogFiles, from: ReadingOptions["from"] = "any-segment"): Judged {
  const reading = readJournal(log.files, { from, keep: "nothing" });
  const { problem } = reading;
  if (problem === null || problem.kind === "unfinished") return { log, reading, refusal: null };
  const path = pathOfFile(log, problem.file);
  return { log, reading, refusal: refusedLog(path, problem, readableLog(reading)) };
}

export const pathOfFile = (log: LogFiles, name: string): string =>
  log.files.find((file) => file.name === name)?.path ?? name;

/** The index of the entry before the first that the files hold. */
export const baseOf = ({ reading }: Judged): number => reading.first?.previous.index ?? 0;

/** Every record before the problem. */
export function* logItems(judged: Judged, stream: ItemStream = new ItemStream()): Generator<Item> {
  const { problem } = judged.reading;
  for (const file of judged.log.files) {
    const stopsAt = problem?.file === file.name ? problem.offset : file.source.size;
    if (stopsAt > 0) {
      for (const item of stream.read(file, fileStart)) {
        if (item.located.offset >= stopsAt) return;
        yield item;
      }
    }
    if (problem?.file === file.name) return;
  }
}

/** Reads files one after the other, and knows which entries each replaces. */
export class ItemStream {
  /** Where the last file that was read ended. */
  end: SegmentEnd = { place: fileStart, problem: null };
  private lastIndex: LogIndex | null = null;

  *read(file: LogFile, from: ReadPlace): Generator<Item> {
    const records = readSegment(file, from);
    for (;;) {
      const next = records.next();
      if (next.done === true) {
        this.end = next.value;
        return;
      }
      yield this.item(file.path, next.value);
    }
  }

  private item(path: string, located: Located): Item {
    const { record } = located;
    if (record.kind === "header") this.lastIndex = record.previous.index;
    if (record.kind === "snapshot" && record.log === "discarded") {
      this.lastIndex = record.id.last.index;
    }
    if (record.kind !== "entry") return { path, located, replaces: null };
    const { index } = record.entry;
    const last = this.lastIndex;
    const replaces = last !== null && index <= last ? { from: index, to: last } : null;
    this.lastIndex = index;
    return { path, located, replaces };
  }
}
