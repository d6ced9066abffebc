/** What nodes say about themselves, put together and printed: the shapes of docs/cli.md. */
import { describe, expect, test } from "bun:test";
import { OperatorError } from "../../../src/base/error.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { refuseWithoutQuorum } from "../../../src/cli/cluster/status.ts";
import { statusResult } from "../../../src/cli/cluster/status-view.ts";
import { plain } from "../../../src/cli/paint.ts";
import type { StatusAnswer } from "../../../src/runtime/ask.ts";
import {
  addressesIn,
  clusterStatus,
  parseNodeStatus,
  reportOf,
} from "../../../src/runtime/cluster-status.ts";
import { print } from "../../../src/sexp/print.ts";

const says = (id: number, rest: string): StatusAnswer => ({
  kind: "answered",
  ms: 1,
  text:
    `(node ${id} ${rest} (commit 42) (durable 45) (log (first 1) (last 45)) ` +
    "(members (voters 1 2 3)) (applied 41))",
});
const leads = (id: number, term = 7) => says(id, `(role leader) (term ${term}) (leader ${id})`);
const follows = (id: number, leader: number | "none", term = 7) =>
  says(id, `(role follower) (term ${term}) (leader ${leader})`);
const refused: StatusAnswer = { kind: "refused" };
const silent: StatusAnswer = { kind: "silent", ms: 500 };

const cluster = (...answers: StatusAnswer[]) =>
  clusterStatus(
    answers.map((answer, at) => {
      const id = nodeId(at + 1);
      return reportOf(
        { id, pid: 4711 + at, address: { host: "127.0.0.1", port: 7101 + at } },
        answer,
      );
    }),
  );
const shown = (...answers: StatusAnswer[]) =>
  statusResult({ status: cluster(...answers), clusterId: 0xabc, paint: plain });

describe("a node's description", () => {
  test("is read from its s-expression, whatever else stands in it", () => {
    const text = `(node 3 (role follower) (term 2) (voted-for none) (leader 1) (commit 5) (applied 4)
      (log (first 1) (last 6)) (members (voters 1 2 3) (learners 4)) (counters (sent 9)) (new-thing))`;
    expect(parseNodeStatus(text)).toEqual({
      id: nodeId(3),
      role: "follower",
      term: 2,
      commit: 5,
      applied: 4,
      last: 6,
      snapshot: 0,
      leader: 1,
      members: { voters: [1, 2, 3], outgoing: [], learners: [4], state: "settled" },
      matches: new Map(),
    });
  });

  test("of a leader says how far the others are, and what is changing", () => {
    const text = `(node 1 (role leader) (term 2) (commit 5) (log (first 1) (last 6))
      (members (voters 1 2 4) (outgoing 1 2 3)) (changing (since 6))
      (followers (2 (match 6) (next 7)) (4 (match 3) (next 4))))`;
    expect(parseNodeStatus(text)).toMatchObject({
      members: { voters: [1, 2, 4], outgoing: [1, 2, 3], learners: [], state: "changing" },
      matches: new Map([
        [2, 6],
        [4, 3],
      ]),
    });
  });

  test("says where the members are, as far as the log does", () => {
    const text = `(node 1 (role leader) (members (voters 1 2)
      (places (1 none "00000000000b") (2 "10.0.0.2:7101" "000000000016"))))`;
    expect(addressesIn(text)).toEqual([{ host: "10.0.0.2", port: 7101 }]);
    expect(addressesIn("(node 1 (members (voters 1)))")).toEqual([]);
    expect(addressesIn("(")).toEqual([]);
  });

  test.each(["", "(", "(node)", "(node 0)", '(node 1 (role leader) (term "x"))', "(cat 1)", "7"])(
    "%p is none",
    (text) => {
      expect(parseNodeStatus(text)).toBeNull();
    },
  );
});

