/** One whole being put together from its chunks, in whatever order they come. */
import { crc32 } from "../base/checksum.ts";
import type { Millis } from "../base/numbers.ts";
import { type Chunk, type ChunkAck, chunkCount, chunkLimits } from "./chunk.ts";
import type { DatagramKind } from "./kinds.ts";

export class Assembly {
  readonly transfer: number;
  readonly kind: DatagramKind;
  /** The whole, with zeros where pieces are missing. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** When the last new piece came. */
  heardAt: Millis;
  private readonly checksum: number;
  private readonly stride: number;
  private readonly present: Uint8Array;
  private presentCount = 0;
  /** Every piece below this is present. */
  private below = 0;
  /** Pieces that came since the last ack. */
  private fresh: number[] = [];

  /** For the whole that this chunk is a piece of. The chunk itself is yet to be put in. */
  constructor(chunk: Chunk, now: Millis) {
    this.transfer = chunk.transfer;
    this.kind = chunk.kind;
    this.bytes = new Uint8Array(chunk.totalBytes);
    this.count = chunkCount(chunk);
    this.heardAt = now;
    this.checksum = chunk.checksum;
    this.stride = chunk.stride;
    this.present = new Uint8Array(this.count);
  }

  /**
   * Copies the piece to its place, unless it says something else about the whole than the first
   * one.
   */
  put(chunk: Chunk, now: Millis): "put" | "had-it" | "contradiction" {
    const { number } = chunk;
    if (chunk.kind !== this.kind || chunk.checksum !== this.checksum) return "contradiction";
    if (chunk.totalBytes !== this.bytes.length) return "contradiction";
    if (chunk.stride !== this.stride) return "contradiction";
    if (this.fresh.length < chunkLimits.othersMax) this.fresh.push(number);
    if (this.present[number] === 1) return "had-it";
    this.bytes.set(chunk.bytes, number * this.stride);
    this.present[number] = 1;
    this.presentCount++;
    this.heardAt = now;
    while (this.present[this.below] === 1) this.below++;
    return "put";
  }

  state(): "partial" | "whole" | "wrong-checksum" {
    if (this.presentCount < this.count) return "partial";
    return crc32(this.bytes) === this.checksum ? "whole" : "wrong-checksum";
  }

  /** What has arrived, with the pieces beyond the first gap that came since the last call. */
  takeAck(): ChunkAck {
    const { transfer, below, fresh } = this;
    this.fresh = [];
    return { transfer, below, others: fresh.filter((number) => number >= below) };
  }
}
