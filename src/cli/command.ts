/**
 * What a command is: a citty definition (the one source for flags, usage and help), with the three
 * things citty has no place for: examples, a name for "any number of arguments", and an exit code
 * as its result.
 *
 * A new command is one file that exports `command({...})`, and one line in its group's `commands`.
 */
import type { ArgsDef, CommandDef, ParsedArgs } from "citty";
import { runCommand } from "citty";
import type { Exit } from "../base/error.ts";
import type { Program } from "./program.ts";

export type Example = { readonly line: string; readonly does: string };

/** Arguments beyond the named ones: `inspect FILE…`, `lock NAME -- COMMAND…`. */
export type Rest = { readonly name: string; readonly description: string; readonly least: 0 | 1 };

type Shown = {
  readonly name: string;
  readonly description: string;
  readonly examples: readonly Example[];
};

declare const passed: unique symbol;
/** Not this program's own: that of a command that it has run, or 128 and the number of a signal. */
export type PassedExit = number & { readonly [passed]: true };
export const passedExit = (code: number): PassedExit => code as PassedExit;

/** What a command ends with: an exit code of the contract, or "ended by SIGINT, by SIGTERM", or another's. */
export type CommandExit = Exit | 130 | 143 | PassedExit;

/**
 * A node of the command tree. The walk resolves which one is meant; citty parses and runs a leaf.
 */
export type Command = Shown & {
  readonly args: ArgsDef;
  readonly rest: Rest | null;
  /** By name, loaded when needed; null for a leaf. */
  readonly commands: Readonly<Record<string, () => Promise<Command>>> | null;
  /** What a group runs when no command is given. */
  readonly defaultCommand: string | null;
  /** Runs a leaf with words that the walk has checked and spelled out; null for a group. */
  readonly start: ((words: readonly string[], program: Program) => Promise<CommandExit>) | null;
};

/** Understood by every command, before and after its name. */
export const globalArgs = {
  json: { type: "boolean", description: "Print JSON: one object, or one per line in a stream" },
  sexpr: { type: "boolean", description: "Print s-expressions" },
  data: {
    type: "string",
    valueHint: "folder",
    default: "data",
    description: "The folder with cluster.json and the nodes' files",
  },
  color: {
    type: "boolean",
    description: "Colours, even into a pipe",
    negativeDescription: "No colours, even on a terminal",
  },
  help: { type: "boolean", alias: "h", description: "Show this help" },
  version: { type: "boolean", alias: "v", description: "Show the version" },
} as const satisfies ArgsDef;

/** Arguments as a command sees them. */
export type Run<T extends ArgsDef> = {
  readonly args: ParsedArgs<T & typeof globalArgs>;
  readonly rest: readonly string[];
  readonly program: Program;
};

export function command<const T extends ArgsDef>(
  parts: Shown & {
    readonly args: T;
    readonly rest?: Rest;
    readonly run: (context: Run<T>) => Promise<CommandExit>;
  },
): Command {
  const named = Object.values(parts.args).filter((arg) => arg.type === "positional").length;
  const definition: CommandDef<T & typeof globalArgs> = {
    meta: { name: parts.name, description: parts.description },
    args: { ...globalArgs, ...parts.args },
    run: ({ args, data }) =>
      parts.run({ args, rest: args._.slice(named), program: data as Program }),
  };
  const start = async (words: readonly string[], program: Program): Promise<CommandExit> => {
    const { result } = await runCommand(definition, { rawArgs: [...words], data: program });
    return result as CommandExit;
  };
  return {
    ...shown(parts),
    start,
    args: parts.args,
    rest: parts.rest ?? null,
    commands: null,
    defaultCommand: null,
  };
}

export function group(
  parts: Shown & {
    readonly commands: Readonly<Record<string, () => Promise<Command>>>;
    readonly defaultCommand?: string;
  },
): Command {
  return {
    ...shown(parts),
    start: null,
    args: {},
    rest: null,
    commands: parts.commands,
    defaultCommand: parts.defaultCommand ?? null,
  };
}

const shown = ({ name, description, examples }: Shown): Shown => ({ name, description, examples });
