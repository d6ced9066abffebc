/** What an answer means for the request, for its node and for the search for the leader. */
import { isLoopback } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { later } from "../base/numbers.ts";
import type { ClientResponse, Outcome, Refusal } from "../codec/client-message.ts";
import { answerStatus, type Core, commit, doubt, reject } from "./core.ts";
import type { Node } from "./nodes.ts";
import type { Age } from "./request.ts";
import { isWrite, type Pending, type Try, type Work } from "./requests.ts";
import { ClientSession } from "./session.ts";
import { takeBackLarge } from "./sweep.ts";
import { doubled, timing } from "./timing.ts";
import type { Incoming } from "./wire.ts";

export function onIncoming(core: Core, node: Node, incoming: Incoming): void {
  switch (incoming.kind) {
    case "responses":
      for (const response of incoming.responses) onResponse(core, node, response);
      return;
    case "status": {
      const one = core.requests.answered(incoming.response.id);
      if (one === null || one.pending.work.kind !== "status" || node.id === null) return;
      answerStatus(core, one.pending, incoming.response.text, node.id);
      return;
    }
    case "piece":
      node.pieceAt = core.now;
      return;
    // This half asked for no watch: watcher.ts does.
    case "watch-events":
    case "watch-end":
    case "dropped":
      core.counters.datagramsDropped++;
      return;
    default:
      return unreachable(incoming);
  }
}

/**
 * The node has done nothing with this datagram; but a network may repeat it, and so may this client, piece by piece,
 * where it is large: the copy may come to a leader, or the answer be the copy's.
 */
function mayArriveTwice(core: Core, node: Node, { body }: Pending): boolean {
  if (!isLoopback(node.address.host)) return true;
  return body?.kind === "write" && core.wire.sizeOf(body.command.length) === "large";
}

function onResponse(core: Core, node: Node, { id, outcome }: ClientResponse): void {
  const one = core.requests.answered(id);
  if (one === null) {
    core.counters.answersLate++;
    return;
  }
  if (outcome.kind === "replied" || outcome.kind === "dated") {
    core.roundTrips.measured(core.now - one.sentAt);
    onReplied(core, one, outcome);
    return;
  }
  const { pending } = one;
  if (mayArriveTwice(core, node, pending)) pending.earlier = "in-doubt";
  // A newer try is under way: it decides where to go next, and this one is only out of doubt.
  const isNewest = pending.newest === one && pending.place === "waiting";
  switch (outcome.kind) {
    case "not-leader":
      if (isNewest && isForAnybody(pending)) return askAnother(core, node, pending);
      if (isNewest) core.requests.queue(pending);
      onNotLeader(core, node, one, outcome);
      return;
    case "busy":
      node.said = { kind: "busy" };
      core.counters.busyAnswers++;
      if (isNewest && isForAnybody(pending)) {
        pending.busyAnswers++;
        return askAnother(core, node, pending);
      }
      if (isNewest) rest(core, pending);
      return;
    case "no-quorum":
      node.said = { kind: "has-no-quorum" };
      core.finder.withoutQuorum(one.move, core.now);
      if (isNewest) core.requests.queue(pending);
      return;
    case "superseded":
      if (isNewest) core.requests.queue(pending);
      return;
    case "refused":
      onRefused(core, pending, outcome.because);
      return;
    default:
      return unreachable(outcome);
  }
}

const isForAnybody = ({ work }: Pending): boolean =>
  work.kind === "read" && work.consistency !== "linearizable";

/** This node cannot answer now what any node may: it knows no leader, or has too much to do. */
function askAnother(core: Core, node: Node, pending: Pending): void {
  if (core.nearest === node) core.nearest = core.nodes.after(node, core.now);
  const span = doubled({ min: timing.busyMsMin, max: timing.busyMsMax }, pending.tries - 1);
  core.requests.wait(pending, later(core.now, span / 2 + core.random.below(Math.ceil(span))));
}

/** A node that does not take a registration takes none of the writes that wait for it. */
function onRefused(core: Core, pending: Pending, refusal: Refusal): void {
  switch (pending.work.kind) {
    case "register":
      for (const other of core.requests.forLeader) {
        const waits = other.place === "queued" && other.work.kind === "command";
        if (waits && other.requestId === null) reject(core, other, { kind: "refused", refusal });
      }
      core.registering = null;
      core.requests.settle(pending, null);
      return;
    case "probe":
      if (pending.place === "waiting") rest(core, pending);
      return;
    case "command":
    case "read":
    case "status":
      reject(core, pending, { kind: "refused", refusal });
      return;
    default:
      return unreachable(pending.work);
  }
}

