/**
 * The journal, interrupted everywhere: a workload of 200 disk operations, the power cut before each of them, and for
 * each cut every folder that it may leave. Opened again, the journal must hold what it held after some number of
 * records, none of the durable ones missing.
 *
 * What a cut may leave, listed one by one (src/sim/disk.ts draws from the same by chance):
 *   names   those of the last syncFolder, or those that were seen: a journal has one change under way at a time
 *   bytes   behind the last sync, of what was written there:
 *             nothing; every byte up to `everyByteMax` (beyond it the bytes around each place where a record may end);
 *             every subset of the sectors up to `subsetSectorsMax` (beyond it all but one, one alone, and a sample),
 *             the others zeros or noise; grown to any sector's end by zeros or by noise
 */
import { assert } from "../../src/base/assert.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { recordAlignment } from "../../src/journal/record.ts";
import type { Entry } from "../../src/raft/types.ts";
import { PowerCut, type SimDisk } from "../../src/sim/disk.ts";
import { sectorBytes } from "../../src/sim/file.ts";
import {
  contents,
  entryPicture,
  liveAStep,
  newDisk,
  open,
  Workbench,
} from "../unit/journal/workbench.ts";

export const bounds = {
  operations: 200,
  everyByteMax: 256,
  subsetSectorsMax: 6,
  subsetsSampled: 48,
} as const;

export type Folder = ReadonlyMap<string, Uint8Array>;

/** A workload up to the moment at which the power goes. */
export type Interrupted = {
  readonly bench: Workbench;
  /** What is on the disk for certain, and what its readers saw. */
  readonly durable: Folder;
  readonly seen: Folder;
};

