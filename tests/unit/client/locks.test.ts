/** Keeping a lease alive, standing in line, holding a lock: what is asked when, and what is relied on until when. */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, type Millis, millis, term } from "../../../src/base/numbers.ts";
import { type Ask, Contender, contention, type Patience } from "../../../src/client/contender.ts";
import { LeaseKeeper } from "../../../src/client/keeper.ts";
import { isPlace, Line, placeKey, prefixOf } from "../../../src/client/place-in-line.ts";
import type { Result } from "../../../src/client/request.ts";
import type { Item, Reply } from "../../../src/kv/command.ts";

const committed = (reply: Reply): Result => ({
  ...{ kind: "committed", reply, index: logIndex(9), term: term(1) },
  requestId: { session: 2, sequence: 1 },
});
const unknown: Result = {
  ...{ kind: "unknown", because: "deadline", nodes: [] },
  requestId: { session: 2, sequence: 1 },
};
const rejected: Result = {
  ...{ kind: "rejected", because: { kind: "no-leader" }, requestId: null, nodes: [] },
};
const kept = committed({ kind: "lease-kept", lease: 7, ttlMs: 1200 });
const gone = committed({ kind: "lease-unknown", lease: 7 });

describe("a lease of 1200 ms that was asked for at 100", () => {
  const keeper = () => new LeaseKeeper({ lease: 7, ttlMs: 1200, askedAt: millis(100) });

  test("is renewed after a third, relied on for two thirds, and over by five sixths", () => {
    const one = keeper();
    expect(one.care(millis(499))).toEqual({ kind: "rest", until: millis(500) });
    expect(one.care(millis(500))).toEqual({ kind: "renew", deadline: millis(900) });
    expect([Number(one.trustedUntil), Number(one.overBy)]).toEqual([900, 1100]);
  });

  test("is counted from when its renewal was sent, not from when that was answered", () => {
    const one = keeper();
    one.asked(millis(500));
    one.answered(kept, millis(880));
    expect(Number(one.trustedUntil)).toBe(1300);
  });

  test("is not renewed by an answer that never came, and is asked for again soon", () => {
    for (const result of [unknown, rejected]) {
      const one = keeper();
      one.asked(millis(500));
      expect(one.care(millis(700))).toEqual({ kind: "rest", until: millis(900) });
      one.answered(result, millis(700));
      expect(Number(one.trustedUntil)).toBe(900);
      expect(one.care(millis(749)).kind).toBe("rest");
      expect(one.care(millis(750)).kind).toBe("renew");
    }
  });

  test("is lost at once when the cluster does not know it any more", () => {
    const one = keeper();
    one.asked(millis(500));
    one.answered(gone, millis(510));
    expect(one.care(millis(511))).toEqual({ kind: "lost" });
  });
});

describe("a line", () => {
  const prefix = prefixOf({ kind: "lock", name: "a" });
  const item = (nonce: number, revision: number): Item => ({
    ...{ key: placeKey(prefix, nonce), revision: logIndex(revision), value: utf8("x") },
  });

  test("is in the order of revisions, whatever the keys are", () => {
    const line = new Line(prefix);
    line.add({ items: [item(1, 30), item(2, 10), item(3, 20)], more: "end" });
    expect(line.holder?.revision).toBe(logIndex(10));
    expect(line.ahead(30)?.revision).toBe(logIndex(20));
    expect(line.ahead(10)).toBeNull();
    expect([line.has(20), line.has(21)]).toEqual([true, false]);
  });

  test("goes on over pages, and leaves out what is another lock's", () => {
    const line = new Line(prefix);
    const other: Item = {
      ...item(1, 5),
      key: placeKey(prefixOf({ kind: "lock", name: "a/b" }), 1),
    };
    expect(isPlace(prefix, other.key)).toBe(false);
    expect(line.add({ items: [item(1, 30), other], more: "more" })).toBe(other.key);
    expect(line.add({ items: [item(2, 10)], more: "end" })).toBeNull();
    expect(line.holder?.revision).toBe(logIndex(10));
  });
});

/** A contender with a span of 1200 ms, its cluster played by the test. */
class Bench {
  now = millis(100);
  readonly prefix = prefixOf({ kind: "lock", name: "a" });
  readonly contender: Contender;

  constructor(patience: Patience = "wait") {
    const { prefix, now } = this;
    const value = utf8("me");
    this.contender = new Contender({ prefix, nonce: 5, value, ttlMs: 1200, patience, now });
  }

  get stand(): string {
    return this.contender.stand.kind;
  }

  at(ms: number): this {
    this.now = millis(ms) as Millis;
    return this;
  }

  /** The one question that is due. */
  ask(): Ask {
    const asks = this.contender.take(this.now);
    expect(asks).toHaveLength(1);
    return asks[0]!;
  }

  answer(ask: Ask, result: Result): void {
    this.contender.answered(ask, result, this.now);
  }

  line(...places: readonly (readonly [nonce: number, revision: number])[]): Result {
    const items = places.map(([nonce, revision]) => ({
      ...{ key: placeKey(this.prefix, nonce), revision: logIndex(revision), value: utf8("x") },
    }));
    return committed({ kind: "listed", items, more: "end" });
  }

  /** In line at entry 7. */
  enter(): this {
    this.answer(this.ask(), committed({ kind: "written", index: logIndex(7) }));
    return this;
  }

  hold(): this {
    this.enter();
    this.answer(this.ask(), this.line([5, 7]));
    expect(this.stand).toBe("holding");
    return this;
  }
}

