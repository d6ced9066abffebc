/** Whether a node would start on these files, in its own words; without changing a byte of them. */
import { dirname } from "node:path";
import type { OperatorError } from "../../base/error.ts";
import { type Exit, exits } from "../../base/error.ts";
import { describeProblem, readableLog, wrongFolder } from "../../journal/errors.ts";
import { form, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import type { Program } from "../program.ts";
import type { LogFiles } from "./files.ts";
import { unfinishedTail } from "./list.ts";
import { type Judged, judgeLog, pathOfFile } from "./log.ts";

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

/** A node's active file stands for the whole log. A closed segment, or a copy, is judged by itself. */
const isComplete = (log: LogFiles): boolean => log.node !== null && log.active !== null;

function refusalOf({ log, reading, refusal }: Judged): OperatorError | null {
  const { node } = log;
  const identity = reading.first?.identity;
  if (node === null || identity === undefined || identity.node === node) return refusal;
  return wrongFolder(
    { folder: dirname(log.path), node },
    { node, cluster: identity.cluster },
    identity,
  );
}

function verdictResult(judged: Judged, refusal: OperatorError | null): Result {
  const { log, reading } = judged;
  const { problem, standing, recordCount } = reading;
  const verdict = refusal !== null ? "refused" : problem === null ? "right" : "unfinished";
  const tail = problem === null ? null : unfinishedTail(log, problem);
  const why = problem === null ? null : describeProblem(problem);
  const last = standing?.last ?? { index: 0, term: 0 };
  const counted = `${log.files.length} ${log.files.length === 1 ? "file" : "files"}`;
  return {
    text: () => {
      const found = `${counted}, ${recordCount} records, ${readableLog(reading)}`;
      const line = `${verdict}  ${log.path}: ${found}`;
      if (verdict !== "unfinished" || tail === null) return line;
      return (
        `${line}\n            then ${tail.bytes} bytes from byte ${tail.offset} of ${tail.path} on ` +
        "that are not finished: a node that starts cuts them off"
      );
    },
    json: () => ({
      file: log.path,
      verdict,
      files: log.files.map((file) => file.path),
      records: recordCount,
      last: { index: last.index, term: last.term },
      commit: standing?.commit ?? 0,
      problem:
        problem === null || tail === null
          ? null
          : {
              file: pathOfFile(log, problem.file),
              offset: problem.offset,
              bytes: tail.bytes,
              kind: problem.kind,
              because: tail.because,
              why,
            },
    }),
    sexpr: () =>
      form(
        "verify",
        form("file", log.path),
        form("verdict", word(verdict)),
        form("files", ...log.files.map((file) => file.path)),
        form("records", recordCount),
        form("last", last.index, last.term),
        form("commit", standing?.commit ?? 0),
        ...(problem === null || tail === null
          ? []
          : [
              form(
                "problem",
                form("file", tail.path),
                form("offset", tail.offset),
                form("bytes", tail.bytes),
                form("kind", word(problem.kind)),
                form("because", word(tail.because)),
                form("why", why ?? ""),
              ),
            ]),
      ),
  };
}
