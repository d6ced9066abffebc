/**
 * What a request without an answer means for its user: what, why, how to mend it, the exit code.
 */
import { unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { explainNodes } from "../../client/explain.ts";
import { formatRequestId, type NodeReport, type Result } from "../../client/request.ts";
import { isReadOperation, type Operation } from "../../kv/command.ts";
import { formatDuration } from "../quantity.ts";
import { keyText } from "./notation.ts";
import type { Connection } from "./place.ts";
import { shellLine } from "./shell.ts";
import { invalidOperation } from "./value-source.ts";

/** What was asked, as far as its failure needs it. */
export type Asked = {
  /** `put "color"`: as its user knows it. */
  readonly name: string;
  readonly operation: Operation;
  readonly timeoutMs: number;
  readonly connection: Connection;
  /** The command line that makes this very request again under its name; null where none can. */
  readonly retry: ((id: string) => string) | null;
};

type Rejected = Extract<Result, { kind: "rejected" }>;
type Unknown = Extract<Result, { kind: "unknown" }>;

export const isRead = isReadOperation;

export function rejection(asked: Asked, result: Rejected): OperatorError {
  const { because } = result;
  switch (because.kind) {
    case "invalid":
      return invalidOperation(because.problem, asked.operation);
    case "unreachable":
      return noCluster(asked, result.nodes);
    case "no-leader":
      return notAccepted(asked, { ...withoutLeader(result.nodes), fix: firstAid(asked, result) });
    case "busy":
      return notAccepted(asked, {
        code: "busy",
        why: `the leader has more to do than it takes on: ${explainNodes(result.nodes)}`,
        fix: [longer(asked), "send less at a time"],
      });
    case "refused":
      return notAccepted(asked, {
        code: "refused",
        why: `a node does not take it (${because.refusal}): it is of another version, or of none`,
        fix: ["rusty-boat --version, here and where the nodes run: they must agree"],
      });
    default:
      return unreachable(because);
  }
}

function noCluster({ connection, timeoutMs }: Asked, nodes: readonly NodeReport[]): OperatorError {
  const refused = nodes.every((node) => node.contact.kind === "refused");
  const keyless = !refused && connection.secret === "without-secret";
  return new OperatorError({
    code: "no-cluster",
    what: "no node answers",
    why: `${explainNodes(nodes)}; asked for ${formatDuration(timeoutMs)}: ${connection.source}`,
    fix: [
      ...(connection.supervisorWords === null ? [] : [clusterLine("up", connection)]),
      ...(keyless ? ["a cluster with a secret answers to it alone: --secret-file FILE"] : []),
      "name the nodes: --nodes HOST:PORT,…",
    ],
    exit: exits.unreachable,
    applied: "no",
    meaning: "nothing was done, a retry is safe",
  });
}

type NotAccepted = { readonly code: string; readonly why: string; readonly fix: readonly string[] };

function notAccepted({ name, operation }: Asked, parts: NotAccepted): OperatorError {
  const read = isRead(operation);
  return new OperatorError({
    ...parts,
    what: `${name} was not ${read ? "answered" : "accepted"}`,
    exit: exits.notApplied,
    applied: "no",
    meaning: read ? "nothing was read, a retry is safe" : "nothing was written, a retry is safe",
  });
}

function withoutLeader(nodes: readonly NodeReport[]): Pick<NotAccepted, "code" | "why"> {
  const answered = nodes.filter((node) => node.contact.kind === "answered").length;
  const code = answered * 2 > nodes.length ? "no-leader" : "no-quorum";
  return { code, why: explainNodes(nodes) };
}

/** The first node that is down, where this machine can start it; and patience. */
function firstAid(asked: Asked, { nodes }: Pick<Rejected, "nodes">): readonly string[] {
  const { connection } = asked;
  const down = nodes.find((node) => node.contact.kind === "refused") ?? silent(nodes);
  if (connection.supervisorWords !== null && down !== undefined && down.id !== null) {
    return [clusterLine(`restart ${down.id}`, connection), longer(asked)];
  }
  return [shellLine({ verb: "status", plain: [], flags: connection.words }), longer(asked)];
}

const clusterLine = (verb: string, { supervisorWords }: Connection): string =>
  ["rusty-boat cluster", verb, ...(supervisorWords ?? [])].join(" ");

const silent = (nodes: readonly NodeReport[]): NodeReport | undefined =>
  nodes.find((node) => node.contact.kind === "silent");

const longer = ({ timeoutMs }: Asked): string =>
  `wait longer: --timeout ${formatDuration(timeoutMs * 2)}`;

/** A write of which nobody here can tell whether it happened. */
export function unknownOutcome(asked: Asked, result: Unknown): OperatorError {
  const { requestId } = result;
  const id = requestId === null ? null : formatRequestId(requestId);
  switch (result.because) {
    case "deadline":
      return inDoubt(asked, result, id);
    case "session-lost":
      return forgotten(asked, id, [
        `the cluster has forgotten the session of request ${id ?? "?"}, which was unused for long`,
        "or gave way to others; an earlier try may have had its effect before that",
      ]);
    default:
      return unreachable(result.because);
  }
}

function inDoubt(asked: Asked, result: Unknown, id: string | null): OperatorError {
  const { name, timeoutMs, connection, retry } = asked;
  const cut = connection.interruption();
  const span = cut === null ? `within ${formatDuration(timeoutMs)}` : `before ${cut}`;
  const again = id === null || retry === null ? [] : [retry(id)];
  const flags = connection.words;
  return new OperatorError({
    code: "outcome-unknown",
    what: `${name} may have been done or not`,
    why: `it was sent, and its answer did not come ${span}: ${explainNodes(result.nodes)}`,
    fix: [
      ...again,
      ...(id === null ? [] : [`${shellLine({ verb: "outcome", plain: [id], flags })}`]),
      ...(id === null ? [look(asked)] : []),
    ],
    exit: exits.unknown,
    applied: "unknown",
    ...(id === null ? {} : { requestId: id }),
    meaning:
      id === null
        ? "the outcome is unknown"
        : `the request is ${id}; a retry under it happens once`,
  });
}

export function forgotten(asked: Asked, id: string | null, why: readonly string[]): OperatorError {
  return new OperatorError({
    code: "outcome-forgotten",
    what: `${asked.name} may have been done or not`,
    why: why.join(" "),
    fix: [look(asked)],
    exit: exits.unknown,
    applied: "unknown",
    ...(id === null ? {} : { requestId: id }),
    meaning: "nobody can tell any more; a retry under this name does nothing",
  });
}

/** Where only the store itself can tell. */
export function look({ operation, connection }: Asked): string {
  const flags = connection.words;
  if (!("key" in operation)) return shellLine({ verb: "status", plain: [], flags });
  return shellLine({ verb: "get", plain: [keyText(operation.key)], flags });
}
