/** Leases: what ends when, what goes with it, and what an expiry that comes late may do. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, never } from "../../../src/base/numbers.ts";
import { type Command, limits, type Operation, type Reply } from "../../../src/kv/command.ts";
import { Deadlines } from "../../../src/kv/deadlines.ts";
import { beginLease, dueLeases, noLeases } from "../../../src/kv/leases.ts";
import { apply, emptyStore, type Store } from "../../../src/kv/store.ts";

/** A store with one session, and a hand that applies at a time. */
class Bench {
  readonly store: Store = emptyStore();
  private index = 1;
  private sequence = 0;

  constructor() {
    const at = { index: logIndex(1), time: millis(0) };
    apply(this.store, { ...at, command: { kind: "register", nonce: 1 } });
  }

  at(time: number, operation: Operation): Reply {
    this.sequence += 1;
    const name = { session: 1, sequence: this.sequence, acknowledged: this.sequence };
    return this.apply(time, { kind: "request", ...name, operation });
  }

  apply(time: number, command: Command): Reply {
    this.index += 1;
    return apply(this.store, { index: logIndex(this.index), time: millis(time), command });
  }

  expire(time: number, ...leases: readonly number[]): Reply {
    return this.apply(time, { kind: "expire", leases });
  }

  grant(time: number, ttlMs: number): number {
    const reply = this.at(time, { kind: "lease-grant", ttlMs });
    if (reply.kind !== "lease-granted") throw new Error(reply.kind);
    return reply.lease;
  }

  put(time: number, key: string, lease: number | null): Reply {
    const common = { key, value: utf8("v"), condition: { kind: "always" } } as const;
    if (lease === null) return this.at(time, { kind: "put", ...common });
    return this.at(time, { kind: "put-leased", ...common, tenure: { kind: "granted", lease } });
  }

  putFor(time: number, key: string, ttlMs: number): Reply {
    const condition = { kind: "always" } as const;
    const tenure = { kind: "own", ttlMs } as const;
    return this.at(time, { kind: "put-leased", key, value: utf8("v"), condition, tenure });
  }

  get keys(): readonly string[] {
    return [...this.store.values.keys()].sort();
  }

  get leases(): readonly number[] {
    return [...this.store.leases.byId.keys()];
  }
}

describe("a lease", () => {
  test("ends with its keys when an expiry says so at its deadline, and not a millisecond before", () => {
    const bench = new Bench();
    const lease = bench.grant(100, 500);
    bench.put(110, "a", lease);
    bench.put(120, "b", lease);
    bench.put(120, "c", null);
    expect(bench.expire(599, lease)).toEqual({ kind: "expired", leases: [], keys: 0 });
    expect(bench.keys).toEqual(["a", "b", "c"]);
    expect(bench.expire(600, lease)).toEqual({ kind: "expired", leases: [lease], keys: 2 });
    expect(bench.keys).toEqual(["c"]);
  });

  test("that was kept alive before its expiry in the log goes on, however late the expiry was proposed", () => {
    const bench = new Bench();
    const lease = bench.grant(100, 500);
    bench.put(110, "a", lease);
    // At its deadline and beyond: until the expiry is applied, it is there to be kept.
    expect(bench.at(700, { kind: "lease-keep-alive", lease })).toEqual({
      ...{ kind: "lease-kept", lease, ttlMs: 500 },
    });
    expect(bench.expire(700, lease)).toEqual({ kind: "expired", leases: [], keys: 0 });
    expect(bench.keys).toEqual(["a"]);
  });

  test("that has ended is unknown, and an expiry that is repeated ends nothing else", () => {
    const bench = new Bench();
    const lease = bench.grant(100, 500);
    bench.put(110, "a", lease);
    bench.expire(600, lease);
    bench.put(610, "a", null);
    expect(bench.expire(2000, lease)).toEqual({ kind: "expired", leases: [], keys: 0 });
    expect(bench.keys).toEqual(["a"]);
    for (const kind of ["lease-keep-alive", "lease-revoke"] as const) {
      expect(bench.at(2000, { kind, lease })).toEqual({ kind: "lease-unknown", lease });
    }
    expect(bench.put(2000, "b", lease)).toEqual({ kind: "lease-unknown", lease });
    expect(bench.keys).toEqual(["a"]);
  });

  test("that is revoked takes its keys with it at once", () => {
    const bench = new Bench();
    const lease = bench.grant(0, 500);
    bench.put(0, "a", lease);
    expect(bench.at(1, { kind: "lease-revoke", lease })).toEqual({
      ...{ kind: "lease-revoked", lease, keys: 1 },
    });
    expect(bench.keys).toEqual([]);
    expect(Number(bench.store.leases.deadlines.first)).toBe(Number(never));
  });
});

