/**
 * Keeps one lease alive, and knows how long it may be relied on. Deterministic: the time is handed in, what to ask is
 * taken out.
 *
 * The cluster counts a lease's span from the entry that began or renewed it, which was not written before it was asked
 * for. So it cannot end earlier than its span after that request was sent, on a clock as fast as the leaders'. Here it
 * is relied on for two thirds of that, and whatever hangs on it must be over at five sixths: what is left covers clocks
 * that run differently, and is for whoever has to stop something (P30).
 */
import { assert } from "../base/assert.ts";
import { earliest, later, type Millis, millis, never } from "../base/numbers.ts";
import type { LeaseId } from "../kv/command.ts";
import type { Result } from "./request.ts";

/** Parts of a lease's span, since the request that renewed it last was sent. */
export const shares = {
  /** Then it is renewed, */
  renew: 1 / 3,
  /** until then it is relied on, */
  trust: 2 / 3,
  /** and by then what hangs on it is over. */
  end: 5 / 6,
  /** A renewal that failed is tried again after so long. */
  again: 1 / 24,
} as const;

assert(shares.renew < shares.trust, "a lease is renewed before it is given up");
assert(shares.trust < shares.end, "there is time to stop what hangs on a lease");
assert(shares.end < 1, "what hangs on a lease is over before the cluster gives it to another");

export type Care =
  /** Nothing to do before this. */
  | { readonly kind: "rest"; readonly until: Millis }
  /** Ask for it to be kept alive, and give that up at the deadline. */
  | { readonly kind: "renew"; readonly deadline: Millis }
  /** The cluster has ended it. */
  | { readonly kind: "lost" };

export class LeaseKeeper {
  readonly lease: LeaseId;
  readonly #ttlMs: number;
  /** When the request was sent that began or renewed it last, as far as that is known to have happened. */
  #renewedAt: Millis;
  #askedAt: Millis | null = null;
  #againAt: Millis = millis(0);
  #state: "kept" | "lost" = "kept";

  constructor(parts: { lease: LeaseId; ttlMs: number; askedAt: Millis }) {
    this.lease = parts.lease;
    this.#ttlMs = parts.ttlMs;
    this.#renewedAt = parts.askedAt;
  }

  /**
   * The lease is there until this moment, and nobody else can have what hangs on it. Later it may be there or not: who
   * relies on nothing may go on asking for it.
   */
  get trustedUntil(): Millis {
    return this.#after(shares.trust);
  }

  /** Whatever hangs on the lease is over by then. */
  get overBy(): Millis {
    return this.#after(shares.end);
  }

  /** What to do now. Once it says "lost" it says nothing else. */
  care(now: Millis): Care {
    if (this.#state === "lost") return { kind: "lost" };
    const trusted = now < this.trustedUntil ? this.trustedUntil : never;
    if (this.#askedAt !== null) return { kind: "rest", until: trusted };
    const due = millis(Math.max(this.#after(shares.renew), this.#againAt));
    if (now < due) return { kind: "rest", until: earliest(due, trusted) };
    return { kind: "renew", deadline: later(now, this.#ttlMs * shares.renew) };
  }

  asked(now: Millis): void {
    assert(this.#askedAt === null, "one renewal is under way at a time");
    this.#askedAt = now;
  }

  answered(result: Result, now: Millis): void {
    const askedAt = this.#askedAt;
    assert(askedAt !== null, "what is answered was asked");
    this.#askedAt = null;
    if (result.kind === "committed" && result.reply.kind === "lease-kept") {
      this.#renewedAt = millis(Math.max(this.#renewedAt, askedAt));
    } else if (result.kind === "committed" && result.reply.kind === "lease-unknown") {
      this.#state = "lost";
    } else this.#againAt = later(now, this.#ttlMs * shares.again);
  }

  #after(share: number): Millis {
    return later(this.#renewedAt, Math.floor(this.#ttlMs * share));
  }
}
