/**
 * The loop around a replica: collect what has arrived, hand it over, send, write, sleep until the next deadline.
 * It decides nothing. Everything a server may say or must keep comes out of `handle` in the order in which it is
 * carried out here.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import { type Millis, never } from "../base/numbers.ts";
import { type Disk, DiskError } from "../journal/disk.ts";
import { performDiskEffect } from "../journal/effects.ts";
import type { Input } from "../replica/input.ts";
import type { Replica } from "../replica/replica.ts";

/** What it drives: a replica, or what repairs a journal before there is one. */
export type Driven = Pick<Replica, "handle">;

export type DriverParts = {
  readonly replica: Driven;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly send: (datagrams: readonly OutgoingDatagram[]) => void;
  readonly note: (sentence: string) => void;
  /**
   * Called once, when the replica cannot go on: an OperatorError, or what it threw because the code is broken.
   * A server that has seen the impossible says no more.
   */
  readonly stopped: (error: unknown) => void;
};

export class Driver {
  private readonly parts: DriverParts;
  private inbox: Input[] = [];
  private turnIsDue: "due" | "not-due" = "not-due";
  /** Takes the alarm back that is set, for `timerAt`. */
  private cancelTimer: (() => void) | null = null;
  private timerAt: Millis = never;
  private running: "running" | "over" = "running";

  constructor(parts: DriverParts) {
    this.parts = parts;
    this.push({ kind: "time" });
  }

  hear(from: Address, bytes: Uint8Array): void {
    this.push({ kind: "datagram", from, bytes });
  }

  push(input: Input): void {
    this.inbox.push(input);
    if (this.turnIsDue === "due" || this.running === "over") return;
    this.turnIsDue = "due";
    setImmediate(() => this.guardedTurn());
  }

  /** One more turn, in which the journal is sealed if it can be, and no other. */
  close(): void {
    this.inbox.push({ kind: "seal" });
    this.guardedTurn();
    this.stop();
  }

  stop(): void {
    this.running = "over";
    this.cancelTimer?.();
  }

  private guardedTurn(): void {
    try {
      this.turn();
    } catch (error) {
      this.stop();
      this.parts.stopped(error);
    }
  }

  private turn(): void {
    this.turnIsDue = "not-due";
    if (this.running === "over") return;
    const inputs = this.inbox;
    this.inbox = [];
    const effects = this.parts.replica.handle(this.parts.clock.now(), inputs);
    this.parts.send(effects.datagrams);
    for (const sentence of effects.notes) this.parts.note(sentence);
    if (effects.stop !== null) {
      this.stop();
      return this.parts.stopped(effects.stop);
    }
    this.carryOut(effects.disk);
    this.wakeAt(effects.wakeAt);
  }

  /** The first failure ends the node: nothing after it is tried. */
  private carryOut(effects: readonly Parameters<typeof performDiskEffect>[1][]): void {
    try {
      for (const effect of effects) {
        const done = performDiskEffect(this.parts.disk, effect);
        if (done !== null) this.push(done);
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.push({ kind: "disk-failed", error });
    }
  }

  /** A timer that fires too early only asks again, so it is set anew only to fire sooner. */
  private wakeAt(moment: Millis): void {
    if (this.timerAt <= moment) return;
    this.cancelTimer?.();
    this.timerAt = moment;
    this.cancelTimer = this.parts.clock.wake(moment, () => {
      this.timerAt = never;
      this.push({ kind: "time" });
    });
  }
}
