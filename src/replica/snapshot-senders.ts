/**
 * The snapshots that are on their way to followers. While one is, its file stays, and so does the log behind its last
 * entry: otherwise a follower that has just installed it would need the next one (U13). But not for ever: who takes
 * nothing for a while is sent the newest one instead.
 */
import { assert } from "../base/assert.ts";
import {
  earliest,
  type LogIndex,
  later,
  type Millis,
  minIndex,
  type NodeId,
  never,
} from "../base/numbers.ts";
import type { DiskEffect } from "../journal/effects.ts";
import type { Message, SnapshotResponse } from "../raft/message.ts";
import type { State } from "../raft/state.ts";
import type { Counters } from "./counters.ts";
import { type SnapshotFile, type SnapshotSettings, snapshotPace } from "./snapshot-file.ts";
import { SnapshotSending } from "./snapshot-sending.ts";

export class SnapshotSenders {
  private readonly settings: SnapshotSettings;
  private readonly state: State;
  private readonly counters: Counters;
  private readonly takeTicket: () => number;
  private readonly sendings = new Map<NodeId, SnapshotSending>();

  constructor(parts: {
    settings: SnapshotSettings;
    state: State;
    counters: Counters;
    takeTicket: () => number;
  }) {
    this.settings = parts.settings;
    this.state = parts.state;
    this.counters = parts.counters;
    this.takeTicket = parts.takeTicket;
  }

  get isIdle(): boolean {
    return this.sendings.size === 0;
  }

  /** To whom, and up to which entry. */
  get targets(): readonly { readonly to: NodeId; readonly last: LogIndex }[] {
    return [...this.sendings.values()].map(({ to, source }) => ({
      to,
      last: source.id.last.index,
    }));
  }

  begin(to: NodeId, source: SnapshotFile | null): void {
    assert(source !== null, "who has forgotten entries has a snapshot that stands for them");
    const { settings, state, takeTicket } = this;
    const { pieceBytes } = settings;
    const { heartbeatMs } = state.settings.timing;
    const now = state.now;
    this.counters.add("snapshots-begun");
    this.sendings.set(
      to,
      new SnapshotSending({ to, source, pieceBytes, heartbeatMs, takeTicket, now }),
    );
  }

  onResponse(m: SnapshotResponse): void {
    const outcome = this.sendings.get(m.from)?.onResponse(this.state.now, m);
    if (outcome === "elsewhere") this.counters.add("snapshots-resumed");
  }

  onRead(ticket: number, bytes: Uint8Array): void {
    for (const sending of this.sendings.values()) {
      if (sending.onRead(ticket, bytes) === "own") return;
    }
  }

  /** What goes out now, and what is to be read for what comes next. `newest` is what would be begun with now. */
  continue(newest: SnapshotFile | null): {
    readonly messages: readonly Message[];
    readonly reads: readonly DiskEffect[];
    /** Whether something is not needed any more. */
    readonly ended: "some" | "none";
  } {
    const { state } = this;
    const messages: Message[] = [];
    const reads: DiskEffect[] = [];
    let ended: "some" | "none" = "none";
    for (const [to, sending] of this.sendings) {
      const { role, now, term, settings } = state;
      if (role.kind !== "leader" || role.followers.get(to)?.mode !== "installing") {
        this.sendings.delete(to);
        ended = "some";
        continue;
      }
      if (this.isOutOfPatience(sending) && sending.source !== newest) {
        this.counters.add("snapshots-replaced");
        ended = "some";
        this.begin(to, newest);
        continue;
      }
      const message = sending.nextMessage(now, { from: settings.me, term });
      if (message !== null) {
        this.counters.add("snapshot-pieces");
        messages.push(message);
      }
      const read = sending.nextRead();
      if (read !== null) reads.push(read);
    }
    return { messages, reads, ended };
  }

  /** Of these entries a follower that is being sent to will need those behind. */
  lowestNeeded(most: LogIndex): LogIndex {
    let lowest = most;
    for (const { source } of this.sendings.values()) {
      lowest = minIndex(lowest, source.id.last.index);
    }
    return lowest;
  }

  needs(file: string): "needed" | "not-needed" {
    const isNeeded = [...this.sendings.values()].some(({ source }) => source.file === file);
    return isNeeded ? "needed" : "not-needed";
  }

  nextDeadline(): Millis {
    let deadline = never;
    for (const sending of this.sendings.values()) {
      deadline = earliest(deadline, sending.nextDeadline());
    }
    return deadline;
  }

  private isOutOfPatience({ idleSince }: SnapshotSending): boolean {
    const { now, settings } = this.state;
    const patienceMs = snapshotPace.patienceTimeouts * settings.timing.electionMsMax;
    return now >= later(idleSince, patienceMs);
  }
}
