/** The loop around a replica: in which order it does what it is told, and what it does when that fails. */
import { expect, test } from "bun:test";
import { type Millis, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { Disk } from "../../../src/journal/disk.ts";
import type { Message } from "../../../src/raft/message.ts";
import { Driver } from "../../../src/runtime/driver.ts";
import { type FaultPlan, SimDisk } from "../../../src/sim/disk.ts";
import { LoneReplica } from "../../harness/lone-replica.ts";

/** After the last election timeout: a server alone elects itself in its first turn. */
const late = millis(5_000);

type World = {
  readonly driver: Driver;
  readonly lone: LoneReplica;
  /** "send", and what is done to the disk, in order. */
  readonly done: readonly string[];
  /** The moments the clock was asked to wake the loop at. */
  readonly alarms: readonly Millis[];
  readonly stopped: Promise<unknown>;
};

function start(options: { peers: number; now: Millis; faults?: FaultPlan }): World {
  const done: string[] = [];
  const alarms: Millis[] = [];
  const stopped = Promise.withResolvers<unknown>();
  const disk: SimDisk = new SimDisk({
    folder: "n1",
    onSyncStarted: (ticket) => setImmediate(() => driver.push(disk.finishSync(ticket))),
  });
  const lone = new LoneReplica({ peers: options.peers, disk });
  disk.faults = (operation) => {
    done.push(operation.kind);
    return options.faults?.(operation) ?? null;
  };
  const driver = new Driver({
    replica: lone.replica,
    clock: {
      now: () => options.now,
      wake: (moment) => {
        alarms.push(moment);
        return () => {};
      },
    },
    disk: disk satisfies Disk,
    send: () => done.push("send"),
    note: () => {},
    stopped: stopped.resolve,
  });
  return { driver, lone, done, alarms, stopped: stopped.promise };
}

/** Turns of the loop, until `over`. */
async function turns(over: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !over(); turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(over()).toBe(true);
}

test("datagrams leave before the disk is asked for anything", async () => {
  const { done, driver } = start({ peers: 1, now: late });
  await turns(() => done.includes("startSync"));
  driver.stop();
  expect(done.slice(0, 3)).toEqual(["send", "append", "startSync"]);
});

test("a disk that takes no write ends the server, and nothing after it is tried", async () => {
  const faults: FaultPlan = ({ kind }) =>
    kind === "append" ? { kind: "refused", code: "disk-full" } : null;
  const { done, stopped } = start({ peers: 1, now: late, faults });
  await turns(() => done.filter((one) => one === "send").length === 2);
  expect(await stopped).toMatchObject({ parts: { code: "disk-full" } });
  expect(done).toEqual(["send", "append", "send"]);
});

test("an alarm is set anew when something is due sooner", async () => {
  const { driver, lone, alarms } = start({ peers: 3, now: millis(0) });
  const heartbeat: Message = {
    ...{ kind: "heartbeat", from: nodeId(2), to: nodeId(1), term: term(1), round: 1 },
    commit: lone.replica.state.commit,
  };
  await turns(() => alarms.length === 1);
  expect(alarms[0]).toBeGreaterThanOrEqual(600);
  // It is a new term: written, synced, and sealed 200 ms after that, long before an election is due.
  driver.push(lone.fromPeer(heartbeat));
  await turns(() => alarms.includes(millis(200)));
  driver.stop();
});
