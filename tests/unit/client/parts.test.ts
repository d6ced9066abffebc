/** The parts of the client half by themselves. */
import { expect, test } from "bun:test";
import { type Millis, millis, nodeId } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { explainNodes } from "../../../src/client/explain.ts";
import { LeaderFinder } from "../../../src/client/finder.ts";
import { Nodes } from "../../../src/client/nodes.ts";
import {
  type Contact,
  formatRequestId,
  type NodeReport,
  parseRequestId,
} from "../../../src/client/request.ts";
import { isInDoubt, Requests } from "../../../src/client/requests.ts";
import { RoundTrips } from "../../../src/client/round-trip.ts";
import { ClientSession } from "../../../src/client/session.ts";
import { limits, timing } from "../../../src/client/timing.ts";

const at = (ms: number): Millis => millis(ms);

test("a request id is printed and read back, and nothing else is one", () => {
  expect(formatRequestId({ session: 12, sequence: 3 })).toBe("12-3");
  expect(parseRequestId("12-3")).toEqual({ session: 12, sequence: 3 });
  for (const text of [
    "",
    "12",
    "0-1",
    "1-0",
    "-1-2",
    "1-2-3",
    " 1-2",
    "1.5-2",
    "1-9999999999999999",
  ]) {
    expect(parseRequestId(text)).toBeNull();
  }
});

test("the wait for an answer follows the round trips, within its bounds", () => {
  const trips = new RoundTrips();
  expect(trips.answerMs()).toBe(timing.answerMsFirst);
  for (let count = 0; count < 100; count++) trips.measured(0.1);
  expect(trips.answerMs()).toBe(timing.answerMsMin);
  for (let count = 0; count < 200; count++) trips.measured(300);
  expect(trips.answerMs()).toBeGreaterThan(299);
  expect(trips.answerMs()).toBeLessThan(400);
  for (let count = 0; count < 100; count++) trips.measured(5_000);
  expect(trips.answerMs()).toBe(timing.answerMsMax);
});

test("a try that is too old to be kept may yet have its effect, whatever the others say", () => {
  const requests = new Requests(seededRandom(1));
  const node = new Nodes([{ id: nodeId(1), address: { host: "10.0.0.1", port: 1 } }]).all[0]!;
  const operation = { kind: "delete", key: "k" } as const;
  const parts = { deadline: at(1e6), requestId: null, earlier: "harmless" } as const;
  const pending = requests.add({ ...parts, work: { kind: "command", operation } }, at(0));
  const tries = Array.from({ length: limits.triesOpenMax + 1 }, () =>
    requests.open(pending, { node, sentAt: at(0), move: 0 }),
  );
  expect(requests.answered(tries[0]!.id)).toBeNull();
  for (const one of tries.slice(1)) expect(requests.answered(one.id)).toBe(one);
  expect(isInDoubt(pending)).toBe(true);
});

test("a session acknowledges up to the first write that is not settled", () => {
  const session = new ClientSession(9, at(0));
  const [one, two, three] = [0, 0, 0].map(() => session.nextSequence(at(0)));
  expect([one, two, three]).toEqual([1, 2, 3]);
  session.settle(2);
  expect(session.acknowledged).toBe(1);
  session.settle(1);
  expect(session.acknowledged).toBe(3);
});

test("a session with a full window waits for an answer, but not for one that was given up", () => {
  const session = new ClientSession(9, at(0), { window: 2, idleMsMax: 1000 });
  session.nextSequence(at(0));
  session.nextSequence(at(0));
  expect(session.state(at(0))).toBe("full");
  session.settle(2);
  expect(session.state(at(0))).toBe("full");
  session.leave(1);
  expect(session.state(at(0))).toBe("used-up");
  session.recover(1);
  expect(session.state(at(0))).toBe("open");
});

function finderOf(count: number): { nodes: Nodes; finder: LeaderFinder } {
  const addresses = Array.from({ length: count }, (_, one) => ({
    id: nodeId(one + 1),
    address: { host: `10.0.0.${one + 1}`, port: 7101 },
  }));
  const nodes = new Nodes(addresses);
  return { nodes, finder: new LeaderFinder(nodes, seededRandom(1)) };
}

test("a thousand redirections from one move are one redirection", () => {
  const { nodes, finder } = finderOf(3);
  const { move } = finder;
  for (let count = 0; count < 1_000; count++) finder.redirected(move, null, at(0));
  expect(finder.move).toBe(move + 1);
  expect(finder.resumeAt).toBeLessThanOrEqual(timing.pauseMsMin);
  const hint = nodes.all.find((node) => node !== finder.target) ?? null;
  finder.redirected(finder.move, hint, at(100));
  expect(finder.target.id).toBe(hint?.id ?? null);
});

test("a confirmation that is older than the last move confirms nothing", () => {
  const { finder } = finderOf(3);
  const { move } = finder;
  finder.redirected(move, null, at(0));
  finder.confirmed(move);
  expect(finder.confidence).toBe("guess");
  finder.confirmed(finder.move);
  expect(finder.confidence).toBe("confirmed");
});

test("every node has its turn, also when all of them point to one that is down", () => {
  const { nodes, finder } = finderOf(5);
  const down = nodes.all[2] ?? finder.target;
  const asked = new Set<number>();
  let now = 0;
  for (let step = 0; step < 20; step++) {
    now += 100;
    if (finder.target === down) {
      nodes.suspect(down, at(now));
      finder.silent(down, at(now));
    } else {
      asked.add(finder.target.number);
      finder.redirected(finder.move, down, at(now));
    }
  }
  expect([...asked].sort()).toEqual([0, 1, 3, 4]);
});

test("one missed try is excused, two are a node that is down, and a batch counts once", () => {
  const { nodes } = finderOf(2);
  const node = nodes.all[0];
  if (node === undefined) throw new Error("two nodes");
  nodes.heard(node, nodeId(1), at(0));
  for (let count = 0; count < 50; count++)
    expect(nodes.missed(node, at(1), at(101))).toBe("excused");
  expect(nodes.missed(node, at(102), at(202))).toBe("suspect");
  nodes.heard(node, nodeId(1), at(203));
  expect(nodes.after(node, at(203)).number).toBe(1);
  expect(nodes.missed(node, at(204), at(304))).toBe("excused");
});

const report = (id: number, contact: Contact): NodeReport => ({
  id: nodeId(id),
  address: { host: "127.0.0.1", port: 7100 + id },
  contact,
});

test("the operator reads who answered what, and who did not", () => {
  const nodes = [
    report(1, { kind: "answered", said: { kind: "follows", leader: nodeId(3) } }),
    report(2, { kind: "refused" }),
    report(3, { kind: "silent", forMs: 900 }),
    report(4, { kind: "answered", said: { kind: "knows-no-leader" } }),
    report(5, { kind: "silent", forMs: 2_100 }),
  ];
  expect(explainNodes(nodes)).toBe(
    "2 of 5 nodes answered and 3 are needed " +
      "(1 follows 3; 2 refused; 3, 5 silent for 2 s; 4 knows no leader)",
  );
  const unnamed = { ...report(1, { kind: "not-asked" }), id: null };
  expect(explainNodes([unnamed])).toBe(
    "0 of 1 node answered and 1 is needed (127.0.0.1:7101 not asked)",
  );
});
