/** The durability gate: what a server says, it has on disk (raft paper §5.1: "before responding to RPCs"). */
import { describe, expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { DiskError } from "../../../src/journal/disk.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { LoneReplica, write } from "../../harness/lone-replica.ts";

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];
const nothingYet = { index: logIndex(0), term: term(0) };

const voteRequest = (t: number): Message => ({
  ...{ kind: "vote-request", from: two, to: one, term: term(t) },
  ...{ lastLog: nothingYet, reason: "timeout" },
});

const entry = (index: number, t: number): Entry => ({
  ...{ index: logIndex(index), term: term(t), time: millis(0) },
  ...{ kind: "noop", body: null },
});

const append = (t: number, entries: readonly Entry[], commit = 0): Message => ({
  ...{ kind: "append-request", from: two, to: one, term: term(t), previous: nothingYet },
  ...{ entries, commit: logIndex(commit) },
});

const heartbeat = (t: number, round: number): Message => ({
  ...{ kind: "heartbeat", from: two, to: one, term: term(t), commit: logIndex(0), round },
});

const put = (id: number, sequence: number) =>
  write(id, {
    ...{ kind: "request", session: 2, sequence, acknowledged: 1 },
    operation: {
      ...{ kind: "put", key: byteString(utf8("k")), value: utf8(`v${sequence}`) },
      condition: { kind: "always" },
    },
  });

/** It has seen term 1, its disk too, and it has voted for nobody in it. */
function inTermOne(): LoneReplica {
  const replica = new LoneReplica();
  replica.hear({
    ...{ kind: "heartbeat-response", from: two, to: one, term: term(1) },
    ...{ round: 0, last: logIndex(0) },
  });
  replica.finishSyncs();
  return replica;
}

const kinds = (messages: readonly Message[]): string[] => messages.map(({ kind }) => kind);

describe("a promise waits for the disk", () => {
  test("a granted vote leaves only when the vote is durable", () => {
    const replica = new LoneReplica();
    expect(replica.hear(voteRequest(1)).messages).toEqual([]);
    expect(replica.syncsUnderWay).toBe(1);
    const { messages } = replica.finishSync();
    expect(messages).toMatchObject([{ kind: "vote-response", answer: "granted", term: 1 }]);
  });

  test("an acknowledged append leaves only when its entries are durable", () => {
    const replica = new LoneReplica();
    expect(replica.hear(append(1, [entry(1, 1)])).messages).toEqual([]);
    expect(replica.finishSync().messages).toMatchObject([
      { kind: "append-response", answer: { kind: "matched", index: 1 } },
    ]);
  });

  test("a vote in a term that the disk knows already waits for its own sync all the same", () => {
    const replica = inTermOne();
    expect(replica.hear(voteRequest(1)).messages).toEqual([]);
    expect(replica.syncsUnderWay).toBe(1);
    expect(replica.finishSync().messages).toMatchObject([{ answer: "granted", term: 1 }]);
  });

  test("a vote that was sent survives a power cut", () => {
    const replica = inTermOne();
    replica.hear(voteRequest(1));
    expect(kinds(replica.finishSync().messages)).toEqual(["vote-response"]);
    replica.disk.crash("lose-all");
    const { state } = new LoneReplica({ disk: replica.disk }).replica;
    expect({ term: state.term, votedFor: state.votedFor }).toEqual({
      term: term(1),
      votedFor: two,
    });
  });

  test("an append in a term that the disk knows already is acknowledged only when durable", () => {
    const replica = inTermOne();
    expect(replica.hear(append(1, [entry(1, 1)])).messages).toEqual([]);
    expect(replica.finishSync().messages).toMatchObject([{ answer: { index: 1 } }]);
  });

  test("a candidate asks for votes only when its own vote is durable", () => {
    const replica = new LoneReplica();
    replica.wait(1200);
    const yes = { from: two, to: one, answer: "granted", term: term(1) } as const;
    expect(replica.hear({ kind: "pre-vote-response", ...yes }).messages).toEqual([]);
    expect(kinds(replica.finishSync().messages)).toEqual(["vote-request", "vote-request"]);
  });

  test("no message leaves in a term that the disk has not seen", () => {
    const replica = new LoneReplica();
    expect(replica.hear(heartbeat(3, 1)).messages).toEqual([]);
    expect(replica.finishSync().messages).toMatchObject([{ kind: "heartbeat-response", term: 3 }]);
  });

  test("what was promised while a sync was under way waits for the next one", () => {
    const replica = new LoneReplica();
    replica.hear(append(1, [entry(1, 1)]));
    replica.hear(append(1, [entry(1, 1), entry(2, 1)]));
    const first = replica.finishSync().messages;
    expect(first.map((m) => m.kind === "append-response" && m.answer)).toEqual([
      { kind: "matched", index: logIndex(1) },
    ]);
    expect(replica.finishSync().messages).toMatchObject([{ answer: { index: 2 } }]);
  });

  test("an acknowledgement of an older term is not sent any more", () => {
    const replica = new LoneReplica();
    replica.hear(append(1, [entry(1, 1)]));
    const successor = { from: three, to: one, term: term(2), reason: "transfer" } as const;
    replica.hear({
      kind: "vote-request",
      ...successor,
      lastLog: { index: logIndex(1), term: term(1) },
    });
    const first = replica.finishSync().messages;
    const second = replica.finishSync().messages;
    expect([...first, ...second].filter(({ term: t }) => t === 1)).toEqual([]);
  });
});

