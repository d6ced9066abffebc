/**
 * The end of leases. Every replica knows when a lease's time is up; only a leader says so, with an entry of the log,
 * and what the entry does is judged where it is applied (kv/leases.ts).
 *
 * A leader proposes an expiry only after it has applied everything that was committed before its term: until then it
 * may not know that a lease was kept alive. It has just been asked whether it still leads (replica.ts, keepTime), so
 * one that slept, or whose disk did not answer, has stepped down and ends nothing (P30, U6).
 *
 * Cluster time is lost with a leader as far as no entry was stamped with it. While there are leases and nobody writes,
 * an expiry that names none marks the time now and then, so that an election puts leases off by little.
 */
import { earliest, later, type Millis, never } from "../base/numbers.ts";
import { encodeCommand } from "../codec/command.ts";
import { dueLeases } from "../kv/leases.ts";
import { proposalRefusal, step } from "../raft/raft.ts";
import type { Leader, State } from "../raft/state.ts";
import type { EntryId } from "../raft/types.ts";
import type { Machine } from "./machine.ts";

/** An election puts leases off by no more than this, and the time without a leader. */
export const timeMarkMs = 10_000;

export class Expiry {
  private readonly state: State;
  private readonly machine: Machine;
  /** The last expiry that this server proposed. */
  private proposed: EntryId | null = null;

  constructor(parts: { state: State; machine: Machine }) {
    this.state = parts.state;
    this.machine = parts.machine;
  }

  /** Ends what is due, if it is this server's to do. */
  propose(now: Millis): void {
    const { state, machine } = this;
    if (machine.leases.byId.size === 0) return;
    const leader = this.mayPropose();
    if (leader === null || clusterTime(leader) < this.dueAt()) return;
    const leases = dueLeases(machine.leases, clusterTime(leader));
    step(state, now, { kind: "propose", command: encodeCommand({ kind: "expire", leases }) });
    this.proposed = state.log.last;
  }

  /** When to look again, on this server's clock. */
  nextDeadline(): Millis {
    if (this.machine.leases.byId.size === 0) return never;
    const leader = this.mayPropose();
    if (leader === null) return never;
    return later(this.state.now, Math.max(1, Math.ceil(this.dueAt() - leader.time)));
  }

  /** In cluster time: the first lease's end, or the next mark. */
  private dueAt(): Millis {
    return earliest(this.machine.leases.deadlines.first, later(this.machine.time, timeMarkMs));
  }

  /** One expiry is under way at a time: the next names what this one has left. */
  private mayPropose(): Leader | null {
    const { state, machine, proposed } = this;
    if (state.role.kind !== "leader" || proposalRefusal(state) !== null) return null;
    if (machine.applied < state.role.opening) return null;
    const isUnderWay = proposed?.term === state.term && machine.applied < proposed.index;
    return isUnderWay ? null : state.role;
  }
}

/** As an entry would be stamped with it. */
export const clusterTime = (leader: Leader): Millis => Math.floor(leader.time) as Millis;
