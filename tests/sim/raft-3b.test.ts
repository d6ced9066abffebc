/**
 * MIT 6.5840, lab 3B: the log. The names are the course's. Its indexes count from the first command; here each
 * leader opens its term with a no-op (§8), so indexes count from where the log stood before. Its RPC is a request
 * with its answer: counted here are the requests that servers send each other, each a datagram.
 */
import { expect, test } from "bun:test";
import { nodeId } from "../../src/base/numbers.ts";
import { datagramLimits } from "../../src/codec/datagram.ts";
import { decodeMessage } from "../../src/codec/message.ts";
import { Lab } from "./lab.ts";

/** The course's idle traffic supposes a heartbeat of 100 ms and elections after a second. */
const courseTiming = { heartbeatMs: 100, electionMsMin: 1000, electionMsMax: 2000 } as const;

test("BasicAgree3B: nothing is applied before it is asked for, and three commands follow each other", () => {
  const lab = new Lab({ servers: 3 });
  const base = lab.lastIndex(lab.checkOneLeader());
  expect(base).toBe(1);
  for (let count = 1; count <= 3; count++) {
    expect(lab.appliedCount(base + count)).toBe(0);
    expect(lab.one(lab.command(), 3, "once")).toBe(base + count);
  }
});

test("RPCBytes3B: ten commands of 5000 bytes go to each follower once", () => {
  const [commands, bytes, servers] = [10, 5000, 3];
  const lab = new Lab({ servers });
  const base = lab.lastIndex(lab.checkOneLeader());
  lab.one(lab.command(99), servers, "once");
  lab.tap.takeCounts();
  for (let count = 1; count <= commands; count++) {
    expect(lab.one(lab.command(bytes), servers, "once")).toBe(base + 1 + count);
  }
  const sent = lab.tap.takeCounts().bytes;
  // The course allows 200,000: the commands three times over, and a command's worth of overhead for each.
  expect(sent).toBeLessThanOrEqual(servers * commands * bytes + 50_000);
  // Ours: to two followers once, and a tenth more for headers, answers and heartbeats together.
  expect(sent).toBeGreaterThan((servers - 1) * commands * bytes);
  expect(sent).toBeLessThan((servers - 1) * commands * bytes * 1.1);
});

test("FollowerFailure3B: two of three agree, one of three does not", () => {
  const lab = new Lab({ servers: 3 });
  lab.checkOneLeader();
  lab.one(lab.command(), 3, "once");
  const first = lab.checkOneLeader();
  lab.disconnect(first + 1);
  lab.one(lab.command(), 2, "once");
  lab.sleep(1000);
  lab.one(lab.command(), 2, "once");

  const second = lab.checkOneLeader();
  lab.disconnect(second + 1, second + 2);
  const started = lab.start(second, lab.command());
  expect(started).not.toBe("not-leader");
  if (started === "not-leader") return;
  lab.sleep(2000);
  expect(lab.appliedCount(started.index)).toBe(0);
});

test("LeaderFailure3B: two of three go on without their leader, the last one does not", () => {
  const lab = new Lab({ servers: 3 });
  lab.checkOneLeader();
  lab.one(lab.command(), 3, "once");
  lab.disconnect(lab.checkOneLeader());
  lab.one(lab.command(), 2, "retry");
  lab.sleep(1000);
  lab.one(lab.command(), 2, "once");

  const second = lab.checkOneLeader();
  const base = lab.lastIndex(second);
  lab.disconnect(second);
  for (const at of lab.all) lab.start(at, lab.command());
  lab.sleep(2000);
  expect(lab.appliedCount(base + 1)).toBe(0);
});

test("FailAgree3B: a follower that was off catches up when it is back", () => {
  const lab = new Lab({ servers: 3 });
  lab.checkOneLeader();
  lab.one(lab.command(), 3, "once");
  const follower = lab.checkOneLeader() + 1;
  lab.disconnect(follower);
  for (let count = 0; count < 2; count++) lab.one(lab.command(), 2, "once");
  lab.sleep(1000);
  for (let count = 0; count < 2; count++) lab.one(lab.command(), 2, "once");
  lab.connect(follower);
  lab.one(lab.command(), 3, "retry");
  lab.sleep(1000);
  lab.one(lab.command(), 3, "retry");
});

test("FailNoAgree3B: with three of five off nothing is agreed, and what was tried is settled afterwards", () => {
  const lab = new Lab({ servers: 5 });
  lab.checkOneLeader();
  lab.one(lab.command(), 5, "once");
  const leader = lab.checkOneLeader();
  const base = lab.lastIndex(leader);
  lab.disconnect(leader + 1, leader + 2, leader + 3);
  const started = lab.start(leader, lab.command());
  if (started === "not-leader") throw new Error("the leader takes a command");
  expect(started.index).toBe(base + 1);
  lab.sleep(2000);
  expect(lab.appliedCount(started.index)).toBe(0);

  lab.connect(leader + 1, leader + 2, leader + 3);
  const second = lab.checkOneLeader();
  const after = lab.start(second, lab.command());
  if (after === "not-leader") throw new Error("the leader takes a command");
  // In the course index 2 or 3: the command that was tried has gone or stayed. A no-op of each new leader is ours.
  expect(after.index).toBeGreaterThanOrEqual(base + 2);
  expect(after.index).toBeLessThanOrEqual(base + 4);
  lab.one(lab.command(), 5, "retry");
});

