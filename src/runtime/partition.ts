/**
 * Cutting the links of a local cluster: which node drops whose datagrams. Nodes that no group names
 * keep all their links, so that a bridge between two sides can be tried; a single group is cut off
 * from all others.
 */
import type { NodeId } from "../base/numbers.ts";

export type Partition = {
  readonly groups: readonly (readonly NodeId[])[];
  /** `one-way`: what the first group sends to the second is lost; the other way it arrives. */
  readonly direction: "both-ways" | "one-way";
};

/** What the supervisor tells a node: whose datagrams to drop. Empty lists: none. */
export type BlockMessage = {
  readonly kind: "block";
  readonly receiveFrom: readonly number[];
  readonly sendTo: readonly number[];
};

export const noBlock: BlockMessage = { kind: "block", receiveFrom: [], sendTo: [] };

export type PartitionProblem = "unknown-node" | "node-in-two-groups" | "one-way-needs-two-groups";

export function partitionProblem(
  nodes: readonly NodeId[],
  { groups, direction }: Partition,
): PartitionProblem | null {
  const named = groups.flat();
  if (named.some((id) => !nodes.includes(id))) return "unknown-node";
  if (new Set(named).size !== named.length) return "node-in-two-groups";
  const sides = completed(nodes, groups).length;
  return direction === "one-way" && sides !== 2 ? "one-way-needs-two-groups" : null;
}

/** `1,2` alone stands for `1,2/everybody else`. */
function completed(
  nodes: readonly NodeId[],
  groups: Partition["groups"],
): readonly (readonly NodeId[])[] {
  const [only] = groups;
  if (groups.length !== 1 || only === undefined) return groups;
  const others = nodes.filter((id) => !only.includes(id));
  return others.length === 0 ? groups : [only, others];
}

export function blockFor(
  id: NodeId,
  nodes: readonly NodeId[],
  partition: Partition | null,
): BlockMessage {
  if (partition === null) return noBlock;
  const groups = completed(nodes, partition.groups);
  const mine = groups.findIndex((group) => group.includes(id));
  if (mine < 0) return noBlock;
  const others = groups.filter((_, at) => at !== mine).flat();
  if (partition.direction === "both-ways") {
    return { kind: "block", receiveFrom: others, sendTo: others };
  }
  return mine === 0
    ? { kind: "block", receiveFrom: [], sendTo: others }
    : { kind: "block", receiveFrom: others, sendTo: [] };
}

/** As it is written: `1,2/3,4,5`. */
export const formatPartition = ({ groups, direction }: Partition): string => {
  const text = groups.map((group) => group.join(",")).join("/");
  return direction === "one-way" ? `${text} one-way` : text;
};
