/**
 * A file of the pretend disk: what readers see, and what a power cut leaves. Bytes are only
 * appended and cut off, so the two agree up to some offset and differ after it.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { Random } from "../base/random.ts";

export const sectorBytes = 512;

/** How the bytes after the last sync look after a power cut. */
type TearStyle = "lost" | "kept" | "prefix" | "sectors" | "grown";
const tearStyles: readonly TearStyle[] = ["lost", "kept", "prefix", "sectors", "sectors", "grown"];

export class SimFile {
  private seen: Image;
  private kept: Image;
  /** Where the two may begin to differ. */
  private dirtyFrom = 0;
  /** From here on a failed sync has left bytes that are seen and will not be written by themselves. */
  private lostFrom: number = Number.POSITIVE_INFINITY;

  constructor(bytes: Uint8Array) {
    this.seen = new Image(bytes);
    this.kept = new Image(new Uint8Array(0));
  }

  get size(): number {
    return this.seen.size;
  }

  /** Bytes from the beginning that no power cut can change. */
  get certainSize(): number {
    return Math.min(this.dirtyFrom, this.kept.size, this.lostFrom);
  }

  readCertain(offset: number, length: number): Uint8Array {
    return this.kept.bytes.slice(offset, Math.min(offset + length, this.certainSize));
  }

  read(offset: number, length: number): Uint8Array {
    return this.seen.bytes.slice(offset, Math.min(offset + length, this.seen.size));
  }

  append(bytes: Uint8Array): void {
    this.seen.write(this.seen.size, bytes);
  }

  truncate(size: number): void {
    assert(size <= this.seen.size, "a file is only cut shorter");
    this.seen.resize(size);
    this.dirtyFrom = Math.min(this.dirtyFrom, size);
  }

  /**
   * What is seen below `size` becomes durable; a file that was longer is as short as it is seen.
   */
  sync(size: number): void {
    const upTo = Math.min(size, this.seen.size);
    if (upTo > this.dirtyFrom) {
      this.kept.write(this.dirtyFrom, this.seen.bytes.subarray(this.dirtyFrom, upTo));
    }
    this.kept.resize(Math.max(upTo, this.dirtyFrom));
    this.dirtyFrom = Math.max(upTo, this.dirtyFrom);
  }

  /**
   * The sync failed, and the system forgot that these bytes were not written: no later sync writes
   * them, and readers see them until the power goes.
   */
  loseSync(size: number): void {
    this.lostFrom = Math.min(this.lostFrom, this.dirtyFrom);
    this.dirtyFrom = Math.max(this.dirtyFrom, Math.min(size, this.seen.size));
  }

  /** What is seen from `offset` on is written once more: the next sync counts for it. */
  writeAgain(offset: number): void {
    if (offset > this.lostFrom) return;
    this.dirtyFrom = Math.min(this.dirtyFrom, this.lostFrom);
    this.lostFrom = Number.POSITIVE_INFINITY;
  }

  /** The power goes. The bytes that were synced stay; the others are what chance makes of them. */
  crash(random: Random | "lose-all"): void {
    const style = random === "lose-all" ? "lost" : tearStyles[random.below(tearStyles.length)]!;
    if (random !== "lose-all" && style !== "lost" && this.dirtyFrom <= this.seen.size) {
      this.tear(style, random);
    }
    this.seen = new Image(this.kept.copy());
    this.dirtyFrom = this.kept.size;
    this.lostFrom = Number.POSITIVE_INFINITY;
  }

  copy(): SimFile {
    const copy = new SimFile(this.seen.copy());
    copy.kept = new Image(this.kept.copy());
    copy.dirtyFrom = this.dirtyFrom;
    copy.lostFrom = this.lostFrom;
    return copy;
  }

  /** Bit rot: in what is read from now on, and for good. */
  flipBit(bit: number): void {
    this.seen.flipBit(bit);
    if (bit >>> 3 < this.kept.size) this.kept.flipBit(bit);
  }

  /** Other bytes at rest, as a write that was meant for another place leaves them. */
  overwrite(at: number, bytes: Uint8Array): void {
    assert(at + bytes.length <= this.seen.size, "the bytes are in the file");
    this.seen.write(at, bytes);
    if (at < this.kept.size) this.kept.write(at, bytes.subarray(0, this.kept.size - at));
  }

  private tear(style: Exclude<TearStyle, "lost">, random: Random): void {
    const from = this.dirtyFrom;
    const unsynced = this.seen.size - from;
    switch (style) {
      case "kept":
        return this.keep(this.seen.size);
      case "prefix":
        return this.keep(from + random.below(unsynced + 1));
      case "sectors": {
        const size = from + random.below(unsynced + 1);
        return this.keepSectors(random.below(2) === 0 ? this.seen.size : size, random);
      }
      case "grown":
        this.kept.resize(from);
        this.kept.write(from, noise(unsynced, random));
        return;
      default:
        return unreachable(style);
    }
  }

  private keep(size: number): void {
    this.kept.resize(this.dirtyFrom);
    this.kept.write(this.dirtyFrom, this.seen.bytes.subarray(this.dirtyFrom, size));
  }

  /**
   * The size is as told, and each sector of it was written, or holds what it held, zeros or noise.
   */
  private keepSectors(size: number, random: Random): void {
    const before = this.kept.copy();
    this.kept.resize(size);
    let at = this.dirtyFrom;
    while (at < size) {
      const end = Math.min(size, at - (at % sectorBytes) + sectorBytes);
      if (random.below(2) === 0) {
        this.kept.write(at, this.seen.bytes.subarray(at, end));
      } else {
        this.kept.write(at, noise(end - at, random));
        if (random.below(2) === 0) this.kept.write(at, before.subarray(at, end));
      }
      at = end;
    }
  }
}

/** Zeros, or bytes of chance. */
function noise(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  if (random.below(2) === 0) return bytes;
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}

/** Bytes that grow in place. What lies between the old end and a write beyond it is zeros. */
class Image {
  bytes: Uint8Array;
  size: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
    this.size = bytes.length;
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (end > this.size) this.resize(end);
    this.bytes.set(bytes, at);
  }

  resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(size, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.size));
      this.bytes = larger;
    } else if (size > this.size) {
      this.bytes.fill(0, this.size, size);
    }
    this.size = size;
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }

  flipBit(bit: number): void {
    const at = bit >>> 3;
    assert(at < this.size, "the bit is in the file");
    this.bytes[at] = this.bytes[at]! ^ (1 << (bit & 7));
  }
}
