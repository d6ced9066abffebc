/**
 * Texts of flags and arguments as the values they mean, or an error that names the flag and an
 * example.
 */
import type { Address } from "../base/address.ts";
import { parseAddress } from "../base/address.ts";
import type { NodeId } from "../base/numbers.ts";
import { badValue } from "./mistakes.ts";
import { parseCount, parseDuration, parseNodeList, parseNodeName, parseSize } from "./quantity.ts";

/** `source` is how the user knows it: `--timeout`, `NODE`. */
export type Given = { readonly source: string; readonly value: string };

export const durationFlag = (given: Given): number =>
  parsed(given, parseDuration(given.value), "a duration with a unit, like 250ms, 2s or 1m", "2s");

export const sizeFlag = (given: Given): number =>
  parsed(given, parseSize(given.value), "a size, like 64KiB or 1MiB", "1MiB");

export function countFlag(given: Given, range: { min: number; max: number }): number {
  const count = parseCount(given.value);
  const inside = count !== null && count >= range.min && count <= range.max ? count : null;
  return parsed(given, inside, `a whole number from ${range.min} to ${range.max}`, `${range.min}`);
}

export const nodeFlag = (given: Given): NodeId =>
  parsed(given, parseNodeName(given.value), "a node's number, like 3 or node3", "3");

export const nodeListFlag = (given: Given): readonly NodeId[] =>
  parsed(given, parseNodeList(given.value), "node numbers, each once, like 1,2", "1,2");

export const addressFlag = (given: Given): Address =>
  parsed(given, parseAddress(given.value), "host:port", "127.0.0.1:7101");

function parsed<T>(given: Given, value: T | null, expected: string, sample: string): T {
  if (value !== null) return value;
  const example = given.source.startsWith("--") ? `${given.source} ${sample}` : sample;
  throw badValue({ ...given, expected, example });
}
