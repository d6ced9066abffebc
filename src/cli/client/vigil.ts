/** What runs where somebody leads and has named no command: it says so, and lasts until a signal ends it. */
import { type CommandEnd, passedSignals } from "../../client/errand.ts";
import type { Child, ChildSignal } from "../../runtime/child.ts";

const ends: readonly string[] = [...passedSignals.filter((name) => !/USR/.test(name)), "SIGKILL"];

/** Where nobody hears it any more, it ends. */
export function vigil(say: () => Promise<void>): Child {
  const { promise, resolve } = Promise.withResolvers<CommandEnd>();
  void say().catch(() => resolve({ code: 0, signal: null }));
  const signal = (name: ChildSignal): void => {
    if (ends.includes(name)) resolve({ code: null, signal: name });
  };
  return { signal, ended: promise };
}
