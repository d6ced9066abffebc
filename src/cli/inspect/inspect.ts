/**
 * `rusty-boat inspect FILE…`: what stands in a node's files, without its help, without touching
 * them.
 */
import { must, unreachable } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import { DiskError } from "../../journal/disk.ts";
import { type CommandExit, command } from "../command.ts";
import type { Program } from "../program.ts";
import { diffLogs } from "./diff.ts";
import { logsAndSnapshots, oneFileOnly, readingFailed } from "./errors.ts";
import { closeLogs, type LogFiles, openLogs } from "./files.ts";
import { followLog } from "./follow.ts";
import { listLogs } from "./list.ts";
import type { Reach } from "./paths.ts";
import { type Plan, readPlan } from "./plan.ts";
import { repairCopy } from "./repair.ts";
import { inspectSnapshots, isSnapshotPath } from "./snapshot.ts";
import { showState } from "./state.ts";
import { summarizeLogs } from "./summary.ts";
import { verifyLogs } from "./verify.ts";

const inspectArgs = {
  verify: { type: "boolean", description: "Would a node start on it? Exit 6 when not" },
  summary: { type: "boolean", description: "Whose log it is, how far it goes, what it amounts to" },
  from: { type: "string", valueHint: "index", description: "Entries from this index on" },
  to: { type: "string", valueHint: "index", description: "Entries up to this index" },
  term: { type: "string", valueHint: "term", description: "Records of this term" },
  kind: {
    type: "string",
    valueHint: "kind,…",
    description:
      "Records of these kinds: header mark entry state peer snapshot; entries: noop put cas …",
  },
  key: {
    type: "string",
    valueHint: "key",
    description: 'The history of a key, and what became of each entry; #x"00ff" for bytes',
  },
  at: {
    type: "string",
    valueHint: "index",
    description: "The store's state right after this entry; with --key, of that key",
  },
  diff: {
    type: "string",
    valueHint: "other",
    description: "Where this log and another node's part. Exit 1 when they contradict each other",
  },
  "repair-copy": {
    type: "string",
    valueHint: "folder",
    description: "Copy everything before the damage into a new folder; the files stay as they are",
  },
  follow: { type: "boolean", alias: "f", description: "Go on with what is written, across rolls" },
} as const;

export const inspectCommand = command({
  name: "inspect",
  description: "Read a node's log: its records, a key's history, the store at any index.",
  args: inspectArgs,
  rest: {
    name: "file",
    description:
      "A node's file: data/node1.log, or a snapshot. Older ones beside it are found when needed",
    least: 1,
  },
  examples: [
    { line: "rusty-boat inspect data/node1.log", does: "a record per line" },
    { line: "rusty-boat inspect data/node1.log --from 40 --to 42", does: "three entries" },
    { line: "rusty-boat inspect data/node1.log --key color", does: "who wrote it, and when" },
    { line: "rusty-boat inspect data/node1.log --at 42", does: "the store at entry 42" },
    { line: "rusty-boat inspect data/node1.log --diff data/node2.log", does: "where they part" },
    { line: "rusty-boat inspect data/node*.log --verify", does: "all nodes' files" },
    { line: "rusty-boat inspect data/node1.log --repair-copy saved", does: "what can be read" },
    { line: "rusty-boat inspect data/node1.log -f --kind put --json", does: "writes as they come" },
  ],
  async run({ args, rest, program }) {
    const plan = readPlan(args);
    const surplus = rest[1];
    if (surplus !== undefined && isOfOneLog(plan)) throw oneFileOnly(flagOf(plan), surplus);
    const snapshots = rest.filter(isSnapshotPath);
    if (snapshots.length > 0 && snapshots.length < rest.length) throw logsAndSnapshots();
    try {
      if (snapshots.length > 0) return await inspectSnapshots(plan, rest, program);
      return await inspect(plan, rest, program);
    } catch (error) {
      throw error instanceof DiskError ? readingFailed(error) : error;
    }
  },
});

async function inspect(
  plan: Plan,
  paths: readonly string[],
  program: Program,
): Promise<CommandExit> {
  const logs = [...openLogs(paths, reachOf(plan))];
  try {
    if (plan.kind === "diff") logs.push(...openLogs([plan.other], "log"));
    return await answer(plan, logs, program);
  } finally {
    closeLogs(logs);
  }
}

async function answer(
  plan: Plan,
  logs: readonly LogFiles[],
  program: Program,
): Promise<CommandExit> {
  const log = must(logs[0], "a file was named");
  switch (plan.kind) {
    case "verify":
      return verifyLogs(logs, program);
    case "summary":
      return summarizeLogs(logs, program);
    case "diff":
      return diffLogs({ a: log, b: must(logs[1], "another was named") }, program);
    case "state":
      return showState(log, plan, program);
    case "follow":
      return followLog(log, plan, program);
    case "repair":
      return repairCopy(log, plan.out, program);
    case "list":
      await listLogs(logs, plan, program);
      return exits.done;
    default:
      return unreachable(plan);
  }
}

const isOfOneLog = (plan: Plan): boolean => Object.hasOwn(flagsOfOneLog, plan.kind);

const flagsOfOneLog: Partial<Record<Plan["kind"], string>> = {
  state: "--at",
  diff: "--diff",
  repair: "--repair-copy",
  follow: "--follow",
};

const flagOf = (plan: Plan): string => flagsOfOneLog[plan.kind] ?? `--${plan.kind}`;

/** A list without wishes, or by kind alone, is of the file; everything else is about the log. */
function reachOf(plan: Plan): Reach {
  if (plan.kind !== "list" && plan.kind !== "follow") return "log";
  const { from, to, term } = plan.selection;
  const isAboutLog = plan.key !== null || from !== null || to !== null || term !== null;
  return isAboutLog ? "log" : "file";
}
