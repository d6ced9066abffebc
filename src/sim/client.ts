/** A client of the pretended world: the real client half, on the pretended network. */
import type { Address } from "../base/address.ts";
import type { Network } from "../base/network.ts";
import { later, type Millis, type NodeId } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { Client } from "../client/client.ts";
import type { Consistency, RequestId, Result, Settled, Ticket } from "../client/request.ts";
import type { Keys } from "../codec/authentication.ts";
import { limits, type Operation } from "../kv/command.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import type { SimClock } from "./clock.ts";
import type { SimNetwork } from "./network.ts";

/** A request from beginning to end, for checkers: what was asked, when, and what came of it. */
export type Asked = {
  readonly operation: Operation;
  readonly consistency: Consistency;
  readonly began: Millis;
  ended: Millis | null;
  result: Result | null;
};

export type AskOptions = {
  readonly consistency?: Consistency;
  readonly ageMsMax?: number;
  readonly withinMs?: number;
  /** A request whose outcome is not known, to be sent once more. */
  readonly again?: RequestId | null;
};

export class SimClient {
  /** Called when a request is over, with its result in it. */
  onSettled: (asked: Asked) => void = () => {};
  readonly address: Address;
  private readonly clock: SimClock;
  private readonly half: Client;
  private readonly network: Network;
  private readonly open = new Map<Ticket, Asked>();
  private cancelWake: () => void = () => {};

  constructor(parts: {
    clock: SimClock;
    network: SimNetwork;
    random: Random;
    address: Address;
    nodes: readonly { readonly id: NodeId; readonly address: Address }[];
    cluster: number;
    keys: Keys;
    datagramBytesMax?: number;
    sessionLimits?: SessionLimits;
  }) {
    const { clock, random, cluster, keys, nodes } = parts;
    this.clock = clock;
    this.address = parts.address;
    const incarnation = 1 + random.below(2 ** 32);
    const { datagramBytesMax = 60_000, sessionLimits = limits } = parts;
    const { sessionWindow, sessionIdleMs } = sessionLimits;
    // Servers' clocks may go at twice the speed.
    const session = { sessionWindow, sessionIdleMsMax: sessionIdleMs / 4 };
    const options = { nodes, cluster, keys, incarnation, random, datagramBytesMax, ...session };
    this.half = new Client(options, clock.now());
    this.network = parts.network.open(parts.address, (from, bytes) => {
      this.half.receive(bytes, from, clock.now());
      this.speak();
    });
  }

  /** The result is there once it is known, at the deadline at the latest. */
  ask(operation: Operation, how: AskOptions = {}): Asked {
    const { consistency = "linearizable", withinMs = 10_000, again = null, ageMsMax } = how;
    const began = this.clock.now();
    const asked: Asked = { operation, consistency, began, ended: null, result: null };
    const deadline = later(began, withinMs);
    const bound = ageMsMax === undefined ? {} : { ageMsMax };
    const request = { operation, consistency, deadline, again, ...bound };
    const ticket = this.half.submit(request, began);
    this.open.set(ticket, asked);
    this.speak();
    return asked;
  }

  /** The process ends: what is not known by now is settled as it stands. Asks nothing after this. */
  close(): void {
    this.half.giveUp(this.clock.now());
    this.settle(this.half.take().settled);
    this.cancelWake();
    this.network.close();
  }

  private speak(): void {
    const { datagrams, settled, wakeAt } = this.half.take();
    this.network.send(datagrams);
    this.cancelWake();
    this.cancelWake = this.clock.wake(wakeAt, () => {
      this.half.elapse(this.clock.now());
      this.speak();
    });
    // Last: who hears of a result may ask the next thing at once.
    this.settle(settled);
  }

  private settle(settled: readonly Settled[]): void {
    for (const { ticket, result } of settled) {
      const asked = this.open.get(ticket);
      if (asked === undefined) continue;
      asked.result = result;
      asked.ended = this.clock.now();
      this.open.delete(ticket);
      this.onSettled(asked);
    }
  }
}
