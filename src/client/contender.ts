/**
 * One contender for a lock or an election: gets in line, stays in it, holds, leaves. Deterministic, like the client
 * half that it asks through: take() says what to ask now, answered() takes what came of it, and `wakeAt` says when to
 * take again. It waits by asking for the key in front of it, which is cheap however long the line is, and looks at the
 * whole line only when that one is gone.
 */
import { assert, unreachable } from "../base/assert.ts";
import { earliest, later, type Millis, never } from "../base/numbers.ts";
import type { Item, Operation } from "../kv/command.ts";
import { LeaseKeeper } from "./keeper.ts";
import { enterLine, Line, leaveLine, lookAtLine, placeKey, stayInLine } from "./place-in-line.ts";
import type { Consistency, RequestId, Result } from "./request.ts";

export const contention = {
  /** Who waits asks so often whether whoever is in front has gone. */
  pollMs: 200,
  /** A question that has no answer by then is asked again. */
  answerMs: 5_000,
} as const;

/** "place": getting in line, looking, leaving. "lease": staying in it. One of each is under way at most. */
export type Lane = "place" | "lease";

export type Ask = {
  readonly lane: Lane;
  readonly operation: Operation;
  readonly consistency: Consistency;
  readonly again: RequestId | null;
  readonly deadline: Millis;
};

export type Stand =
  | { readonly kind: "entering" }
  | { readonly kind: "waiting"; readonly token: number; readonly behind: Item | null }
  /** `token` grows from holder to holder. */
  | { readonly kind: "holding"; readonly token: number }
  | { readonly kind: "leaving" }
  | {
      readonly kind: "out";
      /** "refused": the cluster does not take it; `result` says why. */
      readonly because: "left" | "lost" | "busy" | "refused";
      readonly result: Result | null;
    };

export type Patience = "wait" | "no-wait";

export class Contender {
  readonly #prefix: string;
  readonly #key: string;
  readonly #value: Uint8Array;
  readonly #ttlMs: number;
  readonly #patience: Patience;
  #stand: Stand = { kind: "entering" };
  #keeper: LeaseKeeper | null = null;
  /** When it was first asked for its place, and under which name that is asked again. */
  #enteredAt: Millis | null = null;
  #again: RequestId | null = null;
  #line: Line | null = null;
  #after = "";
  #placeUnderWay: "look" | "poll" | "enter" | "leave" | null = null;
  #placeAt: Millis = never;
  #leftBecause: "left" | "busy" = "left";
  readonly #busy = new Set<Lane>();

  constructor(parts: {
    prefix: string;
    nonce: number;
    value: Uint8Array;
    ttlMs: number;
    patience: Patience;
    now: Millis;
  }) {
    this.#prefix = parts.prefix;
    this.#key = placeKey(parts.prefix, parts.nonce);
    this.#value = parts.value;
    this.#ttlMs = parts.ttlMs;
    this.#patience = parts.patience;
    this.#placeAt = parts.now;
  }

  get stand(): Stand {
    return this.#stand;
  }

  /** Of its place: it is there, with the token as its revision, as long as it is in line. */
  get key(): string {
    return this.#key;
  }

  /** Until when a holder may rely on holding, on the caller's clock; in the past for who is not holding. */
  get trustedUntil(): Millis {
    return this.#keeper?.trustedUntil ?? (0 as Millis);
  }

  /** By when whatever a holder does under the lock is over. */
  get overBy(): Millis {
    return this.#keeper?.overBy ?? (0 as Millis);
  }

