/**
 * The load: a number of clients that each have one request under way. In a closed loop a client
 * asks again when it is answered. With a rate, requests fall due at fixed moments whatever the
 * cluster does, and wait for a free client; their latency counts from when they were due, so a
 * stall shows in full.
 *
 * Measured is every request that was due in the measured span, to its end, even where that comes
 * after the span. A client is one object and one closure for the whole run.
 */
import { assert, unreachable } from "../../base/assert.ts";
import { later, type Millis, millis, never } from "../../base/numbers.ts";
import type { Result } from "../../client/request.ts";
import { Histogram } from "./histogram.ts";
import { consistencyOf, isWrite, type Work, type WorkKind } from "./mix.ts";
import type { Cluster } from "./place.ts";

export type Plan = {
  readonly work: Work;
  readonly clients: number;
  readonly warmupMs: number;
  readonly end:
    | { readonly kind: "after-ms"; readonly ms: number }
    | { readonly kind: "after-ops"; readonly count: number };
  /** Requests a second; null: as fast as they are answered. */
  readonly rate: number | null;
  readonly timeoutMs: number;
};

export type Measured = {
  readonly latency: Histogram;
  readonly elapsedMs: number;
  /** The longest time without an acknowledged write. */
  readonly longestGapMs: number;
  readonly errorsByCode: ReadonlyMap<string, number>;
  readonly outcomesUnknown: number;
  /** Requests that fell due and found no free client before the end. */
  readonly unsent: number;
};

type Client = {
  readonly cluster: Cluster;
  readonly done: (result: Result) => void;
  kind: WorkKind;
  dueAt: Millis;
};

/** Below this, waiting is left to the event loop's next turn: a timer is not exact enough. */
const timerMsMin = 2;

export class Load {
  readonly latency = new Histogram();
  readonly #plan: Plan;
  readonly #clients: readonly Client[];
  readonly #idle: Client[] = [];
  readonly #errorsByCode = new Map<string, number>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #beganAt: Millis;
  readonly #measuredFrom: Millis;
  /** No request is due from here on. */
  #endAt: Millis;
  #counted = 0;
  #scheduled = 0;
  #turn: "due" | "not-due" = "not-due";
  #outcomesUnknown = 0;
  #lastAnswerAt: Millis;
  #lastWriteAt: Millis;
  #longestGapMs = 0;

