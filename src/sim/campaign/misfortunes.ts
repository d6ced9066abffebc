/**
 * Lets things go wrong, each kind at its own pace and with its own chance, until it is told to stop. What a
 * misfortune has begun it also ends: a partition heals, a server is started again, a disk has room again.
 *
 * Nothing here breaks more than Raft survives: for good, or for an unreliable disk, only a minority may go.
 */

import { later } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import type { DatagramKind } from "../../codec/kinds.ts";
import { exponential, fraction, oneOf, someOf } from "../chance.ts";
import type { SimServer } from "../server.ts";
import type { LinkRule } from "../weather.ts";
import { DiskTroubles } from "./disk-troubles.ts";
import { Operator } from "./operator.ts";
import { filtered, oneWay, partition, shapes } from "./partitions.ts";
import { frozenRate, type MisfortuneKind, misfortuneKinds, rates } from "./plan.ts";
import type { Workload } from "./workload.ts";
import type { World } from "./world.ts";

const filterable: readonly DatagramKind[] = [
  "append-request",
  "append-response",
  "heartbeat",
  "heartbeat-response",
  "vote-request",
  "vote-response",
  "pre-vote-response",
  "read-index-request",
  "read-index-response",
  "peer-chunk-ack",
  "snapshot-request",
  "snapshot-response",
];

export class Misfortunes {
  readonly disks: DiskTroubles;
  private readonly operator: Operator;
  private readonly world: World;
  private readonly workload: Workload;
  /** An election timeout, by which everything here is measured. */
  private readonly unitMs: number;
  private readonly restartRandom: Random;
  private going: "on" | "over" = "on";

  constructor(world: World, workload: Workload) {
    this.world = world;
    this.workload = workload;
    this.unitMs = world.plan.timing.electionMsMax;
    this.restartRandom = world.stream("restart");
    this.disks = new DiskTroubles({ world, unitMs: this.unitMs });
    this.operator = new Operator(world, world.keys, (server) => this.disks.renew(server));
  }

  begin(): void {
    for (const server of this.world.all) this.watchEnds(server);
    for (const kind of misfortuneKinds) {
      const often = this.world.plan.misfortunes[kind];
      if (often > 0) this.schedule(kind, often, this.world.stream(kind));
    }
  }

  /** No more of it. What is broken now stays so. */
  stop(): void {
    this.going = "over";
    this.disks.stop();
    this.operator.stop();
  }

  private schedule(kind: MisfortuneKind, often: number, random: Random): void {
    this.after(exponential(random, (10 * this.unitMs) / often), () => {
      // What one occurrence draws must not move the next.
      this.strike(kind, seededRandom(random.below(2 ** 45)));
      this.schedule(kind, often, random);
    });
  }

  private after(ms: number, call: () => void): void {
    const { clock } = this.world.cluster;
    clock.wake(later(clock.now(), Math.ceil(ms)), () => {
      if (this.going === "on") call();
    });
  }

  /** Every server that ends for whatever reason is started again some time later. */
  private watchEnds(server: SimServer): void {
    const { hooks } = server;
    server.hooks = {
      ...hooks,
      beforeCrash: (one) => {
        hooks.beforeCrash?.(one);
        this.restartLater(one);
      },
      onRepaired: (one, recovered) => {
        hooks.onRepaired?.(one, recovered);
        this.disks.repaired(one);
      },
      onStop: (one) => {
        hooks.onStop?.(one);
        this.disks.stopped(one);
        this.restartLater(one);
      },
      atBoundary: (one, boundary) => this.disks.atBoundary(one, boundary),
      syncMs: (one) => this.disks.syncMs(one),
    };
  }

  private restartLater(server: SimServer): void {
    this.after(exponential(this.restartRandom, 1.5 * this.unitMs), () => this.restart(server));
  }

  private restart(server: SimServer): void {
    if (server.replica !== null || this.world.absent.get(server.id) !== "down") return;
    const outcome = this.disks.start(server);
    if (outcome === "down") this.restartLater(server);
  }

  private strike(kind: MisfortuneKind, random: Random): void {
    const { world } = this;
    const server = oneOf(random, world.all);
    switch (kind) {
      case "partition":
        return this.partition(random);
      case "one-way-cut":
      case "message-filter":
      case "client-cut":
        return this.cut(kind, random);
      case "clock-rate":
      case "clock-jump":
        return this.bendTime(kind, server, random);
      case "clock-freeze":
        return this.freezeClock(server, random);
      case "pause":
        return this.pause(server, random);
      case "kill":
        if (server.replica === null) return;
        world.coverage.add("kills");
        world.kill(server);
        return this.restartLater(server);
      case "power-cut":
        return world.crash(server, random.below(4) === 0 ? "lose-all" : random);
      case "blackout":
        return this.blackout(random);
      case "hand-over":
        return this.handOver(random);
      case "spoilt-store":
        return this.spoil(server, random);
      case "client-restart":
        world.coverage.add("client-restarts");
        return this.workload.restartClient(random);
      case "members":
        return this.operator.strike(random);
      default:
        return this.disks.strike(kind, server, random);
    }
  }

