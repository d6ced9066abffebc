/**
 * The twins of the supervisor's keys, from another terminal: each is one request on the control
 * channel.
 */
import { resolve } from "node:path";
import { must } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import { readClusterFile } from "../../runtime/cluster-file.ts";
import { runningSupervisor } from "../../runtime/cluster-plan.ts";
import type { ControlReply, ControlRequest, NodeAction } from "../../runtime/control.ts";
import { callControl, succeeded } from "../../runtime/control.ts";
import { processExists } from "../../runtime/node-process.ts";
import { form, word } from "../../sexp/value.ts";
import { type Command, command } from "../command.ts";
import { nodeFlag, nodeListFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import type { Result } from "../output.ts";

/**
 * Longer than the supervisor's own patience with a node that does not stop or does not come back.
 */
const controlMs = 20_000;
const downMs = 60_000;

const nodeArg = {
  type: "positional",
  required: true,
  description: "The node: 3 or node3",
} as const;

/** What is said when it is done, and which JSON and s-expression say the same. */
const said = (text: string, action: string, node: NodeId | null): Result => ({
  text: () => text,
  json: () => ({ ok: true, action, ...(node === null ? {} : { node }) }),
  sexpr: () => form("done", word(action), ...(node === null ? [] : [form("node", node)])),
});

const actions: readonly (readonly [NodeAction, description: string, past: string])[] = [
  ["kill", "End a node at once, as a power failure would (SIGKILL).", "killed"],
  ["stop", "Ask a node to end in order (SIGTERM).", "stopped"],
  ["restart", "Start a node again, after stopping it where it runs.", "running again"],
  ["pause", "Freeze a node, as an overloaded machine would (SIGSTOP).", "paused"],
  ["resume", "Let a paused node go on (SIGCONT).", "resumed"],
];

const nodeCommand = ([action, description, past]: (typeof actions)[number]): Command =>
  command({
    name: action,
    description,
    args: { node: nodeArg },
    examples: [{ line: `rusty-boat cluster ${action} 3`, does: `node3 is ${past}` }],
    async run({ args, program }) {
      const node = nodeFlag({ source: "NODE", value: args.node });
      await request(args.data, { kind: action, node });
      await program.output.result(said(`node${node} is ${past}`, action, node));
      return exits.done;
    },
  });

export const nodeCommands: Readonly<Record<NodeAction, Command>> = {
  kill: nodeCommand(actionOf("kill")),
  stop: nodeCommand(actionOf("stop")),
  restart: nodeCommand(actionOf("restart")),
  pause: nodeCommand(actionOf("pause")),
  resume: nodeCommand(actionOf("resume")),
};

function actionOf(name: NodeAction): (typeof actions)[number] {
  return must(
    actions.find(([action]) => action === name),
    "every action is described",
  );
}

export const partitionCommand = command({
  name: "partition",
  description: "Cut the links between groups of nodes. Replaces the cut before it.",
  args: {
    groups: {
      type: "positional",
      required: true,
      description: "Groups with / between them: 1,2/3,4,5. One group is cut off from all others",
    },
    "one-way": {
      type: "boolean",
      description: "Only what the first group sends to the second is lost",
    },
  },
  examples: [
    { line: "rusty-boat cluster partition 1,2/3,4,5", does: "two sides" },
    { line: "rusty-boat cluster partition 3", does: "node3 alone" },
    { line: "rusty-boat cluster partition 1/2,3 --one-way", does: "node1 hears, and is not heard" },
    { line: "rusty-boat cluster partition 1,2/4,5", does: "node3 bridges two sides" },
  ],
  async run({ args, program }) {
    const groups = readGroups(args.groups);
    const direction = args["one-way"] === true ? "one-way" : "both-ways";
    const reply = await request(args.data, { kind: "partition", partition: { groups, direction } });
    await program.output.result(said(`cut into ${reply.partition}`, "partition", null));
    return exits.done;
  },
});

export function readGroups(text: string): readonly (readonly NodeId[])[] {
  const groups = text.split("/");
  if (groups.some((group) => group.trim() === "")) {
    throw badValue({
      source: "GROUPS",
      value: text,
      expected: "node numbers with commas, and / between the groups",
      example: "1,2/3,4,5",
    });
  }
  return groups.map((group) => nodeListFlag({ source: "GROUPS", value: group }));
}

export const healCommand = command({
  name: "heal",
  description: "Mend all links.",
  args: {},
  examples: [{ line: "rusty-boat cluster heal", does: "undoes every partition" }],
  async run({ args, program }) {
    await request(args.data, { kind: "heal" });
    await program.output.result(said("all links are mended", "heal", null));
    return exits.done;
  },
});

export const downCommand = command({
  name: "down",
  description: "Stop all nodes in order and end their supervisor. The data is kept.",
  args: {},
  examples: [{ line: "rusty-boat cluster down", does: "ends what up --detach began" }],
  async run({ args, program }) {
    const supervisor = await runningSupervisor(readClusterFile(resolve(args.data)));
    if (supervisor === null) {
      await program.messages.line(`no cluster is running in ${args.data}: nothing to do`);
      return exits.done;
    }
    await request(args.data, { kind: "down" });
    await untilGone(supervisor.pid);
    await program.output.result(said("the cluster is down; its data is kept", "down", null));
    return exits.done;
  },
});

async function untilGone(pid: number): Promise<void> {
  const deadline = performance.now() + downMs;
  while (processExists(pid) === "exists") {
    if (performance.now() > deadline) throw stillThere(pid);
    await Bun.sleep(20);
  }
}

function stillThere(pid: number): OperatorError {
  return new OperatorError({
    code: "still-running",
    what: `the supervisor, process ${pid}, is still running`,
    why: `it did not end within ${downMs / 1000} s of being asked`,
    fix: [`kill ${pid}`, "its nodes end with it"],
    exit: exits.local,
  });
}

export async function request(
  data: string,
  what: ControlRequest,
): Promise<Extract<ControlReply, { kind: "done" }>> {
  const dataFolder = resolve(data);
  const supervisor = await runningSupervisor(readClusterFile(dataFolder));
  if (supervisor === null) throw noSupervisor(dataFolder);
  const reply = await callControl(supervisor, what, controlMs);
  if (reply === null) throw noSupervisor(dataFolder);
  return succeeded(reply);
}

function noSupervisor(dataFolder: string): OperatorError {
  return new OperatorError({
    code: "no-supervisor",
    what: `no cluster is running in ${dataFolder}`,
    why: "its supervisor does not answer, or was never started",
    fix: ["rusty-boat cluster up", "name the folder: --data FOLDER"],
    exit: exits.unreachable,
  });
}
