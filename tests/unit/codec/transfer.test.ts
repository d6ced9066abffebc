/** What is larger than a datagram arrives once and intact, or not at all. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { concat } from "../../../src/base/bytes.ts";
import { millis, never } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import {
  type Chunk,
  chunkLimits,
  decodeChunk,
  encodeChunk,
  encodeChunkAck,
} from "../../../src/codec/chunk.ts";
import { receiverLimits, receiverTiming } from "../../../src/codec/chunk-receiver.ts";
import { senderLimits } from "../../../src/codec/chunk-sender.ts";
import { bodyBytesMax } from "../../../src/codec/datagram.ts";
import { sendingTiming } from "../../../src/codec/sending.ts";
import { Transfers } from "../../../src/codec/transfer.ts";
import { fairWeather, Link } from "./link.ts";

const random = seededRandom(7);
const some = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
const mebibyte = some(1 << 20);
const at = (moment: number) => millis(moment);
const append = "append-request" as const;

const endpoint = (chunkBodyBytes = 1158) =>
  new Transfers<number>({ group: "peer", chunkBodyBytes, random });

const chunkOf = (its: Partial<Chunk>): Uint8Array =>
  encodeChunk({
    ...{ transfer: 5, kind: append, totalBytes: 300, checksum: 0, stride: 100, number: 0 },
    ...{ bytes: new Uint8Array(100), ...its },
  });

test("a mebibyte in datagrams of 1,200 bytes arrives, under 30 % loss, repeats and reordering", () => {
  const link = new Link({ seed: 5, loss: 30, repeat: 10, delayMsMax: 20 }, bodyBytesMax(1200));
  const offered = link.ends.left.offer({ to: "right", kind: append, body: mebibyte });
  link.run(120_000);
  expect(link.delivered.right).toEqual([{ kind: "whole", inner: append, body: mebibyte } as never]);
  expect(link.ends.left.takeEnded()).toEqual([
    { transfer: offered.kind === "queued" ? offered.transfer : -1, to: "right", end: "delivered" },
  ]);
});

test("any bodies under any bearable weather arrive once, intact, and the sender hears of it", () => {
  const weather = fc.record({
    seed: fc.nat(),
    // Of a last piece, half a second apart, twenty tries are lost in a row once in 200,000 times; then it is given up.
    loss: fc.integer({ min: 0, max: 33 }),
    repeat: fc.integer({ min: 0, max: 50 }),
    delayMsMax: fc.integer({ min: 1, max: 200 }),
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(weather, sizes, sizes, (its, leftward, rightward) => {
      const link = new Link(its, 400);
      const bodies = { left: leftward.map(some), right: rightward.map(some) };
      for (const body of bodies.right) link.ends.left.offer({ to: "right", kind: append, body });
      for (const body of bodies.left) link.ends.right.offer({ to: "left", kind: append, body });
      link.run(600_000);
      for (const place of ["left", "right"] as const) {
        expect(link.delivered[place].map(({ body }) => body)).toEqual(bodies[place]);
      }
      const ends = [...link.ends.left.takeEnded(), ...link.ends.right.takeEnded()];
      expect(ends.every(({ end }) => end === "delivered")).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("under terrible weather a body arrives once and intact, or the sender hears that it may not have", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 50, max: 99 }), (seed, loss) => {
      const link = new Link({ seed, loss, repeat: 30, delayMsMax: 300 }, 400);
      const body = some(5000);
      link.ends.left.offer({ to: "right", kind: append, body });
      link.run(600_000);
      const [ended] = link.ends.left.takeEnded();
      const arrived = link.delivered.right;
      expect(arrived.length).toBeLessThanOrEqual(1);
      for (const whole of arrived) expect(whole.body).toEqual(body);
      if (ended?.end === "delivered") expect(arrived.length).toBe(1);
      expect(ended).toBeDefined();
    }),
    { numRuns: 40 },
  );
});

test("without loss nothing is sent twice", () => {
  const link = new Link(fairWeather);
  link.ends.left.offer({ to: "right", kind: append, body: some(50_000) });
  link.run(60_000);
  expect(link.ends.left.counters.delivered).toBe(1);
  expect(link.ends.left.counters.chunksResent).toBe(0);
  expect(link.ends.right.counters.duplicates).toBe(0);
  expect(link.now).toBeLessThan(1000);
});

test("no more than a window is under way, and an ack lets the next chunk go", () => {
  const sender = endpoint();
  sender.offer({ to: 1, kind: append, body: mebibyte });
  const first = sender.take(at(0));
  expect(first.length).toBe(senderLimits.windowChunks);
  expect(sender.take(at(1))).toEqual([]);
  const { transfer } = decodeChunk(first[0]!.body, "peer")!;
  const body = encodeChunkAck({ transfer, below: 1, others: [7] });
  sender.receiveAck({ from: 1, body, now: at(2) });
  expect(sender.take(at(2)).length).toBe(2);
});

test("a window of large chunks is small: receive buffers are", () => {
  const sender = endpoint(bodyBytesMax(60_000));
  sender.offer({ to: 1, kind: append, body: mebibyte });
  expect(sender.take(at(0)).length).toBe(3);
});

test("a chunk that is not acknowledged goes again alone, at its deadline, each time later", () => {
  const sender = endpoint();
  sender.offer({ to: 1, kind: append, body: some(100) });
  const moments: number[] = [];
  let now = at(0);
  for (let tries = 0; tries < 5; tries++) {
    expect(sender.take(now).length).toBe(1);
    moments.push(now);
    now = sender.nextDeadline();
    expect(sender.take(at(now - 1))).toEqual([]);
  }
  const waits = moments.slice(1).map((moment, index) => moment - moments[index]!);
  expect(waits).toEqual([200, 400, 500, 500]);
});

test("a silent destination is given up, with all that waits for it; others are not", () => {
  const sender = endpoint();
  for (const to of [1, 1, 2]) sender.offer({ to, kind: append, body: some(3000) });
  let now = at(0);
  for (let round = 0; round < 1000 && sender.pendingTo(1) > 0; round++) {
    now = at(Math.max(now, sender.nextDeadline()));
    for (const { to, body } of sender.take(now)) {
      if (to === 1) continue;
      const { transfer, number } = decodeChunk(body, "peer")!;
      const ack = encodeChunkAck({ transfer, below: number + 1, others: [] });
      sender.receiveAck({ from: to, body: ack, now });
    }
  }
  const ends = sender.takeEnded().map(({ to, end }) => `${to} ${end}`);
  expect(ends).toEqual(["2 delivered", "1 gave-up", "1 gave-up"]);
  expect(now).toBeGreaterThanOrEqual(sendingTiming.silenceMsMax);
  expect(now).toBeLessThan(sendingTiming.silenceMsMax + sendingTiming.timeoutMsMax + 1);
  expect(sender.nextDeadline()).toBe(never);
});

test("what trickles for too long is given up", () => {
  const sender = endpoint();
  sender.offer({ to: 1, kind: append, body: mebibyte });
  let now = 0;
  for (; sender.pendingTo(1) > 0 && now < 10 * sendingTiming.transferMsMax; now += 1000) {
    const [first] = sender.take(at(now));
    if (first === undefined) continue;
    const { transfer, number } = decodeChunk(first.body, "peer")!;
    const body = encodeChunkAck({ transfer, below: 0, others: [number] });
    sender.receiveAck({ from: 1, body, now: at(now) });
  }
  expect(sender.takeEnded().map(({ end }) => end)).toEqual(["gave-up"]);
  expect(now).toBeLessThan(sendingTiming.transferMsMax + 5000);
});

test("a receiver that restarts in the middle gets everything again", () => {
  const link = new Link(fairWeather);
  const body = some(200_000);
  link.ends.left.offer({ to: "right", kind: append, body });
  link.run(5);
  expect(link.ends.left.pendingTo("right")).toBe(1);
  expect(link.sent).toBeGreaterThan(20);
  link.restart("right");
  link.run(60_000);
  expect(link.delivered.right.map((whole) => whole.body)).toEqual([body]);
  expect(link.ends.left.takeEnded().map(({ end }) => end)).toEqual(["delivered"]);
});

test("destinations take turns: a small body does not wait behind a large one for somebody else", () => {
  const sender = endpoint();
  for (let to = 1; to <= 10; to++) sender.offer({ to, kind: append, body: mebibyte });
  const first = sender.take(at(0));
  expect(first.length).toBe(senderLimits.burstChunks);
  const perPlace = Map.groupBy(first, ({ to }) => to);
  expect(perPlace.size).toBe(10);
  for (const chunks of perPlace.values()) expect(chunks.length).toBeLessThanOrEqual(7);
  // What the burst left over is due at once.
  expect(sender.nextDeadline()).toBeLessThanOrEqual(0);
  expect(sender.take(at(0)).length).toBe(senderLimits.burstChunks);
});

test("where there are more destinations than a burst has chunks, the next burst goes to the others", () => {
  const sender = endpoint();
  const places = senderLimits.burstChunks + 36;
  for (let to = 1; to <= places; to++) sender.offer({ to, kind: append, body: some(5000) });
  const served = [...sender.take(at(0)), ...sender.take(at(0))].map(({ to }) => to);
  expect(new Set(served).size).toBe(places);
});

test("what is too large or too much is refused, and room comes back", () => {
  const sender = endpoint();
  const tooLarge = new Uint8Array(chunkLimits.wholeBytesMax + 1);
  const refused = (because: string) => ({ kind: "refused", because });
  expect(sender.offer({ to: 1, kind: append, body: tooLarge })).toEqual(
    refused("too-large") as never,
  );
  for (let n = 0; n < 8; n++) sender.offer({ to: 1, kind: append, body: mebibyte });
  const more = { to: 1, kind: append, body: mebibyte };
  expect(sender.offer(more)).toEqual(refused("queue-full") as never);
  for (let to = 2; to <= 8; to++) {
    for (let n = 0; n < 8; n++) sender.offer({ ...more, to });
  }
  expect(sender.offer({ ...more, to: 9 })).toEqual(refused("queue-full") as never);
  sender.abandon(1);
  expect(sender.takeEnded().map(({ end }) => end)).toEqual(Array(8).fill("abandoned"));
  expect(sender.offer(more).kind).toBe("queued");
});

test("a body of another group, and a chunk within a chunk, cannot be delivered", () => {
  const clients = new Transfers<number>({ group: "client", chunkBodyBytes: 1158, random });
  const whole = { totalBytes: 1, stride: 1, bytes: new Uint8Array(1), checksum: 0xd202ef8d };
  const receive = (kind: Chunk["kind"]) =>
    clients.receiveChunk({ from: 1, body: chunkOf({ ...whole, kind }), now: at(0) });
  for (const kind of [
    "append-request",
    "vote-response",
    "client-chunk",
    "client-chunk-ack",
  ] as const) {
    expect(receive(kind)).toEqual({ kind: "dropped", because: "malformed" });
  }
  expect(receive("request-batch").kind).toBe("whole");
  expect(() => clients.offer({ to: 1, kind: append, body: some(1) })).toThrow("of its group");
});

test("chunks that say impossible things are dropped", () => {
  const impossible: readonly Partial<Chunk>[] = [
    { stride: 0 },
    { totalBytes: 0, bytes: new Uint8Array(0) },
    { totalBytes: chunkLimits.wholeBytesMax + 1 },
    { number: 3 },
    { bytes: new Uint8Array(99) },
    { number: 2, bytes: new Uint8Array(101) },
    { totalBytes: 65_536, stride: 1, bytes: new Uint8Array(1) },
  ];
  const receiver = endpoint();
  for (const its of impossible) {
    const received = receiver.receiveChunk({ from: 1, body: chunkOf(its), now: at(0) });
    expect(received).toEqual({ kind: "dropped", because: "malformed" });
  }
  receiver.receiveAck({ from: 1, body: new Uint8Array([0x91]), now: at(0) });
  expect(receiver.counters.droppedMalformed).toBe(impossible.length + 1);
  expect(receiver.take(at(0))).toEqual([]);
});

test("chunks that contradict the first one of their transfer are dropped", () => {
  const receiver = endpoint();
  const receive = (its: Partial<Chunk>) =>
    receiver.receiveChunk({ from: 1, body: chunkOf(its), now: at(0) });
  expect(receive({}).kind).toBe("noted");
  const others: readonly Partial<Chunk>[] = [
    { kind: "vote-request" },
    { checksum: 1 },
    { totalBytes: 250 },
    { stride: 150, bytes: new Uint8Array(150) },
  ];
  for (const its of others) {
    expect(receive(its)).toEqual({ kind: "dropped", because: "contradiction" });
  }
});

test("a whole that does not match its checksum is not delivered", () => {
  const receiver = endpoint();
  const received = [0, 1, 2].map((number) =>
    receiver.receiveChunk({ from: 1, body: chunkOf({ number, checksum: 9 }), now: at(0) }),
  );
  expect(received.at(-1)).toEqual({ kind: "dropped", because: "wrong-checksum" });
  expect(receiver.take(at(0))).toEqual([]);
});

test("a chunk of a complete transfer is acknowledged again, and not delivered again", () => {
  const receiver = endpoint();
  const only = chunkOf({ totalBytes: 1, bytes: new Uint8Array(1), checksum: 0xd202ef8d });
  const receive = (now: number) => receiver.receiveChunk({ from: 1, body: only, now: at(now) });
  expect(receive(0).kind).toBe("whole");
  expect(receiver.take(at(0)).length).toBe(1);
  expect(receive(1000).kind).toBe("noted");
  const ack = encodeChunkAck({ transfer: 5, below: 1, others: [] });
  expect(receiver.take(at(1000))).toEqual([{ to: 1, kind: "peer-chunk-ack", body: ack }]);
});

test("half a transfer is forgotten after a while, and then nothing is due any more", () => {
  const receiver = endpoint();
  receiver.receiveChunk({ from: 1, body: chunkOf({}), now: at(0) });
  let now = 0;
  for (let rounds = 0; receiver.nextDeadline() !== never; rounds++) {
    expect(rounds).toBeLessThan(10);
    now = Math.max(now, receiver.nextDeadline());
    receiver.take(at(now));
  }
  expect(receiver.counters.expired).toBe(1);
  expect(now).toBeLessThanOrEqual(receiverTiming.idleMsMax + receiverTiming.sweepMs);
});

/** The first chunk of a large whole. */
const beginning = (transfer: number): Uint8Array =>
  chunkOf({ transfer, totalBytes: 1 << 20, stride: 1000, bytes: new Uint8Array(1000) });

