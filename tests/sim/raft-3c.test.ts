/**
 * MIT 6.5840, lab 3C: crashes and bad networks. The names are the course's. Its crashed server keeps all that it
 * had written; here the power goes, and of what was not synced chance leaves what it likes.
 */
import { expect, test } from "bun:test";
import { type ChurnClient, churnClients } from "./churn.ts";
import { Lab } from "./lab.ts";

function restartAll(lab: Lab): void {
  for (const at of lab.all) if (lab.isUp(at)) lab.crash(at);
  for (const at of lab.all) lab.restart(at);
}

test("Persist13C: all crash, a leader crashes, a follower crashes, and nothing agreed is lost", () => {
  const lab = new Lab({ servers: 3 });
  lab.one(lab.command(), 3, "retry");
  restartAll(lab);
  lab.one(lab.command(), 3, "retry");

  const first = lab.checkOneLeader();
  lab.crash(first);
  lab.restart(first);
  lab.one(lab.command(), 3, "retry");

  const second = lab.checkOneLeader();
  lab.crash(second);
  const while1 = lab.one(lab.command(), 2, "retry");
  lab.restart(second);
  lab.wait(while1, 3);

  const third = lab.checkOneLeader() + 1;
  lab.crash(third);
  lab.one(lab.command(), 2, "retry");
  lab.restart(third);
  lab.one(lab.command(), 3, "retry");
});

test("Persist23C: rolling crashes, five rounds", () => {
  const lab = new Lab({ servers: 5 });
  for (let round = 0; round < 5; round++) {
    lab.one(lab.command(), 5, "retry");
    const leader = lab.checkOneLeader();
    lab.crash(leader + 1);
    lab.crash(leader + 2);
    lab.one(lab.command(), 3, "retry");
    for (const at of [0, 3, 4]) lab.crash(leader + at);
    lab.restart(leader + 1);
    lab.restart(leader + 2);
    lab.sleep(1000);
    lab.restart(leader + 3);
    lab.one(lab.command(), 3, "retry");
    lab.restart(leader + 4);
    lab.restart(leader);
  }
  lab.one(lab.command(), 5, "retry");
});

test("Persist33C: a partitioned leader and a follower crash, the leader's partition comes back first", () => {
  const lab = new Lab({ servers: 3 });
  lab.one(lab.command(), 3, "retry");
  const leader = lab.checkOneLeader();
  lab.disconnect(leader + 2);
  lab.one(lab.command(), 2, "retry");
  lab.crash(leader);
  lab.crash(leader + 1);
  lab.connect(leader + 2);
  lab.restart(leader);
  lab.one(lab.command(), 2, "retry");
  lab.restart(leader + 1);
  lab.one(lab.command(), 3, "retry");
});

/** Mostly a few milliseconds, at times up to half a second: around as long as an agreement takes. */
function pauseBriefly(lab: Lab): void {
  lab.sleep(lab.random.below(10) === 0 ? lab.random.below(500) : lab.random.below(13));
}

function newestLeader(lab: Lab): number | null {
  let leader: number | null = null;
  for (const at of lab.all) {
    if (lab.isUp(at) && lab.start(at, lab.command()) !== "not-leader") leader = at;
  }
  return leader;
}

test("Figure83C: a thousand times a leader takes a command and crashes before or after it is agreed", () => {
  const lab = new Lab({ servers: 5 });
  lab.one(lab.command(), 1, "retry");
  let crashes = 0;
  for (let round = 0; round < 1000; round++) {
    const leader = newestLeader(lab);
    pauseBriefly(lab);
    if (leader !== null) {
      lab.crash(leader);
      crashes += 1;
    }
    if (lab.all.filter((at) => lab.isUp(at)).length >= 3) continue;
    const at = lab.random.below(5);
    if (!lab.isUp(at)) lab.restart(at);
  }
  for (const at of lab.all) if (!lab.isUp(at)) lab.restart(at);
  lab.one(lab.command(), 5, "retry");
  expect(crashes).toBeGreaterThan(10);
}, 60_000);

test("UnreliableAgree3C: a tenth of all requests and answers is lost, and five commands at a time are agreed on", () => {
  const lab = new Lab({ servers: 5 });
  lab.tap.reliability = "unreliable";
  for (let round = 1; round < 50; round++) {
    lab.agree(
      Array.from({ length: 5 }, () => lab.command()),
      1,
      "retry",
    );
  }
  lab.tap.reliability = "reliable";
  lab.one(lab.command(), 5, "retry");
}, 60_000);

test("Figure8Unreliable3C: leaders are cut off, and answers come seconds late", () => {
  const lab = new Lab({ servers: 5 });
  lab.tap.reliability = "unreliable";
  lab.one(lab.command(), 1, "retry");
  let cut = 0;
  // The course makes 1000 rounds. With pre-vote two rounds of questions have to get through, so leaders are rarer.
  for (let round = 0; round < 4000; round++) {
    if (round === 200) lab.tap.reliability = "unreliable-long-reordering";
    const leader = newestLeader(lab);
    pauseBriefly(lab);
    if (leader !== null && lab.isConnected(leader) && lab.random.below(2) === 0) {
      lab.disconnect(leader);
      cut += 1;
    }
    if (lab.all.filter((at) => lab.isConnected(at)).length < 3) lab.connect(lab.random.below(5));
  }
  lab.connect(...lab.all);
  // Ten seconds, while two of three answers are still up to 2.2 s late.
  lab.one(lab.command(), 5, "retry");
  expect(cut).toBeGreaterThan(10);
}, 60_000);

/** Twenty times 700 ms: servers go off, crash and come back, while three clients hand in commands. */
function churn(reliability: "reliable" | "unreliable"): void {
  const lab = new Lab({ servers: 5 });
  lab.tap.reliability = reliability;
  const clients = churnClients(lab, 3);
  for (let round = 0; round < 20; round++) {
    if (lab.random.below(1000) < 200) lab.disconnect(lab.random.below(5));
    if (lab.random.below(1000) < 500) {
      const at = lab.random.below(5);
      if (!lab.isUp(at)) lab.restart(at);
      lab.connect(at);
    }
    if (lab.random.below(1000) < 200) {
      const at = lab.random.below(5);
      if (lab.isUp(at)) lab.crash(at);
    }
    work(lab, clients, 700);
  }
  lab.sleep(1000);
  lab.tap.reliability = "reliable";
  for (const at of lab.all) {
    if (!lab.isUp(at)) lab.restart(at);
    lab.connect(at);
  }
  lab.one(lab.command(), 5, "retry");
  const agreed = clients.flatMap((client) => client.agreed);
  expect(agreed.length).toBeGreaterThan(20);
  // The lab has seen to it that nothing else was ever applied at these indexes.
  for (const { index, command } of agreed) expect(lab.holds(index, command)).toBe(true);
}

function work(lab: Lab, clients: readonly ChurnClient[], ms: number): void {
  for (let passed = 0; passed < ms; passed += 10) {
    for (const client of clients) client.work();
    lab.sleep(10);
  }
}

test("ReliableChurn3C: whatever a client saw agreed on stays", () => churn("reliable"), 60_000);

test(
  "UnreliableChurn3C: the same on a network that loses a tenth",
  () => churn("unreliable"),
  60_000,
);
