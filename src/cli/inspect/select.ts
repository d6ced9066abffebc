/** Which records were asked for. What several flags ask for must hold together. */
import { decodeCommand } from "../../codec/command.ts";
import type { JournalRecord } from "../../journal/reader.ts";
import type { Command } from "../../kv/command.ts";

export type Selection = {
  readonly from: number | null;
  readonly to: number | null;
  readonly term: number | null;
  readonly kinds: ReadonlySet<Kind> | null;
};

/** Kinds of records; and of entries, by what they carry and by what the command does. */
export const kindNames = [
  "header",
  "mark",
  "entry",
  "state",
  "peer",
  "snapshot",
  "noop",
  "command",
  "configuration",
  "register",
  "put",
  "delete",
  "cas",
  "get",
  "list",
  "incr",
  "txn",
  "lease-grant",
  "lease-revoke",
  "lease-keep-alive",
  "leases",
  "expire",
  "unreadable",
] as const;
export type Kind = (typeof kindNames)[number];

export const isKind = (name: string): name is Kind => kindNames.some((known) => known === name);

export function isSelected(selection: Selection, record: JournalRecord): "selected" | "not" {
  const { from, to, term, kinds } = selection;
  if (from !== null || to !== null) {
    if (record.kind !== "entry") return "not";
    const { index } = record.entry;
    if (index < (from ?? 0) || index > (to ?? Number.POSITIVE_INFINITY)) return "not";
  }
  if (term !== null && termOf(record) !== term) return "not";
  return kinds === null || isOfKind(record, kinds) ? "selected" : "not";
}

function termOf(record: JournalRecord): number | null {
  switch (record.kind) {
    case "entry":
      return record.entry.term;
    case "header":
    case "state":
      return record.hardState.term;
    default:
      return null;
  }
}

function isOfKind(record: JournalRecord, kinds: ReadonlySet<Kind>): boolean {
  if (kinds.has(record.kind)) return true;
  if (record.kind !== "entry") return false;
  const { entry } = record;
  if (kinds.has(entry.kind)) return true;
  return entry.kind === "command" && kinds.has(operationKind(decodeCommand(entry.body)));
}

function operationKind(command: Command | null): Kind {
  if (command === null) return "unreadable";
  if (command.kind !== "request") return command.kind;
  const { kind } = command.operation;
  return kind === "put-leased" ? "put" : kind;
}

/** Whether a command names this key: it writes it, or reads it through the log, or may. */
export function touches(command: Command | null, key: string): boolean {
  if (command?.kind !== "request") return false;
  const { operation } = command;
  if (operation.kind === "txn") {
    return [...operation.holding, ...operation.otherwise].some((step) => step.key === key);
  }
  return "key" in operation && operation.key === key;
}