test("a sender that begins much and ends nothing pushes out its own, nobody else's", () => {
  const receiver = endpoint();
  const honest = concat([some(150), some(150)]);
  const sender = endpoint(161);
  sender.offer({ to: 1, kind: append, body: honest });
  const [first, ...rest] = sender.take(at(0)).map(({ body }) => body);
  receiver.receiveChunk({ from: 1, body: first!, now: at(0) });
  for (let transfer = 0; transfer < 1000; transfer++) {
    receiver.receiveChunk({ from: 2, body: beginning(transfer), now: at(0) });
  }
  expect(receiver.counters.expired).toBe(1000 - receiverLimits.transfersPerSenderMax);
  const received = rest.map((body) => receiver.receiveChunk({ from: 1, body, now: at(1) }));
  expect(received.at(-1)).toEqual({ kind: "whole", inner: append, body: honest });
});

test("many that begin and end nothing take a bounded room, and give it back when it is needed", () => {
  const receiver = endpoint();
  const room = receiverLimits.bytesMax / (1 << 20);
  const begin = (from: number, now: number) =>
    receiver.receiveChunk({ from, body: beginning(1), now: at(now) }).kind;
  for (let from = 1; from <= room; from++) expect(begin(from, 0)).toBe("noted");
  expect(begin(room + 1, 10)).toBe("dropped");
  expect(receiver.counters.droppedNoRoom).toBe(1);
  expect(begin(room + 1, receiverTiming.yieldMs)).toBe("noted");
  // Senders are forgotten too: ten thousand of them, each with something complete.
  const tiny = chunkOf({ totalBytes: 1, bytes: new Uint8Array(1), checksum: 0xd202ef8d });
  for (let from = 1000; from < 11_000; from++) {
    expect(receiver.receiveChunk({ from, body: tiny, now: at(2000) }).kind).toBe("whole");
  }
});
