/**
 * A cluster on this machine, from `up` to `down`: its processes, its file, its control channel, and
 * the watch that tells when it has a leader.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Address } from "../base/address.ts";
import { must, unreachable } from "../base/assert.ts";
import { type Exit, exits, OperatorError } from "../base/error.ts";
import { type NodeId, nodeId } from "../base/numbers.ts";
import type { AskStatus } from "./ask.ts";
import { writeClusterFile } from "./cluster-file.ts";
import {
  addressAt,
  type ClusterPlan,
  type PlannedNode,
  refuseSecondSupervisor,
  refuseTakenPort,
  refuseTakenPorts,
} from "./cluster-plan.ts";
import type { ClusterStatus } from "./cluster-status.ts";
import { clusterStatus, reportOf } from "./cluster-status.ts";
import type { ControlReply, ControlRequest, ControlServer, Ready } from "./control.ts";
import { failure, serveControl } from "./control.ts";
import { makeDataFolder } from "./folder.ts";
import type { Joining } from "./node-config.ts";
import { formatEnd, spawnNode } from "./node-process.ts";
import { removeOwnFiles } from "./own-files.ts";
import { formatPartition, type Partition } from "./partition.ts";
import { type Member, Supervisor, type SupervisorEvent } from "./supervisor.ts";
import { lastWords } from "./tail.ts";

export type ClusterEvent =
  | SupervisorEvent
  | ({ readonly kind: "ready" } & Ready)
  | { readonly kind: "leader"; readonly node: NodeId; readonly term: number }
  | { readonly kind: "leaderless"; readonly term: number };

export type LocalClusterParts = {
  readonly plan: ClusterPlan;
  /** The words that start this program, to which `node` and its flags are added. */
  readonly program: readonly string[];
  /** The words that start a node; `via` is where others are. */
  readonly wordsFor: (node: StartedNode) => readonly string[];
  readonly clientKey: Uint8Array | null;
  readonly ask: AskStatus;
  readonly onEvent: (event: ClusterEvent) => void;
};

export type StartedNode = {
  readonly id: NodeId;
  readonly address: Address;
  readonly join: Joining | null;
};

/** A node that joined, and whom it is to replace, as long as this supervisor runs. */
type Looked = PlannedNode & { readonly replaces: NodeId | null };

const pace = { untilReadyMs: 25, afterwardsMs: 400, answerMs: 300, restartMs: 5000 } as const;
const linesShown = 5;

export const nodeLogPath = (dataFolder: string, node: NodeId): string =>
  join(dataFolder, `node${node}.txt`);

export class LocalCluster {
  readonly #parts: LocalClusterParts;
  readonly #supervisor: Supervisor;
  readonly #token = randomBytes(24).toString("base64url");
  readonly #began = performance.now();
  readonly #ready = Promise.withResolvers<Ready>();
  readonly #down = Promise.withResolvers<"down">();
  readonly #nodes: Map<NodeId, Looked>;
  #highest: number;
  #control: ControlServer | null = null;
  #status: ClusterStatus = clusterStatus([]);
  #becameReady: Ready | null = null;
  #leader: NodeId | null = null;
  #phase: "starting" | "running" | "ending" = "starting";
  #watch: Promise<void> = Promise.resolve();

