/**
 * Commands, operations and replies as s-expressions, for `inspect`, the prompt and `--sexpr`.
 * Operations are printed as they are typed: parse.ts reads every one of them back.
 *
 *   (put "k" "v")  (put "k" "v" (if-absent))  (put "k" "v" (if-rev 3))
 *   (put "k" "v" (ttl 5000))  (put "k" "v" (if-absent) (lease 12))
 *   (delete "k")  (cas "k" "old" "new")
 *   (get "k")  (list "prefix" (after "k") (limit 10) (values))  (noop)
 *   (list "prefix" (from "a") (to "m") (hold))  (list "prefix" (after "k") (at 42))
 *   (incr "k")  (incr "k" -5)
 *   (if (and (= (rev "k") 3) (exists "l")) (put "k" "v") (do (get "k") (get "l")))
 *   (do (put "k" "v") (put "l" "w"))
 *   (lease-grant 5000)  (lease-revoke 12)  (lease-keep-alive 12)  (leases (after 12) (limit 10))
 *   (register (nonce 7))  (request (session 12) (sequence 3) (acknowledged 2) (put …))  (expire 12 15)
 */
import { unreachable } from "../base/assert.ts";
import { bytesOfByteString } from "../base/bytes.ts";
import { bytesSexp, form, type Sexp, symbol } from "../sexp/value.ts";
import {
  type Command,
  type Condition,
  type Guard,
  type Item,
  type LeaseItem,
  type ListRevision,
  limits,
  type Operation,
  type Reply,
  type Step,
  type Tenure,
} from "./command.ts";

export function commandSexp(command: Command): Sexp {
  switch (command.kind) {
    case "register":
      return form("register", form("nonce", command.nonce));
    case "request":
      return form(
        "request",
        form("session", command.session),
        form("sequence", command.sequence),
        form("acknowledged", command.acknowledged),
        operationSexp(command.operation),
      );
    case "expire":
      return form("expire", ...command.leases);
    default:
      return unreachable(command);
  }
}

export function operationSexp(operation: Operation): Sexp {
  switch (operation.kind) {
    case "put":
      return form(
        "put",
        keySexp(operation.key),
        bytesSexp(operation.value),
        ...conditionSexps(operation.condition),
      );
    case "put-leased":
      return form(
        "put",
        keySexp(operation.key),
        bytesSexp(operation.value),
        ...conditionSexps(operation.condition),
        tenureSexp(operation.tenure),
      );
    case "delete":
      return form("delete", keySexp(operation.key));
    case "cas":
      return form(
        "cas",
        keySexp(operation.key),
        bytesSexp(operation.expected),
        bytesSexp(operation.value),
      );
    case "get":
      return form("get", keySexp(operation.key));
    case "list":
      return form(
        "list",
        keySexp(operation.prefix),
        ...(operation.from === "" ? [] : [form("from", keySexp(operation.from))]),
        ...(operation.to === "" ? [] : [form("to", keySexp(operation.to))]),
        ...(operation.after === "" ? [] : [form("after", keySexp(operation.after))]),
        ...(operation.limit === limits.listKeysMax ? [] : [form("limit", operation.limit)]),
        ...(operation.show === "keys" ? [] : [form("values")]),
        ...revisionSexps(operation.revision),
      );
    case "incr":
      return form("incr", keySexp(operation.key), ...(operation.by === 1 ? [] : [operation.by]));
    case "txn":
      return transactionSexp(operation);
    case "noop":
      return form("noop");
    case "lease-grant":
      return form(operation.kind, operation.ttlMs);
    case "lease-revoke":
    case "lease-keep-alive":
      return form(operation.kind, operation.lease);
    case "leases":
      return form(
        "leases",
        ...(operation.after === 0 ? [] : [form("after", operation.after)]),
        ...(operation.limit === limits.listKeysMax ? [] : [form("limit", operation.limit)]),
      );
    default:
      return unreachable(operation);
  }
}

function revisionSexps(revision: ListRevision): readonly Sexp[] {
  switch (revision.kind) {
    case "now":
      return [];
    case "hold":
      return [form("hold")];
    case "at":
      return [form("at", revision.index)];
    default:
      return unreachable(revision);
  }
}

