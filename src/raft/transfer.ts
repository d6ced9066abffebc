/** Leadership transfer (dissertation 3.10): stop taking commands, let the successor catch up, tell it to campaign. */
import type { NodeId } from "../base/numbers.ts";
import { later } from "../base/numbers.ts";
import type { Leader, State } from "./state.ts";
import { note, send } from "./state.ts";

/** Who has not answered for so many heartbeats is no successor. */
const aliveHeartbeats = 3;

export type TransferAnswer = "begun" | "not-leader" | "not-a-voter" | "already-leader" | "busy";

/** Why leadership cannot begin to go to `target` now, or null. */
export function transferRefusal(
  { role, settings, membership }: State,
  target: NodeId,
): Exclude<TransferAnswer, "begun"> | null {
  if (role.kind !== "leader") return "not-leader";
  if (target === settings.me) return "already-leader";
  if (!membership.current.voters.includes(target)) return "not-a-voter";
  return role.transfer === null ? null : "busy";
}

export function beginTransfer(state: State, target: NodeId): TransferAnswer {
  const { role, settings } = state;
  const refusal = transferRefusal(state, target);
  if (refusal !== null || role.kind !== "leader") return refusal ?? "not-leader";
  role.transfer = {
    target,
    deadline: later(state.now, settings.timing.electionMsMin),
    asked: null,
  };
  note(state, `n${settings.me} hands leadership to n${target}`);
  return "begun";
}

/** The voter that is furthest along of those that are heard: the one that can take over at once. */
export function bestSuccessor(state: State): NodeId | null {
  if (state.role.kind !== "leader") return null;
  const { now, settings } = state;
  let best: NodeId | null = null;
  let bestMatch = -1;
  for (const [id, progress] of state.role.followers) {
    if (!state.membership.current.voters.includes(id) || progress.match <= bestMatch) continue;
    if (now > later(progress.heardAt, aliveHeartbeats * settings.timing.heartbeatMs)) continue;
    best = id;
    bestMatch = progress.match;
  }
  return best;
}

/** Tells the successor once it has everything; asks again every heartbeat; gives up at the deadline. */
export function continueTransfer(state: State, role: Leader): void {
  const { transfer } = role;
  if (transfer === null) return;
  const { me, timing } = state.settings;
  if (state.now >= transfer.deadline) {
    note(state, `n${me} keeps leadership: n${transfer.target} did not take over in time`);
    role.transfer = null;
    return;
  }
  if (role.followers.get(transfer.target)?.match !== state.log.lastIndex) return;
  if (transfer.asked !== null && state.now < later(transfer.asked, timing.heartbeatMs)) return;
  transfer.asked = state.now;
  send(state, { kind: "timeout-now", from: me, to: transfer.target, term: state.term });
}
