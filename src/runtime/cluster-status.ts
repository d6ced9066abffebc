/** What the nodes say about themselves, read back from their s-expressions and put together. */
import { type Address, parseAddress } from "../base/address.ts";
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
  /** The last entry in its snapshot, 0 where it has none. */
  readonly snapshot: number;
  /** Whom it follows; null where it knows of none. */
  readonly leader: number | null;
  /** As the node itself believes; empty where it does not say. */
  readonly members: MembersSeen;
  /** Of a leader: how far each of the others is, as it knows. */
  readonly matches: ReadonlyMap<number, number>;
};

/** A configuration. During a change of voters the outgoing ones decide as well. */
export type MembersSeen = {
  readonly voters: readonly number[];
  readonly outgoing: readonly number[];
  readonly learners: readonly number[];
  /** Whether it is known to be committed, and leads to no other. */
  readonly state: "settled" | "changing";
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
    snapshot: snapshotOf(value),
    leader: integerField(value, "leader"),
    members: membersOf(value),
    matches: matchesOf(value),
  };
}

/** Where the members are that a node names in its own description; none where it is none. */
export function addressesIn(text: string): readonly Address[] {
  const value = readOrNull(text);
  const members = value === null ? null : listField(value, "members");
  const places = members === null ? null : field(members, "places");
  return (places ?? []).flatMap((place) => {
    const address = place.kind === "list" ? place.items[1] : undefined;
    return address?.kind === "string" ? (parseAddress(address.text) ?? []) : [];
  });
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

function snapshotOf(value: Sexp): number {
  const snapshot = listField(value, "snapshot");
  const [index] = snapshot === null ? [] : integersOf(field(snapshot, "last") ?? []);
  return index ?? 0;
}

function membersOf(value: Sexp): MembersSeen {
  const members = listField(value, "members");
  const group = (name: string): readonly number[] =>
    members === null ? [] : integersOf(field(members, name) ?? []);
  return {
    voters: group("voters"),
    outgoing: group("outgoing"),
    learners: group("learners"),
    state: field(value, "changing") === null ? "settled" : "changing",
  };
}

const integersOf = (items: readonly Sexp[]): readonly number[] =>
  items.flatMap((item) => (item.kind === "integer" ? [item.value] : []));

function matchesOf(value: Sexp): ReadonlyMap<number, number> {
  const matches = new Map<number, number>();
  for (const row of field(value, "followers") ?? []) {
    const id = row.kind === "list" ? row.items[0] : undefined;
    const match = integerField(row, "match");
    if (id?.kind === "integer" && match !== null) matches.set(id.value, match);
  }
  return matches;
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
  /** The leader's; null where there is none. */
  readonly members: MembersSeen | null;
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
  if (leader === null) return { leader: null, term, members: null, quorum: "no-quorum", nodes };
  const { members } = leader;
  const voters = members.voters.length > 0 ? members.voters : nodes.map((node) => node.id);
  const following = heard.filter(
    (status) =>
      status.term === leader.term && (status.id === leader.id || status.leader === leader.id),
  );
  const agrees = (group: readonly (number | null)[]): boolean =>
    group.length === 0 ||
    following.filter(({ id }) => group.includes(id)).length > group.length / 2;
  const quorum = agrees(voters) && agrees(members.outgoing) ? "quorum" : "no-quorum";
  return { leader: leader.id, term, members, quorum, nodes };
}
