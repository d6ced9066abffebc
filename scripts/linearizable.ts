/**
 * `bun run linearizable [--model register|kv] [--explain] FILE…`: whether recorded histories are linearizable, one
 * line per file. Exit 0: all are; 1: one is not; 2: a file cannot be read, or the words make no sense.
 */
import { checkHistory, explain, judgeHistory } from "../src/sim/linearizability.ts";
import { type HistoryKind, modelOf, readHistory } from "../src/sim/linearizability-text.ts";

const usage = `usage: bun run linearizable [--model register|kv] [--explain] FILE…
  --model    what the files hold; without it, the first line of each tells
  --explain  where a history is not linearizable, say which operation finds no place`;

type Wanted = {
  readonly model: HistoryKind | null;
  readonly explanation: "wanted" | "not-wanted";
  readonly files: readonly string[];
};

/** Ends with a reason and exit 2. */
class Unusable extends Error {}

function wantedFrom(words: readonly string[]): Wanted {
  const files: string[] = [];
  let model: HistoryKind | null = null;
  let explanation: Wanted["explanation"] = "not-wanted";
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") files.push(...rest.splice(0));
    else if (word === "--explain") explanation = "wanted";
    else if (word === "--model" || word.startsWith("--model=")) {
      model = modelNamed(word === "--model" ? rest.shift() : word.slice("--model=".length));
    } else if (word.startsWith("-")) throw new Unusable(`unknown flag ${word}\n${usage}`);
    else files.push(word);
  }
  if (files.length === 0) throw new Unusable(`no file was named\n${usage}`);
  return { model, explanation, files };
}

function modelNamed(name: string | undefined): HistoryKind {
  if (name === "register" || name === "kv") return name;
  throw new Unusable(`--model is register or kv, not ${name ?? "nothing"}\n${usage}`);
}

async function verdictOn(file: string, wanted: Wanted): Promise<"linearizable" | string> {
  const text = await Bun.file(file)
    .text()
    .catch((error: unknown) => {
      throw new Unusable(
        `${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      );
    });
  const read = readHistory(text);
  if (read.kind === "malformed") throw new Unusable(`${file}:${read.line}: ${read.why}`);
  const { kind, records } = read.history;
  if (wanted.model !== null && wanted.model !== kind) {
    throw new Unusable(`${file} is a history of model ${kind}, not ${wanted.model}`);
  }
  const model = modelOf(kind);
  if (wanted.explanation === "not-wanted") return judgeHistory(records, model);
  const verdict = checkHistory(records, model);
  return verdict.kind === "linearizable"
    ? verdict.kind
    : `${verdict.kind}\n${explain(verdict, model)}`;
}

/** Every file is looked at, even when an earlier one makes no sense. */
async function main(words: readonly string[]): Promise<0 | 1 | 2> {
  let exit: 0 | 1 | 2 = 0;
  try {
    const wanted = wantedFrom(words);
    for (const file of wanted.files) {
      try {
        const verdict = await verdictOn(file, wanted);
        process.stdout.write(`${file} ${verdict}\n`);
        if (verdict !== "linearizable" && exit === 0) exit = 1;
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        process.stderr.write(`${error.message}\n`);
        exit = 2;
      }
    }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    process.stderr.write(`${error.message}\n`);
    exit = 2;
  }
  return exit;
}

process.exitCode = await main(process.argv.slice(2));
