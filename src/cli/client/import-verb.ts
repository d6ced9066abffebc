/**
 * `client import`: writes what an export holds, many keys to an entry. Keys that the store has besides stay. An
 * import that ends early says after which line, and goes on from there with --skip; to write a line twice changes
 * nothing but the key's revision.
 */
import { exits, OperatorError } from "../../base/error.ts";
import type { Operation, Step } from "../../kv/command.ts";
import { form } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import type { Program } from "../program.ts";
import { type Batch, batchesOf, mistake } from "./import-batches.ts";
import { counted, roundedMs } from "./notation.ts";
import { type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { linesOf } from "./script.ts";
import { shellLine } from "./shell.ts";

const linesMax = 2 ** 40;
const progressMs = 2000;

export const importCommand = (place: Place): Command =>
  command({
    name: "import",
    description: "Write the keys of an export. Other keys stay as they are.",
    args: {
      file: {
        type: "positional",
        required: true,
        description: "What export printed; - for standard input",
      },
      skip: { type: "string", valueHint: "lines", description: "Go on behind this line" },
      check: { type: "boolean", description: "Read the file to its end, and write nothing" },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client import backup.jsonl", does: "" },
      { line: "rusty-boat client import backup.jsonl --skip 5120", does: "go on where it ended" },
      { line: "rusty-boat client import - < backup.jsonl", does: "from a pipe" },
    ],
    async run({ args, program }) {
      const timeoutMs = timeoutFlag(args.timeout);
      const skip =
        args.skip === undefined
          ? 0
          : countFlag({ source: "--skip", value: args.skip }, { min: 0, max: linesMax });
      const source = { file: args.file, skip };
      // A file can be read twice: what is wrong with it is said before anything is written.
      if (args.file !== "-") {
        const amount = await readThrough(batchesOf(linesIn(place, args.file), skip));
        if (args.check === true) return showCheck(program, args.file, amount);
      }
      if (args.check === true) {
        return showCheck(
          program,
          "standard input",
          await readThrough(batchesOf(linesIn(place, "-"), skip)),
        );
      }
      return connected(place, args, (connection) =>
        importAll({ place, connection, program }, { ...source, timeoutMs }),
      );
    },
  });

async function readThrough(
  batches: AsyncIterable<Batch>,
): Promise<{ keys: number; lines: number }> {
  let [keys, lines] = [0, 0];
  for await (const { puts, line } of batches) {
    keys += puts.length;
    lines = line;
  }
  return { keys, lines };
}

async function* linesIn(place: Place, file: string): AsyncGenerator<string> {
  if (file !== "-") {
    try {
      yield* linesOf(Bun.file(file).stream());
    } catch (error) {
      throw error instanceof OperatorError ? error : unreadable(file, error);
    }
    return;
  }
  if (place.stdin === null) throw stdinTaken();
  yield* linesOf(place.stdin.parts());
}

type Done = {
  /** Of these it is certain. */
  line: number;
  keys: number;
  entries: number;
  index: number;
};

async function importAll(
  scene: Scene,
  source: { readonly file: string; readonly skip: number; readonly timeoutMs: number },
): Promise<CommandExit> {
  const { program, connection, place } = scene;
  const done: Done = { line: source.skip, keys: 0, entries: 0, index: 0 };
  const began = connection.cluster.now;
  let toldAt = began;
  try {
    for await (const batch of batchesOf(linesIn(place, source.file), source.skip)) {
      const ended = await writeBatch(scene, batch, { done, timeoutMs: source.timeoutMs });
      if (ended !== null) {
        await program.messages.line(`${soFar(done)}; go on with --skip ${done.line}`);
        return ended;
      }
      const { now } = connection.cluster;
      if (now - toldAt < progressMs || program.messages.stream !== "terminal") continue;
      toldAt = now;
      await program.messages.line(soFar(done));
    }
  } catch (error) {
    throw error instanceof OperatorError ? stopped(error, source.file, { done, scene }) : error;
  }
  const ms = roundedMs(connection.cluster.now - began);
  const { keys, entries, line, index } = done;
  await program.output.result({
    text: () => {
      const amount = `${counted(keys, "key")} written, in ${counted(entries, "entry", "entries")}`;
      const { paint } = program.output;
      return `${paint.green("ok")}  ${amount}  (up to line ${line}, index ${index}, ${ms.toFixed(1)} ms)`;
    },
    json: () => ({ ok: true, keys, entries, line, index, ms }),
    sexpr: () => importSexp(done),
  });
  return exits.done;
}

async function writeBatch(
  scene: Scene,
  { puts, line }: Batch,
  { done, timeoutMs }: { readonly done: Done; readonly timeoutMs: number },
): Promise<130 | 143 | null> {
  if (puts.length > 0) {
    const operation = operationOf(puts);
    const how = { consistency: "linearizable", again: null, timeoutMs, line: null } as const;
    const settled = await settle(scene, { name: "the import", operation, ...how });
    if (settled.kind === "interrupted") return settled.exit;
    done.keys += puts.length;
    done.entries += 1;
    done.index = settled.index;
  }
  done.line = line;
  return null;
}

/** A value that is nearly as large as may be finds no room in a transaction. */
function operationOf(puts: readonly Step[]): Operation {
  const [only] = puts;
  if (only !== undefined && puts.length === 1) return only;
  return { kind: "txn", guard: { kind: "and", guards: [] }, holding: puts, otherwise: [] };
}

const soFar = ({ keys, line }: Done): string =>
  `${counted(keys, "key")} written, up to line ${line}`;

const importSexp = ({ keys, entries, line, index }: Done) =>
  form(
    "import-ok",
    form("keys", keys),
    form("entries", entries),
    form("line", line),
    form("index", index),
  );

async function showCheck(
  { output }: Program,
  file: string,
  { keys, lines }: { readonly keys: number; readonly lines: number },
): Promise<CommandExit> {
  await output.result({
    text: () => `right  ${file}: ${counted(keys, "key")} in ${counted(lines, "line")}`,
    json: () => ({ ok: true, keys, lines }),
    sexpr: () => form("import-check", form("keys", keys), form("lines", lines)),
  });
  return exits.done;
}

/** What is written stays; the batch in which it ended may be written too, which a repetition does not mind. */
function stopped(
  { parts }: OperatorError,
  file: string,
  { done, scene }: { readonly done: Done; readonly scene: Scene },
): OperatorError {
  const flags = ["--skip", `${done.line}`, ...scene.connection.words];
  return new OperatorError({
    ...parts,
    what: `the import ended: ${parts.what}`,
    why: `${parts.why}; ${soFar(done)}, the next ones perhaps`,
    fix: [shellLine({ verb: "import", plain: [file], flags }), ...parts.fix],
    applied: done.keys > 0 ? "yes" : (parts.applied ?? "unknown"),
    meaning: "what was written stays; to write a key once more changes only its revision",
  });
}

const stdinTaken = (): OperatorError =>
  mistake(
    "stdin-taken",
    "- cannot be used at the prompt",
    "standard input carries the commands",
    "import FILE",
  );

const unreadable = (file: string, error: unknown): OperatorError =>
  new OperatorError({
    code: "unreadable-file",
    what: `${file} cannot be read`,
    why: error instanceof Error ? error.message : String(error),
    fix: ["check the path and who may read it"],
    exit: exits.local,
    applied: "no",
    meaning: "nothing that stands behind this was written",
  });
