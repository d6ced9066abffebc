/**
 * Where two nodes' logs part. Raft promises that what both know to be committed is the same, and
 * that an index and a term name one entry for ever; a difference that breaks one of the two is an
 * answer of "no". Any other is a tail that one of them will replace, or has not received: it is
 * said, and is no difference.
 */
import { sameBytes } from "../../base/bytes.ts";
import { exits } from "../../base/error.ts";
import { entryBytes, writeEntry } from "../../codec/entry.ts";
import { print } from "../../sexp/print.ts";
import { form, type Sexp, word } from "../../sexp/value.ts";
import type { CommandExit } from "../command.ts";
import type { Result } from "../output.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import { nothingInCommon } from "./errors.ts";
import type { LogFiles } from "./files.ts";
import { baseOf, type Judged, judgeLog, logItems } from "./log.ts";
import { idText } from "./notation.ts";
import { recordJson, recordSexp } from "./record-view.ts";
import { type Placed, settledEntries } from "./settle.ts";

export type Difference = {
  readonly index: number;
  /** By which of the three the entries differ, the first that does. */
  readonly by: "term" | "content";
  readonly a: Placed;
  readonly b: Placed;
};

export type Comparison = {
  /** The entries that were compared and found equal; `to` is below `from` where there are none. */
  readonly agree: { readonly from: number; readonly to: number };
  readonly difference: Difference | null;
};

/** `contradiction`: Raft never allows it. `tail`: it does, until the two have spoken. */
type Verdict = "same" | "tail" | "contradiction";

export async function diffLogs(
  logs: { readonly a: LogFiles; readonly b: LogFiles },
  program: Program,
): Promise<CommandExit> {
  const a = judgeLog(logs.a);
  const b = judgeLog(logs.b);
  const comparison = compareLogs(a, b);
  // What cannot be read might differ: agreement is claimed of whole logs only.
  const refusal = a.refusal ?? b.refusal;
  if (comparison.difference === null && refusal !== null) throw refusal;
  const { from, to } = comparison.agree;
  const isCompared = comparison.difference !== null || to >= from;
  if (!isCompared && lastOf(a) > 0 && lastOf(b) > 0) throw nothingInCommon(a.log.path, b.log.path);
  await sayWhoseLogs(a, b, program);
  const verdict = verdictOf(comparison, a, b);
  await program.output.result(diffResult({ comparison, verdict, a, b }));
  return verdict === "contradiction" ? exits.no : exits.done;
}

export function compareLogs(a: Judged, b: Judged): Comparison {
  const from = Math.max(baseOf(a), baseOf(b)) + 1;
  const ones = entriesFrom(a, from);
  const others = entriesFrom(b, from);
  let to = from - 1;
  for (;;) {
    const one = ones.next();
    const other = others.next();
    if (one.done === true || other.done === true) {
      return { agree: { from, to }, difference: null };
    }
    const by = differsBy(one.value, other.value);
    if (by !== null) {
      const index = one.value.entry.index;
      return { agree: { from, to }, difference: { index, by, a: one.value, b: other.value } };
    }
    to = one.value.entry.index;
  }
}

function* entriesFrom(judged: Judged, index: number): Generator<Placed> {
  for (const placed of settledEntries(logItems(judged))) {
    if (placed.entry.index >= index) yield placed;
  }
}

function differsBy({ entry: a }: Placed, { entry: b }: Placed): Difference["by"] | null {
  if (a.term !== b.term) return "term";
  if (a.kind === "command" && b.kind === "command" && a.time === b.time) {
    return sameBytes(a.body, b.body) ? null : "content";
  }
  return sameBytes(bytesOf(a), bytesOf(b)) ? null : "content";
}

function bytesOf(entry: Placed["entry"]): Uint8Array {
  const bytes = new Uint8Array(entryBytes(entry));
  writeEntry(entry, bytes, 0);
  return bytes;
}

