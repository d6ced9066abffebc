/**
 * A deterministic cluster of Raft states: no bytes, one clock moved by hand, and a pool of packets that arrive
 * when the test says so. Every input to every server is followed by the witness's questions.
 */
import { assert, must } from "../../src/base/assert.ts";
import { utf8 } from "../../src/base/bytes.ts";
import type { Millis, NodeId } from "../../src/base/numbers.ts";
import { later, logIndex, millis, nodeId, noIndex, term } from "../../src/base/numbers.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type ChangeRefusal, changeRefusal } from "../../src/raft/change.ts";
import { type Edit, type EditProblem, edited } from "../../src/raft/edits.ts";
import { members, nobodyYet } from "../../src/raft/membership.ts";
import type { Message, SnapshotRequest } from "../../src/raft/message.ts";
import type { Input } from "../../src/raft/raft.ts";
import { step } from "../../src/raft/raft.ts";
import { installVerdict } from "../../src/raft/snapshot.ts";
import type { PreVote } from "../../src/raft/state.ts";
import { defaultTiming } from "../../src/raft/state.ts";
import type { Configuration, Entry } from "../../src/raft/types.ts";
import type { DiskMode, Snapshot } from "./server.ts";
import { Server } from "./server.ts";
import { Witness } from "./witness.ts";

/** What a server has on its disk to begin with: `log` is the terms of its entries. */
export type Start = {
  readonly id: number;
  readonly term?: number;
  readonly votedFor?: number;
  readonly log?: readonly number[];
};

export type ClusterOptions = {
  readonly servers: number | readonly Start[];
  readonly seed?: number;
  readonly preVote?: PreVote;
  readonly appendBytesMax?: number;
  /** Who takes part; all are voters unless told otherwise. */
  readonly configuration?: Configuration;
};

/** A message on its way. */
export type Packet = { readonly message: Message };

export type ReadOutcome = { readonly kind: "confirmed" | "abandoned"; readonly ticket: number };

export class Cluster {
  now: Millis = millis(0);
  readonly servers = new Map<NodeId, Server>();
  readonly witness: Witness;
  readonly diskModes = new Map<NodeId, DiskMode>();
  readonly reads: ReadOutcome[] = [];
  pool: Packet[] = [];
  /** Links that lose whatever is sent and deliver nothing: "1>2". */
  readonly cut = new Set<string>();
  /** Every snapshot that was ever taken, by its last entry. */
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly snapshotsSent = new Map<string, Millis>();
  readonly installed = { "log-kept": 0, "log-discarded": 0 };
  private commands = 0;

  constructor(options: ClusterOptions) {
    const { servers } = options;
    const starts =
      typeof servers === "number"
        ? Array.from({ length: servers }, (_, at) => ({ id: at + 1 }))
        : servers;
    const voters = starts.map(({ id }) => nodeId(id));
    const configuration = options.configuration ?? { voters, outgoing: [], learners: [] };
    const named = members(configuration);
    for (const start of starts) this.servers.set(nodeId(start.id), build(start));
    this.witness = new Witness(this.servers);
    for (const id of this.servers.keys()) this.restart(id);

    function build(start: Start): Server {
      const me = nodeId(start.id);
      const votedFor = start.votedFor === undefined ? null : nodeId(start.votedFor);
      return new Server({
        settings: {
          me,
          timing: defaultTiming,
          appendBytesMax: options.appendBytesMax ?? 10_000,
          preVote: options.preVote ?? "with-pre-vote",
        },
        // Whoever is to be added later has been told of nobody.
        configuration: named.includes(me) ? configuration : nobodyYet,
        random: seededRandom((options.seed ?? 1) * 1000 + me),
        disk: {
          hardState: { term: term(start.term ?? 0), votedFor },
          commit: noIndex,
          snapshot: null,
          entries: (start.log ?? []).map((t, at) => oldEntry(at + 1, t)),
        },
      });
    }
  }

  server(id: number): Server {
    return must(this.servers.get(nodeId(id)), `n${id} is in the cluster`);
  }

  input(id: number, input: Input): void {
    this.inputs(id, [input]);
  }

  /** Everything that happens to a server comes through here: a batch, then what it asks of the world. */
  inputs(id: number, batch: readonly Input[]): void {
    const server = this.server(id);
    assert(server.state !== null, `n${id} is up`);
    for (const input of batch) this.stepOnce(server, input);
    this.stepOnce(server, { kind: "flush" });
    this.settle(server);
    while (this.diskModes.get(server.id) !== "by-hand" && server.pendingWrites > 0) this.sync(id);
  }

  private stepOnce(server: Server, input: Input): void {
    if (input.kind === "read") this.witness.onRead(input.ticket);
    step(server.live, this.now, input);
    this.witness.afterStep(server, input);
  }

  private settle(server: Server): void {
    const { free, effects } = server.settle();
    for (const { ticket, index } of effects.confirmed) {
      this.witness.onConfirmed(ticket, index);
      this.reads.push({ kind: "confirmed", ticket });
    }
    for (const ticket of effects.abandoned) this.reads.push({ kind: "abandoned", ticket });
    for (const message of free) this.send(server, message);
    for (const to of effects.behind) this.sendSnapshot(server, to);
    this.sendSnapshotsAgain(server);
    for (const message of effects.snapshots) {
      if (message.kind === "snapshot-request") this.installSnapshot(server, message);
    }
  }

  /** All of it in one message: what is in pieces is replica/'s business. */
  private sendSnapshot(server: Server, to: NodeId): void {
    const { last } = must(server.disk.snapshot, "who has forgotten entries has a snapshot");
    const snapshot = { last, bytes: 1, checksum: 0 };
    const ends = { from: server.id, to, term: server.live.term };
    this.snapshotsSent.set(`${server.id}/${to}`, this.now);
    const piece = new Uint8Array(1);
    this.send(server, { kind: "snapshot-request", ...ends, snapshot, offset: 0, piece });
  }

