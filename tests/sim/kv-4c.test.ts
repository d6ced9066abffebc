/**
 * MIT 6.5840, lab 4C: the key-value service with snapshots. The names are the course's. Its limit of 1,000 bytes of
 * state becomes one of entries, of which eight times as many may be in the log.
 */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import type { Asked, SimClient } from "../../src/sim/client.ts";
import { expectGood, type Play, play } from "./kv-play.ts";
import { Lab } from "./lab.ts";

const every = 20;
const logMax = 8 * every;
const snapshots = { everyEntries: every, keptEntriesMax: 2, blockBytes: 100, pieceBytes: 300 };

const put = (client: SimClient, key: string, value: string): Asked =>
  client.ask({
    ...{ kind: "put", key: byteString(utf8(key)), value: utf8(value) },
    condition: { kind: "always" },
  });

function putAll(lab: Lab, client: SimClient, count: number): void {
  for (let at = 0; at < count; at++) {
    const asked = put(client, `k${at % 5}`, `${at}`);
    expect(lab.settle([asked], 5000)).toBe("settled");
    expect(asked.result?.kind).toBe("committed");
  }
}

const expectShortLogs = (lab: Lab): void => {
  for (const at of lab.all) expect(lab.logLength(at)).toBeLessThanOrEqual(logMax);
  expect(lab.noted(/has taken a snapshot/)).toBeGreaterThan(lab.count);
};

test("SnapshotRPC4C: who was away while the log was cut off is sent the state, and the others' log stays short", () => {
  const lab = new Lab({ servers: 3, snapshots });
  const { client } = lab.client();
  putAll(lab, client, 1);
  lab.disconnect(2);
  putAll(lab, client, 100);
  for (const at of [0, 1]) expect(lab.logLength(at)).toBeLessThanOrEqual(logMax);
  lab.connect(2);
  lab.disconnect(0);
  putAll(lab, client, 10);
  lab.connect(0);
  lab.disconnect(1);
  putAll(lab, client, 10);
  lab.connect(1);
  lab.sleep(2000);
  expect(lab.noted(/has installed a snapshot/)).toBeGreaterThan(0);
  const stores = lab.all.map((at) => JSON.stringify([...lab.server(at).replica!.store.values]));
  expect(new Set(stores).size).toBe(1);
});

test("SnapshotSize4C: two hundred puts of two keys leave snapshots of a few hundred bytes", () => {
  const lab = new Lab({ servers: 3, snapshots });
  const { client } = lab.client();
  for (let at = 0; at < 200; at++) {
    const asked = put(client, at % 2 === 0 ? "x" : "y", `${at}`);
    expect(lab.settle([asked], 5000)).toBe("settled");
  }
  expectShortLogs(lab);
  for (const at of lab.all) {
    const bytes = lab.server(at).notes.flatMap((note) => /: (\d+) bytes$/.exec(note)?.[1] ?? []);
    expect(Math.max(...bytes.map(Number))).toBeLessThanOrEqual(500);
  }
});

test("Speed4C: five hundred puts, one after the other, are no slower for the snapshots between them", () => {
  const timed = (settings: typeof snapshots | Record<string, never>): number => {
    const lab = new Lab({ servers: 3, snapshots: settings });
    const { client } = lab.client();
    putAll(lab, client, 10);
    const began = lab.cluster.clock.now();
    putAll(lab, client, 500);
    return lab.cluster.clock.now() - began;
  };
  // In pretended time an own sync of a snapshot costs no put anything.
  expect(timed(snapshots)).toBeLessThanOrEqual(timed({}) * 1.1);
});

const bad = "unreliable";

const plays: readonly (readonly [name: string, how: Play])[] = [
  [
    "SnapshotRecover4C: all servers crash and restart, one client",
    { clients: 1, crashes: "crashes" },
  ],
  ["SnapshotRecoverManyClients4C: twenty clients", { clients: 20, keys: 10, crashes: "crashes" }],
  ["SnapshotUnreliable4C", { clients: 5, network: bad }],
  ["SnapshotUnreliableRecover4C", { clients: 5, network: bad, crashes: "crashes" }],
  [
    "SnapshotUnreliableRecoverConcurrentPartition4C",
    { clients: 5, network: bad, partitions: "partitions", crashes: "crashes" },
  ],
  [
    "SnapshotUnreliableRecoverConcurrentPartitionLinearizable4C: fifteen clients, seven servers",
    {
      ...{ servers: 7, clients: 15, keys: 5 },
      ...{ network: bad, partitions: "partitions", crashes: "crashes" },
    },
  ],
];

for (const [name, how] of plays) {
  test(name, () => {
    const load = play({ ...how, snapshots, onEnd: expectShortLogs });
    expectGood(load, how.clients * 20);
  }, 60_000);
}
