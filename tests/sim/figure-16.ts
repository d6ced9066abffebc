/**
 * The experiment behind figure 16 of the Raft paper (dissertation 9.5), repeated with src/raft in pretended time:
 * how long a cluster of five is without a leader when its leader crashes.
 *
 * As there: the leader's last heartbeats go to all at once, it crashes at a uniformly random moment of its
 * heartbeat interval, which is half of the lowest election timeout; the four survivors' logs all differ in length,
 * so two of them can never win; the time goes from the crash to the new leader's first heartbeat at all others.
 *
 * An election waits for disks as much as for timers: figure-16-disk.ts.
 */
import { later, logIndex, type Millis, type NodeId, nodeId, term } from "../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { beginning } from "../../src/raft/log.ts";
import type { Message } from "../../src/raft/message.ts";
import { type Input, nextDeadline, step, takeEffects } from "../../src/raft/raft.ts";
import { createState, type PreVote, type State } from "../../src/raft/state.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { oldEntry } from "../harness/cluster.ts";
import { type DiskDiscipline, type ElectionDisk, makeDisk } from "./figure-16-disk.ts";

export type Range = { readonly min: number; readonly max: number };

export type Experiment = {
  readonly timeoutMs: Range;
  readonly preVote: PreVote;
  readonly disk: DiskDiscipline;
  readonly syncMs: number;
};

/**
 * What a sync took in the paper's cluster, from the one line of the figure that is nearly free of timers: with
 * timeouts of 12 to 24 ms, 1 % of the trials were over within 17 ms. With disks that take no time at all, 1 % are
 * over within 8.9 ms here: timers and messages. What is left, 8.1 ms, is three syncs. All other lines follow.
 */
export const syncMs = 2.7;

/** One way through a gigabit switch, with what an RPC library adds, in microseconds. */
const latencyUs = { min: 250, max: 750 } as const;

const crashed = nodeId(5);
const survivors = [1, 2, 3, 4].map(nodeId);
const firstTerm = term(1);
/** Without chance in the timeouts nobody may ever win. */
const patienceMs = 60_000;

/** Milliseconds without a leader; infinite where the patience ended first. */
export function downtimeMs(experiment: Experiment, seed: number): number {
  return new Trial(experiment, seed).run();
}

class Trial {
  readonly clock = new SimClock();
  readonly random: Random;
  private readonly servers = new Map<NodeId, Survivor>();
  private readonly crashMs: number;
  /** Who has heard of the new leader, by its term. */
  private readonly told = new Map<number, Set<NodeId>>();
  private over: Millis | null = null;

  constructor(experiment: Experiment, seed: number) {
    this.random = seededRandom(seed);
    const heartbeatUs = (experiment.timeoutMs.min / 2) * 1000;
    this.crashMs = this.random.below(heartbeatUs) / 1000;
    for (const id of survivors) {
      this.servers.set(id, new Survivor(id, experiment, this));
    }
  }

  run(): number {
    for (const [id, server] of this.servers) {
      server.hear({ kind: "start" });
      this.carry(lastHeartbeat(id));
    }
    while (this.over === null && this.clock.now() < patienceMs) this.clock.next();
    return (this.over ?? Number.POSITIVE_INFINITY) - this.crashMs;
  }

  /** From one server to another; what is sent to the crashed one is lost. */
  carry(message: Message): void {
    const { min, max } = latencyUs;
    const latencyMs = (min + this.random.below(max - min + 1)) / 1000;
    this.clock.wake(later(this.clock.now(), latencyMs), () => {
      this.servers.get(message.to)?.hear({ kind: "message", message });
    });
  }

  /** A server has taken in a heartbeat of the new leader. */
  heardLeader(id: NodeId, leaderTerm: number): void {
    const told = this.told.get(leaderTerm) ?? new Set();
    this.told.set(leaderTerm, told.add(id));
    if (told.size === survivors.length - 1) this.over ??= this.clock.now();
  }
}

const lastHeartbeat = (to: NodeId): Message => ({
  kind: "heartbeat",
  from: crashed,
  to,
  term: firstTerm,
  commit: logIndex(0),
  round: 1,
});

class Survivor {
  private readonly state: State;
  private readonly trial: Trial;
  private readonly disk: ElectionDisk;
  private readonly waiting: Input[] = [];
  private cancelWake: () => void = () => {};

  constructor(id: NodeId, experiment: Experiment, trial: Trial) {
    const { timeoutMs, preVote } = experiment;
    const timing = {
      heartbeatMs: timeoutMs.min / 2,
      electionMsMin: timeoutMs.min,
      electionMsMax: timeoutMs.max,
    };
    // n1 has all of the log, n4 the least of it: n1 and n2 can win, n3 and n4 cannot.
    const length = survivors.length + 1 - id;
    const recovered = {
      hardState: { term: firstTerm, votedFor: crashed },
      base: beginning,
      entries: Array.from({ length }, (_, at) => oldEntry(at + 1, firstTerm)),
      configuration: { voters: [...survivors, crashed], outgoing: [], learners: [] },
      commit: beginning.index,
    };
    const settings = { me: id, timing, appendBytesMax: 10_000, preVote };
    this.state = createState(settings, recovered, trial.random);
    this.trial = trial;
    const { disk, syncMs: takesMs } = experiment;
    this.disk = makeDisk(disk, {
      state: this.state,
      clock: trial.clock,
      syncMs: takesMs,
      send: (message) => trial.carry(message),
    });
  }

  hear(input: Input): void {
    this.waiting.push(input);
    this.work();
  }

  private work(): void {
    while (this.waiting.length > 0) {
      const freeAt = this.disk.freeAt(this.trial.clock.now());
      if (freeAt !== null) {
        this.trial.clock.wake(freeAt, () => this.work());
        return;
      }
      this.take(this.waiting.shift()!);
    }
    this.cancelWake();
    this.cancelWake = this.trial.clock.wake(nextDeadline(this.state), () => {
      this.hear({ kind: "time" });
    });
  }

  private take(input: Input): void {
    const { state, trial } = this;
    const { term: before, votedFor } = state;
    const now = trial.clock.now();
    step(state, now, input);
    step(state, now, { kind: "flush" });
    this.disk.changed({ term: before, votedFor });
    this.disk.send(takeEffects(state).send);
    if (input.kind !== "message" || input.message.kind !== "heartbeat") return;
    const { term: sent } = input.message;
    if (sent > firstTerm && sent === state.term) trial.heardLeader(state.settings.me, sent);
  }
}
