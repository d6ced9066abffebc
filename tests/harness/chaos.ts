/**
 * A cluster in pretended time under loss, repetition, delay, partitions, pauses, power cuts and slow disks, with
 * clients whose answers are held against what they were promised:
 *
 *   - a read sees every write that was acknowledged before it began, and none that was never asked for;
 *   - values of a key never go back;
 *   - a write takes effect once: a counter that only its own client moves never refuses a step that was due;
 *   - in the end all servers hold the same log and store, and every acknowledged write is there.
 *
 * Each key has one writer, which counts 1, 2, 3, … by compare-and-set. A step that was rejected is tried as a new
 * request, because it had no effect; one whose outcome is unknown is sent again under its name, until it is known.
 */
import { assert } from "../../src/base/assert.ts";
import { byteString, textOf, utf8 } from "../../src/base/bytes.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { RequestId } from "../../src/client/request.ts";
import type { Asked, SimClient } from "../../src/sim/client.ts";
import { SimCluster } from "../../src/sim/cluster.ts";
import type { SimServer } from "../../src/sim/server.ts";

export type ChaosOptions = { readonly seed: number; readonly servers: number; readonly ms: number };

type Writer = {
  readonly client: SimClient;
  readonly key: string;
  /** The last value that was asked for, and the last that was acknowledged. */
  asked: number;
  acknowledged: number;
  under: Asked | null;
  /** The step under way, whose outcome nobody could tell: it is sent again until somebody can. */
  doubtful: RequestId | null;
};

type Reader = {
  readonly client: SimClient;
  under: { asked: Asked; writer: Writer; floor: number } | null;
};

export type ChaosReport = {
  readonly committed: number;
  readonly unknown: number;
  readonly rejected: number;
  readonly reads: number;
  readonly crashes: number;
  readonly partitions: number;
  readonly terms: number;
  readonly cuts: number;
};

const value = (n: number): Uint8Array => utf8(String(n));

export class Chaos {
  readonly cluster: SimCluster;
  private readonly random: Random;
  private readonly writers: Writer[];
  private readonly readers: Reader[];
  private readonly seen = new Map<string, number>();
  private readonly down = new Set<SimServer>();
  private readonly paused = new Set<SimServer>();
  /** One leader per term, ever. */
  private readonly leaderOf = new Map<number, number>();
  /** Term of each applied entry, as the first server that applied it saw it. */
  private readonly canon: number[] = [];
  private readonly checkedUpTo = new Map<number, number>();
  readonly counts = {
    committed: 0,
    unknown: 0,
    rejected: 0,
    reads: 0,
    crashes: 0,
    partitions: 0,
    cuts: 0,
  };

  private readonly options: ChaosOptions;

  constructor(options: ChaosOptions) {
    this.options = options;
    this.random = seededRandom(options.seed * 7919 + 17);
    this.cluster = new SimCluster({
      seed: options.seed,
      servers: options.servers,
      settings: {
        segmentBytesMax: 4096,
        syncMs: 1 + this.random.below(20),
        datagramBytesMax: this.random.below(2) === 0 ? 1200 : 60_000,
      },
    });
    for (const server of this.cluster.servers.values()) server.onStep = (one) => this.check(one);
    this.writers = [0, 1, 2].map((at) => ({
      client: this.cluster.client(),
      key: byteString(utf8(`counter-${at}`)),
      asked: 0,
      acknowledged: 0,
      under: null,
      doubtful: null,
    }));
    this.readers = [0, 1].map(() => ({ client: this.cluster.client(), under: null }));
  }

  run(): ChaosReport {
    this.cluster.start();
    const { lossPercent, repeatPercent, delayMsMax } = {
      lossPercent: this.random.below(25),
      repeatPercent: this.random.below(15),
      delayMsMax: 1 + this.random.below(60),
    };
    this.cluster.network.faults = { lossPercent, repeatPercent, delayMsMin: 1, delayMsMax };
    for (let ms = 0; ms < this.options.ms; ms += 10) {
      if (this.random.below(100) < 2) this.misfortune();
      this.work();
      this.cluster.clock.run(10);
    }
    this.calm();
    return { ...this.counts, terms: this.leaderOf.size };
  }

  private misfortune(): void {
    const servers = [...this.cluster.servers.values()];
    const one = servers[this.random.below(servers.length)]!;
    switch (this.random.below(7)) {
      case 0:
      case 1:
        if (this.down.has(one)) return this.restart(one);
        one.crash(this.random);
        this.paused.delete(one);
        one.resume();
        this.down.add(one);
        this.counts.crashes += 1;
        return;
      case 2:
        for (const server of [...this.down]) this.restart(server);
        return;
      case 3: {
        const side = servers.filter(() => this.random.below(2) === 0).map(({ id }) => id);
        const rest = servers.map(({ id }) => id).filter((id) => !side.includes(id));
        this.cluster.partition(side, rest);
        this.counts.partitions += 1;
        return;
      }
      case 4:
        return this.cluster.network.heal();
      case 5:
        if (this.paused.has(one)) {
          this.paused.delete(one);
          return one.resume();
        }
        if (this.down.has(one)) return;
        this.paused.add(one);
        return one.pause();
      default:
        // The whole room goes dark.
        if (this.random.below(4) > 0) return;
        for (const server of servers) {
          if (!this.down.has(server)) server.crash(this.random);
          server.resume();
          this.down.add(server);
        }
        this.paused.clear();
        this.counts.crashes += 1;
    }
  }

  private restart(server: SimServer): void {
    if (!this.down.delete(server)) return;
    const { cut } = server.start();
    if (cut !== null) this.counts.cuts += 1;
  }

