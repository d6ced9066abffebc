/** What ends a node from outside: a signal, or the end of the supervisor that started it. */

export type StopReason = "asked" | "supervisor-gone";

export type Hooks = {
  /** SIGUSR1: somebody wants to see the state. */
  readonly show: () => void;
  /** Something came over the supervisor's channel. */
  readonly told: (message: unknown) => void;
};

/** Listens until the node is to stop. Called once per process. */
export function waitForStop(hooks: Hooks): Promise<StopReason> {
  const { promise, resolve } = Promise.withResolvers<StopReason>();
  process.on("SIGTERM", () => resolve("asked"));
  process.on("SIGINT", () => resolve("asked"));
  process.on("SIGUSR1", hooks.show);
  if (process.send !== undefined) {
    process.on("message", hooks.told);
    process.on("disconnect", () => resolve("supervisor-gone"));
  }
  return promise;
}
