/**
 * A snapshot on its way to one follower: a piece at a time, each answered before the next goes, so that a slow follower
 * sets the pace and bulk never piles up. What is not answered goes again. Pieces are read from the file as they are
 * needed: a snapshot may be larger than memory.
 */
import { later, type Millis, type NodeId, never, type Term } from "../base/numbers.ts";
import type { DiskEffect } from "../journal/effects.ts";
import { sameSnapshot } from "../journal/snapshot-format.ts";
import type { SnapshotRequest, SnapshotResponse } from "../raft/message.ts";
import { type SnapshotFile, snapshotPace } from "./snapshot-file.ts";

type Piece = { readonly offset: number; readonly bytes: Uint8Array };

export class SnapshotSending {
  readonly source: SnapshotFile;
  readonly to: NodeId;
  private readonly pieceBytes: number;
  private readonly firstResendMs: number;
  private readonly takeTicket: () => number;
  /** How much the follower has, as far as it has said. */
  private offset = 0;
  private piece: Piece | null = null;
  private reading: { readonly ticket: number; readonly offset: number } | null = null;
  /** When the piece was sent that is not answered yet. */
  private sentAt: Millis | null = null;
  private resendMs: number;
  private progressAt: Millis;
  /** The most that the follower had. */
  private most = 0;

  constructor(parts: {
    to: NodeId;
    source: SnapshotFile;
    pieceBytes: number;
    heartbeatMs: number;
    takeTicket: () => number;
    now: Millis;
  }) {
    this.to = parts.to;
    this.source = parts.source;
    this.pieceBytes = parts.pieceBytes;
    this.firstResendMs = 2 * parts.heartbeatMs;
    this.resendMs = this.firstResendMs;
    this.takeTicket = parts.takeTicket;
    this.progressAt = parts.now;
  }

  /** Since when nothing has come of it. */
  get idleSince(): Millis {
    return this.progressAt;
  }

  nextDeadline(): Millis {
    return this.sentAt === null ? never : later(this.sentAt, this.resendMs);
  }

  /** "elsewhere": it has something that this leader did not send it, or lost what it had. */
  onResponse(
    now: Millis,
    { snapshot, received }: SnapshotResponse,
  ): "next" | "elsewhere" | "nothing" {
    const { offset, piece, sentAt } = this;
    if (!sameSnapshot(snapshot, this.source.id) || received === offset) return "nothing";
    if (sentAt !== null) this.resendMs = Math.max(this.firstResendMs, 3 * (now - sentAt));
    this.offset = received;
    this.sentAt = null;
    // One that finds something wrong in it begins again, and comes no further the next time.
    if (received > this.most) {
      this.most = received;
      this.progressAt = now;
    }
    return received === offset + (piece?.bytes.length ?? 0) ? "next" : "elsewhere";
  }

  onRead(ticket: number, bytes: Uint8Array): "own" | "other" {
    if (this.reading?.ticket !== ticket) return "other";
    this.piece = { offset: this.reading.offset, bytes };
    this.reading = null;
    return "own";
  }

  /** What is to be sent now: the next piece, or the last one again. */
  nextMessage(now: Millis, envelope: { from: NodeId; term: Term }): SnapshotRequest | null {
    if (this.sentAt !== null) {
      if (now < this.nextDeadline()) return null;
      this.resendMs = Math.min(this.resendMs * 2, snapshotPace.resendMsMax);
    }
    const { piece, to, source } = this;
    const offset = this.nextOffset();
    if (piece === null || piece.offset !== offset) return null;
    this.sentAt = now;
    const snapshot = source.id;
    return { kind: "snapshot-request", ...envelope, to, snapshot, offset, piece: piece.bytes };
  }

  /** The piece that is needed next, where it was not read yet. */
  nextRead(): DiskEffect | null {
    const offset = this.nextOffset();
    if (this.reading !== null || this.piece?.offset === offset) return null;
    const ticket = this.takeTicket();
    this.reading = { ticket, offset };
    const length = Math.min(this.pieceBytes, this.source.id.bytes - offset);
    return { kind: "read", file: this.source.file, offset, length, ticket };
  }

  /** Where all of it has come, the end goes once more until the follower says that it holds the log up to there. */
  private nextOffset(): number {
    const { bytes } = this.source.id;
    return this.offset < bytes ? this.offset : Math.max(0, bytes - this.pieceBytes);
  }
}
