/**
 * Watches all servers from outside, after every step of each, with a memory that survives their restarts. Only
 * what has changed is looked at: a step costs what it did, however long the log is.
 *
 * Terms stand for logs here: entries.ts has checked that where two logs have the same term at an index they are
 * the same up to it.
 */
import { must } from "../../base/assert.ts";
import { type LogIndex, logIndex, type NodeId, type Term } from "../../base/numbers.ts";
import { decodeCommand } from "../../codec/command.ts";
import type { SessionLimits } from "../../kv/sessions.ts";
import { majority } from "../../raft/quorum.ts";
import type { State } from "../../raft/state.ts";
import type { Configuration } from "../../raft/types.ts";
import type { Replica } from "../../replica/replica.ts";
import type { SimServer } from "../server.ts";
import { Entries } from "./entries.ts";
import type { DurableImage } from "./image.ts";
import { LeadersWatch } from "./leaders.ts";
import { MembersWatch } from "./members.ts";
import { Model } from "./model.ts";
import type { Passage } from "./passage.ts";
import { Violation } from "./violation.ts";

type Seen = {
  readonly state: State;
  term: Term;
  votedFor: NodeId | null;
  role: State["role"]["kind"];
  commit: number;
  applied: number;
  truncations: number;
  /** The term of each entry of its log, and of the one before it. */
  readonly terms: (Term | 0)[];
  base: number;
  /** In force when it was last seen. */
  configuration: Configuration;
};

export type WitnessCounts = {
  leaders: number;
  truncations: number;
  commits: number;
};

export class Witness {
  readonly entries: Entries;
  readonly model: Model;
  readonly members = new MembersWatch();
  readonly leaders: LeadersWatch;
  readonly counts: WitnessCounts = { leaders: 0, truncations: 0, commits: 0 };
  /** The last entry of each candidate's log, by its id and term. */
  readonly candidates = new Map<string, { readonly index: number; readonly term: number }>();
  private readonly images: ReadonlyMap<NodeId, DurableImage>;
  private readonly leaderOf = new Map<Term, NodeId>();
  private readonly seen = new Map<NodeId, Seen>();
  /** By index; that of index 0 is 0. What was committed, and in which term it was said so first. */
  private readonly terms: (Term | 0)[] = [0];
  private readonly committedIn: (Term | 0)[] = [0];
  /** By the entry that was applied last: the hash that a store has then. */
  private readonly hashes = new Map<number, number>();
  /** Servers whose hash was spoilt on purpose, until they start again. */
  readonly spoilt = new Set<NodeId>();

  constructor(
    images: ReadonlyMap<NodeId, DurableImage>,
    parts: { readonly sessionLimits: SessionLimits; readonly passage: Passage },
  ) {
    this.images = images;
    this.model = new Model(parts.sessionLimits);
    this.entries = new Entries(parts.passage);
    this.leaders = new LeadersWatch(images, this);
  }

  /** Up to here the cluster has committed. */
  get committed(): number {
    return this.terms.length - 1;
  }

  termAt(index: number): Term | 0 | null {
    return this.terms[index] ?? null;
  }

  /** A server's state as it was last seen, if it ever ran. */
  stateOf(id: NodeId): State | null {
    return this.seen.get(id)?.state ?? null;
  }

  /**
   * A server that is the only voter elects itself without a word to anybody. What it made of a term that its disk never
   * saw is gone with a power cut, and the term is there to be used again.
   */
  forgetUnsaid(id: NodeId, durable: Term): void {
    const terms = [...this.leaderOf].filter(([term, leader]) => leader === id && term > durable);
    if (terms.length > 0) this.entries.forget(new Set(terms.map(([term]) => term)));
  }

  leader(term: Term): NodeId | null {
    return this.leaderOf.get(term) ?? null;
  }

  /** A server has (re)started: everything it holds is looked at. */
  started(id: NodeId, { state, applied }: Replica): void {
    this.spoilt.delete(id);
    const seen: Seen = {
      ...{ state, term: state.term, votedFor: state.votedFor, role: state.role.kind },
      ...{ commit: 0, applied, truncations: state.log.truncations, terms: [] },
      base: state.log.base.index,
      configuration: state.membership.current,
    };
    const { base } = state.log;
    seen.terms[base.index] = base.index === 0 ? 0 : base.term;
    if (applied < base.index) {
      throw new Violation("I10", `n${id} starts with ${applied} applied, behind its log`);
    }
    this.seen.set(id, seen);
    this.members.started(id);
    this.checkLog(id, seen);
    this.checkCommit(id, seen);
  }

