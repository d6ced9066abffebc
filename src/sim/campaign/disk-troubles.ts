/**
 * What goes wrong with disks and folders, and what must come of it: an error stops the server, damage is refused,
 * another server's folder is refused, a wiped server is listened to by nobody.
 */
import { assert } from "../../base/assert.ts";
import type { NodeId } from "../../base/numbers.ts";
import { later, type Millis, millis } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { exponential, oneOf } from "../chance.ts";
import { Violation } from "../check/violation.ts";
import type { DiskFault, FaultPlan } from "../disk.ts";
import type { Boundary, SimServer } from "../server.ts";
import type { MisfortuneKind } from "./plan.ts";
import { damageSomewhere, loseTail, type Undo } from "./rot.ts";
import type { World } from "./world.ts";

export type DiskTroubleKind = Extract<
  MisfortuneKind,
  | "boundary-cut"
  | "disk-cut"
  | "slow-disk"
  | "disk-stall"
  | "sync-error"
  | "disk-full"
  | "rot"
  | "lost-tail"
  | "wipe"
  | "swap"
>;

/** What awaits one disk. Moments are the world's. */
type Trouble = {
  /** How many operations from now on the power is cut, 0: not. */
  cutIn: number;
  failSync: "next" | "none";
  fullIn: number;
  fullUntil: Millis;
  slowness: number;
  slowUntil: Millis;
  stallMs: number;
  cutAt: Boundary | null;
  /** The disk was damaged while the server was down; how to repair it, where somebody will. */
  damage: { readonly undo: Undo | null } | null;
  /** "begun": it asks the others for what it lost. "given-up": nobody had it. */
  repair: "may-help" | "begun" | "given-up";
  tail: "lost" | "as-it-was";
};

const longAgo = millis(0);

export class DiskTroubles {
  private readonly world: World;
  private readonly unitMs: number;
  private readonly troubles = new Map<NodeId, Trouble>();
  private readonly random: Random;

  constructor(parts: { world: World; unitMs: number }) {
    this.world = parts.world;
    this.unitMs = parts.unitMs;
    this.random = this.world.stream("disk");
    for (const server of this.world.all) server.disk.faults = this.plan(server);
  }

  /** All disks are well from now on, except those that are damaged. */
  stop(): void {
    for (const server of this.world.all) {
      const { damage, repair } = this.of(server);
      this.troubles.delete(server.id);
      Object.assign(this.of(server), { damage, repair });
    }
  }

  atBoundary(server: SimServer, boundary: Boundary): "go-on" | "power-cut" {
    const trouble = this.of(server);
    if (trouble.cutAt !== boundary) return "go-on";
    trouble.cutAt = null;
    this.world.coverage.add("boundary-cuts");
    return "power-cut";
  }

  syncMs(server: SimServer): number {
    const trouble = this.of(server);
    const { stallMs } = trouble;
    trouble.stallMs = 0;
    if (stallMs > 0) return stallMs;
    const { syncMs } = this.world.plan;
    if (trouble.slowUntil <= this.world.now) return syncMs;
    return Math.ceil(Math.min((syncMs + 1) * trouble.slowness, this.unitMs));
  }

  strike(kind: DiskTroubleKind, server: SimServer, random: Random): void {
    const trouble = this.of(server);
    this.world.tell(kind, `n${server.id}`);
    switch (kind) {
      case "boundary-cut":
        trouble.cutAt = oneOf(random, ["handled", "sent", "written"]);
        return;
      case "disk-cut":
        trouble.cutIn = 1 + random.below(6);
        return;
      case "slow-disk":
        this.world.coverage.add("slow-disks");
        trouble.slowness = 10 ** (1 + random.below(3));
        trouble.slowUntil = this.until(exponential(random, 3 * this.unitMs));
        return;
      case "disk-stall":
        this.world.coverage.add("disk-stalls");
        trouble.stallMs = Math.ceil(this.unitMs * (1 + random.below(4)));
        return;
      case "sync-error":
        trouble.failSync = "next";
        return;
      case "disk-full":
        trouble.fullIn = 1 + random.below(6);
        return;
      case "rot":
      case "lost-tail":
        return this.spoil(kind, server, random);
      case "wipe":
        return this.wipe(server);
      case "swap":
        return this.swap(server, oneOf(random, this.world.all));
    }
  }

