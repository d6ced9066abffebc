/**
 * One seed's cluster with everybody who looks on: the checkers around every step, the trace, the counters; and the
 * ways in which a server can end and begin again, each held against what the disk had.
 */
import { formatAddress } from "../../base/address.ts";
import { must } from "../../base/assert.ts";
import { utf8 } from "../../base/bytes.ts";
import { OperatorError } from "../../base/error.ts";
import { readU32 } from "../../base/integers.ts";
import { type NodeId, nodeId } from "../../base/numbers.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { deriveKeys, type Keys, noKeys } from "../../codec/authentication.ts";
import { form, word } from "../../sexp/value.ts";
import { DurableImage } from "../check/image.ts";
import { Locks } from "../check/locks.ts";
import { Oracle } from "../check/oracle.ts";
import { Passage } from "../check/passage.ts";
import { Promises } from "../check/promises.ts";
import { checkRecovery, type Remains, remainsOf } from "../check/recovery.ts";
import { SnapshotChecker } from "../check/snapshots.ts";
import { Violation } from "../check/violation.ts";
import { Witness } from "../check/witness.ts";
import { SimCluster } from "../cluster.ts";
import { PowerCut } from "../disk.ts";
import type { SimServer } from "../server.ts";
import { BadWeather } from "../weather.ts";
import { Coverage, type CoverageName } from "./coverage.ts";
import { heardForm, noteCounts, saidForm } from "./events.ts";
import { clockSpread, hasCrookedClocks, type Plan } from "./plan.ts";
import { Trace } from "./trace.ts";

/** Why a server does not run. */
export type Absence =
  | "down"
  /** For good: its disk is damaged, and nobody repairs it. */
  | "refused"
  /** Its folder was wiped: it runs as somebody whom the others do not listen to. */
  | "wiped";

export type StartOutcome =
  | { readonly kind: "started" }
  | { readonly kind: "repairing" }
  | { readonly kind: "power-cut" }
  | { readonly kind: "refused"; readonly code: string };

export class World {
  readonly plan: Plan;
  readonly cluster: SimCluster;
  readonly weather: BadWeather;
  readonly trace = new Trace();
  readonly coverage = new Coverage();
  readonly images = new Map<NodeId, DurableImage>();
  readonly passage: Passage;
  readonly witness: Witness;
  readonly oracle: Oracle;
  readonly locks: Locks;
  readonly snapshots: SnapshotChecker;
  readonly promises: Promises;
  readonly absent = new Map<NodeId, Absence>();
  /** Turns of servers so far. */
  steps = 0;
  /** They run, and are no servers yet. */
  private readonly repairing = new Set<NodeId>();
  private readonly remains = new Map<NodeId, Remains>();
  readonly keys: Keys;
  private readonly servers: readonly SimServer[];

  constructor(plan: Plan) {
    this.plan = plan;
    const { heartbeatMs } = plan.timing;
    this.passage = new Passage({ now: () => this.now, heartbeatMs });
    const { sessionLimits } = plan;
    this.witness = new Witness(this.images, { sessionLimits, passage: this.passage });
    this.oracle = new Oracle(this.witness, clockSpread(plan));
    this.snapshots = new SnapshotChecker(this.witness);
    this.locks = new Locks(hasCrookedClocks(plan) ? "crooked" : "right");
    const keys = plan.secret === "set" ? deriveKeys(utf8("a secret of the seed")) : noKeys;
    this.keys = keys;
    const { timing, preVote, datagramBytesMax, segmentBytesMax, syncMs, snapshots } = plan;
    this.cluster = new SimCluster({
      seed: plan.seed * 2 + 1,
      servers: plan.servers,
      spares: plan.spares,
      host: "10.0.0.1",
      settings: {
        ...{ timing, preVote, datagramBytesMax, segmentBytesMax, syncMs, keys },
        ...{ sessionLimits: plan.sessionLimits, snapshots, damage: plan.damage },
      },
    });
    this.servers = [...this.cluster.servers.values()];
    this.weather = new BadWeather(plan.weather, this.stream("weather"));
    this.cluster.network.weather = this.weather;
    const byPort = new Map(this.servers.map(({ id }) => [this.cluster.addressOf(id).port, id]));
    const nodeAt = (port: number): NodeId | null => byPort.get(port) ?? null;
    const cluster = this.cluster.clusterId;
    const isMisread = plan.weather.corrupt > 0 && plan.spares > 0 && plan.secret === "not-set";
    const numbers = isMisread ? "may-be-corrupted" : "are-right";
    const settings = { cluster, keys, datagramBytesMax, numbers, nodeAt } as const;
    this.promises = new Promises(settings, this.witness);
    for (const server of this.servers) this.watch(server);
  }

