/**
 * A pretended UDP: every datagram is lost, repeated and delayed by chance, within what `faults` says, and no
 * link keeps an order. Links can be cut in one direction at a time. Who wants more than that hands in a weather
 * (weather.ts), which then decides about every datagram instead.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Network, OnDatagram, OutgoingDatagram } from "../base/network.ts";
import { type Millis, millis } from "../base/numbers.ts";
import { between, type Random } from "../base/random.ts";

export type NetworkFaults = {
  /** Of a hundred datagrams, how many are lost, and how many arrive once more. */
  readonly lossPercent: number;
  readonly repeatPercent: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
};

export const calmNetwork: NetworkFaults = {
  lossPercent: 0,
  repeatPercent: 0,
  delayMsMin: 1,
  delayMsMax: 1,
};

/** A datagram on its way, by the names of its ends as formatAddress gives them. */
export type Sent = { readonly from: string; readonly to: string; readonly bytes: Uint8Array };

/** One that gets there: after so long, with these bytes. A first copy is no repetition. */
export type Arrival = {
  readonly delayMs: number;
  readonly bytes: Uint8Array;
  readonly copy: "first" | "repeated";
};

export type Judge = (sent: Sent, due: Millis) => "lost" | "kept";

export type Weather = {
  /** Every arrival of this datagram, or of what was made of it; none where it is lost. */
  readonly carry: (sent: Sent, now: Millis) => readonly Arrival[];
};

/** The largest payload of UDP over IPv4; what is larger never leaves. */
const datagramBytesMax = 65_507;

type Socket = { readonly onDatagram: OnDatagram };

export class SimNetwork {
  faults: NetworkFaults = calmNetwork;
  weather: Weather | null = null;
  readonly counts = {
    sent: 0,
    lost: 0,
    repeated: 0,
    delivered: 0,
    oversize: 0,
    /** Delivered to a later life of the server that it was sent to, and those of them that were copies. */
    outlived: 0,
    repeatedOutlived: 0,
  };
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly sockets = new Map<string, Socket>();
  private readonly cuts = new Set<string>();
  /** What was sent before this, and is judged to be lost, does not arrive. */
  private forgotten: { readonly sentBefore: Millis; readonly isLost: Judge } | null = null;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  open(address: Address, onDatagram: OnDatagram): Network {
    const key = formatAddress(address);
    assert(!this.sockets.has(key), "an address has one socket at a time");
    const socket: Socket = { onDatagram };
    this.sockets.set(key, socket);
    return {
      address,
      send: (datagrams) => {
        if (this.sockets.get(key) !== socket) return;
        for (const datagram of datagrams) this.send(address, key, datagram);
      },
      close: () => {
        if (this.sockets.get(key) === socket) this.sockets.delete(key);
      },
    };
  }

  /** Nothing gets from the one to the other, until `heal`. The other way is another link. */
  cut(from: Address, to: Address): void {
    this.cuts.add(link(formatAddress(from), formatAddress(to)));
  }

  heal(): void {
    this.cuts.clear();
  }

  /** Of what is under way now, loses what the judge says. `due` is when it would arrive. */
  forget(isLost: Judge): void {
    this.forgotten = { sentBefore: this.clock.now(), isLost };
  }

  private send(from: Address, fromKey: string, { to, bytes }: OutgoingDatagram): void {
    this.counts.sent += 1;
    if (bytes.length > datagramBytesMax) {
      this.counts.oversize += 1;
      return;
    }
    const sent: Sent = { from: fromKey, to: formatAddress(to), bytes: new Uint8Array(bytes) };
    if (this.cuts.size > 0 && this.cuts.has(link(sent.from, sent.to))) {
      this.counts.lost += 1;
      return;
    }
    const arrivals =
      this.weather === null ? this.chance(sent) : this.weather.carry(sent, this.clock.now());
    if (arrivals.length === 0) this.counts.lost += 1;
    for (const arrival of arrivals) this.schedule(from, sent, arrival);
  }

  /** What `faults` makes of a datagram. */
  private chance({ bytes }: Sent): readonly Arrival[] {
    const { repeatPercent } = this.faults;
    const copies = this.random.below(100) < repeatPercent ? 2 : 1;
    const arrivals: Arrival[] = [];
    for (let number = 1; number <= copies; number++) {
      if (this.random.below(100) < this.faults.lossPercent) continue;
      const { delayMsMin: min, delayMsMax: max } = this.faults;
      const delayMs = between(this.random, { min, max });
      arrivals.push({ delayMs, bytes, copy: number === 1 ? "first" : "repeated" });
    }
    return arrivals;
  }

  private schedule(from: Address, sent: Sent, { delayMs, bytes, copy }: Arrival): void {
    const sentAt = this.clock.now();
    const due = millis(sentAt + delayMs);
    const addressee = this.sockets.get(sent.to);
    if (copy === "repeated") this.counts.repeated += 1;
    this.clock.wake(due, () => {
      const socket = this.sockets.get(sent.to);
      if (socket === undefined || this.isForgotten(sent, sentAt, due)) return;
      this.counts.delivered += 1;
      if (socket !== addressee) {
        this.counts.outlived += 1;
        if (copy === "repeated") this.counts.repeatedOutlived += 1;
      }
      socket.onDatagram(from, new Uint8Array(bytes));
    });
  }

  private isForgotten(sent: Sent, sentAt: Millis, due: Millis): boolean {
    const { forgotten } = this;
    if (forgotten === null || sentAt >= forgotten.sentBefore) return false;
    return forgotten.isLost(sent, due) === "lost";
  }
}

const link = (from: string, to: string): string => `${from} ${to}`;
