/** Footprints: what the system says of a process, what is flat, and what a verdict is. */
import { describe, expect, test } from "bun:test";
import { growth } from "../../../scripts/footprint/growth.ts";
import { memoryOf, parseRollup } from "../../../scripts/footprint/memory.ts";
import { bounded, rowsTable, toldOnly } from "../../../scripts/footprint/row.ts";

const rollup = [
  "00200000-7fff01234000 ---p 00000000 00:00 0                              [rollup]",
  "Rss:               58368 kB",
  "Pss:               25088 kB",
  "Pss_Dirty:         14000 kB",
  "Shared_Clean:      44032 kB",
  "Private_Clean:       512 kB",
  "Private_Dirty:     13824 kB",
  "",
].join("\n");

describe("a process's memory", () => {
  test("is what the sums say, in bytes; its own is clean and dirty", () => {
    const memory = { rss: 58_368 * 1024, pss: 25_088 * 1024, own: 14_336 * 1024 };
    expect(parseRollup(rollup)).toEqual(memory);
  });

  test("is not made up where a figure is missing", () => {
    expect(parseRollup(rollup.replace("Private_Dirty", "Private"))).toBeNull();
    expect(parseRollup("")).toBeNull();
  });

  test("of a process that is not there is not known", () => {
    expect(memoryOf(2 ** 30)).toBeNull();
  });
});

describe("the growth of a series", () => {
  test("is from its second quarter to its last, whatever the first one is", () => {
    expect(growth([1, 2, 100, 100, 7, 7, 150, 150])).toBe(1.5);
    expect(growth([500, 500, 100, 100, 7, 7, 100, 100])).toBe(1);
  });

  test("is not disturbed by one high sample", () => {
    expect(growth([1, 1, 1, 10, 10, 10, 9, 9, 9, 10, 99, 10])).toBe(1);
  });

  test("of a series without quarters is none", () => {
    expect(growth([1, 2, 3])).toBe(1);
    expect(growth([])).toBe(1);
  });
});

describe("a row", () => {
  const most = { value: 100, shown: "100 ms" };

  test("meets its goal up to the goal itself, and no further", () => {
    expect(bounded("start", { value: 100, shown: "100 ms" }, most).verdict).toBe("met");
    expect(bounded("start", { value: 100.1, shown: "100.1 ms" }, most).verdict).toBe("missed");
    expect(bounded("start", { value: Number.NaN, shown: "-" }, most).verdict).toBe("missed");
  });

  test("is a line of a table, with a goal or without", () => {
    const rows = [bounded("start", { value: 7, shown: "7 ms" }, most), toldOnly("files", "1 MiB")];
    expect(rowsTable(rows).split("\n").slice(2)).toEqual([
      "| start | 7 ms | at most 100 ms | met |",
      "| files | 1 MiB |  | no goal |",
    ]);
  });
});
