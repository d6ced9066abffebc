/**
 * Clients that put, get and compare-and-set on a few keys, one request each at a time, and the history of it as the
 * linearizability checker reads it. A write that was rejected stands in no history: that it has no effect is part
 * of what is checked. One whose outcome is unknown may take effect at any time after it was asked for, or never.
 */
import { assert, unreachable } from "../../src/base/assert.ts";
import { byteString, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Operation } from "../../src/kv/command.ts";
import type { Asked, SimClient } from "../../src/sim/client.ts";
import { checkHistory, explain } from "../../src/sim/linearizability.ts";
import { type CellAction, type CellOperation, cells } from "../../src/sim/linearizability-cell.ts";
import type { Recorded } from "../../src/sim/linearizability-model.ts";
import type { Lab } from "./lab.ts";

export type LoadOptions = {
  readonly clients: number;
  /** Keys that all clients share. */
  readonly keys: number;
  readonly withinMs?: number;
};

/** Between an answer and the next request, in milliseconds. */
const restMs = 15;

type Worker = {
  readonly number: number;
  readonly client: SimClient;
  under: Asked | null;
  dueAt: number;
  /** What it last saw of each key. */
  readonly seen: Map<string, string>;
};

export class KvLoad {
  readonly counts = { committed: 0, rejected: 0, unknown: 0 };
  readonly history: Recorded<CellOperation>[] = [];
  private readonly lab: Lab;
  private readonly options: LoadOptions;
  private readonly workers: readonly Worker[];
  private written = 0;

  constructor(lab: Lab, options: LoadOptions) {
    this.lab = lab;
    this.options = options;
    this.workers = Array.from({ length: options.clients }, (_, number) => ({
      number,
      client: lab.client().client,
      under: null,
      dueAt: 0,
      seen: new Map(),
    }));
  }

  /** So long, all clients are at work. */
  run(ms: number): void {
    const step = 5;
    for (let passed = 0; passed < ms; passed += step) {
      for (const worker of this.workers) this.work(worker);
      this.lab.sleep(step);
    }
  }

  /** Nobody asks for more; what is open is over at its deadline at the latest. */
  finish(): void {
    const open = this.workers.flatMap(({ under }) => (under === null ? [] : [under]));
    const settled = this.lab.settle(open, 15_000);
    assert(settled === "settled", "every request is over at its deadline");
    for (const worker of this.workers) this.look(worker);
  }

  /** The checker's word on it all. */
  verdict(): "linearizable" | string {
    const model = cells(null);
    const verdict = checkHistory(this.history, model);
    return verdict.kind === "linearizable" ? verdict.kind : explain(verdict, model);
  }

  private work(worker: Worker): void {
    this.look(worker);
    const { now } = this.lab.cluster.clock;
    if (worker.under !== null || now() < worker.dueAt) return;
    const { withinMs = 2000 } = this.options;
    worker.under = worker.client.ask(this.choose(worker), { withinMs });
  }

  private look(worker: Worker): void {
    const { under } = worker;
    if (under === null || under.result === null) return;
    worker.under = null;
    worker.dueAt = this.lab.cluster.clock.now() + this.lab.random.below(2 * restMs);
    this.record(worker, under);
  }

  private choose({ seen }: Worker): Operation {
    const { random } = this.lab;
    const key = byteString(utf8(`key-${random.below(this.options.keys)}`));
    const known = seen.get(key);
    const kind = random.below(3);
    if (kind === 0) return { kind: "get", key };
    this.written += 1;
    const value = utf8(`v${this.written}`);
    if (kind === 1 || known === undefined) {
      return { kind: "put", key, value, condition: { kind: "always" } };
    }
    return { kind: "cas", key, expected: utf8(known), value };
  }

  private record(worker: Worker, asked: Asked): void {
    const { operation, began, ended, result } = asked;
    if (result === null || result.kind === "status") return;
    this.counts[result.kind] += 1;
    const action = actionOf(operation, result);
    if (action === null || (operation.kind !== "get" && result.kind === "rejected")) return;
    const returned = result.kind === "unknown" ? null : ended;
    const { key } = operation as { readonly key: string };
    this.history.push({
      process: worker.number,
      operation: { key, action },
      called: began,
      returned,
    });
    if (action.kind === "read" && action.value !== null) worker.seen.set(key, action.value);
    if (action.kind === "write" && action.value !== null) worker.seen.set(key, action.value);
  }
}

/** What was asked and what came of it; null where nothing is known that a history could hold. */
function actionOf(operation: Operation, result: NonNullable<Asked["result"]>): CellAction | null {
  const reply = result.kind === "committed" ? result.reply : null;
  switch (operation.kind) {
    case "get":
      if (reply?.kind === "absent") return { kind: "read", value: null };
      return reply?.kind === "found" ? { kind: "read", value: textOf(reply.value) } : null;
    case "put":
      assert(reply === null || reply.kind === "written", `a put is written: ${reply?.kind}`);
      return { kind: "write", value: textOf(operation.value) };
    case "cas": {
      const [from, to] = [textOf(operation.expected), textOf(operation.value)];
      if (reply === null) return { kind: "cas", from, to, outcome: "unknown" };
      const outcome = reply.kind === "written" ? "done" : "refused";
      return { kind: "cas", from, to, outcome };
    }
    case "delete":
    case "incr":
    case "txn":
    case "list":
    case "noop":
    case "put-leased":
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
    case "leases":
      return null;
    default:
      return unreachable(operation);
  }
}
