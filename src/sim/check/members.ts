/**
 * Configurations, as servers have them in their logs (I16; dissertation ch. 4): the newest one is in force from the
 * moment it is appended, and no longer when it is taken back; each follows from the one before it; a leader begins one
 * at a time, and none before it has committed in its own term.
 */
import type { NodeId } from "../../base/numbers.ts";
import type { State } from "../../raft/state.ts";
import type { Configuration, Entry } from "../../raft/types.ts";
import { configurationLeap } from "./configurations.ts";
import { Violation } from "./violation.ts";

type Change = Extract<Entry, { readonly kind: "configuration" }>;

export type MemberCounts = {
  begun: number;
  committed: number;
  takenBack: number;
  promoted: number;
  leadersRemoved: number;
  /** Leaders elected while a change was under way in their log. */
  overlapping: number;
  /** Configurations committed with one voter, and with six or seven. */
  ofOne: number;
  ofMany: number;
};

export class MembersWatch {
  readonly counts: MemberCounts = {
    ...{ begun: 0, committed: 0, takenBack: 0, promoted: 0, leadersRemoved: 0, overlapping: 0 },
    ...{ ofOne: 0, ofMany: 0 },
  };
  /** The configurations in each server's log. */
  private readonly logs = new Map<NodeId, Change[]>();
  private readonly begun = new Set<string>();
  private lastCommitted: Change | null = null;

  /** Its log is another one: it has (re)started, or a snapshot has taken the place of all that it had. */
  started(id: NodeId): void {
    this.logs.set(id, []);
  }

  /** An entry is new in the log of a server. */
  gained(id: NodeId, state: State, entry: Entry): void {
    if (entry.kind !== "configuration") return;
    const changes = this.of(id);
    const before = changes[changes.length - 1];
    const leap = before === undefined ? null : configurationLeap(before.body, entry.body);
    if (leap !== null) throw new Violation("I16", `n${id}, entry ${entry.index}: ${leap}`);
    if (state.role.kind === "leader" && entry.term === state.term) {
      this.checkBeginning(id, state, { before, entry });
    }
    changes.push(entry);
  }

  private checkBeginning(
    id: NodeId,
    state: State,
    { before, entry }: { readonly before: Change | undefined; readonly entry: Change },
  ): void {
    const name = `${entry.term}/${entry.index}`;
    if (!this.begun.has(name)) this.counts.begun += 1;
    this.begun.add(name);
    if (before !== undefined && before.index > state.commit) {
      const what = `n${id} begins change ${entry.index}`;
      throw new Violation("I16", `${what}, and ${before.index} is not committed`);
    }
    if (state.log.termAt(state.commit) !== state.term) {
      const what = `n${id} begins change ${entry.index} in term ${state.term}`;
      throw new Violation("I16", `${what}, of which it has committed nothing`);
    }
  }

  /** Entries after `kept` are gone from the log of a server. */
  takenBack(id: NodeId, kept: number): void {
    const changes = this.of(id);
    while ((changes[changes.length - 1]?.index ?? 0) > kept) {
      changes.pop();
      this.counts.takenBack += 1;
    }
  }

  /** What is in force is the newest in the log. */
  check(id: NodeId, { membership }: State): void {
    const changes = this.of(id);
    const newest = changes[changes.length - 1];
    if (newest === undefined) return;
    if (membership.current === newest.body && membership.since === newest.index) return;
    const what = `n${id} goes by configuration ${membership.since}`;
    throw new Violation("I16", `${what}, and its log has ${newest.index}`);
  }

  /** Somebody was elected. */
  elected(id: NodeId, { membership, commit }: State): void {
    const isUnderWay = membership.since > commit || membership.current.outgoing.length > 0;
    if (isUnderWay && this.of(id).length > 0) this.counts.overlapping += 1;
  }

  /** An entry is committed for the first time; `state` says so. */
  committed(state: State, entry: Entry): void {
    if (entry.kind !== "configuration") return;
    const { counts } = this;
    const { voters, outgoing } = entry.body;
    counts.committed += 1;
    const learners = this.lastCommitted?.body.learners ?? [];
    counts.promoted += voters.filter((id) => learners.includes(id)).length;
    this.lastCommitted = entry;
    if (outgoing.length > 0) return;
    if (voters.length === 1) counts.ofOne += 1;
    if (voters.length >= 6) counts.ofMany += 1;
    const { me } = state.settings;
    // Only a leader says so first; by now it may have gone.
    if (!voters.includes(me)) counts.leadersRemoved += 1;
  }

  /** The configurations that may be in force: the newest that is committed, and what any of these logs has beyond. */
  possible(first: Configuration, states: readonly State[]): readonly Configuration[] {
    const { index, body } = this.lastCommitted ?? { index: 0, body: first };
    const beyond = states.filter(({ membership }) => membership.since > index);
    return [body, ...beyond.map(({ membership }) => membership.current)];
  }

  private of(id: NodeId): Change[] {
    const known = this.logs.get(id) ?? [];
    this.logs.set(id, known);
    return known;
  }
}
