/**
 * Which lease ends first: a binary heap of deadlines that knows where each lease stands in it, so that one can be put
 * off or taken out in logarithmic time and none is left behind. How the heap lies is no part of the store's state.
 */
import { assert, must } from "../base/assert.ts";
import { type Millis, never } from "../base/numbers.ts";
import type { LeaseId } from "./command.ts";

type Due = { readonly lease: LeaseId; at: Millis };

export class Deadlines {
  private readonly heap: Due[] = [];
  private readonly places = new Map<LeaseId, number>();

  /** The first deadline; "never" where there is none. */
  get first(): Millis {
    return this.heap[0]?.at ?? never;
  }

  /** Adds a lease, or moves its deadline. */
  set(lease: LeaseId, at: Millis): void {
    const place = this.places.get(lease);
    if (place === undefined) {
      this.heap.push({ lease, at });
      this.places.set(lease, this.heap.length - 1);
      this.rise(this.heap.length - 1);
      return;
    }
    must(this.heap[place], "a place is in the heap").at = at;
    this.rise(place);
    this.sink(must(this.places.get(lease), "what rose has a place"));
  }

  remove(lease: LeaseId): void {
    const place = this.places.get(lease);
    assert(place !== undefined, "a lease that is taken out has a deadline");
    this.places.delete(lease);
    const last = must(this.heap.pop(), "the heap has what is taken out");
    if (place === this.heap.length) return;
    this.put(last, place);
    this.rise(place);
    this.sink(must(this.places.get(last.lease), "what took its place has one"));
  }

  /**
   * Calls `visit` for leases whose deadline has come, until it says "stop". In the heap's order, which is that of
   * nobody: whoever needs one sorts.
   */
  visitDue(now: Millis, visit: (lease: LeaseId) => "next" | "stop"): void {
    const open = [0];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const due = this.heap[place];
      if (due === undefined || due.at > now) continue;
      if (visit(due.lease) === "stop") return;
      open.push(2 * place + 1, 2 * place + 2);
    }
  }

  private rise(from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      if (this.at(above) <= this.at(place)) return;
      this.swap(place, above);
      place = above;
    }
  }

  private sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= this.heap.length) return;
      const right = left + 1;
      const below = right < this.heap.length && this.at(right) < this.at(left) ? right : left;
      if (this.at(place) <= this.at(below)) return;
      this.swap(place, below);
      place = below;
    }
  }

  private at(place: number): Millis {
    return must(this.heap[place], "the walk stays inside").at;
  }

  private swap(one: number, other: number): void {
    const due = must(this.heap[one], "the walk stays inside");
    this.put(must(this.heap[other], "the walk stays inside"), one);
    this.put(due, other);
  }

  private put(due: Due, place: number): void {
    this.heap[place] = due;
    this.places.set(due.lease, place);
  }
}
