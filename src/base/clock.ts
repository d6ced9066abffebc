/** Time, handed in: src/runtime/clock.ts is the machine's, src/sim/clock.ts is pretended. One contract for both. */
import type { Millis } from "./numbers.ts";

export interface Clock {
  /** Monotonic: never goes back, whatever the wall clock does. */
  readonly now: () => Millis;
  /** Calls once, at `moment` or later, never before the caller has returned. The result takes it back. */
  readonly wake: (moment: Millis, call: () => void) => () => void;
}
