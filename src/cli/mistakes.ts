/** What can be wrong with a command line, each as an error that names the way out. */
import type { ArgDef, ArgsDef } from "citty";
import { OperatorError } from "../base/error.ts";
import type { Command } from "./command.ts";
import { nearest } from "./suggest.ts";

type Path = readonly Command[];

export const pathName = (path: Path): string => path.map((step) => step.name).join(" ");

const helpOf = (path: Path): string => `${pathName(path)} --help`;

function usage(parts: { code: string; what: string; why: string; fix: string[] }): OperatorError {
  return new OperatorError({ ...parts, exit: 2, applied: "no", meaning: "nothing was done" });
}

export function unknownFlag(typed: string, args: ArgsDef, path: Path): OperatorError {
  const names = flagNames(args);
  const near = nearest(typed, names);
  const shorts = /^-[a-zA-Z]{2,}$/.test(typed) ? nearest(`-${typed}`, names) : null;
  const meant = near ?? shorts;
  return usage({
    code: "unknown-flag",
    what: `${pathName(path)} does not know the flag ${typed}`,
    why:
      meant === null ? `its flags are ${names.join(" ")}` : `the nearest flag it knows is ${meant}`,
    fix: [meant ?? helpOf(path), `behind -- it is a plain word: -- ${typed}`],
  });
}

function flagNames(args: ArgsDef): string[] {
  return Object.entries(args)
    .filter(([, definition]) => definition.type !== "positional")
    .map(([name]) => `--${name}`);
}

export function unknownCommand(typed: string, known: readonly string[], path: Path): OperatorError {
  const near = nearest(typed, known);
  return usage({
    code: "unknown-command",
    what: `${pathName(path)} has no command "${typed}"`,
    why: `its commands are ${known.join(", ")}`,
    fix: near === null ? [helpOf(path)] : [`${pathName(path)} ${near}`, helpOf(path)],
  });
}

export function missingCommand(path: Path): OperatorError {
  const { commands } = path[path.length - 1]!;
  return usage({
    code: "missing-command",
    what: `${pathName(path)} was not told what to do`,
    why: `it needs one of its commands: ${Object.keys(commands ?? {}).join(", ")}`,
    fix: [helpOf(path)],
  });
}

export function missingValue(name: string, definition: ArgDef, path: Path): OperatorError {
  return usage({
    code: "missing-value",
    what: `--${name} was given without its value`,
    why: "it takes one; a value that begins with a dash is joined with =",
    fix: [`--${name}=${(definition.valueHint ?? name).toUpperCase()}`, helpOf(path)],
  });
}

export function switchWithValue(typed: string, value: string, path: Path): OperatorError {
  return usage({
    code: "bad-value",
    what: `${typed} cannot be "${value}"`,
    why: "it is a switch: on or off, true or false, 1 or 0",
    fix: [helpOf(path)],
  });
}

export function notAChoice(
  source: string,
  value: string,
  options: readonly string[],
  path: Path,
): OperatorError {
  const near = nearest(value, options);
  return usage({
    code: "bad-value",
    what: `${source} cannot be "${value}"`,
    why: `it is one of ${options.join(", ")}`,
    fix: [near === null ? helpOf(path) : `${source}=${near}`],
  });
}

/** A value that could not be read as what its flag or argument means. */
export function badValue(parts: {
  readonly source: string;
  readonly value: string;
  readonly expected: string;
  readonly example: string;
}): OperatorError {
  return usage({
    code: "bad-value",
    what: `${parts.source} cannot be "${parts.value}"`,
    why: `it is ${parts.expected}`,
    fix: [parts.example],
  });
}

export function missingArgument(name: string, path: Path): OperatorError {
  return usage({
    code: "missing-argument",
    what: `${pathName(path)} needs ${name.toUpperCase()}`,
    why: "the command line ends before it",
    fix: [usageLine(path), helpOf(path)],
  });
}

export function surplusArgument(word: string, path: Path): OperatorError {
  return usage({
    code: "surplus-argument",
    what: `${pathName(path)} has no use for "${word}"`,
    why: "every argument it takes was given before",
    fix: [usageLine(path), "put quotes around a value with spaces"],
  });
}

export function missingFlag(name: string, definition: ArgDef, path: Path): OperatorError {
  return usage({
    code: "missing-flag",
    what: `${pathName(path)} needs --${name}`,
    why: definition.description ?? "it has no default",
    fix: [`--${name}=${(definition.valueHint ?? name).toUpperCase()}`, helpOf(path)],
  });
}

export function twoFormats(path: Path): OperatorError {
  return usage({
    code: "two-formats",
    what: "--json and --sexpr were both asked for",
    why: "a result is printed once, in one notation",
    fix: [`${pathName(path)} --json`, `${pathName(path)} --sexpr`],
  });
}

/** `rusty-boat client put KEY VALUE`, with optional arguments in brackets. */
export function usageLine(path: Path): string {
  const leaf = path[path.length - 1]!;
  const words = [pathName(path)];
  if (leaf.commands !== null) words.push("COMMAND");
  for (const [name, definition] of Object.entries(leaf.args)) {
    const optional = definition.required === false || definition.default !== undefined;
    if (definition.type === "positional") {
      words.push(optional ? `[${name.toUpperCase()}]` : name.toUpperCase());
    } else if (definition.required === true) {
      words.push(`--${name} ${(definition.valueHint ?? name).toUpperCase()}`);
    }
  }
  if (leaf.rest !== null) {
    const rest = `${leaf.rest.name.toUpperCase()}…`;
    words.push(leaf.rest.least === 0 ? `[${rest}]` : rest);
  }
  return words.join(" ");
}
