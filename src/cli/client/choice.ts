/**
 * Flags that rule each other out. What was typed outranks what the environment says, so only two that
 * were both typed, or both stand in the environment, contradict each other.
 */
import { exits, OperatorError } from "../../base/error.ts";
import { variableOf } from "../environment.ts";
import type { Environment } from "../walk.ts";

/** `--stale`, or `VALUE` for a plain word. */
export type Choice<Name extends string> = readonly [name: Name, given: boolean];

/** The one that holds, or null where none was given. */
export function chosen<const Name extends string>(
  choices: readonly Choice<Name>[],
  environment: Environment,
): Name | null {
  const given = choices.filter(([, is]) => is).map(([name]) => name);
  const typed = given.filter((name) => !standsIn(environment, name));
  const holding = typed.length > 0 ? typed : given;
  if (holding.length > 1) throw contradiction(holding);
  return holding[0] ?? null;
}

function standsIn(environment: Environment, name: string): boolean {
  if (!name.startsWith("--")) return false;
  return (environment[variableOf(name.slice(2))] ?? "") !== "";
}

function contradiction(names: readonly string[]): OperatorError {
  return new OperatorError({
    code: "contradiction",
    what: `${names.join(" and ")} were both given`,
    why: "they contradict each other",
    fix: names.map((name) => `${name} alone`),
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });
}
