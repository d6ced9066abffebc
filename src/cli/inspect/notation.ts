/** Commands, replies and items in the two notations that inspect prints. */
import { unreachable } from "../../base/assert.ts";
import { decodeCommand } from "../../codec/command.ts";
import type { Command, Condition, Item, Operation, Reply } from "../../kv/command.ts";
import { commandSexp, guardSexp, replySexp } from "../../kv/describe.ts";
import { print } from "../../sexp/print.ts";
import { form, type Sexp } from "../../sexp/value.ts";
import { bytesJson, counted, keyJson } from "../client/notation.ts";

/** For an entry whose command this version cannot read: the bytes are shown as they are. */
export function commandOf(body: Uint8Array): Sexp {
  const command = decodeCommand(body);
  return command === null ? form("unreadable", body) : commandSexp(command);
}

/** The fields of a command, for scripts that look for a key and not for a text. */
export function commandFields(command: Command | null): object {
  if (command === null) return { op: "unreadable" };
  switch (command.kind) {
    case "register":
      return { op: "register", nonce: command.nonce };
    case "request": {
      const { session, sequence, acknowledged, operation } = command;
      return { ...operationFields(operation), session, sequence, acknowledged };
    }
    case "expire":
      return { op: "expire", leases: command.leases };
    default:
      return unreachable(command);
  }
}

function operationFields(operation: Operation): object {
  const op = operation.kind;
  switch (operation.kind) {
    case "put": {
      const { key, value, condition } = operation;
      return { op, key: keyJson(key), value: bytesJson(value), ...conditionFields(condition) };
    }
    case "put-leased": {
      const { key, value, condition, tenure } = operation;
      const bound = tenure.kind === "own" ? { ttlMs: tenure.ttlMs } : { lease: tenure.lease };
      const what = { op: "put", key: keyJson(key), value: bytesJson(value) };
      return { ...what, ...conditionFields(condition), ...bound };
    }
    case "cas": {
      const { key, expected, value } = operation;
      return { op, key: keyJson(key), expected: bytesJson(expected), value: bytesJson(value) };
    }
    case "get":
    case "delete":
      return { op, key: keyJson(operation.key) };
    case "list": {
      const { prefix, from, to, after, limit, show } = operation;
      return {
        ...{ op, prefix: keyJson(prefix), after: keyJson(after), limit, show },
        ...(from === "" ? {} : { from: keyJson(from) }),
        ...(to === "" ? {} : { to: keyJson(to) }),
      };
    }
    case "incr":
      return { op, key: keyJson(operation.key), by: operation.by };
    case "txn": {
      const { holding, otherwise } = operation;
      const guard = print(guardSexp(operation.guard));
      return {
        op,
        guard,
        steps: holding.map(operationFields),
        otherwise: otherwise.map(operationFields),
      };
    }
    case "noop":
      return { op };
    case "lease-grant":
      return { op, ttlMs: operation.ttlMs };
    case "lease-revoke":
    case "lease-keep-alive":
      return { op, lease: operation.lease };
    case "leases":
      return { op, after: operation.after, limit: operation.limit };
    default:
      return unreachable(operation);
  }
}

function conditionFields(condition: Condition): object {
  switch (condition.kind) {
    case "always":
      return {};
    case "absent":
      return { condition: "absent" };
    case "revision":
      return { condition: "revision", revision: condition.revision };
    default:
      return unreachable(condition);
  }
}

export const replyText = (reply: Reply): string => print(replySexp(reply));

export const itemJson = ({ key, revision, value }: Item): object => ({
  key: keyJson(key),
  rev: revision,
  value: value === null ? null : bytesJson(value),
});

export { counted };

const idDigits = 12;

/** Cluster ids and incarnations, as everywhere. */
export const idText = (id: number): string => id.toString(16).padStart(idDigits, "0");