  afterStep(server: SimServer): void {
    const { replica, id } = server;
    if (replica === null) return;
    const seen = must(this.seen.get(id), "a server that steps was started");
    const { state } = replica;
    this.checkVote(id, seen);
    this.checkLog(id, seen);
    this.checkRole(id, seen);
    this.checkCommit(id, seen);
    this.checkApplied(id, seen, replica.applied);
    this.checkHash(id, replica);
    if (state.role.kind === "leader") this.leaders.check(id, seen, state.role);
    seen.term = state.term;
    seen.votedFor = state.votedFor;
    seen.role = state.role.kind;
    seen.configuration = state.membership.current;
  }

  private checkLog(id: NodeId, seen: Seen): void {
    const { log } = seen.state;
    const { terms } = seen;
    if (log.truncations !== seen.truncations) this.takeBack(id, seen);
    if (log.base.index !== seen.base) this.forget(id, seen);
    if (terms.length - 1 === log.lastIndex) return;
    for (let at = terms.length; at <= log.lastIndex; at++) {
      const entry = log.at(logIndex(at));
      this.entries.meet(entry, this.before(log, at), `n${id}`);
      terms.push(entry.term);
      this.members.gained(id, seen.state, entry);
    }
    this.members.check(id, seen.state);
    if (log.lastTerm > seen.state.term) {
      throw new Violation(
        "I15",
        `n${id} of term ${seen.state.term} has an entry of ${log.lastTerm}`,
      );
    }
  }

  private before(log: State["log"], at: number): { term: Term; time: number } | null {
    if (at > log.base.index + 1) return log.at(logIndex(at - 1));
    return at === 1 ? null : { term: log.base.term, time: 0 };
  }

  /** The log begins later than it did: a snapshot stands for what is gone, and it is durable. */
  private forget(id: NodeId, seen: Seen): void {
    const { base } = seen.state.log;
    const from = seen.base;
    seen.base = base.index;
    if (base.index < from) throw new Violation("I10", `the log of n${id} begins earlier again`);
    if (this.terms[base.index] !== base.term) {
      throw new Violation(
        "I8",
        `n${id} gives up its log for entry ${base.index} of term ${base.term}`,
      );
    }
    if (seen.terms[base.index] === base.term) {
      const image = this.images.get(id);
      if (image !== undefined && image.snapshotIndex < base.index) {
        throw new Violation("I14", `n${id} forgets entry ${base.index}, which no snapshot has`);
      }
      return;
    }
    // It came from elsewhere, and what is recorded of it is on its way to the disk: all of the log goes.
    seen.terms.length = 0;
    seen.terms[base.index] = base.term;
    this.members.started(id);
  }

  private takeBack(id: NodeId, seen: Seen): void {
    const { log, term } = seen.state;
    if (seen.role === "leader" && seen.term === term) {
      throw new Violation("I2", `n${id}, leader of term ${term}, took entries back`);
    }
    const { terms } = seen;
    const least = log.base.index;
    let kept = Math.max(least, Math.min(terms.length - 1, log.lastIndex));
    while (kept > least && terms[kept] !== log.termAt(logIndex(kept))) kept -= 1;
    for (let at = kept + 1; at < terms.length; at++) {
      // What was committed in a newer term than this server had seen, others did without it: an older leader's word,
      // late as it is, may still take it back here.
      const isKnown = seen.term >= (this.committedIn[at] ?? 0);
      if (at <= this.committed && terms[at] === this.terms[at] && isKnown) {
        throw new Violation("I8", `n${id} took entry ${at} back, which is committed`);
      }
    }
    terms.length = Math.min(terms.length, kept + 1);
    this.members.takenBack(id, kept);
    seen.truncations = log.truncations;
    this.counts.truncations += 1;
  }

  /** Equal logs make equal stores: whoever applied up to the same entry has the same hash. */
  private checkHash(id: NodeId, { applied, store }: Replica): void {
    if (this.spoilt.has(id)) return;
    const known = this.hashes.get(applied);
    if (known === undefined) this.hashes.set(applied, store.hash);
    else if (known !== store.hash) {
      throw new Violation("I5", `n${id} holds another store than others at entry ${applied}`);
    }
  }