describe("a key", () => {
  test("has the lease that its last put names; without one it stays", () => {
    const bench = new Bench();
    const [first, second] = [bench.grant(0, 500), bench.grant(0, 5000)];
    bench.put(0, "a", first);
    bench.put(0, "b", first);
    bench.put(1, "a", second);
    bench.put(1, "b", null);
    expect(bench.expire(500, first)).toEqual({ kind: "expired", leases: [first], keys: 0 });
    expect(bench.keys).toEqual(["a", "b"]);
    expect(bench.expire(5000, second)).toEqual({ kind: "expired", leases: [second], keys: 1 });
    expect(bench.keys).toEqual(["b"]);
  });

  test("that is changed where it stands keeps its lease", () => {
    const bench = new Bench();
    const lease = bench.grant(0, 500);
    bench.put(0, "a", lease);
    const [expected, value] = [utf8("v"), utf8("w")];
    expect(bench.at(1, { kind: "cas", key: "a", expected, value }).kind).toBe("written");
    bench.expire(500, lease);
    expect(bench.keys).toEqual([]);
  });

  test("that is deleted and written again has no lease", () => {
    const bench = new Bench();
    const lease = bench.grant(0, 500);
    bench.put(0, "a", lease);
    bench.at(1, { kind: "delete", key: "a" });
    bench.put(2, "a", null);
    bench.expire(500, lease);
    expect(bench.keys).toEqual(["a"]);
  });

  test("with a time to live has a lease of its own, named by the index of the write", () => {
    const bench = new Bench();
    const reply = bench.putFor(100, "a", 500);
    if (reply.kind !== "written") throw new Error(reply.kind);
    expect(bench.leases).toEqual([reply.index]);
    bench.at(400, { kind: "lease-keep-alive", lease: reply.index });
    bench.expire(899, reply.index);
    expect(bench.keys).toEqual(["a"]);
    bench.expire(900, reply.index);
    expect([bench.keys, bench.leases]).toEqual([[], []]);
  });

  test("that is written again, or deleted, leaves no lease of its own behind", () => {
    const bench = new Bench();
    bench.putFor(0, "a", 500);
    bench.putFor(1, "a", 500);
    expect(bench.leases).toHaveLength(1);
    bench.at(2, { kind: "delete", key: "a" });
    expect(bench.leases).toEqual([]);
    bench.putFor(3, "b", 500);
    bench.put(4, "b", null);
    expect(bench.leases).toEqual([]);
  });

  test("may hang on another key's own lease, which then lasts as long as either", () => {
    const bench = new Bench();
    const reply = bench.putFor(0, "a", 500);
    if (reply.kind !== "written") throw new Error(reply.kind);
    bench.put(1, "b", reply.index);
    bench.at(2, { kind: "delete", key: "a" });
    expect(bench.leases).toEqual([reply.index]);
    bench.expire(500, reply.index);
    expect(bench.keys).toEqual([]);
  });
});

test("a key that is put once more with its own lease has it still", () => {
  const bench = new Bench();
  const reply = bench.putFor(0, "a", 500);
  if (reply.kind !== "written") throw new Error(reply.kind);
  expect(bench.put(1, "a", reply.index).kind).toBe("written");
  expect(bench.leases).toEqual([reply.index]);
  bench.expire(500, reply.index);
  expect([bench.keys, bench.leases]).toEqual([[], []]);
});

test("a condition that does not hold begins no lease", () => {
  const bench = new Bench();
  bench.put(0, "a", null);
  const tenure = { kind: "own", ttlMs: 500 } as const;
  const condition = { kind: "absent" } as const;
  const operation = { kind: "put-leased", key: "a", value: utf8("w"), condition, tenure } as const;
  expect(bench.at(1, operation).kind).toBe("condition-failed");
  expect(bench.leases).toEqual([]);
});

