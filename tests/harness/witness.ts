/**
 * What must be true of a whole cluster, watched from outside after every step of every server (src/raft's own
 * invariants see one server only). Histories, not snapshots: a second leader of a term is found even when the
 * first is long gone. The names are those of paper Fig. 3 and its neighbours.
 */
import { assert } from "../../src/base/assert.ts";
import type { NodeId, Term } from "../../src/base/numbers.ts";
import { logIndex } from "../../src/base/numbers.ts";
import type { Message, VoteRequest } from "../../src/raft/message.ts";
import type { Input } from "../../src/raft/raft.ts";
import type { Leader, State } from "../../src/raft/state.ts";
import type { Entry, EntryId } from "../../src/raft/types.ts";
import { configurationLeap } from "../../src/sim/check/configurations.ts";
import type { Server } from "./server.ts";

type Known = { readonly entry: Entry; readonly previousTerm: Term | 0 };
type Seen = { term: Term; role: State["role"]["kind"]; commit: number; last: number; cuts: number };

export class Witness {
  private readonly servers: ReadonlyMap<NodeId, Server>;
  /** What the cluster has committed, for ever: the entry of index i stands at i - 1. */
  readonly committed: Entry[] = [];
  /** The term of the leader that committed it, likewise. */
  private readonly committedIn: Term[] = [];
  readonly leaders = new Map<Term, NodeId>();
  private readonly entries = new Map<string, Known>();
  private readonly ballots = new Map<string, NodeId>();
  private readonly durableTerms = new Map<NodeId, Term>();
  private readonly seen = new Map<NodeId, Seen>();
  /** By leader, term and follower. */
  private readonly matches = new Map<string, number>();
  private readonly readFloors = new Map<number, number>();

  constructor(servers: ReadonlyMap<NodeId, Server>) {
    this.servers = servers;
  }

  /** A server has (re)started: whatever it holds is looked at afresh. */
  started(server: Server): void {
    const { term, role } = server.live;
    const before = this.durableTerms.get(server.id) ?? term;
    assert(term >= before, `the term of n${server.id} does not go back in a restart`);
    this.seen.set(server.id, { term, role: role.kind, commit: 0, last: 0, cuts: 0 });
    this.checkLog(server.live);
    this.checkCommit(server.live);
  }

  afterStep(server: Server, input: Input): void {
    const state = server.live;
    this.checkConfiguration(state);
    this.checkLog(state);
    this.checkGrants(state, input);
    this.checkRole(state);
    this.checkCommit(state);
    if (state.role.kind === "leader") this.checkProgress(state, state.role);
    Object.assign(this.seenOf(state), { term: state.term, role: state.role.kind });
  }

  private seenOf(state: State): Seen {
    const seen = this.seen.get(state.settings.me);
    assert(seen !== undefined, "a server that steps was started");
    return seen;
  }

  /** Log Matching (§5.3): an (index, term) names one entry, and one entry before it, in all logs ever. */
  private checkLog(state: State): void {
    const { log } = state;
    const seen = this.seenOf(state);
    if (log.truncations === seen.cuts && log.lastIndex === seen.last) return;
    const known = log.truncations === seen.cuts ? seen.last : 0;
    const from = Math.max(known + 1, log.firstIndex);
    for (let at = from; at <= log.lastIndex; at++) this.checkEntry(state, log.at(logIndex(at)));
    seen.last = log.lastIndex;
    seen.cuts = log.truncations;
  }