  private checkVote(id: NodeId, seen: Seen): void {
    const { state } = seen;
    if (state.term < seen.term) {
      throw new Violation("I9", `n${id} went from term ${seen.term} to ${state.term}`);
    }
    const { votedFor } = state;
    if (votedFor === null || votedFor === id) return;
    if (state.term === seen.term && votedFor === seen.votedFor) return;
    const theirs = this.candidates.get(`${votedFor}/${state.term}`);
    if (theirs === undefined) {
      throw new Violation("I13", `n${id} votes for n${votedFor}, which does not campaign`);
    }
    // Before the step its log was no further than when it voted.
    const index = seen.terms.length - 1;
    const term = seen.terms[index] ?? 0;
    if (theirs.term < term || (theirs.term === term && theirs.index < index)) {
      const what = `n${id}, whose log ends at ${index} of term ${term}, votes for n${votedFor}`;
      throw new Violation(
        "I13",
        `${what}, whose log ends at ${theirs.index} of term ${theirs.term}`,
      );
    }
  }

  private checkRole(id: NodeId, seen: Seen): void {
    const { state } = seen;
    if (state.role.kind !== "leader") return;
    if (seen.role === "leader" && seen.term === state.term) return;
    const other = this.leaderOf.get(state.term);
    if (other !== undefined && other !== id) {
      throw new Violation("I1", `n${other} and n${id} lead term ${state.term}`);
    }
    this.leaderOf.set(state.term, id);
    this.counts.leaders += 1;
    this.members.elected(id, state);
    this.leaders.elected(id);
    let last = this.committed;
    while (last > 0 && must(this.committedIn[last], "in the log") >= state.term) last -= 1;
    const isForgotten = last < state.log.base.index;
    if (!isForgotten && state.log.termAt(logIndex(last)) !== this.terms[last]) {
      throw new Violation(
        "I4",
        `n${id}, leader of term ${state.term}, lacks committed entry ${last}`,
      );
    }
  }

  private checkCommit(id: NodeId, seen: Seen): void {
    const { state } = seen;
    if (state.commit < seen.commit) {
      throw new Violation("I10", `n${id} goes back from commit ${seen.commit} to ${state.commit}`);
    }
    if (state.commit === seen.commit) return;
    const known = Math.min(state.commit, this.committed);
    if (seen.terms[known] !== this.terms[known]) {
      throw new Violation("I5", `n${id} commits another entry ${known} than was committed`);
    }
    if (state.commit > this.committed) this.commit(id, seen);
    seen.commit = state.commit;
  }

  /** The moment of commitment: a leader says so first, and a power cut everywhere would not undo it. */
  private commit(id: NodeId, seen: Seen): void {
    const { state } = seen;
    const { commit } = state;
    if (state.role.kind !== "leader" && seen.role === "follower") {
      throw new Violation("I6", `n${id} commits entry ${commit} first, and does not lead`);
    }
    const inTerm = state.role.kind === "leader" ? state.term : seen.term;
    if (seen.terms[commit] !== inTerm) {
      const what = `n${id} commits entry ${commit} of term ${seen.terms[commit]}`;
      throw new Violation("I7", `${what} in term ${inTerm}`);
    }
    // A turn may commit, and then begin a change.
    const short = this.shortOfQuorum(state.membership.current, commit, inTerm);
    if (short !== null && this.shortOfQuorum(seen.configuration, commit, inTerm) !== null) {
      throw new Violation("I6", `n${id} commits entry ${commit} of term ${inTerm}, ${short}`);
    }
    for (let at = this.terms.length; at <= commit; at++) this.learn(state, logIndex(at), inTerm);
  }

  private shortOfQuorum(members: Configuration, index: number, term: Term): string | null {
    for (const group of [members.voters, members.outgoing]) {
      const holders = this.leaders.holders(group, index, term);
      if (group.length === 0 || holders >= majority(group.length)) continue;
      return `which is on ${holders} of ${group.length} disks`;
    }
    return null;
  }

  private learn(state: State, index: LogIndex, inTerm: Term): void {
    const entry = state.log.at(index);
    this.terms.push(entry.term);
    this.committedIn.push(inTerm);
    this.counts.commits += 1;
    this.members.committed(state, entry);
    if (entry.kind !== "command") return;
    this.model.apply(entry, must(decodeCommand(entry.body), "what is committed can be read"));
  }

  private checkApplied(id: NodeId, seen: Seen, applied: number): void {
    if (applied < seen.applied) {
      throw new Violation("I10", `n${id} goes back from applied ${seen.applied} to ${applied}`);
    }
    if (applied > seen.state.commit) {
      throw new Violation(
        "I5",
        `n${id} applied entry ${applied}, and knows ${seen.state.commit} committed`,
      );
    }
    seen.applied = applied;
  }
}
