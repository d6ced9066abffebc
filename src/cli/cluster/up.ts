/** `cluster up`: starts the nodes and stays with them until a signal, a key or `cluster down`. */
import { resolve } from "node:path";
import { must } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import { askStatus } from "../../runtime/ask.ts";
import {
  type ClusterPlan,
  defaults,
  planCluster,
  refuseSecondSupervisor,
} from "../../runtime/cluster-plan.ts";
import { makeDataFolder } from "../../runtime/folder.ts";
import { LocalCluster } from "../../runtime/local-cluster.ts";
import { lockSupervisor } from "../../runtime/lock.ts";
import {
  checkNodeConfig,
  electionSpread,
  limits,
  type NodeConfig,
  nodeArguments,
} from "../../runtime/node-config.ts";
import { selfProgram } from "../../runtime/node-process.ts";
import { clientKeyOf, readPeerSecret } from "../../runtime/secret.ts";
import { type CommandExit, command, type Run } from "../command.ts";
import { countFlag } from "../flag.ts";
import { readClusterId, readTuning, tuningArgs } from "../node-flags.ts";
import type { Program } from "../program.ts";
import { exitOfSignal, type SignalName, Signals } from "../signals.ts";
import { detach } from "./detach.ts";
import type { Shower } from "./event-lines.ts";
import { EventLines } from "./event-lines.ts";
import { Screen } from "./screen.ts";

const upArgs = {
  n: {
    type: "positional",
    required: false,
    description: `How many nodes; default: as many as the data has, else ${defaults.nodes}`,
  },
  "base-port": {
    type: "string",
    valueHint: "port",
    description: `node i listens on this + i - 1; default: as before, else ${defaults.basePort}`,
  },
  fresh: {
    type: "boolean",
    description: "Start empty: removes this cluster's files, and no others",
  },
  detach: { type: "boolean", description: "Return when there is a leader; `cluster down` ends it" },
  "cluster-id": {
    type: "string",
    valueHint: "12 hex digits",
    description: "Default: as before, else drawn by chance",
  },
  "secret-file": {
    type: "string",
    valueHint: "file",
    description: "The nodes' secret: one line, peer: and 64 hex digits",
  },
  ...tuningArgs,
} as const;

const portMax = 65_535;

export const upCommand = command({
  name: "up",
  description: "Start a cluster on this machine and watch over it. Data that exists is kept.",
  args: upArgs,
  examples: [
    { line: "rusty-boat cluster up 5", does: "until Ctrl-C; on a terminal, ? lists the keys" },
    { line: "rusty-boat cluster up 5 --fresh", does: "start empty" },
    { line: "rusty-boat cluster up --detach", does: "in the background, for scripts" },
    { line: "rusty-boat cluster up 3 --data /tmp/b --base-port 7201", does: "a second one" },
  ],
  async run({ args, program }) {
    const plan = planCluster(readWishes(args));
    const configs = nodeConfigs(plan, args);
    for (const config of configs.values()) checkNodeConfig(config);
    await refuseSecondSupervisor(plan.dataFolder);
    if (args.detach !== true) return superviseAlone(program, args);
    return detach(program, { dataFolder: plan.dataFolder, words: againInForeground(plan, args) });
  },
});

type Args = Run<typeof upArgs>["args"];

function readWishes(args: Args) {
  const { n, "base-port": port, "cluster-id": clusterId, "secret-file": secretFile } = args;
  return {
    dataFolder: resolve(args.data),
    nodes:
      n === undefined
        ? null
        : countFlag({ source: "N", value: n }, { min: 1, max: limits.nodesMax }),
    basePort:
      port === undefined
        ? null
        : countFlag({ source: "--base-port", value: port }, { min: 1, max: portMax }),
    clusterId: clusterId === undefined ? null : readClusterId(clusterId),
    secretFile: secretFile === undefined ? null : resolve(secretFile),
    start: args.fresh === true ? ("fresh" as const) : ("keep-data" as const),
  };
}

