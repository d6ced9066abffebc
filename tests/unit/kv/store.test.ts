import { expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import {
  type Command,
  isReadOperation,
  limits,
  type Operation,
  type Reply,
  wholeList,
} from "../../../src/kv/command.ts";
import { addKey, emptyKeyOrder, removeKey, visitKeys } from "../../../src/kv/key-order.ts";
import { apply, emptyStore, read, type Store } from "../../../src/kv/store.ts";
import { anyOperation } from "./arbitrary.ts";
import { Model } from "./model.ts";

/** Few of everything, so that a short run meets every limit. */
const tight = { sessionsMax: 3, sessionWindow: 3, sessionIdleMs: 50 };

const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("register" as const), nonce: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("expire" as const),
      leases: fc
        .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 30, size: "max" })
        .map((ids) => ids.sort((a, b) => a - b)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("request" as const),
      // Index names session: small numbers hit sessions that exist, existed and never did.
      session: fc.integer({ min: 1, max: 12 }),
      sequence: fc.integer({ min: 1, max: 8 }),
      acknowledged: fc.integer({ min: 1, max: 6 }),
      operation: anyOperation,
    }),
  },
);
// Of full size: by itself fast-check makes logs of five entries, which meet nothing.
const anyLog = fc.array(fc.tuple(anyCommand, fc.oneof(fc.nat(3), fc.nat(60))), {
  maxLength: 60,
  size: "max",
});

test("store and sessions answer as the naive model does, and hold the same keys", () => {
  fc.assert(
    fc.property(anyLog, (log) => {
      const store = emptyStore(tight);
      const model = new Model(tight);
      let time = 0;
      log.forEach(([command, pause], at) => {
        time += pause;
        const application = { index: logIndex(at + 1), time: millis(time), command };
        expect(apply(store, application)).toEqual(model.apply(application));
      });
      expect(keysInOrder(store)).toEqual(model.items.map((item) => item.key).sort());
      expect([...store.leases.byId.keys()]).toEqual(model.leases.map(({ id }) => id));
      expect([...store.leases.ofKey].sort()).toEqual(
        model.leaseOf.map(({ key, lease }) => [key, lease] as [string, number]).sort(),
      );
      const first = model.leases.map(({ deadline }) => deadline);
      expect(Number(store.leases.deadlines.first)).toBe(Math.min(...first));
      const alive = model.sessions.map((session) => session.id).sort((a, b) => a - b);
      for (const id of alive) expect(store.sessions.byId.has(id)).toBe(true);
      expect(store.sessions.byId.size).toBeLessThanOrEqual(tight.sessionsMax);
    }),
    { numRuns: 1500 },
  );
});

test("every operation of a session that is alive has the effect and the answer of the model", () => {
  fc.assert(
    fc.property(fc.array(anyOperation, { maxLength: 40, size: "max" }), (operations) => {
      const client = clientOf(emptyStore());
      const model = new Model(limits);
      operations.forEach((operation, at) => {
        expect(client(operation)).toEqual(model.operate(at + 2, operation));
      });
      expect(keysInOrder(client.store)).toEqual(model.items.map((item) => item.key).sort());
    }),
    { numRuns: 500 },
  );
});

test("reading through the log and reading the store give the same answer", () => {
  fc.assert(
    fc.property(fc.array(anyOperation, { maxLength: 40, size: "max" }), (operations) => {
      const client = clientOf(emptyStore());
      for (const operation of operations) {
        const reply = client(operation);
        if (!isReadOperation(operation)) continue;
        expect(reply).toEqual(read(client.store, operation, null));
      }
    }),
    { numRuns: 200 },
  );
});

test("pages of any size, put together, are the whole listing", () => {
  const key = fc.string({ unit: fc.constantFrom("a", "b", "\xff"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.uniqueArray(key), key, fc.integer({ min: 1, max: 5 }), (keys, prefix, limit) => {
      const client = clientOf(emptyStore());
      for (const one of keys) client(put(one, "v"));
      const seen: string[] = [];
      for (let after = ""; ; ) {
        const page = client({ ...wholeList, prefix, after, limit });
        if (page.kind !== "listed") throw new Error(page.kind);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map((item) => item.key));
        after = seen.at(-1) ?? "";
        if (page.more === "end") break;
      }
      expect(seen).toEqual(keys.filter((one) => one.startsWith(prefix)).sort());
    }),
    { numRuns: 300 },
  );
});

