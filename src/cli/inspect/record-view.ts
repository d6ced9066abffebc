/**
 * A record on a line. As an s-expression it is what the journal prints for it, with its offset
 * first and what it did last: `(entry (offset 416) (index 5) (term 2) (time 1200) (request … (put
 * "k" "v")) (replaces 5 7))`.
 */
import { unreachable } from "../../base/assert.ts";
import { decodeCommand } from "../../codec/command.ts";
import { recordToSexp } from "../../journal/describe.ts";
import type { Header } from "../../journal/header.ts";
import type { JournalRecord } from "../../journal/reader.ts";
import { replySexp } from "../../kv/describe.ts";
import { describeConfiguration } from "../../raft/describe.ts";
import type { Entry, SnapshotId } from "../../raft/types.ts";
import { print } from "../../sexp/print.ts";
import { form, type Sexp, type SexpList } from "../../sexp/value.ts";
import type { Item } from "./log.ts";
import { commandFields, commandOf, idText, replyText } from "./notation.ts";
import type { Outcome } from "./replay.ts";

/** What became of an entry, where that was asked for. */
export type Fate =
  /** `outcome` is null where the log does not reach back to its first entry. */
  | { readonly kind: "committed"; readonly outcome: Outcome | null }
  | { readonly kind: "replaced"; readonly by: Entry }
  /** The file does not say. */
  | { readonly kind: "open" };

export type Shown = Item & { readonly fate: Fate | null };

export function recordSexp(shown: Shown): Sexp {
  const { located, replaces, fate } = shown;
  const record = recordToSexp(located.record, commandOf);
  if (record.kind !== "list") return record;
  const [name, ...fields] = record.items;
  return {
    kind: "list",
    items: [
      ...(name === undefined ? [] : [name]),
      form("offset", located.offset),
      ...fields,
      ...(replaces === null ? [] : [form("replaces", replaces.from, replaces.to)]),
      ...(fate === null ? [] : [fateSexp(fate)]),
    ],
  };
}

function fateSexp(fate: Fate): SexpList {
  switch (fate.kind) {
    case "committed":
      return fate.outcome?.kind === "replied"
        ? form("committed", replySexp(fate.outcome.reply))
        : form("committed");
    case "replaced":
      return form("replaced", form("index", fate.by.index), form("term", fate.by.term));
    case "open":
      return form("open");
    default:
      return unreachable(fate);
  }
}

/** The first seven fields are there in every line, null where a record has no such thing. */
export function recordJson(shown: Shown): object {
  const { path, located, replaces, fate } = shown;
  const { record, offset, length } = located;
  return {
    file: path,
    offset,
    length,
    kind: record.kind,
    ...recordFields(record),
    ...(replaces === null ? {} : { replaces }),
    ...(fate === null ? {} : fateFields(fate)),
  };
}

const noEntry = { index: null, term: null, command: null } as const;

function recordFields(record: JournalRecord): object {
  switch (record.kind) {
    case "header":
      return { ...noEntry, term: record.hardState.term, ...headerFields(record) };
    case "mark": {
      const { durable, commit, run, hardState, last, replacements } = record;
      const { term, votedFor } = hardState;
      return { ...noEntry, term, durable, commit, run, votedFor, last, replacements };
    }
    case "entry":
      return entryFields(record.entry);
    case "state": {
      const { term, votedFor } = record.hardState;
      return { ...noEntry, term, votedFor };
    }
    case "snapshot": {
      const { id, log, configuration } = record;
      return { ...noEntry, snapshot: snapshotJson(id), log, members: configuration };
    }
    case "peer":
      return { ...noEntry, node: record.node, incarnation: idText(record.incarnation) };
    default:
      return unreachable(record);
  }
}

function headerFields(header: Header): object {
  const { identity, segment, previous, hardState, commit, run, configuration, peers } = header;
  const { version, snapshot } = header;
  return {
    version,
    node: identity.node,
    cluster: idText(identity.cluster),
    incarnation: idText(identity.incarnation),
    segment,
    first: previous.index + 1,
    previous,
    votedFor: hardState.votedFor,
    commit,
    run,
    snapshot: snapshot === null ? null : snapshotJson(snapshot),
    members: configuration,
    peers: peersJson(peers),
  };
}

export const snapshotJson = ({ last, bytes, checksum }: SnapshotId): object => ({
  index: last.index,
  term: last.term,
  bytes,
  checksum: checksum.toString(16).padStart(8, "0"),
});

export const peersJson = (peers: Header["peers"]): object =>
  Object.fromEntries([...peers].map(([node, incarnation]) => [node, idText(incarnation)]));

export function entryFields(entry: Entry): object {
  const { index, term, time } = entry;
  return { index, term, command: print(entryCommand(entry)), time, ...bodyFields(entry) };
}

/** What an entry carries. */
function entryCommand(entry: Entry): Sexp {
  switch (entry.kind) {
    case "noop":
      return form("noop");
    case "command":
      return commandOf(entry.body);
    case "configuration":
      return form("members", ...describeConfiguration(entry.body));
    default:
      return unreachable(entry);
  }
}

function bodyFields(entry: Entry): object {
  switch (entry.kind) {
    case "noop":
      return { carries: entry.kind };
    case "command":
      return { carries: entry.kind, ...commandFields(decodeCommand(entry.body)) };
    case "configuration":
      return { carries: entry.kind, members: entry.body };
    default:
      return unreachable(entry);
  }
}

function fateFields(fate: Fate): object {
  switch (fate.kind) {
    case "committed": {
      const reply = fate.outcome?.kind === "replied" ? replyText(fate.outcome.reply) : null;
      return { fate: fate.kind, reply };
    }
    case "replaced":
      return { fate: fate.kind, replacedBy: { index: fate.by.index, term: fate.by.term } };
    case "open":
      return { fate: fate.kind };
    default:
      return unreachable(fate);
  }
}
