/** A server that repairs its journal: what it asks, what it says meanwhile, and what it is afterwards. */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import { openDatagram } from "../../../src/codec/datagram.ts";
import { snapshotNames } from "../../../src/journal/names.ts";
import { fileSource, RecordReader } from "../../../src/journal/reader.ts";
import { SimCluster, type SimOptions } from "../../../src/sim/cluster.ts";
import type { SimServer } from "../../../src/sim/server.ts";

const key = (at: number): string => byteString(utf8(`key-${at}`));

class Stage {
  readonly cluster: SimCluster;
  private readonly client;

  constructor(settings: SimOptions["settings"] = {}, servers = 3) {
    this.cluster = new SimCluster({
      ...{ seed: 7, servers },
      settings: { damage: "repair", ...settings },
    });
    this.client = this.cluster.client();
    this.cluster.start();
    this.await("everybody has met, and one leads", () => {
      const met = [...this.cluster.servers.values()].every(
        ({ replica }) => !must(replica, "it runs").describe().includes("strangers"),
      );
      return met && this.cluster.leaders().length === 1;
    });
  }

  server(id: number): SimServer {
    return this.cluster.server(id);
  }

  await(what: string, done: () => boolean, ms = 20_000): void {
    const outcome = this.cluster.runUntil(() => (done() ? "done" : "not-yet"), ms);
    expect(outcome, what).toBe("done");
  }

  put(at: number, value: Uint8Array = utf8(`value-${at}`)): void {
    const wish = { kind: "put", key: key(at), value, condition: { kind: "always" } } as const;
    const asked = this.client.ask(wish);
    this.await(`put ${at}`, () => asked.result !== null);
    expect(asked.result).toMatchObject({ kind: "committed" });
  }

  /** Asked of whoever led last, and not waited for. */
  tryPut(at: number, value: Uint8Array): void {
    const wish = { kind: "put", key: key(at), value, condition: { kind: "always" } } as const;
    this.client.ask(wish, { withinMs: 100 });
  }

  get(at: number, value: Uint8Array = utf8(`value-${at}`)): void {
    const asked = this.client.ask({ kind: "get", key: key(at) });
    this.await(`get ${at}`, () => asked.result !== null);
    expect(asked.result).toMatchObject({ kind: "committed", reply: { kind: "found", value } });
  }

  /** In good order: its journal is sealed. */
  stop(id: number): void {
    const server = this.server(id);
    server.push({ kind: "seal" });
    this.cluster.clock.run(500);
    server.crash("lose-all");
  }

  /** A bit of the first record that holds this. */
  damage(id: number, text: string, file = `node${id}.log`): void {
    const { disk } = this.server(id);
    const at = Buffer.from(disk.read(file, 0, disk.size(file))).indexOf(text);
    expect(at).toBeGreaterThan(0);
    disk.flipBit(file, at * 8);
  }

  snapshotOf(id: number): string {
    const names = snapshotNames(this.server(id).id, this.server(id).disk.list());
    return must(names.at(-1), "it has a snapshot");
  }

  startRepairing(id: number): void {
    expect(this.server(id).start()).toBe(null);
    expect(this.server(id).repairer).not.toBe(null);
  }

  repaired(...ids: readonly number[]): void {
    this.await("repaired", () => ids.every((id) => this.server(id).replica !== null));
  }

  agree(): void {
    this.await("all have applied the same", () => {
      const hashes = [...this.cluster.servers.values()].map(({ replica }) =>
        replica === null ? "down" : `${replica.applied} ${replica.store.hash}`,
      );
      return new Set(hashes).size === 1;
    });
  }
}

const often = { everyEntries: 8, keptEntriesMax: 2, pieceBytes: 100 };

describe("what is lost comes from the others", () => {
  test("entries, and nothing that was promised is forgotten", () => {
    const stage = new Stage();
    for (let at = 0; at < 5; at++) stage.put(at);
    const before = must(stage.server(2).replica, "it runs").state;
    const { term, votedFor } = before;
    stage.stop(2);
    stage.damage(2, "value-1");
    stage.startRepairing(2);
    stage.repaired(2);
    const { state } = must(stage.server(2).replica, "it runs");
    expect([state.term, state.votedFor]).toEqual([term, votedFor]);
    expect(stage.server(2).notes.join()).toMatch(/entries fetched: 1 from n[13]/);
    stage.agree();
  });

  test("values larger than a datagram, in small datagrams", () => {
    const stage = new Stage({ datagramBytesMax: 1200 });
    const large = new Uint8Array(20_000).fill(7);
    stage.put(0, large);
    stage.put(1);
    stage.stop(2);
    stage.damage(2, "key-0");
    stage.startRepairing(2);
    stage.repaired(2);
    stage.agree();
    stage.get(0, large);
  });

  test("a snapshot in the place of one that is damaged, and of one that is gone", () => {
    for (const [how, pieceBytes] of [
      ["damaged", 100],
      ["gone", 1 << 18],
    ] as const) {
      const snapshots = { ...often, pieceBytes };
      const stage = new Stage({ snapshots, segmentBytesMax: 4096, datagramBytesMax: 1200 });
      for (let at = 0; at < 60; at++) stage.put(at, new Uint8Array(300).fill(at));
      stage.stop(2);
      const { disk } = stage.server(2);
      const name = stage.snapshotOf(2);
      if (how === "damaged") disk.flipBit(name, 8 * 200);
      else disk.remove(name);
      stage.startRepairing(2);
      stage.repaired(2);
      expect(stage.server(2).notes.join()).toContain("a snapshot up to entry");
      expect(disk.list().some((one) => one.endsWith(".snap.damaged-1"))).toBe(how === "damaged");
      stage.agree();
    }
  });

  test("a snapshot where the others have compacted what is missing", () => {
    const stage = new Stage({ snapshots: often });
    for (let at = 0; at < 4; at++) stage.put(at);
    stage.stop(2);
    for (let at = 4; at < 40; at++) stage.put(at);
    stage.damage(2, "value-2");
    stage.startRepairing(2);
    stage.repaired(2);
    expect(stage.server(2).notes.join()).toContain("a snapshot up to entry");
    stage.agree();
    stage.get(2);
  });

  test("what is committed in the place of what nobody has: a leader that was left alone with its entries", () => {
    const stage = new Stage();
    stage.put(0);
    const [leader] = stage.cluster.leaders();
    const old = must(leader, "one leads").id;
    const others = [1, 2, 3].filter((id) => id !== old);
    stage.cluster.partition([old], others);
    for (let at = 1; at < 4; at++) {
      stage.tryPut(at, utf8(`lost-${at}`));
      stage.cluster.clock.run(20);
    }
    stage.cluster.clock.run(300);
    stage.stop(old);
    stage.cluster.network.heal();
    stage.put(1);
    stage.put(2);
    stage.put(3);
    stage.put(4);
    stage.damage(old, "lost-2");
    stage.startRepairing(old);
    stage.repaired(old);
    stage.agree();
    stage.get(2);
  });
});

