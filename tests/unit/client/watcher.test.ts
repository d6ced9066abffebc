/** The client's half of a watch: what it takes, what it asks for, and when it goes to another node. */
import { expect, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { later, logIndex, type Millis, millis, nodeId } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { watchTiming as timing, watchLimits } from "../../../src/client/timing.ts";
import { Watcher } from "../../../src/client/watcher.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import { openDatagram, sealDatagram } from "../../../src/codec/datagram.ts";
import {
  decodeWatchRequest,
  encodeWatchEnd,
  encodeWatchEvents,
  type WatchEvents,
  type WatchRequest,
} from "../../../src/codec/watch.ts";

const cluster = 9;
const addressOf = (id: number): Address => ({ host: "127.0.0.1", port: 7100 + id });

type Asked = { readonly node: number; readonly request: WatchRequest };

class Bench {
  now: Millis = millis(0);
  readonly half: Watcher;
  /** Requests that were sent, oldest first. */
  readonly asked: Asked[] = [];
  cancelled = 0;

  constructor(size = 3, from = 5) {
    const nodes = Array.from({ length: size }, (_, at) => ({
      id: nodeId(at + 1),
      address: addressOf(at + 1),
    }));
    const options = { nodes, cluster, keys: noKeys, incarnation: 1, datagramBytesMax: 60_000 };
    const wish = { prefix: "", from: logIndex(from), random: seededRandom(3) };
    this.half = new Watcher({ ...options, ...wish }, this.now);
    this.speak();
  }

  get last(): Asked {
    return this.asked.at(-1)!;
  }

  speak(): void {
    for (const { to, bytes } of this.half.take().datagrams) {
      const opened = openDatagram(bytes, { cluster, me: nodeId(to.port - 7100), keys: noKeys });
      if (opened.kind !== "opened") throw new Error(opened.because);
      if (opened.header.kind === "watch-cancel") this.cancelled += 1;
      if (opened.header.kind !== "watch-request") continue;
      this.asked.push({ node: to.port - 7100, request: decodeWatchRequest(opened.body)! });
    }
  }

  pass(ms: number): void {
    const end = later(this.now, ms);
    while (this.now < end) {
      this.now = later(this.now, 10);
      this.half.elapse(this.now);
      this.speak();
    }
  }

  private hear(node: number, kind: "watch-events" | "watch-end", body: Uint8Array): void {
    const seal = { kind, cluster, sender: nodeId(node), incarnation: 1, receiver: 0 } as const;
    const bytes = sealDatagram({ ...seal, body, keys: noKeys });
    this.half.receive(bytes, addressOf(node), this.now);
    this.speak();
  }

  /** A batch from a node; each event is a put of its own index. */
  batch(node: number, from: number, to: number, parts: Partial<WatchEvents> = {}): void {
    const { id } = this.last.request;
    const events = Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({
      ...{ index: logIndex(from + at), key: byteString(utf8("k")), value: utf8("v") },
    }));
    const ends = { from: logIndex(from), to: logIndex(to), head: logIndex(Math.max(to, 99)) };
    this.hear(node, "watch-events", encodeWatchEvents({ id, ...ends, ageMs: 0, events, ...parts }));
  }

  end(node: number, because: "compacted" | "busy", first: number): void {
    const { id } = this.last.request;
    this.hear(node, "watch-end", encodeWatchEnd({ id, because, first: logIndex(first) }));
  }

  get indexes(): readonly number[] {
    return this.half.events().map(({ index }) => index);
  }
}

test("what joins on is taken and acknowledged; what leaves a gap is not; what came before is left out", () => {
  const bench = new Bench();
  const { node } = bench.last;
  bench.batch(node, 5, 7);
  expect(bench.last.request.next).toBe(logIndex(8));
  bench.batch(node, 10, 12);
  expect(bench.half.counters.gaps).toBe(1);
  bench.batch(node, 6, 9);
  bench.batch(node, 5, 7);
  expect(bench.half.counters.repeats).toBe(1);
  bench.batch(node, 10, 12);
  expect(bench.indexes).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  expect(Number(bench.half.next)).toBe(13);
});

test("entries without events count too: the watch has come so far", () => {
  const bench = new Bench();
  bench.batch(bench.last.node, 5, 40, { events: [] });
  expect(Number(bench.half.next)).toBe(41);
  expect(bench.indexes).toEqual([]);
});

test("another node goes on where the first has stopped, and the first is told that it is over", () => {
  const bench = new Bench();
  const { node } = bench.last;
  bench.batch(node, 5, 7);
  bench.pass(timing.silentMs + 20);
  expect(bench.last.node).not.toBe(node);
  expect(bench.last.request.next).toBe(logIndex(8));
  expect(bench.cancelled).toBe(1);
  // What the first one still had under way is as good as any other.
  bench.batch(node, 8, 9);
  bench.batch(bench.last.node, 8, 11);
  expect(bench.indexes).toEqual([5, 6, 7, 8, 9, 10, 11]);
});

