/**
 * Every flag's second home: `RUSTY_BOAT_<NAME>`, read when the flag is not given. An empty one is
 * not set.
 */
import type { ArgDef, ArgsDef } from "citty";

export type EnvironmentFlag = {
  readonly name: string;
  readonly definition: ArgDef;
  readonly value: string;
  readonly source: string;
};

export const variableOf = (flag: string): string =>
  `RUSTY_BOAT_${flag.toUpperCase().replaceAll("-", "_")}`;

/** Flags that are questions about the program, not settings. */
const questions = new Set(["help", "version"]);

export const hasVariable = (flag: string, definition: ArgDef): boolean =>
  definition.type !== "positional" && !questions.has(flag);

export function environmentFlags(
  args: ArgsDef,
  environment: Readonly<Record<string, string | undefined>>,
): EnvironmentFlag[] {
  const found: EnvironmentFlag[] = [];
  for (const [name, definition] of Object.entries(args)) {
    if (!hasVariable(name, definition)) continue;
    const source = variableOf(name);
    const value = environment[source];
    if (value !== undefined && value !== "") found.push({ name, definition, value, source });
  }
  return found;
}
