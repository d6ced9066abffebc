/** A game of labs 4B and 4C of MIT 6.5840: clients at work, and what happens to their servers meanwhile. */
import { expect } from "bun:test";
import type { SnapshotSettings } from "../../src/replica/snapshot-file.ts";
import { KvLoad } from "./kv-load.ts";
import { Lab } from "./lab.ts";
import type { Reliability } from "./wiretap.ts";

export type Play = {
  readonly servers?: number;
  readonly clients: number;
  readonly keys?: number;
  readonly network?: Reliability;
  /** Servers are put on two sides by chance, again and again. */
  readonly partitions?: "partitions";
  /** All servers crash at the end of each round, and restart. */
  readonly crashes?: "crashes";
  readonly snapshots?: Partial<SnapshotSettings>;
  readonly onEnd?: (lab: Lab) => void;
};

const rounds = 3;
const roundMs = 2000;
const electionMsMax = 1200;

export function play(how: Play): KvLoad {
  const lab = new Lab({ servers: how.servers ?? 5, snapshots: how.snapshots ?? {} });
  lab.tap.reliability = how.network ?? "reliable";
  const load = new KvLoad(lab, { clients: how.clients, keys: how.keys ?? 3 });
  for (let round = 0; round < rounds; round++) {
    playRound(lab, load, how);
    if (how.partitions !== undefined) {
      lab.heal();
      load.run(electionMsMax);
    }
    if (how.crashes === undefined) continue;
    for (const at of lab.all) lab.crash(at);
    load.run(electionMsMax);
    for (const at of lab.all) lab.restart(at);
  }
  load.run(electionMsMax * 3);
  load.finish();
  how.onEnd?.(lab);
  return load;
}

function playRound(lab: Lab, load: KvLoad, how: Play): void {
  if (how.partitions === undefined) return load.run(roundMs);
  for (let passed = 0; passed < roundMs * 2; ) {
    lab.partitionAtRandom();
    const ms = electionMsMax + lab.random.below(200);
    load.run(ms);
    passed += ms;
  }
}

export function expectGood(load: KvLoad, committedMin: number): void {
  expect(load.verdict()).toBe("linearizable");
  expect(load.counts.committed).toBeGreaterThan(committedMin);
}
