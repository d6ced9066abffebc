/**
 * One server of the pretended world: the real replica, journal and codec on a pretended disk and network. It can
 * lose its power at any moment, be paused with its inbox kept, and come back with what its disk had kept.
 */
import type { Address } from "../base/address.ts";
import { assert, must } from "../base/assert.ts";
import type { OperatorError } from "../base/error.ts";
import type { Network } from "../base/network.ts";
import { later, type Millis, type NodeId, never } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { noKeys } from "../codec/authentication.ts";
import { DiskError } from "../journal/disk.ts";
import { type DiskEffect, performDiskEffect } from "../journal/effects.ts";
import { type JournalRecovered, openJournal } from "../journal/open.ts";
import type { Configuration } from "../raft/types.ts";
import type { Input } from "../replica/input.ts";
import { Replica, type ReplicaSettings } from "../replica/replica.ts";
import type { SimClock } from "./clock.ts";
import { PowerCut, SimDisk } from "./disk.ts";
import type { SimNetwork } from "./network.ts";

export type ServerSettings = Pick<ReplicaSettings, "timing" | "preVote" | "datagramBytesMax"> & {
  readonly id: NodeId;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly cluster: number;
  readonly configuration: Configuration;
  readonly segmentBytesMax: number;
  /** How long a sync takes. */
  readonly syncMs: number;
};

type Running = { readonly replica: Replica; readonly network: Network; readonly life: number };

export class SimServer {
  readonly disk: SimDisk;
  readonly notes: string[] = [];
  /** What ended it, where it ended by itself. */
  failure: OperatorError | null = null;
  /** Called after every batch of inputs, with the server as it is then. */
  onStep: (server: SimServer) => void = () => {};
  private readonly settings: ServerSettings;
  private readonly clock: SimClock;
  private readonly network: SimNetwork;
  private readonly random: Random;
  private running: Running | null = null;
  private life = 0;
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
    const folder = `n${parts.settings.id}`;
    this.disk = new SimDisk({ folder, onSyncStarted: (ticket) => this.onSyncStarted(ticket) });
  }

  get id(): NodeId {
    return this.settings.id;
  }

  get replica(): Replica | null {
    return this.running?.replica ?? null;
  }

  /** Starts on what the disk holds. Throws what a node would refuse to start with. */
  start(): JournalRecovered {
    assert(this.running === null, "a server runs once at a time");
    const { settings } = this;
    const { journal, recovered } = openJournal({
      disk: this.disk,
      node: settings.id,
      cluster: settings.cluster,
      create: {
        incarnation: 1 + this.random.below(2 ** 32),
        configuration: settings.configuration,
      },
      segmentBytesMax: settings.segmentBytesMax,
    });
    const replica = new Replica({
      settings: { ...settings, me: settings.id, ...recovered.identity, keys: noKeys },
      journal,
      recovered,
      random: this.random,
      now: this.clock.now(),
    });
    const address = must(settings.addresses.get(settings.id), "a server has an address");
    const network = this.network.open(address, (from, bytes) => {
      this.push({ kind: "datagram", from, bytes });
    });
    this.life += 1;
    this.failure = null;
    this.running = { replica, network, life: this.life };
    this.push({ kind: "time" });
    return recovered;
  }

  /** The power goes. What was not synced is left to chance, or lost altogether. */
  crash(left: Random | "lose-all"): void {
    this.end();
    this.disk.crash(left);
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

  private end(): void {
    this.running?.network.close();
    this.running = null;
    this.inbox = [];
    this.cancelWake();
  }

  private onSyncStarted(ticket: number): void {
    const life = this.life;
    this.clock.wake(later(this.clock.now(), this.settings.syncMs), () => {
      if (this.running?.life === life) this.push(this.disk.finishSync(ticket));
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
    if (this.running === null) return;
    const { replica, network } = this.running;
    const inputs = this.inbox;
    this.inbox = [];
    const effects = replica.handle(this.clock.now(), inputs);
    this.notes.push(...effects.notes);
    if (effects.stop !== null) {
      this.failure = effects.stop;
      return this.end();
    }
    network.send(effects.datagrams);
    this.carryOut(effects.disk);
    this.onStep(this);
    this.wakeAt(effects.wakeAt);
  }

  private carryOut(effects: readonly DiskEffect[]): void {
    try {
      for (const effect of effects) performDiskEffect(this.disk, effect);
    } catch (error) {
      if (error instanceof PowerCut) return this.crash(this.random);
      if (!(error instanceof DiskError)) throw error;
      this.push({ kind: "disk-failed", error });
    }
  }

  private wakeAt(moment: Millis): void {
    this.cancelWake();
    if (this.running === null || moment === never) return;
    this.cancelWake = this.clock.wake(moment, () => this.push({ kind: "time" }));
  }
}