test("a node that never answers is left sooner, one that refuses at once", () => {
  const silent = new Bench();
  const first = silent.last.node;
  silent.pass(timing.strangeMs + 20);
  expect(silent.last.node).not.toBe(first);
  const refused = new Bench();
  const { node } = refused.last;
  refused.half.refused(addressOf(node), refused.now);
  refused.speak();
  expect(refused.last.node).not.toBe(node);
});

test("where every node refuses at once, nobody is asked without a pause", () => {
  const bench = new Bench();
  let refused = 0;
  for (let turns = 0; turns < 100; turns++) {
    for (; refused < Math.min(bench.asked.length, 1000); refused++) {
      bench.half.refused(addressOf(bench.last.node), bench.now);
      bench.speak();
    }
    bench.pass(10);
  }
  // Three nodes, a second: each may be asked again when it was left alone for a tenth of it.
  expect(bench.asked.length).toBeLessThanOrEqual(31);
  expect(new Set(bench.asked.map(({ node }) => node)).size).toBe(3);
});

test("a node that cannot tell that it is up to date is left for another, and one alone is kept", () => {
  for (const [size, outcome] of [
    [3, "left"],
    [1, "kept"],
  ] as const) {
    const bench = new Bench(size);
    const { node } = bench.last;
    for (let passed = 0; passed <= timing.behindMs; passed += 100) {
      if (bench.last.node === node) bench.batch(node, 5, 4, { ageMs: null });
      bench.pass(100);
    }
    expect(bench.half.counters.moves > 0 ? "left" : "kept").toBe(outcome);
  }
});

test("after long without news another node is asked, which may have some; a node alone is kept", () => {
  for (const [size, outcome] of [
    [3, "left"],
    [1, "kept"],
  ] as const) {
    const bench = new Bench(size);
    const { node } = bench.last;
    const beats = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        if (bench.last.node === node) bench.batch(node, 5, 4);
        bench.pass(100);
      }
    };
    beats(timing.idleMs - 200);
    expect(bench.half.counters.moves).toBe(0);
    beats(400);
    expect(bench.half.counters.moves > 0 ? "left" : "kept").toBe(outcome);
  }
});

test("what one node has compacted another may have; where nobody has it, that is said with the first that is there", () => {
  const bench = new Bench();
  bench.end(bench.last.node, "compacted", 30);
  expect(bench.half.ended).toBeNull();
  bench.end(bench.last.node, "compacted", 20);
  bench.batch(bench.last.node, 5, 6);
  expect(bench.indexes).toEqual([5, 6]);
  for (const first of [30, 20, 25]) bench.end(bench.last.node, "compacted", first);
  expect(bench.half.ended).toEqual({ kind: "compacted", next: logIndex(7), first: logIndex(20) });
});

test("a busy node is left, and being busy is no end", () => {
  const bench = new Bench();
  for (let turn = 0; turn < 5; turn++) bench.end(bench.last.node, "busy", 0);
  expect(bench.half.ended).toBeNull();
  expect(bench.half.counters.moves).toBe(5);
});

test("what is not taken leaves less room, and room is told when it is there again", () => {
  const bench = new Bench();
  const { node } = bench.last;
  const value = new Uint8Array(700_000);
  const event = { index: logIndex(5), key: byteString(utf8("k")), value };
  bench.half.receive(
    sealDatagram({
      ...{ kind: "watch-events", cluster, sender: nodeId(node), incarnation: 1, receiver: 0 },
      body: encodeWatchEvents({
        ...{ id: bench.last.request.id, from: event.index, to: event.index, head: event.index },
        ...{ ageMs: 0, events: [{ ...event, value: value.subarray(0, 50_000) }] },
      }),
      keys: noKeys,
    }),
    addressOf(node),
    bench.now,
  );
  bench.speak();
  expect(bench.last.request.room).toBe(watchLimits.roomBytes - 50_001);
  expect(bench.indexes).toEqual([5]);
  bench.pass(timing.keepAliveMs + 10);
  expect(bench.last.request.room).toBe(watchLimits.roomBytes);
});

test("bytes that are nothing, and batches of another watch, move nothing", () => {
  const bench = new Bench();
  const { node } = bench.last;
  bench.batch(node, 5, 9, { id: 1 });
  bench.half.receive(new Uint8Array([1, 2, 3]), addressOf(node), bench.now);
  expect(Number(bench.half.next)).toBe(5);
  expect(bench.indexes).toEqual([]);
});
