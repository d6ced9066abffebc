/** Who is sent what, now: requests that wait for a leader, a session or room stay in line. */
import { assert, must, unreachable } from "../base/assert.ts";
import { later, type Millis, never } from "../base/numbers.ts";
import type { ClientRequest, RequestBody } from "../codec/client-message.ts";
import { encodeCommand } from "../codec/command.ts";
import type { Command } from "../kv/command.ts";
import type { Core } from "./core.ts";
import { isSuspect, type Node } from "./nodes.ts";
import type { Pending, Work } from "./requests.ts";
import { doubled, limits, timing } from "./timing.ts";

/** Requests by the node that they go to. */
type Outbox = Map<Node, ClientRequest[]>;

export function dispatch(core: Core): void {
  const outbox: Outbox = new Map();
  if (core.requests.forOthers.length > 0) sendToOthers(core, outbox);
  const { forLeader } = core.requests;
  if (forLeader.length > 0 && core.now >= core.finder.resumeAt) sendToLeader(core, outbox);
  for (const [node, requests] of outbox) core.wire.sendRequests(node, requests);
}

/** When there is something to dispatch again, though nothing arrives and no time runs out. */
export const dispatchAt = (core: Core): Millis =>
  core.requests.forLeader.length > 0 && core.finder.resumeAt > core.now
    ? core.finder.resumeAt
    : never;

function sendToOthers(core: Core, outbox: Outbox): void {
  const line = core.requests.forOthers;
  core.requests.forOthers = [];
  for (const pending of line) {
    if (pending.place !== "queued") continue;
    if (pending.work.kind === "status") {
      const { node } = pending.work;
      core.wire.sendStatusRequest(node, beginTry(core, pending, node));
      continue;
    }
    if (isSuspect(core.nearest, core.now)) {
      core.nearest = core.nodes.after(core.nearest, core.now);
    }
    put(core, outbox, pending, core.nearest);
  }
}

function sendToLeader(core: Core, outbox: Outbox): void {
  const line = core.requests.forLeader;
  const held: Pending[] = [];
  let wantsSession = false;
  let wantsProbe = false;
  let largeBytes = 0;
  // The client's own requests join the line's end while it is walked.
  for (let at = 0; at < line.length; at++) {
    const pending = must(line[at], "the walk stays inside");
    if (pending.place !== "queued") continue;
    const obstacle = obstacleOf(core, pending, largeBytes);
    if (obstacle === null) {
      if (core.wire.sizeOf(bytesOf(pending)) === "large") largeBytes += bytesOf(pending);
      put(core, outbox, pending, core.finder.target);
      continue;
    }
    held.push(pending);
    if (obstacle === "no-session") {
      wantsSession = true;
      core.registering ??= ownRequest(core, "register");
    } else if (obstacle === "leader-unsure") {
      wantsProbe = true;
      core.probing ??= ownRequest(core, "probe");
    }
  }
  core.requests.forLeader = held;
  if (!wantsSession) core.registering = dropOwn(core, core.registering);
  if (!wantsProbe) core.probing = dropOwn(core, core.probing);
}

type Obstacle = "no-session" | "window-full" | "leader-unsure" | "transfers-full";

/** Why a request cannot go now, or null. Numbers a write that can. `largeBytes`: of large ones that go before it. */
function obstacleOf(core: Core, pending: Pending, largeBytes: number): Obstacle | null {
  if (pending.work.kind !== "command") return null;
  if (pending.requestId === null) {
    const state = core.session?.state(core.now) ?? "used-up";
    if (state === "used-up") return "no-session";
    if (state === "full") return "window-full";
  }
  if (core.finder.confidence === "guess") return "leader-unsure";
  if (pending.requestId === null) {
    const session = must(core.session, "a session that is open exists");
    pending.session = session;
    pending.requestId = { session: session.id, sequence: session.nextSequence(core.now) };
  }
  pending.body ??= bodyOf(core, pending);
  if (core.wire.sizeOf(bytesOf(pending)) === "small") return null;
  const under = core.wire.transfersTo(core.finder.target) + largeBytes / limits.wholeBytes;
  return under >= limits.transfersMax ? "transfers-full" : null;
}

