/** The limits of operations, the same where they are refused to a client and where they are decoded. */
import { unreachable } from "../base/assert.ts";
import { limits, type Operation } from "../kv/command.ts";
import { isLeaseSpan } from "./lease.ts";
import { transactionProblem } from "./transaction.ts";

/**
 * Why no server will take an operation. A value is too long also where the two of a cas are
 * together longer than one may be: both stand in one entry.
 */
export type CommandProblem =
  | "key-empty"
  | "key-too-long"
  | "value-too-long"
  | "limit-out-of-range"
  | "count-out-of-range"
  | "condition-in-step"
  | "transaction-too-large"
  | "ttl-out-of-range";

export function commandProblem(operation: Operation): CommandProblem | null {
  switch (operation.kind) {
    case "put":
      return keyProblem(operation.key) ?? valueProblem(operation.value.length);
    case "put-leased": {
      const { key, value, tenure } = operation;
      const spanProblem = tenure.kind === "own" ? ttlProblem(tenure.ttlMs) : null;
      return keyProblem(key) ?? valueProblem(value.length) ?? spanProblem;
    }
    case "cas":
      return (
        keyProblem(operation.key) ??
        valueProblem(operation.expected.length + operation.value.length)
      );
    case "get":
    case "delete":
      return keyProblem(operation.key);
    case "list": {
      const { prefix, from, to, after, limit } = operation;
      for (const key of [prefix, from, to, after]) {
        if (key.length > limits.keyBytesMax) return "key-too-long";
      }
      return limitProblem(limit);
    }
    case "incr": {
      const { key, by } = operation;
      const inRange = Number.isInteger(by) && Math.abs(by) <= limits.countByMax;
      return keyProblem(key) ?? (inRange ? null : "count-out-of-range");
    }
    case "txn":
      return transactionProblem(operation, commandProblem);
    case "leases":
      return limitProblem(operation.limit);
    case "lease-grant":
      return ttlProblem(operation.ttlMs);
    case "noop":
    case "lease-revoke":
    case "lease-keep-alive":
      return null;
    default:
      return unreachable(operation);
  }
}

function keyProblem(key: string): CommandProblem | null {
  if (key.length === 0) return "key-empty";
  return key.length > limits.keyBytesMax ? "key-too-long" : null;
}

const valueProblem = (length: number): CommandProblem | null =>
  length > limits.valueBytesMax ? "value-too-long" : null;

const limitProblem = (limit: number): CommandProblem | null =>
  Number.isInteger(limit) && limit >= 1 && limit <= limits.listKeysMax
    ? null
    : "limit-out-of-range";

const ttlProblem = (ttlMs: number): CommandProblem | null =>
  isLeaseSpan(ttlMs) ? null : "ttl-out-of-range";
