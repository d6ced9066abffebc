/**
 * Transactions and counting as clients of the simulator ask for them. What is counted has keys of its own, on which
 * now and then something else is written, so that counting is refused.
 */
import { byteString, utf8 } from "../../base/bytes.ts";
import { logIndex } from "../../base/numbers.ts";
import { between, type Random } from "../../base/random.ts";
import { type Guard, type Operation, relations, type Step } from "../../kv/command.ts";
import { oneOf } from "../chance.ts";

/** Keys that are counted with begin so. The checker that knows single keys only leaves them out. */
export const tallyPrefix = "tally-";
const tallies = 3;

/** What a client knows, and how it makes values. */
export type Draws = {
  readonly random: Random;
  readonly keys: number;
  readonly known: (key: string) => { readonly value: Uint8Array; readonly revision: number } | null;
  readonly value: () => Uint8Array;
};

const plainKey = ({ random, keys }: Draws): string => byteString(utf8(`key-${random.below(keys)}`));
const tallyKey = ({ random }: Draws): string =>
  byteString(utf8(tallyPrefix + random.below(tallies)));

export const drawIncr = (draws: Draws): Operation => ({
  ...{ kind: "incr", key: tallyKey(draws) },
  by: between(draws.random, { min: -3, max: 5 }),
});

export function drawTransaction(draws: Draws): Operation {
  const guard = drawGuard(draws, 1);
  return { kind: "txn", guard, holding: drawSteps(draws), otherwise: drawSteps(draws) };
}

const drawSteps = (draws: Draws): readonly Step[] =>
  Array.from({ length: draws.random.below(5) }, () => drawStep(draws));

/** At the ends of what can be counted with, and beyond it. */
const oddTallies = ["9007199254740990", "-9007199254740989", "many", "007", ""];

function drawStep(draws: Draws): Step {
  const { random } = draws;
  const condition = { kind: "always" } as const;
  switch (random.below(7)) {
    case 0:
      return { kind: "delete", key: random.below(4) === 0 ? tallyKey(draws) : plainKey(draws) };
    case 1:
    case 2:
      return { kind: "get", key: random.below(2) === 0 ? tallyKey(draws) : plainKey(draws) };
    case 3:
      return { kind: "incr", key: tallyKey(draws), by: between(random, { min: -3, max: 5 }) };
    case 4:
      if (random.below(2) === 0) break;
      return {
        kind: "put",
        key: tallyKey(draws),
        value: utf8(oneOf(random, oddTallies)),
        condition,
      };
    default:
  }
  return { kind: "put", key: plainKey(draws), value: draws.value(), condition };
}

const depthMax = 3;

function drawGuard(draws: Draws, depth: number): Guard {
  const { random } = draws;
  const drawn = random.below(depth === depthMax ? 3 : 6);
  const key = plainKey(draws);
  const known = draws.known(key);
  switch (drawn) {
    case 0:
      return { kind: "exists", key };
    case 1: {
      const relation = oneOf(random, relations);
      return { kind: "revision", key, relation, revision: logIndex(known?.revision ?? 0) };
    }
    case 2:
      return {
        kind: "value",
        key,
        relation: oneOf(random, relations),
        value: known?.value ?? utf8("?"),
      };
    case 3:
      return { kind: "not", guard: drawGuard(draws, depth + 1) };
    default: {
      const guards = Array.from({ length: random.below(3) }, () => drawGuard(draws, depth + 1));
      return { kind: drawn === 4 ? "and" : "or", guards };
    }
  }
}
