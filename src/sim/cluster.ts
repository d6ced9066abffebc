/** A whole cluster and its clients in one process, in pretended time: the same seed, the same run. */
import type { Address } from "../base/address.ts";
import { must } from "../base/assert.ts";
import { later, type Millis, type NodeId, nodeId } from "../base/numbers.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { type Keys, noKeys } from "../codec/authentication.ts";
import { limits } from "../kv/command.ts";
import type { SessionLimits } from "../kv/sessions.ts";
import { nobodyYet } from "../raft/membership.ts";
import { defaultTiming } from "../raft/state.ts";
import { SimClient } from "./client.ts";
import { SimClock } from "./clock.ts";
import { SimNetwork } from "./network.ts";
import { type ServerSettings, SimServer } from "./server.ts";
import { SimWatcher, type SimWatcherParts, type WatchWish } from "./watcher.ts";

export type SimOptions = {
  readonly seed: number;
  /** The members that it is made with. */
  readonly servers: number;
  /** Servers that run beside them, know of nobody, and may be let in. Their numbers come after the members'. */
  readonly spares?: number;
  /** Where everybody is. On a loopback no datagram is repeated, and clients rely on that. */
  readonly host?: string;
  readonly settings?: Partial<
    Pick<
      ServerSettings,
      | "timing"
      | "preVote"
      | "datagramBytesMax"
      | "segmentBytesMax"
      | "syncMs"
      | "cluster"
      | "keys"
      | "sessionLimits"
      | "snapshots"
      | "damage"
    >
  >;
};

const firstPort = 7101;
const firstClientPort = 20_000;

export class SimCluster {
  readonly clock = new SimClock();
  readonly random: Random;
  readonly network: SimNetwork;
  readonly servers: ReadonlyMap<NodeId, SimServer>;
  readonly clusterId: number;
  private readonly host: string;
  private readonly keys: Keys;
  private readonly datagramBytesMax: number;
  private readonly sessionLimits: SessionLimits;
  private clientCount = 0;

  constructor({ seed, servers, spares = 0, host = "127.0.0.1", settings = {} }: SimOptions) {
    this.host = host;
    this.random = seededRandom(seed);
    this.network = new SimNetwork(this.clock, this.random);
    const ids = Array.from({ length: servers }, (_, at) => nodeId(at + 1));
    const addresses = new Map(ids.map((id) => [id, this.addressOf(id)]));
    const all = {
      timing: defaultTiming,
      preVote: "with-pre-vote",
      datagramBytesMax: 60_000,
      segmentBytesMax: 64 << 20,
      syncMs: 1,
      cluster: 0xc1,
      keys: noKeys,
      sessionLimits: limits,
      ...settings,
      configuration: { voters: ids, outgoing: [], learners: [] },
      addresses,
    } as const;
    this.clusterId = all.cluster;
    this.keys = all.keys;
    this.datagramBytesMax = all.datagramBytesMax;
    this.sessionLimits = all.sessionLimits;
    const { clock, network, random } = this;
    const made = (settingsOf: ServerSettings): [NodeId, SimServer] => [
      settingsOf.id,
      new SimServer({ settings: settingsOf, clock, network, random }),
    ];
    const outside = Array.from({ length: spares }, (_, at) => nodeId(servers + at + 1));
    this.servers = new Map([
      ...ids.map((id) => made({ ...all, id })),
      ...outside.map((id) => {
        const own = new Map([[id, this.addressOf(id)]]);
        return made({ ...all, id, configuration: nobodyYet, addresses: own });
      }),
    ]);
  }

  start(): void {
    for (const server of this.servers.values()) server.start();
  }

  server(id: number): SimServer {
    return must(this.servers.get(nodeId(id)), `n${id} is in the cluster`);
  }

  addressOf(id: NodeId): Address {
    return { host: this.host, port: firstPort + id - 1 };
  }

  /** The servers that lead now, as they see it: more than one only across terms. */
  leaders(): readonly SimServer[] {
    return [...this.servers.values()].filter(
      (server) => server.replica?.state.role.kind === "leader",
    );
  }

  /** Lets time pass until `done` says so. Says whether it did within `ms`. */
  runUntil(done: () => "done" | "not-yet", ms: number): "done" | "timed-out" {
    const end: Millis = later(this.clock.now(), ms);
    while (this.clock.now() < end) {
      if (done() === "done") return "done";
      this.clock.run(1);
    }
    return done() === "done" ? "done" : "timed-out";
  }

  /** Cuts every link between the two groups, both ways. */
  partition(one: readonly number[], other: readonly number[]): void {
    for (const a of one) {
      for (const b of other) {
        this.network.cut(this.addressOf(nodeId(a)), this.addressOf(nodeId(b)));
        this.network.cut(this.addressOf(nodeId(b)), this.addressOf(nodeId(a)));
      }
    }
  }

  client(): SimClient {
    return new SimClient({ ...this.newcomer(), sessionLimits: this.sessionLimits });
  }

  watcher(wish: WatchWish): SimWatcher {
    return new SimWatcher(this.newcomer(), wish);
  }

  /** What somebody needs who talks to the cluster. */
  private newcomer(): SimWatcherParts {
    const address = { host: this.host, port: firstClientPort + this.clientCount };
    this.clientCount += 1;
    const nodes = [...this.servers.keys()].map((id) => ({ id, address: this.addressOf(id) }));
    const { clock, network, random, clusterId, keys, datagramBytesMax } = this;
    const cluster = clusterId;
    return { clock, network, random, address, nodes, cluster, keys, datagramBytesMax };
  }
}
