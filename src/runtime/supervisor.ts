/**
 * Keeps the processes of a local cluster: starts, stops, pauses and kills them, cuts their links,
 * and says what happens to them. A node that ends by itself is reported and not started again: this
 * is a place to watch failures, and a failure that mends itself is not seen.
 */
import { must } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import type { CommandEnd } from "../client/errand.ts";
import type { NodeProcess } from "./node-process.ts";
import { blockFor, formatPartition, type Partition, partitionProblem } from "./partition.ts";

export type Condition = "running" | "paused" | "stopped" | "killed" | "failed" | "not-started";

export type Member = {
  readonly id: NodeId;
  readonly condition: Condition;
  readonly pid: number | null;
  /** How it last ended. */
  readonly end: CommandEnd | null;
};

export type SupervisorEvent =
  | { readonly kind: "started"; readonly node: NodeId; readonly pid: number }
  | {
      readonly kind: "ended";
      readonly node: NodeId;
      readonly condition: "stopped" | "killed" | "failed";
      readonly end: CommandEnd;
      /** What it said last, when nobody asked it to end. */
      readonly lines: readonly string[];
    }
  | { readonly kind: "paused" | "resumed"; readonly node: NodeId }
  /** It was removed from the cluster, and is not looked after any more. */
  | { readonly kind: "forgotten"; readonly node: NodeId }
  | { readonly kind: "partitioned"; readonly partition: string }
  | { readonly kind: "healed" };

export type SupervisorParts = {
  readonly nodes: readonly NodeId[];
  readonly launch: (node: NodeId) => NodeProcess;
  readonly lastWords: (node: NodeId) => readonly string[];
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
  readonly onEvent: (event: SupervisorEvent) => void;
};

export const deadlines = { stopMs: 5000 } as const;

