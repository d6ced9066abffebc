/** What clients are answered, and when. */
import { describe, expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { deriveKeys } from "../../../src/codec/authentication.ts";
import type { ClientRequest, Consistency } from "../../../src/codec/client-message.ts";
import type { Message } from "../../../src/raft/message.ts";
import { limits } from "../../../src/replica/desk.ts";
import { LoneReplica, type Said, write } from "../../harness/lone-replica.ts";

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];
const key = byteString(utf8("k"));

const put = (id: number, sequence: number): ClientRequest =>
  write(id, {
    ...{ kind: "request", session: 2, sequence, acknowledged: 1 },
    operation: { kind: "put", key, value: utf8(`v${sequence}`), condition: { kind: "always" } },
  });

const get = (id: number, consistency: Consistency): ClientRequest => ({
  id,
  body: { kind: "read", operation: { kind: "get", key }, consistency },
});

const outcomes = ({ responses }: Said) => responses.map(({ id, outcome }) => [id, outcome.kind]);

const matched = (from: typeof two, index: number): Message => ({
  ...{ kind: "append-response", from, to: one, term: term(1) },
  answer: { kind: "matched", index: logIndex(index) },
});

const round = (from: typeof two, number: number): Message => ({
  ...{ kind: "heartbeat-response", from, to: one, term: term(1), round: number },
  last: logIndex(2),
});

const newestRound = ({ replica }: LoneReplica): number =>
  replica.state.role.kind === "leader" ? replica.state.role.round : -1;

/** A leader of three whose first two entries, the no-op and a session, are committed and applied. */
function leaderWithSession(): LoneReplica {
  const replica = new LoneReplica();
  replica.lead();
  replica.ask(write(1, { kind: "register", nonce: 1 }));
  replica.finishSyncs();
  replica.hear(matched(two, 2));
  expect(replica.replica.applied).toBe(logIndex(2));
  return replica;
}

describe("writes", () => {
  test("are answered when a quorum holds them, and not before", () => {
    const replica = leaderWithSession();
    expect(replica.ask(put(1, 1)).responses).toEqual([]);
    expect(replica.finishSync().responses).toEqual([]);
    expect(replica.hear(matched(three, 3)).responses).toMatchObject([
      {
        id: 1,
        outcome: { kind: "replied", reply: { kind: "written", index: 3 }, index: 3, term: 1 },
      },
    ]);
  });

  test("that are repeated while they wait add nothing to the log, and are answered to the last asker", () => {
    const replica = leaderWithSession();
    replica.ask(put(1, 1));
    replica.ask(put(2, 1));
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(3));
    replica.finishSyncs();
    expect(outcomes(replica.hear(matched(two, 3)))).toEqual([[2, "replied"]]);
  });

  test("are refused as malformed before they reach the log", () => {
    const replica = leaderWithSession();
    const bad: ClientRequest = { id: 7, body: { kind: "write", command: new Uint8Array([1, 2]) } };
    expect(outcomes(replica.ask(bad))).toEqual([[7, "refused"]]);
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(2));
  });

  test("are refused as busy while too many wait for a quorum", () => {
    const replica = leaderWithSession();
    const batch = 512;
    const kindsSaid: string[] = [];
    for (let at = 0; at <= limits.writesMax; at += batch) {
      const requests = Array.from({ length: batch }, (_, one) => put(at + one, 1 + at + one));
      kindsSaid.push(...outcomes(replica.ask(...requests)).map(([, kind]) => String(kind)));
    }
    expect(kindsSaid).toEqual(new Array(batch).fill("busy"));
  });

  test("are sent on to the leader by a follower, with its address", () => {
    const replica = new LoneReplica();
    expect(replica.ask(put(1, 1)).responses).toMatchObject([
      { id: 1, outcome: { kind: "not-leader", leader: null, address: null } },
    ]);
    replica.hear({
      ...{ kind: "heartbeat", from: two, to: one, term: term(1) },
      ...{ commit: logIndex(0), round: 1 },
    });
    expect(replica.ask(put(2, 1)).responses).toMatchObject([
      { id: 2, outcome: { kind: "not-leader", leader: 2, address: "127.0.0.1:7102" } },
    ]);
  });

  test("are told that another entry took their place only when that one is committed", () => {
    const replica = leaderWithSession();
    replica.ask(put(1, 1));
    replica.finishSyncs();
    // n2 leads term 2 and has another entry 3: the own one is taken back, but n3 may still hold it.
    const other = {
      index: logIndex(3),
      term: term(2),
      time: millis(0),
      kind: "noop",
      body: null,
    } as const;
    const previous = { index: logIndex(2), term: term(1) };
    const append = { kind: "append-request", from: two, to: one, term: term(2), previous } as const;
    expect(replica.hear({ ...append, entries: [other], commit: logIndex(2) }).responses).toEqual(
      [],
    );
    replica.finishSyncs();
    const committed = replica.hear({ ...append, entries: [other], commit: logIndex(3) });
    expect(outcomes(committed)).toEqual([[1, "superseded"]]);
  });
});

