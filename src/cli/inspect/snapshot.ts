/**
 * `rusty-boat inspect node1.000000000160000.snap`: a snapshot by itself. A block per line, as long as they are right;
 * whether all of it is; what it amounts to; or the state that it holds.
 */
import { unreachable } from "../../base/assert.ts";
import { type Exit, exits } from "../../base/error.ts";
import { sectionName } from "../../codec/store-sections.ts";
import { SnapshotDecoder, type SnapshotPart } from "../../journal/snapshot-format.ts";
import { loadSnapshot } from "../../journal/snapshot-load.ts";
import { describeConfiguration } from "../../raft/describe.ts";
import { print } from "../../sexp/print.ts";
import { form, type Sexp, symbol } from "../../sexp/value.ts";
import type { CommandExit } from "../command.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import { badSnapshot, noSuchEntry, notOfSnapshots } from "./errors.ts";
import { closedFile, type LogFile } from "./files.ts";
import { counted, idText } from "./notation.ts";
import type { Plan } from "./plan.ts";
import { type Beginning, Replay } from "./replay.ts";
import { printState, type StatePlan } from "./state.ts";

export const isSnapshotPath = (path: string): boolean => path.endsWith(".snap");

const chunkBytes = 1 << 20;

export async function inspectSnapshots(
  plan: Plan,
  paths: readonly string[],
  program: Program,
): Promise<CommandExit> {
  let exit: CommandExit = exits.done;
  for (const path of paths) exit = await inspectSnapshot(plan, closedFile(path), program);
  return exit;
}

async function inspectSnapshot(plan: Plan, file: LogFile, program: Program): Promise<CommandExit> {
  switch (plan.kind) {
    case "verify":
      return verify(file, program);
    case "summary":
      return summarize(file, program);
    case "state":
      return showState(file, plan, program);
    case "list":
      if (plan.key === null) return list(file, program);
      throw notOfSnapshots("--key");
    case "diff":
    case "follow":
    case "repair":
      throw notOfSnapshots(plan.kind === "repair" ? "--repair-copy" : `--${plan.kind}`);
    default:
      return unreachable(plan);
  }
}

/** All of it, or the error that says why not. */
function whole({ path, source }: LogFile): Beginning {
  const loaded = loadSnapshot(source, null);
  if (loaded.kind === "wrong") throw badSnapshot(path, loaded);
  return loaded;
}

async function verify(file: LogFile, program: Program): Promise<Exit> {
  const { head } = whole(file);
  const { index, term } = head.last;
  const { path, source } = file;
  await program.output.result({
    text: () => `right  ${visible(path)}: the state up to entry ${index} of term ${term}`,
    json: () => ({ file: path, verdict: "right", bytes: source.size, last: head.last }),
    sexpr: () => form("verify", form("file", path), form("verdict", symbol("right"))),
  });
  return exits.done;
}

async function summarize(file: LogFile, program: Program): Promise<Exit> {
  const { head, store } = whole(file);
  const { last, time, configuration, cluster } = head;
  const { path, source } = file;
  const keys = store.values.size;
  const sessions = store.sessions.byId.size;
  const facts = { cluster: idText(cluster), last, time, bytes: source.size, keys, sessions };
  const groups = describeConfiguration(configuration);
  const rows: readonly (readonly [name: string, value: string])[] = [
    ["cluster", facts.cluster],
    ["last", `entry ${last.index} of term ${last.term}`],
    ["time", `${time} ms of cluster time`],
    ["bytes", `${source.size}`],
    ["members", groups.map(print).join(" ")],
    ["store", `${counted(keys, "key")}, ${counted(sessions, "session")}`],
  ];
  await program.output.result({
    text: () =>
      [visible(path), ...rows.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`)].join("\n"),
    json: () => ({ file: path, ...facts, members: configuration }),
    sexpr: () =>
      form(
        "summary",
        form("file", path),
        form("cluster", facts.cluster),
        form("last", last.index, last.term),
        form("time", time),
        form("bytes", source.size),
        form("members", ...groups),
        form("keys", keys),
        form("sessions", sessions),
      ),
  });
  return exits.done;
}

async function showState(file: LogFile, plan: StatePlan, program: Program): Promise<CommandExit> {
  const loaded = whole(file);
  const { index } = loaded.head.last;
  if (plan.index !== index) {
    throw noSuchEntry({ path: file.path, index: plan.index, last: index });
  }
  await printState(program.output, new Replay(loaded), plan.key);
  return plan.key !== null && !loaded.store.values.has(plan.key) ? exits.no : exits.done;
}

async function list(file: LogFile, program: Program): Promise<Exit> {
  const { source, path } = file;
  const decoder = new SnapshotDecoder();
  for (let at = 0; at < source.size && decoder.wrong === null; at += chunkBytes) {
    for (const part of decoder.push(source.read(at, chunkBytes))) {
      await program.output.result({
        text: () => print(partSexp(part)),
        json: () => ({ file: path, ...partJson(part) }),
        sexpr: () => partSexp(part),
      });
    }
  }
  whole(file);
  return exits.done;
}

function partSexp(part: SnapshotPart): Sexp {
  const place = [form("offset", part.offset)];
  switch (part.kind) {
    case "header": {
      const { cluster, last, time, configuration } = part.head;
      return form(
        "snapshot",
        ...place,
        form("cluster", idText(cluster)),
        form("last", last.index, last.term),
        form("time", time),
        form("members", ...describeConfiguration(configuration)),
      );
    }
    case "section":
      return form(sectionName(part.block.kind), ...place, form("bytes", part.block.bytes.length));
    case "end":
      return form("end", ...place, form("bytes", part.id.bytes));
    default:
      return unreachable(part);
  }
}

function partJson(part: SnapshotPart): object {
  const { offset, length } = part;
  const common = { offset, length, index: null, term: null, command: null };
  if (part.kind === "section") return { ...common, kind: sectionName(part.block.kind) };
  if (part.kind === "end") return { ...common, kind: "end", bytes: part.id.bytes };
  const { cluster, last, time, configuration } = part.head;
  return {
    ...common,
    ...{ kind: "snapshot", index: last.index, term: last.term, time },
    ...{ cluster: idText(cluster), members: configuration },
  };
}
