/** `cluster up`: starts the nodes and stays with them until a signal, a key or `cluster down`. */
import { resolve } from "node:path";
import { exits } from "../../base/error.ts";
import { askStatus } from "../../runtime/ask.ts";
import {
  type ClusterPlan,
  defaults,
  planCluster,
  refuseSecondSupervisor,
} from "../../runtime/cluster-plan.ts";
import { makeDataFolder } from "../../runtime/folder.ts";
import { LocalCluster, type StartedNode } from "../../runtime/local-cluster.ts";
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
  repair: {
    type: "boolean",
    default: true,
    description: "A node with a damaged log fetches what is lost from the others",
    negativeDescription: "A node with a damaged log does not start",
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
    checkConfigs(plan, configMaker(plan, args));
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

/** How the supervisor starts nodes: those that there are, and those that are added. */
function configMaker(plan: ClusterPlan, args: Args): (node: StartedNode) => NodeConfig {
  const tuning = readTuning(
    args,
    [...plan.nodes.values()].map(({ address }) => address),
  );
  const secret = plan.secretFile === null ? null : readPeerSecret(plan.secretFile);
  return ({ id, address, join }) => ({
    id,
    listen: address,
    peers: join === null ? plan.founders : new Map([[id, address]]),
    join,
    dataFolder: plan.dataFolder,
    clusterId: plan.clusterId,
    secretFile: plan.secretFile,
    secret,
    exposure: "secret-required",
    damage: args.repair ? "repair" : "refuse",
    electionMsMax: electionSpread(tuning.electionMsMin),
    ...tuning,
  });
}

/** What is going to be started can be started. */
function checkConfigs(plan: ClusterPlan, configOf: (node: StartedNode) => NodeConfig): void {
  for (const [id, { address, joined }] of plan.nodes) {
    const join = joined === null ? null : { via: [address], as: joined, replaces: null };
    checkNodeConfig(configOf({ id, address, join }));
  }
}

/** The command line of the supervisor in the background: everything decided is said. */
function againInForeground(plan: ClusterPlan, args: Args): readonly string[] {
  const words = ["cluster", "up", `${plan.nodes.size}`, `--data=${plan.dataFolder}`];
  words.push(`--base-port=${plan.basePort}`);
  if (args["cluster-id"] !== undefined) words.push(`--cluster-id=${args["cluster-id"]}`);
  if (plan.start === "fresh") words.push("--fresh");
  if (plan.secretFile !== null) words.push(`--secret-file=${plan.secretFile}`);
  for (const name of [
    "heartbeat",
    "election",
    "segment-size",
    "snapshot-every",
    "log-level",
    "mtu",
  ] as const) {
    const value = args[name];
    if (value !== undefined) words.push(`--${name}=${value}`);
  }
  if (!args.repair) words.push("--no-repair");
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
    return await supervise(program, plan, configMaker(plan, args));
  } finally {
    lock.release();
  }
}

async function supervise(
  program: Program,
  plan: ClusterPlan,
  configOf: (node: StartedNode) => NodeConfig,
): Promise<CommandExit> {
  const secret = plan.secretFile === null ? null : readPeerSecret(plan.secretFile);
  const signals = new Signals();
  let shower: Shower | null = null;
  const cluster = new LocalCluster({
    plan,
    program: selfProgram(),
    wordsFor: (node) => nodeArguments(configOf(node)),
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
