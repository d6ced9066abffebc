/**
 * `cluster status` in its three notations. The JSON is a contract: names are added, never changed.
 */
import { formatAddress } from "../../base/address.ts";
import type { NodeId } from "../../base/numbers.ts";
import type { ClusterStatus, MembersSeen, NodeReport } from "../../runtime/cluster-status.ts";
import { formatClusterId } from "../../runtime/node-config.ts";
import type { Sexp, SexpInput } from "../../sexp/value.ts";
import { form, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import { type Paint, visible } from "../paint.ts";

export type ShownStatus = {
  readonly status: ClusterStatus;
  /** 0: not known. */
  readonly clusterId: number;
  readonly paint: Paint;
};

export function statusResult(shown: ShownStatus): Result {
  return {
    text: () => statusText(shown),
    json: () => statusJson(shown),
    sexpr: () => statusSexp(shown),
  };
}

const clusterName = (id: number): string | null => (id === 0 ? null : formatClusterId(id));

function statusJson({ status, clusterId }: ShownStatus): object {
  return {
    cluster: clusterName(clusterId),
    leader: status.leader,
    term: status.term,
    quorum: status.quorum === "quorum",
    members: membersJson(status.members),
    nodes: status.nodes.map((node) => ({
      id: node.id,
      address: formatAddress(node.address),
      pid: node.pid,
      reachable: node.status !== null,
      role: node.status?.role ?? null,
      member: memberKind(status.members, node.id),
      term: node.status?.term ?? null,
      commit: node.status?.commit ?? null,
      applied: node.status?.applied ?? null,
      last: node.status?.last ?? null,
      snapshot: node.status?.snapshot ?? null,
      error: node.error,
    })),
  };
}

const membersJson = (members: MembersSeen | null): object | null =>
  members === null
    ? null
    : { ...members, state: undefined, changing: members.state === "changing" };

/** What the leader has a node as; null where nobody leads. */
function memberKind(members: MembersSeen | null, id: NodeId | null): string | null {
  if (members === null || id === null) return null;
  if (members.voters.includes(id)) return "voter";
  if (members.learners.includes(id)) return "learner";
  return members.outgoing.includes(id) ? "leaving" : "none";
}

/** Groups that are empty are not said. */
function membersSexp(members: MembersSeen): Sexp {
  const groups = [form("voters", ...members.voters)];
  if (members.outgoing.length > 0) groups.push(form("outgoing", ...members.outgoing));
  if (members.learners.length > 0) groups.push(form("learners", ...members.learners));
  if (members.state === "changing") groups.push(form("changing"));
  return form("members", ...groups);
}

function statusSexp({ status, clusterId }: ShownStatus): Sexp {
  return form(
    "cluster",
    form("id", clusterName(clusterId) ?? word("unknown")),
    form("leader", status.leader ?? word("none")),
    form("term", status.term),
    form("quorum", word(status.quorum === "quorum" ? "yes" : "no")),
    ...(status.members === null ? [] : [membersSexp(status.members)]),
    ...status.nodes.map(nodeSexp),
  );
}

function nodeSexp({ id, address, pid, status, error }: NodeReport): Sexp {
  const parts: SexpInput[] = [id ?? word("unknown"), form("address", formatAddress(address))];
  if (pid !== null) parts.push(form("pid", pid));
  if (status === null) return form("node", ...parts, form("error", error ?? "no answer"));
  return form(
    "node",
    ...parts,
    form("role", word(status.role)),
    form("term", status.term),
    form("commit", status.commit),
    form("applied", status.applied),
    form("last", status.last),
    form("snapshot", status.snapshot),
  );
}

const columns = ["node", "address", "pid", "role", "term", "commit", "applied", "last"] as const;

function statusText({ status, clusterId, paint }: ShownStatus): string {
  const rows = status.nodes.map((node) => rowOf(node, status.members));
  const widths = columns.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row.cells[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  const body = rows.map((row, at) => {
    const text = line(row.cells);
    const node = status.nodes[at];
    if (node?.status === null) return paint.yellow(`${text}  ${visible(row.error)}`);
    return node?.id === status.leader ? paint.green(text) : text;
  });
  return [headline(status, clusterId), paint.dim(line(columns)), ...body].join("\n");
}

function rowOf(
  node: NodeReport,
  members: MembersSeen | null,
): { readonly cells: readonly string[]; readonly error: string } {
  const name = node.id === null ? "?" : `node${node.id}`;
  const place = [name, formatAddress(node.address), node.pid === null ? "-" : `${node.pid}`];
  const { status } = node;
  if (status === null) return { cells: place, error: node.error ?? "no answer" };
  const numbers = [status.term, status.commit, status.applied, status.last].map(String);
  const kind = memberKind(members, node.id);
  const role = kind === null || kind === "voter" ? status.role : (words[kind] ?? status.role);
  return { cells: [...place, visible(role), ...numbers], error: "" };
}

const words: Readonly<Record<string, string>> = {
  learner: "learner",
  leaving: "leaving",
  none: "no member",
};

/** Only where it is not what one expects. */
function changeOf(members: MembersSeen | null): string {
  if (members === null || members.state === "settled") return "";
  if (members.outgoing.length === 0) return ", members are changing";
  return `, voters ${members.outgoing.join(" ")} become ${members.voters.join(" ")}`;
}

function headline(status: ClusterStatus, clusterId: number): string {
  const reachable = status.nodes.filter((node) => node.status !== null).length;
  const leader = status.leader === null ? "no leader" : `leader node${status.leader}`;
  const quorum = status.quorum === "quorum" ? "quorum" : "no quorum";
  const name = clusterName(clusterId);
  const who = name === null ? "cluster" : `cluster ${name}`;
  const answers = `${reachable} of ${status.nodes.length} nodes answer`;
  return `${who}: ${leader}, term ${status.term}, ${quorum}, ${answers}${changeOf(status.members)}`;
}
