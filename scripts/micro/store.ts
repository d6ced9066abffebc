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
import { type Case, microCase, repeated } from "./case.ts";

const inputs = 256;

export function storeCases(): readonly Case[] {
  return [...casesOf(100), ...casesOf(10_000)];
}

function casesOf(keys: number): readonly Case[] {
  const machine = new Machine(null, limits, new Comparison(new Counters()));
  const all = new Puts({ keys, valueBytes: 64, order: "each-once-first" });
  for (const entry of all.entries(keys + 1)) machine.apply(entry, null);
  const random = seededRandom(9);
  const gets = Array.from({ length: inputs }, () =>
    byteString(utf8(`bench-${random.below(keys)}`)),
  );
  const among = `among ${keys.toLocaleString("en")} keys`;
  return [
    microCase({
      name: `store: a put decoded and applied ${among}`,
      times: inputs,
      prepare: () => nextEntries(machine, all),
      work: (entries) => {
        for (const entry of entries) machine.apply(entry, null);
        machine.past.trim(nextIndex(machine.applied));
      },
    }),
    repeated(`store: a get ${among}`, gets, (key) => {
      const reply = read(machine.store, { kind: "get", key }, machine.applied, millis(1));
      return must(reply.kind === "found" ? reply : null, "every key is there");
    }),
  ];
}

function nextEntries(machine: Machine, source: Puts): readonly Entry[] {
  const entries = source.entries(inputs);
  if (entries[0]?.index !== nextIndex(machine.applied))
    throw new Error("entries follow each other");
  return entries;
}
