/**
 * One client half and three replicas in one process: datagrams are handed over as they are, and the disk keeps nothing
 * and is done at once. What is left is what the program itself does for a request.
 */
import { must } from "../../src/base/assert.ts";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import { later, type Millis, millis, type NodeId, nodeId } from "../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { Client } from "../../src/client/client.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import { openJournal } from "../../src/journal/open.ts";
import { defaultTiming } from "../../src/raft/state.ts";
import type { Effects, Input } from "../../src/replica/input.ts";
import { Replica } from "../../src/replica/replica.ts";
import { SimDisk } from "../../src/sim/disk.ts";

const cluster = 5;
const datagramBytesMax = 60_000;
const deadlineMs = 5000;
/** How far the clock moves with every round. */
const roundMs = { electing: 5, serving: 0.3 } as const;
const firstPort = 7101;
const ids = [1, 2, 3].map(nodeId);
const addressOf = (id: NodeId) => ({ host: "127.0.0.1", port: firstPort + id - 1 });
const clientAddress = { host: "127.0.0.1", port: 30_000 };

export type PipelineLoad = {
  readonly clients: number;
  readonly puts: number;
  readonly keys: number;
  readonly valueBytes: number;
};

/** Microseconds a put; `follower` is the mean of both. */
export type Shares = Readonly<Record<"all" | "client" | "leader" | "follower", number>>;

/**
 * Runs the whole load. A process should do it once: what is left in memory makes the next one slower. `observe` is told
 * after each tenth of the puts, while everything is in memory.
 */
export function runPipeline(load: PipelineLoad, observe: (done: number) => void): Shares {
  const pipeline = new Pipeline(load);
  while (pipeline.leader === null) pipeline.round(roundMs.electing);
  pipeline.forgetTimes();
  for (let client = 0; client < load.clients; client++) pipeline.submit();
  let tenth = 1;
  while (pipeline.done < load.puts) {
    pipeline.clientTurn();
    pipeline.round(roundMs.serving);
    if (pipeline.done < (tenth * load.puts) / 10) continue;
    tenth += 1;
    observe(pipeline.done);
  }
  return pipeline.shares();
}

type Spent = { us: number };

class Pipeline {
  done = 0;
  private now: Millis = millis(0);
  private asked = 0;
  private readonly load: PipelineLoad;
  private readonly spentByNode = new Map<NodeId, Spent>(ids.map((id) => [id, { us: 0 }]));
  private readonly spentByClient: Spent = { us: 0 };
  private readonly replicas = new Map(ids.map((id) => [id, newReplica(id, this.now)]));
  private readonly inboxes = new Map<NodeId, Input[]>(ids.map((id) => [id, [{ kind: "time" }]]));
  private answers: { readonly from: NodeId; readonly bytes: Uint8Array }[] = [];
  private readonly client: Client;
  private readonly random: Random = seededRandom(8);
  private readonly value: Uint8Array;

  constructor(load: PipelineLoad) {
    this.load = load;
    this.value = new Uint8Array(load.valueBytes).fill(0x76);
    const nodes = ids.map((id) => ({ id, address: addressOf(id) }));
    const random = seededRandom(3);
    const options = { nodes, cluster, keys: noKeys, incarnation: 9, random, datagramBytesMax };
    this.client = new Client(options, this.now);
  }

  get leader(): NodeId | null {
    const leads = (id: NodeId): boolean => {
      const { role, commit } = this.replica(id).state;
      return role.kind === "leader" && commit > 0;
    };
    return ids.find(leads) ?? null;
  }

  private replica(id: NodeId): Replica {
    return must(this.replicas.get(id), "a replica for each id");
  }

  private inbox(id: NodeId): Input[] {
    return must(this.inboxes.get(id), "an inbox for each id");
  }

  forgetTimes(): void {
    for (const spent of [...this.spentByNode.values(), this.spentByClient]) spent.us = 0;
  }

  shares(): Shares {
    const { puts } = this.load;
    const of = (id: NodeId): number => must(this.spentByNode.get(id), "each id").us / puts;
    const leading = must(this.leader, "the leader stays");
    const client = this.spentByClient.us / puts;
    const nodes = ids.reduce((sum, id) => sum + of(id), 0);
    const leader = of(leading);
    return { all: client + nodes, client, leader, follower: (nodes - leader) / 2 };
  }

  /** Some time passes, and everybody does what there is to do. */
  round(ms: number): void {
    this.now = later(this.now, ms);
    for (const id of ids) this.inbox(id).push({ kind: "time" });
    while (ids.some((id) => this.inbox(id).length > 0)) for (const id of ids) this.nodeTurn(id);
  }

  private nodeTurn(id: NodeId): void {
    const inputs = this.inbox(id).splice(0);
    if (inputs.length === 0) return;
    const spent = must(this.spentByNode.get(id), "each id");
    const effects = timed(spent, () => this.replica(id).handle(this.now, inputs));
    this.deliver(id, effects);
  }

  private deliver(id: NodeId, effects: Effects): void {
    for (const { to, bytes } of effects.datagrams) {
      if (to.port === clientAddress.port) this.answers.push({ from: id, bytes });
      else this.hear(to.port, { kind: "datagram", from: addressOf(id), bytes });
    }
    for (const effect of effects.disk) {
      if (effect.kind !== "sync") continue;
      const { ticket } = effect;
      this.inbox(id).push({ kind: "synced", ticket, outcome: { kind: "durable" } });
    }
  }

  private hear(port: number, input: Input): void {
    this.inbox(nodeId(port - firstPort + 1)).push(input);
  }

  submit(): void {
    this.asked += 1;
    const key = byteString(utf8(`bench-${this.random.below(this.load.keys)}`));
    const condition = { kind: "always" } as const;
    const operation = { kind: "put", key, value: this.value, condition } as const;
    const deadline = later(this.now, deadlineMs);
    const request = { operation, consistency: "linearizable", deadline, again: null } as const;
    this.client.submit(request, this.now);
  }

  /** Answers come in; for each that settles a put, its caller asks for the next one. */
  clientTurn(): void {
    const { answers } = this;
    this.answers = [];
    const sent = timed(this.spentByClient, () => {
      for (const { from, bytes } of answers) this.client.receive(bytes, addressOf(from), this.now);
      const { datagrams, settled } = this.client.take();
      for (const { result } of settled) {
        if (result.kind !== "committed") throw new Error(`a put is ${result.kind}`);
        this.done += 1;
        if (this.asked < this.load.puts) this.submit();
      }
      return settled.length === 0 ? datagrams : [...datagrams, ...this.client.take().datagrams];
    });
    for (const { to, bytes } of sent) {
      this.hear(to.port, { kind: "datagram", from: clientAddress, bytes });
    }
  }
}

function timed<T>(spent: Spent, work: () => T): T {
  const began = performance.now();
  const result = work();
  spent.us += (performance.now() - began) * 1000;
  return result;
}

function newReplica(me: NodeId, now: Millis): Replica {
  const incarnation = 70 + me;
  const configuration = { voters: ids, outgoing: [], learners: [] };
  const disk = new SimDisk({ folder: `n${me}`, onSyncStarted: () => {} });
  const opened = openJournal({ disk, node: me, cluster, create: { incarnation, configuration } });
  return new Replica({
    settings: {
      ...{ me, cluster, incarnation, keys: noKeys, datagramBytesMax },
      ...{ timing: defaultTiming, preVote: "with-pre-vote" },
      addresses: new Map(ids.map((id) => [id, addressOf(id)])),
    },
    ...{ ...opened, random: seededRandom(me), now },
  });
}
