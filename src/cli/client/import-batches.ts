/** The lines of an export as batches of puts, and what is wrong with them. */
import { exits, OperatorError } from "../../base/error.ts";
import { commandProblem } from "../../codec/command-problem.ts";
import { limits, type Step } from "../../kv/command.ts";
import { exportVersion, readExportLine } from "./export-lines.ts";
import { counted } from "./notation.ts";
import { invalidOperation } from "./value-source.ts";

/** Bytes of keys and values in one entry, unless one alone has more. */
const batchBytesMax = 256 * 1024;

export type Batch = {
  readonly puts: readonly Step[];
  /** The last line that is in it, or was looked at before it. */
  readonly line: number;
};

/** Ends with an error where the export does: no line is lost without a word. */
export async function* batchesOf(
  lines: AsyncIterable<string>,
  skip: number,
): AsyncGenerator<Batch> {
  let puts: Step[] = [];
  let [line, keys, bytes] = [0, 0, 0];
  let end: "not-wanted" | "missing" | "there" = "not-wanted";
  for await (const text of lines) {
    line += 1;
    if (text === "") continue;
    const read = readExportLine(text);
    if (end === "there") throw wrongLine(line, "follows the last line");
    switch (read.kind) {
      case "malformed":
        throw wrongLine(line, read.why);
      case "first":
        if (line !== 1) throw wrongLine(line, "begins another export");
        if (read.version !== exportVersion) throw wrongLine(line, `is of version ${read.version}`);
        end = "missing";
        break;
      case "last":
        end = "there";
        if (read.keys !== keys) throw wrongLine(line, `says ${read.keys} keys, after ${keys}`);
        break;
      case "key": {
        keys += 1;
        if (line <= skip) break;
        const put = putOf(read, line);
        const more = read.key.length + read.value.length;
        if (puts.length === limits.stepsMax || (puts.length > 0 && bytes + more > batchBytesMax)) {
          yield { puts, line: line - 1 };
          [puts, bytes] = [[], 0];
        }
        puts.push(put);
        bytes += more;
      }
    }
  }
  yield { puts, line };
  if (end === "missing") throw cutOff(keys);
}

function putOf({ key, value }: { key: string; value: Uint8Array }, line: number): Step {
  const put = { kind: "put", key, value, condition: { kind: "always" } } as const;
  const problem = commandProblem(put);
  if (problem === null) return put;
  const { parts } = invalidOperation(problem, put);
  throw wrongLine(line, `cannot be written: ${parts.why}`);
}

export function mistake(code: string, what: string, why: string, fix: string): OperatorError {
  const parts = { code, what, why, fix: [fix], exit: exits.usage, applied: "no" } as const;
  return new OperatorError({ ...parts, meaning: "nothing that stands behind this was written" });
}

const wrongLine = (line: number, why: string): OperatorError =>
  mistake(
    "bad-import",
    `line ${line} ${why}`,
    "a line is as export prints it: a key, its value, or the first or last line",
    '{"key":"color","value":"blue"}, and for bytes {"b64":"…"}',
  );

const cutOff = (keys: number): OperatorError =>
  mistake(
    "import-cut-off",
    "the last line of the export is missing",
    `it ends after ${counted(keys, "key")}, and an export ends with a line that counts them`,
    "export again; or, for what is there, remove the first line",
  );
