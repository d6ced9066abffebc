/** What is kept for the sake of followers, and what becomes of those who waited, where snapshots are taken and sent. */
import { expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import type { SnapshotRequest } from "../../../src/raft/message.ts";
import { fetchPace } from "../../../src/replica/repair-desk.ts";
import { snapshotPace } from "../../../src/replica/snapshot-file.ts";
import { parseNodeStatus } from "../../../src/runtime/cluster-status.ts";
import type { SimClient } from "../../../src/sim/client.ts";
import { SimCluster } from "../../../src/sim/cluster.ts";
import type { SimServer } from "../../../src/sim/server.ts";

const every = 10;

class Trio {
  readonly cluster: SimCluster;
  readonly client: SimClient;
  private count = 0;

  constructor(keptEntriesMax: number) {
    const snapshots = { everyEntries: every, keptEntriesMax, pieceBytes: 16 };
    this.cluster = new SimCluster({ seed: 4, servers: 3, settings: { snapshots } });
    this.cluster.start();
    this.client = this.cluster.client();
    this.until(() => this.cluster.leaders().length === 1);
    this.put(1);
  }

  get leader(): SimServer {
    return must(this.cluster.leaders()[0], "somebody leads");
  }

  get follower(): SimServer {
    const others = [...this.cluster.servers.values()].filter((one) => one !== this.leader);
    return must(others[0], "there are three");
  }

  until(done: () => boolean, ms = 10_000): void {
    expect(this.cluster.runUntil(() => (done() ? "done" : "not-yet"), ms)).toBe("done");
  }

  ask() {
    this.count += 1;
    const [key, value] = [byteString(utf8("k")), utf8(`${this.count}`)];
    return this.client.ask({ kind: "put", key, value, condition: { kind: "always" } });
  }

  put(times: number): void {
    for (let at = 0; at < times; at++) {
      const asked = this.ask();
      this.until(() => asked.result !== null);
      expect(asked.result?.kind).toBe("committed");
    }
  }

  /** Nobody hears of it, and it of nobody. */
  cutOff({ id }: SimServer): void {
    const others = [1, 2, 3].filter((other) => other !== id);
    this.cluster.partition([id], others);
  }
}

const appliedOf = ({ replica }: SimServer): number => replica?.applied ?? 0;
const snapshotOf = ({ replica }: SimServer): number =>
  replica?.["snapshots"].newest?.id.last.index ?? 0;
const installs = ({ notes }: SimServer): number =>
  notes.filter((sentence) => sentence.includes("has installed a snapshot")).length;

test("a follower that is a little behind a snapshot is sent entries", () => {
  const trio = new Trio(every);
  trio.put(every - 4);
  const { follower, leader } = trio;
  trio.until(() => appliedOf(follower) === appliedOf(leader));
  const had = appliedOf(follower);
  trio.cutOff(follower);
  trio.put(every - 1);
  trio.until(() => snapshotOf(leader) > had);
  trio.cluster.network.heal();
  trio.until(() => appliedOf(follower) === appliedOf(leader));
  expect(installs(follower)).toBe(0);
  const status = parseNodeStatus(must(leader.replica, "it runs").describe());
  expect(status?.snapshot).toBe(snapshotOf(leader));
});

test("one that is sent a snapshot is sent the rest from the log, whatever is taken meanwhile", () => {
  const trio = new Trio(0);
  const { follower, leader } = trio;
  trio.cutOff(follower);
  trio.put(3 * every);
  trio.cluster.network.heal();
  const sent = snapshotOf(leader);
  trio.until(() => (leader.replica?.["snapshots"].senders.targets.length ?? 0) > 0);
  while (installs(follower) === 0) trio.put(1);
  expect(snapshotOf(leader)).toBeGreaterThan(sent + every);
  trio.until(() => appliedOf(follower) === appliedOf(leader));
  expect(installs(follower)).toBe(1);
  trio.until(() => leader.disk.list().filter((name) => name.endsWith(".snap")).length === 1);
});

test("for one that takes nothing of it, the log is not kept for ever", () => {
  const trio = new Trio(0);
  const { follower, leader } = trio;
  const { electionMsMax } = must(leader.replica, "it runs").state.settings.timing;
  trio.cutOff(follower);
  trio.put(3 * every);
  trio.cluster.network.heal();
  trio.until(() => (leader.replica?.["snapshots"].senders.targets.length ?? 0) > 0);
  trio.cutOff(follower);
  const kept = leader.replica?.state.log.base.index ?? 0;
  trio.put(2 * every);
  expect(leader.replica?.state.log.base.index).toBe(logIndex(kept));
  trio.cluster.clock.run(snapshotPace.patienceTimeouts * electionMsMax);
  trio.put(2 * every);
  expect(leader.replica?.state.log.base.index).toBeGreaterThan(kept + every);
});

test("who waits for an entry that a snapshot has jumped over is not waited for", () => {
  const trio = new Trio(0);
  const old = trio.leader;
  trio.cutOff(old);
  trio.ask();
  trio.cluster.clock.run(20);
  expect(old.replica?.describe()).toContain("(writes 1)");
  trio.until(() => trio.cluster.leaders().some((one) => one !== old));
  trio.put(3 * every);
  trio.cluster.network.heal();
  trio.until(() => installs(old) === 1);
  expect(old.replica?.["service"].desk.writesWaiting).toBe(0);
});

test("what is half received is given up where the entries come after all, and the own snapshots go on", () => {
  const trio = new Trio(every);
  trio.put(every);
  const { follower, leader } = trio;
  trio.until(() => snapshotOf(leader) > 0 && appliedOf(follower) === appliedOf(leader));
  const snapshots = must(follower.replica, "it runs")["snapshots"];
  const last = { index: logIndex(appliedOf(follower) + 3), term: leader.replica!.state.term };
  const file = must(leader.replica?.["snapshots"].newest?.file, "it has taken one");
  const piece = leader.disk.read(file, 0, 16);
  const message: SnapshotRequest = {
    ...{ kind: "snapshot-request", from: leader.id, to: follower.id, term: last.term },
    ...{ snapshot: { last, bytes: 100, checksum: 1 }, offset: 0, piece },
  };
  snapshots.onRaft({ behind: [], snapshots: [message] });
  expect(snapshots.underWay.receiving).not.toBeNull();
  const before = snapshotOf(follower);
  trio.put(2 * every);
  trio.until(() => snapshotOf(follower) > before + every);
  expect(snapshots.underWay.receiving).toBeNull();
  trio.until(() => !follower.disk.list().some((name) => name.endsWith(".part")));
});

test("a snapshot that a server in repair fetches stays until it is not asked for any more", () => {
  const trio = new Trio(0);
  trio.put(every);
  trio.until(() => snapshotOf(trio.leader) > 0);
  const { leader, follower } = trio;
  const replica = must(leader.replica, "it runs");
  const { file, id } = must(replica["snapshots"].newest, "it has one");
  replica["repairs"].onRequest(follower.id, { kind: "piece", round: 1, snapshot: id, offset: 0 });
  trio.put(3 * every);
  trio.until(() => snapshotOf(leader) > id.last.index + every);
  expect(leader.disk.list()).toContain(file);
  trio.cluster.clock.run(fetchPace.patienceMs);
  expect(leader.disk.list()).not.toContain(file);
});