test("ConcurrentStarts3B: five commands at once in one term all stand in the log", () => {
  const lab = new Lab({ servers: 3 });
  const leader = lab.checkOneLeader();
  const term = lab.termOf(leader);
  const commands = Array.from({ length: 5 }, () => lab.command());
  const started = commands.map((command) => lab.start(leader, command));
  for (const one of started) expect(one).toMatchObject({ term });
  const indexes = started.map((one) => (one === "not-leader" ? 0 : one.index));
  expect(new Set(indexes).size).toBe(5);
  // The course tries five times because terms may move meanwhile; without faults they do not.
  for (const index of indexes) lab.wait(index, 3);
  for (const [at, index] of indexes.entries()) expect(lab.holds(index, commands[at]!)).toBe(true);
  expect(lab.termOf(leader)).toBe(term);
});

test("Rejoin3B: a leader that was cut off with three commands of its own gives them up", () => {
  const lab = new Lab({ servers: 3 });
  lab.checkOneLeader();
  lab.one(lab.command(), 3, "retry");
  const first = lab.checkOneLeader();
  lab.disconnect(first);
  const lost = Array.from({ length: 3 }, () => lab.command());
  for (const command of lost) expect(lab.start(first, command)).not.toBe("not-leader");
  lab.one(lab.command(), 2, "retry");

  const second = lab.checkOneLeader();
  lab.disconnect(second);
  lab.connect(first);
  lab.one(lab.command(), 2, "retry");
  lab.connect(second);
  const last = lab.one(lab.command(), 3, "retry");
  for (let index = 1; index <= last; index++) {
    for (const command of lost) expect(lab.holds(index, command)).toBe(false);
  }
});

test("Backup3B: leaders with fifty entries that nobody else has come and go, and logs are repaired quickly", () => {
  const lab = new Lab({ servers: 5 });
  const refusals = countRefusals(lab);
  const commands = (count: number) => Array.from({ length: count }, () => lab.command());
  lab.checkOneLeader();
  lab.one(lab.command(), 5, "retry");

  // 50 that cannot be agreed on, in a minority of the leader and one more.
  const first = lab.checkOneLeader();
  lab.disconnect(first + 2, first + 3, first + 4);
  for (const command of commands(50)) lab.start(first, command);
  lab.sleep(500);
  lab.disconnect(first, first + 1);
  lab.connect(first + 2, first + 3, first + 4);
  for (const command of commands(50)) lab.one(command, 3, "retry");

  // 50 more that cannot: the second leader and one other.
  const second = lab.checkOneLeader();
  const other = (first + 2) % 5 === second ? (second + 1) % 5 : (first + 2) % 5;
  lab.disconnect(other);
  // Two servers left of five: nothing more is agreed.
  for (const at of lab.all)
    if (at !== second && at !== other && lab.isConnected(at)) lab.disconnect(at);
  for (const command of commands(50)) lab.start(second, command);
  lab.sleep(500);

  // Those with the first fifty come back, and one of the second majority: it has to bring all into line.
  lab.disconnect(...lab.all);
  lab.connect(first, first + 1, other);
  for (const command of commands(50)) lab.one(command, 3, "retry");
  lab.connect(...lab.all);
  lab.one(lab.command(), 5, "retry");
  // One refusal for a term in conflict, not one for an entry: entry by entry it would be hundreds.
  expect(refusals()).toBeLessThan(30);
});

/** How many appends did not fit. */
function countRefusals(lab: Lab): () => number {
  let refusals = 0;
  lab.tap.onSend = (kind, bytes) => {
    if (kind !== "append-response") return;
    const body = bytes.subarray(datagramLimits.headerBytes);
    const message = decodeMessage(kind, body, { from: nodeId(1), to: nodeId(2) });
    if (message?.kind === "append-response" && message.answer.kind === "mismatched") refusals += 1;
  };
  return () => refusals;
}

test("Count3B: elections, agreement and idleness cost few messages", () => {
  const lab = new Lab({ servers: 3, timing: courseTiming });
  const leader = lab.checkOneLeader();
  const election = lab.tap.takeCounts().requests;
  expect(election).toBeGreaterThanOrEqual(1);
  expect(election).toBeLessThanOrEqual(30);

  const commands = Array.from({ length: 12 }, () => lab.command());
  const started = commands.map((command) => lab.start(leader, command));
  for (const one of started) if (one !== "not-leader") lab.wait(one.index, 3);
  // Eleven commands after the first: (10 + 1 + 3) * 3 in the course.
  expect(lab.tap.takeCounts().requests).toBeLessThanOrEqual((10 + 1 + 3) * 3);

  lab.sleep(1000);
  lab.tap.takeCounts();
  lab.sleep(1000);
  const idle = lab.tap.takeCounts();
  expect(idle.requests).toBeLessThanOrEqual(3 * 20);
  // Stricter: requests and answers together; all of them heartbeats, and the hash of the store to each follower once.
  expect(idle.datagrams).toBeLessThanOrEqual(60);
  const beats = idle.of("heartbeat") + idle.of("heartbeat-response");
  expect(idle.of("store-hash")).toBeLessThanOrEqual(2);
  expect(idle.datagrams).toBe(beats + idle.of("store-hash"));
});

test("Count3B with the program's own timing: sixty requests in an idle second are not passed either", () => {
  const lab = new Lab({ servers: 3 });
  lab.checkOneLeader();
  lab.sleep(1000);
  lab.tap.takeCounts();
  lab.sleep(1000);
  expect(lab.tap.takeCounts().requests).toBeLessThanOrEqual(60);
});