  /** The clients are spread over the connections. */
  constructor(plan: Plan, connections: readonly Cluster[]) {
    const first = connections[0];
    assert(first !== undefined, "there is a connection");
    this.#plan = plan;
    this.#clients = Array.from({ length: plan.clients }, (_, at) =>
      this.#newClient(connections[at % connections.length] ?? first),
    );
    this.#beganAt = first.now;
    this.#measuredFrom = later(this.#beganAt, plan.warmupMs);
    this.#lastAnswerAt = this.#measuredFrom;
    this.#lastWriteAt = this.#measuredFrom;
    const { end } = plan;
    this.#endAt = end.kind === "after-ms" ? later(this.#measuredFrom, end.ms) : never;
  }

  #newClient(cluster: Cluster): Client {
    const client: Client = {
      cluster,
      kind: "put",
      dueAt: never,
      done: (result) => this.#onResult(client, result),
    };
    return client;
  }

  async run(): Promise<Measured> {
    this.#idle.push(...this.#clients);
    this.#startDue();
    await this.#finished.promise;
    return this.#measured();
  }

  /** No further requests; those under way are waited for. */
  stop(): void {
    const now = this.#now();
    if (now >= this.#endAt) return;
    this.#endAt = now;
    this.#startDue();
  }

  get errors(): number {
    let sum = this.#outcomesUnknown;
    for (const count of this.#errorsByCode.values()) sum += count;
    return sum;
  }

  #now(): Millis {
    return this.#clients[0]!.cluster.now;
  }

  /** Gives what is due to clients that are free. */
  #startDue(): void {
    const now = this.#now();
    let dueAt = this.#nextDue(now);
    while (dueAt <= now && now < this.#endAt && this.#idle.length > 0) {
      this.#start(this.#idle.pop()!, dueAt, now);
      dueAt = this.#nextDue(now);
    }
    if (dueAt >= this.#endAt || now >= this.#endAt) this.#finishIfIdle();
    else if (this.#idle.length > 0) this.#wait(dueAt - now);
  }

  #nextDue(now: Millis): Millis {
    const { rate } = this.#plan;
    return rate === null ? now : later(this.#beganAt, (this.#scheduled * 1000) / rate);
  }

  #finishIfIdle(): void {
    if (this.#idle.length === this.#clients.length) this.#finished.resolve();
  }

  #wait(ms: number): void {
    if (this.#turn === "due") return;
    this.#turn = "due";
    const go = (): void => {
      this.#turn = "not-due";
      this.#startDue();
    };
    if (ms >= timerMsMin) setTimeout(go, ms - timerMsMin / 2);
    else setImmediate(go);
  }

  #start(client: Client, dueAt: Millis, now: Millis): void {
    const { work, end, timeoutMs } = this.#plan;
    this.#scheduled++;
    if (dueAt >= this.#measuredFrom) {
      this.#counted++;
      if (end.kind === "after-ops" && this.#counted >= end.count) this.#endAt = millis(-1);
    }
    const kind = work.kind();
    client.kind = kind;
    client.dueAt = dueAt;
    const operation = work.operation(kind);
    const deadline = later(now, timeoutMs);
    const consistency = consistencyOf(kind);
    client.cluster.submit({ operation, consistency, deadline, again: null }, client.done);
  }

  #onResult(client: Client, result: Result): void {
    const now = client.cluster.now;
    if (client.dueAt >= this.#measuredFrom) this.#count(client, result, now);
    if (this.#plan.rate === null && now < this.#endAt) {
      this.#start(client, now, now);
      return;
    }
    this.#idle.push(client);
    this.#startDue();
  }

  #count(client: Client, result: Result, now: Millis): void {
    switch (result.kind) {
      case "committed":
        this.latency.add(now - client.dueAt);
        this.#lastAnswerAt = now;
        if (isWrite(client.kind)) this.#noteWrite(now);
        return;
      case "rejected": {
        const code = result.because.kind;
        this.#errorsByCode.set(code, (this.#errorsByCode.get(code) ?? 0) + 1);
        return;
      }
      case "unknown":
        this.#outcomesUnknown++;
        return;
      case "status":
        return;
      default:
        return unreachable(result);
    }
  }

  #noteWrite(now: Millis): void {
    const gapMs = now - this.#lastWriteAt;
    if (gapMs > this.#longestGapMs) this.#longestGapMs = gapMs;
    this.#lastWriteAt = now;
  }

  #measured(): Measured {
    const { end, rate } = this.#plan;
    // After a number of requests the last answer is the end; after a span, the span's end or what
    // came after it.
    const spanEnd = end.kind === "after-ms" ? this.#endAt : this.#lastAnswerAt;
    const ended = Math.max(spanEnd, this.#lastAnswerAt);
    return {
      latency: this.latency,
      elapsedMs: Math.max(0, ended - this.#measuredFrom),
      longestGapMs: Math.max(this.#longestGapMs, spanEnd - this.#lastWriteAt),
      errorsByCode: this.#errorsByCode,
      outcomesUnknown: this.#outcomesUnknown,
      unsent: rate === null ? 0 : this.#overdue(rate),
    };
  }

  #overdue(rate: number): number {
    if (this.#plan.end.kind === "after-ops") return 0;
    const due = Math.ceil(((this.#endAt - this.#beganAt) * rate) / 1000);
    return Math.max(0, due - this.#scheduled);
  }
}
