/**
 * Answers that are not the hoped-for ones: an honest no, or one that this request cannot have had.
 * The latter is another request's, whose name was given: that one had it first.
 */
import { unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { formatRequestId, type RequestId } from "../../client/request.ts";
import { type LeaseId, limits, type Operation, type Reply } from "../../kv/command.ts";
import { type Asked, forgotten, isRead, look } from "./failure.ts";
import { shellLine } from "./shell.ts";

export function refusedReply(asked: Asked, id: RequestId | null, reply: Reply): OperatorError {
  const { operation } = asked;
  const idText = id === null ? "?" : formatRequestId(id);
  switch (reply.kind) {
    case "absent":
      if (operation.kind === "get" || operation.kind === "delete") return noSuchKey(asked);
      return otherRequest(asked, idText);
    case "condition-failed":
      if (operation.kind === "put" || operation.kind === "put-leased" || operation.kind === "cas")
        return conditionFailed(asked, reply);
      return otherRequest(asked, idText);
    case "lease-unknown":
      return noSuchLease(asked, reply.lease);
    case "lease-limit":
      return leaseLimit(asked, reply.of);
    case "done":
      return calledOff(asked, idText);
    case "already-acknowledged":
    case "session-unknown":
    case "window-exceeded":
      return forgotten(asked, idText, [
        `request ${idText} had its answer once, and the cluster keeps an answer only until`,
        "its asker has it",
      ]);
    case "count-refused":
    case "txn-refused":
      if (operation.kind !== "incr" && operation.kind !== "txn") {
        return otherRequest(asked, idText);
      }
      return notCounted(asked, reply);
    case "view-lost":
      return operation.kind === "list" ? viewLost(asked, reply.index) : otherRequest(asked, idText);
    case "transacted":
      if (operation.kind === "txn" && failedAlone(operation, reply)) return comparisonFailed(asked);
      return otherRequest(asked, idText);
    case "written":
    case "counted":
    case "deleted":
    case "found":
    case "listed":
    case "lease-granted":
    case "lease-kept":
    case "lease-revoked":
    case "leases-listed":
    case "expired":
    case "registered":
      return otherRequest(asked, idText);
    default:
      return unreachable(reply);
  }
}

function noSuchKey(asked: Asked): OperatorError {
  const { connection } = asked;
  return honestNo(asked, {
    code: "no-such-key",
    why: "the key has no value",
    fix: [shellLine({ verb: "ls", plain: [], flags: connection.words })],
  });
}

const noSuchLease = (asked: Asked, lease: LeaseId): OperatorError =>
  honestNo(asked, {
    code: "no-such-lease",
    why: `lease ${lease} has ended, or never was: its keys are gone`,
    fix: [
      shellLine({ verb: "lease ls", plain: [], flags: asked.connection.words }),
      shellLine({ verb: "lease grant", plain: ["30s"], flags: asked.connection.words }),
    ],
  });

const leaseLimit = (asked: Asked, of: "leases" | "keys"): OperatorError =>
  honestNo(asked, {
    code: "lease-limit",
    why:
      of === "leases"
        ? `there are ${limits.leasesMax} leases, which is as many as there may be`
        : `the lease has ${limits.leaseKeysMax} keys, which is as many as one may have`,
    fix: [of === "leases" ? "revoke leases that nobody needs" : "use another lease"],
  });

function conditionFailed(
  asked: Asked,
  { revision }: Extract<Reply, { kind: "condition-failed" }>,
): OperatorError {
  const { operation } = asked;
  const now = revision === 0 ? "the key has no value" : `its revision is ${revision}`;
  return honestNo(asked, {
    code: operation.kind === "cas" ? "compare-failed" : "condition-failed",
    why: `${now}${wantedText(operation)}`,
    fix: [`${look(asked)}      and decide again`],
  });
}

/** A page of a list that cannot be given any more. */
const viewLost = (asked: Asked, index: number): OperatorError =>
  new OperatorError({
    code: "view-lost",
    what: `${asked.name} was not read to its end`,
    why:
      `its pages are of one moment, index ${index}, and the node that keeps it does so no more: ` +
      "too much has changed since, or another node leads",
    fix: [
      "ask again; or for less: a longer prefix, --from, --to",
      "each page as it comes: --latest",
    ],
    exit: exits.no,
    applied: "no",
    meaning: "what was printed is the beginning of the list, as of that index",
  });

/** A transaction whose comparison failed, and that says nothing of what to do then. */
export const failedAlone = (
  { otherwise }: Extract<Operation, { kind: "txn" }>,
  { branch }: Extract<Reply, { kind: "transacted" }>,
): boolean => branch === "else" && otherwise.length === 0;

const comparisonFailed = (asked: Asked): OperatorError =>
  honestNo(asked, {
    code: "compare-failed",
    why: "its comparison does not hold, and it does not say what to do then",
    fix: ['say it, to see what is there: (if … (put "k" "v") (get "k"))'],
  });

function notCounted(
  asked: Asked,
  reply: Extract<Reply, { kind: "count-refused" | "txn-refused" }>,
): OperatorError {
  const where = reply.kind === "txn-refused" ? `step ${reply.step + 1}: ` : "";
  return honestNo(asked, {
    code: reply.because,
    why: `${where}${countProblems[reply.because]}`,
    fix: [`${look(asked)}      and decide again`],
  });
}

const countProblems = {
  "not-an-integer": "the value is no whole number in decimal digits",
  "out-of-range": `the number would be beyond ${Number.MAX_SAFE_INTEGER}, on either side`,
  "answer-too-large": `a transaction reads values of ${limits.answerBytesMax} bytes at most`,
} as const;

function wantedText(operation: Operation): string {
  if (operation.kind === "cas") return ", and its value is not the expected one";
  if (operation.kind !== "put" && operation.kind !== "put-leased") return "";
  switch (operation.condition.kind) {
    case "always":
      return "";
    case "absent":
      return ", and --if-absent wants a key without a value";
    case "revision":
      return `, and --if-rev wants ${operation.condition.revision}`;
    default:
      return unreachable(operation.condition);
  }
}

const honestNo = (
  { name, operation }: Asked,
  parts: { readonly code: string; readonly why: string; readonly fix: readonly string[] },
): OperatorError =>
  new OperatorError({
    ...parts,
    what: isRead(operation) ? `${name} found nothing` : `${name} was not done`,
    exit: exits.no,
    applied: "no",
    meaning: isRead(operation) ? "there is nothing to read" : "nothing was written",
  });

const calledOff = ({ name }: Asked, id: string): OperatorError =>
  new OperatorError({
    code: "called-off",
    what: `${name} was not accepted`,
    why: `somebody asked for the outcome of request ${id} before it happened, which called it off`,
    fix: ["make it again, without --request-id"],
    exit: exits.no,
    applied: "no",
    meaning: "nothing was written, a new request is safe",
  });

const otherRequest = ({ name }: Asked, id: string): OperatorError =>
  new OperatorError({
    code: "other-request",
    what: `${name} was not done`,
    why: `${id} is the name of another request, which was answered before`,
    fix: ["leave out --request-id for a new request"],
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was written by this command",
  });
