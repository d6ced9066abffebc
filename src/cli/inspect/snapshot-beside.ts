/** The snapshot that stands for the beginning of a log, where it lies beside the log's files and is whole. */
import { dirname, join } from "node:path";
import { snapshotName } from "../../journal/names.ts";
import { type LoadedSnapshot, loadSnapshot } from "../../journal/snapshot-load.ts";
import type { SnapshotId } from "../../raft/types.ts";
import { closedFile } from "./files.ts";
import type { Judged } from "./log.ts";
import { statOf } from "./paths.ts";
import type { Beginning } from "./replay.ts";

export function snapshotBeside(judged: Judged): Beginning | null {
  const named = namedSnapshot(judged);
  const found = named === null ? null : readNamed(named);
  return found?.kind === "loaded" ? found : null;
}

/** Which one the log says it is, and where that should be; null where it speaks of none. */
export function namedSnapshot({
  log,
  reading,
}: Judged): { readonly id: SnapshotId; readonly path: string } | null {
  const id = reading.standing?.snapshot ?? null;
  const node = reading.first?.identity.node ?? null;
  if (id === null || node === null) return null;
  return { id, path: join(dirname(log.path), snapshotName(node, id.last.index)) };
}

export function readNamed(named: {
  readonly id: SnapshotId;
  readonly path: string;
}): LoadedSnapshot {
  if (statOf(named.path) === null) return { kind: "wrong", offset: 0, because: "missing" };
  return loadSnapshot(closedFile(named.path).source, named.id);
}
