/**
 * Commands as bytes. A client encodes its command once; the bytes go into the log, to the disk and
 * to the other servers as they are, and are decoded where they are applied. So this is part of the
 * file format too: an array, once written, is read for ever.
 *
 * COMMAND, a MessagePack array
 *    0, nonce                                              register
 *    1, session, sequence, acknowledged, then OPERATION    request
 *    2, then each lease                                    expire; the leader's own
 * OPERATION, fields of the array around it
 *    1, key, value              put
 *    2, key, value              put if absent
 *    3, key, value, revision    put if revision
 *    4, key                     delete
 *    5, key, expected, value    cas
 *    6, key                     get
 *    7, prefix, after, limit, show    list; show: 0 keys, 1 values
 *    8                          noop
 *    9, then TXN                txn (transaction.ts)
 *   11, prefix, from, to, after, limit, show, revision, index    list of a range, or of a revision;
 *                               revision: 0 now, 1 hold, 2 at the index, which else is 0
 *   10, key, sign, amount       incr; sign: 0 up, 1 down
 *   13 to 18                    leases: lease.ts
 *
 * Keys and values are binary. Valid when the array has exactly these fields; numbers are whole and
 * below 2^48, session and sequence 1 or more; and the operation is within the limits
 * (commandProblem). Servers of one version agree on every byte of it: what one applies as a
 * command, no other takes for nothing.
 */
import { assert, unreachable } from "../base/assert.ts";
import {
  type Command,
  type ListOperation,
  type ListRevision,
  limits,
  type Operation,
} from "../kv/command.ts";
import { commandProblem } from "./command-problem.ts";
import { entryLimits } from "./entry.ts";
import { Fields, readSigned, signedFields } from "./fields.ts";
import {
  leaseCodes,
  leaseOperationFields,
  putLeasedFields,
  readExpiry,
  readLeaseOperation,
  readPutLeased,
} from "./lease.ts";
import {
  binaryField,
  choiceOf,
  type Field,
  headBytesMax,
  isBytes,
  isCount,
  packFields,
  textField,
} from "./messagepack.ts";
import { readTransaction, transactionBytesMax, transactionFields } from "./transaction.ts";
import { stepwise, unpackFields } from "./unpack.ts";

const commandCodes = { register: 0, request: 1, expire: 2 } as const;

const operationCodes = {
  put: 1,
  putIfAbsent: 2,
  putIfRevision: 3,
  delete: 4,
  cas: 5,
  get: 6,
  list: 7,
  noop: 8,
  txn: 9,
  incr: 10,
  listRange: 11,
} as const;

const shows = ["keys", "values"] as const;
const revisions = ["now", "hold", "at"] as const;

/** Where the operation begins in a request. */
const operationAt = 4;

/** Bytes of an operation's fields besides its keys and values, at most. */
const operationHeadBytesMax = 4 * headBytesMax.binary + 5 * headBytesMax.number;

assert(
  headBytesMax.array +
    3 * headBytesMax.number +
    operationHeadBytesMax +
    limits.keyBytesMax +
    limits.valueBytesMax <=
    entryLimits.bodyBytesMax,
  "the largest command fits into an entry",
);

/** The bytes are new, and the caller's. The operation has no commandProblem. */
export function encodeCommand(command: Command): Uint8Array {
  switch (command.kind) {
    case "register":
      return packFields([commandCodes.register, command.nonce]);
    case "request": {
      const { session, sequence, acknowledged, operation } = command;
      assert(commandProblem(operation) === null, "an operation is checked before it is encoded");
      const head = [commandCodes.request, session, sequence, acknowledged];
      return packFields([...head, ...operationFields(operation)]);
    }
    case "expire":
      return packFields([commandCodes.expire, ...command.leases]);
    default:
      return unreachable(command);
  }
}

/** The command, or null where the bytes are none. Never throws. Keeps nothing of `bytes`. */
export function decodeCommand(bytes: Uint8Array): Command | null {
  return decodePut(bytes) ?? decodeFields(bytes);
}

/**
 * A put without a condition, which is nearly all that a log holds; null where the bytes are anything else. It finds
 * what decodeFields finds, in half the time.
 */