  /** Dissertation ch. 4: the newest configuration in the log is in force; one change at a time, after an own commit. */
  private checkConfiguration(state: State): void {
    const { log, membership, role } = state;
    const seen = this.seenOf(state);
    if (log.truncations === seen.cuts && log.lastIndex === seen.last) return;
    let newest: Entry | null = null;
    for (let at = log.firstIndex as number; at <= log.lastIndex; at++) {
      const entry = log.at(logIndex(at));
      if (entry.kind !== "configuration") continue;
      if (newest?.kind === "configuration") {
        const problem = configurationLeap(newest.body, entry.body);
        assert(problem === null, `configurations follow each other: ${problem}`);
      }
      const isNew = at > seen.last && role.kind === "leader" && entry.term === state.term;
      if (isNew) {
        const own = log.termAt(state.commit) === state.term;
        assert(own, "no change of members begins before a commit of the own term");
        assert(
          (newest?.index ?? 0) <= state.commit,
          "one change of members is under way at a time",
        );
      }
      newest = entry;
    }
    assert(newest === null || membership.current === newest.body, "the newest configuration holds");
    // Of one that a snapshot has only the content is known.
    const since = newest?.index ?? (log.base.index === 0 ? 0 : membership.since);
    assert(membership.since === since, "a configuration that is taken back is gone");
    assert(since <= log.lastIndex, "a configuration in force is in the log, or in a snapshot");
  }

  private checkEntry(state: State, entry: Entry): void {
    const { index, term } = entry;
    const { base } = state.log;
    const before = index === base.index + 1 ? null : state.log.at(logIndex(index - 1));
    const previousTerm = before?.term ?? base.term;
    assert(previousTerm <= term, "terms do not fall along a log");
    assert((before?.time ?? 0) <= entry.time, "cluster time does not fall along a log");
    const name = `${index}:${term}`;
    const known = this.entries.get(name);
    if (known === undefined) {
      this.entries.set(name, { entry, previousTerm });
      return;
    }
    assert(known.previousTerm === previousTerm, `logs that share ${name} share what is before it`);
    assert(sameEntry(known.entry, entry), `every log has the same entry ${name}`);
  }

  /** §5.4.1: nobody is granted a vote by a server whose log is more up to date. */
  private checkGrants(state: State, input: Input): void {
    if (input.kind !== "message" || input.message.kind !== "vote-request") return;
    const request: VoteRequest = input.message;
    for (const answer of state.effects.send) {
      if (answer.kind !== "vote-response" || answer.answer !== "granted") continue;
      if (answer.to !== request.from || answer.term !== request.term) continue;
      const mine = state.log.last;
      const theirs = request.lastLog;
      const older = theirs.term < mine.term;
      const shorter = theirs.term === mine.term && theirs.index < mine.index;
      assert(!older, "a vote goes to nobody whose last entry is of an earlier term");
      assert(!shorter, "a vote goes to nobody whose log ends in the same term and is shorter");
    }
  }

  private checkRole(state: State): void {
    const { me } = state.settings;
    const seen = this.seenOf(state);
    if (seen.role === state.role.kind && seen.term === state.term) return;
    if (state.role.kind !== "leader") return;
    const other = this.leaders.get(state.term);
    assert(other === undefined || other === me, `term ${state.term} has one leader (§5.2)`);
    this.leaders.set(state.term, me);
    for (const { index, term } of this.committed) {
      // Votes may arrive late: whoever wins an old term knows nothing of what later ones committed.
      if (this.committedIn[index - 1]! >= state.term) break;
      if (index < state.log.base.index) continue;
      const held = state.log.termAt(index);
      assert(
        held === term,
        `n${me}, leader of term ${state.term}, holds committed ${index} (§5.4)`,
      );
    }
  }

  /** State Machine Safety (§5.4.3): what one server may apply at an index, every server does. */
  private checkCommit(state: State): void {
    const seen = this.seenOf(state);
    const { base } = state.log;
    const forgotten = base.index === 0 ? 0 : this.committed[base.index - 1]?.term;
    assert(forgotten === base.term, "a snapshot ends with an entry that was committed");
    for (let at = Math.max(seen.commit, base.index) + 1; at <= state.commit; at++) {
      const entry = state.log.at(logIndex(at));
      const known = this.committed[at - 1];
      if (known === undefined) this.commitFirst(state, entry);
      else
        assert(known.term === entry.term, `index ${at} is committed once, on every server alike`);
    }
    seen.commit = Math.max(seen.commit, state.commit);
  }