  /** Its disk is damaged, and nobody will repair it. */
  isLost(server: SimServer): boolean {
    return this.of(server).damage?.undo === null;
  }

  /** Starts a server that is down, and holds it against what was done to its disk. */
  start(server: SimServer): "runs" | "down" | "gone" {
    if (server.repairer !== null) return "runs";
    const trouble = this.of(server);
    const { damage } = trouble;
    if (damage !== null && trouble.repair === "given-up") return this.refused(server, damage.undo);
    const outcome = this.world.start(server);
    if (outcome.kind === "power-cut") return "down";
    if (outcome.kind === "repairing") {
      if (damage === null) throw new Violation("I22", `n${server.id} repairs a good disk`);
      trouble.repair = "begun";
      return "runs";
    }
    if (outcome.kind === "started") {
      // The power may have gone when the repair was done, and only the names were not.
      if (damage !== null && trouble.repair === "begun") this.repaired(server);
      else if (damage !== null) {
        throw new Violation("I22", `n${server.id} starts on a damaged disk`);
      }
      if (trouble.tail === "lost") this.world.coverage.add("lost-tails");
      trouble.tail = "as-it-was";
      return "runs";
    }
    const { code } = outcome;
    if (code === "disk-full" || code === "disk-failed") return "down";
    if (code !== "log-damaged" || damage === null) {
      throw new Violation("I22", `n${server.id} refuses to start on a good disk: ${code}`);
    }
    return this.refused(server, damage.undo);
  }

  /** What was damaged is not used any more. */
  repaired(server: SimServer): void {
    Object.assign(this.of(server), { damage: null, repair: "may-help" });
  }

  /** It ended by itself. */
  stopped({ id, failure }: SimServer): void {
    const trouble = this.troubles.get(id);
    if (failure?.parts.code === "no-good-copy" && trouble !== undefined)
      trouble.repair = "given-up";
  }

  /** Somebody puts back what was damaged, where it can be put back: the others need not have it. */
  mend(server: SimServer): void {
    const { damage } = this.of(server);
    if (damage === null || damage.undo === null) return;
    if (server.repairer !== null) this.world.kill(server);
    damage.undo();
    Object.assign(this.of(server), { damage: null, repair: "may-help" });
    this.world.coverage.add("damage-repaired");
  }

  private refused(server: SimServer, undo: Undo | null): "down" | "gone" {
    this.world.coverage.add("damage-refused");
    if (undo === null) {
      this.world.absent.set(server.id, "refused");
      return "gone";
    }
    undo();
    Object.assign(this.of(server), { damage: null, repair: "may-help" });
    this.world.coverage.add("damage-repaired");
    return "down";
  }

  private spoil(kind: "rot" | "lost-tail", server: SimServer, random: Random): void {
    const { world } = this;
    if (world.absent.get(server.id) === "wiped") return;
    // One at a time: behind the first, the file cannot be judged any more.
    if (this.of(server).damage !== null || this.of(server).tail === "lost") return;
    const spare = this.spare();
    if (spare <= 0 && kind === "lost-tail") return;
    world.crash(server, random);
    if (server.replica !== null || world.absent.get(server.id) !== "down") return;
    if (kind === "lost-tail") {
      if (loseTail(world, server) === "lost") this.of(server).tail = "lost";
      return;
    }
    const undo = damageSomewhere(server, random);
    if (undo === null) return;
    // Where nobody can be spared it is put back, once it was refused, or no other had what is missing.
    const isRepaired = random.below(2) === 0 || spare <= 0 || world.everybodyHasMet() === "no";
    this.of(server).damage = { undo: isRepaired ? undo : null };
  }