test("a listing stops before its limit of bytes, and moves on over a huge value", () => {
  const client = clientOf(emptyStore());
  const large = new Uint8Array(limits.valueBytesMax);
  const operation = { kind: "put", condition: { kind: "always" } } as const;
  client({ ...operation, key: "a", value: utf8("small") });
  client({ ...operation, key: "b", value: large });
  client({ ...operation, key: "c", value: utf8("small") });
  const page = (after: string): string => {
    const reply = client({ ...wholeList, after, limit: 10, show: "values" });
    if (reply.kind !== "listed") throw new Error(reply.kind);
    return `${reply.items.map((item) => item.key).join("")} ${reply.more}`;
  };
  expect([page(""), page("a"), page("b")]).toEqual(["a more", "b more", "c end"]);
});

test("a listing holds no more than its limit of keys, whatever is asked for", () => {
  const client = clientOf(emptyStore());
  for (let at = 0; at <= limits.listKeysMax; at++) client(put(`k${at}`, ""));
  const reply = client({ ...wholeList, limit: 1e9 });
  if (reply.kind !== "listed") throw new Error(reply.kind);
  expect(reply.items.length).toBe(limits.listKeysMax);
  expect(reply.more).toBe("more");
});

test("keys stay in byte order while many come and go", () => {
  const random = seededRandom(7);
  const order = emptyKeyOrder();
  const present = new Set<string>();
  for (let step = 0; step < 30_000; step++) {
    // First it mostly grows, over several splits of blocks; then it shrinks to nothing.
    const key = String(random.below(9_000));
    const grows = random.below(10) < (step < 18_000 ? 8 : 1);
    if (grows && !present.has(key)) {
      addKey(order, key);
      present.add(key);
    } else if (!grows && present.has(key)) {
      removeKey(order, key);
      present.delete(key);
    }
    if (step % 3_000 !== 0) continue;
    const seen: string[] = [];
    visitKeys(order, "5", (one) => {
      seen.push(one);
      return "next";
    });
    expect(seen).toEqual([...present].filter((one) => one >= "5").sort());
  }
  for (const key of present) removeKey(order, key);
  expect(order.blocks).toEqual([]);
});

test("listing a prefix among 100,000 keys costs what it lists, also between writes", () => {
  const client = clientOf(emptyStore());
  for (let at = 0; at < 100_000; at++) client(put(`key${(at * 7919) % 100_000}`, ""));
  let visited = 0;
  const started = performance.now();
  for (let round = 0; round < 1_000; round++) {
    client(put(`new${round}`, ""));
    const reply = client({ ...wholeList, prefix: "key9999", limit: 100 });
    if (reply.kind === "listed") visited += reply.items.length;
  }
  expect(visited).toBe(11_000);
  // Sorting 100,000 keys takes tens of milliseconds; a thousand times that is far beyond this
  // bound.
  expect(performance.now() - started).toBeLessThan(2_000);
});

function keysInOrder(store: Store): string[] {
  const keys: string[] = [];
  visitKeys(store.order, "", (key) => {
    keys.push(key);
    return "next";
  });
  expect(keys.length).toBe(store.values.size);
  return keys;
}

type Client = ((operation: Operation) => Reply) & { readonly store: Store };

/** Applies operations through the log, one after the other, within one session. */
function clientOf(store: Store): Client {
  let index = 1;
  const time = millis(0);
  apply(store, { index: logIndex(1), time, command: { kind: "register", nonce: 0 } });
  const send = (operation: Operation): Reply => {
    index++;
    const sequence = index - 1;
    return apply(store, {
      index: logIndex(index),
      time,
      command: { kind: "request", session: 1, sequence, acknowledged: sequence, operation },
    });
  };
  return Object.assign(send, { store });
}

function put(key: string, value: string): Operation {
  return { kind: "put", key, value: utf8(value), condition: { kind: "always" } };
}
