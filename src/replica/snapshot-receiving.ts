/**
 * A snapshot that a leader sends, on its way to the disk. It is read as it comes, piece by piece, and the store that it
 * holds is made of it meanwhile: what is wrong is found at once, and when the file is durable nothing is left to do
 * that could take long.
 */
import type { NodeId } from "../base/numbers.ts";
import { unfinishedSnapshotName } from "../journal/names.ts";
import { sameSnapshot } from "../journal/snapshot-format.ts";
import { SnapshotAssembly, type SnapshotFault } from "../journal/snapshot-load.ts";
import type { Store } from "../kv/store.ts";
import type { SnapshotRequest } from "../raft/message.ts";
import type { SnapshotEnd, SnapshotId } from "../raft/types.ts";
import { SideFile } from "./side-file.ts";
import { snapshotFile, type WholeSnapshot } from "./snapshot-file.ts";

export type Verdict =
  | { readonly kind: "taken" }
  /** It does not begin where the last one ended. */
  | { readonly kind: "out-of-place" }
  | { readonly kind: "wrong"; readonly because: SnapshotFault | "of-another-cluster" };

const taken: Verdict = { kind: "taken" };
const outOfPlace: Verdict = { kind: "out-of-place" };

export class SnapshotReceiving {
  readonly id: SnapshotId;
  readonly file: SideFile;
  received = 0;
  private readonly me: NodeId;
  private readonly cluster: number;
  private readonly assembly = new SnapshotAssembly();
  private content: { readonly end: SnapshotEnd; readonly store: Store } | null = null;

  /** With its first piece, which has to be offered as well. */
  constructor(parts: {
    me: NodeId;
    cluster: number;
    first: SnapshotRequest;
    takeTicket: () => number;
  }) {
    const { me, cluster, first, takeTicket } = parts;
    this.me = me;
    this.cluster = cluster;
    this.id = first.snapshot;
    const name = unfinishedSnapshotName(me, this.id.last.index, "received");
    this.file = new SideFile({ name, takeTicket, firstBytes: first.piece });
  }

  isOf(id: SnapshotId): "this" | "another" {
    return sameSnapshot(this.id, id) ? "this" : "another";
  }

  offer({ offset, piece }: SnapshotRequest): Verdict {
    if (offset !== this.received) return outOfPlace;
    if (offset > 0) this.file.append(piece);
    this.received += piece.length;
    if (this.assembly.push(piece) === "wrong" || this.received === this.id.bytes) {
      return this.finish();
    }
    return taken;
  }

  private finish(): Verdict {
    const loaded = this.assembly.end(this.id);
    if (loaded.kind === "wrong") return loaded;
    const { head, store } = loaded;
    if (head.cluster !== this.cluster) return { kind: "wrong", because: "of-another-cluster" };
    const { last, time, configuration } = head;
    this.content = { end: { last, time, configuration }, store };
    this.file.end();
    return taken;
  }

  /** The file and what is in it, once it is whole and durable. */
  whole(): (WholeSnapshot & { readonly store: Store }) | null {
    const { content, file, id, me } = this;
    if (content === null || file.state !== "durable") return null;
    const known = snapshotFile(me, id, content.end);
    return { ...known, store: content.store, temporary: file.name };
  }
}