export function decodePut(bytes: Uint8Array): Command | null {
  if (stepwise.from(bytes) !== putFields || stepwise.count() !== commandCodes.request) return null;
  const session = stepwise.count();
  const sequence = stepwise.count();
  const acknowledged = stepwise.count();
  if (stepwise.count() !== operationCodes.put) return null;
  const key = textField(stepwise.binary(), limits.keyBytesMax);
  const value = stepwise.binary();
  if (!session || !sequence || acknowledged === null || !key || value === null) return null;
  if (value.length > limits.valueBytesMax || !stepwise.isOver()) return null;
  const operation: Operation = { kind: "put", key, value, condition: always };
  return { kind: "request", session, sequence, acknowledged, operation };
}

/** Of a request's array that carries a put. */
const putFields = 7;
const always = { kind: "always" } as const;

/** Any command, from the fields of its array. */
export function decodeFields(bytes: Uint8Array): Command | null {
  const fields = unpackFields(bytes);
  if (fields === null) return null;
  if (fields[0] === commandCodes.register) {
    const nonce = fields[1];
    return fields.length === 2 && isCount(nonce) ? { kind: "register", nonce } : null;
  }
  if (fields[0] === commandCodes.expire) {
    const leases = readExpiry(fields, 1);
    return leases === null ? null : { kind: "expire", leases };
  }
  const [code, session, sequence, acknowledged] = fields;
  if (code !== commandCodes.request || !isCount(acknowledged)) return null;
  if (!isCount(session) || session === 0 || !isCount(sequence) || sequence === 0) return null;
  const operation = readOperation(fields, operationAt);
  if (operation === null) return null;
  return { kind: "request", session, sequence, acknowledged, operation };
}

/** How many bytes the fields of the operation will be, at most. */
export function operationBytesMax(operation: Operation): number {
  switch (operation.kind) {
    case "put":
    case "put-leased":
      return operationHeadBytesMax + operation.key.length + operation.value.length;
    case "cas": {
      const values = operation.expected.length + operation.value.length;
      return operationHeadBytesMax + operation.key.length + values;
    }
    case "get":
    case "delete":
    case "incr":
      return operationHeadBytesMax + operation.key.length;
    case "txn":
      return operationHeadBytesMax + transactionBytesMax(operation);
    case "list": {
      const { prefix, from, to, after } = operation;
      return operationHeadBytesMax + prefix.length + from.length + to.length + after.length;
    }
    case "noop":
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
    case "leases":
      return operationHeadBytesMax;
    default:
      return unreachable(operation);
  }
}

/** OPERATION, to stand in an array. */
export function operationFields(operation: Operation): readonly Field[] {
  switch (operation.kind) {
    case "put": {
      const { condition, value } = operation;
      const key = binaryField(operation.key);
      if (condition.kind === "always") return [operationCodes.put, key, value];
      if (condition.kind === "absent") return [operationCodes.putIfAbsent, key, value];
      return [operationCodes.putIfRevision, key, value, condition.revision];
    }
    case "delete":
      return [operationCodes.delete, binaryField(operation.key)];
    case "cas": {
      const { expected, value } = operation;
      return [operationCodes.cas, binaryField(operation.key), expected, value];
    }
    case "get":
      return [operationCodes.get, binaryField(operation.key)];
    case "list":
      return listFields(operation);
    case "incr":
      return [operationCodes.incr, binaryField(operation.key), ...signedFields(operation.by)];
    case "txn":
      return [operationCodes.txn, ...transactionFields(operation, operationFields)];
    case "noop":
      return [operationCodes.noop];
    case "put-leased":
      return putLeasedFields(operation);
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
    case "leases":
      return leaseOperationFields(operation);
    default:
      return unreachable(operation);
  }
}

/** Nothing but what the first version knew is written as that did. */
function listFields(operation: ListOperation): readonly Field[] {
  const { limit, revision } = operation;
  const [prefix, after] = [binaryField(operation.prefix), binaryField(operation.after)];
  const show = shows.indexOf(operation.show);
  if (operation.from === "" && operation.to === "" && revision.kind === "now") {
    return [operationCodes.list, prefix, after, limit, show];
  }
  const [from, to] = [binaryField(operation.from), binaryField(operation.to)];
  const index = revision.kind === "at" ? revision.index : 0;
  const moment = revisions.indexOf(revision.kind);
  return [operationCodes.listRange, prefix, from, to, after, limit, show, moment, index];
}

