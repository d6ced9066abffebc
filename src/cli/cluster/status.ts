/** `cluster status` and `cluster watch`: every node is asked itself, so no leader is needed. */
import { exits, OperatorError } from "../../base/error.ts";
import { type AskStatus, askStatus } from "../../runtime/ask.ts";
import type { ClusterStatus } from "../../runtime/cluster-status.ts";
import { clusterStatus, reportOf } from "../../runtime/cluster-status.ts";
import { command } from "../command.ts";
import { durationFlag } from "../flag.ts";
import type { Output } from "../output.ts";
import { Signals } from "../signals.ts";
import { readTarget, type Target, targetArgs } from "../target.ts";
import { type ShownStatus, statusResult } from "./status-view.ts";

const timeoutArg = {
  type: "string",
  valueHint: "duration",
  default: "500ms",
  description: "How long a node may take to answer",
} as const;

export const statusCommand = command({
  name: "status",
  description:
    "Show who leads, who is reachable and how far each node is. Exit 4 without a quorum.",
  args: { ...targetArgs, timeout: timeoutArg },
  examples: [
    { line: "rusty-boat cluster status", does: "a table" },
    { line: "rusty-boat cluster status --json | jq .leader", does: "for scripts" },
    {
      line: "rusty-boat cluster status --nodes 10.0.0.1:7101",
      does: "any node, without cluster.json",
    },
  ],
  async run({ args, program }) {
    const target = readTarget(args);
    const timeoutMs = durationFlag({ source: "--timeout", value: args.timeout });
    const status = await askCluster(target, timeoutMs, askStatus);
    await program.output.result(statusResult(shown(status, target, program.output)));
    refuseWithoutQuorum(status, target);
    return exits.done;
  },
});

export const watchCommand = command({
  name: "watch",
  description: "Show the status again whenever it changes, until interrupted.",
  args: {
    ...targetArgs,
    timeout: timeoutArg,
    every: {
      type: "string",
      valueHint: "duration",
      default: "1s",
      description: "How often the nodes are asked",
    },
  },
  examples: [
    { line: "rusty-boat cluster watch", does: "redrawn in place on a terminal" },
    { line: "rusty-boat cluster watch --json", does: "a line per change" },
  ],
  async run({ args, program }) {
    const timeoutMs = durationFlag({ source: "--timeout", value: args.timeout });
    const everyMs = durationFlag({ source: "--every", value: args.every });
    const signals = new Signals();
    const interrupted = signals.next();
    const drawn = new Redrawn(program.output);
    try {
      for (;;) {
        // Read again each time: nodes may have been started anew meanwhile.
        const target = readTarget(args);
        const status = await askCluster(target, timeoutMs, askStatus);
        await drawn.show(shown(status, target, program.output));
        const next = await Promise.race([interrupted, Bun.sleep(everyMs)]);
        if (next !== undefined) return exits.done;
      }
    } finally {
      signals.close();
    }
  },
});

export async function askCluster(
  target: Target,
  timeoutMs: number,
  ask: AskStatus,
): Promise<ClusterStatus> {
  const answers = await ask({
    nodes: target.nodes.map((node) => node.address),
    clusterId: target.clusterId,
    clientKey: target.clientKey,
    timeoutMs,
  });
  return clusterStatus(target.nodes.map((node, at) => reportOf(node, answers[at])));
}

const shown = (status: ClusterStatus, target: Target, output: Output): ShownStatus => ({
  status,
  clusterId: target.clusterId,
  paint: output.paint,
});

export function refuseWithoutQuorum(status: ClusterStatus, target: Target): void {
  const silent = status.nodes.filter((node) => node.status === null);
  const names = silent.map((node) => node.id ?? "?").join(", ");
  if (silent.length === status.nodes.length) {
    throw new OperatorError({
      code: "no-cluster",
      what: "no node answers",
      why: `asked: ${target.source}; ${silent[0]?.error ?? "nobody"}`,
      fix: ["rusty-boat cluster up 5", "name the nodes: --nodes HOST:PORT,…"],
      exit: exits.unreachable,
    });
  }
  if (status.quorum === "quorum") return;
  const reached = status.nodes.length - silent.length;
  const first = silent[0]?.id;
  throw new OperatorError({
    code: "no-quorum",
    what: "the cluster accepts no writes now",
    why:
      `${reached} of ${status.nodes.length} nodes answer` +
      `${status.leader === null ? ", none leads" : `, too few follow node${status.leader}`}` +
      `${silent.length === 0 ? "" : `; silent: ${names}`}`,
    fix: [
      first === undefined || first === null
        ? "rusty-boat cluster heal"
        : `rusty-boat cluster restart ${first}`,
      "an election takes about a second: ask again",
    ],
    exit: exits.notApplied,
  });
}

/**
 * A status that takes its predecessor's place on a terminal, and elsewhere is printed when it
 * differs.
 */
class Redrawn {
  readonly #output: Output;
  #before = "";

  constructor(output: Output) {
    this.#output = output;
  }

  async show(status: ShownStatus): Promise<void> {
    const result = statusResult(status);
    const text = this.#output.format === "text" ? result.text() : JSON.stringify(result.json());
    if (text === this.#before) return;
    const inPlace = this.#output.stream === "terminal" && this.#output.format === "text";
    if (inPlace && this.#before !== "") {
      await this.#output.raw(`\u001b[${this.#before.split("\n").length}A\u001b[J`);
    }
    this.#before = text;
    await this.#output.result(result);
    await this.#output.flush();
  }
}
