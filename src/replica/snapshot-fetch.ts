/** A snapshot that comes from another server, piece by piece, for a journal that is being repaired. */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import type { FetchedSnapshot } from "../journal/open-damaged.ts";
import { SnapshotAssembly } from "../journal/snapshot-load.ts";
import type { SnapshotId } from "../raft/types.ts";

/** So often it is asked for the same piece before it is asked for no more. */
const triesMax = 25;

export type Taken =
  /** "old": that piece was there. */
  | { readonly kind: "more"; readonly isNew: "new" | "old" }
  | { readonly kind: "wrong" }
  | { readonly kind: "whole"; readonly snapshot: FetchedSnapshot };

export class SnapshotFetch {
  readonly from: NodeId;
  readonly id: SnapshotId;
  /** What its questions are told apart by. */
  readonly round: number;
  received = 0;
  private tries = 0;
  private readonly assembly = new SnapshotAssembly();
  private readonly pieces: Uint8Array[] = [];

  constructor(from: NodeId, id: SnapshotId, round: number) {
    this.from = from;
    this.id = id;
    this.round = round;
  }

  /** Everything is verified before anything of it is believed; and it must be this cluster's. */
  take({ offset, piece }: { offset: number; piece: Uint8Array }, cluster: number): Taken {
    const { assembly, id } = this;
    if (offset !== this.received) return { kind: "more", isNew: "old" };
    if (assembly.push(piece) === "wrong") return { kind: "wrong" };
    this.tries = 0;
    this.received += piece.length;
    this.pieces.push(piece);
    if (this.received < id.bytes) return { kind: "more", isNew: "new" };
    const loaded = assembly.end(id);
    if (loaded.kind === "wrong" || loaded.head.cluster !== cluster) return { kind: "wrong" };
    return { kind: "whole", snapshot: { id, end: loaded.head, bytes: this.pieces } };
  }

  /** Called once for each time that it is asked again. */
  isSilent(): "silent" | "patient" {
    assert(this.received < this.id.bytes, "a whole snapshot is asked for no more");
    this.tries += 1;
    return this.tries > triesMax ? "silent" : "patient";
  }
}
