/**
 * The second phase: a random majority is healed, with its links, disks and clocks, and everything else stays as
 * broken as it is, for good. Within a stated time the healed ones have one leader, have answered every request, and
 * hold one log and one store; and then nothing happens any more.
 */

import { must } from "../../base/assert.ts";
import { sameBytes } from "../../base/bytes.ts";
import { later } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { watchTiming } from "../../client/timing.ts";
import { hashOfContents } from "../../kv/hash.ts";
import type { Leases } from "../../kv/leases.ts";
import { members } from "../../raft/membership.ts";
import { majority } from "../../raft/quorum.ts";
import type { State } from "../../raft/state.ts";
import type { Configuration } from "../../raft/types.ts";
import { someOf } from "../chance.ts";
import { type Invariant, Violation } from "../check/violation.ts";
import type { SimServer } from "../server.ts";
import type { Misfortunes } from "./misfortunes.ts";
import { oneWay } from "./partitions.ts";
import { frozenRate } from "./plan.ts";
import type { Workload } from "./workload.ts";
import type { World } from "./world.ts";

/** Everything is measured in election timeouts (the upper end of their range). */
export const patience = {
  /** Until one leader has committed in its term: split votes included. */
  leaderTimeouts: 40,
  /** Until every request is answered; and this long besides, because clients wait before they ask again. */
  answersTimeouts: 40,
  answersMs: 20_000,
  /** So often a watcher may go round all servers, and wait for those that are no members any more. */
  watchRounds: 2,
  agreementTimeouts: 20,
  /** A sync that was stalled before the healing may depose its leader for so long. */
  stallTimeouts: 6,
  calmTimeouts: 5,
} as const;

/** Why a cluster need not come to rest. */
export type Excuse =
  /**
   * A server outside of the healed majority is heard, and asks nobody before it campaigns: it deposes every leader
   * with its terms, or collects votes that it never hears of. Pre-vote is the remedy (dissertation 9.6), and was
   * off.
   */
  | "outsider-without-pre-vote"
  /** A server outside hears and is heard, badly: it may be elected, lose its leadership again, or lead badly. */
  | "outsider-may-lead"
  /**
   * A change of members was under way when a server was lost that it counts on: who is left has no majority in it.
   */
  | "voters-lost";

type Outsiders = "cut-off" | "deaf" | "mute" | "as-they-are";

export class Liveness {
  readonly excuses: Excuse[] = [];
  private readonly world: World;
  private readonly misfortunes: Misfortunes;
  private readonly workload: Workload;
  private readonly unitMs: number;
  private core: readonly SimServer[] = [];
  private healedAt = 0;

  constructor(world: World, misfortunes: Misfortunes, workload: Workload) {
    this.world = world;
    this.misfortunes = misfortunes;
    this.workload = workload;
    this.unitMs = world.plan.timing.electionMsMax;
  }

  run(): void {
    this.heal(this.world.stream("liveness"));
    this.workload.finish(patience.answersMs / 2);
    if (!this.excuses.includes("voters-lost") && this.rest() === "at-peace") {
      for (const server of this.taking()) this.checkStore(server);
      this.world.coverage.add("came-to-rest");
      if (this.excuses.length === 0) this.checkCalm();
    }
    this.world.oracle.checkEnd();
  }

  private rest(): "at-peace" | "excused" {
    const { unitMs, workload } = this;
    const leaderMs = patience.leaderTimeouts * unitMs;
    const answersMs = patience.answersTimeouts * unitMs + patience.answersMs;
    const agreementMs = patience.agreementTimeouts * unitMs;
    const answers = () => this.answersMissing();
    if (this.await("L1", leaderMs, () => this.leaderMissing()) === "excused") return "excused";
    if (this.await("L2", answersMs, answers) === "excused") return "excused";
    const { keys } = this.world.witness.model;
    const last = [...workload.askAll(), ...workload.readAll(keys)];
    if (this.await("L2", answersMs, answers) === "excused") return "excused";
    for (const { outcome, client } of last) {
      // That a session is forgotten is an answer too; whether it is true, the oracle has seen to.
      if (outcome === "committed" || outcome === "forgotten") continue;
      if (this.excuses.includes("outsider-without-pre-vote")) return "excused";
      throw new Violation("L2", `client ${client} was answered "${outcome}" at peace`);
    }
    const watched = () => workload.watching.missing();
    const watchedMs =
      answersMs + patience.watchRounds * this.world.all.length * watchTiming.behindMs;
    if (this.await("L5", watchedMs, watched) === "excused") return "excused";
    return this.await("L3", agreementMs, () => this.agreementMissing());
  }

