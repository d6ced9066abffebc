/**
 * Who belongs to a cluster, and who leads it: `add`, `replace`, `remove`, `promote`, `transfer`. The nodes decide; a
 * supervisor, where one runs, starts the processes that come and ends those that go.
 */
import { resolve } from "node:path";
import { must, unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import type { Waiting } from "../../codec/administration.ts";
import { type Administered, administer, type OperatorWish } from "../../runtime/administer.ts";
import { askStatus } from "../../runtime/ask.ts";
import { readClusterFile } from "../../runtime/cluster-file.ts";
import { runningSupervisor } from "../../runtime/cluster-plan.ts";
import type { ClusterStatus } from "../../runtime/cluster-status.ts";
import { reasons } from "../../runtime/join.ts";
import { command, type Run } from "../command.ts";
import { durationFlag, nodeFlag } from "../flag.ts";
import type { Program } from "../program.ts";
import { readTarget, targetArgs } from "../target.ts";
import { request } from "./act.ts";
import { outcomeResult, quorumText, type Told } from "./members-view.ts";
import { askCluster } from "./status.ts";

const pace = { answerMs: 300, lookMs: 100 } as const;

const timeoutArg = {
  type: "string",
  valueHint: "duration",
  default: "60s",
  description: "How long to wait for it",
} as const;

const nodeArg = {
  type: "positional",
  required: true,
  description: "The node: 3 or node3",
} as const;

const memberArgs = { ...targetArgs, timeout: timeoutArg } as const;
type Args = Run<typeof memberArgs>["args"];

export const addCommand = command({
  name: "add",
  description:
    "Start one more node. It learns first, and gets a vote when it has caught up: until then nothing depends on it.",
  args: {
    learner: {
      type: "boolean",
      description: "It goes on learning: cluster promote gives it a vote",
    },
    ...memberArgs,
  },
  examples: [
    { line: "rusty-boat cluster add", does: "from three nodes to four" },
    { line: "rusty-boat cluster add --learner", does: "a copy that does not decide" },
  ],
  async run({ args, program }) {
    const as = args.learner === true ? "learner" : "voter";
    const node = await begin(program, args, { as, replaces: null });
    const status = await follow(program, args, node, (seen) =>
      (as === "voter" ? seen.voters : [...seen.voters, ...seen.learners]).includes(node),
    );
    return tell(program, { action: "add", node, status });
  },
});

export const replaceCommand = command({
  name: "replace",
  description:
    "Put a new node in the place of one that is lost: in one change, once the new one has caught up.",
  args: { node: nodeArg, ...memberArgs },
  examples: [{ line: "rusty-boat cluster replace 3", does: "node3 goes, a new one comes" }],
  async run({ args, program }) {
    const old = nodeFlag({ source: "NODE", value: args.node });
    await refuseStranger(args, old);
    const node = await begin(program, args, { as: "voter", replaces: old });
    const status = await follow(
      program,
      args,
      node,
      ({ voters, learners }) => voters.includes(node) && ![...voters, ...learners].includes(old),
    );
    await forget(args, old);
    return tell(program, { action: "replace", node, status });
  },
});

export const removeCommand = command({
  name: "remove",
  description: "Take a node out of the cluster, the leader as well. Its data is kept.",
  args: { node: nodeArg, ...memberArgs },
  examples: [{ line: "rusty-boat cluster remove 4", does: "and its number is not used again" }],
  async run({ args, program }) {
    const node = nodeFlag({ source: "NODE", value: args.node });
    await refuseStranger(args, node);
    await wish(program, args, { kind: "change", edits: [{ kind: "remove", id: node }] });
    await forget(args, node);
    const status = await settled(args);
    return tell(program, { action: "remove", node, status });
  },
});

export const promoteCommand = command({
  name: "promote",
  description: "Give a learner a vote.",
  args: { node: nodeArg, ...memberArgs },
  examples: [{ line: "rusty-boat cluster promote 4", does: "after cluster add --learner" }],
  async run({ args, program }) {
    const node = nodeFlag({ source: "NODE", value: args.node });
    await wish(program, args, { kind: "change", edits: [{ kind: "promote", id: node }] });
    return tell(program, { action: "promote", node, status: await settled(args) });
  },
});

export const transferCommand = command({
  name: "transfer",
  description: "Hand leadership to a node. Writes wait for a moment; nothing is lost.",
  args: { node: nodeArg, ...memberArgs },
  examples: [{ line: "rusty-boat cluster transfer 2", does: "before node1 is serviced" }],
  async run({ args, program }) {
    const node = nodeFlag({ source: "NODE", value: args.node });
    await wish(program, args, { kind: "transfer", target: node });
    const status = await lookUntil(args, (seen) => seen.leader === node);
    return tell(program, { action: "transfer", node, status });
  },
});

async function tell(program: Program, told: Told) {
  await program.output.result(outcomeResult(told));
  return exits.done;
}

/** The supervisor starts the node; the node asks the cluster itself. */
async function begin(
  program: Program,
  args: Args,
  how: { readonly as: "voter" | "learner"; readonly replaces: NodeId | null },
): Promise<NodeId> {
  const { added } = await request(args.data, { kind: "add", ...how });
  const node = must(added, "a supervisor that adds a node says which");
  await program.messages.line(`node${node} is started, and asks to be let in`);
  return node;
}

type Seen = NonNullable<ClusterStatus["members"]>;

/** Shows how the new node comes along, until the cluster has it as it should be. */
async function follow(
  program: Program,
  args: Args,
  node: NodeId,
  isDone: (members: Seen) => boolean,
): Promise<ClusterStatus> {
  let shown = "";
  return lookUntil(args, async (status) => {
    const { members } = status;
    if (members === null) return false;
    const line = progressLine(status, members, node);
    if (line !== shown) await program.messages.line(line);
    shown = line;
    return members.state === "settled" && isDone(members);
  });
}

function progressLine(status: ClusterStatus, members: Seen, node: NodeId): string {
  const leader = status.nodes.find(({ id }) => id === status.leader)?.status;
  const { voters, outgoing, learners } = members;
  if (outgoing.length > 0) {
    return `voters ${outgoing.join(" ")} become ${voters.join(" ")}: both decide until it is done`;
  }
  if (learners.includes(node)) {
    const has = leader?.matches.get(node) ?? 0;
    return `node${node} learns: it has ${has} of ${leader?.last ?? 0} entries; ${quorumText(voters)}`;
  }
  return voters.includes(node)
    ? `node${node} has a vote; ${quorumText(voters)}`
    : `node${node} is not let in yet; ${quorumText(voters)}`;
}

async function lookUntil(
  args: Args,
  isDone: (status: ClusterStatus) => boolean | Promise<boolean>,
): Promise<ClusterStatus> {
  const timeoutMs = durationFlag({ source: "--timeout", value: args.timeout });
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const status = await askCluster(readTarget(args), pace.answerMs, askStatus);
    if (await isDone(status)) return status;
    if (performance.now() > deadline) throw tooLong(timeoutMs, null);
    await Bun.sleep(pace.lookMs);
  }
}