  constructor(parts: LocalClusterParts) {
    const { dataFolder, nodes, highest } = parts.plan;
    this.#parts = parts;
    this.#nodes = new Map([...nodes].map(([id, node]) => [id, { ...node, replaces: null }]));
    this.#highest = highest;
    this.#supervisor = new Supervisor({
      nodes: [...nodes.keys()],
      launch: (node) =>
        spawnNode({
          program: parts.program,
          words: parts.wordsFor(this.#started(node)),
          logPath: nodeLogPath(dataFolder, node),
        }),
      lastWords: (node) => lastWords(nodeLogPath(dataFolder, node), linesShown),
      wait: (ms) => Bun.sleep(ms),
      onEvent: (event) => this.#onSupervisorEvent(event),
    });
    // Whoever waits for it learns of a failure; nobody has to.
    this.#ready.promise.catch(() => undefined);
  }

  /** Resolves with the first leader; rejects when so many nodes ended that there will be none. */
  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Resolves when another terminal says `down`. */
  get downRequested(): Promise<"down"> {
    return this.#down.promise;
  }

  get members(): readonly Member[] {
    return this.#supervisor.members;
  }

  get status(): ClusterStatus {
    return this.#status;
  }

  get partition(): Partition | null {
    return this.#supervisor.partition;
  }

  async start(): Promise<void> {
    const { plan } = this.#parts;
    await refuseSecondSupervisor(plan.dataFolder);
    await refuseTakenPorts(plan);
    if (plan.start === "fresh") removeOwnFiles(plan.dataFolder);
    makeDataFolder(plan.dataFolder);
    this.#control = serveControl(this.#token, (request) => this.#perform(request));
    this.#phase = "running";
    this.#writeFile();
    for (const node of this.#nodes.keys()) await this.#supervisor.start(node);
    this.#watch = this.#keepWatching();
  }

  #started(id: NodeId): StartedNode {
    const node = must(this.#nodes.get(id), "a node that is started is known");
    const { address, joined, replaces } = node;
    const via = [...this.#nodes].filter(([other]) => other !== id).map(([, one]) => one.address);
    return { id, address, join: joined === null ? null : { via, as: joined, replaces } };
  }

  /** Starts one more node. Numbers are not used again: an old one's folder is another server. */
  async #add(request: Extract<ControlRequest, { kind: "add" }>): Promise<NodeId> {
    const { plan } = this.#parts;
    const id = nodeId(this.#highest + 1);
    const address = addressAt(plan.basePort, id);
    await refuseTakenPort(plan, id, address);
    this.#highest = id;
    this.#nodes.set(id, { address, joined: request.as, replaces: request.replaces });
    this.#supervisor.add(id);
    await this.#supervisor.start(id);
    return id;
  }

  async #forget(node: NodeId): Promise<void> {
    await this.#supervisor.forget(node);
    this.#nodes.delete(node);
    this.#writeFile();
  }

  /** What a key or another terminal asks for. Rejects with the reason when it cannot be done. */
  async act(request: ControlRequest): Promise<NodeId | null> {
    if (request.kind === "add") return this.#add(request);
    await this.#obey(request);
    return null;
  }

  async #obey(request: Exclude<ControlRequest, { kind: "add" }>): Promise<void> {
    switch (request.kind) {
      case "state":
        return;
      case "forget":
        return this.#forget(request.node);
      case "kill":
        return this.#supervisor.kill(request.node);
      case "stop":
        return this.#supervisor.stop(request.node);
      case "restart":
        await this.#supervisor.restart(request.node);
        return this.#untilAnswering(request.node);
      case "pause":
        return this.#supervisor.pause(request.node);
      case "resume":
        return this.#supervisor.resume(request.node);
      case "partition":
        return this.#supervisor.cut(request.partition);
      case "heal":
        return this.#supervisor.heal();
      case "down":
        this.#down.resolve("down");
        return;
      default:
        return unreachable(request);
    }
  }

  /** Stops the nodes in order and keeps their data. */
  async shutDown(): Promise<void> {
    this.#phase = "ending";
    await this.#supervisor.shutDown(this.#leader);
    await this.#watch;
    this.#writeFile();
    await this.#control?.close();
  }

  killAll(): void {
    this.#phase = "ending";
    this.#supervisor.killAll();
  }

  async #perform(request: ControlRequest): Promise<ControlReply> {
    let added: NodeId | null;
    try {
      added = await this.act(request);
    } catch (error) {
      return failure(error);
    }
    const { partition } = this;
    return {
      ...{ kind: "done", added },
      ready: this.#becameReady,
      conditions: Object.fromEntries(this.members.map(({ id, condition }) => [id, condition])),
      partition: partition === null ? null : formatPartition(partition),
    };
  }

  #onSupervisorEvent(event: SupervisorEvent): void {
    const changesProcesses = event.kind === "started" || event.kind === "ended";
    if (changesProcesses && this.#phase === "running") this.#writeFile();
    this.#parts.onEvent(event);
    if (event.kind === "ended") this.#giveUpWhenHopeless();
  }

  /** Before the first leader: so many nodes have ended by themselves that there can be none. */
  #giveUpWhenHopeless(): void {
    const failed = this.members.filter((member) => member.condition === "failed");
    const { size } = this.#nodes;
    const [first] = failed;
    if (first === undefined || this.#becameReady !== null) return;
    if (size - failed.length > size / 2) return;
    const { dataFolder } = this.#parts.plan;
    const path = nodeLogPath(dataFolder, first.id);
    const end = must(first.end, "a node that failed has ended");
    const failedExit = Object.values(exits).find((exit) => exit === end.code && exit !== 0);
    this.#ready.reject(
      new OperatorError({
        code: "nodes-failed",
        what: `${failed.length} of ${size} nodes ended by themselves before there was a leader`,
        why: `node${first.id} ended with ${formatEnd(end)}: ${saidLast(path)}`,
        fix: [`read ${path}`, `rusty-boat cluster logs ${first.id}`],
        exit: failedExit ?? exits.local,
      }),
    );
  }

  async #keepWatching(): Promise<void> {
    while (this.#phase === "running") {
      this.#status = await this.#askAll();
      if (this.#phase === "running") this.#noteLeader();
      await Bun.sleep(this.#becameReady === null ? pace.untilReadyMs : pace.afterwardsMs);
    }
  }

  async #askAll(): Promise<ClusterStatus> {
    const { plan, ask, clientKey } = this.#parts;
    const nodes = [...this.#nodes].map(([id, { address }]) => ({ id, address }));
    const answers = await ask({
      nodes: nodes.map(({ address }) => address),
      clusterId: plan.clusterId,
      clientKey,
      timeoutMs: pace.answerMs,
    });
    const pids = new Map(this.members.map(({ id, pid }) => [id, pid]));
    return clusterStatus(
      nodes.map((node, at) => reportOf({ ...node, pid: pids.get(node.id) ?? null }, answers[at])),
    );
  }

  #noteLeader(): void {
    const { leader, term, quorum } = this.#status;
    if (leader === null && this.#leader !== null) {
      this.#leader = null;
      this.#parts.onEvent({ kind: "leaderless", term });
    }
    if (leader === null || quorum !== "quorum") return;
    if (this.#becameReady === null) {
      const ms = Math.round(performance.now() - this.#began);
      const ready = { nodes: this.#nodes.size, leader, term, ms };
      this.#becameReady = ready;
      this.#leader = leader;
      this.#parts.onEvent({ kind: "ready", ...ready });
      this.#ready.resolve(ready);
    } else if (leader !== this.#leader) {
      this.#leader = leader;
      this.#parts.onEvent({ kind: "leader", node: leader, term });
    }
  }

  /** A node that was started again is back when it answers, not when its process exists. */
  async #untilAnswering(node: NodeId): Promise<void> {
    const deadline = performance.now() + pace.restartMs;
    while (performance.now() < deadline) {
      const member = this.members.find(({ id }) => id === node);
      if (member?.pid === null) throw this.#endedAgain(node);
      const report = (await this.#askAll()).nodes.find(({ id }) => id === node);
      if (report !== undefined && report.status !== null) return;
      await Bun.sleep(pace.untilReadyMs);
    }
    throw this.#endedAgain(node);
  }

  #endedAgain(node: NodeId): OperatorError {
    const path = nodeLogPath(this.#parts.plan.dataFolder, node);
    return new OperatorError({
      code: "node-not-back",
      what: `node${node} was started, and does not answer`,
      why: saidLast(path),
      fix: [`rusty-boat cluster logs ${node}`],
      exit: exits.local satisfies Exit,
    });
  }

  #writeFile(): void {
    const { plan } = this.#parts;
    const pids = new Map(this.members.map(({ id, pid }) => [id, pid]));
    const control = this.#control;
    const running = this.#phase === "running" && control !== null;
    writeClusterFile(plan.dataFolder, {
      clusterId: plan.clusterId,
      basePort: plan.basePort,
      nodes: [...this.#nodes].map(([id, { address, joined }]) => ({
        ...{ id, address, joined },
        pid: pids.get(id) ?? null,
      })),
      founders: plan.founders.size,
      highest: this.#highest,
      secretFile: plan.secretFile,
      clientSecretFile: null,
      supervisor: running ? { pid: process.pid, control: control.url, token: this.#token } : null,
    });
  }
}

/** Of an error block: what and why. Else the last line. */
function saidLast(path: string): string {
  const lines = lastWords(path, 2).map((line) =>
    line.trim().replace(/^(error\[[\w-]+\]:|why) +/, ""),
  );
  return lines.filter((line) => line !== "").join("; ") || "it said nothing";
}
