/** Flags that rule each other out. */
import { exits, OperatorError } from "../../base/error.ts";

export type Choice = readonly [flag: string, given: boolean];

/** Of these, one at most. */
export function exclusive(choices: readonly Choice[]): void {
  const given = choices.filter(([, is]) => is).map(([flag]) => flag);
  if (given.length < 2) return;
  throw new OperatorError({
    code: "contradiction",
    what: `${given.join(" and ")} were both given`,
    why: "they contradict each other",
    fix: given.map((flag) => `${flag} alone`),
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });
}
