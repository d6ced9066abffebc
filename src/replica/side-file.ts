/**
 * A file beside the journal that grows until it is whole, and is then made durable. It is synced now and then on its
 * way, so that its last sync is a short one, and does not grow while too much of it waits for the disk. A file of
 * no more use is removed, but not in the middle of a sync.
 */
import { assert } from "../base/assert.ts";
import type { DiskEffect } from "../journal/effects.ts";
import { snapshotPace } from "./snapshot-file.ts";

export class SideFile {
  readonly name: string;
  /** "ended": all bytes are there; "durable": and on the disk; "given-up": to be removed; "gone". */
  state: "open" | "ended" | "durable" | "given-up" | "gone" = "open";
  private readonly takeTicket: () => number;
  private effects: DiskEffect[];
  private unsyncedBytes: number;
  private sync: { readonly ticket: number; readonly is: "last" | "one-of-many" } | null = null;

  constructor(parts: { name: string; takeTicket: () => number; firstBytes: Uint8Array }) {
    const { name, takeTicket, firstBytes } = parts;
    this.name = name;
    this.takeTicket = takeTicket;
    this.effects = [{ kind: "create", file: name, bytes: firstBytes }];
    this.unsyncedBytes = firstBytes.length;
  }

  append(bytes: Uint8Array): void {
    assert(this.state === "open", "a file that is whole does not grow");
    this.effects.push({ kind: "append", file: this.name, bytes });
    this.unsyncedBytes += bytes.length;
  }

  mayGrow(): "may" | "wait" {
    return this.sync === null || this.unsyncedBytes < snapshotPace.syncBytes ? "may" : "wait";
  }

  end(): void {
    this.state = "ended";
  }

  giveUp(): void {
    if (this.state !== "gone") this.state = "given-up";
  }

  /** It has got its own name: nothing of it is here any more. */
  published(): void {
    assert(this.state === "durable", "what is published is durable");
    this.state = "gone";
  }

  /** Whether a sync that is over was one of this file's. */
  onSynced(ticket: number): "own" | "other" {
    if (this.sync?.ticket !== ticket) return "other";
    if (this.sync.is === "last" && this.state === "ended") this.state = "durable";
    this.sync = null;
    return "own";
  }

  takeEffects(): readonly DiskEffect[] {
    const isDue = this.state === "ended" || this.unsyncedBytes >= snapshotPace.syncBytes;
    const isAlive = this.state === "open" || this.state === "ended";
    if (this.sync === null && isAlive && isDue) {
      this.sync = {
        ticket: this.takeTicket(),
        is: this.state === "ended" ? "last" : "one-of-many",
      };
      this.effects.push({ kind: "sync", file: this.name, ticket: this.sync.ticket });
      this.unsyncedBytes = 0;
    }
    if (this.state === "given-up" && this.sync === null) {
      this.effects.push({ kind: "remove", file: this.name });
      this.state = "gone";
    }
    if (this.effects.length === 0) return none;
    const { effects } = this;
    this.effects = [];
    return effects;
  }
}

const none: readonly DiskEffect[] = [];