  private heal(random: Random): void {
    const { world } = this;
    this.misfortunes.stop();
    this.healedAt = world.now;
    const candidates = world.all.filter((server) => this.canBeHealed(server));
    // Who has strangers waits for them: then nobody may be left outside.
    const isBorn = world.everybodyHasMet() === "yes";
    const least = isBorn ? this.fewest() : candidates.length;
    this.core = this.chooseCore(candidates, least, random);
    if (this.decides(candidates) === "no") this.excuses.push("voters-lost");
    // What is spoilt stays so as long as its process does: as leader it would stop all the others.
    for (const server of world.all) if (world.witness.spoilt.has(server.id)) world.kill(server);
    for (const server of this.core) this.mend(server);
    this.letTimeGoOn();
    const names = this.core.map((server) => world.addressName(server));
    const clients = this.workload.addressNames();
    world.weather.calm = new Set([...names, ...clients]);
    // An outsider may lead: what is asked of it must not depend on a link that nobody has healed.
    world.weather.calmToAll = new Set(clients);
    this.forgetOldDatagrams();
    this.leaveOutside(random, names);
    world.tell("healed", ...this.core.map(({ id }) => `n${id}`));
  }

  /** Outside of the core as well: who waits for a server whose time has ended for good waits for ever. */
  private letTimeGoOn(): void {
    for (const server of this.world.all) {
      if (server.time.rate === frozenRate) server.changeClock((time) => time.setRate(1));
    }
  }

  private fewest(): number {
    return this.world.plan.spares === 0 ? majority(this.world.plan.servers) : 1;
  }

  /** By chance; but whatever configuration is in force by the end, the healed ones have a majority of it. */
  private chooseCore(
    candidates: readonly SimServer[],
    least: number,
    random: Random,
  ): readonly SimServer[] {
    for (let tries = 0; tries < 10; tries++) {
      const count = least + random.below(candidates.length - least + 1);
      const core = someOf(random, candidates, count);
      if (this.decides(core) === "yes") return core;
    }
    return candidates;
  }

  /** Whether these are a majority in every configuration that may be in force, as far as any log has it. */
  private decides(core: readonly SimServer[]): "yes" | "no" {
    const { witness, all } = this.world;
    const ids = new Set(core.map(({ id }) => id));
    const first = { voters: this.world.founders, outgoing: [], learners: [] };
    const present = all.filter(({ id }) => !this.world.isGone(id));
    const states = present.flatMap(({ id }) => witness.stateOf(id) ?? []);
    for (const { voters, outgoing } of witness.members.possible(first, states)) {
      for (const group of [voters, outgoing]) {
        const count = group.filter((one) => ids.has(one)).length;
        if (group.length > 0 && count < majority(group.length)) return "no";
      }
    }
    return "yes";
  }

  /** The healed ones that the newest leader has as members. */
  private taking(): readonly SimServer[] {
    const current = this.members();
    return current === null
      ? []
      : this.core.filter(({ id }) => members(current).includes(id) || this.world.plan.spares === 0);
  }

  private members(): Configuration | null {
    const states = this.world.cluster.leaders().flatMap(({ replica }) => replica?.state ?? []);
    const newest = states.reduce<State | null>(
      (a, b) => (a === null || b.term > a.term ? b : a),
      null,
    );
    return newest?.membership.current ?? null;
  }

