/** What the parts of the client half share, and how a request ends. */
import type { Millis, NodeId } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { LeaderFinder } from "./finder.ts";
import type { Node, Nodes } from "./nodes.ts";
import type { Doubt, Rejection, Result } from "./request.ts";
import { isInDoubt, isWrite, type Pending, type Requests } from "./requests.ts";
import type { RoundTrips } from "./round-trip.ts";
import type { ClientSession } from "./session.ts";
import type { Wire } from "./wire.ts";

export type Core = {
  readonly nodes: Nodes;
  readonly finder: LeaderFinder;
  readonly requests: Requests;
  readonly roundTrips: RoundTrips;
  readonly wire: Wire;
  readonly random: Random;
  readonly counters: Counters;
  readonly sessionWindow: number;
  readonly sessionIdleMsMax: number;
  now: Millis;
  /** Where new writes are numbered. */
  session: ClientSession | null;
  registering: Pending | null;
  probing: Pending | null;
  /** Who is asked for reads that any node may answer. */
  nearest: Node;
};

/** What happened, for whoever wonders why something took so long. */
export type Counters = {
  tries: number;
  repeats: number;
  redirects: number;
  busyAnswers: number;
  sessions: number;
  /** Answers to tries that nobody waits for any more. */
  answersLate: number;
  /** Datagrams that were not believed or not understood. */
  datagramsDropped: number;
};

export const noCounts = (): Counters => ({
  tries: 0,
  repeats: 0,
  redirects: 0,
  busyAnswers: 0,
  sessions: 0,
  answersLate: 0,
  datagramsDropped: 0,
});

export function commit(
  core: Core,
  pending: Pending,
  parts: Omit<Extract<Result, { kind: "committed" }>, "kind" | "requestId">,
): void {
  settleSequence(pending);
  const { session, requestId } = pending;
  // It was sent again under its name: the hole that its first try left is filled.
  if (session === null && requestId !== null && core.session?.id === requestId.session) {
    core.session.recover(requestId.sequence);
  }
  core.requests.settle(pending, { kind: "committed", ...parts, requestId });
}

export function reject(core: Core, pending: Pending, because: Rejection): void {
  settleSequence(pending);
  const nodes = core.nodes.report(core.now);
  const { requestId } = pending;
  core.requests.settle(pending, { kind: "rejected", because, requestId, nodes });
}

/** Its sequence is left open, so that it can be sent again under its name, exactly once. */
export function doubt(core: Core, pending: Pending, because: Doubt): void {
  if (pending.session !== null && pending.requestId !== null) {
    pending.session.leave(pending.requestId.sequence);
  }
  const nodes = core.nodes.report(core.now);
  const { requestId } = pending;
  core.requests.settle(pending, { kind: "unknown", because, requestId, nodes });
}

export function answerStatus(core: Core, pending: Pending, text: string, id: NodeId): void {
  core.requests.settle(pending, { kind: "status", text, id });
}

/** The deadline passed, or the caller does not want to wait any longer. */
export function giveUp(core: Core, pending: Pending): void {
  if (isWrite(pending.work) && isInDoubt(pending)) doubt(core, pending, "deadline");
  else reject(core, pending, reasonOf(core, pending));
}

/**
 * It is certain what became of it: the cluster may forget it, and must not let a late copy have an
 * effect.
 */
function settleSequence({ session, requestId }: Pending): void {
  if (session !== null && requestId !== null) session.settle(requestId.sequence);
}

function reasonOf(core: Core, pending: Pending): Rejection {
  const asked = pending.work.kind === "status" ? [pending.work.node] : core.nodes.all;
  if (asked.every((node) => node.heardAt < pending.submittedAt)) return { kind: "unreachable" };
  return pending.busyAnswers > 0 ? { kind: "busy" } : { kind: "no-leader" };
}
