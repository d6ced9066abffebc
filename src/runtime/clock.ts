/** The machine's clock: milliseconds since the process began, unmoved by changes of the time of day. */
import type { Clock } from "../base/clock.ts";
import { type Millis, millis } from "../base/numbers.ts";

const monotonic = (): Millis => millis(performance.now());

export const systemClock: Clock = {
  now: monotonic,
  wake(moment, call) {
    const timer = setTimeout(call, Math.max(0, Math.ceil(moment - monotonic())));
    return () => clearTimeout(timer);
  },
};