  /** What is under way to or from an outsider, or takes very long, would go on breaking what is healed. */
  private forgetOldDatagrams(): void {
    const { cluster, weather } = this.world;
    const end = later(cluster.clock.now(), this.unitMs);
    const { calm } = weather;
    cluster.network.forget(({ from, to }, due) =>
      calm.has(from) && calm.has(to) && due <= end ? "kept" : "lost",
    );
  }

  private canBeHealed(server: SimServer): boolean {
    const absence = this.world.absent.get(server.id);
    return absence !== "refused" && absence !== "wiped" && !this.misfortunes.disks.isLost(server);
  }

  private mend(server: SimServer): void {
    server.inboxMax = Number.POSITIVE_INFINITY;
    server.resume();
    server.changeClock((time) => time.setRate(1));
    this.misfortunes.disks.mend(server);
    this.startAgain(server);
  }

  /** A sync that failed, and was not over yet, may still end a server after the healing. */
  private startAgain(server: SimServer): void {
    if (server.replica !== null) return;
    const { disks } = this.misfortunes;
    // Where the disk was damaged, the first start is refused, and the second follows the repair.
    if (disks.start(server) === "runs" || disks.start(server) === "runs") return;
    throw new Violation("L1", `n${server.id} does not start on a healed disk`);
  }

  /** The others stay broken; how, is drawn. */
  private leaveOutside(random: Random, core: readonly string[]): void {
    const { world } = this;
    const outside = world.all.filter((server) => !this.core.includes(server));
    const choices: readonly Outsiders[] = ["cut-off", "deaf", "mute", "as-they-are"];
    const how = choices[random.below(choices.length)] ?? "cut-off";
    world.weather.rules.clear();
    const ends = outside.map((server) => world.addressName(server));
    const { rules } = world.weather;
    if (how === "cut-off" || how === "deaf") rules.add(oneWay(core, ends));
    if (how === "cut-off" || how === "mute") rules.add(oneWay(ends, core));
    if (outside.every(({ replica }) => replica === null)) return;
    const isHeard = how === "deaf" || how === "as-they-are";
    if (isHeard && world.plan.preVote === "without-pre-vote") {
      this.excuses.push("outsider-without-pre-vote");
    } else if (how === "as-they-are") this.excuses.push("outsider-may-lead");
  }

  /** Lets time pass until nothing is missing. `missing` says what, or null. */
  private await(
    invariant: Invariant,
    ms: number,
    missing: () => string | null,
  ): "at-peace" | "excused" {
    const { clock } = this.world.cluster;
    const end = later(clock.now(), ms);
    const stepMs = Math.max(1, Math.floor(this.unitMs / 20));
    for (;;) {
      for (const server of this.core) this.startAgain(server);
      const what = missing();
      if (what === null) return "at-peace";
      if (clock.now() >= end) {
        if (this.excuses.includes("outsider-without-pre-vote")) return "excused";
        if (invariant === "L3" && this.outsiderLeads() === "yes") return "excused";
        throw new Violation(invariant, `${what}, ${ms} ms after the healing`);
      }
      clock.run(stepMs);
    }
  }

  /**
   * Its heartbeats get through often enough to keep it, and what fills a large datagram is lost with any of its
   * fragments: then the healed ones agree when they have been lucky, at no stated time.
   */
  private outsiderLeads(): "yes" | "no" {
    if (!this.excuses.includes("outsider-may-lead")) return "no";
    const leaders = this.world.cluster.leaders();
    return leaders.some((server) => !this.core.includes(server)) ? "yes" : "no";
  }

  private leaderMissing(): string | null {
    const leading = this.world.cluster
      .leaders()
      .filter((server) => this.excuses.length > 0 || this.core.includes(server))
      .filter(({ replica }) => {
        if (replica?.state.role.kind !== "leader") return false;
        return replica.state.commit >= replica.state.role.opening;
      });
    return leading.length === 1 ? null : `${leading.length} leaders have committed in their term`;
  }

