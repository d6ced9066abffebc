/**
 * Help for one level of the command tree, made from the same definitions that the flags are checked
 * with.
 */
import type { ArgDef, ArgsDef } from "citty";
import type { Command, Example } from "./command.ts";
import { globalArgs } from "./command.ts";
import { hasVariable, variableOf } from "./environment.ts";
import { pathName, usageLine } from "./mistakes.ts";
import type { Paint } from "./paint.ts";
import { aliases } from "./walk.ts";

type Row = readonly [left: string, right: string];

export async function help(path: readonly Command[], paint: Paint): Promise<string> {
  const leaf = path[path.length - 1]!;
  const sections = [
    leaf.description,
    section(paint, "Usage", [[`${usageLine(path)} [FLAGS]`, ""]]),
    section(paint, "Commands", await commandRows(leaf)),
    section(paint, "Arguments", argumentRows(leaf)),
    section(paint, "Flags", flagRows(leaf.args)),
    section(paint, "Flags of every command", flagRows(globalArgs)),
    section(paint, "Examples", leaf.examples.map(exampleRow)),
    closing(path),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function section(paint: Paint, title: string, rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) =>
    right === "" ? `  ${left}` : `  ${paint.cyan(left.padEnd(width))}  ${right}`,
  );
  return [paint.bold(title), ...lines].join("\n");
}

async function commandRows(leaf: Command): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, load] of Object.entries(leaf.commands ?? {})) {
    rows.push([name, (await load()).description]);
  }
  return rows;
}

function argumentRows(leaf: Command): Row[] {
  const rows: Row[] = [];
  for (const [name, definition] of Object.entries(leaf.args)) {
    if (definition.type !== "positional") continue;
    rows.push([name.toUpperCase(), describe(definition, [])]);
  }
  if (leaf.rest !== null) rows.push([`${leaf.rest.name.toUpperCase()}…`, leaf.rest.description]);
  return rows;
}

function flagRows(args: ArgsDef): Row[] {
  const rows: Row[] = [];
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    const short = aliases(definition).map((alias) => `-${alias}, `);
    const notes = hasVariable(name, definition) ? [variableOf(name)] : [];
    rows.push([
      `${short.join("")}--${name}${valueHint(name, definition)}`,
      describe(definition, notes),
    ]);
    if (definition.type === "boolean" && definition.negativeDescription !== undefined) {
      rows.push([`--no-${name}`, definition.negativeDescription]);
    }
  }
  return rows;
}

function valueHint(name: string, definition: ArgDef): string {
  if (definition.type === "boolean") return "";
  if (definition.type === "enum") return ` ${definition.options?.join("|") ?? name.toUpperCase()}`;
  return ` ${(definition.valueHint ?? name).toUpperCase()}`;
}

function describe(definition: ArgDef, notes: readonly string[]): string {
  const extra = [...notes];
  if (definition.default !== undefined) extra.unshift(`default ${definition.default}`);
  const description = definition.description ?? "";
  return extra.length === 0 ? description : `${description} [${extra.join(", ")}]`;
}

const exampleRow = (example: Example): Row => [example.line, example.does];

function closing(path: readonly Command[]): string {
  const leaf = path[path.length - 1]!;
  return leaf.commands === null ? "" : `More about a command: ${pathName(path)} COMMAND --help`;
}