test("a retry of a grant is answered with the lease that it began, and begins no other", () => {
  const store = emptyStore();
  const operation = { kind: "lease-grant", ttlMs: 500 } as const;
  const name = { session: 1, sequence: 1, acknowledged: 1 };
  const command: Command = { kind: "request", ...name, operation };
  const at = (index: number, one: Command) =>
    apply(store, { index: logIndex(index), time: millis(index), command: one });
  at(1, { kind: "register", nonce: 1 });
  expect(at(2, command)).toEqual({ kind: "lease-granted", lease: 2 });
  expect(at(3, command)).toEqual({ kind: "lease-granted", lease: 2 });
  expect(store.leases.byId.size).toBe(1);
});

test("there are no more leases, and no more keys of one, than there may be", () => {
  const bench = new Bench();
  const tight = { ...bench.store, leases: noLeases({ leasesMax: 2, leaseKeysMax: 2 }) };
  Object.assign(bench, { store: tight });
  const lease = bench.grant(0, 500);
  bench.put(0, "a", lease);
  bench.put(0, "b", lease);
  expect(bench.put(0, "c", lease)).toEqual({ kind: "lease-limit", of: "keys" });
  expect(bench.put(0, "b", lease).kind).toBe("written");
  bench.grant(0, 500);
  expect(bench.putFor(0, "c", 500)).toEqual({ kind: "lease-limit", of: "leases" });
  expect(bench.at(0, { kind: "lease-grant", ttlMs: 500 })).toEqual({
    ...{ kind: "lease-limit", of: "leases" },
  });
  expect(bench.keys).toEqual(["a", "b"]);
});

test("one expiry names so many leases, with so many keys, and the rest is still due", () => {
  const leases = noLeases();
  const many = limits.expiryLeasesMax + 10;
  for (let id = 1; id <= many; id++) {
    beginLease(leases, { id, origin: "granted", ttlMs: 500, now: millis(0) });
  }
  expect(dueLeases(leases, millis(499))).toEqual([]);
  expect(dueLeases(leases, millis(500))).toHaveLength(limits.expiryLeasesMax);
  const large = noLeases();
  for (let id = 1; id <= 3; id++) {
    const lease = beginLease(large, { id, origin: "granted", ttlMs: 500, now: millis(0) });
    for (let key = 0; key < limits.leaseKeysMax; key++) lease.keys.add(`${id}/${key}`);
  }
  expect(dueLeases(large, millis(500))).toHaveLength(1);
});

test("the first deadline is the first, whatever was put off or taken out", () => {
  const change = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.option(fc.nat(100), { nil: null }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80, size: "max" }), (changes) => {
      const deadlines = new Deadlines();
      const plain = new Map<number, number>();
      for (const [lease, at] of changes) {
        if (at !== null) {
          deadlines.set(lease, millis(at));
          plain.set(lease, at);
        } else if (plain.delete(lease)) deadlines.remove(lease);
        expect(Number(deadlines.first)).toBe(Math.min(...plain.values()));
        const due: number[] = [];
        deadlines.visitDue(millis(50), (one) => {
          due.push(one);
          return "next";
        });
        const expected = [...plain].filter(([, moment]) => moment <= 50).map(([one]) => one);
        expect(due.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
      }
    }),
    { numRuns: 200 },
  );
});

test("a key that is counted in a transaction keeps its lease, one that is put there loses it, as outside of one", () => {
  const bench = new Bench();
  const lease = bench.grant(0, 1000);
  const one = utf8("1");
  const tenure = { kind: "granted", lease } as const;
  const condition = { kind: "always" } as const;
  for (const key of ["counted", "put"]) {
    bench.at(1, { kind: "put-leased", key, value: one, condition, tenure });
  }
  bench.at(2, {
    kind: "txn",
    guard: { kind: "and", guards: [] },
    holding: [
      { kind: "incr", key: "counted", by: 1 },
      { kind: "put", key: "put", value: one, condition },
    ],
    otherwise: [],
  });
  bench.expire(1000, lease);
  expect(bench.keys).toEqual(["put"]);
});