describe("a contender", () => {
  test("gets in line, looks, and holds when nobody is in front; its token is its place", () => {
    const bench = new Bench();
    const entering = bench.ask();
    expect(entering.operation).toMatchObject({
      ...{ kind: "put-leased", key: placeKey(bench.prefix, 5), condition: { kind: "absent" } },
      tenure: { kind: "own", ttlMs: 1200 },
    });
    bench.answer(entering, committed({ kind: "written", index: logIndex(7) }));
    const looking = bench.ask();
    expect(looking.operation).toMatchObject({ kind: "list", prefix: bench.prefix });
    bench.answer(looking, bench.line([5, 7], [1, 8]));
    expect(bench.contender.stand).toEqual({ kind: "holding", token: 7 });
  });

  test("waits for whoever is directly in front, however long the line is, and looks again then", () => {
    const bench = new Bench().enter();
    bench.answer(bench.ask(), bench.line([1, 3], [2, 5], [5, 7]));
    expect(bench.contender.take(bench.now)).toEqual([]);
    const poll = bench.at(100 + contention.pollMs).ask();
    expect(poll.operation).toEqual({ kind: "get", key: placeKey(bench.prefix, 2) });
    bench.answer(poll, committed({ kind: "found", revision: logIndex(5), value: utf8("x") }));
    expect(bench.contender.take(bench.now)).toEqual([]);
    const again = bench.at(100 + 2 * contention.pollMs).contender.take(bench.now);
    const second = again.find(({ lane }) => lane === "place")!;
    bench.answer(second, committed({ kind: "absent" }));
    const look = bench.ask();
    expect(look.operation.kind).toBe("list");
    bench.answer(look, bench.line([1, 3], [5, 7]));
    expect(bench.contender.stand).toMatchObject({ kind: "waiting", behind: { revision: 3 } });
  });

  test("that does not want to wait leaves again, and says that the lock is busy", () => {
    const bench = new Bench("no-wait").enter();
    bench.answer(bench.ask(), bench.line([1, 3], [5, 7]));
    const leaving = bench.ask();
    expect(leaving.operation).toEqual({ kind: "lease-revoke", lease: 7 });
    bench.answer(leaving, committed({ kind: "lease-revoked", lease: 7, keys: 1 }));
    expect(bench.contender.stand).toMatchObject({ kind: "out", because: "busy" });
  });

  test("asks for its place under one name until it knows, and counts its lease from the first time", () => {
    const bench = new Bench();
    bench.answer(bench.ask(), unknown);
    const again = bench.at(400).ask();
    expect(again.again).toEqual({ session: 2, sequence: 1 });
    bench.answer(again, committed({ kind: "written", index: logIndex(7) }));
    expect(Number(bench.contender.trustedUntil)).toBe(900);
  });

  test("that is first and not sure of its lease renews it before it holds", () => {
    const bench = new Bench();
    bench.answer(bench.ask(), unknown);
    bench.at(1000);
    bench.answer(bench.ask(), committed({ kind: "written", index: logIndex(7) }));
    const [look, renewal] = bench.contender.take(bench.now) as [Ask, Ask];
    bench.answer(look, bench.line([5, 7]));
    expect(bench.stand).toBe("waiting");
    expect(renewal.operation).toEqual({ kind: "lease-keep-alive", lease: 7 });
    bench.answer(renewal, kept);
    bench.at(1000 + contention.pollMs).answer(bench.ask(), bench.line([5, 7]));
    expect(bench.stand).toBe("holding");
  });

  test("that holds has lost it when its lease could not be renewed in time, whoever knows better", () => {
    const bench = new Bench().hold();
    const renewal = bench.at(500).ask();
    bench.at(899).contender.take(bench.now);
    expect(bench.stand).toBe("holding");
    bench.at(900).contender.take(bench.now);
    expect(bench.contender.stand).toMatchObject({ kind: "out", because: "lost" });
    bench.answer(renewal, kept);
    expect(bench.stand).toBe("out");
  });

  test("that waits keeps its place through an outage, as long as the cluster knows its lease", () => {
    const bench = new Bench().enter();
    bench.answer(bench.ask(), bench.line([1, 3], [5, 7]));
    const renewalAt = (ms: number) =>
      bench
        .at(ms)
        .contender.take(bench.now)
        .find(({ lane }) => lane === "lease")!;
    bench.answer(renewalAt(500), rejected);
    bench.answer(renewalAt(2000), kept);
    expect(bench.stand).toBe("waiting");
    bench.answer(renewalAt(2400), gone);
    expect(bench.contender.stand).toMatchObject({ kind: "out", because: "lost" });
  });

  test("that is not in the line any more has lost its place", () => {
    const bench = new Bench().enter();
    bench.answer(bench.ask(), bench.line([1, 3]));
    expect(bench.contender.stand).toMatchObject({ kind: "out", because: "lost" });
  });

  test("that leaves before it knows of its place finds out, and leaves that", () => {
    const bench = new Bench();
    const entering = bench.ask();
    bench.contender.leave(bench.now);
    bench.answer(entering, committed({ kind: "written", index: logIndex(7) }));
    const leaving = bench.ask();
    expect(leaving.operation).toEqual({ kind: "lease-revoke", lease: 7 });
    bench.answer(leaving, unknown);
    const again = bench.at(100 + contention.pollMs).ask();
    bench.answer(again, gone);
    expect(bench.contender.stand).toMatchObject({ kind: "out", because: "left" });
  });

  test("that holds is woken to renew, and to find out that it has lost", () => {
    const bench = new Bench().hold();
    expect(Number(bench.contender.wakeAt(bench.now))).toBe(500);
    bench.at(500).ask();
    expect(Number(bench.contender.wakeAt(bench.now))).toBe(900);
  });
});
