/** What the nodes say about themselves, read back from their s-expressions and put together. */
import type { Address } from "../base/address.ts";
import type { NodeId } from "../base/numbers.ts";
import { isNodeId } from "../base/numbers.ts";
import { field, formName, integerField, textField } from "../sexp/query.ts";
import { read, SexpError } from "../sexp/read.ts";
import type { Sexp } from "../sexp/value.ts";
import type { StatusAnswer } from "./ask.ts";

export type NodeStatus = {
  readonly id: NodeId;
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly last: number;
  readonly snapshot: number;
  /** Whom it follows; null where it knows of none. */
  readonly leader: number | null;
  /** As the node itself believes; empty where it does not say. */
  readonly voters: readonly number[];
};

/** A node's own description, or null where it is none. */
export function parseNodeStatus(text: string): NodeStatus | null {
  const value = readOrNull(text);
  if (value === null || value.kind !== "list" || formName(value) !== "node") return null;
  const id = value.items[1];
  if (id?.kind !== "integer" || !isNodeId(id.value)) return null;
  const role = textField(value, "role");
  const term = integerField(value, "term");
  const commit = integerField(value, "commit");
  const log = listField(value, "log");
  const last = log === null ? null : integerField(log, "last");
  if (role === null || term === null || commit === null || last === null) return null;
  return {
    id: id.value,
    role,
    term,
    commit,
    last,
    applied: integerField(value, "applied") ?? commit,
    snapshot: integerField(value, "snapshot") ?? 0,
    leader: integerField(value, "leader"),
    voters: votersOf(value),
  };
}

function readOrNull(text: string): Sexp | null {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof SexpError) return null;
    throw error;
  }
}

const listField = (value: Sexp, name: string): Sexp | null => {
  const items = field(value, name);
  return items === null ? null : { kind: "list", items };
};

function votersOf(value: Sexp): readonly number[] {
  const members = listField(value, "members");
  const voters = members === null ? null : field(members, "voters");
  return (voters ?? []).flatMap((item) => (item.kind === "integer" ? [item.value] : []));
}

/** One line of `cluster status`. */
export type NodeReport = {
  readonly id: NodeId | null;
  readonly address: Address;
  readonly pid: number | null;
  readonly status: NodeStatus | null;
  readonly ms: number | null;
  /** Why there is no status. */
  readonly error: string | null;
};

export type Asked = {
  /** null: not known before it answers. */
  readonly id: NodeId | null;
  readonly address: Address;
  readonly pid: number | null;
};

export function reportOf(asked: Asked, answer: StatusAnswer | undefined): NodeReport {
  const none = { ...asked, status: null, ms: null };
  if (answer === undefined || answer.kind === "refused") {
    return { ...none, error: "nobody listens there" };
  }
  if (answer.kind === "silent") return { ...none, error: `silent for ${answer.ms} ms` };
  const status = parseNodeStatus(answer.text);
  if (status === null) return { ...none, error: "it answers with something else than a status" };
  if (asked.id !== null && status.id !== asked.id) {
    return { ...none, error: `node${status.id} answers there` };
  }
  return { ...asked, id: status.id, status, ms: answer.ms, error: null };
}

export type ClusterStatus = {
  readonly leader: NodeId | null;
  readonly term: number;
  /** Whether a majority of the voters is in the leader's term with it: then writes are accepted. */
  readonly quorum: "quorum" | "no-quorum";
  readonly nodes: readonly NodeReport[];
};

export function clusterStatus(nodes: readonly NodeReport[]): ClusterStatus {
  const heard = nodes.flatMap((node) => (node.status === null ? [] : [node.status]));
  const leaders = heard.filter((status) => status.role === "leader");
  const leader = leaders.reduce<NodeStatus | null>(
    (best, next) => (best === null || next.term > best.term ? next : best),
    null,
  );
  const term = Math.max(0, ...heard.map((status) => status.term));
  if (leader === null) return { leader: null, term, quorum: "no-quorum", nodes };
  const voters = leader.voters.length > 0 ? leader.voters : nodes.map((node) => node.id);
  const following = heard.filter(
    (status) =>
      status.term === leader.term &&
      voters.includes(status.id) &&
      (status.id === leader.id || status.leader === leader.id),
  );
  const quorum = following.length > voters.length / 2 ? "quorum" : "no-quorum";
  return { leader: leader.id, term, quorum, nodes };
}