  private sendSnapshotsAgain(server: Server): void {
    const { role } = server.live;
    if (role.kind !== "leader") return;
    for (const [to, { mode }] of role.followers) {
      const sentAt = this.snapshotsSent.get(`${server.id}/${to}`) ?? millis(0);
      const isDue = this.now >= later(sentAt, 2 * defaultTiming.heartbeatMs);
      if (mode === "installing" && isDue) this.sendSnapshot(server, to);
    }
  }

  private installSnapshot(server: Server, { snapshot }: SnapshotRequest): void {
    const { index, term: lastTerm } = snapshot.last;
    const whole = must(this.snapshots.get(`${index}:${lastTerm}`), "what is sent was taken");
    const verdict = installVerdict(server.live, whole);
    if (verdict === "needless") return;
    this.installed[verdict] += 1;
    server.install(whole, verdict);
    this.stepOnce(server, { kind: "install", end: whole });
    this.stepOnce(server, { kind: "flush" });
    this.settle(server);
  }

  /** A server takes a snapshot of its log up to an entry, and forgets what is in it. */
  compact(id: number, to: number): void {
    const server = this.server(id);
    const snapshot = server.compact(logIndex(to));
    const { index, term: lastTerm } = snapshot.last;
    this.snapshots.set(`${index}:${lastTerm}`, snapshot);
    this.input(id, { kind: "compact", to: index });
  }

  private send(server: Server, message: Message): void {
    this.witness.onSend(message, server);
    if (!this.isCut(message)) this.pool.push({ message });
  }

  private isCut(m: Message): boolean {
    return this.cut.has(`${m.from}>${m.to}`);
  }

  /** The oldest write of a server reaches its disk. */
  sync(id: number): void {
    const server = this.server(id);
    const { last, freed } = server.completeWrite();
    for (const message of freed) this.send(server, message);
    this.stepOnce(server, { kind: "durable", last });
    this.stepOnce(server, { kind: "flush" });
    this.settle(server);
  }

  canArrive(packet: Packet): "yes" | "no" {
    const { message } = packet;
    return this.servers.get(message.to)?.state && !this.isCut(message) ? "yes" : "no";
  }

  /** A packet arrives. It leaves the pool, unless a copy of it is said to stay behind. */
  deliver(packet: Packet, copy: "only" | "another-follows" = "only"): void {
    const at = this.pool.indexOf(packet);
    assert(at >= 0, "what arrives was sent");
    assert(this.canArrive(packet) === "yes", "there is somebody to receive it, and a way");
    if (copy === "only") this.pool.splice(at, 1);
    this.input(packet.message.to, { kind: "message", message: packet.message });
  }

  /** Several packets that had arrived when their receiver looked. */
  deliverTogether(packets: readonly Packet[]): void {
    const [first] = packets;
    if (first === undefined) return;
    for (const packet of packets) {
      assert(packet.message.to === first.message.to, "a batch has one receiver");
      assert(this.canArrive(packet) === "yes", "there is somebody to receive it, and a way");
      this.lose(packet);
    }
    const batch = packets.map(({ message }) => ({ kind: "message", message }) as const);
    this.inputs(first.message.to, batch);
  }

  lose(packet: Packet): void {
    this.pool.splice(this.pool.indexOf(packet), 1);
  }

  propose(id: number): void {
    this.commands += 1;
    this.input(id, { kind: "propose", command: utf8(`command ${this.commands}`) });
  }

  /** A change of members, where it can begin; otherwise why not. */
  change(id: number, edits: readonly Edit[]): ChangeRefusal | EditProblem | "fulfilled" | "begun" {
    const { live } = this.server(id);
    const unready = changeRefusal(live, null);
    if (unready !== null) return unready;
    const wish = edited(live.membership.current, edits);
    if (wish.kind === "fulfilled") return "fulfilled";
    if (wish.kind === "senseless") return wish.because;
    const refusal = changeRefusal(live, wish.target);
    if (refusal !== null) return refusal;
    this.input(id, { kind: "change", target: wish.target, leaving: [] });
    return "begun";
  }

  crash(id: number, survivingWrites = 0): void {
    this.server(id).crash(survivingWrites);
  }

  restart(id: number): void {
    const server = this.server(id);
    server.restart();
    this.witness.started(server);
    this.input(id, { kind: "start" });
  }

  /** Time passes; nobody acts on it before being told to look at the clock. */
  wait(ms: number): void {
    this.now = later(this.now, ms);
  }

  lookAtClock(id: number): void {
    this.input(id, { kind: "time" });
  }

  partition(groups: readonly (readonly number[])[]): void {
    this.cut.clear();
    const groupOf = (id: number): number => groups.findIndex((group) => group.includes(id));
    for (const from of this.servers.keys()) {
      for (const to of this.servers.keys()) {
        if (groupOf(from) !== groupOf(to)) this.cut.add(`${from}>${to}`);
      }
    }
  }

  leader(): NodeId | null {
    let best: Server | null = null;
    for (const server of this.servers.values()) {
      if (server.state?.role.kind !== "leader") continue;
      if (best === null || server.live.term > best.live.term) best = server;
    }
    return best?.id ?? null;
  }
}

/** An entry that was there before the test began: the same (index, term) is the same entry everywhere. */
export const oldEntry = (index: number, t: number): Entry => ({
  index: logIndex(index),
  term: term(t),
  time: millis(0),
  kind: "command",
  body: utf8(`old ${index}:${t}`),
});