/** Lives until the power goes before operation `cutAt`; null where that was before the journal existed. */
export function interruptedAt(seed: number, cutAt: number): Interrupted | null {
  const disk = newDisk();
  disk.faults = ({ count }) => (count === cutAt ? { kind: "power-cut" } : null);
  let bench: Workbench | null = null;
  try {
    bench = new Workbench(disk);
    const random = seededRandom(seed);
    while (disk.operationCount < bounds.operations) liveAStep(bench, random);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  disk.faults = () => null;
  if (bench === null) return null;
  const after = disk.copy();
  after.crash("lose-all");
  return { bench, durable: folderOf(after), seen: folderOf(disk) };
}

const folderOf = (disk: SimDisk): Folder =>
  new Map(disk.list().map((name) => [name, disk.read(name, 0, disk.size(name))]));

/** The same bytes and the same promises: what was true of the one is true of the other. */
export function sameMoment(a: Interrupted, b: Interrupted): "same" | "another" {
  const same =
    a.bench.durableCount === b.bench.durableCount &&
    a.bench.states.length === b.bench.states.length &&
    Bun.deepEquals(a.durable, b.durable) &&
    Bun.deepEquals(a.seen, b.seen);
  return same ? "same" : "another";
}

/** Every folder that the cut may leave, within the bounds. */
export function* imagesOf({ durable, seen }: Interrupted): Generator<Folder> {
  yield durable;
  const changed = [...new Set([...durable.keys(), ...seen.keys()])].filter(
    (name) => durable.has(name) !== seen.has(name),
  );
  assert(changed.length <= 2, "a journal creates, renames or removes one file at a time");
  for (const names of changed.length === 0 ? [seen] : [durable, seen]) {
    yield* imagesWithNames(names, { durable, seen });
  }
}

/** With these names: every file as it was seen, and each file that was not synced in all its ways. */
function* imagesWithNames(
  names: Folder,
  { durable, seen }: Pick<Interrupted, "durable" | "seen">,
): Generator<Folder> {
  const now = new Map([...names].map(([name, bytes]) => [name, seen.get(name) ?? bytes]));
  yield now;
  for (const [name, bytes] of now) {
    const kept = durable.get(name) ?? durableBefore(bytes, { durable, seen });
    if (kept.length === bytes.length) continue;
    for (const image of bytesLeft(kept, bytes)) yield new Map(now).set(name, image);
  }
}

/** A file that was renamed has kept what was durable of it under its old name; a new one nothing. */
function durableBefore(
  bytes: Uint8Array,
  { durable, seen }: Pick<Interrupted, "durable" | "seen">,
) {
  for (const [name, kept] of durable) {
    if (!seen.has(name) && Bun.deepEquals(bytes.subarray(0, kept.length), kept)) return kept;
  }
  return bytes.subarray(0, 0);
}

/** `kept` is durable, `seen` is longer. */
export function* bytesLeft(kept: Uint8Array, seen: Uint8Array): Generator<Uint8Array> {
  for (const length of prefixLengths(kept.length, seen.length)) yield seen.slice(0, length);
  const random = seededRandom(seen.length * 65_537 + kept.length);
  yield* sectorImages(kept, seen, random);
  for (let end = sectorEnd(kept.length); ; end += sectorBytes) {
    const size = Math.min(end, seen.length);
    yield grown(kept, zeros(size - kept.length));
    yield grown(kept, noise(size - kept.length, random));
    if (size === seen.length) return;
  }
}

function* prefixLengths(kept: number, seen: number): Generator<number> {
  const byteByByte = kept + bounds.everyByteMax;
  for (let length = kept; length < Math.min(seen, byteByByte); length++) yield length;
  for (let length = byteByByte; length < seen; length++) {
    const beyond = length % recordAlignment;
    if (beyond <= 1 || beyond === recordAlignment - 1) yield length;
  }
}

const sectorEnd = (offset: number): number => offset - (offset % sectorBytes) + sectorBytes;

function* sectorImages(kept: Uint8Array, seen: Uint8Array, random: Random): Generator<Uint8Array> {
  const edges = [kept.length];
  while (edges.at(-1)! < seen.length) edges.push(Math.min(sectorEnd(edges.at(-1)!), seen.length));
  const count = edges.length - 1;
  for (const written of subsets(count, random)) {
    const zeroed = grown(kept, zeros(seen.length - kept.length));
    const noisy = grown(kept, noise(seen.length - kept.length, random));
    for (let sector = 0; sector < count; sector++) {
      if (!written.has(sector)) continue;
      const [from, to] = [edges[sector]!, edges[sector + 1]!];
      zeroed.set(seen.subarray(from, to), from);
      noisy.set(seen.subarray(from, to), from);
    }
    yield zeroed;
    yield noisy;
  }
}

/** Of the sectors 0 to count - 1, which were written. */
function* subsets(count: number, random: Random): Generator<ReadonlySet<number>> {
  const all = Array.from({ length: count }, (_, sector) => sector);
  if (count <= bounds.subsetSectorsMax) {
    for (let mask = 0; mask < 2 ** count; mask++) {
      yield new Set(all.filter((sector) => (mask >> sector) & 1));
    }
    return;
  }
  for (const one of all) {
    yield new Set([one]);
    yield new Set(all.filter((sector) => sector !== one));
  }
  for (let drawn = 0; drawn < bounds.subsetsSampled; drawn++) {
    yield new Set(all.filter(() => random.below(2) === 0));
  }
}

function grown(kept: Uint8Array, rest: Uint8Array): Uint8Array {
  const image = new Uint8Array(kept.length + rest.length);
  image.set(kept);
  image.set(rest, kept.length);
  return image;
}

const zeros = (length: number): Uint8Array => new Uint8Array(length);

function noise(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** What is wrong with the journal that is found in this folder, or null. */
export function wrongWith(bench: Workbench, folder: Folder): string | null {
  const disk = newDisk();
  for (const [name, bytes] of folder) {
    disk.create(name, bytes);
    disk.sync(name);
  }
  disk.syncFolder();
  const { recovered } = open(disk);
  const found = contents(recovered);
  const count = bench.states.lastIndexOf(found);
  if (count === -1) return `it never held ${found.slice(0, 200)}`;
  if (count < bench.durableCount) return `${bench.durableCount} were durable, ${count} are left`;
  if (recovered.commit > bench.commit) return "more is committed than ever was";
  const from = bench.snapshot?.last.index ?? 0;
  const isCommitted = ({ index }: Entry): boolean => index > from && index <= recovered.commit;
  const committed = recovered.entries.filter(isCommitted).map(entryPicture);
  const expected = bench.entries.filter(isCommitted).map(entryPicture);
  return committed.join() === expected.join() ? null : "a committed entry is another one";
}
