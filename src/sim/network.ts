/**
 * A pretended UDP: every datagram is lost, repeated and delayed by chance, within what `faults` says, and no
 * link keeps an order. Links can be cut in one direction at a time.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Network, OnDatagram, OutgoingDatagram } from "../base/network.ts";
import { later } from "../base/numbers.ts";
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

/** The largest payload of UDP over IPv4; what is larger never leaves. */
const datagramBytesMax = 65_507;

export class SimNetwork {
  faults: NetworkFaults = calmNetwork;
  readonly counts = { sent: 0, lost: 0, repeated: 0, delivered: 0, oversize: 0 };
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly sockets = new Map<string, OnDatagram>();
  private readonly cuts = new Set<string>();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  open(address: Address, onDatagram: OnDatagram): Network {
    const key = formatAddress(address);
    assert(!this.sockets.has(key), "an address has one socket at a time");
    this.sockets.set(key, onDatagram);
    return {
      address,
      send: (datagrams) => {
        if (this.sockets.get(key) !== onDatagram) return;
        for (const datagram of datagrams) this.send(address, datagram);
      },
      close: () => {
        if (this.sockets.get(key) === onDatagram) this.sockets.delete(key);
      },
    };
  }

  /** Nothing gets from the one to the other, until `heal`. The other way is another link. */
  cut(from: Address, to: Address): void {
    this.cuts.add(link(from, to));
  }

  heal(): void {
    this.cuts.clear();
  }

  private send(from: Address, { to, bytes }: OutgoingDatagram): void {
    this.counts.sent += 1;
    if (bytes.length > datagramBytesMax) {
      this.counts.oversize += 1;
      return;
    }
    const copy = new Uint8Array(bytes);
    this.carry(from, to, copy);
    if (this.random.below(100) >= this.faults.repeatPercent) return;
    this.counts.repeated += 1;
    this.carry(from, to, copy);
  }

  private carry(from: Address, to: Address, bytes: Uint8Array): void {
    const { lossPercent, delayMsMin, delayMsMax } = this.faults;
    if (this.cuts.has(link(from, to)) || this.random.below(100) < lossPercent) {
      this.counts.lost += 1;
      return;
    }
    const delay = between(this.random, { min: delayMsMin, max: delayMsMax });
    this.clock.wake(later(this.clock.now(), delay), () => {
      const onDatagram = this.sockets.get(formatAddress(to));
      if (onDatagram === undefined) return;
      this.counts.delivered += 1;
      onDatagram(from, new Uint8Array(bytes));
    });
  }
}

const link = (from: Address, to: Address): string => `${formatAddress(from)} ${formatAddress(to)}`;
