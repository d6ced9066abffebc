/** `client watch`: its three notations, where it begins, and how it ends. */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import type { Delivery, WatchWish } from "../../../src/runtime/watch.ts";
import { client, FakeCluster, watchOf } from "./client-support.ts";

const event = (index: number, key: string, value: string | null) => ({
  ...{ index: logIndex(index), key: byteString(utf8(key)) },
  value: value === null ? null : utf8(value),
});

const deliveries: readonly Delivery[] = [
  { kind: "events", events: [event(3, "a", "1"), event(5, "b", "2")], next: logIndex(6) },
  { kind: "events", events: [], next: logIndex(9) },
  { kind: "events", events: [event(9, "a", null)], next: logIndex(10) },
];

function watching(script: readonly Delivery[] = deliveries) {
  const wishes: WatchWish[] = [];
  const openWatch = async (wish: WatchWish) => {
    wishes.push(wish);
    return watchOf(script);
  };
  return { wishes, setting: { connection: { openWatch } } };
}

test("prints a change a line, and how to go on", async () => {
  const { wishes, setting } = watching();
  const ran = await client(["watch", "x", "--from", "2"], setting);
  expect(ran.stdout).toBe("3  put a = 1\n5  put b = 2\n9  del a\n");
  expect(ran.stderr).toContain("to go on: --from 10");
  expect(wishes).toEqual([{ prefix: "x", from: logIndex(2) }]);
  expect(ran.exit).toBe(0);
});

test("is one object a line for programs, with a mark of how far it has come at the end", async () => {
  const json = await client(["watch", "--from", "1", "--json"], watching().setting);
  expect(
    json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { index: 3, kind: "put", key: "a", value: "1" },
    { index: 5, kind: "put", key: "b", value: "2" },
    { index: 9, kind: "del", key: "a" },
    { kind: "progress", next: 10 },
  ]);
  const sexpr = await client(["watch", "--from", "1", "--sexpr"], watching().setting);
  expect(sexpr.stdout.split("\n").slice(1)).toEqual([
    '(put (index 5) (key "b") (value "2"))',
    '(del (index 9) (key "a"))',
    "(progress (next 10))",
    "",
  ]);
});

test("without --from begins after everything that was written before it", async () => {
  const cluster = new FakeCluster();
  for (const key of ["a", "b"]) await client(["put", key, "v"], { cluster });
  const { wishes, setting } = watching();
  await client(["watch"], { cluster, ...setting });
  // A session and two puts stand in the log.
  expect(wishes).toEqual([{ prefix: "", from: logIndex(4) }]);
});

test("--count ends it, and says where to go on: at the same entry, where that has more", async () => {
  const one = await client(["watch", "--from", "1", "--count", "1", "--json"], watching().setting);
  expect(one.stdout.trim().split("\n").at(-1)).toBe('{"kind":"progress","next":4}');
  const both = [event(7, "a", "1"), event(7, "b", "1")];
  const half = watching([{ kind: "events", events: both, next: logIndex(8) }]);
  const cut = await client(["watch", "--from", "1", "--count", "1", "--json"], half.setting);
  expect(cut.stdout.trim().split("\n").at(-1)).toBe('{"kind":"progress","next":7}');
});

test("what was compacted is an honest no, with the first entry that is there", async () => {
  const gone: Delivery = { kind: "compacted", next: logIndex(3), first: logIndex(40) };
  const ran = await client(["watch", "k", "--from", "3", "--json"], watching([gone]).setting);
  expect(ran.exit).toBe(1);
  expect(ran.error).toMatchObject({ code: "compacted", applied: "no" });
  expect(JSON.stringify(ran.error)).toContain("watch k --from 40");
});

test("silence is said, and it goes on", async () => {
  const nodes = [
    { id: null, address: { host: "127.0.0.1", port: 7101 }, contact: { kind: "refused" } },
  ] as const;
  const quiet: Delivery = { kind: "silence", nodes };
  const ran = await client(["watch", "--from", "1"], watching([quiet, ...deliveries]).setting);
  expect(ran.stderr).toContain("no word from any node");
  expect(ran.stdout.split("\n")).toHaveLength(4);
});

test("an index that is none is a mistake", async () => {
  expect((await client(["watch", "--from", "x"], watching().setting)).exit).toBe(2);
  expect((await client(["watch", "--count", "0"], watching().setting)).exit).toBe(2);
});