describe("reads", () => {
  test("wait for a round of heartbeats that began after they came (dissertation 6.4)", () => {
    const replica = leaderWithSession();
    const earlier = newestRound(replica);
    expect(replica.ask(get(1, "linearizable")).responses).toEqual([]);
    expect(replica.hear(round(two, earlier)).responses).toEqual([]);
    expect(outcomes(replica.hear(round(two, earlier + 1)))).toEqual([[1, "replied"]]);
  });

  test("write nothing to the log", () => {
    const replica = leaderWithSession();
    replica.ask(get(1, "linearizable"));
    replica.hear(round(two, newestRound(replica)));
    expect(replica.replica.state.log.lastIndex).toBe(logIndex(2));
  });

  test("that come during a round share the next one", () => {
    const replica = leaderWithSession();
    replica.ask(get(1, "linearizable"));
    const first = newestRound(replica);
    replica.ask(get(2, "linearizable"));
    replica.ask(get(3, "linearizable"));
    expect(newestRound(replica)).toBe(first);
    expect(outcomes(replica.hear(round(two, first)))).toEqual([[1, "replied"]]);
    expect(newestRound(replica)).toBe(first + 1);
    expect(outcomes(replica.hear(round(three, first + 1)))).toEqual([
      [2, "replied"],
      [3, "replied"],
    ]);
  });

  test("are not answered by a new leader before its own first entry is committed (§8)", () => {
    const replica = new LoneReplica();
    replica.lead();
    replica.ask(get(1, "linearizable"));
    expect(replica.hear(round(two, newestRound(replica))).responses).toEqual([]);
    replica.hear(matched(two, 1));
    expect(outcomes(replica.hear(round(two, newestRound(replica))))).toEqual([[1, "replied"]]);
  });

  test("are sent elsewhere when leadership is lost before they are confirmed", () => {
    const replica = leaderWithSession();
    replica.ask(get(1, "linearizable"));
    expect(outcomes(replica.wait(700))).toEqual([[1, "not-leader"]]);
  });

  test("that may be stale are answered at once, by anybody, who does not know how old that is", () => {
    const replica = new LoneReplica();
    expect(replica.ask(get(1, "stale")).responses).toMatchObject([
      { outcome: { kind: "dated", reply: { kind: "absent" }, ageMs: null } },
    ]);
  });

  const within = (id: number, ageMsMax: number): ClientRequest => ({
    id,
    body: { kind: "bounded-read", operation: { kind: "get", key }, ageMsMax },
  });

  test("that may be answered by anybody and must be current wait for the leader's index, and until it is applied", () => {
    const replica = followerOfTwo();
    const { messages, responses } = replica.ask(within(1, 0));
    expect(responses).toEqual([]);
    expect(replica.hear(index(questionIn(messages), 2)).responses).toEqual([]);
    // Entries 1 and 2 arrive, and are committed: now it has applied what the index covers.
    const entries = [noop(1), noop(2)];
    const append = { kind: "append-request", from: two, to: one, term: term(1), entries } as const;
    const previous = { index: logIndex(0), term: term(0) };
    expect(replica.hear({ ...append, previous, commit: logIndex(1) }).responses).toEqual([]);
    replica.wait(25);
    const commit = { kind: "heartbeat", from: two, to: one, term: term(1), round: 2 } as const;
    expect(replica.hear({ ...commit, commit: logIndex(2) }).responses).toMatchObject([
      { id: 1, outcome: { kind: "dated", index: 2, ageMs: 25 } },
    ]);
  });

  test("tell their age from the moment at which the index was asked for, not at which it came", () => {
    const replica = followerOfTwo();
    const { messages } = replica.ask(within(1, 0));
    replica.wait(40);
    replica.hear(index(questionIn(messages), 0));
    replica.wait(10);
    expect(replica.ask(get(2, "stale")).responses).toMatchObject([{ outcome: { ageMs: 50 } }]);
    // Young enough: no question. Too old: the leader is asked.
    expect(outcomes(replica.ask(within(3, 50)))).toEqual([[3, "dated"]]);
    const young = replica.ask(within(4, 49));
    expect(outcomes(young)).toEqual([]);
    expect(questionIn(young.messages)).toBeGreaterThan(0);
  });

  test("that are stale have the age made known for the next, by one question at a time", () => {
    const replica = followerOfTwo();
    const first = replica.ask(get(1, "stale"), get(2, "stale"));
    expect(first.messages.filter(({ kind }) => kind === "read-index-request")).toHaveLength(1);
    expect(questionIn(replica.ask(get(3, "stale")).messages)).toBe(0);
    replica.wait(5);
    replica.hear(index(questionIn(first.messages), 0));
    const known = replica.ask(get(4, "stale"));
    expect(known.responses).toMatchObject([{ outcome: { ageMs: 5 } }]);
    expect(questionIn(known.messages)).toBe(0);
  });

  test("are sent elsewhere by a follower whose leader is gone", () => {
    const replica = followerOfTwo();
    replica.ask(within(1, 0));
    expect(outcomes(replica.wait(1300))).toEqual([[1, "not-leader"]]);
    expect(outcomes(replica.ask(within(2, 0)))).toEqual([[2, "not-leader"]]);
  });

  const noop = (at: number) =>
    ({ index: logIndex(at), term: term(1), time: millis(0), kind: "noop", body: null }) as const;

  const index = (id: number, at: number): Message => ({
    ...{ kind: "read-index-response", from: two, to: one, term: term(1), id },
    index: logIndex(at),
  });

  const questionIn = (messages: readonly Message[]): number => {
    const question = messages.find(({ kind }) => kind === "read-index-request");
    return question?.kind === "read-index-request" ? question.id : 0;
  };

  /** Follows n2, of which it has nothing yet. */
  function followerOfTwo(): LoneReplica {
    const replica = new LoneReplica();
    replica.hear({
      ...{ kind: "heartbeat", from: two, to: one, term: term(1) },
      ...{ commit: logIndex(0), round: 1 },
    });
    replica.finishSyncs();
    return replica;
  }
});

