/**
 * How a server of figure 16's experiment waits for its disk. The paper measured LogCabin, which has one lock around
 * everything, and a sync of its own for each change of term and of vote: an election costs three in a row, the
 * candidate's, the voter's new term, the voter's vote ("locked"). Here nobody stops for a sync, term and vote share
 * one, and only messages that promise something wait for it ("gated").
 */
import { assert, unreachable } from "../../src/base/assert.ts";
import { later, type Millis } from "../../src/base/numbers.ts";
import type { JournalPosition } from "../../src/journal/journal.ts";
import type { Message } from "../../src/raft/message.ts";
import type { State } from "../../src/raft/state.ts";
import { Gate } from "../../src/replica/gate.ts";
import type { SimClock } from "../../src/sim/clock.ts";

export type DiskDiscipline = "locked" | "gated";

export type Vote = Pick<State, "term" | "votedFor">;

export interface ElectionDisk {
  /** When this server can hear anything; null: at any time. */
  readonly freeAt: (now: Millis) => Millis | null;
  /** After a step: what was so before it. */
  readonly changed: (before: Vote) => void;
  /** The messages of that step: now, or when the disk lets them. */
  readonly send: (messages: readonly Message[]) => void;
}

type Parts = {
  readonly state: State;
  readonly clock: SimClock;
  readonly syncMs: number;
  readonly send: (message: Message) => void;
};

export function makeDisk(discipline: DiskDiscipline, parts: Parts): ElectionDisk {
  switch (discipline) {
    case "locked":
      return new LockedDisk(parts);
    case "gated":
      return new GatedDisk(parts);
    default:
      return unreachable(discipline);
  }
}

/** Who writes holds the lock: the server neither hears nor speaks until it is done. */
class LockedDisk implements ElectionDisk {
  private readonly parts: Parts;
  private busyUntil: Millis;

  constructor(parts: Parts) {
    this.parts = parts;
    this.busyUntil = parts.clock.now();
  }

  freeAt(now: Millis): Millis | null {
    return this.busyUntil > now ? this.busyUntil : null;
  }

  changed(before: Vote): void {
    const { state, clock, syncMs } = this.parts;
    const moved = state.term !== before.term;
    const campaigns = moved && state.votedFor === state.settings.me;
    const votes = state.votedFor !== null && (moved || before.votedFor === null);
    const syncs = campaigns ? 1 : Number(moved) + Number(votes);
    this.busyUntil = later(clock.now(), syncs * syncMs);
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.parts.clock.wake(this.busyUntil, () => {
      for (const message of messages) this.parts.send(message);
    });
  }
}

/** The replica's own gate, with one sync under way at a time. */
class GatedDisk implements ElectionDisk {
  private readonly parts: Parts;
  private readonly gate: Gate;
  private position = 0 as JournalPosition;
  private durable = 0 as JournalPosition;
  private syncing: "syncing" | "idle" = "idle";

  constructor(parts: Parts) {
    this.parts = parts;
    this.gate = new Gate(parts.state.term);
  }

  freeAt(): null {
    return null;
  }

  changed(before: Vote): void {
    const { term, votedFor, log } = this.parts.state;
    const isSame = term === before.term && votedFor === before.votedFor;
    if (log.takeUnrecorded().length === 0 && isSame) return;
    this.position = (this.position + 1) as JournalPosition;
    if (!isSame) this.gate.recorded(term, this.position);
  }

  send(messages: readonly Message[]): void {
    const { position, durable } = this;
    for (const message of this.gate.admit(messages, { position, durable })) {
      this.parts.send(message);
    }
    this.sync();
  }

  private sync(): void {
    if (this.syncing === "syncing" || this.durable === this.position) return;
    this.syncing = "syncing";
    const covered = this.position;
    const { clock, syncMs } = this.parts;
    clock.wake(later(clock.now(), syncMs), () => {
      assert(covered > this.durable, "a sync makes something durable");
      this.syncing = "idle";
      this.durable = covered;
      for (const message of this.gate.release(covered)) this.parts.send(message);
      this.sync();
    });
  }
}
