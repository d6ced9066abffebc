/**
 * `inspect FILE --repair-copy OUT`: everything before the damage, in a folder of its own. Says what was left out, and
 * what is known of it. Never in place: the damaged files are evidence, and may hold what a later version can read.
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Exit, exits, OperatorError } from "../../base/error.ts";
import { type NodeId, nodeId } from "../../base/numbers.ts";
import { describeProblem, readableLog } from "../../journal/errors.ts";
import { activeName, snapshotName } from "../../journal/names.ts";
import { committedThough, type Problem } from "../../journal/recovery.ts";
import {
  type NamedSource,
  planCopy,
  type RepairCopy,
  withFile,
  writeCopy,
} from "../../journal/repair.ts";
import { FileDisk } from "../../runtime/disk.ts";
import { form, type SexpInput } from "../../sexp/value.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import { closedFile, closeLogs, type LogFiles, openLogs } from "./files.ts";
import { type Judged, judgeLog, pathOfFile } from "./log.ts";
import { counted } from "./notation.ts";
import { statOf } from "./paths.ts";

export async function repairCopy(log: LogFiles, out: string, program: Program): Promise<Exit> {
  const judged = judgeLog(log);
  const { problem, first } = judged.reading;
  if (problem?.kind === "incompatible" && judged.refusal !== null) throw judged.refusal;
  const node = first?.identity.node ?? log.node;
  const logOnly = planCopy(node ?? nodeId(1), log.files, problem);
  if (logOnly.copied.length === 0 || node === null) throw nothingReadable(log, problem);
  const snapshot = snapshotOf(judged, node);
  const plan = snapshot === null ? logOnly : withFile(logOnly, snapshot);
  checkEmpty(out);
  const disk = new FileDisk(out, () => {});
  writeCopy(plan, snapshot === null ? log.files : [...log.files, snapshot], disk);
  disk.close();
  const path = join(out, activeName(node));
  const copy = checked(path);
  await say(program, { judged, plan, path, commit: lostFor(judged, copy) });
  return exits.done;
}

/** The snapshot that the copy will begin with, whatever it is worth: a node says what is wrong with it. */
function snapshotOf({ log, reading }: Judged, node: NodeId): NamedSource | null {
  const id = reading.standing?.snapshot ?? null;
  if (id === null) return null;
  const name = snapshotName(node, id.last.index);
  const path = join(dirname(log.path), name);
  return statOf(path) === null ? null : closedFile(path);
}

function checkEmpty(folder: string): void {
  const names = namesIn(folder);
  if (names.length === 0) return;
  throw new OperatorError({
    code: "not-empty",
    what: `${folder} is not empty`,
    why: "a copy is made beside what there is, and never over it",
    fix: ["name a folder that does not exist: --repair-copy repaired"],
    exit: exits.usage,
    meaning: "nothing was changed",
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new OperatorError({
      code: "folder-unusable",
      what: `${folder} cannot be used`,
      why: error instanceof Error ? error.message : String(error),
      fix: ["name another folder"],
      exit: exits.local,
      meaning: "nothing was changed",
    });
  }
}

/** The copy is read again, as a node would read it: what it is said to be is what it is. */
function checked(path: string): Judged {
  const logs = openLogs([path], "log");
  try {
    const [log] = logs;
    if (log === undefined) throw new TypeError("a path leads to a log");
    const judged = judgeLog(log);
    if (judged.reading.problem === null) return judged;
    throw new TypeError(`the copy is not right: ${describeProblem(judged.reading.problem)}`);
  } finally {
    closeLogs(logs);
  }
}

/** The highest index that is known to have been committed and is not in the copy; null: nothing is known. */
function lostFor({ log, reading }: Judged, copy: Judged): number | null {
  const committed = committedThough(reading, log.files);
  return committed > (copy.reading.standing?.last.index ?? 0) ? committed : null;
}

type Repaired = {
  readonly judged: Judged;
  readonly plan: RepairCopy;
  readonly path: string;
  readonly commit: number | null;
};

const caution =
  "for reading, and for `cluster recover`; a node that went on with it would have forgotten what it promised";

function say(program: Program, { judged, plan, path, commit }: Repaired): Promise<void> {
  const { log, reading } = judged;
  const { standing, problem, recordCount } = reading;
  const last = { index: standing?.last.index ?? 0, term: standing?.last.term ?? 0 };
  const leftOut = plan.leftOut.map((part) => ({ ...part, file: pathOfFile(log, part.file) }));
  const why = problem === null ? null : describeProblem(problem);
  return program.output.result({
    text: () => {
      const amount = `${counted(plan.copied.length, "file")}, ${counted(recordCount, "record")}`;
      const lines = [
        `copied  ${visible(log.path)} -> ${visible(path)}: ${amount}, ${readableLog(reading)}`,
      ];
      for (const { file, offset, bytes } of leftOut) {
        lines.push(
          `        without ${counted(bytes, "byte")} of ${visible(file)} from byte ${offset} on`,
        );
      }
      if (why !== null) lines.push(`        because ${why}`);
      if (commit !== null)
        lines.push(`        lost: entries up to ${commit} at least were committed`);
      if (problem !== null) lines.push(`        ${caution}`);
      return lines.join("\n");
    },
    json: () => ({
      ...{ ok: true, file: log.path, copy: path, files: plan.copied, records: recordCount, last },
      ...{ leftOut, why, committed: commit },
    }),
    sexpr: () => {
      const parts: SexpInput[] = [form("file", log.path), form("copy", path)];
      parts.push(form("records", recordCount), form("last", last.index, last.term));
      for (const { file, offset, bytes } of leftOut) {
        parts.push(
          form("left-out", form("file", file), form("offset", offset), form("bytes", bytes)),
        );
      }
      if (why !== null) parts.push(form("why", why));
      if (commit !== null) parts.push(form("committed", commit));
      return form("repair-copy", ...parts);
    },
  });
}

const nothingReadable = (log: LogFiles, problem: Problem | null): OperatorError =>
  new OperatorError({
    code: "nothing-readable",
    what: `nothing of ${log.path} can be read`,
    why: problem === null ? "it is empty" : describeProblem(problem),
    fix: ["another node's file holds the same entries", "a copy of this one from before"],
    exit: exits.damaged,
    meaning: "nothing was changed",
  });
