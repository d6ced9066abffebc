/**
 * A cluster as the tests of MIT's course 6.5840 see it: servers 0 to n - 1 that are taken off the network and put
 * back, crash and restart; commands that are handed to one server, and what the servers have applied. The servers
 * are whole ones, each command is a client's datagram, and time is pretended.
 *
 * After every step of every server: a term has one leader ever, and all servers apply the same entries in the same
 * order, in all their lives.
 *
 * The course counts log indexes from 1; here a leader's first entry is its no-op, so every index is counted from
 * where the log stood (`lastIndex`).
 */
import { type Address, formatAddress } from "../../src/base/address.ts";
import { assert, must } from "../../src/base/assert.ts";
import { byteString, sameBytes, utf8 } from "../../src/base/bytes.ts";
import { logIndex } from "../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import { encodeCommand } from "../../src/codec/command.ts";
import { sealDatagram } from "../../src/codec/datagram.ts";
import { encodeRequestBatch } from "../../src/codec/request-batch.ts";
import { proposalRefusal } from "../../src/raft/raft.ts";
import type { Timing } from "../../src/raft/state.ts";
import type { Entry } from "../../src/raft/types.ts";
import type { SnapshotSettings } from "../../src/replica/snapshot-file.ts";
import type { Asked, SimClient } from "../../src/sim/client.ts";
import { SimCluster } from "../../src/sim/cluster.ts";
import type { SimServer } from "../../src/sim/server.ts";
import { Effort } from "./effort.ts";
import { Wiretap } from "./wiretap.ts";

export type LabOptions = {
  readonly servers: number;
  readonly seed?: number;
  readonly timing?: Timing;
  readonly snapshots?: Partial<SnapshotSettings>;
};

/** The course's own patience. */
const patience = { leaderTries: 10, agreeMs: 10_000, pollMs: 20 } as const;

/** Commands come from here, and nobody listens for the answers. */
const proposer: Address = { host: "127.0.0.1", port: 40_000 };

export type Started = { readonly index: number; readonly term: number };

export class Lab {
  readonly cluster: SimCluster;
  readonly random: Random;
  readonly tap: Wiretap;
  readonly count: number;
  private readonly leaders = new Map<number, number>();
  private readonly applied: Entry[] = [];
  private readonly appliedBy = new Map<number, number>();
  private commands = 0;

  constructor({ servers, seed = 1, timing, snapshots = {} }: LabOptions) {
    const settings = { snapshots, ...(timing === undefined ? {} : { timing }) };
    this.cluster = new SimCluster({ seed, servers, settings });
    this.random = seededRandom(seed * 31 + 7);
    this.count = servers;
    this.tap = new Wiretap(this.cluster.network, this.cluster.clock, this.random);
    for (const server of this.cluster.servers.values()) server.onStep = (one) => this.check(one);
    this.cluster.start();
  }

  get all(): readonly number[] {
    return Array.from({ length: this.count }, (_, at) => at);
  }

  server(at: number): SimServer {
    return this.cluster.server((at % this.count) + 1);
  }

  sleep(ms: number): void {
    this.cluster.clock.run(ms);
  }

  // The network.

  address(at: number): string {
    return formatAddress({ host: "127.0.0.1", port: 7101 + (at % this.count) });
  }

  disconnect(...servers: readonly number[]): void {
    for (const at of servers) this.tap.off.add(this.address(at));
  }

  connect(...servers: readonly number[]): void {
    for (const at of servers) this.tap.off.delete(this.address(at));
  }

  isConnected(at: number): boolean {
    return !this.tap.off.has(this.address(at));
  }

  isUp(at: number): boolean {
    return this.server(at).replica !== null;
  }

  /** Two groups that do not reach each other; whoever is named in neither reaches both. */
  partition(one: readonly string[], other: readonly string[]): void {
    this.tap.sides = new Map([
      ...one.map((end) => [end, 1] as const),
      ...other.map((end) => [end, 2] as const),
    ]);
  }

  /** Each server on one of two sides, by chance; clients reach both. */
  partitionAtRandom(): void {
    const sides = this.all.map((at) => [this.address(at), this.random.below(2)] as const);
    this.tap.sides = new Map(sides);
  }

  heal(): void {
    this.tap.sides = new Map();
  }

  /** A client, and the end that it is on the network. */
  client(): { readonly client: SimClient; readonly end: string } {
    const client = this.cluster.client();
    return { client, end: must(this.tap.opened.at(-1), "the client has opened its end") };
  }

  /** Lets time pass until all of these requests are over. Says whether they were, within `ms`. */
  settle(asked: readonly Asked[], ms: number): "settled" | "still-open" {
    const end = this.cluster.clock.now() + ms;
    while (asked.some(({ result }) => result === null)) {
      if (this.cluster.clock.now() >= end) return "still-open";
      this.sleep(1);
    }
    return "settled";
  }

  // Servers.

  /** The power goes: harder than the course, where a crashed server's disk has all that was written. */
  crash(at: number): void {
    this.server(at).crash(this.random);
    this.appliedBy.delete(this.server(at).id);
  }

  restart(at: number): void {
    this.server(at).start();
  }

  /** The one leader of the newest term among the connected; fails when there is none within about five seconds. */
  checkOneLeader(): number {
    for (let tries = 0; tries < patience.leaderTries; tries++) {
      this.sleep(450 + this.random.below(101));
      const leaders = this.connectedLeaders();
      const newest = Math.max(...leaders.map((at) => this.termOf(at)));
      const leading = leaders.filter((at) => this.termOf(at) === newest);
      assert(leading.length <= 1, `term ${newest} has one leader`);
      if (leading.length === 1) return must(leading[0], "there is one");
    }
    throw new Error("nobody leads");
  }

