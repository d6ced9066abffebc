/** The limits of operations, the same where they are refused to a client and where they are decoded. */
import { expect, test } from "bun:test";
import {
  type CommandProblem,
  commandProblem,
  decodeCommand,
  encodeCommand,
} from "../../../src/codec/command.ts";
import { entryLimits } from "../../../src/codec/entry.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import { decodeReply } from "../../../src/codec/reply.ts";
import { limits, type Operation } from "../../../src/kv/command.ts";

const longKey = "k".repeat(limits.keyBytesMax);
const longValue = new Uint8Array(limits.valueBytesMax);
const empty = new Uint8Array(0);
const always = { kind: "always" } as const;

const list = (limit: number, prefix = "", after = ""): Operation => ({
  ...{ kind: "list", prefix, after, limit, show: "keys" },
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
  ["a list under a prefix too long", list(1, `${longKey}k`), "key-too-long"],
  ["nothing at all", { kind: "noop" }, null],
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

const refused: readonly (readonly [string, readonly Field[]])[] = [
  ["an unknown code", [2, 1, 1, 0, 8]],
  ["a register without a nonce", [0]],
  ["a register with more", [0, 1, 1]],
  ["session 0", [1, 0, 1, 0, 8]],
  ["sequence 0", [1, 1, 0, 0, 8]],
  ["no operation", [1, 1, 1, 0]],
  ["an unknown operation", [1, 1, 1, 0, 9, key]],
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
  ["an unknown code", [12]],
  ["a number too many", [4, 1]],
  ["a number too few", [2]],
  ["a value that is nothing", [5, 1, null]],
  ["a list whose last item is cut", [6, 0, key, 1]],
  ["a list with a value that is text", [6, 0, key, 1, "v"]],
  ["a list that neither ends nor goes on", [6, 2]],
];

for (const [what, fields] of refusedReplies) {
  test(`a reply with ${what} is none`, () => {
    expect(decodeReply(packFields(fields))).toBeNull();
  });
}
