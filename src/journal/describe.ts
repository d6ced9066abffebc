/**
 * Records as s-expressions, for `inspect` and for failures of the simulator:
 *
 *   (header (node 1) (cluster "0000000004d2") (incarnation "000000000007") (segment 1) …)
 *   (mark (durable 96) (commit 4) (run 2) (term 3) (voted-for 2) (last 4 2) (replacements 0))
 *   (entry (index 5) (term 2) (time 1200) (put "k" "v"))
 *   (state (term 3) (voted-for 2))
 *   (snapshot (last 40 2) (bytes 4096) (checksum "00c0ffee") (log kept) (members (voters 1 2 3)))
 *   (peer (node 2) (incarnation "00000000002a"))
 */
import { unreachable } from "../base/assert.ts";
import { describeConfiguration } from "../raft/describe.ts";
import type { Entry, HardState, SnapshotId } from "../raft/types.ts";
import { form, list, type Sexp, type SexpList, symbol } from "../sexp/value.ts";
import type { Header } from "./header.ts";
import type { JournalRecord } from "./reader.ts";

/** How the caller shows a command: its bytes mean nothing here. */
export type DescribeCommand = (command: Uint8Array) => Sexp;

const hexDigits = 12;

export function recordToSexp(record: JournalRecord, describeCommand: DescribeCommand): Sexp {
  switch (record.kind) {
    case "header":
      return describeHeader(record);
    case "mark":
      return form(
        "mark",
        form("durable", record.durable),
        form("commit", record.commit),
        form("run", record.run),
        ...describeHardState(record.hardState),
        form("last", record.last.index, record.last.term),
        form("replacements", record.replacements),
      );
    case "entry":
      return describeEntry(record.entry, describeCommand);
    case "state":
      return form("state", ...describeHardState(record.hardState));
    case "snapshot":
      return form(
        "snapshot",
        ...describeSnapshotId(record.id),
        form("log", symbol(record.log)),
        form("members", ...describeConfiguration(record.configuration)),
      );
    case "peer":
      return form(
        "peer",
        form("node", record.node),
        form("incarnation", idText(record.incarnation)),
      );
    default:
      return unreachable(record);
  }
}

function describeHeader(header: Header): Sexp {
  const { identity, previous, peers, configuration, snapshot } = header;
  return form(
    "header",
    form("node", identity.node),
    form("cluster", idText(identity.cluster)),
    form("incarnation", idText(identity.incarnation)),
    form("segment", header.segment),
    form("first", previous.index + 1),
    form("previous", previous.index, previous.term),
    ...describeHardState(header.hardState),
    form("commit", header.commit),
    form("run", header.run),
    ...(snapshot === null ? [] : [form("snapshot", ...describeSnapshotId(snapshot))]),
    form("members", ...describeConfiguration(configuration)),
    form("peers", ...[...peers].map(([node, incarnation]) => list(node, idText(incarnation)))),
  );
}

function describeEntry(entry: Entry, describeCommand: DescribeCommand): Sexp {
  return form(
    "entry",
    form("index", entry.index),
    form("term", entry.term),
    form("time", entry.time),
    describeBody(entry, describeCommand),
  );
}

function describeBody(entry: Entry, describeCommand: DescribeCommand): Sexp {
  switch (entry.kind) {
    case "noop":
      return form("noop");
    case "command":
      return describeCommand(entry.body);
    case "configuration":
      return form("members", ...describeConfiguration(entry.body));
    default:
      return unreachable(entry);
  }
}

const describeHardState = (state: HardState): readonly Sexp[] => [
  form("term", state.term),
  form("voted-for", state.votedFor ?? symbol("none")),
];

/** `(last 40 2) (bytes 4096) (checksum "00c0ffee")` */
export const describeSnapshotId = ({ last, bytes, checksum }: SnapshotId): readonly SexpList[] => [
  form("last", last.index, last.term),
  form("bytes", bytes),
  form("checksum", checksum.toString(16).padStart(8, "0")),
];

const idText = (id: number): string => id.toString(16).padStart(hexDigits, "0");
