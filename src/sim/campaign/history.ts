/**
 * What clients saw, as a history for the full checker (linearizability.ts): it knows nothing of the log and asks only
 * whether there is an order. Keys one by one; stale reads and lists are no part of it.
 */
import { byteString } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum.ts";
import type { Wish } from "../check/oracle.ts";
import { type CellAction, type CellOperation, cells } from "../linearizability-cell.ts";
import type { Model, Recorded } from "../linearizability-model.ts";

export const historyModel: Model<CellOperation> = cells(null);

export function historyOf(wishes: readonly Wish[]): readonly Recorded<CellOperation>[] {
  const history: Recorded<CellOperation>[] = [];
  for (const wish of wishes) {
    const { operation, outcome, client, began, ended } = wish;
    if (outcome === "rejected" || operation.kind === "noop" || operation.kind === "list") continue;
    const action = actionOf(wish);
    if (action === null) continue;
    const returned = outcome === "committed" ? ended : null;
    history.push({
      process: client,
      operation: { key: operation.key, action },
      called: began,
      returned,
    });
  }
  return history;
}

/** Every value is another one: its name is enough. */
const nameOf = (value: Uint8Array): string =>
  value.length <= 64 ? byteString(value) : `${value.length} bytes ${crc32(value)}`;

function actionOf({ operation, consistency, outcome, reply }: Wish): CellAction | null {
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
    case "list":
    case "noop":
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