  /** Gives the place up, and says so to the cluster, as soon as it has one. */
  leave(now: Millis): void {
    if (this.#stand.kind === "out" || this.#stand.kind === "leaving") return;
    this.#stand =
      this.#keeper === null && this.#enteredAt === null
        ? { kind: "out", because: "left", result: null }
        : { kind: "leaving" };
    this.#placeAt = now;
  }

  /** What to ask now. */
  take(now: Millis): readonly Ask[] {
    this.#care(now);
    const asks: Ask[] = [];
    const place = this.#placeAsk(now);
    if (place !== null) asks.push(this.#under("place", place, now));
    const renewal = this.#renewal(now);
    if (renewal !== null) asks.push(renewal);
    return asks;
  }

  wakeAt(now: Millis): Millis {
    if (this.#stand.kind === "out") return never;
    const hasQuestions = this.#stand.kind !== "holding" && !this.#busy.has("place");
    const place = hasQuestions ? this.#placeAt : never;
    const care = this.#isCaredFor() ? this.#keeper?.care(now) : undefined;
    return earliest(place, care?.kind === "rest" ? care.until : never);
  }

  answered(ask: Ask, result: Result, now: Millis): void {
    assert(this.#busy.delete(ask.lane), "what is answered was asked");
    if (ask.lane === "lease") {
      this.#keeper?.answered(result, now);
      this.#care(now);
      return;
    }
    const what = this.#placeUnderWay;
    this.#placeUnderWay = null;
    switch (what) {
      case "enter":
        return this.#onEntered(result, now);
      case "look":
        return this.#onLine(result, now);
      case "poll":
        return this.#onPolled(result, now);
      case "leave":
        return this.#onLeft(result, now);
      case null:
        return assert(false, "an answer about the place was asked for");
      default:
        return unreachable(what);
    }
  }

  #isCaredFor(): boolean {
    return this.#stand.kind === "waiting" || this.#stand.kind === "holding";
  }

  #care(now: Millis): void {
    if (!this.#isCaredFor()) return;
    // Who only waits relies on nothing: its place is there until the cluster says otherwise.
    const hasLapsed = this.#stand.kind === "holding" && now >= this.trustedUntil;
    if (!hasLapsed && this.#keeper?.care(now).kind !== "lost") return;
    this.#stand = { kind: "out", because: "lost", result: null };
  }

  #renewal(now: Millis): Ask | null {
    const keeper = this.#keeper;
    if (keeper === null || !this.#isCaredFor() || this.#busy.has("lease")) return null;
    const care = keeper.care(now);
    if (care.kind !== "renew") return null;
    keeper.asked(now);
    this.#busy.add("lease");
    const common = { lane: "lease", consistency: "linearizable", again: null } as const;
    return { ...common, operation: stayInLine(keeper.lease), deadline: care.deadline };
  }

  #under(lane: Lane, operation: Operation, now: Millis): Ask {
    this.#busy.add(lane);
    const again = this.#placeUnderWay === "enter" ? this.#again : null;
    const deadline = later(now, contention.answerMs);
    return { lane, operation, consistency: "linearizable", again, deadline };
  }

  /** The next question about the place, if one is due. */
  #placeAsk(now: Millis): Operation | null {
    if (this.#busy.has("place") || now < this.#placeAt) return null;
    switch (this.#stand.kind) {
      case "entering":
        return this.#enter(now);
      case "leaving":
        // Whether there is a place to leave is known only when its own request is settled.
        if (this.#keeper === null) return this.#enter(now);
        this.#placeUnderWay = "leave";
        return leaveLine(this.#keeper.lease);
      case "waiting": {
        const { behind } = this.#stand;
        if (behind !== null) {
          this.#placeUnderWay = "poll";
          return { kind: "get", key: behind.key };
        }
        this.#placeUnderWay = "look";
        this.#line ??= new Line(this.#prefix);
        return lookAtLine(this.#prefix, this.#after);
      }
      case "holding":
      case "out":
        return null;
      default:
        return unreachable(this.#stand);
    }
  }

  #enter(now: Millis): Operation {
    this.#placeUnderWay = "enter";
    this.#enteredAt ??= now;
    return enterLine({ key: this.#key, value: this.#value, ttlMs: this.#ttlMs });
  }

  #onEntered(result: Result, now: Millis): void {
    this.#again =
      result.kind === "committed" || result.kind === "unknown" ? result.requestId : null;
    this.#placeAt = later(now, contention.pollMs);
    if (result.kind === "unknown" && result.because === "deadline") return;
    if (result.kind === "rejected") return this.#onRejected(result);
    if (result.kind !== "committed" || result.reply.kind !== "written") {
      // Whatever became of it goes by itself: nobody keeps it alive.
      const isFull = result.kind === "committed" && result.reply.kind === "lease-limit";
      this.#stand = { kind: "out", because: isFull ? "refused" : "lost", result };
      return;
    }
    const { index } = result.reply;
    const askedAt = this.#enteredAt ?? now;
    this.#keeper = new LeaseKeeper({ lease: index, ttlMs: this.#ttlMs, askedAt });
    this.#placeAt = now;
    if (this.#stand.kind === "leaving") return;
    this.#stand = { kind: "waiting", token: index, behind: null };
  }

  /** It had no effect and will have none: the next try begins anew. */
  #onRejected(result: Extract<Result, { kind: "rejected" }>): void {
    this.#enteredAt = null;
    this.#again = null;
    if (this.#stand.kind === "leaving") {
      this.#stand = { kind: "out", because: "left", result: null };
    } else if (result.because.kind === "invalid" || result.because.kind === "refused") {
      this.#stand = { kind: "out", because: "refused", result };
    }
  }

  #onLine(result: Result, now: Millis): void {
    this.#placeAt = later(now, contention.pollMs);
    if (this.#stand.kind !== "waiting") return this.#hurry(now);
    const line = this.#line;
    if (result.kind !== "committed" || result.reply.kind !== "listed" || line === null) return;
    const after = line.add(result.reply);
    if (after !== null) {
      this.#after = after;
      return this.#hurry(now);
    }
    this.#line = null;
    this.#after = "";
    const { token } = this.#stand;
    if (!line.has(token)) {
      this.#stand = { kind: "out", because: "lost", result: null };
      return;
    }
    const behind = line.ahead(token);
    this.#stand = { ...this.#stand, behind };
    if (behind === null) return this.#hold(token, now);
    if (this.#patience === "wait") return;
    this.#leftBecause = "busy";
    this.leave(now);
  }

  /** First in line; but who is not sure to be still in it renews its lease before it relies on it. */
  #hold(token: number, now: Millis): void {
    if (now < this.trustedUntil) this.#stand = { kind: "holding", token };
  }

  #onPolled(result: Result, now: Millis): void {
    this.#placeAt = later(now, contention.pollMs);
    if (this.#stand.kind !== "waiting") return this.#hurry(now);
    if (result.kind !== "committed") return;
    const { reply } = result;
    const { behind } = this.#stand;
    if (reply.kind === "found" && reply.revision === behind?.revision) return;
    this.#stand = { ...this.#stand, behind: null };
    this.#hurry(now);
  }

  #onLeft(result: Result, now: Millis): void {
    this.#placeAt = later(now, contention.pollMs);
    if (result.kind !== "committed") return;
    this.#stand = { kind: "out", because: this.#leftBecause, result: null };
  }

  #hurry(now: Millis): void {
    this.#placeAt = now;
  }
}
