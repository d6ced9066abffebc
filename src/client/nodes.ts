/**
 * What the client half knows of each node: where it is, when it was last heard of, what it said,
 * and whether it is worth asking. Nodes are those that were given, and leaders that others named.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { assert, must } from "../base/assert.ts";
import { later, type Millis, millis, type NodeId } from "../base/numbers.ts";
import type { Contact, NodeReport, Said } from "./request.ts";
import { doubled, limits, timing } from "./timing.ts";

export type Node = {
  /** Its place in `all`. */
  readonly number: number;
  readonly address: Address;
  /** As its datagrams say; null before the first, where it was not given. */
  id: NodeId | null;
  heardAt: Millis;
  said: Said | null;
  /** When the first datagram was sent that nothing was heard after; null: nothing is owed. */
  askedAt: Millis | null;
  askedLast: Millis;
  /**
   * Tries in a row that it left unanswered, of those that were sent after the one before was given
   * up.
   */
  misses: number;
  missedAt: Millis;
  /** Not worth asking before this. */
  suspectUntil: Millis;
  /** When a piece of something large, or the word that one arrived, last came from it. */
  pieceAt: Millis;
  refusedAt: Millis;
};

const longAgo = millis(Number.NEGATIVE_INFINITY);

export class Nodes {
  readonly all: Node[] = [];
  readonly #byAddress = new Map<string, Node>();

  constructor(given: readonly { readonly id: NodeId | null; readonly address: Address }[]) {
    assert(given.length > 0, "there is a node to ask");
    for (const { id, address } of given) this.known(address).id = id;
  }

  /** The node at this address, which is learnt where it was not known. */
  known(address: Address): Node {
    return this.at(address) ?? this.#add(address);
  }

  #add(address: Address): Node {
    const node: Node = {
      number: this.all.length,
      address,
      id: null,
      heardAt: longAgo,
      said: null,
      askedAt: null,
      askedLast: longAgo,
      misses: 0,
      missedAt: longAgo,
      suspectUntil: longAgo,
      pieceAt: longAgo,
      refusedAt: longAgo,
    };
    this.all.push(node);
    this.#byAddress.set(formatAddress(address), node);
    return node;
  }

  at(address: Address): Node | null {
    return this.#byAddress.get(formatAddress(address)) ?? null;
  }

  withId(id: NodeId): Node | null {
    return this.all.find((node) => node.id === id) ?? null;
  }

  /**
   * Who sent a datagram: by its address, else by the id it carries, since a node may answer from
   * another address of its machine than the one it was given by.
   */
  sender(from: Address, id: NodeId): Node | null {
    return this.at(from) ?? this.withId(id);
  }

  /**
   * The node that another one named as the leader; learnt where it was not known. Null: nobody to
   * ask.
   */
  hinted(hint: { readonly leader: NodeId | null; readonly address: string | null }): Node | null {
    const byId = hint.leader === null ? null : this.withId(hint.leader);
    if (byId !== null) return byId;
    const address = hint.address === null ? null : parseAddress(hint.address);
    if (address === null) return null;
    const known = this.at(address);
    if (known === null && this.all.length >= limits.nodesMax) return null;
    const node = known ?? this.#add(address);
    node.id = hint.leader ?? node.id;
    return node;
  }

  /** Something arrived from it. */
  heard(node: Node, id: NodeId, now: Millis): void {
    node.id = id;
    node.heardAt = now;
    node.askedAt = null;
    node.misses = 0;
    node.suspectUntil = longAgo;
  }

  asked(node: Node, now: Millis): void {
    node.askedAt ??= now;
    node.askedLast = now;
  }

  /**
   * A try was not answered. The first that a node misses may be a datagram lost, unless nothing was
   * ever heard of it; the second is a node that is down. What was sent before a miss counts as one
   * with it.
   */
  missed(node: Node, sentAt: Millis, now: Millis): "excused" | "suspect" {
    if (sentAt >= node.missedAt) {
      node.misses++;
      node.missedAt = now;
      if (node.misses > 1 || node.heardAt === longAgo) this.suspect(node, now);
    }
    return isSuspect(node, now) ? "suspect" : "excused";
  }

  /** It is down, for all that is known. */
  suspect(node: Node, now: Millis): void {
    const span = { min: timing.suspicionMsMin, max: timing.suspicionMsMax };
    node.suspectUntil = later(now, doubled(span, Math.max(0, node.misses - 2)));
  }

  /** The next node in turn that is worth asking; where none is, the one that soonest will be. */
  after(node: Node, now: Millis): Node {
    const start = node.number + 1;
    let best: Node | null = null;
    for (let step = 0; step < this.all.length; step++) {
      const one = must(this.all[(start + step) % this.all.length], "the turn stays inside");
      if (one.suspectUntil <= now) return one;
      if (best === null || one.suspectUntil < best.suspectUntil) best = one;
    }
    return must(best, "there is a node to ask");
  }

  report(now: Millis): readonly NodeReport[] {
    return this.all.map((node) => ({
      id: node.id,
      address: node.address,
      contact: contactOf(node, now),
    }));
  }
}

/**
 * Whether a refusal that nobody signed can be its: it was asked just now, and nothing came back
 * since.
 */
export const mayHaveRefused = (node: Node, now: Millis): boolean =>
  node.askedAt !== null &&
  node.askedLast > node.refusedAt &&
  now - node.askedLast <= timing.refusalMsMax;

export const isSuspect = (node: Node, now: Millis): boolean => node.suspectUntil > now;

function contactOf(node: Node, now: Millis): Contact {
  if (node.askedAt !== null && node.refusedAt >= node.askedAt) return { kind: "refused" };
  if (node.askedAt !== null && now - node.askedAt >= timing.silentMs) {
    return { kind: "silent", forMs: now - node.askedAt };
  }
  if (node.heardAt === longAgo) return { kind: "not-asked" };
  return { kind: "answered", said: node.said ?? { kind: "alive" } };
}