describe("who is listened to", () => {
  const vote: Message = {
    ...{ kind: "vote-request", from: two, to: one, term: term(9), reason: "timeout" },
    lastLog: { index: logIndex(0), term: term(0) },
  };

  test("a peer from another address is not, where no secret tells who it is", () => {
    const replica = new LoneReplica();
    const datagram = replica.fromPeer(vote);
    replica.give({ ...datagram, from: { host: "127.0.0.1", port: 1 } } as typeof datagram);
    expect(replica.replica.state.term).toBe(term(0));
    expect(replica.replica.counters.get("dropped-wrong-address")).toBe(1);
  });

  test("a peer whose folder was wiped is not, now or after a restart: it has forgotten its votes", () => {
    const replica = new LoneReplica();
    replica.hear({ ...vote, term: term(1) });
    replica.finishSyncs();
    replica.give(replica.fromPeer({ ...vote, term: term(2) }, 4711));
    expect(replica.replica.state.term).toBe(term(1));
    expect(replica.last?.notes.join()).toContain("does not listen to n2");
    const again = new LoneReplica({ disk: replica.disk });
    again.give(again.fromPeer({ ...vote, term: term(2) }, 4711));
    expect(again.replica.state.term).toBe(term(1));
    expect(again.replica.counters.get("dropped-wrong-incarnation")).toBe(1);
  });

  test("with a secret, a message without its tag is not", () => {
    const secret = new Uint8Array(32).fill(1);
    const replica = new LoneReplica({ keys: deriveKeys(secret) });
    const forger = new LoneReplica();
    replica.give(forger.fromPeer(vote));
    expect(replica.replica.state.term).toBe(term(0));
    replica.give(replica.fromPeer(vote));
    expect(replica.replica.state.term).toBe(term(9));
  });
});