  private answersMissing(): string | null {
    const { open } = this.workload;
    return open === 0 ? null : `${open} requests are not answered`;
  }

  private agreementMissing(): string | null {
    const current = this.members();
    if (current === null) return "nobody leads";
    if (current.outgoing.length > 0) return "a change of members is under way";
    const ends = this.taking().map(({ replica }) => {
      if (replica === null) return "down";
      const { log, commit } = replica.state;
      const { applied } = replica;
      return log.lastIndex === applied && applied === commit
        ? `${log.lastIndex} of term ${log.lastTerm}`
        : "not applied";
    });
    const [first] = ends;
    const isOne = ends.every((end) => end === first) && first !== "not applied" && first !== "down";
    return isOne ? null : `the logs end at ${ends.join(", ")}`;
  }

  /** What the server has in its store is what the model has, and nothing besides. */
  private checkStore(server: SimServer): void {
    const replica = must(server.replica, "the healed ones run");
    const { model } = this.world.witness;
    const { values, sessions } = replica.store;
    if (replica.store.hash !== hashOfContents(replica.store)) {
      throw new Violation("L3", `the hash that n${server.id} keeps is not that of its store`);
    }
    let found = 0;
    for (const key of model.keys) {
      const version = model.versionAt(key, replica.applied);
      const stored = values.get(key);
      if (version?.value == null) continue;
      found += 1;
      const isSame = stored !== undefined && sameBytes(stored.value, version.value);
      if (!isSame || stored.revision !== version.index) {
        throw new Violation(
          "L3",
          `n${server.id} does not hold what was written at ${version.index}`,
        );
      }
    }
    this.checkLeases(server, replica.store.leases);
    if (values.size !== found) {
      throw new Violation(
        "L3",
        `n${server.id} holds ${values.size} keys, and ${found} were written`,
      );
    }
    // In the order of their use, which decides who is forgotten next.
    const [known, right] = [[...sessions.byId.keys()].join(), model.sessionNames.join()];
    if (known === right) return;
    throw new Violation(
      "I18",
      `n${server.id} knows the sessions ${known}, where ${right} is right`,
    );
  }

  /** Its leases are the model's, to the millisecond, and hold the same keys. */
  private checkLeases({ id: server }: SimServer, { byId, ofKey }: Leases): void {
    const { model } = this.world.witness;
    const open = model.leases.openIds;
    const differs = open.filter(
      (id) => byId.get(id)?.deadline !== model.leases.standing(id)?.deadline,
    );
    if (open.length !== byId.size || differs.length > 0) {
      throw new Violation("L3", `n${server} has ${byId.size} leases, and ${open.length} are right`);
    }
    for (const key of model.keys) {
      const lease = model.versionAt(key, Number.POSITIVE_INFINITY)?.lease ?? 0;
      if ((ofKey.get(key) ?? 0) === lease) continue;
      throw new Violation("L3", `n${server} has a key with another lease than ${lease}`);
    }
  }

  /** Nobody campaigns, and an idle cluster says no more than its heartbeats. */
  private checkCalm(): void {
    const { world } = this;
    const { clock } = world.cluster;
    clock.run(Math.max(0, this.healedAt + patience.stallTimeouts * this.unitMs - clock.now()));
    const before = world.witness.counts.leaders;
    const said = world.promises.counts.peerDatagrams;
    const ms = patience.calmTimeouts * this.unitMs;
    clock.run(ms);
    if (world.witness.counts.leaders !== before) {
      throw new Violation("L4", "a leader is elected while everything is calm");
    }
    const rounds = ms / world.plan.timing.heartbeatMs + 2;
    // A heartbeat and its answer to each; beside them what is tried again for those who are not there.
    const most = 4 * rounds * world.all.length;
    const count = world.promises.counts.peerDatagrams - said;
    if (count > most) throw new Violation("L4", `${count} datagrams in ${ms} ms of peace`);
    world.coverage.add("stayed-at-peace");
  }
}
