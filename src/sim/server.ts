/**
 * One server of the pretended world: the real replica, journal and codec on a pretended disk and network. It can
 * lose its power at any moment, be killed or paused with its inbox kept, run on a clock of its own, and come back
 * with what its disk had kept.
 */
import type { Address } from "../base/address.ts";
import { assert, must } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { Network, OutgoingDatagram } from "../base/network.ts";
import { later, type Millis, millis, type NodeId, never } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { type Keys, noKeys } from "../codec/authentication.ts";
import { DiskError } from "../journal/disk.ts";
import { type DiskEffect, performDiskEffect } from "../journal/effects.ts";
import { openingFailed } from "../journal/errors.ts";
import { type JournalRecovered, openJournal } from "../journal/open.ts";
import { type Opening, openDamaged } from "../journal/open-damaged.ts";
import { type Replacement, replaceJournal } from "../journal/replace.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import type { Configuration } from "../raft/types.ts";
import type { Effects, Input } from "../replica/input.ts";
import { Repairer } from "../replica/repairer.ts";
import { Replica, type ReplicaSettings } from "../replica/replica.ts";
import type { SimClock } from "./clock.ts";
import { PowerCut, SimDisk } from "./disk.ts";
import { LocalClock } from "./local-clock.ts";
import type { SimNetwork } from "./network.ts";

export type ServerSettings = Pick<
  ReplicaSettings,
  "timing" | "preVote" | "datagramBytesMax" | "snapshots"
> & {
  readonly id: NodeId;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly cluster: number;
  readonly configuration: Configuration;
  readonly segmentBytesMax: number;
  /** How long a sync takes. */
  readonly syncMs: number;
  readonly keys?: Keys;
  /** What it does about a damaged journal; it refuses where this is not said. */
  readonly damage?: "repair" | "refuse";
  readonly sessionLimits?: SessionLimits;
};

/** Between what a server decides and what it does. Power can be cut at each. */
export type Boundary = "handled" | "sent" | "written";

/** Who looks on, and who decides about faults. Every part may be left out. */
export type ServerHooks = {
  /** Before and after every batch of inputs: when it has decided what to do, and not yet done any of it. */
  readonly beforeStep?: (server: SimServer, inputs: readonly Input[]) => void;
  readonly afterStep?: (server: SimServer) => void;
  /** What it is about to send. */
  readonly onSend?: (server: SimServer, datagrams: readonly OutgoingDatagram[]) => void;
  /** The same of a server that repairs its journal. */
  readonly onRepairSend?: (server: SimServer, datagrams: readonly OutgoingDatagram[]) => void;
  readonly onNote?: (server: SimServer, sentence: string) => void;
  /** Its power goes now: the disk is still as the server saw it. */
  readonly beforeCrash?: (server: SimServer) => void;
  /** It has repaired its journal, and runs from now on. */
  readonly onRepaired?: (server: SimServer, recovered: JournalRecovered) => void;
  /** It has ended by itself: see `failure`. */
  readonly onStop?: (server: SimServer) => void;
  readonly atBoundary?: (server: SimServer, boundary: Boundary) => "go-on" | "power-cut";
  readonly syncMs?: (server: SimServer) => number;
};

/** What it runs: a replica, or what repairs its journal before. */
type Running = { readonly network: Network } & (
  | { readonly kind: "replica"; readonly replica: Replica }
  | { readonly kind: "repairer"; readonly repairer: Repairer }
);

export class SimServer {
  readonly disk: SimDisk;
  /** The machine's own clock. */
  readonly time: LocalClock;
  readonly notes: string[] = [];
  /** What ended it, where it ended by itself. */
  failure: OperatorError | null = null;
  /** Called after every batch of inputs, with the server as it is then. */
  onStep: (server: SimServer) => void = () => {};
  hooks: ServerHooks = {};
  /** Datagrams beyond this many wait nowhere: the socket's buffer is full. */
  inboxMax: number = Number.POSITIVE_INFINITY;
  overflowed = 0;
  private readonly settings: ServerSettings;
  private readonly clock: SimClock;
  private readonly network: SimNetwork;
  private readonly random: Random;
  private running: Running | null = null;
  private lives = 0;
  private inbox: Input[] = [];
  private turn: "due" | "not-due" = "not-due";
  private paused: "paused" | "awake" = "awake";
  private cancelWake: () => void = () => {};

