/** `client lock` and `client elect`: what is wrong with a command line, and who holds, in three notations. */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import { type Prize, placeKey, prefixOf } from "../../../src/client/place-in-line.ts";
import type { Delivery } from "../../../src/runtime/watch.ts";
import { client, FakeCluster, watchOf } from "./client-support.ts";

function lineOf(prize: Prize, ...names: readonly string[]): FakeCluster {
  const cluster = new FakeCluster();
  // Their keys are in another order than their places.
  for (const [at, name] of names.entries()) {
    cluster.write(placeKey(prefixOf(prize), 9 - at), name);
  }
  return cluster;
}

describe("a command line that is wrong sends nothing", () => {
  const wrong: readonly (readonly [words: readonly string[], code: string])[] = [
    [["lock"], "missing-argument"],
    [["lock", "a"], "missing-argument"],
    [["lock", "a", "--"], "missing-argument"],
    [["lock", "", "--", "true"], "bad-value"],
    [["lock", "n".repeat(1007), "--", "true"], "bad-value"],
    [["lock", "a", "--ttl", "999ms", "--", "true"], "bad-value"],
    [["lock", "a", "--ttl", "61m", "--", "true"], "bad-value"],
    [["lock", "a", "--wait", "5", "--", "true"], "bad-value"],
    [["lock", "a", "--show", "--", "true"], "contradiction"],
    [["lock", "a", "--observe"], "unknown-flag"],
    [["elect", "a", "--show", "--observe"], "contradiction"],
    [["elect", "a", "--as", "x".repeat(1025)], "bad-value"],
  ];
  for (const [words, code] of wrong) {
    test(`${words.join(" ").slice(0, 40)}: ${code}`, async () => {
      const cluster = new FakeCluster();
      const ran = await client([...words.slice(0, 1), "--json", ...words.slice(1)], { cluster });
      expect({ exit: ran.exit, code: ran.error["code"] }).toEqual({ exit: 2, code });
      expect(cluster.requests).toEqual([]);
    });
  }

  test("a command that there is not is found out before the lock is asked for", async () => {
    const cluster = new FakeCluster();
    const ran = await client(["lock", "a", "--", "no-such-command"], { cluster });
    expect(ran.exit).toBe(127);
    expect(cluster.requests).toEqual([]);
  });
});

describe("--show", () => {
  const prize = { kind: "lock", name: "a" } as const;
  const shown = (...format: readonly string[]) =>
    client(["lock", "a", "--show", ...format], { cluster: lineOf(prize, "one", "two") });

  test("says who has it and who waits, in the order of their tokens", async () => {
    expect((await shown()).stdout).toBe("2  holds  one\n3  waits  two\n");
    expect((await shown("--json")).stdout).toBe(
      '{"ok":true,"name":"a","holder":{"token":2,"by":"one","key":"lock/a/000000000009"},' +
        '"waiting":[{"token":3,"by":"two","key":"lock/a/000000000008"}],"index":3}\n',
    );
    expect((await shown("--sexpr")).stdout).toBe(
      '(lock-show-ok (name "a") (holder (token 2) (by "one") (key "lock/a/000000000009")) ' +
        '(waiting (place (token 3) (by "two") (key "lock/a/000000000008"))) (index 3))\n',
    );
  });

  test("says that nobody has it, exit 1; locks whose names begin alike are others", async () => {
    const cluster = lineOf({ kind: "lock", name: "a/b" }, "one");
    const ran = await client(["lock", "a", "--show", "--json"], { cluster });
    expect(ran.exit).toBe(1);
    expect(ran.error).toMatchObject({ code: "not-held" });
    expect(ran.stdout).toBe("");
  });
});

test("--observe prints whoever leads, and every change, once", async () => {
  const prize = { kind: "elect", name: "a" } as const;
  const cluster = lineOf(prize, "one", "two");
  const event = (index: number, nonce: number, value: string | null) => ({
    ...{ index: logIndex(index), key: placeKey(prefixOf(prize), nonce) },
    value: value === null ? null : utf8(value),
  });
  // A third comes, the second one leaves, the first, the third.
  const events = [event(4, 1, "three"), event(5, 8, null), event(6, 9, null), event(7, 1, null)];
  const deliveries: Delivery[] = [{ kind: "events", events, next: logIndex(8) }];
  const openWatch = async () => watchOf(deliveries);
  const words = ["elect", "a", "--observe", "--json"];
  const ran = await client(words, { cluster, connection: { openWatch } });
  expect(ran.exit).toBe(130);
  const leaders = ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(leaders.map(({ index, leader }) => [index, leader?.by ?? null])).toEqual([
    [3, "one"],
    [6, "three"],
    [7, null],
  ]);
  expect(must(leaders[1], "one came after").leader.token).toBe(4);
});
