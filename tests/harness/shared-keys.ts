/**
 * Clients that put, get, compare-and-set and delete on a few keys that all of them share, and the history of it as
 * the linearizability checker reads it. Their patience is short, so that requests end in doubt when a leader dies:
 * such a one may take effect at any time after it was asked for, or never, and is not repeated.
 */
import { assert, unreachable } from "../../src/base/assert.ts";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import type { Random } from "../../src/base/random.ts";
import type { Result } from "../../src/client/request.ts";
import type { Operation } from "../../src/kv/command.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import { checkHistory, explain } from "../../src/sim/linearizability.ts";
import {
  type CellAction,
  type CellOperation,
  type CellValue,
  cells,
} from "../../src/sim/linearizability-cell.ts";
import type { Recorded } from "../../src/sim/linearizability-model.ts";
import { ask, keyOf } from "./real-cluster.ts";

export type SharedKeysOptions = {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly keys: number;
  readonly workers: number;
  /** Of each request. */
  readonly withinMs: number;
  /** A worker rests up to so long between requests. */
  readonly restMsMax: number;
};

type Access = Extract<Operation, { kind: "put" | "get" | "cas" | "delete" }>;

export class SharedKeys {
  readonly counts = { committed: 0, rejected: 0, unknown: 0 };
  private readonly options: SharedKeysOptions;
  private readonly history: Recorded<CellOperation>[] = [];
  /** What was last seen of each key, so that some compare-and-sets succeed. */
  private readonly seen = new Map<string, CellValue>();
  private state: "on" | "off" = "on";
  private readonly workers: readonly Promise<void>[];
  /** Calls and returns, in the order in which they were seen. */
  private moment = 0;
  private written = 0;

  constructor(options: SharedKeysOptions) {
    this.options = options;
    this.workers = Array.from({ length: options.workers }, (_, number) => this.work(number));
  }

  /** Ends the work, and says whether an order explains what was seen. */
  async verdict(): Promise<"linearizable" | string> {
    this.state = "off";
    await Promise.all(this.workers);
    const model = cells(null);
    const verdict = checkHistory(this.history, model);
    return verdict.kind === "linearizable" ? verdict.kind : explain(verdict, model);
  }

  private async work(number: number): Promise<void> {
    const { client, random, withinMs, restMsMax } = this.options;
    while (this.state === "on") {
      const operation = this.choose();
      this.moment += 1;
      const called = this.moment;
      const result = await ask(client, operation, { withinMs });
      this.moment += 1;
      this.learn({ process: number, operation, called }, result);
      await Bun.sleep(random.below(restMsMax + 1));
    }
  }

  private choose(): Access {
    const { random, keys } = this.options;
    const key = keyOf(`shared-${random.below(keys)}`);
    const known = this.seen.get(key) ?? null;
    const kind = random.below(10);
    if (kind < 4) return { kind: "get", key };
    if (kind < 5) return { kind: "delete", key };
    this.written += 1;
    const value = utf8(`v${this.written}`);
    if (kind < 8 && known !== null) return { kind: "cas", key, expected: utf8(known), value };
    const condition = kind < 9 ? ({ kind: "always" } as const) : ({ kind: "absent" } as const);
    return { kind: "put", key, value, condition };
  }

  private learn(
    call: { process: number; operation: Access; called: number },
    result: Result,
  ): void {
    assert(result.kind !== "status", "a request for an operation is not answered with a status");
    this.counts[result.kind] += 1;
    // What was rejected has had no effect: that this is true is part of what is checked.
    if (result.kind === "rejected") return;
    const { process, operation, called } = call;
    const { key } = operation;
    const action = actionOf(operation, result);
    if (action === null) return;
    const returned = result.kind === "committed" ? this.moment : null;
    this.history.push({ process, operation: { key, action }, called, returned });
    if (action.kind === "read" || action.kind === "write") this.seen.set(key, action.value);
  }
}

type Told = Extract<Result, { kind: "committed" | "unknown" }>;

/** What was asked and what came of it; null where it says nothing. */
function actionOf(operation: Access, result: Told): CellAction | null {
  const reply = result.kind === "committed" ? result.reply : null;
  switch (operation.kind) {
    case "get":
      if (reply === null) return null;
      return { kind: "read", value: reply.kind === "found" ? textOf(reply.value) : null };
    case "put": {
      const value = textOf(operation.value);
      if (operation.condition.kind === "always") return { kind: "write", value };
      return { kind: "cas", from: null, to: value, outcome: outcomeOf(reply?.kind) };
    }
    case "cas": {
      const [from, to] = [textOf(operation.expected), textOf(operation.value)];
      return { kind: "cas", from, to, outcome: outcomeOf(reply?.kind) };
    }
    case "delete":
      if (reply === null) return { kind: "delete", outcome: "unknown" };
      return { kind: "delete", outcome: reply.kind === "absent" ? "absent" : "deleted" };
    default:
      return unreachable(operation);
  }
}

function outcomeOf(reply: string | undefined): "done" | "refused" | "unknown" {
  if (reply === undefined) return "unknown";
  return reply === "written" ? "done" : "refused";
}
