/**
 * The names of a node's files. The active segment is always `node1.log`. A closed one is
 * `node1.<number>.log`, its number being the index of the first entry it may hold, in fifteen
 * digits, so that a listing is in the order of the log with the active segment last.
 *
 * After a truncation a segment can begin at or before the index that an earlier one began at. It is
 * then numbered one after that one: names stay unique and sorted, and the header has the true
 * index.
 *
 * A snapshot is `node1.<index>.snap`, with the index of the last entry in it; while it is made or
 * received it has another name, and is nothing yet.
 */
import type { NodeId } from "../base/numbers.ts";

const numberDigits = 15;

export const activeName = (node: NodeId): string => `node${node}.log`;

/** A segment that is being made. It gets its real name once its header is durable. */
export const newName = (node: NodeId): string => `node${node}.log.new`;

export const closedName = (node: NodeId, number: number): string =>
  `node${node}.${number.toString().padStart(numberDigits, "0")}.log`;

export const snapshotName = (node: NodeId, index: number): string =>
  `node${node}.${index.toString().padStart(numberDigits, "0")}.snap`;

/** A snapshot that this node is making, or that it is receiving. It gets its real name once it is durable. */
export const unfinishedSnapshotName = (
  node: NodeId,
  index: number,
  origin: "made" | "received",
): string => `${snapshotName(node, index)}.${origin === "made" ? "new" : "part"}`;

/** Everything of a node among these names that is, or was to be, a snapshot. */
export const snapshotNames = (node: NodeId, names: readonly string[]): readonly string[] =>
  names.filter((name) => {
    const match = /^node(\d+)\.\d{15}\.snap(\.new|\.part)?$/.exec(name);
    return match !== null && Number(match[1]) === node;
  });

/** The index in a whole snapshot's name, or null where the name is none. */
export function snapshotIndex(name: string): number | null {
  const match = /^node\d+\.(\d{15})\.snap$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/** A journal that is being written in place of a damaged one: while it is not whole, and when it is. */
export const repairName = (node: NodeId, state: "unfinished" | "whole"): string =>
  `node${node}.log.${state === "whole" ? "repaired" : "repairing"}`;

/** What a damaged file is called once another is in its place. `copy` counts from 1. */
export const damagedName = (name: string, copy: number): string => `${name}.damaged-${copy}`;

/** Where the bytes are kept that were cut off at `offset`. `copy` counts from 1. */
export const cutName = (node: NodeId, offset: number, copy: number): string =>
  `node${node}.log.cut-${offset}${copy === 1 ? "" : `-${copy}`}`;

/** The number in a closed segment's name, or null where the name is not one of this node. */
export function closedNumber(node: NodeId, name: string): number | null {
  const match = /^node(\d+)\.(\d{15})\.log$/.exec(name);
  return match !== null && Number(match[1]) === node && name === closedName(node, Number(match[2]))
    ? Number(match[2])
    : null;
}

/** The closed segments of a node among these names, oldest first. */
export const closedNames = (node: NodeId, names: readonly string[]): readonly string[] =>
  names.filter((name) => closedNumber(node, name) !== null).sort();

/** Which of a node's files a name (or a path that ends in it) stands for. */
export const roleOf = (name: string): "closed" | "active" =>
  /\.\d{15}\.log$/.test(name) ? "closed" : "active";
