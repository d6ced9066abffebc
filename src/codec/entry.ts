/**
 * One log entry as bytes, the same on the wire and on the disk, so that a command is encoded once
 * and copied from then on.
 *
 * ENTRY, version 1. All integers little-endian.
 *    0  u48  index, from 1
 *    6  u48  term, from 1
 *   12  u48  time: whole milliseconds of cluster time
 *   18  u8   kind: 1 noop, 2 command, 3 configuration
 *   19  u8   0
 *   20  u32  body length
 *   24       body: nothing; the command's bytes; a CONFIGURATION
 *
 * CONFIGURATION
 *    0  u16  how many voters     2  u16  how many outgoing     4  u16  how many learners
 *    6  u16  each: the ids of the voters, of the outgoing, of the learners
 *            then, to the end, a PLACE for each member of whom something is known, by ascending id
 *
 * PLACE
 *    0  u16  id     2  u48  incarnation, 0 for unknown     8  u16  port, 0 for an unknown address
 *   10  u8   bytes of the host, 0 where the port is     11  the host, ASCII
 *
 * Valid when index and term are 1 or more, the kind is known, byte 19 is 0, the body lies within
 * the bytes given and within the limit, a noop's body is empty, and a configuration fills its body
 * exactly with ids from 1, ascending within each list, and places of ids that it has.
 */
import { assert, unreachable } from "../base/assert.ts";
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from "../base/integers.ts";
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import { millis, nodeId, limits as numberLimits } from "../base/numbers.ts";
import type { Configuration, Entry } from "../raft/types.ts";
import { placesBytes, readPlaces, writePlaces } from "./place.ts";

export const entryLimits = {
  /** The largest command: a value of 1 MiB, its key, and room for what surrounds them. */
  bodyBytesMax: (1 << 20) + (1 << 16),
} as const;

/** Bytes of an entry before its body. */
export const entryHeaderBytes = 24;

const configurationHeaderBytes = 6;
const kindNumbers = { noop: 1, command: 2, configuration: 3 } as const;

/** How many bytes writeEntry will write. */
export const entryBytes = (entry: Entry): number => entryHeaderBytes + bodyBytes(entry);

/** Writes the entry and returns the offset after it. The target has room for entryBytes(entry). */
export function writeEntry(entry: Entry, target: Uint8Array, offset: number): number {
  const length = bodyBytes(entry);
  const next = offset + entryHeaderBytes + length;
  assert(entry.index >= 1, "the first entry of a log has the index 1");
  assert(entry.term >= 1, "an entry is made by a leader, and the first term is 1");
  assert(isStamp(entry.time), "an entry's time is a whole number of milliseconds below 2^48");
  assert(length <= entryLimits.bodyBytesMax, "an entry's size was checked when it was accepted");
  assert(next <= target.length, "the target has room for the entry");
  writeU48(target, offset, entry.index);
  writeU48(target, offset + 6, entry.term);
  writeU48(target, offset + 12, entry.time);
  target[offset + 18] = kindNumbers[entry.kind];
  target[offset + 19] = 0;
  writeU32(target, offset + 20, length);
  if (entry.kind === "command") target.set(entry.body, offset + entryHeaderBytes);
  if (entry.kind === "configuration") {
    writeConfiguration(entry.body, target, offset + entryHeaderBytes);
  }
  return next;
}

/** The entry at `offset`, which must end at or before `end`, and the offset after it; or null. */
export function readEntry(
  bytes: Uint8Array,
  offset: number,
  end: number,
): { readonly entry: Entry; readonly next: number } | null {
  const bodyAt = offset + entryHeaderBytes;
  if (offset < 0 || end > bytes.length || bodyAt > end) return null;
  const index = readU48(bytes, offset);
  const termNumber = readU48(bytes, offset + 6);
  const length = readU32(bytes, offset + 20);
  const next = bodyAt + length;
  if (index === 0 || termNumber === 0 || bytes[offset + 19] !== 0) return null;
  if (length > entryLimits.bodyBytesMax || next > end) return null;
  const id = { index: index as LogIndex, term: termNumber as Term };
  const time = millis(readU48(bytes, offset + 12));
  switch (bytes[offset + 18]) {
    case kindNumbers.noop:
      return length === 0 ? { entry: { ...id, time, kind: "noop", body: null }, next } : null;
    case kindNumbers.command:
      return {
        entry: {
          index: id.index,
          term: id.term,
          time,
          kind: "command",
          body: bytes.slice(bodyAt, next),
        },
        next,
      };
    case kindNumbers.configuration: {
      const body = readConfiguration(bytes, bodyAt, next);
      return body === null ? null : { entry: { ...id, time, kind: "configuration", body }, next };
    }
    default:
      return null;
  }
}

/** How many bytes writeConfiguration will write. */
export const configurationBytes = (configuration: Configuration): number =>
  configurationHeaderBytes +
  2 *
    (configuration.voters.length + configuration.outgoing.length + configuration.learners.length) +
  placesBytes(configuration.places ?? []);

/** Writes the configuration and returns the offset after it. */
export function writeConfiguration(
  configuration: Configuration,
  target: Uint8Array,
  offset: number,
): number {
  const { voters, outgoing, learners } = configuration;
  assert(
    offset + configurationBytes(configuration) <= target.length,
    "the target has room for the configuration",
  );
  writeU16(target, offset, voters.length);
  writeU16(target, offset + 2, outgoing.length);
  writeU16(target, offset + 4, learners.length);
  let at = offset + configurationHeaderBytes;
  for (const list of [voters, outgoing, learners]) {
    for (const id of list) {
      writeU16(target, at, id);
      at += 2;
    }
  }
  return writePlaces(configuration.places ?? [], target, at);
}

/** The configuration that fills the bytes from `offset` to `end` exactly, or null. */
export function readConfiguration(
  bytes: Uint8Array,
  offset: number,
  end: number,
): Configuration | null {
  const idsAt = offset + configurationHeaderBytes;
  if (offset < 0 || end > bytes.length || idsAt > end) return null;
  const outgoingAt = idsAt + 2 * readU16(bytes, offset);
  const learnersAt = outgoingAt + 2 * readU16(bytes, offset + 2);
  const placesAt = learnersAt + 2 * readU16(bytes, offset + 4);
  if (placesAt > end) return null;
  const voters = readIds(bytes, idsAt, outgoingAt);
  const outgoing = readIds(bytes, outgoingAt, learnersAt);
  const learners = readIds(bytes, learnersAt, placesAt);
  if (voters === null || outgoing === null || learners === null) return null;
  const groups = { voters, outgoing, learners };
  if (placesAt === end) return groups;
  const places = readPlaces(bytes, placesAt, end);
  if (places === null) return null;
  const named = new Set([...voters, ...outgoing, ...learners]);
  return places.every(({ id }) => named.has(id)) ? { ...groups, places } : null;
}

function bodyBytes(entry: Entry): number {
  switch (entry.kind) {
    case "noop":
      return 0;
    case "command":
      return entry.body.length;
    case "configuration":
      return configurationBytes(entry.body);
    default:
      return unreachable(entry);
  }
}

function readIds(bytes: Uint8Array, offset: number, end: number): NodeId[] | null {
  const ids: NodeId[] = [];
  let smallest = 1;
  for (let at = offset; at < end; at += 2) {
    const id = readU16(bytes, at);
    if (id < smallest) return null;
    ids.push(nodeId(id));
    smallest = id + 1;
  }
  return ids;
}

const isStamp = (time: number): boolean =>
  Number.isInteger(time) && time >= 0 && time <= numberLimits.counterMax;
