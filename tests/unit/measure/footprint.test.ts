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
  test("is that of its bottom, from the first half to the second", () => {
    expect(growth([50, 40, 90, 80, 60, 120])).toBe(1.5);
    expect(growth([40, 50, 60, 70, 80, 90])).toBe(1.75);
  });

  test("of a saw whose teeth are of any height is none", () => {
    expect(growth([40, 90, 50, 120, 40, 170])).toBe(1);
  });

  test("leaves the middle of an odd count out", () => {
    expect(growth([10, 1, 20])).toBe(2);
  });

  test("of a series without halves is none", () => {
    expect(growth([1])).toBe(1);
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
