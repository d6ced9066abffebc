/** Signals as something to wait for: one Ctrl-C is one, however often it is passed on. */
import { expect, test } from "bun:test";
import { Signals } from "../../../src/cli/signals.ts";
import { repeatMs } from "../../../src/client/errand.ts";

test("a signal that is passed on at once counts once; a later one counts again", async () => {
  let now = 0;
  const signals = new Signals(() => now);
  try {
    signals.raise("SIGINT");
    now = repeatMs - 1;
    signals.raise("SIGINT");
    now = repeatMs;
    signals.raise("SIGTERM");
    expect(await signals.next()).toBe("SIGINT");
    expect(await signals.next()).toBe("SIGTERM");
  } finally {
    signals.close();
  }
});

test("a real signal is waited for, and does not end the program meanwhile", async () => {
  const signals = new Signals();
  try {
    const next = signals.next();
    process.kill(process.pid, "SIGTERM");
    expect(await next).toBe("SIGTERM");
  } finally {
    signals.close();
  }
});
