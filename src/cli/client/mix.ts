/** What a load consists of: `put:100`, `put:50,get:50`. The weights are shares of their sum. */
import { byteString, utf8 } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import type { Consistency } from "../../client/request.ts";
import type { Operation } from "../../kv/command.ts";
import { badValue } from "../mistakes.ts";
import { parseCount } from "../quantity.ts";

export const workKinds = ["put", "get", "stale", "del"] as const;
export type WorkKind = (typeof workKinds)[number];

export type Mix = readonly { readonly kind: WorkKind; readonly weight: number }[];

const weightMax = 1_000_000;

export function mixFlag(text: string): Mix {
  const mix = text.split(",").map((part) => {
    const [name, weight] = part.split(":").map((word) => word.trim());
    const kind = workKinds.find((known) => known === name);
    const count = parseCount(weight ?? "");
    if (kind === undefined || count === null || count < 1 || count > weightMax) throw badMix(text);
    return { kind, weight: count };
  });
  if (new Set(mix.map(({ kind }) => kind)).size === mix.length) return mix;
  throw badMix(text);
}

const badMix = (value: string) =>
  badValue({
    source: "--mix",
    value,
    expected: `kinds with their weights, each once: ${workKinds.join(", ")}`,
    example: "--mix put:50,get:50",
  });

export const writes = (mix: Mix): "writes" | "only-reads" =>
  mix.some(({ kind }) => isWrite(kind)) ? "writes" : "only-reads";

export const isWrite = (kind: WorkKind): boolean => kind === "put" || kind === "del";

export const keyPrefix = "bench-";

export function benchKeys(count: number): readonly string[] {
  const digits = `${count - 1}`.length;
  return Array.from({ length: count }, (_, at) => keyPrefix + `${at}`.padStart(digits, "0"));
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function benchValue(bytes: number, random: Random): Uint8Array {
  const value = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) value[at] = letters.charCodeAt(random.below(letters.length));
  return value;
}

/** Chooses by chance what each request does; the same seed chooses the same. */
export class Work {
  readonly #mix: Mix;
  readonly #sum: number;
  readonly #keys: readonly string[];
  readonly #value: Uint8Array;
  readonly #random: Random;

  constructor(parts: { mix: Mix; keys: number; valueBytes: number; random: Random }) {
    this.#mix = parts.mix;
    this.#sum = parts.mix.reduce((sum, { weight }) => sum + weight, 0);
    this.#keys = benchKeys(parts.keys);
    this.#value = benchValue(parts.valueBytes, parts.random);
    this.#random = parts.random;
  }

  kind(): WorkKind {
    const first = this.#mix[0]!;
    if (this.#mix.length === 1) return first.kind;
    let at = this.#random.below(this.#sum);
    for (const { kind, weight } of this.#mix) {
      if (at < weight) return kind;
      at -= weight;
    }
    return first.kind;
  }

  operation(kind: WorkKind): Operation {
    const key = this.#keys[this.#random.below(this.#keys.length)]!;
    if (kind === "put") return { kind, key, value: this.#value, condition: always };
    return kind === "del" ? { kind: "delete", key } : { kind: "get", key };
  }
}

const always = { kind: "always" } as const;

export const consistencyOf = (kind: WorkKind): Consistency =>
  kind === "stale" ? "stale" : "linearizable";

/** One operation that shows whether the cluster answers at all. */
export const firstOperation = (mix: Mix): Operation =>
  writes(mix) === "writes" ? { kind: "noop" } : { kind: "get", key: byteString(utf8(keyPrefix)) };
