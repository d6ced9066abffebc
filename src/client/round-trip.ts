/**
 * How long an answer is worth waiting for: the mean of the round trips so far, and four times their
 * spread, as TCP does it (RFC 6298). Every try has a name of its own, so a late answer to an
 * earlier try is measured as that.
 */
import { timing } from "./timing.ts";

export class RoundTrips {
  #meanMs = -1;
  #spreadMs = 0;

  measured(ms: number): void {
    if (this.#meanMs < 0) {
      this.#meanMs = ms;
      this.#spreadMs = ms / 2;
      return;
    }
    this.#spreadMs += (Math.abs(ms - this.#meanMs) - this.#spreadMs) / 4;
    this.#meanMs += (ms - this.#meanMs) / 8;
  }

  /** The wait for a first try. */
  answerMs(): number {
    if (this.#meanMs < 0) return timing.answerMsFirst;
    const ms = this.#meanMs + 4 * this.#spreadMs;
    return Math.min(timing.answerMsMax, Math.max(timing.answerMsMin, ms));
  }
}
