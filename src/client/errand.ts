/**
 * A command that runs while a lock or an election is held: waits for it, starts the command, passes signals on, ends
 * it when the hold is lost, gives the place back. Deterministic: take() says what to do now, and `wakeAt` when to take
 * again.
 *
 * Safety is the contender's (client/contender.ts): it stops to trust its lease at two thirds of its span. The command
 * is asked to end then, and made to at five sixths, when nobody else can hold yet (client/keeper.ts).
 */
import { assert, unreachable } from "../base/assert.ts";
import { earliest, later, type Millis, never } from "../base/numbers.ts";
import type { Item } from "../kv/command.ts";
import type { Ask, Contender } from "./contender.ts";
import { shares } from "./keeper.ts";
import type { Result } from "./request.ts";

/** These end the waiting; to a command that runs all are passed on. */
const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
export const passedSignals = [...ending, "SIGUSR1", "SIGUSR2"] as const;
export type EndingSignal = (typeof ending)[number];
export type PassedSignal = (typeof passedSignals)[number];

const endsWaiting = (signal: PassedSignal): signal is EndingSignal =>
  (ending as readonly string[]).includes(signal);

/** Between asking a command to end and making it. */
export const graceOf = (ttlMs: number): number => Math.floor(ttlMs * (shares.end - shares.trust));

/**
 * One Ctrl-C may arrive twice (from the terminal, and once more through a parent that passes it on, as npm does), or
 * after the command that it has ended; a person who means it twice takes longer.
 */
export const repeatMs = 300;

/** How a process ended: one of the two is set. */
export type CommandEnd = { readonly code: number | null; readonly signal: string | null };

export type Verdict =
  | { readonly kind: "ran"; readonly end: CommandEnd }
  /** It was started, and the hold was lost before it ended: "not-renewed", or the cluster had ended the lease. */
  | {
      readonly kind: "lost";
      readonly because: "not-renewed" | "lease-ended";
      /** Who ended it: this, or it had ended when this was noticed. */
      readonly ended: "by-force" | "by-itself";
      readonly end: CommandEnd;
      /** The last answer about its lease that was none. */
      readonly result: Result | null;
    }
  /** In none of these was it started. */
  | { readonly kind: "not-started" }
  | { readonly kind: "busy"; readonly behind: Item | null }
  | { readonly kind: "interrupted"; readonly signal: EndingSignal }
  | { readonly kind: "unanswered" | "refused"; readonly result: Result | null };

export type AskStep = { readonly kind: "ask"; readonly ask: Ask; readonly of: Contender };

export type Step =
  | AskStep
  /** Start the command. `ended` or `notStarted` follows. */
  | { readonly kind: "start"; readonly token: number; readonly key: string }
  | { readonly kind: "signal"; readonly signal: PassedSignal | "SIGKILL" | "SIGCONT" }
  /** Said once for each place in line. */
  | { readonly kind: "waits"; readonly behind: Item }
  /** Nothing follows. Who was not heard in time leaves its place "behind": it goes with its lease. */
  | { readonly kind: "end"; readonly verdict: Verdict; readonly place: "left" | "behind" };

type Phase =
  | { readonly kind: "getting"; readonly answerBy: Millis }
  | { readonly kind: "running" }
  | {
      readonly kind: "stopping";
      readonly because: "not-renewed" | "lease-ended";
      readonly killAt: Millis;
    }
  | {
      readonly kind: "leaving";
      readonly verdict: Verdict;
      readonly since: Millis;
      readonly until: Millis;
    }
  | { readonly kind: "over" };

export type ErrandParts = {
  /** A place in line, drawn anew: where one was lost before it was first, another is taken. */
  readonly contend: (now: Millis) => Contender;
  readonly ttlMs: number;
  /** Whoever does not hold by then gives up. */
  readonly waitMs: number;
  /** So long an answer is waited for, when it gets in line and when it leaves. */
  readonly answerMs: number;
};

