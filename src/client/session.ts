/**
 * The client's side of a session (dissertation 6.3): numbers its writes, and tells the cluster up
 * to where it has all replies. A write whose outcome stayed unknown is never acknowledged: it can
 * be sent again under its name, exactly once, for as long as the cluster knows the session. When
 * such a hole blocks the window, a new session is begun.
 */
import { assert } from "../base/assert.ts";
import type { Millis } from "../base/numbers.ts";
import { limits as kvLimits } from "../kv/command.ts";
import { timing } from "./timing.ts";

export type ClientSessionLimits = {
  /** Writes that may be unanswered at once. */
  readonly window: number;
  /** Unused for so long, it is not relied on any more. */
  readonly idleMsMax: number;
};

const usualLimits: ClientSessionLimits = {
  window: kvLimits.sessionWindow,
  idleMsMax: timing.sessionIdleMsMax,
};

export class ClientSession {
  readonly id: number;
  /** Every sequence below is settled. */
  acknowledged = 1;
  usedAt: Millis;
  #next = 1;
  readonly #window: number;
  readonly #idleMsMax: number;
  /** Settled sequences above `acknowledged`. */
  readonly #settled = new Set<number>();
  /** Sequences that stayed unknown. */
  readonly #holes = new Set<number>();

  constructor(id: number, now: Millis, limits: ClientSessionLimits = usualLimits) {
    this.id = id;
    this.usedAt = now;
    this.#window = limits.window;
    this.#idleMsMax = limits.idleMsMax;
  }

  /** What the session can do for a new write now. */
  state(now: Millis): "open" | "full" | "used-up" {
    const unsettled = this.#next - this.acknowledged - this.#settled.size - this.#holes.size;
    if (unsettled === 0 && now - this.usedAt >= this.#idleMsMax) return "used-up";
    if (this.#next < this.acknowledged + this.#window) return "open";
    // Only a hole never goes away by waiting.
    return this.#holes.has(this.acknowledged) ? "used-up" : "full";
  }

  nextSequence(now: Millis): number {
    assert(this.state(now) === "open", "the window has room");
    this.usedAt = now;
    const sequence = this.#next;
    this.#next++;
    return sequence;
  }

  /** The reply is here, or it is certain that there will be no effect. */
  settle(sequence: number): void {
    assert(sequence >= this.acknowledged, "a sequence is settled once");
    this.#settled.add(sequence);
    while (this.#settled.delete(this.acknowledged)) this.acknowledged++;
  }

  /** Given up without knowing. */
  leave(sequence: number): void {
    this.#holes.add(sequence);
  }

  /** One that was left was sent again under its name, and is settled now. */
  recover(sequence: number): void {
    if (this.#holes.delete(sequence)) this.settle(sequence);
  }
}