  /** How many more servers may go for good. */
  private spare(): number {
    let damaged = 0;
    for (const server of this.world.all) {
      const isGone = this.world.absent.get(server.id) === "refused";
      if (this.of(server).damage !== null && !isGone) damaged += 1;
    }
    return this.world.spare() - damaged;
  }

  /** Only where everybody has met: a server that has strangers waits for them, and this one does not come back. */
  private wipe(server: SimServer): void {
    const { world } = this;
    const { id } = server;
    if (this.spare() <= 0 || world.absent.has(id) || server.replica === null) return;
    if (world.everybodyHasMet() === "no") return;
    world.crash(server, "lose-all");
    server.disk.wipe();
    this.renew(server);
    world.startWiped(server);
  }

  /** A disk that nothing is the matter with. */
  renew(server: SimServer): void {
    Object.assign(this.of(server), noTrouble());
  }

  /** Two servers get each other's files, under their own names. Both must refuse, and get theirs back. */
  private swap(one: SimServer, other: SimServer): void {
    const { world } = this;
    if (one === other) return;
    for (const server of [one, other]) {
      if (server.replica === null || world.absent.has(server.id)) return;
    }
    for (const server of [one, other]) {
      Object.assign(this.of(server), noTrouble());
      world.crash(server, "lose-all");
    }
    const rename = { mine: renamed(one.id, other.id), theirs: renamed(other.id, one.id) };
    one.disk.exchange(other.disk, rename);
    for (const server of [one, other]) {
      const outcome = world.start(server);
      if (outcome.kind !== "refused" || outcome.code !== "wrong-folder") {
        throw new Violation("I22", `n${server.id} does not refuse another server's folder`);
      }
      world.coverage.add("swapped-refused");
    }
    one.disk.exchange(other.disk, rename);
  }

  private plan(server: SimServer): FaultPlan {
    return ({ kind }) => this.faultFor(this.of(server), kind);
  }

  private faultFor(trouble: Trouble, kind: string): DiskFault | null {
    if (trouble.cutIn > 0) {
      trouble.cutIn -= 1;
      if (trouble.cutIn === 0) {
        this.world.coverage.add("disk-cuts");
        return { kind: "power-cut" };
      }
    }
    const isSync = kind === "sync" || kind === "startSync";
    if (trouble.failSync === "next" && isSync) {
      trouble.failSync = "none";
      return { kind: "sync-lost" };
    }
    return kind === "append" || kind === "create" ? this.room(trouble) : null;
  }

  private room(trouble: Trouble): DiskFault | null {
    if (trouble.fullIn > 0) {
      trouble.fullIn -= 1;
      if (trouble.fullIn === 0) {
        trouble.fullUntil = this.until(exponential(this.random, this.unitMs));
        return { kind: "half", code: "disk-full", bytes: this.random.below(600) };
      }
    }
    return trouble.fullUntil > this.world.now ? { kind: "refused", code: "disk-full" } : null;
  }

  private until(ms: number): Millis {
    return later(this.world.now, Math.ceil(ms));
  }

  private of(server: SimServer): Trouble {
    const known = this.troubles.get(server.id);
    if (known !== undefined) return known;
    const trouble = noTrouble();
    this.troubles.set(server.id, trouble);
    return trouble;
  }
}

const noTrouble = (): Trouble => ({
  ...{ cutIn: 0, failSync: "none", fullIn: 0, fullUntil: longAgo, slowness: 1 },
  ...{
    slowUntil: longAgo,
    stallMs: 0,
    cutAt: null,
    damage: null,
    repair: "may-help",
    tail: "as-it-was",
  },
});

function renamed(from: NodeId, to: NodeId): (name: string) => string {
  const prefix = `node${from}.`;
  return (name) => {
    assert(name.startsWith(prefix), "the folder holds this server's files");
    return `node${to}.${name.slice(prefix.length)}`;
  };
}