  /** The moment of commitment: the leader says so, and a power cut everywhere would not undo it. */
  private commitFirst(state: State, entry: Entry): void {
    assert(state.role.kind === "leader", "only a leader decides that an entry is committed");
    assert(entry.index === this.committed.length + 1, "entries are committed in order");
    const { voters, outgoing } = state.membership.current;
    for (const group of [voters, outgoing]) {
      const holders = group.filter((id) => this.hasDurably(id, entry));
      const enough = holders.length * 2 > group.length || group.length === 0;
      assert(enough, `committed entry ${entry.index} is on the disks of a majority`);
    }
    this.committed.push(entry);
    this.committedIn.push(state.term);
  }

  private hasDurably(id: NodeId, entry: EntryId): boolean {
    return this.servers.get(id)?.durableTermAt(entry.index) === entry.term;
  }

  /** What a leader believes of its followers' disks, and of its own, is true of them. */
  private checkProgress(state: State, role: Leader): void {
    const held = (id: NodeId, index: number, whose: string): void => {
      // Who has gone on to a later term may have taken back what it had, as its new leader has it.
      const gone = (this.servers.get(id)?.disk.hardState.term ?? 0) > state.term;
      if (index < Math.max(1, state.log.base.index) || gone) return;
      const term = state.log.termAt(logIndex(index));
      assert(term !== null, `${whose} is in the leader's log`);
      const durable = this.hasDurably(id, { index: logIndex(index), term });
      assert(durable, `${whose} (${index}) is on the disk of n${id}`);
    };
    held(state.settings.me, state.durable, "what a leader counts for itself");
    for (const id of this.servers.keys()) {
      // Whoever is let in again begins anew.
      if (!role.followers.has(id)) this.matches.delete(`${state.settings.me}/${state.term}/${id}`);
    }
    for (const [id, { match }] of role.followers) {
      held(id, match, "a follower's match");
      // Where no disk loses what it had acknowledged, a leader never learns less (P9).
      const name = `${state.settings.me}/${state.term}/${id}`;
      assert(match >= (this.matches.get(name) ?? 0), "a match does not go back in a term");
      this.matches.set(name, match);
    }
  }

  /** One vote per server and term, across restarts (§5.2); no message overtakes the disk. */
  onSend(message: Message, sender: Server): void {
    const { kind, from, term } = message;
    const durable = sender.disk.hardState.term;
    if (kind === "pre-vote-request" || kind === "pre-vote-response") return;
    assert(term <= durable, "no message leaves in a term that a power cut would undo");
    this.durableTerms.set(from, durable);
    const voted = kind === "vote-response" && message.answer === "granted";
    if (kind !== "vote-request" && !voted) return;
    const choice = kind === "vote-request" ? from : message.to;
    const earlier = this.ballots.get(`${from}/${term}`);
    const same = earlier === undefined || earlier === choice;
    assert(same, `n${from} votes once in term ${term}, not for n${earlier} and n${choice}`);
    this.ballots.set(`${from}/${term}`, choice);
  }

  /** A read may not miss what was committed before it was asked (dissertation 6.4). */
  onRead(ticket: number): void {
    this.readFloors.set(ticket, this.committed.length);
  }

  onConfirmed(ticket: number, index: number): void {
    const floor = this.readFloors.get(ticket);
    assert(floor !== undefined, "only what was asked is answered");
    this.readFloors.delete(ticket);
    assert(index >= floor, `read ${ticket} sees all that was committed before it was asked`);
  }
}

const sameEntry = (a: Entry, b: Entry): boolean =>
  a === b || (a.kind === b.kind && a.time === b.time && Bun.deepEquals(a.body, b.body));
