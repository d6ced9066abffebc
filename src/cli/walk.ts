/**
 * From the words of a command line to one command and checked flags. citty would accept unknown
 * flags, drop surplus arguments, take `-5` for a flag, look for `--help` behind `--`, and lose
 * global flags that stand before the command's name; so the words are walked here, and citty gets a
 * spelling it cannot misread.
 *
 * Flags come before the environment (`RUSTY_BOAT_<NAME>`); of a repeated flag the last one counts.
 * A flag belongs behind the name of the command that knows it; global flags may stand anywhere.
 */
import type { ArgDef, ArgsDef } from "citty";
import type { OperatorError } from "../base/error.ts";
import type { Command } from "./command.ts";
import { globalArgs } from "./command.ts";
import { environmentFlags } from "./environment.ts";
import * as mistake from "./mistakes.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A flag as given: switched on, switched off, or with a value. */
export type FlagValue = boolean | string;

export type Walked =
  | { readonly kind: "version"; readonly values: ReadonlyMap<string, FlagValue> }
  | {
      readonly kind: "help";
      readonly path: readonly Command[];
      readonly values: ReadonlyMap<string, FlagValue>;
    }
  | {
      readonly kind: "run";
      readonly path: readonly Command[];
      readonly leaf: Command;
      readonly values: ReadonlyMap<string, FlagValue>;
      /** What citty is given: long flags with `=`, then `--`, then the plain words. */
      readonly words: readonly string[];
    }
  | {
      readonly kind: "mistake";
      readonly error: OperatorError;
      readonly values: ReadonlyMap<string, FlagValue>;
    };

type Walk = {
  readonly path: Command[];
  readonly values: Map<string, FlagValue>;
  readonly plain: string[];
  /** The first one is reported, unless help was asked for. */
  readonly mistakes: OperatorError[];
};

export async function walk(
  root: Command,
  words: readonly string[],
  environment: Environment,
): Promise<Walked> {
  const state: Walk = { path: [root], values: new Map(), plain: [], mistakes: [] };
  let flags: "flags" | "plain" = "flags";
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (flags === "flags" && word === "--") flags = "plain";
    else if (flags === "flags" && isFlag(word)) at += takeFlag(state, word, words[at + 1]);
    else await takePlain(state, word);
  }
  const { path, values } = state;
  if (values.get("help") === true) return { kind: "help", path, values };
  if (values.get("version") === true) return { kind: "version", values };
  return finish(state, environment);
}

/** `-` is a plain word, and so is a negative number. */
const isFlag = (word: string): boolean => /^-[^\d.]/.test(word);

const current = (state: Walk): Command => state.path[state.path.length - 1]!;

const known = (state: Walk): ArgsDef => ({ ...globalArgs, ...current(state).args });

/** How many further words it used up. */
function takeFlag(state: Walk, word: string, next: string | undefined): 0 | 1 {
  const args = known(state);
  const equals = word.indexOf("=");
  const typed = equals < 0 ? word : word.slice(0, equals);
  const found = findFlag(args, typed);
  if (found === null) {
    state.mistakes.push(mistake.unknownFlag(typed, args, state.path));
    return 0;
  }
  const { name, definition, sense } = found;
  const given = equals < 0 ? null : word.slice(equals + 1);
  if (definition.type === "boolean") {
    const value = given === null ? sense : switchValue(given);
    if (value === null || (given !== null && !sense)) {
      state.mistakes.push(mistake.switchWithValue(typed, given ?? "", state.path));
    } else state.values.set(name, value);
    return 0;
  }
  if (given !== null) {
    setValue(state, { name, definition, value: given, source: `--${name}` });
    return 0;
  }
  if (next === undefined || isFlag(next) || next === "--") {
    state.mistakes.push(mistake.missingValue(name, definition, state.path));
    return 0;
  }
  setValue(state, { name, definition, value: next, source: `--${name}` });
  return 1;
}

type Found = { readonly name: string; readonly definition: ArgDef; readonly sense: boolean };

/** Only a declared switch can be negated with `--no-`. */
function findFlag(args: ArgsDef, typed: string): Found | null {
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    if (typed === `--${name}`) return { name, definition, sense: true };
    if (aliases(definition).some((alias) => typed === `-${alias}`)) {
      return { name, definition, sense: true };
    }
    if (definition.type === "boolean" && typed === `--no-${name}`) {
      return { name, definition, sense: false };
    }
  }
  return null;
}

