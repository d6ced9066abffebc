/**
 * One run of the program, from its words to its exit code: walk the command line, run one command,
 * turn what goes wrong into one block on stderr. It reads nothing global, so that tests run it in
 * their own process.
 */
import { must, unreachable } from "../base/assert.ts";
import { exits } from "../base/error.ts";
import { form } from "../sexp/value.ts";
import type { Command, CommandExit } from "./command.ts";
import { help } from "./help.ts";
import type { Format, Sink } from "./output.ts";
import { ClosedPipe, Messages, Output } from "./output.ts";
import { paintFor, type StreamKind } from "./paint.ts";
import { formatProblem, operatorError } from "./problem.ts";
import type { Program } from "./program.ts";
import { version } from "./version.ts";
import type { Environment, FlagValue, Walked } from "./walk.ts";
import { switchValue, walk } from "./walk.ts";

export type Stream = { readonly sink: Sink; readonly kind: StreamKind };

export type Surroundings = {
  readonly words: readonly string[];
  readonly environment: Environment;
  readonly stdin: StreamKind;
  readonly stdout: Stream;
  readonly stderr: Stream;
};

export async function run(root: Command, around: Surroundings): Promise<CommandExit> {
  let program = programFor(new Map(), around);
  try {
    const walked = await walk(root, around.words, around.environment);
    program = programFor(walked.values, around);
    const exit = await perform(walked, program);
    await program.output.flush();
    return exit;
  } catch (error) {
    if (error instanceof ClosedPipe) return exits.done;
    return report(error, program);
  }
}

async function perform(walked: Walked, program: Program): Promise<CommandExit> {
  switch (walked.kind) {
    case "help":
      await program.output.line(await help(walked.path, program.output.paint));
      return exits.done;
    case "version":
      await program.output.result({
        text: () => `rusty-boat ${version}`,
        json: () => ({ version }),
        sexpr: () => form("rusty-boat", form("version", version)),
      });
      return exits.done;
    case "mistake":
      throw walked.error;
    case "run": {
      const start = must(walked.leaf.start, "the walk ends at a leaf");
      return start(walked.words, program);
    }
    default:
      return unreachable(walked);
  }
}

async function report(thrown: unknown, program: Program): Promise<CommandExit> {
  const { messages, output } = program;
  await output.flush().catch(() => undefined);
  const error = operatorError(thrown);
  await messages.line(formatProblem(error, output.format, messages.paint));
  const bug = error !== thrown && thrown instanceof Error;
  if (bug && output.format === "text") await messages.line(thrown.stack ?? "");
  return error.parts.exit;
}

function programFor(values: ReadonlyMap<string, FlagValue>, around: Surroundings): Program {
  const { environment } = around;
  const wish = colourWish(values, environment);
  const paint = (stream: StreamKind) => paintFor({ stream, wish, environment });
  const { stdout, stderr } = around;
  return {
    environment,
    stdin: around.stdin,
    output: new Output({
      sink: stdout.sink,
      stream: stdout.kind,
      format: formatOf(values, environment),
      paint: paint(stdout.kind),
    }),
    messages: new Messages({
      sink: stderr.sink,
      stream: stderr.kind,
      paint: paint(stderr.kind),
    }),
  };
}

/** Also for a command line that is wrong: a script that asked for JSON gets its error in JSON. */
function formatOf(values: ReadonlyMap<string, FlagValue>, environment: Environment): Format {
  if (switchOf("json", values, environment)) return "json";
  return switchOf("sexpr", values, environment) ? "sexpr" : "text";
}

function colourWish(
  values: ReadonlyMap<string, FlagValue>,
  environment: Environment,
): "always" | "never" | "auto" {
  const value = switchOf("color", values, environment);
  if (value === null) return "auto";
  return value ? "always" : "never";
}

function switchOf(
  name: "json" | "sexpr" | "color",
  values: ReadonlyMap<string, FlagValue>,
  environment: Environment,
): boolean | null {
  const given = values.get(name);
  if (typeof given === "boolean") return given;
  return switchValue(environment[`RUSTY_BOAT_${name.toUpperCase()}`] ?? "");
}
