/** What every clock promises (src/base/clock.ts), asked of the machine's and of the pretended one. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/base/clock.ts";
import { later, millis } from "../../src/base/numbers.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { SimClock } from "../../src/sim/clock.ts";

type Subject = {
  readonly name: string;
  readonly clock: () => Clock;
  /** Lets time pass until the promise is settled. */
  readonly until: <T>(clock: Clock, settled: Promise<T>) => Promise<T>;
};

const subjects: readonly Subject[] = [
  { name: "the machine's clock", clock: () => systemClock, until: (_, settled) => settled },
  {
    name: "the pretended clock",
    clock: () => new SimClock(),
    until: (clock, settled) => {
      if (clock instanceof SimClock) clock.run(1000);
      return settled;
    },
  },
];

describe.each(subjects)("$name", ({ clock: makeClock, until }) => {
  const wakeIn = (clock: Clock, ms: number): Promise<number> =>
    new Promise((resolve) => {
      clock.wake(later(clock.now(), ms), () => resolve(clock.now()));
    });

  test("never goes back", () => {
    const clock = makeClock();
    let before = clock.now();
    for (let time = 0; time < 1000; time++) {
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
  });

  test("wakes no earlier than it was asked to", async () => {
    const clock = makeClock();
    for (const ms of [0, 1, 7, 20]) {
      const due = clock.now() + ms;
      expect(await until(clock, wakeIn(clock, ms))).toBeGreaterThanOrEqual(due);
    }
  });

  test("wakes for a moment that has passed, but not before the caller has returned", async () => {
    const clock = makeClock();
    let returned = "not yet";
    const woken = new Promise<string>((resolve) => {
      clock.wake(millis(-5), () => resolve(returned));
    });
    returned = "returned";
    expect(await until(clock, woken)).toBe("returned");
  });

  test("wakes in the order of the moments", async () => {
    const clock = makeClock();
    const order: number[] = [];
    const all = [30, 10, 20].map((ms) => wakeIn(clock, ms).then(() => order.push(ms)));
    await until(clock, Promise.all(all));
    expect(order).toEqual([10, 20, 30]);
  });

  test("does not wake for what was taken back", async () => {
    const clock = makeClock();
    let woken = "no";
    const cancel = clock.wake(later(clock.now(), 5), () => {
      woken = "yes";
    });
    cancel();
    await until(clock, wakeIn(clock, 15));
    expect(woken).toBe("no");
  });
});
