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
  | Roll
  /** A file beside the journal's own: a snapshot that is made or received. */
  | { readonly kind: "create"; readonly file: string; readonly bytes: Uint8Array }
  /** It is whole and durable: it gets its name, and has it when this is done. */
  | { readonly kind: "publish"; readonly temporary: string; readonly file: string }
  /** It is needed no more, and gone when this is done: names that go together go in order. */
  | { readonly kind: "remove"; readonly file: string }
  /** What is read comes back as an input. */
  | {
      readonly kind: "read";
      readonly file: string;
      readonly offset: number;
      readonly length: number;
      readonly ticket: number;
    };

/** The input that a "read" becomes. */
export type ReadDone = {
  readonly kind: "read-done";
  readonly ticket: number;
  readonly bytes: Uint8Array;
};

/** The active file is full: it gets the name `closed`, and a new one begins with `header`. */
export type Roll = {
  readonly kind: "roll";
  readonly active: string;
  readonly closed: string;
  readonly temporary: string;
  readonly header: Uint8Array;
};

/** Returns what is to be handed back as an input, where there is something. */
export function performDiskEffect(disk: Disk, effect: DiskEffect): ReadDone | null {
  switch (effect.kind) {
    case "append":
      disk.append(effect.file, effect.bytes);
      return null;
    case "sync":
      disk.startSync(effect.file, effect.ticket);
      return null;
    case "roll":
      roll(disk, effect);
      return null;
    case "create":
      disk.create(effect.file, effect.bytes);
      return null;
    case "publish":
      disk.rename(effect.temporary, effect.file);
      disk.syncFolder();
      return null;
    case "remove":
      disk.remove(effect.file);
      disk.syncFolder();
      return null;
    case "read": {
      const bytes = disk.read(effect.file, effect.offset, effect.length);
      return { kind: "read-done", ticket: effect.ticket, bytes };
    }
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
