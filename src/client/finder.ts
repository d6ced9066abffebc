/**
 * Where the leader is, as far as anybody said. There is one target at a time. It moves when its
 * node redirects, falls silent or lacks a quorum; an answer to what was sent before the last move
 * moves nothing, so that a thousand redirections in one datagram count as one.
 */
import { later, type Millis, millis } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { isSuspect, type Node, type Nodes } from "./nodes.ts";
import { doubled, timing } from "./timing.ts";

/**
 * Whether the target has answered as leaders with a quorum do, since it became the target. Writes
 * go to no other: what was never sent is certain to have no effect, and in an outage that is most
 * of them.
 */
export type Confidence = "guess" | "confirmed";

export class LeaderFinder {
  target: Node;
  confidence: Confidence = "guess";
  /** Counts the moves. A try remembers the one it was sent in. */
  move = 0;
  /** Nothing is sent to the target before this. */
  resumeAt: Millis = millis(Number.NEGATIVE_INFINITY);
  /** Redirections followed since anything was confirmed: nodes can point at each other. */
  #hops = 0;
  #pauses = 0;
  /** The last that was asked because it was its turn. */
  #turn: Node;
  readonly #nodes: Nodes;
  readonly #random: Random;

  constructor(nodes: Nodes, random: Random) {
    this.#nodes = nodes;
    this.#random = random;
    this.target = nodes.all[random.below(nodes.all.length)] ?? nodes.all[0]!;
    this.#turn = this.target;
  }

  /** The target answered as only a leader does. */
  confirmed(move: number): void {
    if (move !== this.move) return;
    this.confidence = "confirmed";
    this.#hops = 0;
    this.#pauses = 0;
  }

  /** The target says that it does not lead; `hint` is who does, where it knows. */
  redirected(move: number, hint: Node | null, now: Millis): void {
    if (move !== this.move) return;
    if (hint === null || hint === this.target || this.#hops >= this.#nodes.all.length) {
      this.#seek(now);
      return;
    }
    this.#hops++;
    // A leader that is thought to be down may be so, and the others have not noticed; or datagrams
    // were lost. Asking it again costs little, and not asking it would cost a live leader's clients
    // much.
    if (isSuspect(hint, now)) this.#pause(now);
    this.#moveTo(hint);
  }

  /** The target leads and cannot reach a quorum. */
  withoutQuorum(move: number, now: Millis): void {
    if (move === this.move) this.#seek(now);
  }

  /** The target does not answer. */
  silent(node: Node, now: Millis): void {
    if (node !== this.target) return;
    this.#takeTurn(now);
    if (isSuspect(this.target, now)) this.#pause(now);
  }

  /**
   * Asks the next node, after a pause: an election takes its time, and asking does not hasten it.
   */
  #seek(now: Millis): void {
    this.#hops = 0;
    this.#pause(now);
    this.#takeTurn(now);
  }

  /**
   * In turn, and not from the target on: others may all point to one node, and each is asked
   * nevertheless.
   */
  #takeTurn(now: Millis): void {
    const next = this.#nodes.after(this.#turn, now);
    const again = next === this.target && this.#nodes.all.length > 1;
    this.#turn = again ? this.#nodes.after(next, now) : next;
    this.#moveTo(this.#turn);
  }

  #moveTo(node: Node): void {
    this.target = node;
    this.confidence = "guess";
    this.move++;
  }

  #pause(now: Millis): void {
    const span = doubled({ min: timing.pauseMsMin, max: timing.pauseMsMax }, this.#pauses);
    this.#pauses++;
    this.resumeAt = later(now, span / 2 + this.#random.below(Math.ceil(span / 2)));
  }
}
