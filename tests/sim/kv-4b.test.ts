/**
 * MIT 6.5840, lab 4B: the key-value service. The names are the course's; two of its tests run on a good network
 * though they are named after a bad one, and are played by their names here. Every history goes to the full
 * linearizability checker. The client half is the real one: it finds leaders, repeats, and is honest about what it
 * does not know.
 */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import type { Asked } from "../../src/sim/client.ts";
import { expectGood, type Play, play } from "./kv-play.ts";
import { Lab } from "./lab.ts";

const bad = "unreliable";

const plays: readonly (readonly [name: string, how: Play])[] = [
  ["Basic4B: one client, five servers", { clients: 1 }],
  ["Concurrent4B: five clients", { clients: 5 }],
  ["Unreliable4B: five clients, a tenth of all datagrams lost", { clients: 5, network: bad }],
  ["ManyPartitionsOneClient4B", { clients: 1, partitions: "partitions" }],
  ["ManyPartitionsManyClients4B", { clients: 5, partitions: "partitions" }],
  ["PersistOneClient4B: all servers crash and restart", { clients: 1, crashes: "crashes" }],
  ["PersistConcurrent4B", { clients: 5, crashes: "crashes" }],
  ["PersistConcurrentUnreliable4B", { clients: 5, network: bad, crashes: "crashes" }],
  ["PersistPartition4B", { clients: 5, partitions: "partitions", crashes: "crashes" }],
  [
    "PersistPartitionUnreliable4B",
    { clients: 5, network: bad, partitions: "partitions", crashes: "crashes" },
  ],
  [
    "PersistPartitionUnreliableLinearizable4B: fifteen clients, seven servers",
    {
      ...{ servers: 7, clients: 15, keys: 5 },
      ...{ network: bad, partitions: "partitions", crashes: "crashes" },
    },
  ],
];

for (const [name, how] of plays) {
  test(name, () => {
    const load = play(how);
    expectGood(load, how.clients * 30);
    // Without faults nothing is refused and nothing left in the dark.
    if (how.network === undefined && how.partitions === undefined && how.crashes === undefined) {
      expect(load.counts).toMatchObject({ rejected: 0, unknown: 0 });
    }
  }, 60_000);
}

test("Speed4B: a thousand puts one after the other, each in less than a third of a heartbeat of the course", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  lab.checkOneLeader();
  const key = byteString(utf8("x"));
  const put = (count: number): Asked =>
    client.ask({ kind: "put", key, value: utf8(`${count}`), condition: { kind: "always" } });
  expect(lab.settle([put(0)], 5000)).toBe("settled");
  const began = lab.cluster.clock.now();
  for (let count = 1; count <= 1000; count++) {
    const asked = put(count);
    lab.settle([asked], 1000);
    expect(asked.result?.kind).toBe("committed");
  }
  expect((lab.cluster.clock.now() - began) / 1000).toBeLessThan(33.3);
  // A put waits for no heartbeat here: three ways through the network and a disk are a few milliseconds.
  expect((lab.cluster.clock.now() - began) / 1000).toBeLessThan(10);
});

test("OnePartition4B: a majority goes on, a minority finishes nothing before it is healed", () => {
  const lab = new Lab({ servers: 5 });
  const [inMajority, putter, getter] = [lab.client(), lab.client(), lab.client()];
  const key = byteString(utf8("1"));
  const put = (text: string) =>
    ({ kind: "put", key, value: utf8(text), condition: { kind: "always" } }) as const;
  lab.settle([inMajority.client.ask(put("13"))], 5000);

  const leader = lab.checkOneLeader();
  const [a, b, c, d] = [1, 2, 3, 4].map((on) => lab.address(leader + on)) as [
    string,
    string,
    string,
    string,
  ];
  // The leader and one more are the minority.
  lab.partition([b, c, d, inMajority.end], [lab.address(leader), a, putter.end, getter.end]);
  const progress = inMajority.client.ask(put("14"));
  expect(lab.settle([progress], 5000)).toBe("settled");
  expect(progress.result?.kind).toBe("committed");

  const held = [
    putter.client.ask(put("15"), { withinMs: 20_000 }),
    getter.client.ask({ kind: "get", key }, { withinMs: 20_000 }),
  ];
  expect(lab.settle([held[0]!], 1000)).toBe("still-open");
  expect(held[1]!.result).toBeNull();
  const read = inMajority.client.ask({ kind: "get", key });
  lab.settle([read], 1000);
  expect(read.result).toMatchObject({ reply: { kind: "found", value: utf8("14") } });
  const again = inMajority.client.ask(put("16"));
  lab.settle([again], 1000);
  expect(again.result?.kind).toBe("committed");

  lab.heal();
  expect(lab.settle(held, 3000)).toBe("settled");
  expect(held.map(({ result }) => result?.kind)).toEqual(["committed", "committed"]);
  const last = inMajority.client.ask({ kind: "get", key });
  lab.settle([last], 1000);
  expect(last.result).toMatchObject({ reply: { kind: "found", value: utf8("15") } });
});