  private work(): void {
    for (const writer of this.writers) this.write(writer);
    for (const reader of this.readers) this.read(reader);
  }

  private write(writer: Writer): void {
    if (writer.under !== null) {
      if (writer.under.result === null) return;
      this.learn(writer, writer.under);
      writer.under = null;
    }
    const next = writer.acknowledged + 1;
    writer.asked = next;
    const { key } = writer;
    writer.under = writer.client.ask(
      next === 1
        ? { kind: "put", key, value: value(next), condition: { kind: "absent" } }
        : { kind: "cas", key, expected: value(next - 1), value: value(next) },
      { withinMs: 500 + this.random.below(4000), again: writer.doubtful },
    );
  }

  private learn(writer: Writer, asked: Asked): void {
    const { result } = asked;
    assert(result !== null, "the request is over");
    if (result.kind === "committed") {
      assert(
        result.reply.kind === "written",
        `${writer.key}: step ${writer.asked} was refused (${result.reply.kind}), as if it had been taken twice`,
      );
      writer.acknowledged = writer.asked;
      writer.doubtful = null;
      this.counts.committed += 1;
      return;
    }
    if (result.kind === "rejected") this.counts.rejected += 1;
    if (result.kind !== "unknown") return;
    assert(result.because === "deadline", "no session is forgotten within minutes");
    writer.doubtful = result.requestId;
    this.counts.unknown += 1;
  }

  private read(reader: Reader): void {
    if (reader.under !== null) {
      const { asked, writer, floor } = reader.under;
      if (asked.result === null) return;
      this.judge(asked, writer, floor);
      reader.under = null;
    }
    const writer = this.writers[this.random.below(this.writers.length)]!;
    const consistency = this.random.below(4) === 0 ? "logged" : "linearizable";
    const asked = reader.client.ask(
      { kind: "get", key: writer.key },
      { consistency, withinMs: 2000 },
    );
    const floor = Math.max(writer.acknowledged, this.seen.get(writer.key) ?? 0);
    reader.under = { asked, writer, floor };
  }

  private judge(asked: Asked, writer: Writer, floor: number): void {
    if (asked.result?.kind !== "committed") return;
    const { reply } = asked.result;
    const text = reply.kind === "found" ? textOf(reply.value) : "0";
    const read = Number(text);
    assert(
      read >= floor,
      `${writer.key}: a read saw ${read} after ${floor} was acknowledged or seen`,
    );
    assert(read <= writer.asked, `${writer.key}: a read saw ${read}, which nobody has written`);
    this.seen.set(writer.key, Math.max(read, this.seen.get(writer.key) ?? 0));
    this.counts.reads += 1;
  }

  /** After every step of a server: election safety and state machine safety, with their history. */
  private check(server: SimServer): void {
    const { replica, id } = server;
    if (replica === null) return;
    const { state } = replica;
    if (state.role.kind === "leader") {
      const known = this.leaderOf.get(state.term) ?? id;
      assert(known === id, `term ${state.term} has two leaders, n${known} and n${id}`);
      this.leaderOf.set(state.term, id);
    }
    const from = this.checkedUpTo.get(id) ?? 0;
    for (let index = from + 1; index <= replica.applied; index++) {
      const term = state.log.termAt(index as never);
      assert(term !== null, "what is applied is in the log");
      const canon = this.canon[index] ?? term;
      assert(canon === term, `entry ${index} was applied with term ${canon} and with term ${term}`);
      this.canon[index] = term;
    }
    this.checkedUpTo.set(id, Math.max(from, replica.applied));
  }

  /** Everything is mended: the cluster must agree, answer, and have kept what it acknowledged. */
  private calm(): void {
    const { cluster } = this;
    cluster.network.heal();
    cluster.network.faults = { lossPercent: 0, repeatPercent: 0, delayMsMin: 1, delayMsMax: 2 };
    for (const server of this.paused) server.resume();
    for (const server of [...this.down]) this.restart(server);
    const settled = cluster.runUntil(() => this.writersAreIdle(), 20_000);
    assert(settled === "done", "every request is settled once the cluster is whole");
    for (const writer of this.writers) if (writer.under !== null) this.learn(writer, writer.under);
    const finals = this.writers.map((writer) => {
      const asked = writer.client.ask({ kind: "get", key: writer.key }, { withinMs: 15_000 });
      return {
        asked,
        writer,
        floor: Math.max(writer.acknowledged, this.seen.get(writer.key) ?? 0),
      };
    });
    cluster.runUntil(
      () => (finals.every(({ asked }) => asked.result) ? "done" : "not-yet"),
      20_000,
    );
    for (const { asked, writer, floor } of finals) {
      assert(asked.result?.kind === "committed", `a whole cluster answers: ${asked.result?.kind}`);
      this.judge(asked, writer, floor);
    }
    const agreed = cluster.runUntil(() => this.logsAgree(), 10_000);
    assert(agreed === "done", "all servers end with the same log, applied to its end");
  }

  private writersAreIdle(): "done" | "not-yet" {
    const idle = [...this.writers, ...this.readers].every(
      ({ under }) => under === null || ("asked" in under ? under.asked : under).result !== null,
    );
    return idle ? "done" : "not-yet";
  }

  private logsAgree(): "done" | "not-yet" {
    const ends = [...this.cluster.servers.values()].map(({ replica }) => {
      if (replica === null) return "down";
      const { last } = replica.state.log;
      return last.index === replica.applied ? `${last.index} ${last.term}` : "behind";
    });
    return new Set(ends).size === 1 && ends[0] !== "behind" && ends[0] !== "down"
      ? "done"
      : "not-yet";
  }
}
