/**
 * Tells an unfinished write from damage. Both look the same where they begin: a byte that is not
 * right. But every write begins with a mark that says how far the file was durable before it. If
 * such a mark is found beyond the bad byte and vouches for it, the byte was right once: damage. If
 * none is, nobody was ever told that it was there: a write that a crash interrupted.
 */
import { readU32 } from "../base/integers.ts";
import { type LogIndex, maxIndex, noIndex } from "../base/numbers.ts";
import type { ReadPlace, RecordSource } from "./reader.ts";
import {
  type Mark,
  markMagic,
  markMagicAt,
  markRecordBytes,
  readMark,
  recordAlignment,
} from "./record.ts";

const chunkBytes = 1 << 22;

/**
 * The first mark beyond `offset` that says that the byte there was durable, or null. Leftovers of
 * what was cut off here once do not deceive: it was cut because no mark in it vouched for its
 * beginning.
 */
export function findVouchingMark(source: RecordSource, bad: Omit<ReadPlace, "chain">): Mark | null {
  for (const mark of marksBehind(source, bad)) if (mark.durable > bad.offset) return mark;
  return null;
}

/** Where reading can go on behind a bad byte: the first mark that can be read; null where there is none. */
export function firstMarkBehind(source: RecordSource, bad: Omit<ReadPlace, "chain">): Mark | null {
  for (const mark of marksBehind(source, bad)) return mark;
  return null;
}

/** The highest index that a mark behind the bad byte says was committed; 0 where none says anything. */
export function committedBehind(source: RecordSource, bad: Omit<ReadPlace, "chain">): LogIndex {
  let most = noIndex;
  for (const mark of marksBehind(source, bad)) most = maxIndex(most, mark.commit);
  return most;
}

/** Every mark that can be read beyond a byte, whatever is wrong with what stands between them. */
function* marksBehind(source: RecordSource, bad: Omit<ReadPlace, "chain">): Generator<Mark> {
  const step = chunkBytes - markRecordBytes + recordAlignment;
  for (let at = bad.offset; at + markRecordBytes <= source.size; at += step) {
    const piece = source.read(at, Math.min(chunkBytes, source.size - at));
    for (let within = 0; within + markRecordBytes <= piece.length; within += recordAlignment) {
      if (readU32(piece, within + markMagicAt) !== markMagic) continue;
      const mark = readMark(piece, within, { offset: at + within, seed: bad.seed });
      if (mark !== null) yield mark;
    }
  }
}
