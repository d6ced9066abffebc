/** Who ends leases, when, and what a leader that slept may not do (P30, U6). */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, nodeId, term } from "../../../src/base/numbers.ts";
import type { ClientRequest } from "../../../src/codec/client-message.ts";
import { decodeCommand } from "../../../src/codec/command.ts";
import type { Command, Operation } from "../../../src/kv/command.ts";
import type { Message } from "../../../src/raft/message.ts";
import { timeMarkMs } from "../../../src/replica/expiry.ts";
import { LoneReplica, type Said, write } from "../../harness/lone-replica.ts";

const [one, two] = [nodeId(1), nodeId(2)];
const stepMs = 50;

const request = (sequence: number, operation: Operation): ClientRequest =>
  write(sequence, {
    ...{ kind: "request", session: 2, sequence, acknowledged: 1 },
    operation,
  });

const putFor = (sequence: number, ttlMs: number): ClientRequest =>
  request(sequence, {
    ...{ kind: "put-leased", key: "k", value: utf8("v"), condition: { kind: "always" } },
    tenure: { kind: "own", ttlMs },
  });

const matched = (replica: LoneReplica): Message => ({
  ...{ kind: "append-response", from: two, to: one, term: replica.replica.state.term },
  answer: { kind: "matched", index: replica.replica.state.log.lastIndex },
});

const answered = ({ replica }: LoneReplica): Message => {
  const { role, log } = replica.state;
  const round = role.kind === "leader" ? role.round : 0;
  const common = { kind: "heartbeat-response", from: two, to: one } as const;
  return { ...common, term: replica.state.term, round, last: log.lastIndex };
};

/** n2 has everything, and the own disk too. */
function commitAll(replica: LoneReplica): Said {
  replica.finishSyncs();
  return replica.hear(matched(replica));
}

/** Time passes, in steps shorter than a heartbeat, while n2 answers. */
function pass(replica: LoneReplica, ms: number): void {
  for (let passed = 0; passed < ms; passed += stepMs) {
    replica.wait(Math.min(stepMs, ms - passed));
    replica.hear(answered(replica));
  }
}

/** A leader of three with a session, index 2, and a key for 500 ms, index 3; all of it applied. */
function leaderWithLease(): LoneReplica {
  const replica = new LoneReplica();
  replica.lead();
  replica.ask(write(1, { kind: "register", nonce: 1 }));
  replica.ask(putFor(1, 500));
  commitAll(replica);
  expect([...replica.replica.store.leases.byId.keys()]).toEqual([3]);
  return replica;
}

const commandAt = ({ replica }: LoneReplica, index: number): Command | null => {
  const entry = replica.state.log.at(logIndex(index));
  return entry.kind === "command" ? decodeCommand(entry.body) : null;
};

