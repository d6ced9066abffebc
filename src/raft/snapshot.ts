/**
 * Snapshots, as far as Raft is concerned (paper section 7; dissertation ch. 5): which entries a log may forget, who
 * needs to be sent what was forgotten, and what becomes of a log when such a state comes in. The bytes are elsewhere:
 * pieces of them pass through here, because whoever sends them leads.
 */
import { assert } from "../base/assert.ts";
import type { LogIndex } from "../base/numbers.ts";
import { minIndex } from "../base/numbers.ts";
import type { SnapshotRequest, SnapshotResponse } from "./message.ts";
import { hear, progressOf } from "./replication.ts";
import type { State } from "./state.ts";
import { knownLeader, note, send } from "./state.ts";
import type { SnapshotEnd } from "./types.ts";

/** Paper Fig. 13, InstallSnapshot RPC, receiver: a piece comes from the leader, or from one that was. */
export function onSnapshotRequest(state: State, m: SnapshotRequest): void {
  const ends = { from: state.settings.me, to: m.from };
  if (m.term < state.term) {
    const { snapshot } = m;
    send(state, { kind: "snapshot-response", ...ends, term: state.term, snapshot, received: 0 });
    return;
  }
  hear(state, m.from);
  if (m.snapshot.last.index > state.commit) {
    state.effects.snapshots.push(m);
    return;
  }
  // It holds nothing that is new here: the sender learns what to go on with.
  const answer = { kind: "matched", index: state.commit } as const;
  send(state, { kind: "append-response", ...ends, term: state.term, answer });
}

export function onSnapshotResponse(state: State, m: SnapshotResponse): void {
  const progress = m.term === state.term ? progressOf(state, m.from) : null;
  if (progress === null) return;
  progress.heardAt = state.now;
  state.effects.snapshots.push(m);
}

export type InstallVerdict =
  /** What it holds is known to be committed here, or this server leads and has it. */
  | "needless"
  /** The log holds its last entry: the rest of the log stays (Fig. 13, receiver 6). */
  | "log-kept"
  /** It does not, or has another one there: nothing of the log can be relied on (Fig. 13, receiver 7; P25). */
  | "log-discarded";

export function installVerdict(state: State, { last }: SnapshotEnd): InstallVerdict {
  if (last.index <= state.commit || state.role.kind === "leader") return "needless";
  return state.log.termAt(last.index) === last.term ? "log-kept" : "log-discarded";
}

/** The caller replaces its state machine where the verdict was not "needless", and forgets nothing meanwhile. */
export function install(state: State, end: SnapshotEnd): void {
  const verdict = installVerdict(state, end);
  const { last, time, configuration } = end;
  const { log, settings } = state;
  if (verdict === "needless") return;
  if (verdict === "log-discarded") {
    if (log.lastIndex >= last.index) {
      const what = `entries ${state.commit + 1} to ${log.lastIndex}`;
      const why = `another entry ${last.index} ends a snapshot`;
      note(state, `n${settings.me} gives up ${what}: ${why}`);
    }
    state.durable = minIndex(state.durable, state.commit);
    log.restart(last, time);
    state.membership.restarted({ index: last.index, configuration });
  }
  assert(
    last.term <= state.term,
    "a snapshot holds nothing of a term that this server has not seen",
  );
  note(state, `n${settings.me} has installed a snapshot up to entry ${last.index}`);
  state.commit = last.index;
  const leader = knownLeader(state);
  if (leader === null) return;
  const answer = { kind: "matched", index: last.index } as const;
  const ends = { from: settings.me, to: leader };
  send(state, { kind: "append-response", ...ends, term: state.term, answer });
}

/** Nobody is sent these entries any more: who needs one of them needs a snapshot. */
export function compactLog(state: State, to: LogIndex): void {
  assert(to <= state.commit, "only what is committed is forgotten");
  state.log.compact(to);
  state.membership.compacted(to);
}
