/** What a server tells those who watch it, and when. */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { encodeCommand } from "../../../src/codec/command.ts";
import type { WatchRequest } from "../../../src/codec/watch.ts";
import type { Operation } from "../../../src/kv/command.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { limits } from "../../../src/replica/watcher.ts";
import { LoneReplica, type Said } from "../../harness/lone-replica.ts";

const [one, two] = [nodeId(1), nodeId(2)];
const room = 1 << 20;

const watch = (next: number, parts: Partial<WatchRequest> = {}): WatchRequest => ({
  ...{ id: 5, next: logIndex(next), room, prefix: "" },
  ...parts,
});

/** Follows n2, which appends and commits what it is told to. */
class Follower extends LoneReplica {
  private readonly log: Entry[] = [];
  private sequence = 0;
  private sent = 0;

  constructor() {
    super();
    this.add(encodeCommand({ kind: "register", nonce: 1 }));
  }

  add(body: Uint8Array): void {
    const index = logIndex(this.log.length + 1);
    this.log.push({ index, term: term(1), time: millis(0), kind: "command", body });
  }

  put(key: string, value: Uint8Array): void {
    const operation: Operation = {
      ...{ kind: "put", key: byteString(utf8(key)), value, condition: { kind: "always" } },
    };
    this.sequence += 1;
    const name = { session: 1, sequence: this.sequence, acknowledged: this.sequence };
    this.add(encodeCommand({ kind: "request", ...name, operation }));
  }

  /** The leader sends what is new, two entries at a time, and says up to where it is committed. */
  append(commit = this.log.length): Said {
    for (; this.sent < this.log.length; this.sent += 2) {
      const previous = { index: logIndex(this.sent), term: term(this.sent === 0 ? 0 : 1) };
      const entries = this.log.slice(this.sent, this.sent + 2);
      const append = { kind: "append-request", from: two, to: one, term: term(1) } as const;
      this.hear({ ...append, previous, entries, commit: logIndex(0) });
      this.finishSyncs();
    }
    this.sent = this.log.length;
    const beat = { kind: "heartbeat", from: two, to: one, term: term(1), round: 1 } as const;
    return this.hear({ ...beat, commit: logIndex(commit) });
  }
}

function withPuts(count: number, bytes = 1): Follower {
  const follower = new Follower();
  for (let at = 0; at < count; at++) follower.put(`key-${at}`, new Uint8Array(bytes));
  return follower;
}

const told = ({ batches }: Said): readonly number[] =>
  batches.flatMap(({ events }) => events.map(({ index }) => index));

test("changes are told once they are committed, as they come, with the range that they cover", () => {
  const follower = withPuts(3);
  follower.append(2);
  const first = follower.watch(watch(1));
  expect(first.batches).toMatchObject([{ from: 1, to: 2, head: 2 }]);
  expect(told(first)).toEqual([2]);
  const second = follower.append(4);
  expect(second.batches).toMatchObject([{ from: 3, to: 4 }]);
  expect(told(second)).toEqual([3, 4]);
});

test("only keys with the prefix are told, and after a while how far the others went", () => {
  const follower = withPuts(3);
  follower.append();
  expect(told(follower.watch(watch(1, { prefix: "key-1" })))).toEqual([3]);
  follower.watch(watch(5, { prefix: "key-1" }));
  follower.put("other", new Uint8Array(1));
  expect(follower.append().batches).toEqual([]);
  expect(follower.wait(limits.progressMs).batches).toMatchObject([{ from: 5, to: 5, events: [] }]);
});

test("what is not acknowledged is told again, and only then", () => {
  const follower = withPuts(3);
  follower.append();
  expect(told(follower.watch(watch(1)))).toEqual([2, 3, 4]);
  expect(told(follower.wait(limits.resendMsMin - 1))).toEqual([]);
  expect(told(follower.wait(1))).toEqual([2, 3, 4]);
  follower.watch(watch(4));
  // Acknowledged up to entry 3; the rest came in the same batch, which counts as not arrived.
  expect(told(follower.wait(limits.resendMsMin * 4))).toEqual([4]);
  follower.watch(watch(5));
  expect(told(follower.wait(limits.resendMsMax))).toEqual([]);
  expect(follower.replica.counters.get("watch-resends")).toBe(2);
});

test("a word that was lost is told again when its watcher asks for one", () => {
  const follower = withPuts(2);
  follower.append();
  const silent = watch(1, { prefix: "nothing" });
  expect(follower.watch(silent).batches).toMatchObject([{ from: 1, to: 3 }]);
  expect(follower.watch(silent).batches).toMatchObject([{ from: 1, to: 3 }]);
});

test("a slow watcher costs no memory: its window is bounded, and so is what it says it has room for", () => {
  const follower = withPuts(40, 20_000);
  follower.append();
  const first = told(follower.watch(watch(1)));
  // 60,000 bytes to a datagram hold two of these; a window of 256 KiB is full after the seventh batch.
  expect(first.at(-1)).toBe(15);
  expect(told(follower.wait(1))).toEqual([]);
  expect(told(follower.watch(watch(10))).at(0)).toBe(16);
  const narrow = withPuts(40, 20_000);
  narrow.append();
  expect(told(narrow.watch(watch(1, { room: 30_000 })))).toEqual([2, 3]);
  expect(told(narrow.watch(watch(4, { room: 0 })))).toEqual([]);
});

test("what is larger than a datagram goes in pieces, alone", () => {
  const follower = withPuts(1);
  follower.put("large", new Uint8Array(59_950));
  follower.put("last", new Uint8Array(1));
  follower.append();
  expect(told(follower.watch(watch(1)))).toEqual([2]);
  follower.watch(watch(3));
  expect(follower.replica.counters.get("watch-batches-in-pieces")).toBe(1);
  expect(told(follower.watch(watch(4)))).toEqual([4]);
});

test("a watcher that says nothing is forgotten, and one that comes back goes on where it says", () => {
  const follower = withPuts(2);
  follower.append();
  follower.watch(watch(4));
  follower.wait(limits.silenceMs);
  expect(follower.replica.counters.get("watchers-forgotten")).toBe(1);
  expect(told(follower.watch(watch(3)))).toEqual([3]);
});

test("what was compacted is said, with the first entry that is there", () => {
  const follower = withPuts(6);
  follower.append();
  follower.replica["machine"].past.trim(logIndex(4));
  expect(follower.watch(watch(3)).ends).toEqual([
    { id: 5, because: "compacted", first: logIndex(4) },
  ]);
  expect(told(follower.watch(watch(4)))).toEqual([4, 5, 6, 7]);
});

test("one watcher too many is told that the server is busy", () => {
  const follower = withPuts(0);
  follower.append();
  for (let id = 1; id <= limits.watchersMax; id++) follower.watch(watch(2, { id }));
  expect(follower.watch(watch(2, { id: 9999 })).ends).toMatchObject([
    { id: 9999, because: "busy" },
  ]);
});

test("batches say how old they may be: nothing before the leader was asked, little after", () => {
  const follower = withPuts(1);
  follower.append();
  const first = follower.watch(watch(1));
  expect(first.batches).toMatchObject([{ ageMs: null }]);
  const question = first.messages.find(({ kind }) => kind === "read-index-request");
  const id = question?.kind === "read-index-request" ? question.id : 0;
  follower.wait(30);
  const index: Message = {
    ...{ kind: "read-index-response", from: two, to: one, term: term(1), id },
    index: logIndex(2),
  };
  follower.hear(index);
  follower.watch(watch(3));
  expect(follower.watch(watch(3)).batches).toMatchObject([{ ageMs: 30 }]);
});
