/**
 * Linearizability by its definition, for histories of a few operations: tries every order there is. Knows nothing of
 * characters, names or returns; only what a step means.
 */
import {
  illegal,
  type Machine,
  type ModelState,
  type Recorded,
} from "../../../src/sim/linearizability-model.ts";

export function someOrderExists<Operation>(
  records: readonly Recorded<Operation>[],
  machine: Pick<Machine<Operation>, "initial" | "step">,
): "some" | "none" {
  return orderExists(records, machine, machine.initial);
}

function orderExists<Operation>(
  left: readonly Recorded<Operation>[],
  machine: Pick<Machine<Operation>, "step">,
  state: ModelState,
): "some" | "none" {
  if (left.every(({ returned }) => returned === null)) return "some";
  for (const one of left) {
    if (left.some((other) => isBefore(other, one))) continue;
    const next = machine.step(state, one.operation);
    if (next === illegal) continue;
    const rest = left.filter((other) => other !== one);
    if (orderExists(rest, machine, next) === "some") return "some";
  }
  return "none";
}

/** At one and the same moment, calls come before returns. */
const isBefore = (one: Recorded<unknown>, other: Recorded<unknown>): boolean =>
  one.returned !== null && one.returned < other.called;
