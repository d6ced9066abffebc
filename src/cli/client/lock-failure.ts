/** Why a command did not run under a lock, or not to its end: errors of `client lock` and `client elect`. */
import { exits, OperatorError } from "../../base/error.ts";
import type { Verdict } from "../../client/errand.ts";
import { explainNodes } from "../../client/explain.ts";
import type { Prize } from "../../client/place-in-line.ts";
import type { Result } from "../../client/request.ts";
import type { Item, Operation } from "../../kv/command.ts";
import { formatEnd } from "../../runtime/node-process.ts";
import { formatDuration } from "../quantity.ts";
import { rejection } from "./failure.ts";
import { valueText } from "./notation.ts";
import type { Connection } from "./place.ts";
import { refusedReply } from "./refusal.ts";
import { shellLine } from "./shell.ts";

export type Sought = {
  readonly prize: Prize;
  /** What gets it in line. */
  readonly operation: Operation;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly connection: Connection;
  /** Without one, somebody leads and that is all. */
  readonly runs: "command" | "nothing";
};

/** `lock "a"`. */
export const prizeText = ({ kind, name }: Prize): string => `${kind} ${JSON.stringify(name)}`;

export const holderText = ({ value, revision }: Pick<Item, "value" | "revision">): string =>
  `${byText(value)} (token ${revision})`;

/** Who it is, by its own word. */
export const byText = (value: Uint8Array | null): string =>
  value === null || value.length === 0 ? "somebody" : valueText(value);

const showLine = ({ prize, connection }: Sought): string =>
  shellLine({ verb: prize.kind, plain: [prize.name], flags: ["--show", ...connection.words] });

export function busy(sought: Sought, { behind }: Extract<Verdict, { kind: "busy" }>) {
  const { prize, waitMs } = sought;
  const whom = behind === null ? "another has it" : `it still stood behind ${holderText(behind)}`;
  const span = Number.isFinite(waitMs) && waitMs > 0 ? ` after ${formatDuration(waitMs)}` : "";
  return new OperatorError({
    code: "lock-busy",
    what: `${prizeText(prize)} was not taken`,
    why: `${whom}${span}`,
    fix: [
      showLine(sought),
      "wait longer: --wait TIME, or leave it out to wait as long as it takes",
    ],
    exit: exits.no,
    applied: "no",
    meaning: "nothing was run",
  });
}

/** It could not get in line. */
export function notTaken(sought: Sought, result: Result | null): OperatorError {
  const { prize, operation, timeoutMs, connection } = sought;
  const asked = { name: prizeText(prize), operation, timeoutMs, connection, retry: null };
  if (result?.kind === "rejected") return rejection(asked, result);
  if (result?.kind === "committed") return refusedReply(asked, null, result.reply);
  return new OperatorError({
    code: "no-answer",
    what: `${prizeText(prize)} was not taken`,
    why: `whether it stands in line is not known after ${formatDuration(timeoutMs)}${nodesText(result)}`,
    fix: [
      shellLine({ verb: "status", plain: [], flags: connection.words }),
      `wait longer: --timeout ${formatDuration(timeoutMs * 2)}`,
    ],
    exit: exits.notApplied,
    applied: "no",
    meaning: "nothing was run, a retry is safe; its place, if it has one, goes by itself",
  });
}

const nodesText = (result: Result | null): string =>
  result?.kind === "rejected" || result?.kind === "unknown"
    ? `: ${explainNodes(result.nodes)}`
    : "";

export function lost(sought: Sought, verdict: Extract<Verdict, { kind: "lost" }>): OperatorError {
  const { prize, ttlMs, connection } = sought;
  return new OperatorError({
    code: "lock-lost",
    what: `${prizeText(prize)} was lost${sought.runs === "command" ? " while the command ran" : ""}`,
    why:
      verdict.because === "lease-ended"
        ? "its lease has ended, or somebody has revoked it"
        : `its lease of ${formatDuration(ttlMs)} could not be kept alive in time` +
          nodesText(verdict.result),
    fix: [
      shellLine({ verb: "status", plain: [], flags: connection.words }),
      `a longer lease bears longer outages: --ttl ${formatDuration(ttlMs * 3)}`,
    ],
    exit: exits.lost,
    applied: "unknown",
    meaning: meaningOf(sought, verdict),
  });
}

function meaningOf({ runs }: Sought, { ended, end }: Extract<Verdict, { kind: "lost" }>): string {
  if (runs === "nothing") return "another may lead now, or soon";
  const how = formatEnd(end);
  return ended === "by-force"
    ? `the command was ended (${how}), and what it had done by then stays`
    : `the command had ended by then (${how}), and may have run without the lock at last`;
}