const settled = (args: Args): Promise<ClusterStatus> =>
  lookUntil(args, ({ members }) => members !== null && members.state === "settled");

/** Asks the nodes, and says what it waits for. */
async function wish(program: Program, args: Args, what: OperatorWish): Promise<void> {
  const timeoutMs = durationFlag({ source: "--timeout", value: args.timeout });
  const { clusterId, clientKey } = readTarget(args);
  let shown: Waiting | null = null;
  const outcome = await administer({
    ...{ wish: what, clusterId, clientKey, timeoutMs },
    nodes: () => readTarget(args).nodes.map(({ address }) => address),
    onWaiting: (because) => {
      if (because !== shown) void program.messages.line(waitings[because]);
      shown = because;
    },
  });
  refuse(outcome, timeoutMs);
}

const waitings: Readonly<Record<Waiting, string>> = {
  begun: "it is begun",
  "handing-over": "leadership is being handed over",
  "change-under-way": "a change of members is under way",
  "not-settled": "the leader is new, and has nothing committed yet",
  "not-caught-up": "the learner has not caught up yet",
  "would-lose-quorum": "too few of the nodes that would decide answer now",
};

function refuse(outcome: Administered, timeoutMs: number): void {
  switch (outcome.kind) {
    case "done":
      return;
    case "refused":
      throw new OperatorError({
        code: outcome.because,
        what: "the cluster does not do that",
        why: reasons[outcome.because],
        fix: ["rusty-boat cluster status"],
        exit: exits.no,
      });
    case "timed-out":
      throw tooLong(timeoutMs, outcome.because);
    default:
      return unreachable(outcome);
  }
}

function tooLong(timeoutMs: number, because: Waiting | null): OperatorError {
  return new OperatorError({
    code: "not-done-in-time",
    what: `it was not done in ${Math.round(timeoutMs / 1000)} s`,
    why: because === null ? "the cluster does not say that it is so" : waitings[because],
    fix: ["rusty-boat cluster status", "the same command again: what is done stays done"],
    exit: exits.unknown,
    meaning: "it may still happen: what was begun goes on by itself",
  });
}

/** A number that is wrong should not be an answer of "done". */
async function refuseStranger(args: Args, node: NodeId): Promise<void> {
  const { members } = await settled(args);
  const known = must(members, "a settled cluster says who its members are");
  if ([...known.voters, ...known.learners].includes(node)) return;
  throw new OperatorError({
    code: "unknown-member",
    what: `node${node} is no member of this cluster`,
    why: `the voters are ${known.voters.join(", ")}`,
    fix: ["rusty-boat cluster status"],
    exit: exits.no,
  });
}

/** Where a supervisor looks after the node, it need not do so any longer. */
async function forget(args: Args, node: NodeId): Promise<void> {
  const file = readClusterFile(resolve(args.data));
  if (file === null || !file.nodes.some(({ id }) => id === node)) return;
  if ((await runningSupervisor(file)) === null) return;
  await request(args.data, { kind: "forget", node });
}