  private partition(random: Random): void {
    const { world } = this;
    const leaders = world.cluster.leaders().map((server) => world.addressName(server));
    const all = world.all.map((server) => world.addressName(server));
    const shape = oneOf(random, shapes);
    const rule = partition(shape, { all, leaders }, random);
    if (rule === null) return;
    world.coverage.add("partitions");
    world.tell("partition", shape);
    this.imposeFor(rule, exponential(random, 3 * this.unitMs));
  }

  private cut(kind: "one-way-cut" | "message-filter" | "client-cut", random: Random): void {
    const { world } = this;
    const all = world.all.map((server) => world.addressName(server));
    const one = oneOf(random, all);
    const others = all.filter((name) => name !== one);
    const forMs = exponential(random, 3 * this.unitMs);
    world.tell(kind, one);
    if (kind === "message-filter") {
      world.coverage.add("message-filters");
      return this.imposeFor(filtered(oneOf(random, filterable), one), forMs);
    }
    if (kind === "client-cut") {
      world.coverage.add("client-cuts");
      const clients = this.workload.addressNames();
      const rules = [oneWay([one], clients), oneWay(clients, [one])];
      for (const rule of someOf(random, rules, 1 + random.below(2))) this.imposeFor(rule, forMs);
      return;
    }
    world.coverage.add("one-way-cuts");
    const some = someOf(random, others, 1 + random.below(Math.max(1, others.length)));
    this.imposeFor(random.below(2) === 0 ? oneWay([one], some) : oneWay(some, [one]), forMs);
  }

  private imposeFor(rule: LinkRule, ms: number): void {
    const { rules } = this.world.weather;
    rules.add(rule);
    this.after(ms, () => rules.delete(rule));
  }

  private bendTime(kind: "clock-rate" | "clock-jump", server: SimServer, random: Random): void {
    const { world } = this;
    if (kind === "clock-rate") {
      world.coverage.add("clock-rates");
      world.tell(kind, `n${server.id}`);
      const rate = rates.min + fraction(random) * (rates.max - rates.min);
      world.passage.clockRuns(rate);
      return server.changeClock((time) => time.setRate(rate));
    }
    world.coverage.add("clock-jumps");
    world.tell(kind, `n${server.id}`);
    world.passage.clockJumped();
    const jumpMs = Math.floor(exponential(random, 3 * this.unitMs));
    server.changeClock((time) => time.jump(jumpMs));
  }

  /** The machine hears and answers, and for it no time passes: no alarm goes off, and nothing is ever late. */
  private freezeClock(server: SimServer, random: Random): void {
    this.world.coverage.add("clock-freezes");
    this.world.tell("clock-freeze", `n${server.id}`);
    server.changeClock((time) => time.setRate(frozenRate));
    this.after(exponential(random, 3 * this.unitMs), () => {
      server.changeClock((time) => time.setRate(1));
    });
  }

  private pause(server: SimServer, random: Random): void {
    if (server.replica === null || server.isPaused) return;
    this.world.coverage.add("pauses");
    this.world.tell("pauses", `n${server.id}`);
    server.pause();
    this.after(exponential(random, 2 * this.unitMs), () => {
      this.world.tell("resumes", `n${server.id}`);
      server.resume();
    });
  }

  /** The whole room goes dark. */
  private blackout(random: Random): void {
    const { world } = this;
    world.coverage.add("blackouts");
    const left = random.below(3) === 0 ? "lose-all" : random;
    for (const server of world.all) world.crash(server, left);
  }

  /** A bit of its memory tips over: of the hash alone, so that its answers stay right until it is found out. */
  private spoil({ id, replica }: SimServer, random: Random): void {
    const { world } = this;
    if (replica === null || world.absent.has(id)) return;
    // Where the leader is the odd one all others stop; that comes soon enough, when it is elected.
    if (replica.state.role.kind === "leader") return;
    world.witness.spoilt.add(id);
    world.coverage.add("spoilt-stores");
    world.tell("is-spoilt", `n${id}`);
    replica.store.hash = (replica.store.hash ^ (1 << random.below(32))) >>> 0;
  }

  private handOver(random: Random): void {
    for (const leader of this.world.cluster.leaders()) {
      const target = random.below(2) === 0 ? null : oneOf(random, this.world.all).id;
      this.world.coverage.add("hand-overs");
      leader.push({ kind: "hand-over", target });
    }
  }
}
