/** Bytes from anybody: nothing throws, and nothing that was changed on the way is taken. */
import { expect, test } from "bun:test";
import { crc32 } from "../../../src/base/checksum.ts";
import { writeU16, writeU32 } from "../../../src/base/integers.ts";
import { between, type Random, seededRandom } from "../../../src/base/random.ts";
import {
  decodeAdministrationRequest,
  decodeAdministrationResponse,
} from "../../../src/codec/administration.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import { decodeChunk, decodeChunkAck } from "../../../src/codec/chunk.ts";
import { decodeCommand } from "../../../src/codec/command.ts";
import { openDatagram } from "../../../src/codec/datagram.ts";
import { datagramKinds } from "../../../src/codec/kinds.ts";
import { decodeMessage } from "../../../src/codec/message.ts";
import { decodeRepairRequest, decodeRepairResponse } from "../../../src/codec/repair.ts";
import { decodeReply } from "../../../src/codec/reply.ts";
import { decodeRequestBatch } from "../../../src/codec/request-batch.ts";
import { decodeResponseBatch } from "../../../src/codec/response-batch.ts";
import { decodeStatusRequest, decodeStatusResponse } from "../../../src/codec/status.ts";
import { ends, keys, opener, samples, sealed } from "./samples.ts";

const rounds = 100_000;

const noise = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(256));

/** Everything that a body could be taken for. */
const decoders: readonly ((body: Uint8Array) => unknown)[] = [
  ...datagramKinds.map((kind) => (body: Uint8Array) => decodeMessage(kind, body, ends)),
  (body) => decodeChunk(body, "peer"),
  (body) => decodeChunk(body, "client"),
  decodeChunkAck,
  decodeCommand,
  decodeReply,
  decodeRepairRequest,
  decodeRepairResponse,
  decodeRequestBatch,
  decodeResponseBatch,
  decodeStatusRequest,
  decodeStatusResponse,
  decodeAdministrationRequest,
  decodeAdministrationResponse,
];

/** Something else than it was: bits flipped, cut, lengthened, two spliced, or a stretch of it repeated. */
function mutated(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.below(bytes.length);
  switch (random.below(5)) {
    case 0: {
      const flipped = new Uint8Array(bytes);
      for (let flips = between(random, { min: 1, max: 4 }); flips > 0; flips--) {
        flipped[random.below(bytes.length)]! ^= 1 << random.below(8);
      }
      return flipped;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return new Uint8Array([...bytes, ...noise(random, between(random, { min: 1, max: 20 }))]);
    case 3:
      return new Uint8Array([...bytes.slice(0, at), ...other.slice(random.below(other.length))]);
    default:
      return new Uint8Array([...bytes.slice(0, at), ...bytes.slice(random.below(at + 1))]);
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

test(`${rounds} random datagrams are dropped`, () => {
  const random = seededRandom(1);
  let opened = 0;
  for (let round = 0; round < rounds; round++) {
    const datagram = noise(random, random.below(120));
    // Half of them get past the first checks.
    if (round % 2 === 0 && datagram.length > 26) {
      datagram.set([0x52, 0x42, 1], 4);
      writeU16(datagram, 24, datagram.length - 26);
    }
    if (openDatagram(datagram, opener).kind === "opened") opened++;
  }
  expect(opened).toBe(0);
});

for (const [what, its] of [
  ["without tags", noKeys],
  ["with tags", keys],
] as const) {
  test(`${rounds} mutated datagrams ${what} are dropped`, () => {
    const random = seededRandom(2);
    const originals = samples.map((sample) => sealed(sample, its));
    let opened = 0;
    for (let round = 0; round < rounds; round++) {
      const original = originals[random.below(originals.length)]!;
      const other = originals[random.below(originals.length)]!;
      const datagram = mutated(random, original, other);
      // Splicing may by chance give one that was sent.
      if (originals.some((sent) => same(sent, datagram))) continue;
      if (openDatagram(datagram, { ...opener, keys: its }).kind === "opened") opened++;
    }
    expect(opened).toBe(0);
  });
}

test("mutated datagrams whose checksum is made right again are dropped by their tag", () => {
  const random = seededRandom(3);
  const originals = samples.map((sample) => sealed(sample, keys));
  let opened = 0;
  for (let round = 0; round < 20_000; round++) {
    const original = originals[random.below(originals.length)]!;
    const datagram = mutated(random, original, original);
    if (datagram.length < 5 || same(datagram.subarray(4), original.subarray(4))) continue;
    writeU32(datagram, 0, crc32(datagram.subarray(4)));
    if (openDatagram(datagram, { ...opener, keys }).kind === "opened") opened++;
  }
  expect(opened).toBe(0);
});

test(`${rounds} random bodies and ${rounds} mutated ones throw in no decoder`, () => {
  const random = seededRandom(4);
  let decoded = 0;
  for (let round = 0; round < rounds; round++) {
    const sample = samples[random.below(samples.length)]!;
    const other = samples[random.below(samples.length)]!;
    const bodies = [noise(random, random.below(40)), mutated(random, sample.body, other.body)];
    for (const body of bodies) {
      const decode = decoders[random.below(decoders.length)]!;
      if (decode(body) !== null) decoded++;
    }
  }
  // Some are bodies by chance: a test in which none is would not reach the checks.
  expect(decoded).toBeGreaterThan(0);
});
