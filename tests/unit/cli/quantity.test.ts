/** Durations, sizes, counts and node names, as people write them. */
import { expect, test } from "bun:test";
import { check, integer, property } from "fast-check";
import {
  formatDuration,
  formatSize,
  parseCount,
  parseDuration,
  parseNodeList,
  parseNodeName,
  parseSize,
} from "../../../src/cli/quantity.ts";
import { editDistance, nearest } from "../../../src/cli/suggest.ts";

test.each([
  ["250ms", 250],
  ["2s", 2000],
  ["1.5s", 1500],
  ["1m", 60_000],
  ["2h", 7_200_000],
  ["0", 0],
  ["0.001s", 1],
] as const)("the duration %s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "-5s", "5 s", "5sec", "1e3ms", "s", "0.5ms", ".5s", "9e99s", "Infinitys"])(
  "%p is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  ["64KiB", 65_536],
  ["1MiB", 1_048_576],
  ["1.5kib", 1536],
  ["512", 512],
  ["512B", 512],
  ["4GiB", 4_294_967_296],
] as const)("the size %s is %d bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "1KB", "1M", "-1", "1 MiB", "0.5", "0.3KiB"])("%p is no size", (text) => {
  expect(parseSize(text)).toBeNull();
});

test("every duration and size is read back as it was printed", () => {
  check(
    property(integer({ min: 0, max: 1e12 }), (n) => {
      expect(parseDuration(formatDuration(n))).toBe(n);
      expect(parseSize(formatSize(n))).toBe(n);
    }),
  );
});

test("a count has digits only, and stays exact", () => {
  expect(parseCount("42")).toBe(42);
  for (const text of ["", "-1", "1.0", "0x10", "1e3", " 1", "99999999999999999999"]) {
    expect(parseCount(text)).toBeNull();
  }
});

test("a node is named 3 or node3", () => {
  expect(parseNodeName("3")).toBe(parseNodeName("node3"));
  expect(parseNodeName("3") as number).toBe(3);
  for (const text of ["0", "03", "node", "node0", "Node3", "3 ", "65536", "-1", ""]) {
    expect(parseNodeName(text)).toBeNull();
  }
});

test("a list of nodes names each once", () => {
  expect(parseNodeList("1, node2") as number[] | null).toEqual([1, 2]);
  expect(parseNodeList("1,1")).toBeNull();
  expect(parseNodeList("1,,2")).toBeNull();
});

test("a suggestion is near: a typing mistake is, another word is not", () => {
  const known = ["status", "stop", "restart", "partition"];
  expect(nearest("statsu", known)).toBe("status");
  expect(nearest("part", known)).toBe("partition");
  expect(nearest("tsop", known)).toBe("stop");
  expect(nearest("explode", known)).toBeNull();
});

test("two letters swapped are one mistake", () => {
  expect(editDistance("ab", "ba")).toBe(1);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
});