function onNotLeader(
  core: Core,
  node: Node,
  one: Try,
  outcome: Extract<Outcome, { kind: "not-leader" }>,
): void {
  const { leader } = outcome;
  node.said = leader === null ? { kind: "knows-no-leader" } : { kind: "follows", leader };
  const { move } = core.finder;
  core.finder.redirected(one.move, core.nodes.hinted(outcome), core.now);
  if (core.finder.move === move) return;
  core.counters.redirects++;
  takeBackLarge(core, node);
}

/**
 * Asks again later: at random, so that those who were turned away together do not come back
 * together.
 */
function rest(core: Core, pending: Pending): void {
  const range = { min: timing.busyMsMin, max: timing.busyMsMax };
  const span = doubled(range, pending.busyAnswers);
  pending.busyAnswers++;
  core.requests.wait(pending, later(core.now, span / 2 + core.random.below(Math.ceil(span))));
}

type Replied = Extract<Outcome, { kind: "replied" | "dated" }>;

function onReplied(core: Core, one: Try, outcome: Replied): void {
  const { pending, node } = one;
  const { work } = pending;
  const { reply } = outcome;
  // Any node may have given a dated answer.
  if (outcome.kind === "replied" && (work.kind !== "read" || work.consistency !== "stale")) {
    core.finder.confirmed(one.move);
    if (work.kind === "command" || work.kind === "register") node.said = { kind: "leads" };
  }
  switch (work.kind) {
    case "register":
      if (reply.kind === "registered") beginSession(core, pending, reply.session);
      return;
    case "probe":
      core.probing = null;
      core.requests.settle(pending, null);
      return;
    case "command":
      onCommandReplied(core, one, outcome);
      return;
    case "read":
      commit(core, pending, { ...placeOf(outcome), ...ageOf(work, outcome) });
      return;
    case "status":
      return;
    default:
      return unreachable(work);
  }
}

const placeOf = ({ reply, index, term }: Replied): Pick<Replied, "reply" | "index" | "term"> => ({
  reply,
  index,
  term,
});

/** What is linearizable has no age. */
function ageOf({ consistency }: Extract<Work, { kind: "read" }>, outcome: Replied): { age?: Age } {
  if (consistency !== "stale" || outcome.kind !== "dated") return {};
  const { ageMs } = outcome;
  return { age: ageMs === null ? { kind: "unknown" } : { kind: "at-most", ms: ageMs } };
}

function beginSession(core: Core, pending: Pending, id: number): void {
  core.session = new ClientSession(id, core.now, {
    window: core.sessionWindow,
    idleMsMax: core.sessionIdleMsMax,
  });
  core.registering = null;
  core.counters.sessions++;
  core.requests.settle(pending, null);
}

function onCommandReplied(core: Core, one: Try, outcome: Replied): void {
  const { pending } = one;
  const { reply } = outcome;
  if (reply.kind === "session-unknown") onSessionLost(core, one);
  else if (reply.kind === "window-exceeded") waitForWindow(core, pending);
  else commit(core, pending, placeOf(outcome));
}

/**
 * Cannot happen to a write that was numbered here; one under an old name waits until its session
 * has moved on.
 */
function waitForWindow(core: Core, pending: Pending): void {
  if (pending.place === "waiting") rest(core, pending);
}

/**
 * The cluster has forgotten the session. Whether an earlier try, or this one repeated by the
 * network, had its effect before that, nobody can tell. A read had none, and goes on in the next
 * session.
 */
function onSessionLost(core: Core, { pending, session }: Try): void {
  // The answer is to the session that this try was sent in; the request may have moved on to another since.
  if (core.session !== null && core.session.id === session) core.session = null;
  if (pending.requestId?.session !== session) return;
  if (isWrite(pending.work)) {
    doubt(core, pending, "session-lost");
    return;
  }
  pending.session = null;
  pending.requestId = null;
  pending.body = null;
  if (pending.place === "waiting") core.requests.queue(pending);
}
