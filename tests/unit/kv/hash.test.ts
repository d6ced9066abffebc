/** The hash of a store: kept along with every change, and the same from the contents alone. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { byteString, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
import { hashOfContents, hashText } from "../../../src/kv/hash.ts";
import { dropValue, noValues, setValue, type Values } from "../../../src/kv/values.ts";

type Change = { readonly key: string; readonly value: string | null; readonly revision: number };

const change: fc.Arbitrary<Change> = fc.record({
  key: fc.constantFrom("a", "b", "é", "a-longer-key"),
  value: fc.option(fc.string({ maxLength: 12 }), { nil: null }),
  revision: fc.integer({ min: 1, max: 2 ** 40 }),
});

function storeOf(changes: readonly Change[]): Values {
  const store = noValues();
  for (const { key, value, revision } of changes) {
    const name = byteString(utf8(key));
    if (value === null) dropValue(store, name);
    else setValue(store, name, { value: utf8(value), revision: logIndex(revision) });
  }
  return store;
}

test("is what the contents make it, however they came about", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const store = storeOf(changes);
      expect(store.hash).toBe(hashOfContents(store));
      const again = noValues();
      for (const [key, stored] of [...store.values].reverse()) setValue(again, key, stored);
      expect(again.hash).toBe(store.hash);
    }),
  );
});

test("of nothing is nothing, and of what came and went too", () => {
  const gone = storeOf([
    { key: "a", value: "1", revision: 1 },
    { key: "a", value: "2", revision: 2 },
    { key: "a", value: null, revision: 3 },
  ]);
  expect(gone.hash).toBe(0);
  expect(hashText(gone.hash)).toBe("00000000");
});

describe("tells apart", () => {
  const base: Change = { key: "key", value: "value", revision: 7 };
  const others: readonly [string, readonly Change[]][] = [
    ["another value", [{ ...base, value: "valuf" }]],
    ["another key", [{ ...base, key: "kez" }]],
    ["another revision", [{ ...base, revision: 8 }]],
    ["a revision 2^32 later", [{ ...base, revision: 7 + 2 ** 32 }]],
    ["a border between key and value elsewhere", [{ ...base, key: "keyv", value: "alue" }]],
    ["one more key", [base, { ...base, key: "other" }]],
  ];
  for (const [what, changes] of others) {
    test(what, () => {
      expect(storeOf(changes).hash).not.toBe(storeOf([base]).hash);
    });
  }

  test("two keys that swapped their values", () => {
    const one = storeOf([base, { key: "other", value: "x", revision: 7 }]);
    const other = storeOf([
      { ...base, value: "x" },
      { key: "other", value: "value", revision: 7 },
    ]);
    expect(one.hash).not.toBe(other.hash);
  });
});
