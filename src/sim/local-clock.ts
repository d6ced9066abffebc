/**
 * A machine's own clock in the pretended world: it runs faster or slower than the world's and jumps ahead, as
 * clocks of suspended machines do. It never goes back: that much every monotonic clock promises (base/clock.ts).
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { later, type Millis, millis, never } from "../base/numbers.ts";

/** Moments of the world are rounded up to this, so that an alarm is never early by a rounding. */
const grain = 1024;

export class LocalClock implements Clock {
  private readonly world: Clock;
  private worldSince: Millis = millis(0);
  private ownSince: Millis = millis(0);
  private speed = 1;

  constructor(world: Clock) {
    this.world = world;
  }

  get rate(): number {
    return this.speed;
  }

  readonly now = (): Millis =>
    millis(this.ownSince + (this.world.now() - this.worldSince) * this.speed);

  readonly wake = (moment: Millis, call: () => void): (() => void) =>
    this.world.wake(this.worldTimeOf(moment), call);

  /** Alarms that are set already do not notice: whoever set one asks again. */
  setRate(rate: number): void {
    assert(rate > 0, "a clock runs");
    this.restart(this.now());
    this.speed = rate;
  }

  jump(ms: number): void {
    assert(ms >= 0, "a monotonic clock never goes back");
    this.restart(later(this.now(), ms));
  }

  private restart(own: Millis): void {
    this.worldSince = this.world.now();
    this.ownSince = own;
  }

  private worldTimeOf(moment: Millis): Millis {
    if (moment === never) return never;
    const exact = this.worldSince + (moment - this.ownSince) / this.speed;
    const rounded = Math.ceil(exact * grain) / grain;
    const own = this.ownSince + (rounded - this.worldSince) * this.speed;
    return millis(own < moment ? rounded + 1 / grain : rounded);
  }
}
