/** The cases of `bun run micro` do what their names say, as often as they are asked to. */
import { describe, expect, test } from "bun:test";
import { codecCases } from "../../../scripts/micro/codec.ts";
import { journalCases } from "../../../scripts/micro/journal.ts";
import { raftCases } from "../../../scripts/micro/raft.ts";
import { storeCases } from "../../../scripts/micro/store.ts";

const cases = [...raftCases(), ...codecCases(), ...journalCases(), ...storeCases()];

describe("a case of micro", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s: runs again and again", (_, one) => {
    const { prepare, work, close } = one.make();
    for (let turn = 0; turn < 3; turn++) work(prepare());
    close?.();
    expect(one.times).toBeGreaterThan(1);
  });

  test("no two have one name", () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