function nodeConfigs(plan: ClusterPlan, args: Args): ReadonlyMap<NodeId, NodeConfig> {
  const tuning = readTuning(args, plan.addresses.values());
  const secret = plan.secretFile === null ? null : readPeerSecret(plan.secretFile);
  const configs = new Map<NodeId, NodeConfig>();
  for (const [id, listen] of plan.addresses) {
    configs.set(id, {
      id,
      listen,
      peers: plan.addresses,
      dataFolder: plan.dataFolder,
      clusterId: plan.clusterId,
      secretFile: plan.secretFile,
      secret,
      exposure: "secret-required",
      electionMsMax: electionSpread(tuning.electionMsMin),
      ...tuning,
    });
  }
  return configs;
}

/** The command line of the supervisor in the background: everything decided is said. */
function againInForeground(plan: ClusterPlan, args: Args): readonly string[] {
  const words = ["cluster", "up", `${plan.addresses.size}`, `--data=${plan.dataFolder}`];
  words.push(`--base-port=${plan.basePort}`);
  if (args["cluster-id"] !== undefined) words.push(`--cluster-id=${args["cluster-id"]}`);
  if (plan.start === "fresh") words.push("--fresh");
  if (plan.secretFile !== null) words.push(`--secret-file=${plan.secretFile}`);
  for (const name of ["heartbeat", "election", "segment-size", "log-level", "mtu"] as const) {
    const value = args[name];
    if (value !== undefined) words.push(`--${name}=${value}`);
  }
  if (args.json === true) words.push("--json");
  if (args.sexpr === true) words.push("--sexpr");
  return words;
}

/** Plans once more, now that nobody else can change what the folder holds. */
async function superviseAlone(program: Program, args: Args): Promise<CommandExit> {
  const { dataFolder } = readWishes(args);
  makeDataFolder(dataFolder);
  const lock = lockSupervisor(dataFolder);
  try {
    const plan = planCluster(readWishes(args));
    return await supervise(program, plan, nodeConfigs(plan, args));
  } finally {
    lock.release();
  }
}

async function supervise(
  program: Program,
  plan: ClusterPlan,
  configs: ReadonlyMap<NodeId, NodeConfig>,
): Promise<CommandExit> {
  const secret = plan.secretFile === null ? null : readPeerSecret(plan.secretFile);
  const signals = new Signals();
  let shower: Shower | null = null;
  const cluster = new LocalCluster({
    plan,
    program: selfProgram(),
    wordsFor: (id) => nodeArguments(must(configs.get(id), "every node has a configuration")),
    clientKey: secret === null ? null : clientKeyOf({ kind: "peer", bytes: secret }),
    ask: askStatus,
    onEvent: (event) => shower?.show(event),
  });
  shower = showerFor(program, { cluster, signals, dataFolder: plan.dataFolder });
  try {
    await cluster.start();
    const failed = cluster.ready.then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => ({ error }),
    );
    const reason = await Promise.race([
      signals.next(),
      cluster.downRequested,
      shower.closed,
      failed,
    ]);
    shower.show({ kind: "stopping" });
    const killed = await endCluster(cluster, signals);
    if (killed !== null) return exitOfSignal(killed);
    shower.show({ kind: "down" });
    if (typeof reason === "object") throw reason.error;
    return exits.done;
  } catch (error) {
    cluster.killAll();
    throw error;
  } finally {
    signals.close();
    await shower.close();
  }
}

/** Ends in order; a further signal ends at once, and is returned. */
async function endCluster(cluster: LocalCluster, signals: Signals): Promise<SignalName | null> {
  const again = signals.next();
  const done = cluster.shutDown().then(() => null);
  const first = await Promise.race([done, again]);
  if (first !== null) {
    cluster.killAll();
    await done;
  }
  return first;
}

/** A live view where a person looks on and can type; elsewhere a line per event. */
function showerFor(
  program: Program,
  parts: { readonly cluster: LocalCluster; readonly signals: Signals; readonly dataFolder: string },
): Shower {
  const { output, stdin } = program;
  const live = output.stream === "terminal" && stdin === "terminal" && output.format === "text";
  return live ? new Screen({ output, ...parts }) : new EventLines(output);
}