/**
 * OPERATION from position `at` to the end of an array; null where it is none, or over a limit.
 * Copies.
 */
export function readOperation(fields: readonly unknown[], at: number): Operation | null {
  const operation = operationAsWritten(fields, at);
  return operation !== null && commandProblem(operation) === null ? operation : null;
}

function operationAsWritten(fields: readonly unknown[], at: number): Operation | null {
  const length = fields.length - at;
  const code = fields[at];
  if (code === operationCodes.txn) {
    return readTransaction(new Fields(fields, at + 1), readStep, stepLength);
  }
  const key = textField(fields[at + 1], limits.keyBytesMax);
  if (code === operationCodes.noop) return length === 1 ? { kind: "noop" } : null;
  if (key === null) return readLeaseOperation(fields, at);
  switch (code) {
    case operationCodes.put:
    case operationCodes.putIfAbsent:
    case operationCodes.putIfRevision:
      return putAsWritten(fields, at, key);
    case operationCodes.delete:
      return length === 2 ? { kind: "delete", key } : null;
    case operationCodes.get:
      return length === 2 ? { kind: "get", key } : null;
    case operationCodes.cas: {
      const expected = fields[at + 2];
      const value = fields[at + 3];
      if (length !== 4 || !isBytes(expected) || !isBytes(value)) return null;
      return { kind: "cas", key, expected: expected, value: value };
    }
    case operationCodes.list: {
      const after = textField(fields[at + 2], limits.keyBytesMax);
      const limit = fields[at + 3];
      const show = choiceOf(shows, fields[at + 4]);
      if (length !== 5 || after === null || !isCount(limit) || show === null) return null;
      const revision = { kind: "now" } as const;
      return { kind: "list", prefix: key, from: "", to: "", after, limit, show, revision };
    }
    case operationCodes.listRange:
      return length === 9 ? readListRange(new Fields(fields, at + 2), key) : null;
    case operationCodes.incr: {
      const by = readSigned(fields[at + 2], fields[at + 3]);
      return length === 4 && by !== null ? { kind: "incr", key, by } : null;
    }
    case leaseCodes.putOwn:
    case leaseCodes.putGranted:
      return readPutLeased(fields, at, key);
    default:
      return null;
  }
}

/** Only what cannot be said in the shorter form. */
function readListRange(fields: Fields, prefix: string): Operation | null {
  const [from, to, after] = [fields.next(), fields.next(), fields.next()].map((field) =>
    textField(field, limits.keyBytesMax),
  );
  const limit = fields.next();
  const show = choiceOf(shows, fields.next());
  const moment = choiceOf(revisions, fields.next());
  const index = fields.next();
  if (from == null || to == null || after == null || !isCount(limit)) return null;
  if (show === null || moment === null || !isCount(index)) return null;
  if (moment !== "at" && index !== 0) return null;
  if (from === "" && to === "" && moment === "now") return null;
  const revision: ListRevision = moment === "at" ? { kind: "at", index } : { kind: moment };
  return { kind: "list", prefix, from, to, after, limit, show, revision };
}

const readStep = (fields: readonly unknown[]): Operation | null => operationAsWritten(fields, 0);

/** Fields of an operation that may be a step of a transaction, by its code. */
function stepLength(code: unknown): number | null {
  switch (code) {
    case operationCodes.put:
      return 3;
    case operationCodes.delete:
    case operationCodes.get:
      return 2;
    case operationCodes.incr:
      return 4;
    default:
      return null;
  }
}

function putAsWritten(fields: readonly unknown[], at: number, key: string): Operation | null {
  const length = fields.length - at;
  const bytes = fields[at + 2];
  if (!isBytes(bytes)) return null;
  if (fields[at] === operationCodes.putIfRevision) {
    const revision = fields[at + 3];
    if (length !== 4 || !isCount(revision)) return null;
    return { kind: "put", key, value: bytes, condition: { kind: "revision", revision } };
  }
  if (length !== 3) return null;
  const condition = { kind: fields[at] === operationCodes.put ? "always" : "absent" } as const;
  return { kind: "put", key, value: bytes, condition };
}
