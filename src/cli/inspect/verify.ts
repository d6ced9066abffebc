/** Whether a node would start on these files, in its own words; without changing a byte of them. */
import { basename, dirname } from "node:path";
import { must } from "../../base/assert.ts";
import { type Exit, exits, type OperatorError } from "../../base/error.ts";
import {
  describeProblem,
  readableLog,
  snapshotRefused,
  wrongFolder,
} from "../../journal/errors.ts";
import type { Problem } from "../../journal/recovery.ts";
import { form, type Sexp, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import type { LogFiles } from "./files.ts";
import { type Tail, unfinishedTail } from "./list.ts";
import { type Judged, judgeLog } from "./log.ts";
import { counted } from "./notation.ts";
import { namedSnapshot, readNamed } from "./snapshot-beside.ts";

/** Every log gets its line; then the first that is refused ends it as it would end a node. */
export async function verifyLogs(logs: readonly LogFiles[], program: Program): Promise<Exit> {
  let refused: OperatorError | null = null;
  for (const log of logs) {
    const judged = judgeLog(log, isComplete(log) ? "first-segment" : "any-segment");
    const refusal = refusalOf(judged);
    await program.output.result(verdictResult(judged, refusal));
    refused ??= refusal;
  }
  if (refused !== null) throw refused;
  return exits.done;
}

/** A node's active file stands for all of its log; a closed one, or a copy, for what is there. */
const isComplete = (log: LogFiles): boolean => log.node !== null && log.active !== null;

function refusalOf(judged: Judged): OperatorError | null {
  const { log, reading } = judged;
  const refusal = judged.refusal ?? (isComplete(log) ? snapshotRefusal(judged) : null);
  const { node } = log;
  const identity = reading.first?.identity;
  if (node === null || identity === undefined || identity.node === node) return refusal;
  const wanted = { node, cluster: identity.cluster };
  return wrongFolder({ folder: dirname(log.path), node }, wanted, identity);
}

/** A node reads the snapshot that its journal names, and does not start where it is not that one. */
function snapshotRefusal(judged: Judged): OperatorError | null {
  const named = namedSnapshot(judged);
  const found = named === null ? null : readNamed(named);
  if (named === null || found?.kind !== "wrong") return null;
  const node = must(judged.reading.first, "who names a snapshot has a header").identity.node;
  return snapshotRefused({ folder: dirname(named.path), node }, basename(named.path), found);
}

type Verdict = "right" | "unfinished" | "refused";

/** What is wrong, and where. */
type Found = { readonly problem: Problem; readonly tail: Tail; readonly why: string };

function verdictResult(judged: Judged, refusal: OperatorError | null): Result {
  const { log, reading } = judged;
  const { problem } = reading;
  const verdict = refusal !== null ? "refused" : problem === null ? "right" : "unfinished";
  const found =
    problem === null
      ? null
      : { problem, tail: unfinishedTail(log, problem), why: describeProblem(problem) };
  return {
    text: () => verdictText(judged, verdict, found),
    json: () => verdictJson(judged, verdict, found),
    sexpr: () => verdictSexp(judged, verdict, found),
  };
}

function verdictText({ log, reading }: Judged, verdict: Verdict, found: Found | null): string {
  const amount = `${counted(log.files.length, "file")}, ${counted(reading.recordCount, "record")}`;
  const line = `${verdict}  ${visible(log.path)}: ${amount}, ${readableLog(reading)}`;
  if (verdict !== "unfinished" || found === null) return line;
  const { offset, bytes, path } = found.tail;
  return (
    `${line}\n            then ${counted(bytes, "byte")} from byte ${offset} of ` +
    `${visible(path)} on that are not finished: a node that starts cuts them off`
  );
}

function verdictJson({ log, reading }: Judged, verdict: Verdict, found: Found | null): object {
  const last = reading.standing?.last;
  return {
    file: log.path,
    verdict,
    files: log.files.map((file) => file.path),
    records: reading.recordCount,
    last: { index: last?.index ?? 0, term: last?.term ?? 0 },
    commit: reading.standing?.commit ?? 0,
    problem: found === null ? null : problemJson(found),
  };
}

const problemJson = ({ problem, tail, why }: Found): object => ({
  file: tail.path,
  offset: tail.offset,
  bytes: tail.bytes,
  kind: problem.kind,
  because: tail.because,
  why,
});

function verdictSexp({ log, reading }: Judged, verdict: Verdict, found: Found | null): Sexp {
  const last = reading.standing?.last;
  return form(
    "verify",
    form("file", log.path),
    form("verdict", word(verdict)),
    form("files", ...log.files.map((file) => file.path)),
    form("records", reading.recordCount),
    form("last", last?.index ?? 0, last?.term ?? 0),
    form("commit", reading.standing?.commit ?? 0),
    ...(found === null ? [] : [problemSexp(found)]),
  );
}

const problemSexp = ({ problem, tail, why }: Found): Sexp =>
  form(
    "problem",
    form("file", tail.path),
    form("offset", tail.offset),
    form("bytes", tail.bytes),
    form("kind", word(problem.kind)),
    form("because", word(tail.because)),
    form("why", why),
  );
