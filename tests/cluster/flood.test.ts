/** Every node of a loaded cluster is sent random and mutated datagrams: no crash, no new term, no wrong value. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/checksum.ts";
import { writeU32 } from "../../src/base/integers.ts";
import { logIndex, nodeId, term } from "../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import { encodeCommand } from "../../src/codec/command.ts";
import { sealDatagram } from "../../src/codec/datagram.ts";
import type { DatagramKind } from "../../src/codec/kinds.ts";
import { encodeMessage } from "../../src/codec/message.ts";
import { encodeRequestBatch } from "../../src/codec/request-batch.ts";
import type { Message } from "../../src/raft/message.ts";
import { openSocket } from "../../src/runtime/socket.ts";
import { ask, buildExecutable, keyOf, RealCluster } from "../harness/real-cluster.ts";

const datagramsEach = 100_000;
const burst = 50;

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_350 });
});

afterAll(() => cluster?.destroy());

/** Whole datagrams as peers and clients of this very cluster send them, of a far later term. */
function realDatagrams(): Uint8Array[] {
  const ends = { from: nodeId(2), to: nodeId(1), term: term(1000) };
  const lastLog = { index: logIndex(1_000_000), term: term(999) };
  const messages: Message[] = [
    { kind: "vote-request", ...ends, lastLog, reason: "transfer" },
    { kind: "pre-vote-request", ...ends, lastLog },
    { kind: "vote-response", ...ends, answer: "granted" },
    { kind: "heartbeat", ...ends, commit: logIndex(1), round: 1 },
    { kind: "heartbeat-response", ...ends, round: 1, last: logIndex(1) },
    { kind: "append-response", ...ends, answer: { kind: "matched", index: logIndex(1) } },
    { kind: "timeout-now", ...ends },
    {
      ...{ kind: "append-request", ...ends, commit: logIndex(1) },
      previous: { index: logIndex(0), term: term(0) },
      entries: [],
    },
  ];
  const seal = (kind: DatagramKind, body: Uint8Array, sender: 0 | 2, receiver: 0 | 1): Uint8Array =>
    sealDatagram({
      ...{ kind, body, cluster: cluster.clusterId, incarnation: 5, keys: noKeys },
      sender: sender === 0 ? 0 : nodeId(sender),
      receiver: receiver === 0 ? 0 : nodeId(receiver),
    });
  const peers = messages.map((message) => {
    const { kind, body } = encodeMessage(message);
    return seal(kind, body, 2, 1);
  });
  const value = utf8("written by a mutated datagram");
  const operation = {
    kind: "put",
    key: keyOf("loaded"),
    value,
    condition: { kind: "always" },
  } as const;
  // A session that nobody has: a request that survives its mutation has no effect.
  const command = {
    kind: "request",
    session: 999_999_999,
    sequence: 1,
    acknowledged: 1,
    operation,
  } as const;
  const request = { id: 1, body: { kind: "write", command: encodeCommand(command) } } as const;
  return [...peers, seal("request-batch", encodeRequestBatch([request]), 0, 0)];
}

/** One of the real ones, changed in up to four places; half of them with a checksum that is right again. */
function mutated(originals: readonly Uint8Array[], random: Random): Uint8Array {
  const original = originals[random.below(originals.length)]!;
  let bytes = new Uint8Array(original);
  for (let change = random.below(4); change >= 0; change--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  if (random.below(10) === 0) bytes = bytes.slice(0, random.below(bytes.length));
  if (bytes.length >= 4 && random.below(2) === 0) writeU32(bytes, 0, crc32(bytes.subarray(4)));
  return bytes;
}

function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.below(200));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  return bytes;
}

test(`${datagramsEach} random and ${datagramsEach} mutated datagrams to every node under load`, async () => {
  const random = seededRandom(4711);
  const client = await cluster.client();
  const before = await cluster.status();
  const attacker = await openSocket({ host: "127.0.0.1", port: 0 }, { onDatagram: () => {} });
  const key = keyOf("loaded");
  let acknowledged = 0;
  let attack: "on" | "over" = "on";
  const load = (async () => {
    while (attack === "on") {
      const next = acknowledged + 1;
      const condition = { kind: "always" } as const;
      const result = await ask(client, { kind: "put", key, value: utf8(`${next}`), condition });
      expect(result.kind).toBe("committed");
      acknowledged = next;
      const read = await ask(client, { kind: "get", key });
      expect(read).toMatchObject({ reply: { kind: "found", value: utf8(`${next}`) } });
    }
  })();
  const originals = realDatagrams();
  for (let sent = 0; sent < datagramsEach; sent += burst) {
    for (let node = 0; node < cluster.size; node++) {
      const to = { host: "127.0.0.1", port: cluster.basePort + node };
      for (let one = 0; one < burst; one++) {
        attacker.send([
          { to, bytes: noise(random) },
          { to, bytes: mutated(originals, random) },
        ]);
      }
    }
    // Room for the nodes: what the kernel drops proves nothing.
    await Bun.sleep(1);
  }
  attack = "over";
  await load;
  attacker.close();
  client.close();
  const after = await cluster.status();
  expect(after.leader).toBe(before.leader);
  expect(after.nodes.map((node) => node.term)).toEqual(before.nodes.map((node) => node.term));
  expect(after.nodes.map((node) => node.pid)).toEqual(before.nodes.map((node) => node.pid));
  expect(acknowledged).toBeGreaterThan(100);
});
