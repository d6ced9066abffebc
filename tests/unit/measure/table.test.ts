/** Tables as Markdown, and numbers as people read them. */
import { expect, test } from "bun:test";
import { bytes, counted, markdownTable, number, short } from "../../../scripts/measure/table.ts";

test("columns of numbers stand to the right, columns of text to the left, and bars stay in their cell", () => {
  expect(markdownTable(["what:", "ms"], [["a | b", "1.5"]])).toBe(
    "| what | ms |\n|---|---:|\n| a \\| b | 1.5 |",
  );
});

test.each([
  [0, "0"],
  [0.0123, "0.0123"],
  [1.234, "1.23"],
  [56.78, "56.8"],
  [99.96, "100"],
  [1234.4, "1,234"],
  [1_234_567, "1,234,567"],
  [Number.NaN, "-"],
])("%p is shown as %p", (value, shown) => {
  expect(number(value)).toBe(shown);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [150 * 1024 + 1, "150 KiB"],
  [64 << 20, "64 MiB"],
  [-2048, "-2 KiB"],
])("%p bytes are %p", (value, shown) => {
  expect(bytes(value)).toBe(shown);
});

test("counts on an axis are short", () => {
  expect([10, 1000, 1024, 1500, 100_000, 1_000_000].map(short)).toEqual([
    "10",
    "1k",
    "1024",
    "1.5k",
    "100k",
    "1M",
  ]);
});

test("what is counted is one, or several", () => {
  expect([counted(1, "turn"), counted(1200, "turn")]).toEqual(["1 turn", "1,200 turns"]);
});
