/**
 * What a leader believes of its followers, and of its own disk: an entry that it counts as held is held (I14), and what
 * it has under way is bounded (I24).
 */
import { type LogIndex, logIndex, type NodeId, type Term } from "../../base/numbers.ts";
import { majority } from "../../raft/quorum.ts";
import { type Leader, replicationLimits, type State } from "../../raft/state.ts";
import type { DurableImage } from "./image.ts";
import { Violation } from "./violation.ts";

/** A leader's log as the witness has it: the term of each entry, and where the log begins. */
type Led = {
  readonly state: State;
  readonly terms: readonly (Term | 0)[];
  readonly base: number;
};

/** What the cluster has committed. */
type Committed = {
  readonly committed: number;
  termAt(index: number): Term | 0 | null;
};

export class LeadersWatch {
  /** Servers that lost the end of their log to a fault that was planned so that nothing depends on it. */
  readonly excused = new Set<NodeId>();
  /** An entry of an older term on the disks of a majority, not committed, under a newer leader. */
  figure8 = 0;
  private readonly images: ReadonlyMap<NodeId, DurableImage>;
  private readonly known: Committed;
  /** By leader and follower: what was believed when it was looked at last. */
  private readonly matches = new Map<NodeId, Map<NodeId, number>>();
  private figure8At = "";

  constructor(images: ReadonlyMap<NodeId, DurableImage>, known: Committed) {
    this.images = images;
    this.known = known;
  }

  /** A new leader believes nothing yet. */
  elected(id: NodeId): void {
    this.matches.set(id, new Map());
  }

  check(id: NodeId, led: Led, role: Leader): void {
    const { state } = led;
    const own = this.images.get(id);
    if (own !== undefined && own.termAt(state.durable) !== this.termIn(led, state.durable)) {
      throw new Violation("I14", `n${id} counts entry ${state.durable} as on its disk`);
    }
    const matches = this.matchesOf(id);
    // Whoever is let in again begins anew.
    for (const follower of matches.keys()) {
      if (!role.followers.has(follower)) matches.delete(follower);
    }
    for (const [follower, progress] of role.followers) {
      const { match, inflight, inflightBytes } = progress;
      this.checkMatch({ id, led, follower, match });
      const { inflightMessagesMax, inflightBytesMax } = replicationLimits;
      const largest = inflight[inflight.length - 1]?.bytes ?? 0;
      if (inflight.length > inflightMessagesMax || inflightBytes - largest > inflightBytesMax) {
        const what = `n${id} has ${inflight.length} appends under way to n${follower}`;
        throw new Violation("I24", what);
      }
    }
    if (state.commit < role.opening) this.lookForFigure8(id, state, role.opening);
  }

  /** How many of a group hold this entry on their disks. */
  holders(group: readonly NodeId[], index: number, term: Term | 0): number {
    let count = 0;
    for (const id of group) if (this.images.get(id)?.termAt(index) === term) count += 1;
    return count;
  }

  private matchesOf(id: NodeId): Map<NodeId, number> {
    const known = this.matches.get(id);
    if (known !== undefined) return known;
    const matches = new Map<NodeId, number>();
    this.matches.set(id, matches);
    return matches;
  }

  /** The term of an entry of a log, or of one that it has forgotten. */
  private termIn({ terms, base }: Led, index: number): Term | 0 | null {
    return terms[index] ?? (index < base ? this.known.termAt(index) : null);
  }

  private checkMatch(parts: { id: NodeId; led: Led; follower: NodeId; match: number }): void {
    const { id, led, follower, match } = parts;
    const matches = this.matchesOf(id);
    const before = matches.get(follower) ?? 0;
    if (match === before) return;
    matches.set(follower, match);
    if (this.excused.has(follower)) return;
    if (match < before) {
      throw new Violation("I14", `n${id} forgets what n${follower} has: ${before}, now ${match}`);
    }
    const image = this.images.get(follower);
    // Who has gone on to a later term may have taken back what it had.
    if (image === undefined || image.hardState.term > led.state.term) return;
    if (image.termAt(match) !== this.termIn(led, match)) {
      throw new Violation("I14", `n${id} counts entry ${match} as on the disk of n${follower}`);
    }
  }

  private lookForFigure8(id: NodeId, state: State, opening: LogIndex): void {
    const last = opening - 1;
    const name = `${id}/${state.term}`;
    if (last <= this.known.committed || this.figure8At === name) return;
    const { voters } = state.membership.current;
    const term = state.log.termAt(logIndex(last)) ?? 0;
    if (this.holders(voters, last, term) < majority(voters.length)) return;
    this.figure8At = name;
    this.figure8 += 1;
  }
}