export function aliases(definition: ArgDef): readonly string[] {
  if (definition.type === "positional" || !("alias" in definition)) return [];
  const { alias } = definition;
  if (alias === undefined) return [];
  return typeof alias === "string" ? [alias] : alias;
}

/** The words for on and off, in flags and in the environment; null for any other. */
export function switchValue(text: string): boolean | null {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  return /^(0|false|no|off)$/i.test(text) ? false : null;
}

type Setting = {
  readonly name: string;
  readonly definition: ArgDef;
  readonly value: string;
  /** How the user spelled where it came from: a flag or a variable. */
  readonly source: string;
};

function setValue(state: Walk, setting: Setting): void {
  const { name, definition, value, source } = setting;
  if (definition.type === "enum" && definition.options?.includes(value) === false) {
    state.mistakes.push(mistake.notAChoice(source, value, definition.options, state.path));
  } else state.values.set(name, value);
}

async function takePlain(state: Walk, word: string): Promise<void> {
  const { commands } = current(state);
  if (commands === null) {
    state.plain.push(word);
    return;
  }
  const load = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (load !== undefined) state.path.push(await load());
  else if (state.path.length === 1 && word === "help") state.values.set("help", true);
  else state.mistakes.push(mistake.unknownCommand(word, Object.keys(commands), state.path));
}

async function finish(state: Walk, environment: Environment): Promise<Walked> {
  const { path, values } = state;
  if (state.mistakes.length === 0) await enterDefault(state);
  const leaf = current(state);
  if (state.mistakes.length === 0 && leaf.commands !== null) {
    if (path.length === 1) return { kind: "help", path, values };
    state.mistakes.push(mistake.missingCommand(path));
  }
  decideFormat(values);
  for (const setting of environmentFlags(known(state), environment)) {
    if (values.has(setting.name)) continue;
    if (setting.definition.type !== "boolean") setValue(state, setting);
    else {
      const value = switchValue(setting.value);
      if (value !== null) values.set(setting.name, value);
      else state.mistakes.push(mistake.switchWithValue(setting.source, setting.value, path));
    }
  }
  checkFormats(state);
  checkPlain(state);
  const error = state.mistakes[0];
  if (error !== undefined) return { kind: "mistake", error, values };
  return { kind: "run", path, leaf, values, words: spelledOut(state) };
}

async function enterDefault(state: Walk): Promise<void> {
  const { commands, defaultCommand } = current(state);
  if (commands === null || defaultCommand === null) return;
  const load = commands[defaultCommand];
  if (load !== undefined) state.path.push(await load());
}

/** A notation that was asked for by a flag is not in the way of one that the environment asks for: it wins. */
function decideFormat(values: Map<string, FlagValue>): void {
  if (values.get("json") === true && !values.has("sexpr")) values.set("sexpr", false);
  if (values.get("sexpr") === true && !values.has("json")) values.set("json", false);
}

function checkFormats(state: Walk): void {
  if (state.values.get("json") === true && state.values.get("sexpr") === true) {
    state.mistakes.push(mistake.twoFormats(state.path));
  }
}

function checkPlain(state: Walk): void {
  const leaf = current(state);
  const wanted = Object.entries(leaf.args).filter(([, arg]) => arg.type === "positional");
  for (const [at, [name, definition]] of wanted.entries()) {
    const needed = definition.required !== false && definition.default === undefined;
    if (needed && state.plain[at] === undefined) {
      state.mistakes.push(mistake.missingArgument(name, state.path));
    }
  }
  const beyond = state.plain.slice(wanted.length);
  if (leaf.rest === null && beyond[0] !== undefined) {
    state.mistakes.push(mistake.surplusArgument(beyond[0], state.path));
  }
  if (leaf.rest !== null && beyond.length < leaf.rest.least) {
    state.mistakes.push(mistake.missingArgument(leaf.rest.name, state.path));
  }
  for (const [name, definition] of Object.entries(leaf.args)) {
    const given = definition.type === "positional" || state.values.has(name);
    if (!given && definition.required === true && definition.default === undefined) {
      state.mistakes.push(mistake.missingFlag(name, definition, state.path));
    }
  }
}

function spelledOut(state: Walk): string[] {
  const flags: string[] = [];
  for (const [name, value] of state.values) {
    if (typeof value === "string") flags.push(`--${name}=${value}`);
    else flags.push(value ? `--${name}` : `--no-${name}`);
  }
  return [...flags, "--", ...state.plain];
}
