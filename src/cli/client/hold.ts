/** Does what an errand (client/errand.ts) says: asks the cluster, starts the command, hears signals, waits. */
import { unreachable } from "../../base/assert.ts";
import type { Millis } from "../../base/numbers.ts";
import {
  type AskStep,
  Errand,
  type ErrandParts,
  type PassedSignal,
  passedSignals,
  type Step,
  type Verdict,
} from "../../client/errand.ts";
import type { Result } from "../../client/request.ts";
import type { Item } from "../../kv/command.ts";
import type { Child, Grouping } from "../../runtime/child.ts";
import type { Cluster } from "./place.ts";

export type Hold = {
  readonly parts: ErrandParts;
  readonly group: Grouping;
  /** Throws what is to be said where it cannot be started. */
  readonly start: (holding: { readonly token: number; readonly key: string }) => Child;
  readonly waits: (behind: Item) => void;
};

export type Outcome = {
  readonly verdict: Verdict;
  readonly place: "left" | "behind";
  /** What `start` has thrown. */
  readonly thrown: unknown;
};

/** Timers of this runtime know no longer span. */
const sleepMsMax = 2 ** 30;

export function hold(cluster: Cluster, parts: Hold): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const holding = new Holding(cluster, parts, resolve);
  holding.turn();
  return promise;
}

class Holding {
  readonly #cluster: Cluster;
  readonly #parts: Hold;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #errand: Errand;
  readonly #deafen: () => void;
  #child: Child | null = null;
  #thrown: unknown = null;
  #failed: Result | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(cluster: Cluster, parts: Hold, resolve: (outcome: Outcome) => void) {
    this.#cluster = cluster;
    this.#parts = parts;
    this.#resolve = resolve;
    this.#errand = new Errand(parts.parts, cluster.now);
    this.#deafen = this.#listen();
  }

  turn(): void {
    clearTimeout(this.#timer);
    const { now } = this.#cluster;
    for (const step of this.#errand.take(now)) this.#do(step, now);
    const wakeAt = this.#errand.wakeAt(now);
    if (!Number.isFinite(wakeAt)) return;
    const sleepMs = Math.min(sleepMsMax, Math.max(1, Math.ceil(wakeAt - now)));
    this.#timer = setTimeout(() => this.turn(), sleepMs);
  }

  #do(step: Step, now: Millis): void {
    switch (step.kind) {
      case "ask":
        return this.#ask(step);
      case "start":
        return this.#start(step, now);
      case "signal":
        return this.#child?.signal(step.signal);
      case "waits":
        return this.#parts.waits(step.behind);
      case "end":
        return this.#end(step);
      default:
        return unreachable(step);
    }
  }

  #ask(step: AskStep): void {
    const { operation, consistency, again, deadline } = step.ask;
    this.#cluster.submit({ operation, consistency, again, deadline }, (result) => {
      this.#failed = result;
      this.#errand.answered(step, result, this.#cluster.now);
      this.turn();
    });
  }

  #start(step: Extract<Step, { kind: "start" }>, now: Millis): void {
    try {
      this.#child = this.#parts.start(step);
    } catch (error) {
      this.#thrown = error;
      this.#errand.notStarted(now);
      queueMicrotask(() => this.turn());
      return;
    }
    void this.#child.ended.then((end) => {
      this.#errand.ended(end, this.#cluster.now);
      this.turn();
    });
  }

  #end({ verdict, place }: Extract<Step, { kind: "end" }>): void {
    this.#deafen();
    // What is still asked says now why it has no answer.
    if (verdict.kind === "unanswered") this.#cluster.giveUp();
    const result = this.#failed;
    const settled = verdict.kind === "unanswered" ? { ...verdict, result } : verdict;
    this.#resolve({ verdict: settled, place, thrown: this.#thrown });
  }

  #listen(): () => void {
    const heard = passedSignals.map((name) => [name, () => this.#hear(name)] as const);
    const all: (readonly [NodeJS.Signals, () => void])[] = [
      ...heard,
      ["SIGCONT", () => this.#resume()],
    ];
    // Who shares the terminal's group with the command is stopped with it.
    if (this.#parts.group === "own-group") all.push(["SIGTSTP", () => this.#suspend()]);
    for (const [name, call] of all) process.on(name, call);
    return () => {
      for (const [name, call] of all) process.off(name, call);
    };
  }

  #hear(signal: PassedSignal): void {
    this.#errand.signalled(signal, this.#cluster.now);
    // After the connection has heard it, too: what is asked before is given up with everything that waits.
    queueMicrotask(() => this.turn());
  }

  /** A command that goes on while nobody keeps its lease would outlive it. */
  #suspend(): void {
    this.#child?.signal("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  }

  #resume(): void {
    this.#errand.resumed();
    this.turn();
  }
}
