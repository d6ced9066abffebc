/**
 * Reads a snapshot file from its first byte to its last, and makes of it the store that it holds: everything is
 * verified before anything of it is believed.
 */
import { StoreBuilder } from "../codec/store-sections.ts";
import type { Store } from "../kv/store.ts";
import type { SnapshotId } from "../raft/types.ts";
import type { RecordSource } from "./reader.ts";
import {
  SnapshotDecoder,
  type SnapshotHead,
  type SnapshotPart,
  type SnapshotWrong,
  sameSnapshot,
} from "./snapshot-format.ts";

export type SnapshotFault =
  | SnapshotWrong
  | "missing"
  /** The file ends before the snapshot does. */
  | "cut-short"
  | "unknown-section"
  /** It is whole, and not the one that is meant. */
  | "another";

export type LoadedSnapshot =
  | {
      readonly kind: "loaded";
      readonly head: SnapshotHead;
      readonly id: SnapshotId;
      readonly store: Store;
    }
  | SnapshotRefusal;

export type SnapshotRefusal = {
  readonly kind: "wrong";
  readonly offset: number;
  readonly because: SnapshotFault;
};

const chunkBytes = 1 << 22;

/** What a snapshot amounts to while its bytes come in, wherever from. */
export class SnapshotAssembly {
  private readonly decoder = new SnapshotDecoder();
  private readonly builder = new StoreBuilder();
  private head: SnapshotHead | null = null;
  private id: SnapshotId | null = null;
  private refusal: SnapshotRefusal | null = null;

  /** Keeps nothing of the bytes. */
  push(bytes: Uint8Array): "right" | "wrong" {
    for (const part of this.decoder.push(bytes)) {
      if (this.refusal === null) this.take(part);
    }
    const { wrong, offset } = this.decoder;
    if (wrong !== null) this.refusal ??= { kind: "wrong", offset, because: wrong };
    return this.refusal === null ? "right" : "wrong";
  }

  /** When all bytes have come. `id` is the one that is meant, null where any will do. */
  end(id: SnapshotId | null): LoadedSnapshot {
    const { head, builder, decoder } = this;
    const { offset } = decoder;
    if (this.refusal !== null) return this.refusal;
    if (head === null || this.id === null) return { kind: "wrong", offset, because: "cut-short" };
    if (id !== null && !sameSnapshot(id, this.id)) {
      return { kind: "wrong", offset: 0, because: "another" };
    }
    return { kind: "loaded", head, id: this.id, store: builder.store };
  }

  private take(part: SnapshotPart): void {
    if (part.kind === "header") this.head = part.head;
    else if (part.kind === "end") this.id = part.id;
    else {
      const because = this.builder.take(part.block);
      if (because !== "taken") this.refusal = { kind: "wrong", offset: part.offset, because };
    }
  }
}

export function loadSnapshot(source: RecordSource, id: SnapshotId | null): LoadedSnapshot {
  const assembly = new SnapshotAssembly();
  for (let at = 0; at < source.size; at += chunkBytes) {
    const bytes = source.read(at, Math.min(chunkBytes, source.size - at));
    if (assembly.push(bytes) === "wrong") break;
  }
  return assembly.end(id);
}
