/**
 * Bytes that change at rest, in the files of a server that is down. Two kinds of place, and two things that must
 * come of it:
 *
 *   vouched for   a later record says that the bytes were durable: the server must refuse to start
 *   the tail      nothing says so yet, and it looks like a write that was interrupted: the server cuts it off and
 *                 goes on without entries that it had acknowledged. That is survived only while enough others
 *                 hold them, so that is where it is allowed to happen.
 */
import { must } from "../../base/assert.ts";
import { sameBytes } from "../../base/bytes.ts";
import type { NodeId } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { findVouchingMark } from "../../journal/damage.ts";
import { activeName, closedNames } from "../../journal/names.ts";
import { fileSource, type Located, RecordReader } from "../../journal/reader.ts";
import { markRecordBytes } from "../../journal/record.ts";
import { majority } from "../../raft/quorum.ts";
import { oneOf } from "../chance.ts";
import { noise } from "../corruption.ts";
import type { SimServer } from "../server.ts";
import type { World } from "./world.ts";

/** Puts the bytes back. */
export type Undo = () => void;

/** Whose files, and where they are. */
export type Folder = Pick<SimServer, "disk" | "id">;

export type Active = {
  /** Up to here some mark of the file vouches for it. */
  readonly vouched: number;
  /** Up to here one does that a power cut would leave. */
  readonly vouchedForGood: number;
  /** Those before the first that is not right. */
  readonly records: readonly Located[];
};

const sectorBytes = 512;

/** The active file as a start would read it; null where there is none. */
export function readActive({ disk, id }: Folder): Active | null {
  const name = activeName(id);
  if (!disk.list().includes(name)) return null;
  const source = fileSource(disk, name);
  const reader = new RecordReader(source);
  const certain = disk.certain.get(name)?.certainSize ?? 0;
  const records: Located[] = [];
  let vouched = 0;
  let vouchedForGood = 0;
  const believe = (durable: number, end: number): void => {
    vouched = Math.max(vouched, durable);
    if (end <= certain) vouchedForGood = Math.max(vouchedForGood, durable);
  };
  for (;;) {
    const next = reader.next();
    if (next.kind !== "record") break;
    records.push(next);
    // The header vouches for itself.
    if (next.record.kind === "header") believe(next.length, next.length);
    if (next.record.kind === "mark") believe(next.record.durable, next.offset + next.length);
  }
  // A mark may have reached the disk although what stands before it has not: a start believes it as well.
  const { seed } = reader.place;
  for (;;) {
    const mark = findVouchingMark(source, { offset: vouched, seed });
    if (mark === null) return { vouched, vouchedForGood, records };
    believe(mark.durable, mark.offset + markRecordBytes);
  }
}

/** The records that nothing vouches for yet. */
export const tailOf = ({ records, vouched }: Active): readonly Located[] =>
  records.filter(({ offset }) => offset >= vouched);

/** Makes a record one that was never written to its end, as far as anybody can see. */
export function spoil({ disk, id }: Folder, { offset }: Located): void {
  const name = activeName(id);
  const at = offset + 4;
  const byte = must(disk.read(name, at, 1)[0], "a record has a fifth byte");
  disk.overwrite(name, at, new Uint8Array([byte ^ 1]));
}

/**
 * Damages bytes that are vouched for; null where there are none. Not where a power cut could take the mark away that
 * says so: then it would be the end of the last batch, which nothing can tell from an unfinished write.
 */
export function damageSomewhere(folder: Folder, random: Random): Undo | null {
  const { disk, id } = folder;
  const active = readActive(folder);
  if (active === null || active.vouchedForGood === 0) return null;
  const closed = closedNames(id, disk.list());
  const name = oneOf(random, [activeName(id), ...closed]);
  const limit = name === activeName(id) ? active.vouchedForGood : disk.size(name);
  const at = random.below(limit);
  const length = random.below(3) === 0 ? Math.min(sectorBytes, limit - at) : 1;
  const before = disk.read(name, at, length);
  const after = length === 1 ? flipped(before, random) : elsewhere(folder, name, before, random);
  disk.overwrite(name, at, after);
  return () => {
    // A repair may have put another file in its place.
    const isThere = disk.list().includes(name) && sameBytes(disk.read(name, at, length), after);
    if (isThere) disk.overwrite(name, at, before);
  };
}

function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const after = bytes.slice();
  after[0] = after[0]! ^ (1 << random.below(8));
  return after;
}

/** A write that was meant for another place, or noise where that would be the same bytes. */
function elsewhere({ disk }: Folder, name: string, before: Uint8Array, random: Random): Uint8Array {
  const from = random.below(Math.max(1, disk.size(name) - before.length));
  const other = disk.read(name, from, before.length);
  const differs = other.length === before.length && other.some((byte, at) => byte !== before[at]);
  if (differs) return other;
  const bytes = noise(before.length, random);
  bytes[0] = before[0]! ^ 0xff;
  return bytes;
}

/** Spoils the first record of the tail, where that is survived. */
export function loseTail(world: World, server: SimServer): "lost" | "not-safe" {
  const active = readActive(server);
  const image = world.images.get(server.id);
  if (active === null || image === undefined) return "not-safe";
  const tail = tailOf(active);
  const first = tail[0];
  const last = lastBefore(active);
  if (first === undefined || !isSpared(world, { id: server.id, last, tail })) return "not-safe";
  spoil(server, first);
  world.excuse(server);
  return "lost";
}

/** Where the log ends without the tail. */
function lastBefore({ records, vouched }: Active): number {
  let last = 0;
  for (const { record, offset } of records) {
    if (offset >= vouched) break;
    if (record.kind === "header") last = record.previous.index;
    if (record.kind === "entry") last = record.entry.index;
  }
  return last;
}

/** Nothing but entries that are added at the end, and that a majority holds without this server. */
function isSpared(
  world: World,
  parts: { readonly id: NodeId; readonly last: number; readonly tail: readonly Located[] },
): boolean {
  const holders = world.reliable().filter((other) => other !== parts.id);
  const needed = majority(world.plan.servers);
  let { last } = parts;
  for (const { record } of parts.tail) {
    if (record.kind === "mark") continue;
    if (record.kind !== "entry") return false;
    const { index, term } = record.entry;
    if (index !== last + 1 || world.witness.leaders.holders(holders, index, term) < needed)
      return false;
    last = index;
  }
  return last > parts.last;
}
