/** The limits of operations, the same where they are refused to a client and where they are decoded. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeCommand,
  decodeFields,
  decodePut,
  encodeCommand,
} from "../../../src/codec/command.ts";
import { type CommandProblem, commandProblem } from "../../../src/codec/command-problem.ts";
import { entryLimits } from "../../../src/codec/entry.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import { decodeReply } from "../../../src/codec/reply.ts";
import {
  type Guard,
  limits,
  type Operation,
  type Step,
  wholeList,
} from "../../../src/kv/command.ts";
import { anyCommand } from "./arbitrary.ts";

const longKey = "k".repeat(limits.keyBytesMax);
const longValue = new Uint8Array(limits.valueBytesMax);
const empty = new Uint8Array(0);
const always = { kind: "always" } as const;

const list = (limit: number, prefix = "", after = ""): Operation => ({
  ...wholeList,
  ...{ prefix, after, limit },
});

const txn = (holding: readonly Step[], guard: Guard = { kind: "and", guards: [] }): Operation => ({
  ...{ kind: "txn", guard, holding, otherwise: [] },
});
const steps = (count: number): readonly Step[] =>
  Array.from({ length: count }, () => ({ kind: "get", key: "k" }));
const deep = (depth: number): Guard =>
  depth === 1 ? { kind: "exists", key: "k" } : { kind: "not", guard: deep(depth - 1) };
const wide = (parts: number): Guard => ({
  kind: "or",
  guards: Array.from({ length: parts }, () => ({ kind: "exists", key: "k" })),
});
const putLeased = (value: Uint8Array, ttlMs: number): Operation => ({
  ...{ kind: "put-leased", key: longKey, value, condition: always },
  tenure: { kind: "own", ttlMs },
});

const table: readonly (readonly [string, Operation, CommandProblem | null])[] = [
  ["the longest key", { kind: "get", key: longKey }, null],
  ["a key one byte longer", { kind: "get", key: `${longKey}k` }, "key-too-long"],
  ["an empty key", { kind: "delete", key: "" }, "key-empty"],
  ["the longest value", { kind: "put", key: longKey, value: longValue, condition: always }, null],
  [
    "a value one byte longer",
    { kind: "put", key: "k", value: new Uint8Array(longValue.length + 1), condition: always },
    "value-too-long",
  ],
  ["an empty value", { kind: "put", key: "k", value: empty, condition: always }, null],
  [
    "the longest value expected",
    { kind: "cas", key: "k", expected: longValue, value: empty },
    null,
  ],
  [
    "two values together one byte longer",
    { kind: "cas", key: "k", expected: longValue, value: new Uint8Array(1) },
    "value-too-long",
  ],
  ["the longest list", list(limits.listKeysMax), null],
  ["a longer list", list(limits.listKeysMax + 1), "limit-out-of-range"],
  ["a list of nothing", list(0), "limit-out-of-range"],
  ["a list of one and a half", list(1.5), "limit-out-of-range"],
  ["a list after a key too long", list(1, "", `${longKey}k`), "key-too-long"],
  ["a list from a key too long", { ...wholeList, from: `${longKey}k` }, "key-too-long"],
  ["a list up to a key too long", { ...wholeList, to: `${longKey}k` }, "key-too-long"],
  ["a list under a prefix too long", list(1, `${longKey}k`), "key-too-long"],
  ["nothing at all", { kind: "noop" }, null],
  ["counting as far as it goes", { kind: "incr", key: "k", by: -limits.countByMax }, null],
  ["counting further", { kind: "incr", key: "k", by: limits.countByMax + 1 }, "count-out-of-range"],
  ["counting by a half", { kind: "incr", key: "k", by: 0.5 }, "count-out-of-range"],
  ["a transaction of nothing", txn([]), null],
  ["a transaction of as many steps as there may be", txn(steps(limits.stepsMax)), null],
  ["a transaction of one more", txn(steps(limits.stepsMax + 1)), "transaction-too-large"],
  [
    "a transaction of as many bytes as there may be",
    txn([{ kind: "put", key: "k", value: longValue.subarray(1), condition: always }]),
    null,
  ],
  [
    "a transaction of one byte more",
    txn([{ kind: "put", key: "k", value: longValue, condition: always }]),
    "transaction-too-large",
  ],
  ["a step with an empty key", txn([{ kind: "get", key: "" }]), "key-empty"],
  [
    "a step with a condition",
    txn([{ kind: "put", key: "k", value: empty, condition: { kind: "absent" } }]),
    "condition-in-step",
  ],
  ["a comparison of an empty key", txn([], { kind: "exists", key: "" }), "key-empty"],
  [
    "a comparison of a key too long",
    txn([], { kind: "exists", key: `${longKey}k` }),
    "key-too-long",
  ],
  ["a question as deep as it may be", txn([], deep(limits.guardDepthMax)), null],
  ["a question one deeper", txn([], deep(limits.guardDepthMax + 1)), "transaction-too-large"],
  ["a question of many parts", txn([], wide(limits.guardPartsMax - 1)), null],
  ["a question of one more", txn([], wide(limits.guardPartsMax)), "transaction-too-large"],
  ["the shortest lease", { kind: "lease-grant", ttlMs: limits.leaseMsMin }, null],
  ["a shorter lease", { kind: "lease-grant", ttlMs: limits.leaseMsMin - 1 }, "ttl-out-of-range"],
  ["the longest lease", { kind: "lease-grant", ttlMs: limits.leaseMsMax }, null],
  ["a longer lease", { kind: "lease-grant", ttlMs: limits.leaseMsMax + 1 }, "ttl-out-of-range"],
  ["a lease of half a millisecond", { kind: "lease-grant", ttlMs: 500.5 }, "ttl-out-of-range"],
  ["the longest key and value with a lease", putLeased(longValue, limits.leaseMsMax), null],
  ["a value with a lease too short", putLeased(empty, 1), "ttl-out-of-range"],
  ["as many leases as fit a page", { kind: "leases", after: 0, limit: limits.listKeysMax }, null],
  ["no leases", { kind: "leases", after: 0, limit: 0 }, "limit-out-of-range"],
];

for (const [what, operation, problem] of table) {
  test(`${what}: ${problem ?? "taken"}`, () => {
    expect(commandProblem(operation)).toBe(problem);
    const command = {
      kind: "request",
      session: 1,
      sequence: 1,
      acknowledged: 0,
      operation,
    } as const;
    if (problem !== null) {
      expect(() => encodeCommand(command)).toThrow("checked before");
      return;
    }
    const encoded = encodeCommand(command);
    expect(encoded.length).toBeLessThanOrEqual(entryLimits.bodyBytesMax);
    expect(decodeCommand(encoded)).toEqual(command);
  });
}

const key = new Uint8Array([0x6b]);
const tooLong = new Uint8Array(limits.keyBytesMax + 1);

const tooManyLeases = Array.from({ length: limits.expiryLeasesMax + 1 }, (_, at) => at + 1);

const refused: readonly (readonly [string, readonly Field[]])[] = [
  ["an unknown code", [99, 1, 1, 0, 8]],
  ["leases of an expiry out of order", [2, 15, 12]],
  ["a lease of an expiry twice", [2, 12, 12]],
  ["lease 0 in an expiry", [2, 0]],
  ["more leases in an expiry than one may end", [2, ...tooManyLeases]],
  ["a put with a lease and no condition", [1, 1, 1, 0, 13, key, key, 500]],
  ["a put with a condition of no kind", [1, 1, 1, 0, 14, key, key, 12, 3, 0]],
  ["a put that is unconditional, and names a revision", [1, 1, 1, 0, 14, key, key, 12, 0, 7]],
  ["a lease that lasts too long", [1, 1, 1, 0, 15, limits.leaseMsMax + 1]],
  ["a revocation of nothing", [1, 1, 1, 0, 16]],
  ["a keep-alive with more", [1, 1, 1, 0, 17, 12, 1]],
  ["a list of leases without a limit", [1, 1, 1, 0, 18, 0]],
  ["a register without a nonce", [0]],
  ["a register with more", [0, 1, 1]],
  ["session 0", [1, 0, 1, 0, 8]],
  ["sequence 0", [1, 1, 0, 0, 8]],
  ["no operation", [1, 1, 1, 0]],
  ["an unknown operation", [1, 1, 1, 0, 99, key]],
  ["a count without an amount", [1, 1, 1, 0, 10, key, 0]],
  ["a count by minus nothing", [1, 1, 1, 0, 10, key, 1, 0]],
  ["a count by a third sign", [1, 1, 1, 0, 10, key, 2, 1]],
  ["a transaction of nothing but its name", [1, 1, 1, 0, 9]],
  ["a transaction without its second branch", [1, 1, 1, 0, 9, 4, 0, 0]],
  ["a transaction with more", [1, 1, 1, 0, 9, 4, 0, 0, 0, 0]],
  ["a transaction with fewer steps than it says", [1, 1, 1, 0, 9, 4, 0, 2, 6, key, 0]],
  ["a transaction within a transaction", [1, 1, 1, 0, 9, 4, 0, 1, 9, 4, 0, 0, 0, 0]],
  ["a list in a transaction", [1, 1, 1, 0, 9, 4, 0, 1, 7, empty, empty, 10, 0, 0]],
  ["a comparison that is none", [1, 1, 1, 0, 9, 6, key, 0, 0]],
  ["a comparison in no relation", [1, 1, 1, 0, 9, 1, key, 6, 3, 0, 0]],
  ["a comparison of a value with a number", [1, 1, 1, 0, 9, 2, key, 0, 3, 0, 0]],
  ["a question without an end", [1, 1, 1, 0, 9, ...new Array<number>(500_000).fill(3), 0, 0]],
  ["fewer comparisons than it says", [1, 1, 1, 0, 9, 5, 2, 0, key, 0, 0]],
  ["a noop with more", [1, 1, 1, 0, 8, key]],
  ["a key that is text", [1, 1, 1, 0, 6, "k"]],
  ["an empty key", [1, 1, 1, 0, 6, empty]],
  ["a key too long", [1, 1, 1, 0, 6, tooLong]],
  ["a put without a value", [1, 1, 1, 0, 1, key]],
  ["a put with more", [1, 1, 1, 0, 1, key, key, 0]],
  ["a value too long", [1, 1, 1, 0, 1, key, new Uint8Array(limits.valueBytesMax + 1)]],
  ["a conditional put without its revision", [1, 1, 1, 0, 3, key, key]],
  ["a cas of one value", [1, 1, 1, 0, 5, key, key]],
  ["a list that shows something else", [1, 1, 1, 0, 7, empty, empty, 10, 2]],
  [
    "a list that is longer than it need be",
    [1, 1, 1, 0, 11, empty, empty, empty, empty, 10, 0, 0, 0],
  ],
  ["a list of now, as of an index", [1, 1, 1, 0, 11, empty, key, empty, empty, 10, 0, 0, 7]],
  ["a list of a fourth moment", [1, 1, 1, 0, 11, empty, empty, empty, empty, 10, 0, 3, 0]],
  ["a list without an end", [1, 1, 1, 0, 11, empty, key, null, empty, 10, 0, 0, 0]],
  ["a list without a limit", [1, 1, 1, 0, 7, empty, empty, null, 0]],
];

for (const [what, fields] of refused) {
  test(`a command with ${what} is none`, () => {
    expect(decodeCommand(packFields(fields))).toBeNull();
  });
}

test("a character that is no byte cannot stand in a key", () => {
  const operation: Operation = { kind: "get", key: "\u0100" };
  const command = { kind: "request", session: 1, sequence: 1, acknowledged: 0, operation } as const;
  expect(() => encodeCommand(command)).toThrow("one character per byte");
});

const refusedReplies: readonly (readonly [string, readonly Field[]])[] = [
  ["no code", []],
  ["an unknown code", [99]],
  ["a count without its value", [12, 1, 0]],
  ["a refusal for no reason", [13, 2, 1]],
  ["a refusal of a transaction for no reason", [15, 3, 1]],
  ["a third branch", [14, 1, 2]],
  ["an answer that is cut", [14, 1, 0, 5, 1]],
  ["an answer that no step has", [14, 1, 0, 9]],
  ["a number too many", [4, 1]],
  ["a number too few", [2]],
  ["a value that is nothing", [5, 1, null]],
  ["a list whose last item is cut", [6, 0, key, 1]],
  ["a list with a value that is text", [6, 0, key, 1, "v"]],
  ["a list that neither ends nor goes on", [6, 2]],
  ["a lease kept for no time", [21, 12]],
  ["a limit of nothing", [24, 2]],
  ["leases without the time", [25, 0]],
  ["a lease that is cut", [25, 0, 9, 12, 0, 500, 700]],
  ["leases ended out of order", [26, 0, 15, 12]],
];

for (const [what, fields] of refusedReplies) {
  test(`a reply with ${what} is none`, () => {
    expect(decodeReply(packFields(fields))).toBeNull();
  });
}

test("a put that is read on the short way is what the long way reads, and nothing else goes the short way", () => {
  let puts = 0;
  fc.assert(
    fc.property(anyCommand, fc.nat(), fc.nat({ max: 255 }), (command, at, byte) => {
      const whole = encodeCommand(command);
      const changed = new Uint8Array(whole);
      changed[at % changed.length] = byte;
      const longer = new Uint8Array([...whole, byte]);
      for (const bytes of [whole, changed, longer, whole.subarray(0, at % whole.length)]) {
        const put = decodePut(bytes);
        if (put === null) continue;
        puts += 1;
        expect(decodeFields(bytes)).toEqual(put);
      }
    }),
    { numRuns: 5000 },
  );
  expect(puts).toBeGreaterThan(50);
});
