/** Operations and commands that meet each other: few keys, few values, few sessions. */
import fc from "fast-check";
import { logIndex } from "../../../src/base/numbers.ts";
import {
  type Condition,
  type Guard,
  limits,
  type Operation,
  relations,
  type Step,
  type Tenure,
} from "../../../src/kv/command.ts";

const key = fc.constantFrom("a", "aa", "ab", "b", "b\xff", "b\xffz", "c\0", "é", "\xff");
const value = fc
  .constantFrom("", "x", "z", "y\n", "7", "-7", "9007199254740990")
  .map((text) => new TextEncoder().encode(text));
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: "always" }, { kind: "absent" }),
  fc.nat(30).map((revision) => ({ kind: "revision", revision: logIndex(revision) }) as const),
);

const always = fc.constant({ kind: "always" } as const);
const incr = fc.record({
  kind: fc.constant("incr" as const),
  key,
  by: fc.oneof(fc.constantFrom(1, -1, 2), fc.integer()),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value, condition: always }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({ kind: fc.constant("get" as const), key }),
  incr,
);
const relation = fc.constantFrom(...relations);
const { guard } = fc.letrec<{ guard: Guard }>((tie) => ({
  guard: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant("exists" as const), key }),
    fc.record({
      kind: fc.constant("revision" as const),
      key,
      relation,
      revision: fc.nat(30).map(logIndex),
    }),
    fc.record({ kind: fc.constant("value" as const), key, relation, value }),
    fc.record({ kind: fc.constant("not" as const), guard: tie("guard") }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      guards: fc.array(tie("guard"), { maxLength: 3 }),
    }),
  ),
}));

/** Short ones: what is long is cut for its own reasons. */
const transaction = fc.record({
  kind: fc.constant("txn" as const),
  guard,
  holding: fc.array(step, { maxLength: 4 }),
  otherwise: fc.array(step, { maxLength: 4 }),
});
/** Small numbers hit leases that there are, were and never will be. */
const lease = fc.integer({ min: 1, max: 30 });
const ttlMs = fc.integer({ min: limits.leaseMsMin, max: 200 });
const tenure: fc.Arbitrary<Tenure> = fc.oneof(
  fc.record({ kind: fc.constant("own" as const), ttlMs }),
  fc.record({ kind: fc.constant("granted" as const), lease }),
);

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value, condition }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({ kind: fc.constant("cas" as const), key, expected: value, value }),
  fc.record({ kind: fc.constant("get" as const), key }),
  fc.record({
    kind: fc.constant("list" as const),
    prefix: fc.oneof(fc.constant(""), key),
    from: fc.oneof(fc.constant(""), key),
    to: fc.oneof(fc.constant(""), key),
    after: fc.oneof(fc.constant(""), key),
    limit: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(limits.listKeysMax)),
    show: fc.constantFrom("keys" as const, "values" as const),
    revision: fc.oneof(
      fc.constantFrom({ kind: "now" } as const, { kind: "hold" } as const),
      fc.nat(30).map((at) => ({ kind: "at", index: logIndex(at) }) as const),
    ),
  }),
  incr,
  transaction,
  fc.constant({ kind: "noop" as const }),
  fc.record({ kind: fc.constant("put-leased" as const), key, value, condition, tenure }),
  fc.record({ kind: fc.constant("lease-grant" as const), ttlMs }),
  fc.record({ kind: fc.constant("lease-revoke" as const), lease }),
  fc.record({ kind: fc.constant("lease-keep-alive" as const), lease }),
  fc.record({
    kind: fc.constant("leases" as const),
    after: fc.nat(20),
    limit: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(limits.listKeysMax)),
  }),
);