describe("the rest goes at once", () => {
  test("a leader sends its entries before its own disk has them, and commits without it", () => {
    const replica = new LoneReplica();
    replica.lead();
    const before = replica.replica.state.log.lastIndex;
    replica.hear(matched(two, before));
    const { messages } = replica.ask(put(1, 1));
    expect(replica.syncsUnderWay).toBe(1);
    expect(messages).toMatchObject([{ kind: "append-request", to: 2, entries: [{ index: 2 }] }]);
    replica.hear(matched(two, before + 1));
    expect(replica.replica.state.commit).toBe(logIndex(before));
    replica.hear(matched(three, before + 1));
    expect(replica.replica.state.commit).toBe(logIndex(before + 1));
    expect(replica.syncsUnderWay).toBe(1);
  });

  test("a heartbeat's answer does not wait for entries that are being written", () => {
    const replica = new LoneReplica();
    replica.hear(heartbeat(1, 1));
    replica.finishSyncs();
    replica.hear(append(1, [entry(1, 1)]));
    expect(replica.syncsUnderWay).toBe(1);
    expect(kinds(replica.hear(heartbeat(1, 2)).messages)).toEqual(["heartbeat-response"]);
  });
});

const matched = (from: typeof two, index: number): Message => ({
  ...{ kind: "append-response", from, to: one, term: term(1) },
  answer: { kind: "matched", index: logIndex(index) },
});

describe("group commit", () => {
  test("one sync is under way at a time, and everything that came meanwhile shares the next", () => {
    const replica = new LoneReplica({ peers: 1 });
    replica.wait(1200);
    replica.finishSyncs();
    replica.ask(write(1, { kind: "register", nonce: 1 }));
    for (let id = 1; id <= 50; id++) {
      expect(replica.ask(put(id, id)).responses).toEqual([]);
      expect(replica.syncsUnderWay).toBe(1);
    }
    expect(replica.finishSync().responses).toHaveLength(1);
    expect(replica.syncsUnderWay).toBe(1);
    expect(replica.finishSync().responses).toHaveLength(50);
    expect(replica.syncsUnderWay).toBe(0);
  });

  test("an idle server seals its journal once, without a sync", () => {
    const replica = new LoneReplica();
    replica.hear(append(1, [entry(1, 1)]));
    replica.finishSyncs();
    const appends = () => replica.last?.disk.map(({ kind }) => kind) ?? [];
    replica.wait(100);
    expect(appends()).toEqual([]);
    replica.wait(100);
    expect(appends()).toEqual(["append"]);
    replica.wait(1000);
    expect(appends()).not.toContain("append");
  });
});

describe("a disk that fails", () => {
  const broken = new DiskError({ code: "io", operation: "startSync", file: "node1.log" });

  test("a failed sync ends the server: it says nothing any more", () => {
    const replica = new LoneReplica();
    replica.hear(voteRequest(1));
    const { messages } = replica.failSync(broken);
    expect(messages).toEqual([]);
    expect(replica.last?.stop?.parts).toMatchObject({ code: "disk-failed", exit: 7 });
    expect(replica.hear(heartbeat(1, 1)).messages).toEqual([]);
    expect(replica.last?.stop).not.toBeNull();
  });

  test("a full disk is called by its name", () => {
    const replica = new LoneReplica();
    const full = new DiskError({ code: "disk-full", operation: "append", file: "node1.log" });
    replica.give({ kind: "disk-failed", error: full });
    expect(replica.last?.stop?.parts).toMatchObject({ code: "disk-full", exit: 7 });
  });

  test("a leader whose disk does not answer goes silent, and does not campaign", () => {
    const replica = new LoneReplica();
    replica.lead();
    replica.ask(put(1, 1));
    expect(replica.syncsUnderWay).toBe(1);
    for (let round = 0; round < 40; round++) {
      replica.wait(60);
      replica.hear(heardBack(two, replica));
      replica.hear(heardBack(three, replica));
    }
    expect(replica.replica.state.role.kind).toBe("follower");
    expect(replica.wait(5000).messages).toEqual([]);
    replica.finishSyncs();
    expect(kinds(replica.wait(1200).messages)).toContain("pre-vote-request");
  });
});

/** A follower goes on answering the heartbeats of the leader, if it is one. */
function heardBack(from: typeof two, { replica }: LoneReplica): Message {
  const { role } = replica.state;
  const round = role.kind === "leader" ? role.round : 0;
  const last = replica.state.log.lastIndex;
  return { kind: "heartbeat-response", from, to: one, term: term(1), round, last };
}
