/**
 * The requests in hand and their tries. Every try has its own name on the wire, so an answer tells
 * which try it answers: a write is out of doubt only when each of its tries is known to have no
 * effect, now or later.
 */
import { assert } from "../base/assert.ts";
import { type Millis, never } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { ReadOperation, RequestBody } from "../codec/client-message.ts";
import { isReadOperation, type Operation } from "../kv/command.ts";
import type { Node } from "./nodes.ts";
import type { RequestId, Result, Settled, Ticket } from "./request.ts";
import type { ClientSession } from "./session.ts";
import { limits } from "./timing.ts";

export type Work =
  /** Goes through the log, within a session. */
  | { readonly kind: "command"; readonly operation: Operation }
  | {
      readonly kind: "read";
      readonly operation: ReadOperation;
      readonly consistency: "linearizable" | "anywhere" | "stale";
      readonly ageMsMax: number | null;
    }
  | { readonly kind: "status"; readonly node: Node }
  /** The client's own: begins a session. */
  | { readonly kind: "register" }
  /** The client's own: a question without effect that finds the leader before writes are sent. */
  | { readonly kind: "probe" };

export type Try = {
  readonly id: number;
  readonly pending: Pending;
  readonly node: Node;
  readonly sentAt: Millis;
  /** The finder's move it was sent in. */
  readonly move: number;
  /** The session it was sent in; null: in none. */
  readonly session: number | null;
};

export type Pending = {
  readonly ticket: Ticket;
  readonly work: Work;
  readonly submittedAt: Millis;
  deadline: Millis;
  /**
   * Set when a write is first sent. A write that is sent again under an old name has a name and no
   * session.
   */
  session: ClientSession | null;
  requestId: RequestId | null;
  body: RequestBody | null;
  /** `queued`: to be sent; `waiting`: for an answer, or for `dueAt` to be sent again. */
  place: "queued" | "waiting" | "settled";
  dueAt: Millis;
  tries: number;
  /** Tries in a row that nodes left unanswered which did answer others. */
  unanswered: number;
  busyAnswers: number;
  /** Tries that may still be answered, the oldest first. */
  open: Try[];
  newest: Try | null;
  /** Whether a try that is not open any more may have had an effect. */
  earlier: "harmless" | "in-doubt";
};

export type PendingParts = Pick<Pending, "work" | "deadline" | "requestId" | "earlier">;

/** Try ids begin anywhere, so that answers to an earlier process on the same port match nothing. */
const firstTryIdMax = 2 ** 40;

export class Requests {
  readonly live = new Set<Pending>();
  /** To be sent to the leader; in the order of their submission, roughly. */
  forLeader: Pending[] = [];
  /** To be sent to a certain node, or to any. */
  forOthers: Pending[] = [];
  settled: Settled[] = [];
  /** No deadline and no repetition lies before this. */
  lookAt: Millis = never;
  #nextTicket = 1;
  #nextTryId: number;
  readonly #tries = new Map<number, Try>();

  constructor(random: Random) {
    this.#nextTryId = random.below(firstTryIdMax) + 1;
  }

  add(parts: PendingParts, now: Millis): Pending {
    const pending: Pending = {
      ticket: this.#nextTicket++,
      work: parts.work,
      submittedAt: now,
      deadline: parts.deadline,
      session: null,
      requestId: parts.requestId,
      body: null,
      place: "waiting",
      dueAt: never,
      tries: 0,
      unanswered: 0,
      busyAnswers: 0,
      open: [],
      newest: null,
      earlier: parts.earlier,
    };
    this.live.add(pending);
    if (parts.deadline < this.lookAt) this.lookAt = parts.deadline;
    this.queue(pending);
    return pending;
  }

  /** To be sent (again) as soon as there is somebody to send it to. */
  queue(pending: Pending): void {
    assert(pending.place === "waiting", "what is queued was waiting");
    pending.place = "queued";
    (goesToLeader(pending.work) ? this.forLeader : this.forOthers).push(pending);
  }

  /** To be sent again at a moment, if no answer comes before. */
  wait(pending: Pending, until: Millis): void {
    pending.place = "waiting";
    pending.dueAt = until;
    if (until < this.lookAt) this.lookAt = until;
  }

  open(pending: Pending, parts: Pick<Try, "node" | "sentAt" | "move">): Try {
    const { node, sentAt, move } = parts;
    const session = pending.requestId?.session ?? null;
    const opened: Try = { id: this.#nextTryId++, pending, node, sentAt, move, session };
    this.#tries.set(opened.id, opened);
    if (pending.open.length >= limits.triesOpenMax) {
      const oldest = pending.open.shift();
      if (oldest !== undefined) this.#tries.delete(oldest.id);
      pending.earlier = "in-doubt";
    }
    pending.open.push(opened);
    pending.newest = opened;
    pending.tries++;
    return opened;
  }

  /** The try that an answer names, which is answered now; null where nobody waits for it. */
  answered(id: number): Try | null {
    const one = this.#tries.get(id);
    if (one === undefined) return null;
    this.#tries.delete(id);
    const { open } = one.pending;
    one.pending.unanswered = 0;
    if (open.length === 1) open.pop();
    else open.splice(open.indexOf(one), 1);
    return one;
  }

  /** The end of a request; `null` for one of the client's own, which nobody asks about. */
  settle(pending: Pending, result: Result | null): void {
    assert(pending.place !== "settled", "a request is settled once");
    pending.place = "settled";
    this.live.delete(pending);
    for (const one of pending.open) this.#tries.delete(one.id);
    if (result !== null) this.settled.push({ ticket: pending.ticket, result });
  }
}

/** Whether a write may have had, or may yet have, an effect through one of its tries. */
export const isInDoubt = (pending: Pending): boolean =>
  pending.earlier === "in-doubt" || pending.open.length > 0;

export const goesToLeader = (work: Work): boolean =>
  work.kind !== "status" && !(work.kind === "read" && work.consistency !== "linearizable");

/** Whether the work can change the store. */
export const isWrite = (work: Work): boolean =>
  work.kind === "command" && !isReadOperation(work.operation);
