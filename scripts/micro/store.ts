/** Committed entries applied to the store, and reads of it. */
import { must } from "../../src/base/assert.ts";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import { millis, nextIndex } from "../../src/base/numbers.ts";
import { seededRandom } from "../../src/base/random.ts";
import { limits } from "../../src/kv/command.ts";
import { read } from "../../src/kv/store.ts";
import type { Entry } from "../../src/raft/types.ts";
import { Comparison } from "../../src/replica/comparison.ts";
import { Counters } from "../../src/replica/counters.ts";
import { Machine } from "../../src/replica/machine.ts";
import { Puts } from "../measure/puts.ts";
import { type Bench, type Case, microCase } from "./case.ts";

const inputs = 256;

export function storeCases(): readonly Case[] {
  return [...casesOf(100), ...casesOf(10_000)];
}

function casesOf(keys: number): readonly Case[] {
  const among = `among ${keys.toLocaleString("en")} keys`;
  return [
    microCase({
      name: `store: a put decoded and applied ${among}`,
      times: inputs,
      make: () => applying(keys),
    }),
    microCase({ name: `store: a get ${among}`, times: inputs, make: () => reading(keys) }),
  ];
}

type Filled = { readonly machine: Machine; readonly source: Puts };

/** Every key is there. */
function filled(keys: number): Filled {
  const machine = new Machine(null, limits, new Comparison(new Counters()));
  const source = new Puts({ keys, valueBytes: 64, order: "each-once-first" });
  for (const entry of source.entries(keys + 1)) machine.apply(entry, null);
  return { machine, source };
}

function applying(keys: number): Bench<readonly Entry[]> {
  const { machine, source } = filled(keys);
  return {
    prepare: () => source.entries(inputs),
    work: (entries) => {
      for (const entry of entries) machine.apply(entry, null);
      machine.past.trim(nextIndex(machine.applied));
    },
  };
}

function reading(keys: number): Bench<readonly string[]> {
  const { machine } = filled(keys);
  const random = seededRandom(9);
  const key = (): string => byteString(utf8(`bench-${random.below(keys)}`));
  return {
    prepare: () => Array.from({ length: inputs }, key),
    work: (wanted) => {
      for (const one of wanted) {
        const reply = read(machine.store, { kind: "get", key: one }, machine.applied, millis(1));
        must(reply.kind === "found" ? reply : null, "every key is there");
      }
    },
  };
}
