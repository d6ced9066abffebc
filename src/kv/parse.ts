/**
 * Operations from s-expressions, as typed at the prompt: what describe.ts prints, the command
 * line's short names (`del`, `ls`), and the original's commands `(Set "k" "v")`, `(Get . "k")`,
 * `(Delete "k")`, `(Noop)`. Sizes are not judged here: that is done for every client where a
 * command is encoded.
 */
import { isWireCounter, type LogIndex } from "../base/numbers.ts";
import { print } from "../sexp/print.ts";
import { formName } from "../sexp/query.ts";
import type { Sexp } from "../sexp/value.ts";
import {
  type Condition,
  type LeaseId,
  type ListOperation,
  limits,
  type Operation,
  type Tenure,
  wholeList,
} from "./command.ts";
import { atMost, bytesOf, keyOf, optionParts, Problem } from "./parse-parts.ts";
import { parseDo, parseIf } from "./parse-transaction.ts";

export type Parsed =
  | { readonly kind: "parsed"; readonly operation: Operation }
  /** `problem` is a clause that follows the command's text; `usage` is what to write instead. */
  | { readonly kind: "refused"; readonly problem: string; readonly usage: string };

type Usage = { readonly text: string; readonly parse: (parts: readonly Sexp[]) => Operation };

const noop: Usage = { text: "(noop)", parse: parseNoop };
const get: Usage = { text: '(get "key")', parse: parseGet };
const remove: Usage = { text: '(delete "key")', parse: parseDelete };
const cas: Usage = { text: '(cas "key" "expected" "new")', parse: parseCas };
const put: Usage = {
  text: '(put "key" "value")  (put "key" "value" (if-absent))  (put "key" "value" (if-rev 3) (ttl 5000))',
  parse: parsePut,
};
const incr: Usage = { text: '(incr "key")  (incr "key" -5)', parse: parseIncr };
const when: Usage = {
  text: '(if (= (rev "key") 3) (put "key" "value") (get "key"))  (if (and …) (do … …) (do …))',
  parse: (parts) => parseIf(parts, parseInner),
};
const together: Usage = {
  text: '(do (put "a" "1") (put "b" "2"))',
  parse: (parts) => parseDo(parts, parseInner),
};
const list: Usage = {
  text: '(list)  (list "prefix")  (list "prefix" (from "a") (to "m") (after "key") (limit 10) (values))',
  parse: parseList,
};

const grant: Usage = { text: "(lease-grant 5000)", parse: parseGrant };
const revoke: Usage = { text: "(lease-revoke 12)", parse: parseRevoke };
const keepAlive: Usage = { text: "(lease-keep-alive 12)", parse: parseKeepAlive };
const leases: Usage = { text: "(leases)  (leases (after 12) (limit 10))", parse: parseLeases };

const usages: ReadonlyMap<string, Usage> = new Map([
  ["put", put],
  ["set", put],
  ["get", get],
  ["delete", remove],
  ["del", remove],
  ["cas", cas],
  ["list", list],
  ["ls", list],
  ["incr", incr],
  ["if", when],
  ["do", together],
  ["txn", { ...when, parse: parseTxn }],
  ["noop", noop],
  ["lease-grant", grant],
  ["lease-revoke", revoke],
  ["lease-keep-alive", keepAlive],
  ["leases", leases],
]);
const commands =
  "put get delete cas list incr if do noop lease-grant lease-revoke lease-keep-alive leases";

/**
 * Names are taken in small letters and as the original writes them, with a capital first letter.
 */
export function parseOperation(value: Sexp): Parsed {
  const name = formName(value);
  if (name === null || (value.kind !== "list" && value.kind !== "dotted")) {
    const problem = "is not a command: a command is a list that begins with its name";
    return { kind: "refused", problem, usage: put.text };
  }
  const usage = usageOf(name);
  if (usage === undefined) {
    return { kind: "refused", problem: `is not a command: no "${name}"`, usage: commands };
  }
  try {
    return { kind: "parsed", operation: usage.parse(partsOf(value)) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: "refused", problem: error.message, usage: usage.text };
  }
}

const usageOf = (name: string): Usage | undefined =>
  usages.get(name.charAt(0).toLowerCase() + name.slice(1));

/** The original writes one argument after a dot; it is the same as a list of one. */
const partsOf = (value: Extract<Sexp, { kind: "list" | "dotted" }>): readonly Sexp[] => [
  ...value.items.slice(1),
  ...(value.kind === "dotted" ? [value.tail] : []),
];

/** An operation inside of another. Its own problem is the outer one's. */
function parseInner(value: Sexp): Operation {
  const name = formName(value);
  const usage = name === null ? undefined : usageOf(name);
  if (usage === undefined || (value.kind !== "list" && value.kind !== "dotted")) {
    throw new Problem(`has ${print(value)} where a command stands`);
  }
  return usage.parse(partsOf(value));
}

function parseIncr(parts: readonly Sexp[]): Operation {
  atMost(parts, 2);
  const by = parts[1];
  const key = keyOf(parts[0], "the key");
  if (by === undefined) return { kind: "incr", key, by: 1 };
  if (by.kind === "integer") return { kind: "incr", key, by: by.value };
  throw new Problem(`has ${print(by)} where a whole number stands`);
}

/** `(txn …)` is what it holds. */
function parseTxn(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  const [inner] = parts;
  if (inner === undefined) throw new Problem("lacks what it does");
  const operation = parseInner(inner);
  if (operation.kind === "txn") return operation;
  throw new Problem(`has ${print(inner)} where (if …) or (do …) stands`);
}