type Slot = {
  condition: Condition;
  process: NodeProcess | null;
  end: CommandEnd | null;
  /** What the end of the process will mean; "failed" while nobody asked for it. */
  meaning: "stopped" | "killed" | "failed";
  /** Resolves when the process has ended and the slot says so. */
  gone: Promise<void>;
  /** Actions on one node happen one after the other. */
  queue: Promise<unknown>;
};

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #slots = new Map<NodeId, Slot>();
  #partition: Partition | null = null;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    for (const id of parts.nodes) this.add(id);
  }

  /** One more node, to be started like the others. */
  add(node: NodeId): void {
    const idle = Promise.resolve();
    this.#slots.set(node, {
      condition: "not-started",
      process: null,
      end: null,
      meaning: "failed",
      gone: idle,
      queue: idle,
    });
  }

  /** Ends a node for good: it is none of this cluster's any more. */
  async forget(node: NodeId): Promise<void> {
    await this.#inTurn(node, async (slot) => {
      if (slot.process !== null) await this.#stop(slot);
    });
    this.#slots.delete(node);
    this.#parts.onEvent({ kind: "forgotten", node });
  }

  get #nodes(): readonly NodeId[] {
    return [...this.#slots.keys()];
  }

  get members(): readonly Member[] {
    return [...this.#slots].map(([id, slot]) => ({
      id,
      condition: slot.condition,
      pid: slot.process?.pid ?? null,
      end: slot.end,
    }));
  }

  get partition(): Partition | null {
    return this.#partition;
  }

  start(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      if (slot.process === null) this.#launch(node, slot);
    });
  }

  /** SIGKILL: no goodbye, nothing synced. A paused node dies as well. */
  kill(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      const process = running(node, slot);
      slot.meaning = "killed";
      process.signal("SIGKILL");
      await slot.gone;
    });
  }

  /** SIGTERM, and SIGKILL when that is not enough. */
  stop(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      running(node, slot);
      await this.#stop(slot);
    });
  }

  restart(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      if (slot.process !== null) await this.#stop(slot);
      this.#launch(node, slot);
    });
  }

  pause(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      const process = running(node, slot);
      if (slot.condition === "paused") throw notNow(node, "is paused already", "resume");
      process.signal("SIGSTOP");
      slot.condition = "paused";
      this.#parts.onEvent({ kind: "paused", node });
    });
  }

  resume(node: NodeId): Promise<void> {
    return this.#inTurn(node, async (slot) => {
      const process = running(node, slot);
      if (slot.condition !== "paused") throw notNow(node, "is not paused", "pause");
      process.signal("SIGCONT");
      slot.condition = "running";
      this.#parts.onEvent({ kind: "resumed", node });
    });
  }

  /** Replaces the partition before it. Nodes that start later are told as well. */
  cut(partition: Partition): void {
    const problem = partitionProblem(this.#nodes, partition);
    if (problem !== null) throw badPartition(partition, problem);
    this.#partition = partition;
    this.#tellBlocks();
    this.#parts.onEvent({ kind: "partitioned", partition: formatPartition(partition) });
  }

  heal(): void {
    this.#partition = null;
    this.#tellBlocks();
    this.#parts.onEvent({ kind: "healed" });
  }

  /**
   * Stops all, one after the other; `last` (the leader) last, so that it hands over at most once.
   */
  async shutDown(last: NodeId | null): Promise<void> {
    const order = this.#nodes.filter((id) => id !== last);
    if (last !== null && this.#slots.has(last)) order.push(last);
    for (const id of order) {
      await this.#inTurn(id, async (slot) => {
        if (slot.process !== null) await this.#stop(slot);
      });
    }
  }

  /** The impatient end: at once, past every queue. */
  killAll(): void {
    for (const slot of this.#slots.values()) {
      slot.meaning = "killed";
      slot.process?.signal("SIGKILL");
    }
  }

  #inTurn(node: NodeId, act: (slot: Slot) => Promise<void>): Promise<void> {
    const slot = this.#slots.get(node);
    if (slot === undefined) return Promise.reject(unknownNode(node, this.#nodes));
    const done = slot.queue.then(() => act(slot));
    slot.queue = done.catch(() => undefined);
    return done;
  }

  #launch(node: NodeId, slot: Slot): void {
    const process = this.#parts.launch(node);
    slot.process = process;
    slot.condition = "running";
    slot.meaning = "failed";
    slot.gone = process.ended.then((end) => this.#ended(node, end));
    process.tell(blockFor(node, this.#nodes, this.#partition));
    this.#parts.onEvent({ kind: "started", node, pid: process.pid });
  }

  #ended(node: NodeId, end: CommandEnd): void {
    const slot = must(this.#slots.get(node), "a process belongs to a node");
    slot.process = null;
    slot.condition = slot.meaning;
    slot.end = end;
    const lines = slot.meaning === "failed" ? this.#parts.lastWords(node) : [];
    this.#parts.onEvent({ kind: "ended", node, condition: slot.meaning, end, lines });
  }

  async #stop(slot: Slot): Promise<void> {
    slot.meaning = "stopped";
    slot.process?.signal("SIGTERM");
    // A paused process does not see the signal before it is awake.
    if (slot.condition === "paused") slot.process?.signal("SIGCONT");
    await Promise.race([slot.gone, this.#parts.wait(deadlines.stopMs)]);
    if (slot.process === null) return;
    slot.meaning = "killed";
    slot.process.signal("SIGKILL");
    await slot.gone;
  }

  #tellBlocks(): void {
    for (const [id, slot] of this.#slots) {
      slot.process?.tell(blockFor(id, this.#nodes, this.#partition));
    }
  }
}

function running(node: NodeId, slot: Slot): NodeProcess {
  if (slot.process !== null) return slot.process;
  throw notNow(node, "is not running", "restart");
}

function notNow(node: NodeId, state: string, instead: string): OperatorError {
  return new OperatorError({
    code: "wrong-condition",
    what: `node${node} ${state}`,
    why: "so there was nothing to do",
    fix: [`rusty-boat cluster ${instead} ${node}`, "rusty-boat cluster status"],
    exit: 1,
  });
}

function unknownNode(node: NodeId, nodes: readonly NodeId[]): OperatorError {
  return new OperatorError({
    code: "unknown-node",
    what: `there is no node${node}`,
    why: `the nodes of this cluster are ${nodes.join(", ")}`,
    fix: ["rusty-boat cluster status"],
    exit: 2,
  });
}

function badPartition(
  partition: Partition,
  problem: NonNullable<ReturnType<typeof partitionProblem>>,
): OperatorError {
  const why = {
    "unknown-node": "it names a node that the cluster does not have",
    "node-in-two-groups": "a node stands in more than one group",
    "one-way-needs-two-groups":
      "one way leads from the first group to the second; there must be two",
  }[problem];
  return new OperatorError({
    code: "bad-partition",
    what: `the cluster cannot be cut into ${formatPartition(partition)}`,
    why,
    fix: ["rusty-boat cluster partition 1,2/3,4,5"],
    exit: 2,
  });
}
