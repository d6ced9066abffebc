/** The checkers' store (src/sim/check/model.ts) and the real one say the same, whatever is committed. */
import { describe, expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, term } from "../../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import {
  type Command,
  limits,
  type Operation,
  type ReadOperation,
  type Reply,
  wholeList,
} from "../../../src/kv/command.ts";
import { apply, emptyStore, read } from "../../../src/kv/store.ts";
import { drawIncr, drawTransaction } from "../../../src/sim/campaign/transactions.ts";
import { oneOf } from "../../../src/sim/chance.ts";
import { Model, sameReply } from "../../../src/sim/check/model.ts";

const key = (random: Random): string => byteString(utf8(`k${random.below(4)}`));
const value = (random: Random): Uint8Array => utf8(String(random.below(3)));

function readOperation(random: Random): ReadOperation {
  if (random.below(2) === 0) return { kind: "get", key: key(random) };
  if (random.below(3) === 0) {
    return { kind: "leases", after: random.below(40), limit: 1 + random.below(4) };
  }
  const limit = 1 + random.below(5);
  const show = oneOf(random, ["keys", "values"] as const);
  return { ...wholeList, prefix: oneOf(random, ["", "k"]), after: key(random), limit, show };
}

function operation(random: Random, index: number, open: readonly number[]): Operation {
  const lease = anyLease(random, index, open);
  const known = () => ({ value: value(random), revision: random.below(index) });
  const draws = { random, keys: 4, known, value: () => value(random) };
  switch (random.below(11)) {
    case 4:
      return drawIncr(draws);
    case 5:
      return drawTransaction(draws);
    case 8:
    case 6:
      return leaseOperation(random, lease);
    case 7: {
      const tenure = oneOf(random, [
        { kind: "own", ttlMs: 100 + random.below(3000) },
        { kind: "granted", lease },
      ] as const);
      const condition = { kind: oneOf(random, ["always", "absent"] as const) };
      return { kind: "put-leased", key: key(random), value: value(random), condition, tenure };
    }
    case 0:
      return { kind: "delete", key: key(random) };
    case 1:
      return { kind: "cas", key: key(random), expected: value(random), value: value(random) };
    case 2:
      return { kind: "noop" };
    case 3:
      return readOperation(random);
    default: {
      const condition = oneOf(random, [
        { kind: "always" },
        { kind: "absent" },
        { kind: "revision", revision: logIndex(random.below(index)) },
      ] as const);
      const odd = { kind: "put", key: "tally-1", value: utf8("many"), condition } as const;
      if (random.below(4) === 0) return odd;
      return { kind: "put", key: key(random), value: value(random), condition };
    }
  }
}

/** One that there is, more often than not. */
const anyLease = (random: Random, index: number, open: readonly number[]): number =>
  open.length > 0 && random.below(4) > 0 ? oneOf(random, open) : 1 + random.below(index);

function leaseOperation(random: Random, lease: number): Operation {
  switch (random.below(3)) {
    case 0:
      return { kind: "lease-revoke", lease };
    case 1:
      return { kind: "lease-keep-alive", lease };
    default:
      return { kind: "lease-grant", ttlMs: 100 + random.below(3000) };
  }
}

function command(random: Random, index: number, open: readonly number[]): Command {
  if (index === 1) return { kind: "register", nonce: 1 };
  if (random.below(10) === 0) return { kind: "register", nonce: 1 };
  if (random.below(12) === 0) {
    const leases = Array.from({ length: index }, (_, at) => at + 1);
    return { kind: "expire", leases: leases.filter(() => random.below(3) === 0) };
  }
  return {
    kind: "request",
    session: 1 + random.below(Math.min(index, 5)),
    sequence: 1 + random.below(index + 2000 * random.below(2)),
    acknowledged: 1 + random.below(Math.ceil(index / 4) + 1),
    operation: operation(random, index, open),
  };
}

describe("the model and the store", () => {
  test("answer every command alike, repeated ones and stray ones included", () => {
    const kinds = new Set<Reply["kind"]>();
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const tight = { sessionsMax: 3, sessionWindow: 40, sessionIdleMs: 30 };
      const sessions = seed % 4 > 0 ? limits : tight;
      const [model, store] = [new Model(sessions), emptyStore(sessions)];
      const asked: Command[] = [];
      let time = 0;
      for (let index = 1; index <= 150; index++) {
        const fresh = random.below(3) > 0 || asked.length === 0;
        const one = fresh ? command(random, index, model.leases.openIds) : oneOf(random, asked);
        asked.push(one);
        time += random.below(4);
        const at = { index: logIndex(index), time: millis(time), term: term(1) };
        const reply = apply(store, { ...at, command: one });
        model.apply(at, one);
        const expected = model.outcomeAt(index)?.reply;
        kinds.add(reply.kind);
        expect(expected, `seed ${seed}, entry ${index}`).toEqual(reply);
        const question = readOperation(random);
        const [said, right] = [read(store, question, null), model.read(question, index, at.time)];
        expect(said, `seed ${seed}, after entry ${index}`).toEqual(right);
        expect(sameReply(said, right)).toBe(true);
      }
      expect(model.sessionNames).toEqual([...store.sessions.byId.keys()]);
      expect(model.leases.openIds).toEqual([...store.leases.byId.keys()]);
    }
    expect(kinds.size).toBe(21);
  });

  test("the model still knows what was true at any earlier entry", () => {
    const model = new Model();
    const moment = (index: number) => ({
      ...{ index: logIndex(index), time: millis(index), term: term(1) },
    });
    model.apply(moment(1), { kind: "register", nonce: 1 });
    const put = (sequence: number, text: string): Command => ({
      ...{ kind: "request", session: 1, sequence, acknowledged: 1 },
      operation: { kind: "put", key: "k", value: utf8(text), condition: { kind: "always" } },
    });
    model.apply(moment(2), put(1, "one"));
    model.apply(moment(3), put(2, "two"));
    const at = (index: number) => model.read({ kind: "get", key: "k" }, index);
    expect(at(1)).toEqual({ kind: "absent" });
    expect(at(2)).toMatchObject({ revision: logIndex(2) });
    expect(at(3)).toMatchObject({ revision: logIndex(3), value: utf8("two") });
  });
});

test("replies that differ anywhere are not the same", () => {
  const item = { key: "k", revision: logIndex(1), value: utf8("1") };
  const replies: readonly Reply[] = [
    { kind: "absent" },
    { kind: "found", revision: logIndex(1), value: utf8("1") },
    { kind: "found", revision: logIndex(2), value: utf8("1") },
    { kind: "found", revision: logIndex(1), value: utf8("2") },
    { kind: "written", index: logIndex(1) },
    { kind: "written", index: logIndex(2) },
    { kind: "listed", items: [], more: "end" },
    { kind: "listed", items: [item], more: "end" },
    { kind: "listed", items: [item], more: "more" },
    { kind: "listed", items: [{ ...item, value: null }], more: "end" },
  ];
  for (const [a, one] of replies.entries()) {
    for (const [b, other] of replies.entries()) expect(sameReply(one, other)).toBe(a === b);
  }
});