/** A transaction that asks nothing is its steps alone. */
function transactionSexp({ guard, holding, otherwise }: Extract<Operation, { kind: "txn" }>): Sexp {
  const always = guard.kind === "and" && guard.guards.length === 0;
  if (always && otherwise.length === 0) return form("do", ...holding.map(operationSexp));
  const last = otherwise.length === 0 ? [] : [branchSexp(otherwise)];
  return form("if", guardSexp(guard), branchSexp(holding), ...last);
}

function branchSexp(steps: readonly Step[]): Sexp {
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return operationSexp(only);
  return form("do", ...steps.map(operationSexp));
}

export function guardSexp(guard: Guard): Sexp {
  switch (guard.kind) {
    case "exists":
      return form("exists", keySexp(guard.key));
    case "revision":
      return form(guard.relation, form("rev", keySexp(guard.key)), guard.revision);
    case "value":
      return form(guard.relation, form("value", keySexp(guard.key)), bytesSexp(guard.value));
    case "not":
      return form("not", guardSexp(guard.guard));
    case "and":
    case "or":
      return form(guard.kind, ...guard.guards.map(guardSexp));
    default:
      return unreachable(guard);
  }
}

/** A key as a string where it is readable UTF-8, else as bytes. */
export const keySexp = (key: string): Sexp => bytesSexp(bytesOfByteString(key));

function conditionSexps(condition: Condition): Sexp[] {
  switch (condition.kind) {
    case "always":
      return [];
    case "absent":
      return [form("if-absent")];
    case "revision":
      return [form("if-rev", condition.revision)];
    default:
      return unreachable(condition);
  }
}

const tenureSexp = (tenure: Tenure): Sexp =>
  tenure.kind === "own" ? form("ttl", tenure.ttlMs) : form("lease", tenure.lease);

export function replySexp(reply: Reply): Sexp {
  switch (reply.kind) {
    case "registered":
      return form("registered", form("session", reply.session));
    case "written":
    case "deleted":
    case "done":
      return form(reply.kind, form("index", reply.index));
    case "found":
      return form("found", form("rev", reply.revision), form("value", bytesSexp(reply.value)));
    case "listed":
      return form("listed", ...reply.items.map(itemSexp), symbol(reply.more));
    case "view-lost":
      return form("view-lost", form("at", reply.index));
    case "counted":
      return form("counted", form("index", reply.index), form("value", reply.value));
    case "transacted": {
      const answers = reply.answers.map(replySexp);
      return form("transacted", form("index", reply.index), form(reply.branch, ...answers));
    }
    case "count-refused":
      return form("count-refused", symbol(reply.because), form("rev", reply.revision));
    case "txn-refused":
      return form("txn-refused", symbol(reply.because), form("step", reply.step));
    case "condition-failed":
      return form("condition-failed", form("rev", reply.revision));
    case "lease-granted":
    case "lease-unknown":
      return form(reply.kind, form("lease", reply.lease));
    case "lease-kept":
      return form("lease-kept", form("lease", reply.lease), form("ttl", reply.ttlMs));
    case "lease-revoked":
      return form("lease-revoked", form("lease", reply.lease), form("keys", reply.keys));
    case "lease-limit":
      return form("lease-limit", symbol(reply.of));
    case "leases-listed": {
      const { now, items, more } = reply;
      return form(reply.kind, form("now", now), ...items.map(leaseItemSexp), symbol(more));
    }
    case "expired":
      return form("expired", form("leases", ...reply.leases), form("keys", reply.keys));
    case "absent":
    case "session-unknown":
    case "already-acknowledged":
    case "window-exceeded":
      return form(reply.kind);
    default:
      return unreachable(reply);
  }
}

/** `(lease (id 12) (granted) (ttl 5000) (deadline 9000) (keys 2))`. */
export const leaseItemSexp = ({ lease, origin, ttlMs, deadline, keys }: LeaseItem): Sexp =>
  form(
    "lease",
    form("id", lease),
    form(origin),
    form("ttl", ttlMs),
    form("deadline", deadline),
    form("keys", keys),
  );

/** `(item (key "k") (rev 3) (value "v"))`. */
export function itemSexp(item: Item): Sexp {
  const value = item.value === null ? [] : [form("value", bytesSexp(item.value))];
  return form("item", form("key", keySexp(item.key)), form("rev", item.revision), ...value);
}