  constructor(parts: {
    settings: ServerSettings;
    clock: SimClock;
    network: SimNetwork;
    random: Random;
  }) {
    this.settings = parts.settings;
    this.clock = parts.clock;
    this.network = parts.network;
    this.random = parts.random;
    this.time = new LocalClock(parts.clock);
    const folder = `n${parts.settings.id}`;
    this.disk = new SimDisk({ folder, onSyncStarted: (ticket) => this.onSyncStarted(ticket) });
  }

  get id(): NodeId {
    return this.settings.id;
  }

  get replica(): Replica | null {
    return this.running?.kind === "replica" ? this.running.replica : null;
  }

  /** What repairs its journal, while it does. */
  get repairer(): Repairer | null {
    return this.running?.kind === "repairer" ? this.running.repairer : null;
  }

  /** How many times it has started. */
  get life(): number {
    return this.lives;
  }

  get isPaused(): boolean {
    return this.paused === "paused";
  }

  /** Starts on what the disk holds; null where it repairs that first. Throws what a node would refuse to start with. */
  start(): JournalRecovered | null {
    assert(this.running === null, "a server runs once at a time");
    const opening = this.open();
    const address = must(this.settings.addresses.get(this.id), "a server has an address");
    const network = this.network.open(address, (from, bytes) => this.hear(from, bytes));
    this.lives += 1;
    this.failure = null;
    this.running = { network, ...this.begun(opening) };
    this.push({ kind: "time" });
    return opening.kind === "opened" ? opening.recovered : null;
  }

  private open(): Opening {
    const { settings, disk } = this;
    const options = {
      ...{ disk, node: settings.id, cluster: settings.cluster },
      create: {
        incarnation: 1 + this.random.below(2 ** 32),
        configuration: settings.configuration,
      },
      segmentBytesMax: settings.segmentBytesMax,
    };
    if (settings.damage === "repair") return openDamaged(options);
    return { kind: "opened", ...openJournal(options) };
  }

  private begun(opening: Opening) {
    const { settings, random } = this;
    const now = this.time.now();
    const keys = settings.keys ?? noKeys;
    const own = { ...settings, me: settings.id, keys };
    if (opening.kind === "damaged") {
      const { salvage, refusal } = opening;
      const identity = { ...own, ...salvage.identity };
      const repairer = new Repairer({ settings: identity, salvage, refusal, random, now });
      return { kind: "repairer", repairer } as const;
    }
    const { journal, recovered } = opening;
    const identity = { ...own, ...recovered.identity };
    const replica = new Replica({ settings: identity, journal, recovered, random, now });
    return { kind: "replica", replica } as const;
  }

  /** The power goes. What was not synced is left to chance, or lost altogether. */
  crash(left: Random | "lose-all"): void {
    this.hooks.beforeCrash?.(this);
    this.end();
    this.disk.crash(left);
  }

  /** The process ends without a word, and the machine runs on: what was written stays. */
  kill(): void {
    this.end();
    this.disk.processEnded();
  }

  /** No more steps; what arrives waits. As a stopped process, or a suspended machine. */
  pause(): void {
    this.paused = "paused";
  }

  resume(): void {
    this.paused = "awake";
    this.arrange();
  }

  push(input: Input): void {
    this.inbox.push(input);
    this.arrange();
  }

  /** Its clock was changed: alarms that were set before count for nothing. */
  changeClock(change: (time: LocalClock) => void): void {
    change(this.time);
    if (this.running !== null) this.push({ kind: "time" });
  }

  private hear(from: Address, bytes: Uint8Array): void {
    if (this.inbox.length >= this.inboxMax) this.overflowed += 1;
    else this.push({ kind: "datagram", from, bytes });
  }

  private end(): void {
    this.running?.network.close();
    this.running = null;
    this.inbox = [];
    this.cancelWake();
  }

