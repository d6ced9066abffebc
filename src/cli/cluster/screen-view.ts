/**
 * The live view of `cluster up` as text, and its keys as actions: pure, so that both can be tested.
 */
import { formatAddress } from "../../base/address.ts";
import type { NodeId } from "../../base/numbers.ts";
import type { ClusterStatus } from "../../runtime/cluster-status.ts";
import { formatPartition, type Partition } from "../../runtime/partition.ts";
import type { Member } from "../../runtime/supervisor.ts";
import { type Paint, visible } from "../paint.ts";

export type View = {
  readonly members: readonly Member[];
  readonly status: ClusterStatus;
  readonly partition: Partition | null;
  readonly selected: NodeId;
  /** What is being typed after the key for a partition; null: nothing. */
  readonly typed: string | null;
  readonly help: "shown" | "hidden";
  readonly columns: number;
  readonly paint: Paint;
};

export type KeyAction =
  | { readonly kind: "select"; readonly node: NodeId }
  | { readonly kind: "kill" | "stop" | "restart" | "pause" | "resume"; readonly node: NodeId }
  | { readonly kind: "logs"; readonly node: NodeId }
  | { readonly kind: "heal" }
  | { readonly kind: "ask-partition" | "help" | "quit" | "interrupt" | "nothing" };

const keysHelp = [
  "1-9 or up, down  choose a node       k  kill it (SIGKILL)     s  stop it (SIGTERM)",
  "r  restart it                        p  pause it, resume it   l  show its log",
  "x  cut the network: 1,2/3,4,5        h  heal it               q  stop all and quit",
] as const;
const keysLine = "kill stop restart pause x:partition heal logs quit ?:help";

/** What a key means; `members` in the order they are shown. */
export function keyAction(
  key: string,
  members: readonly Pick<Member, "id" | "condition">[],
  selected: NodeId,
): KeyAction {
  const at = members.findIndex(({ id }) => id === selected);
  const node = selected;
  switch (key) {
    case "k":
    case "K":
      return { kind: "kill", node };
    case "s":
      return { kind: "stop", node };
    case "r":
      return { kind: "restart", node };
    case "p":
      return { kind: members[at]?.condition === "paused" ? "resume" : "pause", node };
    case "l":
      return { kind: "logs", node };
    case "x":
      return { kind: "ask-partition" };
    case "h":
      return { kind: "heal" };
    case "q":
      return { kind: "quit" };
    case "?":
      return { kind: "help" };
    case "\u0003":
      return { kind: "interrupt" };
    case "\u001b[A":
      return select(members[at - 1]?.id ?? members.at(-1)?.id);
    case "\u001b[B":
    case "\t":
      return select(members[at + 1]?.id ?? members[0]?.id);
    default:
      return select(members.find(({ id }) => `${id}` === key)?.id);
  }
}

const select = (node: NodeId | undefined): KeyAction =>
  node === undefined ? { kind: "nothing" } : { kind: "select", node };

/** The lines of the view, none wider than the terminal. */
export function viewLines(view: View): readonly string[] {
  const { paint, status, partition, columns } = view;
  const fit = (text: string): string => text.slice(0, Math.max(1, columns - 1));
  const leader = status.leader === null ? "no leader" : `leader node${status.leader}`;
  const quorum = status.quorum === "quorum" ? "" : ", no quorum";
  const cut = partition === null ? "" : `, cut ${formatPartition(partition)}`;
  const lines = [paint.bold(fit(`${leader}, term ${status.term}${quorum}${cut}`))];
  for (const member of view.members) lines.push(memberLine(view, member, fit));
  if (view.typed !== null) {
    lines.push(fit(`partition (groups like 1,2/3,4,5; Enter, or Esc): ${visible(view.typed)}`));
  } else if (view.help === "shown") for (const line of keysHelp) lines.push(paint.dim(fit(line)));
  else lines.push(paint.dim(fit(keysLine)));
  return lines;
}

function memberLine(view: View, member: Member, fit: (text: string) => string): string {
  const { paint, selected, status } = view;
  const report = status.nodes.find(({ id }) => id === member.id);
  const mark = member.id === selected ? ">" : " ";
  const crown = status.leader === member.id ? "*" : " ";
  const place = report === undefined ? "" : formatAddress(report.address);
  const text = fit(
    `${mark} node${member.id} ${crown} ${place.padEnd(15)}  ` +
      `${`${member.pid ?? "-"}`.padEnd(7)}  ${stateText(member, report?.status ?? null)}`,
  );
  if (member.condition === "running") {
    return report?.status === null ? paint.yellow(text) : colouredRole(view, member.id, text);
  }
  return member.condition === "paused" ? paint.yellow(text) : paint.red(text);
}

const colouredRole = (view: View, node: NodeId, text: string): string =>
  view.status.leader === node ? view.paint.green(text) : text;

function stateText(member: Member, status: ClusterStatus["nodes"][number]["status"]): string {
  if (member.condition !== "running") return member.condition;
  if (status === null) return "running, no answer yet";
  const { role, term, commit, last } = status;
  return `${visible(role).padEnd(9)}  term ${term}  commit ${commit}  last ${last}`;
}
