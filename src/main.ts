#!/usr/bin/env bun
/** The program's front door: the surroundings of a real process go in, its exit code comes out. */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { plain } from "./cli/paint.ts";
import { formatProblem, operatorError } from "./cli/problem.ts";
import { rootCommand } from "./cli/root.ts";
import { run } from "./cli/run.ts";

const stderr = 2;

/**
 * What no command was waiting for, thrown in a timer or by a socket: nothing can be trusted after
 * it.
 */
function crash(thrown: unknown): never {
  const error = operatorError(thrown);
  const stack = thrown instanceof Error && error !== thrown ? `\n${thrown.stack ?? ""}` : "";
  writeSync(stderr, `${formatProblem(error, "text", plain)}${stack}\n`);
  process.exit(error.parts.exit);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

const streamKind = (descriptor: number) => (isatty(descriptor) ? "terminal" : "pipe");

const exit = await run(rootCommand, {
  words: process.argv.slice(2),
  environment: process.env,
  stdin: streamKind(0),
  stdout: { sink: Bun.stdout.writer(), kind: streamKind(1) },
  stderr: { sink: Bun.stderr.writer(), kind: streamKind(stderr) },
});
process.exit(exit);
