/**
 * What a journal wants done to the disk, as data, and the one place where it is done: the simulator
 * and the runtime both call performDiskEffect, in the order of the effects. A DiskError ends the
 * node's life; none of this is tried twice.
 */
import { unreachable } from "../base/assert.ts";
import type { Disk } from "./disk.ts";

export type DiskEffect =
  /** `bytes` are the journal's: good until the flush after the next, to be read and not kept. */
  | { readonly kind: "append"; readonly file: string; readonly bytes: Uint8Array }
  | { readonly kind: "sync"; readonly file: string; readonly ticket: number }
  | Roll;

/** The active file is full: it gets the name `closed`, and a new one begins with `header`. */
export type Roll = {
  readonly kind: "roll";
  readonly active: string;
  readonly closed: string;
  readonly temporary: string;
  readonly header: Uint8Array;
};

export function performDiskEffect(disk: Disk, effect: DiskEffect): void {
  switch (effect.kind) {
    case "append":
      return disk.append(effect.file, effect.bytes);
    case "sync":
      return disk.startSync(effect.file, effect.ticket);
    case "roll":
      return roll(disk, effect);
    default:
      return unreachable(effect);
  }
}

/**
 * Each step is durable before the next, so that a crash leaves one of four folders: as before; the
 * same and the new file aside; the new file aside and no active one; as after. open.ts ends what
 * was begun. A closed file is durable to its end: any bad byte in it is damage.
 */
function roll(disk: Disk, { active, closed, temporary, header }: Roll): void {
  disk.sync(active);
  createAside(disk, { temporary, header });
  disk.rename(active, closed);
  disk.syncFolder();
  disk.rename(temporary, active);
  disk.syncFolder();
}

/** A file's first record is durable before the file has its name. */
export function createAside(
  disk: Disk,
  file: { readonly temporary: string; readonly header: Uint8Array },
): void {
  disk.create(file.temporary, file.header);
  disk.sync(file.temporary);
  disk.syncFolder();
}
