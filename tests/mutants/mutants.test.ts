/** The quick part of `bun run mutants`: every seeded bug still applies to the source as it stands. */
import { expect, test } from "bun:test";
import { mutants } from "./all.ts";
import { areaOf, patch } from "./mutant.ts";

const source = (file: string): Promise<string> =>
  Bun.file(`${import.meta.dir}/../../src/${file}`).text();

test("there are enough seeded bugs, in every area that promises something", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(40);
  const areas = new Set(mutants.map(areaOf));
  for (const area of ["raft", "journal", "replica", "codec", "kv", "client", "sim", "runtime"]) {
    expect(areas, area).toContain(area);
  }
});

test("each has a name of its own", () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

for (const mutant of mutants) {
  test(`${mutant.name} applies to src/${mutant.file}`, async () => {
    const patched = patch(await source(mutant.file), mutant);
    expect(patched.kind === "patched" ? "" : patched.because).toBe("");
  });
}
