/** What became of a change of members, in three notations. */
import type { NodeId } from "../../base/numbers.ts";
import type { ClusterStatus } from "../../runtime/cluster-status.ts";
import { form, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";

export type MemberAction = "add" | "replace" | "remove" | "promote" | "transfer";

export type Told = {
  readonly action: MemberAction;
  readonly node: NodeId;
  readonly status: ClusterStatus;
};

export function outcomeResult({ action, node, status }: Told): Result {
  const voters = status.members?.voters ?? [];
  const learners = status.members?.learners ?? [];
  const { leader, term } = status;
  const quorum = Math.floor(voters.length / 2) + 1;
  return {
    text: () =>
      action === "transfer"
        ? `node${node} leads in term ${term}`
        : `node${node} ${learners.includes(node) ? "learns" : words[action]}; ${quorumText(voters)}`,
    json: () => ({ ok: true, action, node, leader, term, voters, learners, quorum }),
    sexpr: () =>
      form(
        "done",
        word(action),
        form("node", node),
        form("leader", leader ?? word("none")),
        form("term", term),
        form("voters", ...voters),
        ...(learners.length === 0 ? [] : [form("learners", ...learners)]),
      ),
  };
}

const words: Readonly<Record<Exclude<MemberAction, "transfer">, string>> = {
  add: "has a vote",
  promote: "has a vote",
  replace: "has a vote in its place",
  remove: "is removed",
};

/** How many of them decide, and how many of them may fail. */
export function quorumText(voters: readonly number[]): string {
  const needed = Math.floor(voters.length / 2) + 1;
  return `${needed} of ${voters.length} decide, ${voters.length - needed} may fail`;
}
