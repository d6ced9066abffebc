/**
 * Runs the lines of the prompt, one after the other, in one session with the cluster. A line is
 * parsed, checked, run and reported like a command line of its own, so that the prompt and the
 * shell cannot differ.
 */
import { must, unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { parseOperation } from "../../kv/parse.ts";
import { print } from "../../sexp/print.ts";
import type { Sexp } from "../../sexp/value.ts";
import { type Command, type CommandExit, command, group } from "../command.ts";
import { ClosedPipe, type Sink } from "../output.ts";
import { plain } from "../paint.ts";
import type { Program } from "../program.ts";
import { run } from "../run.ts";
import { targetArgs } from "../target.ts";
import type { Environment } from "../walk.ts";
import { verbsAt } from "./client.ts";
import { type Line, readLine } from "./line.ts";
import { nameOf } from "./notation.ts";
import { perform } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";

export type Ran =
  | { readonly kind: "ran"; readonly exit: CommandExit }
  /** The line wants more lines. */
  | { readonly kind: "unfinished" }
  /** `.exit`, or nobody is left to read the answers. */
  | { readonly kind: "ended" };

export class Commands {
  readonly #program: Program;
  readonly #verbs: Command;
  readonly #expression: Command;
  readonly #environment: Environment;
  #readers: "there" | "gone" = "there";

  constructor(parts: { program: Program; place: Place; timeout: string }) {
    const { program, place, timeout } = parts;
    this.#program = program;
    this.#verbs = verbGroup(place);
    this.#expression = expressionCommand(place);
    this.#environment = environmentOf(program, timeout);
  }

  async run(text: string): Promise<Ran> {
    const line = readLine(text);
    const ran = await this.#perform(line);
    return this.#readers === "gone" ? { kind: "ended" } : ran;
  }

  async #perform(line: Line): Promise<Ran> {
    switch (line.kind) {
      case "nothing":
        return { kind: "ran", exit: exits.done };
      case "unfinished":
        return line;
      case "words":
        return { kind: "ran", exit: await this.#start(this.#verbs, line.words) };
      case "expression": {
        const words = ["--", print(line.value)];
        return { kind: "ran", exit: await this.#start(this.#expression, words) };
      }
      case "malformed":
        return { kind: "ran", exit: await this.#start(failing(malformedLine(line.why)), []) };
      case "wish":
        if (line.wish === "help") await this.#program.output.line(helpText);
        return line.wish === "exit" ? { kind: "ended" } : { kind: "ran", exit: exits.done };
      default:
        return unreachable(line);
    }
  }

  #start(root: Command, words: readonly string[]): Promise<CommandExit> {
    const { output, messages, stdin } = this.#program;
    const chosen = words.some((word) => word === "--json" || word === "--sexpr");
    const format = chosen || output.format === "text" ? [] : [`--${output.format}`];
    const stdout: Sink = {
      write: (bytes) => this.#guarded(() => output.raw(bytes)),
      flush: () => this.#guarded(() => output.flush()),
    };
    const stderr: Sink = {
      write: (bytes) => messages.line(String(bytes).replace(/\n$/, "")),
      flush: () => undefined,
    };
    return run(root, {
      words: [...format, ...words],
      environment: this.#environment,
      stdin,
      stdout: { sink: stdout, kind: output.stream },
      stderr: { sink: stderr, kind: messages.stream },
    });
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (error instanceof ClosedPipe) this.#readers = "gone";
      throw error;
    }
  }
}

/** The flags that the prompt was started with hold for its lines, which may say otherwise. */
function environmentOf({ environment, output }: Program, timeout: string): Environment {
  return {
    ...environment,
    RUSTY_BOAT_TIMEOUT: timeout,
    RUSTY_BOAT_JSON: undefined,
    RUSTY_BOAT_SEXPR: undefined,
    RUSTY_BOAT_COLOR: output.paint === plain ? "off" : undefined,
  };
}

/** The verbs without the flags that say which cluster is meant. */
function verbGroup(place: Place): Command {
  const commands = Object.entries(verbsAt(place)).map(
    ([name, load]) => [name, async () => withoutTarget(await load())] as const,
  );
  return group({
    name: "client",
    description: "The prompt's commands.",
    examples: [{ line: "put color blue", does: "as on the command line" }],
    commands: Object.fromEntries(commands),
  });
}

function withoutTarget(verb: Command): Command {
  const args = Object.entries(verb.args).filter(([name]) => !Object.hasOwn(targetArgs, name));
  const commands = Object.entries(verb.commands ?? {}).map(
    ([name, load]) => [name, async () => withoutTarget(await load())] as const,
  );
  return {
    ...verb,
    args: Object.fromEntries(args),
    commands: verb.commands === null ? null : Object.fromEntries(commands),
  };
}

/** One s-expression, as a command whose only word it is. */
const expressionCommand = (place: Place): Command =>
  command({
    name: "expression",
    description: "One operation as an s-expression.",
    args: { ...clientArgs, text: { type: "positional", required: true } },
    examples: [],
    async run({ args, program }) {
      const line = readLine(args.text);
      const value = must(line.kind === "expression" ? line.value : null, "it was read before");
      const operation = operationOf(value);
      const timeoutMs = timeoutFlag(args.timeout);
      const name = nameOf(operation);
      const question = {
        name,
        operation,
        consistency: "linearizable",
        again: null,
        timeoutMs,
      } as const;
      return connected(place, args, (connection) =>
        perform({ place, connection, program }, { ...question, line: null }),
      );
    },
  });

function operationOf(value: Sexp) {
  const parsed = parseOperation(value);
  if (parsed.kind === "parsed") return parsed.operation;
  throw new OperatorError({
    code: "bad-expression",
    what: `${shortened(print(value))} ${parsed.problem}`,
    why: "an operation is written in one of the forms that .help lists",
    fix: [parsed.usage],
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });
}

const shownCharactersMax = 80;
const shortened = (text: string): string =>
  text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;

export const malformedLine = (why: string): OperatorError =>
  new OperatorError({
    code: "bad-line",
    what: "the line cannot be read",
    why,
    fix: [".help"],
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });

const failing = (error: OperatorError): Command =>
  command({
    name: "line",
    description: "",
    examples: [],
    args: {},
    run: () => Promise.reject(error),
  });

const helpText = `put KEY VALUE       write        --if-absent --if-rev R --ttl SPAN --lease L --file F --request-id ID
get KEY             read         --rev --stale --logged
del KEY             delete
cas KEY OLD NEW     write where the value is OLD
incr KEY [BY]       count a decimal value on
mput KEY VALUE …    write several keys, all or none
txn '(if …)'        compare, then one thing or the other
ls [PREFIX]         list keys    --values --limit N --from K --to K
history KEY         what it has held, as far back as the log is kept
export  import FILE all keys as JSON lines, and back
lease grant SPAN    begin a lease: put KEY VALUE --lease L; lease keep-alive L, revoke L, ls
outcome ID          settle what became of a request
status              how each node is

(put "k" "v")  (put "k" "v" (if-absent))  (put "k" "v" (if-rev 3))  (cas "k" "old" "new")
(get "k")  (delete "k")  (list "prefix" (from "a") (to "m") (after "k") (limit 10) (values))  (noop)
(if (= (rev "k") 3) (put "k" "v") (get "k"))  (do (put "k" "v") (delete "l"))  (incr "k" 5)
  comparisons: (= (rev "k") 3) (= (value "k") "v") with = != < <= > >=, (exists "k"), and, or, not
(put "k" "v" (ttl 5000))  (put "k" "v" (lease 12))  (lease-grant 5000)  (leases)
(lease-keep-alive 12)  (lease-revoke 12)
(Set "k" "v")  (Get . "k")  (Delete "k")  (Noop)        the same, as the original wrote them
bytes are written in hex: (put "k" #x"00ff"); an expression may go on over several lines

KEY --help          a verb's flags, e.g.  put --help
--json  --sexpr     on any line: the notation of its answer
# or ;              begins a comment line
.help  .exit        Ctrl-C clears the line or gives up what is running, Ctrl-D ends`;
