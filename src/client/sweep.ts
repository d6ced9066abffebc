/**
 * What time does: deadlines pass, answers stay out, and a node that owes them falls under
 * suspicion.
 */
import { later, type Millis, millis, never } from "../base/numbers.ts";
import { type Core, giveUp } from "./core.ts";
import type { Node } from "./nodes.ts";
import { goesToLeader, type Pending, type Try } from "./requests.ts";
import { limits, timing } from "./timing.ts";

/**
 * Looks at every request. Called when one may be due, which is rarely oftener than answers stay
 * out.
 */
export function sweep(core: Core): void {
  const { requests, now } = core;
  for (const pending of requests.live) {
    if (pending.deadline <= now) giveUp(core, pending);
    else if (isDue(pending, now)) onUnanswered(core, pending);
  }
  let next: Millis = never;
  for (const { deadline, place, dueAt } of requests.live) {
    if (deadline < next) next = deadline;
    if (place === "waiting" && dueAt < next) next = dueAt;
  }
  requests.lookAt = next === never ? never : millis(Math.max(next, now + timing.sweepMsMin));
}

const isDue = (pending: Pending, now: Millis): boolean =>
  pending.place === "waiting" && pending.dueAt <= now;

function onUnanswered(core: Core, pending: Pending): void {
  const { newest } = pending;
  // The newest try was answered with "later", and this is later.
  const waited = newest === null || !pending.open.includes(newest);
  if (waited) {
    core.requests.queue(pending);
    return;
  }
  const { node, sentAt } = newest;
  if (piecesArrive(core, newest)) {
    core.requests.wait(pending, later(core.now, timing.answerMsMin));
    return;
  }
  core.requests.queue(pending);
  if (node.heardAt < sentAt) {
    if (core.nodes.missed(node, sentAt, core.now) === "suspect") leave(core, node);
    return;
  }
  pending.unanswered++;
  if (pending.unanswered % limits.triesPatient === 0) askElsewhere(core, pending, node);
}

/** Something large is on its way from or to the node, and moves. */
function piecesArrive(core: Core, { node, sentAt }: Try): boolean {
  if (node.pieceAt < sentAt || core.now - sentAt >= timing.piecesMsMax) return false;
  return core.now - node.pieceAt < timing.answerMsMin;
}

/** The node is down, it seems: whatever else waits for it goes elsewhere too. */
export function leave(core: Core, node: Node): void {
  core.wire.abandonTransfers(node);
  core.finder.silent(node, core.now);
  if (core.nearest === node) core.nearest = core.nodes.after(node, core.now);
  for (const pending of core.requests.live) {
    if (pending.place !== "waiting" || pending.work.kind === "status") continue;
    const { newest } = pending;
    if (newest?.node !== node || newest.sentAt <= node.heardAt) continue;
    if (pending.open.includes(newest)) core.requests.queue(pending);
  }
}

/** It answers others and not this request: another node may. */
function askElsewhere(core: Core, pending: Pending, node: Node): void {
  if (goesToLeader(pending.work)) core.finder.silent(node, core.now);
  else if (core.nearest === node) core.nearest = core.nodes.after(node, core.now);
}

/** A node that does not lead need not be sent the rest of what was meant for a leader. */
export function takeBackLarge(core: Core, node: Node): void {
  if (core.wire.transfersTo(node) === 0) return;
  core.wire.abandonTransfers(node);
  for (const pending of core.requests.live) {
    const { body, newest, place } = pending;
    if (place !== "waiting" || newest?.node !== node || body?.kind !== "write") continue;
    if (core.wire.sizeOf(body.command.length) === "large") core.requests.queue(pending);
  }
}
