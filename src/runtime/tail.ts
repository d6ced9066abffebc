/** The end of a text file that others append to, and what is appended from then on. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export const limits = { tailBytesMax: 1 << 20, pollMs: 100, lastWordsLinesMax: 40 } as const;

export type Tail = { readonly lines: readonly string[]; readonly offset: number };

/** The last `count` whole lines (and an unfinished last one); nothing where there is no file. */
export function lastLines(path: string, count: number): Tail {
  const descriptor = openExisting(path);
  if (descriptor === null) return { lines: [], offset: 0 };
  try {
    const { size } = fstatSync(descriptor);
    const from = Math.max(0, size - limits.tailBytesMax);
    const text = readText(descriptor, from, size);
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (from > 0) lines.shift();
    return { lines: count === 0 ? [] : lines.slice(-count), offset: size };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * What a program said as it ended: its error block where it printed one (stack traces follow it and
 * say less), else its last lines.
 */
export function lastWords(path: string, count: number): readonly string[] {
  const { lines } = lastLines(path, limits.lastWordsLinesMax);
  const block = lines.findLastIndex((line) => line.startsWith("error["));
  return block < 0 ? lines.slice(-count) : lines.slice(block, block + count);
}

export type Appended = {
  /** Whole lines only. */
  readonly lines: readonly string[];
  /** Where to go on. A file that became shorter is read again from its beginning. */
  readonly offset: number;
};

/** What has been appended since. At most `tailBytesMax` at once; ask again for more. */
export function linesAfter(path: string, offset: number): Appended {
  const descriptor = openExisting(path);
  if (descriptor === null) return { lines: [], offset: 0 };
  try {
    const { size } = fstatSync(descriptor);
    const from = size < offset ? 0 : offset;
    const bytes = readBytes(descriptor, from, Math.min(size, from + limits.tailBytesMax));
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end === 0) return { lines: [], offset: from };
    const text = new TextDecoder().decode(bytes.subarray(0, end - 1));
    return { lines: text.split("\n"), offset: from + end };
  } finally {
    closeSync(descriptor);
  }
}

function openExisting(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

const readText = (descriptor: number, from: number, to: number): string =>
  new TextDecoder().decode(readBytes(descriptor, from, to));

function readBytes(descriptor: number, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(to - from);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, from + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
