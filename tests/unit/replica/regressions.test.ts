/** Mistakes that were in the server once. Each test failed before its mistake was mended. */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { noKeys } from "../../../src/codec/authentication.ts";
import type { ClientRequest } from "../../../src/codec/client-message.ts";
import { sealDatagram } from "../../../src/codec/datagram.ts";
import { encodeRequestBatch } from "../../../src/codec/request-batch.ts";
import { type Command, wholeList } from "../../../src/kv/command.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { Desk } from "../../../src/replica/desk.ts";
import { cluster, LoneReplica, write } from "../../harness/lone-replica.ts";

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];

const put = (session: number, sequence: number, value: Uint8Array): Command => ({
  kind: "request",
  session,
  sequence,
  acknowledged: 1,
  operation: {
    kind: "put",
    key: byteString(utf8(`${session}-${sequence}`)),
    value,
    condition: { kind: "always" },
  },
});

const place = (index: number, t: number) => ({ index: logIndex(index), term: term(t) });
const asker = (id: number) => ({ from: { host: "127.0.0.1", port: 30_000 }, id });
const expected = (id: number, session: number, sequence: number) => ({
  ...{ asker: asker(id), command: put(session, sequence, utf8("v")), bytes: 10 },
});

test("a repeated request does not join another's entry that took the place of its own", () => {
  // Entry 6 of term 1 was taken back; in term 3 it is somebody else's. Whoever waited for the first and asks again
  // must not be answered for the second.
  const desk = new Desk();
  desk.expectWrite(place(6, 1), expected(1, 2, 3));
  desk.expectWrite(place(6, 3), expected(2, 9, 1));
  expect(desk.rejoin(asker(3), put(2, 3, utf8("v")), term(3))).toBe("new");
  expect(desk.settleWrite(place(6, 3))).toMatchObject({ kind: "applied", asker: asker(2) });
});

test("who was displaced is told nothing, and is not remembered", () => {
  const desk = new Desk();
  desk.expectWrite(place(6, 1), expected(1, 2, 3));
  desk.expectWrite(place(6, 3), expected(2, 9, 1));
  expect(desk.writesWaiting).toBe(1);
  expect(desk.settleWrite(place(6, 3))?.asker).toEqual(asker(2));
  expect(desk.settleWrite(place(6, 3))).toBeNull();
});

test("writes that wait are bounded in bytes as well", () => {
  const desk = new Desk();
  const megabyte = 1 << 20;
  let count = 0;
  while (desk.hasRoomForWrite() === "room") {
    count += 1;
    desk.expectWrite(place(count, 1), { ...expected(count, 2, count), bytes: megabyte });
  }
  expect(count).toBe(64);
});

/** A leader of one that holds a megabyte in twenty values. */
function leaderWithMegabyte(): LoneReplica {
  const replica = new LoneReplica({ peers: 1 });
  replica.wait(1200);
  replica.finishSyncs();
  replica.ask(write(1, { kind: "register", nonce: 1 }));
  replica.finishSyncs();
  for (let key = 1; key <= 20; key++) {
    replica.ask(write(key, put(2, key, new Uint8Array(50_000))));
    replica.finishSyncs();
  }
  return replica;
}

const readAll = (id: number): ClientRequest => ({
  id,
  body: {
    kind: "read",
    operation: { ...wholeList, show: "values" },
    consistency: "stale",
  },
});

test("a datagram that asks for gigabytes is told to come again for most of it", () => {
  const replica = leaderWithMegabyte();
  const { responses } = replica.ask(...Array.from({ length: 500 }, (_, at) => readAll(at + 1)));
  const busy = responses.filter(({ outcome }) => outcome.kind === "busy");
  expect(busy.length).toBeGreaterThan(490);
});

test("a large answer finds its way back to any source, however its address is spelled", () => {
  const replica = leaderWithMegabyte();
  const body = encodeRequestBatch([readAll(1)]);
  const parts = { cluster, incarnation: 9, sender: 0, receiver: 0, keys: noKeys } as const;
  const bytes = sealDatagram({ ...parts, kind: "request-batch", body });
  const from = { host: "fe80::1%eth0", port: 0 };
  const effects = replica.replica.handle(millis(5000), [{ kind: "datagram", from, bytes }]);
  expect(effects.stop).toBeNull();
  expect(effects.datagrams.length).toBeGreaterThan(0);
  for (const { to } of effects.datagrams) expect(to).toEqual(from);
});

test("a leader that leaves does not hand over to a follower that does not answer", () => {
  const replica = new LoneReplica();
  replica.lead();
  const heldBack = (from: typeof two, index: number): Message => ({
    ...{ kind: "append-response", from, to: one, term: term(1) },
    answer: { kind: "matched", index: logIndex(index) },
  });
  replica.hear(heldBack(two, 1));
  replica.hear(heldBack(three, 1));
  for (let beat = 0; beat < 5; beat++) {
    replica.wait(60);
    const { role } = replica.replica.state;
    const round = role.kind === "leader" ? role.round : 0;
    const answer = { from: three, to: one, term: term(1), round, last: logIndex(1) } as const;
    replica.hear({ kind: "heartbeat-response", ...answer });
  }
  const { messages } = replica.give({ kind: "hand-over", target: null });
  expect(messages.filter(({ kind }) => kind === "timeout-now")).toMatchObject([{ to: 3 }]);
});

test("an entry that takes another's place is answered to its own asker only", () => {
  const replica = new LoneReplica();
  replica.lead();
  const entry = (index: number, t: number): Entry => ({
    ...{ index: logIndex(index), term: term(t), time: millis(0), kind: "noop", body: null },
  });
  replica.ask(write(1, { kind: "register", nonce: 1 }));
  replica.finishSyncs();
  const ends = { from: two, to: one, term: term(2) } as const;
  const previous = { index: logIndex(1), term: term(1) };
  const append = { kind: "append-request", ...ends, previous, entries: [entry(2, 2)] } as const;
  replica.hear({ ...append, commit: logIndex(2) });
  replica.finishSyncs();
  const { responses } = replica.hear({ ...append, commit: logIndex(2) });
  expect(responses.filter(({ outcome }) => outcome.kind === "replied")).toEqual([]);
});

test("who is no member cannot raise the term of a server that has a leader, where no secret says who speaks", () => {
  // Found by the flood of datagrams: a mutated sender was nobody known, and was heard.
  const lone = new LoneReplica();
  const { state } = lone.replica;
  const stranger = nodeId(9);
  const heartbeat = (from: typeof one, t: number): Message => ({
    ...{ kind: "heartbeat", from, to: one, term: term(t), commit: logIndex(0), round: 1 },
  });
  lone.hear(heartbeat(two, 1));
  lone.hear(heartbeat(stranger, 1000));
  expect(state.term).toBe(term(1));
  // Where nobody leads, it may be the leader that was added while this server was away.
  lone.wait(state.settings.timing.electionMsMin);
  lone.hear(heartbeat(stranger, 1000));
  expect(state.term).toBe(term(1000));
  // And from then on it is heard as the leader, and nobody else that is no member.
  lone.hear(heartbeat(nodeId(8), 1001));
  lone.hear(heartbeat(stranger, 1002));
  expect(state.term).toBe(term(1002));
});