export class Errand {
  readonly #parts: ErrandParts;
  readonly #waitUntil: Millis;
  #contender: Contender;
  #phase: Phase;
  #steps: Step[] = [];
  readonly #passing: Step[] = [];
  #told: Contender | null = null;
  #killed: "no" | "yes" = "no";
  /** The last result that was no answer. */
  #failed: Result | null = null;

  constructor(parts: ErrandParts, now: Millis) {
    this.#parts = parts;
    this.#waitUntil = later(now, parts.waitMs);
    this.#contender = parts.contend(now);
    this.#phase = { kind: "getting", answerBy: later(now, parts.answerMs) };
  }

  take(now: Millis): readonly Step[] {
    if (this.#phase.kind === "over") return [];
    const asked = this.#asks(now);
    this.#turn(now);
    const steps = this.#steps;
    this.#steps = [];
    const passed = this.#passing.splice(0);
    if ((this.#phase as Phase).kind === "over") return [...asked, ...steps];
    // What is lost is told to stop before it is told to go on.
    return [...asked, ...steps, ...this.#asks(now), ...passed];
  }

  wakeAt(now: Millis): Millis {
    const contender = this.#contender.wakeAt(now);
    switch (this.#phase.kind) {
      case "getting": {
        const isEntering = this.#contender.stand.kind === "entering";
        const answerBy = isEntering ? this.#phase.answerBy : never;
        return earliest(contender, earliest(this.#waitUntil, answerBy));
      }
      case "running":
        return contender;
      case "stopping":
        return this.#killed === "yes" ? never : this.#phase.killAt;
      case "leaving":
        if (this.#contender.stand.kind === "out") return now;
        return earliest(contender, this.#phase.until);
      case "over":
        return never;
      default:
        return unreachable(this.#phase);
    }
  }

  answered({ ask, of }: AskStep, result: Result, now: Millis): void {
    if (of !== this.#contender) return;
    this.#failed = result.kind === "committed" ? null : result;
    of.answered(ask, result, now);
  }

  signalled(signal: PassedSignal, now: Millis): void {
    switch (this.#phase.kind) {
      case "getting":
        if (endsWaiting(signal)) this.#leave({ kind: "interrupted", signal }, now);
        return;
      case "running":
      case "stopping":
        this.#passing.push({ kind: "signal", signal });
        return;
      case "leaving": {
        const isMeant = now >= later(this.#phase.since, repeatMs);
        if (isMeant && endsWaiting(signal)) this.#phase = { ...this.#phase, until: now };
        return;
      }
      case "over":
        return;
      default:
        return unreachable(this.#phase);
    }
  }

  /** This process and the command were stopped, and this one goes on; the command does when it may. */
  resumed(): void {
    if (this.#phase.kind === "running" || this.#phase.kind === "stopping") {
      this.#passing.push({ kind: "signal", signal: "SIGCONT" });
    }
  }

  notStarted(now: Millis): void {
    assert(this.#phase.kind === "running", "what is not started was to be");
    this.#leave({ kind: "not-started" }, now);
  }

  ended(end: CommandEnd, now: Millis): void {
    const phase = this.#phase;
    if (phase.kind === "stopping") {
      this.#lost(phase.because, "by-force", end);
    } else if (now >= this.#contender.trustedUntil) {
      // Both were stopped for long, say, and it went on first.
      this.#lost("not-renewed", "by-itself", end);
    } else if (this.#contender.stand.kind === "out") {
      this.#lost("lease-ended", "by-itself", end);
    } else {
      assert(phase.kind === "running", "what has ended was started");
      this.#leave({ kind: "ran", end }, now);
    }
  }

  #asks(now: Millis): Step[] {
    const of = this.#contender;
    return of.take(now).map((ask) => ({ kind: "ask", ask, of }));
  }

  #turn(now: Millis): void {
    switch (this.#phase.kind) {
      case "getting":
        return this.#get(now, this.#phase.answerBy);
      case "running":
        if (this.#contender.stand.kind === "out") this.#stop(now);
        return;
      case "stopping":
        if (now < this.#phase.killAt || this.#killed === "yes") return;
        this.#killed = "yes";
        this.#steps.push({ kind: "signal", signal: "SIGKILL" });
        return;
      case "leaving": {
        const isOut = this.#contender.stand.kind === "out";
        if (isOut || now >= this.#phase.until) this.#end(this.#phase.verdict);
        return;
      }
      case "over":
        return;
      default:
        return unreachable(this.#phase);
    }
  }

  #get(now: Millis, answerBy: Millis): void {
    const { stand } = this.#contender;
    if (stand.kind === "holding") return this.#start(stand.token);
    if (stand.kind === "out") return this.#onOut(stand, now);
    if (stand.kind === "entering" && now >= answerBy) {
      return this.#end({ kind: "unanswered", result: this.#failed });
    }
    // It leaves by itself where it does not want to wait.
    if (stand.kind === "leaving") return this.#leave({ kind: "busy", behind: null }, now);
    if (now >= this.#waitUntil) {
      const behind = stand.kind === "waiting" ? stand.behind : null;
      const isHeard = stand.kind === "waiting" || this.#failed === null;
      return this.#leave(
        isHeard ? { kind: "busy", behind } : { kind: "unanswered", result: this.#failed },
        now,
      );
    }
    if (stand.kind !== "waiting" || stand.behind === null) return;
    if (this.#told === this.#contender) return;
    this.#told = this.#contender;
    this.#steps.push({ kind: "waits", behind: stand.behind });
  }

  #onOut(stand: Extract<Contender["stand"], { kind: "out" }>, now: Millis): void {
    switch (stand.because) {
      case "lost":
        this.#contender = this.#parts.contend(now);
        this.#phase = { kind: "getting", answerBy: later(now, this.#parts.answerMs) };
        return;
      case "busy":
      case "left":
        return this.#end({ kind: "busy", behind: null });
      case "refused":
        return this.#end({ kind: "refused", result: stand.result });
      default:
        return unreachable(stand.because);
    }
  }

  #start(token: number): void {
    this.#phase = { kind: "running" };
    this.#steps.push({ kind: "start", token, key: this.#contender.key });
  }

  /** Where the cluster has ended the lease somebody else may hold already; it has as long to end, and no longer. */
  #stop(now: Millis): void {
    const { trustedUntil, overBy } = this.#contender;
    const because = now < trustedUntil ? "lease-ended" : "not-renewed";
    const graceMs = graceOf(this.#parts.ttlMs);
    const killAt = earliest(overBy, later(now, graceMs));
    this.#phase = { kind: "stopping", because, killAt };
    if (now < killAt) this.#steps.push({ kind: "signal", signal: "SIGTERM" });
    else this.#turn(now);
  }

  #leave(verdict: Verdict, now: Millis): void {
    this.#contender.leave(now);
    const until = later(now, this.#parts.answerMs);
    this.#phase = { kind: "leaving", verdict, since: now, until };
  }

  /** What it has started and left running is not asked any more. */
  #lost(
    because: "not-renewed" | "lease-ended",
    ended: "by-force" | "by-itself",
    end: CommandEnd,
  ): void {
    this.#steps.push({ kind: "signal", signal: "SIGKILL" });
    const verdict: Verdict = { kind: "lost", because, ended, end, result: this.#failed };
    this.#phase = { kind: "leaving", verdict, since: never, until: 0 as Millis };
  }

  #end(verdict: Verdict): void {
    const isLeft = this.#contender.stand.kind === "out";
    this.#phase = { kind: "over" };
    this.#steps.push({ kind: "end", verdict, place: isLeft ? "left" : "behind" });
  }
}
