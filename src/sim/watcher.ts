/** A watcher of the pretended world: the real half of a watch, on the pretended network. */
import type { Address } from "../base/address.ts";
import type { Network } from "../base/network.ts";
import { type LogIndex, later, type NodeId } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { Watcher } from "../client/watcher.ts";
import type { Keys } from "../codec/authentication.ts";
import type { WatchEvent } from "../codec/watch.ts";
import type { SimClock } from "./clock.ts";
import type { SimNetwork } from "./network.ts";

export type SimWatcherParts = {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly address: Address;
  readonly nodes: readonly { readonly id: NodeId; readonly address: Address }[];
  readonly cluster: number;
  readonly keys: Keys;
  readonly datagramBytesMax: number;
};

export type WatchWish = {
  readonly prefix: string;
  readonly from: LogIndex;
  /** How long whoever reads it takes to come for what has arrived; 0: it is taken at once. */
  readonly tardyMs: number;
};

export class SimWatcher {
  /** Called with everything that has arrived since the last call; it goes up to the entry before `next`. */
  onEvents: (events: readonly WatchEvent[], next: LogIndex) => void = () => {};
  /** Called when nobody has any more what is wanted next; `first` is the first entry that somebody has. */
  onCompacted: (first: LogIndex) => void = () => {};
  readonly address: Address;
  readonly half: Watcher;
  private readonly clock: SimClock;
  private readonly network: Network;
  private readonly tardyMs: number;
  private taking: "due" | "not-due" = "not-due";
  private cancelWake: () => void = () => {};
  private state: "open" | "closed" = "open";

  constructor(parts: SimWatcherParts, { prefix, from, tardyMs }: WatchWish) {
    const { clock, random, cluster, keys, nodes, datagramBytesMax } = parts;
    this.clock = clock;
    this.address = parts.address;
    this.tardyMs = tardyMs;
    const incarnation = 1 + random.below(2 ** 32);
    const options = { nodes, cluster, keys, incarnation, random, datagramBytesMax, prefix, from };
    this.half = new Watcher(options, clock.now());
    this.network = parts.network.open(parts.address, (from, bytes) => {
      this.half.receive(bytes, from, clock.now());
      this.takeSoon();
      this.speak();
    });
    this.speak();
  }

  /** The process ends, without a word to anybody. */
  close(): void {
    this.state = "closed";
    this.cancelWake();
    this.network.close();
  }

  private takeSoon(): void {
    if (this.tardyMs === 0) return this.takeEvents();
    if (this.taking === "due") return;
    this.taking = "due";
    this.clock.wake(later(this.clock.now(), this.tardyMs), () => {
      this.taking = "not-due";
      if (this.state === "closed") return;
      this.takeEvents();
      this.speak();
    });
  }

  private takeEvents(): void {
    const events = this.half.events();
    this.onEvents(events, this.half.next);
  }

  private speak(): void {
    const { datagrams, wakeAt } = this.half.take();
    this.network.send(datagrams);
    this.cancelWake();
    const { ended } = this.half;
    if (ended !== null) {
      this.takeEvents();
      return this.onCompacted(ended.first);
    }
    this.cancelWake = this.clock.wake(wakeAt, () => {
      this.half.elapse(this.clock.now());
      this.speak();
    });
  }
}