describe("a leader", () => {
  test("ends a lease by an entry of the log when its time is up, and not before", () => {
    const replica = leaderWithLease();
    pass(replica, 450);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
    // It asks to be woken for the deadline, if nothing comes before: heartbeats are 60 ms apart.
    replica.wait(10);
    expect(Number(replica.last?.wakeAt)).toBeLessThanOrEqual(1200 + 500);
    pass(replica, 40);
    expect(commandAt(replica, 4)).toEqual({ kind: "expire", leases: [3] });
    expect(replica.replica.store.values.has("k")).toBe(true);
    commitAll(replica);
    expect(replica.replica.store.values.has("k")).toBe(false);
  });

  test("is woken at the deadline itself where that comes before the next heartbeat", () => {
    const replica = leaderWithLease();
    pass(replica, 490);
    const { role } = replica.replica.state;
    if (role.kind !== "leader") throw new Error("it leads");
    expect(Number(replica.last?.wakeAt) - Number(replica.replica.state.now)).toBe(500 - role.time);
  });

  test("proposes one expiry at a time, however long that takes", () => {
    const replica = leaderWithLease();
    pass(replica, 800);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(4));
    commitAll(replica);
    pass(replica, 800);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(4));
  });

  test("lets a keep-alive win that stands before the expiry, though nobody had it when that was proposed", () => {
    const replica = leaderWithLease();
    pass(replica, 490);
    replica.ask(request(2, { kind: "lease-keep-alive", lease: 3 }));
    pass(replica, 50);
    expect(commandAt(replica, 5)).toEqual({ kind: "expire", leases: [3] });
    commitAll(replica);
    expect(replica.replica.applied).toBe(logIndex(5));
    expect(replica.replica.store.values.has("k")).toBe(true);
  });

  test("that slept ends nothing: it has no quorum when it wakes", () => {
    const replica = leaderWithLease();
    replica.wait(60_000);
    expect(replica.replica.state.role.kind).toBe("follower");
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
  });

  test("whose clock jumps does not make a lease shorter by the jump", () => {
    const replica = leaderWithLease();
    // n2's answer arrives in the same batch, so it goes on leading.
    replica.wait(500);
    replica.hear(answered(replica));
    expect(replica.replica.state.role.kind).toBe("leader");
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
    // A jump counts for two heartbeats; the rest of the 500 ms is still to come.
    pass(replica, 350);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
    pass(replica, 50);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(4));
  });

  test("whose disk does not answer ends nothing", () => {
    const replica = leaderWithLease();
    // A sync that never ends begins here; n2 takes the entry, and time goes on.
    replica.ask(request(2, { kind: "noop" }));
    replica.hear(matched(replica));
    expect(replica.syncsUnderWay).toBe(1);
    pass(replica, 450);
    replica.ask(request(3, { kind: "lease-keep-alive", lease: 3 }));
    replica.hear(matched(replica));
    pass(replica, 2000);
    expect(replica.replica.state.role.kind).toBe("follower");
    const { log } = replica.replica.state;
    const last = commandAt(replica, log.lastIndex);
    // What it proposed before it gave up stands after the keep-alive, and its own disk holds none of it.
    expect(last?.kind === "expire" || last?.kind === "request").toBe(true);
    expect(replica.replica.store.leases.byId.size).toBe(1);
  });

  test("that is new ends nothing before it has applied what was committed before its term", () => {
    const replica = leaderWithLease();
    pass(replica, 400);
    replica.ask(request(2, { kind: "lease-keep-alive", lease: 3 }));
    replica.finishSyncs();
    // It loses its leadership before the keep-alive is committed, and wins it back.
    replica.wait(700);
    replica.lead();
    pass(replica, 400);
    expect(replica.replica.state.commit).toBe(logIndex(3));
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(5));
    commitAll(replica);
    pass(replica, 50);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(5));
    expect(replica.replica.store.leases.byId.size).toBe(1);
  });

  test("marks the time while there are leases and nobody writes", () => {
    const replica = new LoneReplica();
    replica.lead();
    replica.ask(write(1, { kind: "register", nonce: 1 }));
    replica.ask(putFor(1, 3_600_000));
    commitAll(replica);
    pass(replica, timeMarkMs - stepMs);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
    pass(replica, stepMs);
    expect(commandAt(replica, 4)).toEqual({ kind: "expire", leases: [] });
    commitAll(replica);
    pass(replica, timeMarkMs - 2 * stepMs);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(4));
  });
});

test("an expiry is nothing that a client may ask for", () => {
  const replica = leaderWithLease();
  const { responses } = replica.ask(write(9, { kind: "expire", leases: [3] }));
  expect(responses).toEqual([{ id: 9, outcome: { kind: "refused", because: "malformed" } }]);
  expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
});

test("a follower ends nothing, however long it waits", () => {
  const replica = leaderWithLease();
  const { state } = replica.replica;
  const newer = term(state.term + 1);
  const heartbeat = { kind: "heartbeat", from: two, to: one, term: newer, round: 1 } as const;
  for (let at = 0; at < 40; at++) {
    replica.wait(stepMs);
    replica.hear({ ...heartbeat, commit: logIndex(3) });
    replica.finishSyncs();
  }
  expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
  expect(replica.replica.store.values.has("k")).toBe(true);
});

test("a list of leases says what time it is where the leader stands", () => {
  const replica = leaderWithLease();
  pass(replica, 300);
  const operation = { kind: "leases", after: 0, limit: 10 } as const;
  replica.ask({ id: 5, body: { kind: "read", operation, consistency: "linearizable" } });
  const { responses } = replica.hear(answered(replica));
  expect(responses).toMatchObject([
    {
      id: 5,
      outcome: { reply: { kind: "leases-listed", now: 300, items: [{ lease: 3, deadline: 500 }] } },
    },
  ]);
});
