#!/usr/bin/env bun
/** The program's front door: the surroundings of a real process go in, its exit code comes out. */
import { isatty } from "node:tty";
import { rootCommand } from "./cli/root.ts";
import { run } from "./cli/run.ts";

const streamKind = (descriptor: number) => (isatty(descriptor) ? "terminal" : "pipe");

const exit = await run(rootCommand, {
  words: process.argv.slice(2),
  environment: process.env,
  stdin: streamKind(0),
  stdout: { sink: Bun.stdout.writer(), kind: streamKind(1) },
  stderr: { sink: Bun.stderr.writer(), kind: streamKind(2) },
});
process.exit(exit);
