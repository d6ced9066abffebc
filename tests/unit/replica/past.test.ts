/** What each applied entry changed, read back from the log and from what is kept beside it. */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, term } from "../../../src/base/numbers.ts";
import { encodeCommand } from "../../../src/codec/command.ts";
import { limits, type Operation } from "../../../src/kv/command.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { Comparison } from "../../../src/replica/comparison.ts";
import { Counters } from "../../../src/replica/counters.ts";
import { Machine } from "../../../src/replica/machine.ts";

const key = (text: string) => byteString(utf8(text));
const put = (text: string, value: string): Operation => ({
  ...{ kind: "put", key: key(text), value: utf8(value), condition: { kind: "always" } },
});

/** A machine whose first entry registers session 1, and the entries that it was given. */
class Bench {
  readonly machine = new Machine(null, limits, new Comparison(new Counters()));
  readonly entries: Entry[] = [];
  private sequence = 0;

  constructor() {
    this.apply(encodeCommand({ kind: "register", nonce: 1 }));
  }

  apply(body: Uint8Array): void {
    const index = logIndex(this.entries.length + 1);
    const entry: Entry = { index, term: term(1), time: millis(0), kind: "command", body };
    this.entries.push(entry);
    this.machine.apply(entry, null);
  }

  do(operation: Operation, sequence = ++this.sequence): void {
    const name = { session: 1, sequence, acknowledged: 1 };
    this.apply(encodeCommand({ kind: "request", ...name, operation }));
  }

  /** What is told of each entry: `a=1`, `a` where it was deleted. */
  get told(): readonly string[] {
    return this.entries.map((entry) =>
      this.machine.past
        .changesOf(entry)
        .map((change) =>
          change.value === null ? change.key : `${change.key}=${byteString(change.value)}`,
        )
        .join(" "),
    );
  }
}

test("a write that took effect is told as the log says it, and nothing is kept for it", () => {
  const bench = new Bench();
  bench.do(put("a", "1"));
  bench.do({ kind: "cas", key: key("a"), expected: utf8("1"), value: utf8("2") });
  bench.do({ kind: "delete", key: key("a") });
  bench.do({ kind: "get", key: key("a") });
  expect(bench.told).toEqual(["", "a=1", "a=2", "a", ""]);
  expect(bench.machine.past.kept).toBe(0);
});

test("what had no effect is told of nobody: conditions that failed, repetitions, deletions of nothing", () => {
  const bench = new Bench();
  bench.do(put("a", "1"));
  bench.do(put("a", "1"), 1);
  bench.do({ ...put("a", "3"), condition: { kind: "absent" } } as Operation);
  bench.do({ kind: "cas", key: key("a"), expected: utf8("7"), value: utf8("8") });
  bench.do({ kind: "delete", key: key("b") });
  expect(bench.told).toEqual(["", "a=1", "", "", "", ""]);
});

test("what depends on the store is kept: counts, and the branch of a transaction that was taken", () => {
  const bench = new Bench();
  bench.do({ kind: "incr", key: key("n"), by: 5 });
  bench.do({ kind: "incr", key: key("n"), by: 5 });
  const guard = { kind: "exists", key: key("n") } as const;
  const set = (text: string) =>
    ({ kind: "put", key: key(text), value: utf8("x"), condition: { kind: "always" } }) as const;
  bench.do({ kind: "txn", guard, holding: [set("t"), set("u")], otherwise: [set("e")] });
  bench.do({ kind: "txn", guard: { kind: "not", guard }, holding: [set("t")], otherwise: [] });
  expect(bench.told).toEqual(["", "n=5", "n=10", "t=x u=x", ""]);
});

test("the past begins where the log does, and what is kept of what is before goes", () => {
  const bench = new Bench();
  const { past } = bench.machine;
  for (let at = 0; at < 4; at++) bench.do({ kind: "incr", key: key("n"), by: 1 });
  expect([past.firstAvailable, past.last].map(Number)).toEqual([1, 5]);
  past.trim(logIndex(4));
  expect(Number(past.firstAvailable)).toBe(4);
  expect(past.kept).toBe(2);
  expect(bench.told.slice(3)).toEqual(["n=3", "n=4"]);
});

test("entries that were passed over are no part of it, whatever the log has of them", () => {
  const bench = new Bench();
  const { past, store } = bench.machine;
  bench.do({ kind: "incr", key: key("n"), by: 1 });
  bench.machine.restore(store, logIndex(9));
  expect([past.firstAvailable, past.last].map(Number)).toEqual([10, 9]);
  expect(past.kept).toBe(0);
  store.changes.begin();
  past.note(logIndex(10), null, store.changes);
  expect(Number(past.last)).toBe(10);
});

test("what is kept ready of an entry is not taken for that of a later one in its place", () => {
  const bench = new Bench();
  // A session's window holds 1,024 unanswered ones: these are acknowledged as they come.
  for (let at = 1; at <= 1500; at++) {
    const name = { session: 1, sequence: at, acknowledged: at };
    bench.apply(encodeCommand({ kind: "request", ...name, operation: put(`k${at}`, "v") }));
  }
  expect(bench.told.slice(1)).toEqual(Array.from({ length: 1500 }, (_, at) => `k${at + 1}=v`));
});