  get now() {
    return this.cluster.clock.now();
  }

  get all(): readonly SimServer[] {
    return this.servers;
  }

  /** Chance for one purpose: what one kind of fault draws changes nothing for the others. */
  stream(purpose: string): Random {
    let mixed = this.plan.seed;
    for (const character of purpose) {
      mixed = (mixed * 31 + must(character.codePointAt(0), "a character")) % 2 ** 45;
    }
    return seededRandom(mixed);
  }

  addressName(server: SimServer): string {
    return formatAddress(this.cluster.addressOf(server.id));
  }

  /** How many servers may be gone for good, or not to be relied on, without harm. */
  spare(): number {
    let gone = 0;
    for (const absence of this.absent.values()) if (absence !== "down") gone += 1;
    return Math.floor((this.plan.servers - 1) / 2) - gone;
  }

  /** The members that the cluster was made with. */
  get founders(): readonly NodeId[] {
    return this.servers.slice(0, this.plan.servers).map(({ id }) => id);
  }

  /** Whether it will never run again as who it was. */
  isGone(id: NodeId): boolean {
    return (this.absent.get(id) ?? "down") !== "down";
  }

  /**
   * Whether every server that the cluster was made with knows every other one for good: only then may one be lost for
   * good (acquaintance.ts).
   */
  everybodyHasMet(): "yes" | "no" {
    const others = this.plan.servers - 1;
    const knows = this.founders.every((id) => (this.images.get(id)?.peers.size ?? 0) >= others);
    return knows ? "yes" : "no";
  }

  /** Servers whose disks have kept all that they should have. */
  reliable(): readonly NodeId[] {
    return this.servers
      .map(({ id }) => id)
      .filter(
        (id) => !this.witness.leaders.excused.has(id) && (this.absent.get(id) ?? "down") === "down",
      );
  }

  tell(name: string, ...details: readonly string[]): void {
    this.trace.add(this.now, () => form(name, ...details.map(word)));
  }

  start(server: SimServer): StartOutcome {
    const { id } = server;
    try {
      const recovered = server.start();
      if (recovered === null) {
        this.repairing.add(id);
        this.coverage.add("repairs-started");
        this.tell("repairs", `n${id}`);
        return { kind: "repairing" };
      }
      if (recovered.cut !== null) this.coverage.add("torn-tails-cut");
      this.begin(server, recovered.identity.incarnation);
      this.absent.delete(id);
      this.tell("starts", `n${id}`);
      return { kind: "started" };
    } catch (error) {
      this.remains.delete(id);
      if (error instanceof PowerCut) {
        server.disk.crash(this.cluster.random);
        this.coverage.add("opening-cuts");
        return { kind: "power-cut" };
      }
      if (!(error instanceof OperatorError)) throw error;
      this.tell("refuses-to-start", `n${id}`, error.parts.code);
      return { kind: "refused", code: error.parts.code };
    }
  }

  private begin(server: SimServer, incarnation: number): void {
    const { id, disk } = server;
    const replica = must(server.replica, "a server that has started runs");
    const before = this.images.get(id);
    const { witness, snapshots } = this;
    const after = new DurableImage({ disk, node: id, witness, snapshots, incarnation });
    if (before !== undefined && !this.witness.leaders.excused.has(id)) {
      const remains = this.remains.get(id) ?? null;
      checkRecovery(server, { before, remains, after, witness: this.witness });
    }
    this.remains.delete(id);
    this.images.set(id, after);
    this.witness.started(id, replica);
  }

  /** A new life under the old name, in an empty folder. Its old image stays: what it held, it held. */
  startWiped(server: SimServer): void {
    this.absent.set(server.id, "wiped");
    server.start();
    this.coverage.add("wiped-out");
    this.tell("starts-wiped", `n${server.id}`);
  }

  /** The index of the newest configuration in any log. */
  newestChange(): number {
    const states = this.servers.flatMap(({ id }) => this.witness.stateOf(id) ?? []);
    return Math.max(0, ...states.map(({ membership }) => membership.since));
  }

  /** Gone for good: it comes back with an empty folder, or not at all. */
  lose(server: SimServer, how: "wiped" | "refused", renewDisk: () => void): void {
    this.crash(server, "lose-all");
    this.tell("is-lost", `n${server.id}`, how);
    this.absent.set(server.id, how);
    if (how === "refused") return;
    server.disk.wipe();
    renewDisk();
    this.startWiped(server);
  }

