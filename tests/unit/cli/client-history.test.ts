/** `client history`: a key's changes out of a watch, and how far back they go. */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import type { Delivery, WatchWish } from "../../../src/runtime/watch.ts";
import { client, FakeCluster, watchOf } from "./client-support.ts";

const event = (index: number, key: string, value: string | null) => ({
  ...{ index: logIndex(index), key },
  value: value === null ? null : utf8(value),
});

/** A log that ends with entry 4, and a watch that tells this of it. */
async function told(...scripts: readonly (readonly Delivery[])[]) {
  const cluster = new FakeCluster();
  for (const value of ["1", "2", "3"]) await client(["put", "k", value], { cluster });
  const wishes: WatchWish[] = [];
  const openWatch = async (wish: WatchWish) => {
    wishes.push(wish);
    return watchOf(scripts[wishes.length - 1] ?? []);
  };
  const ask = (...words: readonly string[]) =>
    client(["history", "k", ...words], { cluster, connection: { openWatch } });
  return { ask, wishes };
}

const events = (next: number, ...all: ReturnType<typeof event>[]): Delivery => ({
  ...{ kind: "events", events: all, next: logIndex(next) },
});

const all = [
  events(3, event(2, "k", "1"), event(2, "kk", "another key")),
  events(5, event(3, "k", null), event(4, "k", "three\nlines")),
];

test("prints the newest change first, and nothing of other keys", async () => {
  const { ask, wishes } = await told(all);
  const { exit, stdout } = await ask();
  expect(exit).toBe(0);
  expect(stdout).toBe('4  "three\\nlines"\n3  (deleted)\n2  1\n');
  expect(wishes).toEqual([{ prefix: "k", from: logIndex(1) }]);
});

test("has JSON and an s-expression", async () => {
  const { ask } = await told(all, all);
  expect(JSON.parse((await ask("--json")).stdout)).toEqual({
    ...{ ok: true, key: "k", first: 1, index: 4, more: false },
    changes: [
      { index: 4, value: "three\nlines" },
      { index: 3, value: null },
      { index: 2, value: "1" },
    ],
  });
  expect((await ask("--sexpr")).stdout).toBe(
    '(history-ok (key "k") (first 1) (index 4) (changes (put (index 4) (value "three\\nlines")) ' +
      '(del (index 3)) (put (index 2) (value "1"))) (more no))\n',
  );
});

test("ends where the log ended when it was asked for, though more is written meanwhile", async () => {
  const { ask } = await told([events(9, event(4, "k", "4"), event(7, "k", "later"))]);
  expect((await ask()).stdout).toBe("4  4\n");
});

test("--limit keeps the newest, and says that there are more", async () => {
  const { ask } = await told(all);
  const answer = JSON.parse((await ask("--limit", "2", "--json")).stdout);
  expect(answer).toMatchObject({ more: true, changes: [{ index: 4 }, { index: 3 }] });
});

test("goes back as far as the log is kept, and says how far that is", async () => {
  const gone: Delivery = { kind: "compacted", next: logIndex(1), first: logIndex(4) };
  const { ask, wishes } = await told([gone], [events(5, event(4, "k", "4"))]);
  const answer = JSON.parse((await ask("--json")).stdout);
  expect(answer).toMatchObject({ first: 4, changes: [{ index: 4, value: "4" }] });
  expect(wishes.map(({ from }) => from)).toEqual([1, 4].map(logIndex));
});

test("of a key that never changed is nothing, and no failure", async () => {
  const { ask } = await told([events(5)]);
  expect(await ask()).toMatchObject({ exit: 0, stdout: "" });
});

test("that no node tells is given up", async () => {
  const { ask } = await told([{ kind: "silence", nodes: [] }]);
  expect(await ask()).toMatchObject({ exit: 4, stdout: "" });
});

test("wants a key, and a number", async () => {
  const { ask } = await told(all);
  expect((await ask("--limit", "0")).exit).toBe(2);
  expect((await client(["history", ""])).exit).toBe(2);
});
