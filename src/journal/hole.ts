/**
 * What can still be read within a hole. A damaged record hides those behind it in its batch only as far as its length
 * or its checksum is what was damaged: else the next record continues from the checksum that the damaged one carries,
 * and is right, or it is not believed.
 */
import { readU32 } from "../base/integers.ts";
import type { Entry } from "../raft/types.ts";
import { type ReadPlace, RecordReader, type RecordSource } from "./reader.ts";
import { frameBytes, payloadBytesAt, recordBytes } from "./record.ts";

/** The entries of whole records between a bad byte and `end`, the place of the next mark. */
export function entriesInHole(source: RecordSource, bad: ReadPlace, end: number): readonly Entry[] {
  const entries: Entry[] = [];
  let { offset } = bad;
  while (offset + frameBytes <= end) {
    const frame = source.read(offset, frameBytes);
    const next = offset + recordBytes(payloadBytesAt(frame, 0));
    if (next >= end) break;
    const chain = readU32(frame, 0);
    const reader = new RecordReader(source, { offset: next, chain, seed: bad.seed });
    offset = takeRun(reader, end, entries);
    // Where the guess was wrong, nothing was read, and there is nothing to guess from.
    if (offset === next) break;
  }
  return entries;
}

/** Returns where the run ends. */
function takeRun(reader: RecordReader, end: number, entries: Entry[]): number {
  while (reader.place.offset < end) {
    const next = reader.next();
    if (next.kind !== "record") break;
    if (next.record.kind === "entry") entries.push(next.record.entry);
  }
  return reader.place.offset;
}
