/**
 * What clients saw, as a history for the full checker (linearizability.ts): it knows nothing of the log and asks only
 * whether there is an order. Keys one by one; stale reads and lists are no part of it.
 */
import { byteString } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum.ts";
import type { Operation, Reply, Step } from "../../kv/command.ts";
import type { Wish } from "../check/oracle.ts";
import { type CellAction, type CellOperation, cells } from "../linearizability-cell.ts";
import type { Model, Recorded } from "../linearizability-model.ts";
import { tallyPrefix } from "./transactions.ts";

export const historyModel: Model<CellOperation> = cells(null);

export function historyOf(wishes: readonly Wish[]): readonly Recorded<CellOperation>[] {
  const history: Recorded<CellOperation>[] = [];
  const leased = new Set(
    wishes.flatMap(({ operation }) => (operation.kind === "put-leased" ? [operation.key] : [])),
  );
  for (const wish of wishes) {
    const { outcome, client, began, ended } = wish;
    if (outcome === "rejected") continue;
    const returned = outcome === "committed" ? ended : null;
    for (const operation of actionsOf(wish)) {
      if (operation.key.startsWith(tallyPrefix)) continue;
      // A key with a lease goes by itself, which is nothing that this model knows.
      if (leased.has(operation.key)) continue;
      history.push({ process: client, operation, called: began, returned });
    }
  }
  return history;
}

/** A transaction is as many actions at once; that they are one is for the log to say (oracle.ts). */
function actionsOf(wish: Wish): readonly CellOperation[] {
  const { operation, reply } = wish;
  switch (operation.kind) {
    case "noop":
    case "list":
    case "incr":
    case "put-leased":
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
    case "leases":
      return [];
    case "txn": {
      // Nobody knows whether it happened, and which of its branches: any of its writes may have.
      if (wish.outcome !== "committed") {
        return [...operation.holding, ...operation.otherwise].flatMap((step) => writeBy(step));
      }
      if (reply?.kind !== "transacted") return [];
      const steps = reply.branch === "then" ? operation.holding : operation.otherwise;
      return steps.flatMap((step, at) => doneBy(step, reply.answers[at]?.kind ?? "absent"));
    }
    default: {
      const action = actionOf(wish, operation);
      return action === null ? [] : [{ key: operation.key, action }];
    }
  }
}

function writeBy(step: Step): readonly CellOperation[] {
  const { key } = step;
  if (step.kind === "put") return [{ key, action: { kind: "write", value: nameOf(step.value) } }];
  return step.kind === "delete" ? [{ key, action: { kind: "delete", outcome: "unknown" } }] : [];
}

/** What it read is left out: it may be what the same transaction wrote before. */
function doneBy(step: Step, answer: Reply["kind"]): readonly CellOperation[] {
  if (step.kind !== "delete") return writeBy(step);
  return answer === "deleted"
    ? [{ key: step.key, action: { kind: "delete", outcome: "unknown" } }]
    : [];
}

/** Every value is another one: its name is enough. */
const nameOf = (value: Uint8Array): string =>
  value.length <= 64 ? byteString(value) : `${value.length} bytes ${crc32(value)}`;

type OneKey = Extract<Operation, { kind: "get" | "put" | "cas" | "delete" }>;

function actionOf({ consistency, outcome, reply }: Wish, operation: OneKey): CellAction | null {
  switch (operation.kind) {
    case "get":
      if (consistency === "stale" || outcome !== "committed" || reply === null) return null;
      return { kind: "read", value: reply.kind === "found" ? nameOf(reply.value) : null };
    case "put": {
      const value = nameOf(operation.value);
      if (operation.condition.kind === "absent") {
        return { kind: "cas", from: null, to: value, outcome: resultOf(outcome, reply?.kind) };
      }
      // A revision is nothing that this model knows: what was refused for it says nothing.
      return reply?.kind === "condition-failed" ? null : { kind: "write", value };
    }
    case "cas": {
      const [from, to] = [nameOf(operation.expected), nameOf(operation.value)];
      return { kind: "cas", from, to, outcome: resultOf(outcome, reply?.kind) };
    }
    case "delete":
      if (outcome !== "committed") return { kind: "delete", outcome: "unknown" };
      return { kind: "delete", outcome: reply?.kind === "absent" ? "absent" : "deleted" };
    default:
      return null;
  }
}

function resultOf(
  outcome: Wish["outcome"],
  reply: string | undefined,
): "done" | "refused" | "unknown" {
  if (outcome !== "committed") return "unknown";
  return reply === "written" ? "done" : "refused";
}
