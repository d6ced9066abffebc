/** The corruption grid with servers that repair their journals: 4 entries on 3 servers, and 2 on 5, all combinations. */
import { expect, test } from "bun:test";
import { writeJournals } from "./corruption-grid.ts";
import { playRepair, type RepairSize } from "./repair-grid.ts";

function tallyOf(size: RepairSize): Record<string, number> {
  const journals = writeJournals(size);
  const tally: Record<string, number> = {};
  for (let of = 0; of < 2 ** (size.present * size.entries); of++) {
    const outcome = playRepair(journals, of, size);
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
}

test("4096 combinations on three servers: repaired wherever every entry has a good copy", () => {
  // An entry has a good copy in 7 of 8 combinations, and all four have in 7^4 of 8^4.
  expect(tallyOf({ servers: 3, present: 3, entries: 4 })).toEqual({
    repaired: 7 ** 4,
    refused: 8 ** 4 - 7 ** 4,
  });
}, 120_000);

test("1024 combinations on five servers: repaired wherever every entry has a good copy", () => {
  expect(tallyOf({ servers: 5, present: 5, entries: 2 })).toEqual({
    repaired: 31 ** 2,
    refused: 63,
  });
}, 120_000);

test("256 combinations on two of three servers: the third is waited for only where it is needed", () => {
  expect(tallyOf({ servers: 3, present: 2, entries: 4 })).toEqual({
    repaired: 3 ** 4,
    waiting: 4 ** 4 - 3 ** 4,
  });
}, 120_000);
