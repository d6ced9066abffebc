/** The corruption grid: damage on any of 4 entries on any of 3 servers, in all 4096 combinations. */
import { expect, test } from "bun:test";
import { type GridOutcome, grid, playCase, writeJournals } from "./corruption-grid.ts";

const goodServers = (of: number): number =>
  [0, 1, 2].filter((server) => ((of >> (server * grid.entries)) & 0xf) === 0).length;

test("4096 combinations of good and damaged entries: served rightly by a majority, or not at all", () => {
  const journals = writeJournals();
  const tally = new Map<string, number>();
  for (let of = 0; of < grid.cases; of++) {
    const outcome: GridOutcome = playCase(journals, of);
    const name = `${goodServers(of)} of 3 undamaged: ${outcome}`;
    tally.set(name, (tally.get(name) ?? 0) + 1);
  }
  // A server is undamaged in 1 of 16 combinations: 1, 3 * 15, 3 * 15^2 and 15^3.
  expect(Object.fromEntries(tally)).toEqual({
    "3 of 3 undamaged: served": 1,
    "2 of 3 undamaged: served": 45,
    "1 of 3 undamaged: no-quorum": 675,
    "0 of 3 undamaged: no-quorum": 3375,
  });
}, 60_000);
