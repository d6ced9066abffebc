/** Operations and commands that meet each other: few keys, few values, few sessions. */
import fc from "fast-check";
import { logIndex } from "../../../src/base/numbers.ts";
import { type Condition, limits, type Operation } from "../../../src/kv/command.ts";

const key = fc.constantFrom("a", "aa", "ab", "b", "b\xff", "b\xffz", "c\0", "é", "\xff");
const value = fc.constantFrom("", "x", "z", "y\n").map((text) => new TextEncoder().encode(text));
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: "always" }, { kind: "absent" }),
  fc.nat(30).map((revision) => ({ kind: "revision", revision: logIndex(revision) }) as const),
);

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value, condition }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({ kind: fc.constant("cas" as const), key, expected: value, value }),
  fc.record({ kind: fc.constant("get" as const), key }),
  fc.record({
    kind: fc.constant("list" as const),
    prefix: fc.oneof(fc.constant(""), key),
    after: fc.oneof(fc.constant(""), key),
    limit: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(limits.listKeysMax)),
    show: fc.constantFrom("keys" as const, "values" as const),
  }),
  fc.constant({ kind: "noop" as const }),
);