  private onSyncStarted(ticket: number): void {
    const life = this.lives;
    const syncMs = this.hooks.syncMs?.(this) ?? this.settings.syncMs;
    this.clock.wake(later(this.clock.now(), syncMs), () => {
      if (this.running === null || this.lives !== life) return;
      this.push(this.disk.finishSync(ticket));
    });
  }

  /** A turn comes after everything that arrives at the same moment, as in an event loop. */
  private arrange(): void {
    if (this.turn === "due") return;
    this.turn = "due";
    this.clock.wake(this.clock.now(), () => {
      this.turn = "not-due";
      if (this.paused === "awake") this.step();
    });
  }

  private step(): void {
    const { running } = this;
    if (running === null) return;
    const inputs = this.inbox;
    this.inbox = [];
    if (running.kind === "repairer") return this.repair(running.repairer, inputs);
    this.hooks.beforeStep?.(this, inputs);
    const effects = running.replica.handle(this.time.now(), inputs);
    this.noteAll(effects.notes);
    if (effects.stop !== null) return this.stop(effects.stop);
    this.hooks.afterStep?.(this);
    this.actOn(effects);
  }

  private repair(repairer: Repairer, inputs: readonly Input[]): void {
    const effects = repairer.handle(this.time.now(), inputs);
    this.noteAll(effects.notes);
    if (effects.stop !== null) return this.stop(effects.stop);
    this.hooks.onRepairSend?.(this, effects.datagrams);
    this.running?.network.send(effects.datagrams);
    this.carryOut(effects.disk);
    this.wakeAt(effects.wakeAt);
    const { outcome } = repairer;
    if (outcome !== null && this.running !== null) this.goOn(repairer.summary(), outcome);
  }

  /** Nothing is missing any more. */
  private goOn(summary: string, outcome: Replacement): void {
    try {
      replaceJournal(this.disk, outcome);
      const opening = this.open();
      assert(opening.kind === "opened", "a journal that was just written is whole");
      const network = must(this.running, "it is this server that repairs").network;
      this.running = { network, ...this.begun(opening) };
      this.noteAll([summary]);
      this.hooks.onRepaired?.(this, opening.recovered);
      this.push({ kind: "time" });
    } catch (error) {
      if (error instanceof PowerCut) return this.crash(this.random);
      if (error instanceof DiskError) return this.stop(openingFailed(this.disk.folder, error));
      if (!(error instanceof OperatorError)) throw error;
      this.stop(error);
    }
  }

  private noteAll(sentences: readonly string[]): void {
    for (const sentence of sentences) {
      this.notes.push(sentence);
      this.hooks.onNote?.(this, sentence);
    }
  }

  private stop(failure: OperatorError): void {
    this.failure = failure;
    this.end();
    this.disk.processEnded();
    this.hooks.onStop?.(this);
  }

  private actOn(effects: Effects): void {
    if (this.isCut("handled")) return;
    this.hooks.onSend?.(this, effects.datagrams);
    this.running?.network.send(effects.datagrams);
    if (this.isCut("sent")) return;
    this.carryOut(effects.disk);
    this.onStep(this);
    if (this.isCut("written")) return;
    this.wakeAt(effects.wakeAt);
  }

  private isCut(boundary: Boundary): boolean {
    if (this.hooks.atBoundary?.(this, boundary) !== "power-cut") return false;
    this.crash(this.random);
    return true;
  }

  private carryOut(effects: readonly DiskEffect[]): void {
    try {
      for (const effect of effects) {
        const done = performDiskEffect(this.disk, effect);
        if (done !== null) this.push(done);
      }
    } catch (error) {
      if (error instanceof PowerCut) return this.crash(this.random);
      if (!(error instanceof DiskError)) throw error;
      // No fault that is planned takes a file away from a server that runs.
      assert(error.code !== "missing", "a server touches only files that are there");
      this.push({ kind: "disk-failed", error });
    }
  }

  private wakeAt(moment: Millis): void {
    this.cancelWake();
    if (this.running === null || moment === never) return;
    this.cancelWake = this.time.wake(millis(moment), () => this.push({ kind: "time" }));
  }
}
