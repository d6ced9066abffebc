/**
 * The client half: finds the leader from any node, sends again what was not answered, and makes a
 * write that was sent twice happen once, by a session. Deterministic and without input or output of
 * its own: datagrams and the time are handed in, datagrams and results are taken out. One of these
 * serves a thousand callers at once.
 *
 * Use: after any call, take() and do what it says; call elapse() when `wakeAt` has come.
 */
import type { Address } from "../base/address.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import { earliest, type Millis, millis, type NodeId } from "../base/numbers.ts";
import { commandProblem } from "../codec/command-problem.ts";
import { isReadOperation, limits as kvLimits } from "../kv/command.ts";
import { onIncoming } from "./answers.ts";
import { type Core, type Counters, giveUp, noCounts, reject } from "./core.ts";
import { dispatch, dispatchAt } from "./dispatch.ts";
import { LeaderFinder } from "./finder.ts";
import { mayHaveRefused, type Node, Nodes } from "./nodes.ts";
import type { NodeReport, Request, Settled, Ticket } from "./request.ts";
import { Requests, type Work } from "./requests.ts";
import { RoundTrips } from "./round-trip.ts";
import { leave, sweep } from "./sweep.ts";
import { limits, timing } from "./timing.ts";
import { Wire, type WireOptions } from "./wire.ts";

export type ClientOptions = WireOptions & {
  /** At least one. Addresses with numbers, not names: answers come from numbers. */
  readonly nodes: readonly { readonly id: NodeId | null; readonly address: Address }[];
  /** Writes that may be unanswered at once; smaller than the cluster's for tests only. */
  readonly sessionWindow?: number;
  /** A session unused for so long is not relied on; shorter for tests only. */
  readonly sessionIdleMsMax?: number;
};

export type Taken = {
  readonly datagrams: readonly OutgoingDatagram[];
  readonly settled: readonly Settled[];
  readonly wakeAt: Millis;
};

export class Client {
  readonly #core: Core;

  constructor(options: ClientOptions, now: Millis) {
    const nodes = new Nodes(options.nodes);
    const finder = new LeaderFinder(nodes, options.random);
    this.#core = {
      nodes,
      finder,
      requests: new Requests(options.random),
      roundTrips: new RoundTrips(),
      wire: new Wire(options, nodes),
      random: options.random,
      counters: noCounts(),
      sessionWindow: options.sessionWindow ?? kvLimits.sessionWindow,
      sessionIdleMsMax: options.sessionIdleMsMax ?? timing.sessionIdleMsMax,
      now,
      session: null,
      registering: null,
      probing: null,
      nearest: finder.target,
    };
  }

  /** Its result comes out of take(), once, at its deadline at the latest. */
  submit(request: Request, now: Millis): Ticket {
    const core = this.#at(now);
    const { operation, deadline, again } = request;
    const earlier = again === null ? "harmless" : "in-doubt";
    const work = workOf(request);
    const pending = core.requests.add({ work, deadline, requestId: again, earlier }, core.now);
    const problem = commandProblem(operation);
    if (problem !== null) reject(core, pending, { kind: "invalid", problem });
    return pending.ticket;
  }

  /** Asks one node to describe itself, as often as it takes, until the deadline. */
  submitStatus(target: { address: Address; deadline: Millis }, now: Millis): Ticket {
    const core = this.#at(now);
    const node = core.nodes.known(target.address);
    const work: Work = { kind: "status", node };
    const { deadline } = target;
    return core.requests.add({ work, deadline, requestId: null, earlier: "harmless" }, core.now)
      .ticket;
  }

  /** Who is asked next. */
  get target(): Address {
    return this.#core.finder.target.address;
  }

  /** Nodes that somebody told of: those that were given at first may all be gone one day. */
  learn(addresses: readonly Address[]): void {
    const { nodes } = this.#core;
    for (const address of addresses) if (nodes.all.length < limits.nodesMax) nodes.known(address);
  }

  /** The bytes may be reused after the call. Never throws, whatever they are. */
  receive(datagram: Uint8Array, from: Address, now: Millis): void {
    const core = this.#at(now);
    const envelope = core.wire.open(datagram);
    const node = envelope === null ? null : core.nodes.sender(from, envelope.sender);
    if (envelope === null || node === null) {
      core.counters.datagramsDropped++;
      return;
    }
    core.nodes.heard(node, envelope.sender, core.now);
    onIncoming(core, node, core.wire.receive(envelope, node, core.now));
  }

  /**
   * The machine of a node says that nobody listens there. Where it does not say which (null), it is
   * one that was asked just now: what waits for those is sent elsewhere soon, if they stay silent.
   */
  refused(address: Address | null, now: Millis): void {
    const core = this.#at(now);
    const node = address === null ? null : core.nodes.at(address);
    const owing = core.nodes.all.filter((one) => mayHaveRefused(one, core.now));
    const culprit = node ?? (owing.length === 1 ? (owing[0] ?? null) : null);
    if (culprit !== null) {
      culprit.refusedAt = core.now;
      core.nodes.suspect(culprit, core.now);
      leave(core, culprit);
      return;
    }
    for (const one of owing) this.#hasten(one);
  }

  #hasten(node: Node): void {
    const { requests, now } = this.#core;
    const soon = millis(now + timing.refusedGraceMs);
    for (const pending of requests.live) {
      if (pending.place !== "waiting" || pending.newest?.node !== node) continue;
      if (pending.dueAt > soon) requests.wait(pending, soon);
    }
  }

  /** Time has passed. */
  elapse(now: Millis): void {
    const core = this.#at(now);
    if (core.now >= core.requests.lookAt) sweep(core);
  }

  /** Settles everything at once, as if every deadline had come: the user does not want to wait. */
  giveUp(now: Millis): void {
    const core = this.#at(now);
    for (const pending of core.requests.live) {
      if (pending === core.registering || pending === core.probing) continue;
      giveUp(core, pending);
    }
  }

  take(): Taken {
    const core = this.#core;
    dispatch(core);
    const datagrams = core.wire.take(core.now);
    const { settled, lookAt } = core.requests;
    core.requests.settled = [];
    const wakeAt = earliest(earliest(lookAt, dispatchAt(core)), core.wire.nextDeadline());
    return { datagrams, settled, wakeAt };
  }

  /** How it stands with each node. */
  report(now: Millis): readonly NodeReport[] {
    return this.#at(now).nodes.report(now);
  }

  counters(): Readonly<Counters> {
    return { ...this.#core.counters };
  }

  /** Time never goes back, whatever the caller's clock says. */
  #at(now: Millis): Core {
    if (now > this.#core.now) this.#core.now = now;
    return this.#core;
  }
}

function workOf({ operation, consistency, ageMsMax, again }: Request): Work {
  if (isReadOperation(operation) && consistency !== "logged" && again === null) {
    return { kind: "read", operation, consistency, ageMsMax: ageMsMax ?? null };
  }
  return { kind: "command", operation };
}