const lastOf = ({ reading }: Judged): number => reading.standing?.last.index ?? 0;
const commitOf = ({ reading }: Judged): number => reading.standing?.commit ?? 0;

function verdictOf({ difference }: Comparison, a: Judged, b: Judged): Verdict {
  if (difference === null) return lastOf(a) === lastOf(b) ? "same" : "tail";
  if (difference.by === "content") return "contradiction";
  return difference.index <= Math.min(commitOf(a), commitOf(b)) ? "contradiction" : "tail";
}

/** Logs of two clusters can be compared, but whoever does it should know. */
async function sayWhoseLogs(a: Judged, b: Judged, program: Program): Promise<void> {
  const one = a.reading.first?.identity;
  const other = b.reading.first?.identity;
  if (one === undefined || other === undefined || one.cluster === other.cluster) return;
  await program.messages.line(
    `these are logs of two clusters: ${idText(one.cluster)} and ${idText(other.cluster)}`,
  );
}

type Compared = {
  readonly comparison: Comparison;
  readonly verdict: Verdict;
  readonly a: Judged;
  readonly b: Judged;
};

function diffResult(compared: Compared): Result {
  const { comparison, verdict, a, b } = compared;
  const { agree, difference } = comparison;
  return {
    text: () => diffText(compared),
    json: () => ({
      verdict,
      agree,
      difference:
        difference === null
          ? null
          : {
              index: difference.index,
              by: difference.by,
              a: recordJson({ ...difference.a.item, fate: null }),
              b: recordJson({ ...difference.b.item, fate: null }),
            },
      a: sideJson(a),
      b: sideJson(b),
    }),
    sexpr: () =>
      form(
        "diff",
        form("verdict", word(verdict)),
        form("agree", agree.from, agree.to),
        ...(difference === null ? [] : [differenceSexp(difference)]),
        form("a", ...sideSexps(a)),
        form("b", ...sideSexps(b)),
      ),
  };
}

const sideJson = (side: Judged): object => ({
  file: side.log.path,
  last: lastOf(side),
  commit: commitOf(side),
});

const sideSexps = (side: Judged): readonly Sexp[] => [
  form("file", side.log.path),
  form("last", lastOf(side)),
  form("commit", commitOf(side)),
];

const differenceSexp = (difference: Difference): Sexp =>
  form(
    "difference",
    form("index", difference.index),
    form("by", word(difference.by)),
    form("a", sideRecord(difference.a)),
    form("b", sideRecord(difference.b)),
  );

const sideRecord = (side: Placed): Sexp => recordSexp({ ...side.item, fate: null });

function diffText(compared: Compared): string {
  const { comparison, a, b } = compared;
  const { agree, difference } = comparison;
  const lines = [
    agree.to < agree.from
      ? "no entry is the same in both"
      : `entries ${agree.from} to ${agree.to} are the same in both`,
  ];
  if (difference === null) {
    for (const side of [a, b]) {
      if (lastOf(side) > agree.to) {
        lines.push(
          `${visible(side.log.path)} goes on to entry ${lastOf(side)}; that is no difference`,
        );
      }
    }
    return lines.join("\n");
  }
  lines.push(
    `entry ${difference.index} differs by its ${difference.by}: ${meaning(compared)}`,
    `  ${visible(difference.a.item.path)}  ${print(sideRecord(difference.a))}`,
    `  ${visible(difference.b.item.path)}  ${print(sideRecord(difference.b))}`,
  );
  return lines.join("\n");
}

function meaning({ comparison, verdict, a, b }: Compared): string {
  if (verdict !== "contradiction") {
    const commits = `${commitOf(a)} and ${commitOf(b)}`;
    return `not both know it to be committed (they know of ${commits}), so one may replace it`;
  }
  return comparison.difference?.by === "content"
    ? "an index and a term name one entry for ever, so one of the logs is wrong"
    : `both know it to be committed, so one of the logs is wrong`;
}