  /** It has died, or never came up: it will be started again. */
  private down(server: SimServer): void {
    server.resume();
    if (!this.absent.has(server.id)) this.absent.set(server.id, "down");
  }

  crash(server: SimServer, left: Random | "lose-all"): void {
    if (server.replica === null && server.repairer === null) return;
    server.crash(left);
  }

  kill(server: SimServer): void {
    if (server.replica === null && server.repairer === null) return;
    this.leave(server, "is-killed");
    server.kill();
    this.down(server);
  }

  /** Its disk has lost what it should have kept, on purpose: a restart is not held against it. */
  excuse(server: SimServer): void {
    this.witness.leaders.excused.add(server.id);
  }

  private leave(server: SimServer, how: string): void {
    this.tell(how, `n${server.id}`);
    // Of a journal that is not whole yet, what it was before still counts.
    if (this.repairing.delete(server.id)) return;
    this.collect(server);
    const image = this.images.get(server.id);
    if (image !== undefined && this.isWatched(server)) {
      this.coverage.add("rolls", image.rolls);
      image.rolls = 0;
      this.remains.set(server.id, remainsOf(server, image));
      this.witness.forgetUnsaid(server.id, image.hardState.term);
    }
  }

  private isWatched(server: SimServer): boolean {
    return this.absent.get(server.id) !== "wiped";
  }

  /** A life's own counters, at its end. */
  collect(server: SimServer): void {
    for (const [name, count] of server.replica?.counters.sorted() ?? []) {
      this.coverage.addKnown(name, count);
    }
  }

  private watch(server: SimServer): void {
    server.inboxMax = this.plan.inboxMax;
    server.hooks = {
      beforeStep: (_, inputs) => {
        if (!this.isWatched(server)) return;
        this.images.get(server.id)?.refresh();
        for (const input of inputs) {
          if (input.kind === "datagram") this.hear(server, input.bytes);
        }
      },
      onSend: (_, datagrams) => {
        if (!this.isWatched(server)) return;
        const image = must(this.images.get(server.id), "a server that speaks was started");
        this.promises.check(server, image, datagrams);
        for (const { to, bytes } of datagrams) {
          this.trace.mix(readU32(bytes, 0) ^ to.port);
          this.trace.add(this.now, () => saidForm(server.id, to.port, bytes));
        }
      },
      onRepairSend: (_, datagrams) => this.promises.checkRepairer(server, datagrams),
      afterStep: () => {
        this.steps += 1;
        if (this.isWatched(server)) this.witness.afterStep(server);
        else this.checkOutsider(server);
      },
      onNote: (_, sentence) => {
        noteCounts(sentence, this.coverage);
        this.trace.add(this.now, () => form("notes", sentence));
      },
      onRepaired: (_, recovered) => {
        this.repairing.delete(server.id);
        this.coverage.add("repairs-finished");
        this.tell("has-repaired", `n${server.id}`);
        this.begin(server, recovered.identity.incarnation);
        this.absent.delete(server.id);
      },
      beforeCrash: () => {
        this.leave(server, "loses-power");
        this.coverage.add("power-cuts");
        this.down(server);
      },
      onStop: () => {
        const code = server.failure?.parts.code ?? "";
        this.coverage.add(stopCounter(code));
        if (code === "store-differs" && this.coverage.get("spoilt-stores") === 0) {
          throw new Violation("I5", `n${server.id} stops: ${server.failure?.parts.why}`);
        }
        this.leave(server, "stops");
        this.down(server);
      },
    };
  }

  private hear(server: SimServer, bytes: Uint8Array): void {
    this.trace.add(this.now, () => heardForm(server.id, bytes));
  }

  /** Who was wiped may listen and follow, and nothing else. */
  private checkOutsider(server: SimServer): void {
    const { replica } = server;
    if (replica === null) return;
    if (replica.state.role.kind === "leader") {
      throw new Violation("I1", `n${server.id} was wiped, and leads term ${replica.state.term}`);
    }
    const { commit, log } = replica.state;
    if (commit === 0 || log.termAt(commit) === this.witness.termAt(commit)) return;
    throw new Violation("I5", `n${server.id} was wiped, and commits another entry ${commit}`);
  }

  server(id: number): SimServer {
    return this.cluster.server(nodeId(id));
  }
}

function stopCounter(code: string): CoverageName {
  if (code === "no-good-copy") return "repairs-refused";
  return code === "disk-full" || code === "store-differs" ? code : "sync-errors";
}
