/**
 * `client outcome ID`: what became of a request whose answer never came. A noop is sent under its
 * name. Where the request has happened, the answer that the cluster kept for it comes back. Where
 * it has not, the noop takes its place: the name is used up, and no late copy of the request can
 * have an effect any more. So the answer is final, and asking calls off what has not happened yet.
 *
 * "Had no effect" is also what is said of a name that was never given to anything, and of a noop.
 */
import { unreachable } from "../../base/assert.ts";
import { type Exit, exits } from "../../base/error.ts";
import { formatRequestId, type RequestId } from "../../client/request.ts";
import type { Reply } from "../../kv/command.ts";
import { form, type SexpInput, string, word } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { type Scene, settle, type Task } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { refusedReply } from "./refusal.ts";
import { requestIdOf } from "./write-verbs.ts";

export const outcomeCommand = (place: Place): Command =>
  command({
    name: "outcome",
    description:
      "Settle what became of a request: exit 0 where it happened, 1 where it never will.",
    args: {
      id: { type: "positional", required: true, description: "As the error named it, like 12-3" },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client outcome 12-3", does: "calls it off where it has not happened" },
    ],
    async run({ args, program }) {
      const again = requestIdOf("ID", args.id);
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = { kind: "noop" } as const;
      const name = `request ${formatRequestId(again)}`;
      const question = { name, operation, consistency: "linearizable", again, timeoutMs } as const;
      // Asked again, it settles the same: no other command is needed for a retry.
      return connected(place, args, (connection) =>
        askOutcome({ place, connection, program }, { ...question, line: null }, again),
      );
    },
  });

type Outcome =
  /** `index` is null where the answer that was kept does not say it. */
  | { readonly kind: "applied"; readonly index: number | null }
  | { readonly kind: "condition-failed"; readonly revision: number }
  | { readonly kind: "refused"; readonly because: string }
  | { readonly kind: "no-such-key" }
  | { readonly kind: "no-such-lease" }
  | { readonly kind: "over-limit" }
  | { readonly kind: "not-applied" };

async function askOutcome(scene: Scene, task: Task, id: RequestId): Promise<CommandExit> {
  const settled = await settle(scene, task);
  if (settled.kind === "interrupted") return settled.exit;
  const outcome = outcomeOf(settled.reply);
  if (outcome === null) {
    const asked = { ...task, connection: scene.connection, retry: null };
    throw refusedReply(asked, id, settled.reply);
  }
  await showOutcome(scene, formatRequestId(id), outcome);
  return exitOf(outcome);
}

/** Null: the cluster does not know any more. */
function outcomeOf(reply: Reply): Outcome | null {
  switch (reply.kind) {
    case "written":
    case "deleted":
    case "counted":
    case "transacted":
      return { kind: "applied", index: reply.index };
    case "count-refused":
    case "txn-refused":
      return { kind: "refused", because: reply.because };
    case "lease-granted":
      return { kind: "applied", index: reply.lease };
    case "lease-kept":
    case "lease-revoked":
      return { kind: "applied", index: null };
    case "lease-unknown":
      return { kind: "no-such-lease" };
    case "lease-limit":
      return { kind: "over-limit" };
    case "condition-failed":
      return { kind: "condition-failed", revision: reply.revision };
    case "absent":
      return { kind: "no-such-key" };
    case "done":
      return { kind: "not-applied" };
    case "already-acknowledged":
    case "session-unknown":
    case "window-exceeded":
    case "found":
    case "listed":
    case "view-lost":
    case "leases-listed":
    case "expired":
    case "registered":
      return null;
    default:
      return unreachable(reply);
  }
}

const exitOf = (outcome: Outcome): Exit => (outcome.kind === "applied" ? exits.done : exits.no);

function showOutcome({ program }: Scene, id: string, outcome: Outcome): Promise<void> {
  const parts: SexpInput[] = [form("request", string(id)), form("outcome", word(outcome.kind))];
  const index = outcome.kind === "applied" ? outcome.index : null;
  if (index !== null) parts.push(form("index", index));
  if (outcome.kind === "condition-failed") parts.push(form("rev", outcome.revision));
  if (outcome.kind === "refused") parts.push(form("because", word(outcome.because)));
  return program.output.result({
    text: () => `${id} ${sentence(outcome)}`,
    json: () => ({
      ok: outcome.kind === "applied",
      requestId: id,
      outcome: outcome.kind,
      ...(index === null ? {} : { index }),
      ...(outcome.kind === "condition-failed" ? { rev: outcome.revision } : {}),
      ...(outcome.kind === "refused" ? { because: outcome.because } : {}),
    }),
    sexpr: () => form("outcome-ok", ...parts),
  });
}

function sentence(outcome: Outcome): string {
  switch (outcome.kind) {
    case "applied":
      return outcome.index === null ? "happened" : `happened, at index ${outcome.index}`;
    case "condition-failed":
      return `was answered no: its condition failed against revision ${outcome.revision}`;
    case "refused":
      return `was answered no: ${outcome.because}`;
    case "no-such-key":
      return "was answered no: there was nothing to delete";
    case "no-such-lease":
      return "was answered no: there was no such lease";
    case "over-limit":
      return "was answered no: there were as many leases as there may be";
    case "not-applied":
      return "had no effect, and never will";
    default:
      return unreachable(outcome);
  }
}