function bodyOf(core: Core, pending: Pending): RequestBody {
  const { work } = pending;
  switch (work.kind) {
    case "command": {
      const id = must(pending.requestId, "a write is numbered before it is sent");
      // A write of another session's name acknowledges nothing: what that session has seen is not
      // known here.
      const acknowledged = pending.session?.acknowledged ?? 1;
      const { operation } = work;
      const { session, sequence } = id;
      const command: Command = { kind: "request", session, sequence, acknowledged, operation };
      return { kind: "write", command: encodeCommand(command) };
    }
    case "read":
      return readBody(work, pending.tries);
    case "register": {
      const nonce = core.random.below(nonceMax);
      return { kind: "write", command: encodeCommand({ kind: "register", nonce }) };
    }
    case "probe":
      return { kind: "read", operation: probe, consistency: "linearizable" };
    case "status":
      assert(false, "a status request is no part of a batch");
      break;
    default:
      return unreachable(work);
  }
}

/**
 * The leader did not answer a first try, or was not there: whoever is asked next may as well answer itself, leader
 * or not. Each try is a question of its own to whom it is sent (P27).
 */
function readBody(work: Extract<Work, { kind: "read" }>, tries: number): RequestBody {
  const { operation, consistency, ageMsMax } = work;
  const stale = consistency === "stale";
  if (stale && ageMsMax !== null) return { kind: "bounded-read", operation, ageMsMax };
  if (!stale && (consistency === "anywhere" || tries > 0)) {
    return { kind: "bounded-read", operation, ageMsMax: 0 };
  }
  return { kind: "read", operation, consistency: stale ? "stale" : "linearizable" };
}

const nonceMax = 2 ** 48;
/** Any key will do: it is asked for to see who answers. */
const probe = { kind: "get", key: "\0" } as const;

const bytesOf = ({ body }: Pending): number => (body?.kind === "write" ? body.command.length : 0);

function ownRequest(core: Core, kind: "register" | "probe"): Pending {
  const work = { kind };
  return core.requests.add(
    { work, deadline: never, requestId: null, earlier: "harmless" },
    core.now,
  );
}

function dropOwn(core: Core, pending: Pending | null): null {
  if (pending !== null) core.requests.settle(pending, null);
  return null;
}

function put(core: Core, outbox: Outbox, pending: Pending, node: Node): void {
  const body = bodyToSend(core, pending);
  const request: ClientRequest = { id: beginTry(core, pending, node), body };
  const others = outbox.get(node);
  if (others === undefined) outbox.set(node, [request]);
  else others.push(request);
}

/** A write is encoded once; a read that is asked again may be another question. */
function bodyToSend(core: Core, pending: Pending): RequestBody {
  if (pending.work.kind === "read") return readBody(pending.work, pending.tries);
  pending.body ??= bodyOf(core, pending);
  return pending.body;
}

/** Notes that the request goes to a node now; answers the name of the try. */
function beginTry(core: Core, pending: Pending, node: Node): number {
  const { now, finder, requests } = core;
  core.counters.tries++;
  if (pending.tries > 0) core.counters.repeats++;
  const span = { min: core.roundTrips.answerMs(), max: timing.againMsMax };
  const waitMs = doubled(span, pending.unanswered);
  const jitterMs = core.random.below(Math.ceil(waitMs / 4));
  const sizeMs = (bytesOf(pending) / 1024) * timing.answerMsPerKiB;
  requests.wait(pending, later(now, waitMs + jitterMs + sizeMs));
  core.nodes.asked(node, now);
  return requests.open(pending, { node, sentAt: now, move: finder.move }).id;
}