describe("a quorum", () => {
  test("is a leader and a majority that follows it in its term", () => {
    expect(cluster(leads(1), follows(2, 1), refused)).toMatchObject({
      leader: nodeId(1),
      term: 7,
      quorum: "quorum",
    });
  });

  test("is not a leader whose followers are gone, or in another term, or follow nobody", () => {
    expect(cluster(leads(1), refused, silent).quorum).toBe("no-quorum");
    expect(cluster(leads(1), follows(2, 2, 8), follows(3, 2, 8)).quorum).toBe("no-quorum");
    expect(cluster(leads(1), follows(2, "none"), follows(3, "none")).quorum).toBe("no-quorum");
    expect(cluster(leads(1, 7), follows(2, 1, 6), refused).quorum).toBe("no-quorum");
  });

  test("during a change of voters is one in both groups", () => {
    const joint = (id: number): StatusAnswer => ({
      ...{ kind: "answered", ms: 1 },
      text: `(node ${id} (role leader) (term 7) (leader ${id}) (commit 4) (log (first 1) (last 5))
        (members (voters 1 4 5) (outgoing 1 2 3)) (changing (since 5)))`,
    });
    const [two, four] = [follows(2, 1), follows(4, 1)];
    expect(cluster(joint(1), two, refused, four).quorum).toBe("quorum");
    expect(cluster(joint(1), two, refused, refused).quorum).toBe("no-quorum");
    expect(cluster(joint(1), refused, refused, four).quorum).toBe("no-quorum");
    expect(shown(joint(1), two, refused, four).text()).toContain(
      "3 of 4 nodes answer, voters 1 2 3 become 1 4 5\n",
    );
  });

  test("is with the newer of two leaders", () => {
    const status = cluster(leads(1, 7), leads(2, 8), follows(3, 2, 8));
    expect(status).toMatchObject({ leader: nodeId(2), term: 8, quorum: "quorum" });
  });

  test("has no leader to name where nobody leads", () => {
    expect(cluster(follows(1, "none"), follows(2, "none"), silent).leader).toBeNull();
  });
});

test("the JSON is the contract's", () => {
  expect(shown(leads(1), follows(2, 1), refused).json()).toEqual({
    cluster: "000000000abc",
    leader: nodeId(1),
    term: 7,
    quorum: true,
    members: { voters: [1, 2, 3], outgoing: [], learners: [], changing: false },
    nodes: [
      {
        id: nodeId(1),
        address: "127.0.0.1:7101",
        pid: 4711,
        reachable: true,
        role: "leader",
        member: "voter",
        term: 7,
        commit: 42,
        applied: 41,
        last: 45,
        snapshot: 0,
        error: null,
      },
      {
        id: nodeId(2),
        address: "127.0.0.1:7102",
        pid: 4712,
        reachable: true,
        role: "follower",
        member: "voter",
        term: 7,
        commit: 42,
        applied: 41,
        last: 45,
        snapshot: 0,
        error: null,
      },
      {
        id: nodeId(3),
        address: "127.0.0.1:7103",
        pid: 4713,
        reachable: false,
        role: null,
        member: "voter",
        term: null,
        commit: null,
        applied: null,
        last: null,
        snapshot: null,
        error: "nobody listens there",
      },
    ],
  });
});

test("the text is a table for people", () => {
  expect(shown(leads(1), follows(2, 1), silent).text()).toBe(
    `cluster 000000000abc: leader node1, term 7, quorum, 2 of 3 nodes answer
node   address         pid   role      term  commit  applied  last
node1  127.0.0.1:7101  4711  leader    7     42      41       45
node2  127.0.0.1:7102  4712  follower  7     42      41       45
node3  127.0.0.1:7103  4713  silent for 500 ms`,
  );
});

test("the s-expression says the same", () => {
  expect(print(shown(leads(1), refused).sexpr())).toBe(
    '(cluster (id "000000000abc") (leader 1) (term 7) (quorum no) (members (voters 1 2 3)) ' +
      '(node 1 (address "127.0.0.1:7101") (pid 4711) (role leader) (term 7) (commit 42) ' +
      "(applied 41) (last 45) (snapshot 0)) " +
      '(node 2 (address "127.0.0.1:7102") (pid 4712) (error "nobody listens there")))',
  );
});

test("another node at an address is not taken for the one that should be there", () => {
  const [first] = cluster(follows(2, 1)).nodes;
  expect(first).toMatchObject({ status: null, error: "node2 answers there" });
});

test("the exit code is 3 when nobody answers, 4 without a quorum, and none with one", () => {
  const target = { nodes: [], clusterId: 0, clientKey: null, source: "a test" };
  const exitOf = (...answers: StatusAnswer[]): number => {
    try {
      refuseWithoutQuorum(cluster(...answers), target);
      return 0;
    } catch (error) {
      return error instanceof OperatorError ? error.parts.exit : -1;
    }
  };
  expect(exitOf(refused, silent, refused)).toBe(3);
  expect(exitOf(follows(1, "none"), silent, refused)).toBe(4);
  expect(exitOf(leads(1), follows(2, 1), refused)).toBe(0);
});
