/**
 * MIT 6.5840, lab 3D: snapshots. The names are the course's. Its service takes one every ten entries, and so do the
 * servers here; its limit of 2,000 bytes of log becomes one of entries. Pieces are small, so that a snapshot is several.
 */
import { expect, test } from "bun:test";
import { Lab } from "./lab.ts";
import type { Reliability } from "./wiretap.ts";

const every = 10;
const iterations = 30;
/** Kept behind a snapshot, since it was begun, and while it is written. */
const logMax = 4 * every;

const newLab = (seed = 1): Lab =>
  new Lab({
    servers: 3,
    seed,
    snapshots: { everyEntries: every, keptEntriesMax: 2, pieceBytes: 64 },
  });

type Course = {
  readonly victim: "stays" | "is-cut-off" | "crashes";
  readonly network: Reliability;
};

/** The course's `snapcommon`: a follower, or the leader, misses so much that it needs a snapshot. */
function play({ victim: fate, network }: Course): Lab {
  const lab = newLab();
  lab.tap.reliability = network;
  lab.one(lab.command(), 3, "retry");
  let leader = lab.checkOneLeader();
  let longest = 0;
  for (let at = 0; at < iterations; at++) {
    const isLeaders = at % 3 === 1;
    const victim = isLeaders ? leader : leader + 1;
    const sender = isLeaders ? leader + 1 : leader;
    if (fate === "is-cut-off") lab.disconnect(victim);
    if (fate === "crashes") lab.crash(victim);
    if (fate !== "stays") lab.one(lab.command(), 2, "retry");
    const count = every / 2 + lab.random.below(every);
    for (let sent = 0; sent < count; sent++) lab.start(sender, lab.command());
    lab.one(lab.command(), fate === "stays" ? 3 : 2, "retry");
    for (const one of lab.all)
      if (one !== victim % 3) longest = Math.max(longest, lab.logLength(one));
    if (fate === "stays") continue;
    if (fate === "is-cut-off") lab.connect(victim);
    else lab.restart(victim);
    lab.one(lab.command(), 3, "retry");
    leader = lab.checkOneLeader();
  }
  expect(longest).toBeLessThanOrEqual(logMax);
  expect(lab.noted(/has taken a snapshot/)).toBeGreaterThan(iterations);
  return lab;
}

const installed = (lab: Lab): number => lab.noted(/has installed a snapshot/);

test("SnapshotBasic3D: the log stays short, and nobody needs a snapshot", () => {
  const lab = play({ victim: "stays", network: "reliable" });
  expect(installed(lab)).toBe(0);
});

test("SnapshotInstall3D: who was cut off is sent one, and goes on from there", () => {
  expect(installed(play({ victim: "is-cut-off", network: "reliable" }))).toBeGreaterThan(5);
}, 30_000);

test("SnapshotInstallUnreliable3D", () => {
  expect(installed(play({ victim: "is-cut-off", network: "unreliable" }))).toBeGreaterThan(5);
}, 30_000);

test("SnapshotInstallCrash3D: who comes back has forgotten nothing, and is sent what it missed", () => {
  expect(installed(play({ victim: "crashes", network: "reliable" }))).toBeGreaterThan(5);
}, 30_000);

test("SnapshotInstallUnCrash3D", () => {
  expect(installed(play({ victim: "crashes", network: "unreliable" }))).toBeGreaterThan(5);
}, 30_000);

test("SnapshotAllCrash3D: all crash again and again, and the index never falls", () => {
  const lab = newLab();
  lab.one(lab.command(), 3, "retry");
  for (let round = 0; round < 5; round++) {
    const count = every / 2 + lab.random.below(every);
    for (let at = 0; at < count; at++) lab.one(lab.command(), 3, "retry");
    const before = lab.one(lab.command(), 3, "retry");
    for (const at of lab.all) lab.crash(at);
    for (const at of lab.all) lab.restart(at);
    expect(lab.one(lab.command(), 3, "retry")).toBeGreaterThan(before);
  }
});

test("SnapshotInit3D: a snapshot survives two crashes of all, and what was written between them", () => {
  const lab = newLab();
  for (let at = 0; at <= every; at++) lab.one(lab.command(), 3, "retry");
  expect(lab.noted(/has taken a snapshot/)).toBeGreaterThan(0);
  for (let round = 0; round < 2; round++) {
    for (const at of lab.all) lab.crash(at);
    for (const at of lab.all) lab.restart(at);
    lab.one(lab.command(), 3, "retry");
  }
  for (const at of lab.all) expect(lab.server(at).replica?.state.log.base.index).toBeGreaterThan(0);
});