  connectedLeaders(): readonly number[] {
    return this.all.filter((at) => {
      const role = this.server(at).replica?.state.role.kind;
      return this.isConnected(at) && role === "leader";
    });
  }

  checkNoLeader(): void {
    assert(this.connectedLeaders().length === 0, "without a quorum nobody leads");
  }

  termOf(at: number): number {
    return must(this.server(at).replica, "the server is up").state.term;
  }

  /** The term, on which all connected servers agree. */
  checkTerms(): number {
    const terms = new Set(
      this.all.filter((at) => this.isConnected(at)).map((at) => this.termOf(at)),
    );
    assert(terms.size === 1, `servers agree on the term: ${[...terms].join(", ")}`);
    return must([...terms][0], "there is a term");
  }

  /** How many entries a server holds in its log. */
  logLength(at: number): number {
    const replica = this.server(at).replica;
    return replica === null ? 0 : replica.state.log.lastIndex - replica.state.log.base.index;
  }

  /** How often servers have said so to their operators, in all their lives. */
  noted(what: RegExp): number {
    let sum = 0;
    for (const at of this.all) {
      sum += this.server(at).notes.filter((sentence) => what.test(sentence)).length;
    }
    return sum;
  }

  lastIndex(at: number): number {
    return must(this.server(at).replica, "the server is up").state.log.lastIndex;
  }

  // Commands.

  /** A command of its own, `bytes` long or a little more. */
  command(bytes = 8): Uint8Array {
    this.commands += 1;
    const value = new Uint8Array(bytes).fill(120);
    return encodeCommand({
      kind: "request",
      // No session has this name: the store answers so, and to the log it is a command like any other.
      session: 1,
      sequence: this.commands,
      acknowledged: 1,
      operation: { kind: "put", key: byteString(utf8("k")), value, condition: { kind: "always" } },
    });
  }

  /** Hands a command to a server; where its entry stands, if it took it. */
  start(at: number, command: Uint8Array): Started | "not-leader" {
    const server = this.server(at);
    if (server.replica === null) return "not-leader";
    const { state } = server.replica;
    this.sleep(0);
    if (proposalRefusal(state) !== null) return "not-leader";
    const before = state.log.lastIndex;
    server.push({ kind: "datagram", from: proposer, bytes: this.datagram(command) });
    this.sleep(0);
    const { last } = state.log;
    assert(last.index === before + 1, "a leader appends what it is given");
    return { index: last.index, term: last.term };
  }

  private datagram(command: Uint8Array): Uint8Array {
    const body = encodeRequestBatch([{ id: 1, body: { kind: "write", command } }]);
    const parts = { cluster: this.cluster.clusterId, incarnation: 5, keys: noKeys } as const;
    return sealDatagram({ ...parts, kind: "request-batch", sender: 0, receiver: 0, body });
  }

  /** How many servers have applied this index in their present lives. */
  appliedCount(index: number): number {
    return this.all.filter((at) => (this.server(at).replica?.applied ?? 0) >= index).length;
  }

  holds(index: number, command: Uint8Array): boolean {
    const entry = this.applied[index];
    return entry?.kind === "command" && sameBytes(entry.body, command);
  }

  /** The command is handed to whoever leads, until so many servers have applied it; where it stands. */
  one(command: Uint8Array, expected: number, retry: "retry" | "once" = "retry"): number {
    return must(this.agree([command], expected, retry)[0], "one command, one index");
  }

  /** The same for several commands at the same time. */
  agree(
    commands: readonly Uint8Array[],
    expected: number,
    retry: "retry" | "once" = "retry",
  ): readonly number[] {
    const efforts = commands.map((command) => new Effort(this, { command, expected, retry }));
    for (let waited = 0; waited < patience.agreeMs; waited += patience.pollMs) {
      for (const effort of efforts) effort.work(waited);
      if (efforts.every(({ index }) => index !== null)) break;
      this.sleep(patience.pollMs);
    }
    return efforts.map(({ index }) =>
      must(index, "the servers reach agreement within ten seconds"),
    );
  }

  /** So many servers have applied the index, within the patience of the course. */
  wait(index: number, expected: number): void {
    for (let waited = 0; waited < patience.agreeMs; waited += patience.pollMs) {
      if (this.appliedCount(index) >= expected) return;
      this.sleep(patience.pollMs);
    }
    throw new Error(`only ${this.appliedCount(index)} of ${expected} servers applied ${index}`);
  }

  private check(server: SimServer): void {
    const { replica, id } = server;
    if (replica === null) return;
    const { state } = replica;
    if (state.role.kind === "leader") {
      const known = this.leaders.get(state.term) ?? id;
      assert(known === id, `term ${state.term} has one leader, not n${known} and n${id}`);
      this.leaders.set(state.term, id);
    }
    // What a snapshot stands for was applied elsewhere.
    const from = Math.max(this.appliedBy.get(id) ?? 0, state.log.base.index);
    for (let index = from + 1; index <= replica.applied; index++) {
      const entry = state.log.at(logIndex(index));
      const first = this.applied[index] ?? entry;
      assert(sameEntry(first, entry), `entry ${index} is applied the same everywhere`);
      this.applied[index] = first;
    }
    this.appliedBy.set(id, replica.applied);
  }
}

const sameEntry = (a: Entry, b: Entry): boolean =>
  a === b || (a.term === b.term && a.kind === b.kind && Bun.deepEquals(a.body, b.body));