describe("while it repairs", () => {
  /** Entry "value-1" is damaged on two of three, and the third is down. */
  function waiting(): Stage {
    const stage = new Stage();
    for (let at = 0; at < 4; at++) stage.put(at);
    for (const id of [1, 2, 3]) stage.stop(id);
    stage.damage(1, "value-1");
    stage.damage(2, "value-1");
    return stage;
  }

  test("it gives no vote and is no leader; it waits for who does not answer, and says for whom", () => {
    const stage = waiting();
    const said = new Set<string>();
    for (const id of [1, 2]) {
      const hooks = {
        onRepairSend: (_: SimServer, sent: readonly { bytes: Uint8Array }[]) => {
          for (const { bytes } of sent) said.add(kindIn(bytes, stage));
        },
      };
      stage.server(id).hooks = hooks;
      stage.startRepairing(id);
    }
    stage.cluster.clock.run(30_000);
    for (const id of [1, 2]) {
      expect(stage.server(id).repairer).not.toBe(null);
      expect(stage.server(id).failure).toBe(null);
      expect(stage.server(id).notes.join()).toContain("1 entries are missing; it waits for n3");
    }
    expect([...said].sort()).toEqual(["repair-request", "repair-response"]);
    stage.server(3).start();
    stage.repaired(1, 2, 3);
    stage.agree();
    for (let at = 0; at < 4; at++) stage.get(at);
  });

  test("a candidate does not get its vote, and so nobody leads", () => {
    const stage = waiting();
    // n3 lacks the end of the log: with the vote of a server that has forgotten its own it would lead.
    stage.startRepairing(1);
    stage.cluster.clock.run(10_000);
    expect(stage.cluster.leaders()).toEqual([]);
  });

  test("it is asked for its state, and says that it repairs", () => {
    const stage = waiting();
    stage.startRepairing(1);
    stage.cluster.clock.run(1000);
    expect(must(stage.server(1).repairer, "it repairs").describe()).toMatch(
      /^\(node 1 \(role repairing\) \(term \d+\).*\(missing 1\)/,
    );
  });
});

test("a bit of the only header is no damage that others can mend: it refuses, and says why", () => {
  const stage = new Stage();
  stage.put(0);
  stage.stop(2);
  stage.server(2).disk.flipBit("node2.log", 8 * 20);
  expect(() => stage.server(2).start()).toThrow(
    "nothing that can be read says whose journal it is",
  );
});

test("a member that is lost for good, and its record as well, is waited for until the members are changed", () => {
  const stage = new Stage({}, 5);
  for (let at = 0; at < 3; at++) stage.put(at);
  stage.stop(5);
  stage.stop(2);
  const { disk } = stage.server(2);
  const reader = new RecordReader(fileSource(disk, "node2.log"));
  for (let next = reader.next(); next.kind === "record"; next = reader.next()) {
    const { record, offset } = next;
    if (record.kind === "peer" && record.node === 5) disk.flipBit("node2.log", (offset + 12) * 8);
  }
  stage.startRepairing(2);
  stage.repaired(2);
  stage.cluster.clock.run(30_000);
  const waits = () => must(stage.server(2).replica, "it runs").describe().includes("strangers");
  expect(waits()).toBe(true);
  stage.put(3);
  const [leader] = stage.cluster.leaders();
  const replica = must(leader?.replica, "one leads");
  const edits = [{ kind: "remove", id: nodeId(5) }] as const;
  const seen = replica.state.membership.since;
  const outcome = replica["administrator"].ask(stage.cluster.clock.now(), {
    ...{ kind: "change", edits, seen },
  });
  expect(outcome).toMatchObject({ because: "begun" });
  stage.await("nobody is waited for", () => !waits());
});

function kindIn(bytes: Uint8Array, { cluster }: Stage): string {
  for (const me of cluster.servers.keys()) {
    const opened = openDatagram(bytes, { cluster: cluster.clusterId, me, keys: noKeys });
    if (opened.kind === "opened") return opened.header.kind;
  }
  return "not for anybody";
}
