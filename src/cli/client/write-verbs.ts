/** `client put`, `client del`, `client cas`. */
import { noBytes } from "../../base/bytes.ts";
import { isWireCounter } from "../../base/numbers.ts";
import { parseRequestId, type RequestId } from "../../client/request.ts";
import type { Condition, Operation, Tenure } from "../../kv/command.ts";
import { type Command, command } from "../command.ts";
import { durationFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import { formatDuration, parseCount } from "../quantity.ts";
import type { Environment } from "../walk.ts";
import { chosen } from "./choice.ts";
import { leaseIdOf } from "./lease-id.ts";
import { nameOf } from "./notation.ts";
import { checkOperation, perform } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { readValue, wordBytes, wordKey } from "./value-source.ts";

export const keyArg = {
  type: "positional",
  required: true,
  description: "Up to 1024 bytes",
} as const;

export const requestIdArg = {
  type: "string",
  valueHint: "id",
  description: "The name of an earlier try of this very request, to make it happen once",
} as const;

export function requestIdOf(source: string, text: string): RequestId {
  const id = parseRequestId(text);
  if (id !== null) return id;
  throw badValue({
    source,
    value: text,
    expected: "a request id as an earlier error named it, like 12-3",
    example: source.startsWith("--") ? `${source} 12-3` : "rusty-boat client outcome 12-3",
  });
}

export const againOf = (text: string | undefined): RequestId | null =>
  text === undefined ? null : requestIdOf("--request-id", text);

export const putCommand = (place: Place): Command =>
  command({
    name: "put",
    description: "Write a key.",
    args: {
      key: keyArg,
      value: { type: "positional", required: false, description: "Up to 1 MiB" },
      stdin: { type: "boolean", description: "Read the value from standard input" },
      file: { type: "string", valueHint: "file", description: "Read the value from a file" },
      "if-absent": { type: "boolean", description: "Only where the key has no value" },
      "if-rev": {
        type: "string",
        valueHint: "revision",
        description: "Only where the key's revision is this; 0: where it has no value",
      },
      ttl: { type: "string", valueHint: "span", description: "How long the key stays, like 30s" },
      lease: {
        type: "string",
        valueHint: "lease",
        description: "The lease that the key goes with",
      },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client put color blue", does: "" },
      { line: "rusty-boat client put color red --if-rev 42", does: "if nobody wrote since" },
      { line: "rusty-boat client put color blue --ttl 30s", does: "gone after 30 s" },
      { line: "rusty-boat client put photo --file boat.jpg", does: "bytes, as they are" },
      { line: "rusty-boat client put -- -5 -x", does: "words that look like flags" },
    ],
    async run({ args, program }) {
      const again = againOf(args["request-id"]);
      const condition = conditionOf(args["if-absent"], args["if-rev"], program.environment);
      const tenure = tenureOf(args.ttl, args.lease, program.environment);
      const timeoutMs = timeoutFlag(args.timeout);
      const key = wordKey(args.key);
      // The key is judged before a value is waited for.
      checkOperation(putOf({ key, value: noBytes, condition }, tenure));
      const given = { word: args.value, file: args.file, stdin: args.stdin };
      const value = await readValue(given, place.stdin, program.environment);
      const operation = putOf({ key, value: value.bytes, condition }, tenure);
      checkOperation(operation);
      const flags = [...value.flags, ...conditionWords(condition), ...tenureWords(tenure)];
      const line = { verb: "put", plain: [args.key, ...value.plain], flags };
      const name = nameOf(operation);
      const question = { name, operation, consistency: "linearizable", again, timeoutMs } as const;
      return connected(place, args, (connection) =>
        perform({ place, connection, program }, { ...question, line }),
      );
    },
  });

function conditionOf(
  absent: boolean | undefined,
  revision: string | undefined,
  environment: Environment,
): Condition {
  const choice = chosen(
    [
      ["--if-absent", absent === true],
      ["--if-rev", revision !== undefined],
    ],
    environment,
  );
  if (choice === "--if-absent") return { kind: "absent" };
  if (choice === null || revision === undefined) return { kind: "always" };
  const number = parseCount(revision);
  if (isWireCounter(number)) return { kind: "revision", revision: number };
  throw badValue({
    source: "--if-rev",
    value: revision,
    expected: "a revision, which is a log index as get --rev prints it",
    example: "--if-rev 42",
  });
}

function tenureOf(
  ttl: string | undefined,
  lease: string | undefined,
  environment: Environment,
): Tenure | null {
  const choice = chosen(
    [
      ["--ttl", ttl !== undefined],
      ["--lease", lease !== undefined],
    ],
    environment,
  );
  if (choice === "--ttl" && ttl !== undefined) {
    return { kind: "own", ttlMs: durationFlag({ source: "--ttl", value: ttl }) };
  }
  if (choice === null || lease === undefined) return null;
  return { kind: "granted", lease: leaseIdOf("--lease", lease) };
}

type Put = Pick<Extract<Operation, { kind: "put" }>, "key" | "value" | "condition">;

const putOf = (put: Put, tenure: Tenure | null): Operation =>
  tenure === null ? { kind: "put", ...put } : { kind: "put-leased", ...put, tenure };

const tenureWords = (tenure: Tenure | null): readonly string[] => {
  if (tenure === null) return [];
  return tenure.kind === "own"
    ? ["--ttl", formatDuration(tenure.ttlMs)]
    : ["--lease", `${tenure.lease}`];
};

const conditionWords = (condition: Condition): readonly string[] => {
  if (condition.kind === "revision") return ["--if-rev", `${condition.revision}`];
  return condition.kind === "absent" ? ["--if-absent"] : [];
};

export const deleteCommand = (place: Place): Command =>
  command({
    name: "del",
    description: "Delete a key. Exit 1 where it had no value.",
    args: { key: keyArg, "request-id": requestIdArg, ...clientArgs },
    examples: [{ line: "rusty-boat client del color", does: "" }],
    async run({ args, program }) {
      const again = againOf(args["request-id"]);
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = { kind: "delete", key: wordKey(args.key) } as const;
      checkOperation(operation);
      const line = { verb: "del", plain: [args.key], flags: [] };
      const name = nameOf(operation);
      const question = { name, operation, consistency: "linearizable", again, timeoutMs } as const;
      return connected(place, args, (connection) =>
        perform({ place, connection, program }, { ...question, line }),
      );
    },
  });

export const casCommand = (place: Place): Command =>
  command({
    name: "cas",
    description: "Write a key where its value is the expected one. Exit 1 where it is not.",
    args: {
      key: keyArg,
      old: { type: "positional", required: true, description: "The value it must have" },
      new: { type: "positional", required: true, description: "The value it is given" },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [{ line: "rusty-boat client cas color blue red", does: "blue becomes red" }],
    async run({ args, program }) {
      const again = againOf(args["request-id"]);
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = {
        kind: "cas",
        key: wordKey(args.key),
        expected: wordBytes(args.old, "the expected value"),
        value: wordBytes(args.new, "the new value"),
      } as const;
      checkOperation(operation);
      const line = { verb: "cas", plain: [args.key, args.old, args.new], flags: [] };
      const name = nameOf(operation);
      const question = { name, operation, consistency: "linearizable", again, timeoutMs } as const;
      return connected(place, args, (connection) =>
        perform({ place, connection, program }, { ...question, line }),
      );
    },
  });