function parseNoop(parts: readonly Sexp[]): Operation {
  atMost(parts, 0);
  return { kind: "noop" };
}

function parseGet(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  return { kind: "get", key: keyOf(parts[0], "the key") };
}

function parseDelete(parts: readonly Sexp[]): Operation {
  atMost(parts, 1);
  return { kind: "delete", key: keyOf(parts[0], "the key") };
}

function parseCas(parts: readonly Sexp[]): Operation {
  atMost(parts, 3);
  return {
    kind: "cas",
    key: keyOf(parts[0], "the key"),
    expected: bytesOf(parts[1], "the expected value"),
    value: bytesOf(parts[2], "the new value"),
  };
}

function parsePut(parts: readonly Sexp[]): Operation {
  const put = {
    kind: "put",
    key: keyOf(parts[0], "the key"),
    value: bytesOf(parts[1], "the value"),
  } as const;
  let condition: Condition | null = null;
  let tenure: Tenure | null = null;
  for (const option of parts.slice(2)) {
    const meant = putOption(option);
    const isTenure = meant.kind === "own" || meant.kind === "granted";
    if ((isTenure ? tenure : condition) !== null) {
      throw new Problem(`has a surplus ${print(option)}`);
    }
    if (isTenure) tenure = meant;
    else condition = meant;
  }
  condition ??= { kind: "always" };
  if (tenure === null) return { ...put, condition };
  return { ...put, kind: "put-leased", condition, tenure };
}

function putOption(value: Sexp): Condition | Tenure {
  if (value.kind !== "list") throw new Problem(`has a surplus ${print(value)}`);
  switch (formName(value)) {
    case "if-absent":
      atMost(optionParts(value), 0);
      return { kind: "absent" };
    case "if-rev":
      return { kind: "revision", revision: numberIn(value, "revision") };
    case "ttl":
      return { kind: "own", ttlMs: ttlOf(optionParts(value)) };
    case "lease":
      return { kind: "granted", lease: numberIn(value, "lease") };
    default:
      throw new Problem(`has ${print(value)} where a condition or a lease stands`);
  }
}

function numberIn(option: Sexp, what: string): LogIndex {
  const parts = optionParts(option);
  const number = parts.length === 1 ? integerOf(parts[0]) : null;
  if (!isWireCounter(number)) throw new Problem(`has no ${what} in ${print(option)}`);
  return number;
}

const integerOf = (value: Sexp | undefined): number | null =>
  value?.kind === "integer" ? value.value : null;

/** A span, in milliseconds. */
function ttlOf(parts: readonly Sexp[]): number {
  atMost(parts, 1);
  const ttl = integerOf(parts[0]);
  const { leaseMsMin, leaseMsMax } = limits;
  if (ttl !== null && ttl >= leaseMsMin && ttl <= leaseMsMax) return ttl;
  throw new Problem(`has no span of ${leaseMsMin} to ${leaseMsMax} ms`);
}

function parseGrant(parts: readonly Sexp[]): Operation {
  return { kind: "lease-grant", ttlMs: ttlOf(parts) };
}

function parseRevoke(parts: readonly Sexp[]): Operation {
  return { kind: "lease-revoke", lease: leaseOf(parts) };
}

function parseKeepAlive(parts: readonly Sexp[]): Operation {
  return { kind: "lease-keep-alive", lease: leaseOf(parts) };
}

function leaseOf(parts: readonly Sexp[]): LeaseId {
  atMost(parts, 1);
  const lease = integerOf(parts[0]);
  if (!isWireCounter(lease)) throw new Problem("has no lease's number");
  return lease;
}

function parseLeases(parts: readonly Sexp[]): Operation {
  let after: LeaseId = 0;
  let limit: number = limits.listKeysMax;
  for (const option of parts) {
    switch (formName(option)) {
      case "after":
        after = numberIn(option, "lease");
        break;
      case "limit":
        limit = limitIn(option);
        break;
      default:
        throw new Problem(`has ${print(option)} where an option stands`);
    }
  }
  return { kind: "leases", after, limit };
}

function parseList(parts: readonly Sexp[]): Operation {
  const first = parts[0];
  const named = first !== undefined && first.kind !== "list";
  let operation: ListOperation = {
    ...wholeList,
    prefix: named ? keyOf(first, "the prefix") : "",
  };
  for (const option of parts.slice(named ? 1 : 0)) {
    operation = { ...operation, ...listOption(option) };
  }
  return operation;
}

function listOption(option: Sexp): Partial<ListOperation> {
  const parts = optionParts(option);
  const name = formName(option);
  switch (name) {
    case "from":
    case "to":
    case "after":
      atMost(parts, 1);
      return { [name]: keyOf(parts[0], `the key in ${print(option)}`) };
    case "hold":
      atMost(parts, 0);
      return { revision: { kind: "hold" } };
    case "at": {
      const index = parts.length === 1 && parts[0]?.kind === "integer" ? parts[0].value : null;
      if (isWireCounter(index)) return { revision: { kind: "at", index } };
      throw new Problem(`has no index in ${print(option)}`);
    }
    case "limit":
      return { limit: limitIn(option) };
    case "values":
      atMost(parts, 0);
      return { show: "values" };
    default:
      throw new Problem(`has ${print(option)} where an option stands`);
  }
}

function limitIn(option: Sexp): number {
  const parts = optionParts(option);
  const limit = parts.length === 1 ? (integerOf(parts[0]) ?? 0) : 0;
  if (limit >= 1 && limit <= limits.listKeysMax) return limit;
  throw new Problem(`has no limit from 1 to ${limits.listKeysMax} in ${print(option)}`);
}
