/**
 * A log at a glance: whose it is, how much is in it, how far it goes, and what the store amounts
 * to.
 */
import { type Exit, exits, type OperatorError } from "../../base/error.ts";
import type { Header } from "../../journal/header.ts";
import { describeConfiguration } from "../../raft/describe.ts";
import { print } from "../../sexp/print.ts";
import { form, list, type Sexp, symbol, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import type { LogFiles } from "./files.ts";
import { tailSentence, unfinishedTail } from "./list.ts";
import { baseOf, type Judged, judgeLog } from "./log.ts";
import { counted, idText } from "./notation.ts";
import { peersJson } from "./record-view.ts";
import { type Tally, tallyLog } from "./tally.ts";

/** Of a log that has gone through more elections, people are shown the newest terms. */
const termsShownMax = 20;

/** Says of a damaged log what can be said, and then that it is damaged. */
export async function summarizeLogs(logs: readonly LogFiles[], program: Program): Promise<Exit> {
  let refused: OperatorError | null = null;
  for (const log of logs) {
    const judged = judgeLog(log);
    const { first, standing, problem } = judged.reading;
    refused ??= judged.refusal;
    if (first === null || standing === null) continue;
    await program.output.result(
      summaryResult({ judged, first, standing, tally: tallyLog(judged) }),
    );
    if (problem?.kind === "unfinished") {
      await program.messages.line(tailSentence(unfinishedTail(log, problem)));
    }
  }
  if (refused !== null) throw refused;
  return exits.done;
}

type Summary = {
  readonly judged: Judged;
  readonly first: Header;
  readonly standing: NonNullable<Judged["reading"]["standing"]>;
  readonly tally: Tally;
};

function summaryResult(summary: Summary): Result {
  return {
    text: () => summaryText(summary),
    json: () => summaryJson(summary),
    sexpr: () => summarySexp(summary),
  };
}

function summaryText({ judged, first, standing, tally }: Summary): string {
  const { log, reading } = judged;
  const { identity } = first;
  const { last, commit, hardState, peers, configuration } = standing;
  const firstIndex = baseOf(judged) + 1;
  const kinds = [...tally.kinds].map(([kind, { count, bytes }]) => `${kind} ${count} (${bytes} B)`);
  const rows: readonly (readonly [name: string, value: string])[] = [
    ["node", `${identity.node}, incarnation ${idText(identity.incarnation)}`],
    ["cluster", idText(identity.cluster)],
    ["opened", counted(reading.run, "time")],
    ["files", `${log.files.length}, ${tally.bytes} bytes`],
    ["records", kinds.join(", ")],
    ["entries", last.index < firstIndex ? "none" : `${firstIndex} to ${last.index}`],
    ["replaced", `${counted(tally.replaced, "entry", "entries")} written and taken back`],
    ["commit", `${commit} at least`],
    ["term", `${hardState.term}, voted for ${hardState.votedFor ?? "nobody"}`],
    ["members", describeConfiguration(configuration).map(print).join(" ")],
    ["peers", [...peers].map(([node, id]) => `${node}=${idText(id)}`).join(" ") || "none heard"],
    ["store", storeText(tally)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`);
  return [visible(log.path), ...lines, ...termLines(tally)].join("\n");
}

const storeText = ({ store }: Tally): string =>
  store === null
    ? "not known: the files that are there do not begin at the first entry"
    : `${counted(store.keys, "key")}, ${counted(store.sessions, "session")} at entry ${store.index}`;

function termLines({ terms }: Tally): readonly string[] {
  const rows = [...terms].sort(([a], [b]) => a - b);
  const shown = rows.slice(-termsShownMax);
  const hidden = rows.length - shown.length;
  return [
    ...(hidden === 0 ? [] : [`  … ${counted(hidden, "older term")}`]),
    ...shown.map(
      ([term, { entries, votedFor }]) =>
        `  term ${term}: ${counted(entries, "entry", "entries")}, ` +
        (votedFor === null ? "no vote" : `voted for ${votedFor}`),
    ),
  ];
}

function summaryJson({ judged, first, standing, tally }: Summary): object {
  const { identity } = first;
  const { last, commit, hardState, peers, configuration } = standing;
  return {
    file: judged.log.path,
    files: judged.log.files.map(({ path, source }) => ({ file: path, bytes: source.size })),
    node: identity.node,
    cluster: idText(identity.cluster),
    incarnation: idText(identity.incarnation),
    run: judged.reading.run,
    records: Object.fromEntries(tally.kinds),
    bytes: tally.bytes,
    first: baseOf(judged) + 1,
    last: { index: last.index, term: last.term },
    replaced: tally.replaced,
    commit,
    term: hardState.term,
    votedFor: hardState.votedFor,
    terms: [...tally.terms].sort(([a], [b]) => a - b).map(([term, rest]) => ({ term, ...rest })),
    members: configuration,
    peers: peersJson(peers),
    store: tally.store,
    problem: judged.reading.problem,
  };
}

function summarySexp({ judged, first, standing, tally }: Summary): Sexp {
  const { identity } = first;
  const { last, commit, hardState, peers, configuration } = standing;
  const { problem } = judged.reading;
  return form(
    "summary",
    form("file", judged.log.path),
    form("files", ...judged.log.files.map(({ path, source }) => list(path, source.size))),
    form("node", identity.node),
    form("cluster", idText(identity.cluster)),
    form("incarnation", idText(identity.incarnation)),
    form("run", judged.reading.run),
    form(
      "records",
      ...[...tally.kinds].map(([kind, { count, bytes }]) => form(kind, count, bytes)),
    ),
    form("bytes", tally.bytes),
    form("first", baseOf(judged) + 1),
    form("last", last.index, last.term),
    form("replaced", tally.replaced),
    form("commit", commit),
    form("term", hardState.term),
    form("voted-for", hardState.votedFor ?? symbol("none")),
    form("terms", ...termSexps(tally)),
    form("members", ...describeConfiguration(configuration)),
    form("peers", ...[...peers].map(([node, incarnation]) => list(node, idText(incarnation)))),
    storeSexp(tally),
    ...(problem === null
      ? []
      : [form("problem", form("offset", problem.offset), word(problem.kind))]),
  );
}

const termSexps = ({ terms }: Tally): readonly Sexp[] =>
  [...terms]
    .sort(([a], [b]) => a - b)
    .map(([term, { entries, votedFor }]) =>
      form("term", term, form("entries", entries), form("voted-for", votedFor ?? symbol("none"))),
    );

const storeSexp = ({ store }: Tally): Sexp =>
  store === null
    ? form("store", symbol("unknown"))
    : form(
        "store",
        form("index", store.index),
        form("keys", store.keys),
        form("sessions", store.sessions),
      );
