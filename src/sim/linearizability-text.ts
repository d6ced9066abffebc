/**
 * Reads recorded histories, one event per line, in two notations:
 *
 *   INFO  jepsen.util - 3	:invoke	:cas	[1 2]                          one register, which holds nil at first
 *   {:process 3, :type :ok, :f :get, :key "k", :value "v"}            keys with texts; an absent key is ""
 *
 * What an event means is the same in both. `:ok`: it happened. `:fail`: it had no effect; a refused compare-and-set
 * is the one failure that tells something. `:info`, a process that calls again without a return, and the end of
 * the file: it may happen at any time from its call on, or never.
 */
import { unreachable } from "../base/assert.ts";
import {
  type CellAction,
  type CellOperation,
  type CellValue,
  cells,
} from "./linearizability-cell.ts";
import { type EdnMap, type EdnValue, readEdnMap, readEdnValues } from "./linearizability-edn.ts";
import type { Model, Recorded } from "./linearizability-model.ts";

export type HistoryKind = "register" | "kv";

export type History = {
  readonly kind: HistoryKind;
  readonly records: readonly Recorded<CellOperation>[];
};

export type HistoryRead =
  | { readonly kind: "history"; readonly history: History }
  | { readonly kind: "malformed"; readonly line: number; readonly why: string };

export const modelOf = (kind: HistoryKind): Model<CellOperation> =>
  cells(kind === "register" ? null : "");

type What = "invoke" | "ok" | "fail" | "info";
type Verb = "read" | "write" | "append" | "cas";

type Event = {
  readonly process: string;
  readonly what: What;
  readonly verb: Verb;
  readonly key: string;
  readonly value: EdnValue | null;
};

type Malformed = { readonly kind: "malformed"; readonly why: string };
const malformed = (why: string): Malformed => ({ kind: "malformed", why });
/** A line that is no event of a client. */
const beside = { kind: "beside" } as const;
type LineRead = { readonly kind: "event"; readonly event: Event } | typeof beside | Malformed;

export function readHistory(text: string): HistoryRead {
  const lines = text.split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== "");
  if (first === undefined) return { kind: "malformed", line: 1, why: "the file is empty" };
  const kind: HistoryKind = first.trimStart().startsWith("{") ? "kv" : "register";
  const readLine = kind === "kv" ? mapLine : logLine;
  const builder = new Builder(kind === "kv" ? "" : null);
  for (const [place, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const read = readLine(line);
    if (read.kind === "beside") continue;
    const problem = read.kind === "malformed" ? read : builder.add(read.event, place + 1);
    if (problem !== null) return { ...problem, line: place + 1 };
  }
  return { kind: "history", history: { kind, records: builder.records() } };
}

const whats: Record<string, What> = {
  ":invoke": "invoke",
  ":ok": "ok",
  ":fail": "fail",
  ":info": "info",
};
const registerVerbs: Record<string, Verb> = { ":read": "read", ":write": "write", ":cas": "cas" };
const keyVerbs: Record<string, Verb> = { ":get": "read", ":put": "write", ":append": "append" };

function logLine(line: string): LineRead {
  const match = /^\s*INFO\s+jepsen\.util\s+-\s+(\S+)\s+(\S+)\s+(\S+)(?:\s+(.*?))?\s*$/.exec(line);
  if (match === null) return malformed("this is not a line of a jepsen log");
  const [, process = "", type = "", f = "", rest = ""] = match;
  if (process === ":nemesis") return beside;
  if (!/^\d+$/.test(process)) return malformed(`"${process}" is not the number of a process`);
  const values = readEdnValues(rest);
  if (values === null || values.length > 1) return malformed(`"${rest}" is not a value`);
  return eventOf({ process, type, f, key: "", value: values[0] ?? null, verbs: registerVerbs });
}

function mapLine(line: string): LineRead {
  const map: EdnMap | null = readEdnMap(line);
  if (map === null) return malformed("this is not a map of keywords to values");
  const who = map.get(":process");
  const key = map.get(":key");
  if (who?.kind === "word" && who.word === ":nemesis") return beside;
  if (who?.kind !== "number") return malformed("there is no :process with a number");
  if (key?.kind !== "text" && key?.kind !== "number") return malformed("there is no :key");
  const [type, f] = [map.get(":type"), map.get(":f")];
  return eventOf({
    process: who.text,
    type: type?.kind === "word" ? type.word : "",
    f: f?.kind === "word" ? f.word : "",
    key: key.text,
    value: map.get(":value") ?? null,
    verbs: keyVerbs,
  });
}

function eventOf(parts: {
  process: string;
  type: string;
  f: string;
  key: string;
  value: EdnValue | null;
  verbs: Record<string, Verb>;
}): LineRead {
  const { process, key, value, verbs } = parts;
  const what = whats[parts.type];
  const verb = verbs[parts.f];
  if (what === undefined) return malformed(`${parts.type || "nothing"} is not a type of event`);
  if (verb === undefined) {
    const known = Object.keys(verbs).join(", ");
    return malformed(`${parts.f || "nothing"} is not an operation of this history (${known})`);
  }
  return { kind: "event", event: { process, what, verb, key, value } };
}

type Open = { readonly event: Event; readonly called: number; readonly asked: CellAction | null };

/** Puts calls and returns together. Moments are line numbers. */
class Builder {
  private readonly initial: CellValue;
  private readonly done: Recorded<CellOperation>[] = [];
  private readonly open = new Map<string, Open>();

  constructor(initial: CellValue) {
    this.initial = initial;
  }

  add(event: Event, line: number): Malformed | null {
    return event.what === "invoke" ? this.call(event, line) : this.return(event, line);
  }

  records(): readonly Recorded<CellOperation>[] {
    for (const one of this.open.values()) this.neverReturns(one);
    this.open.clear();
    return this.done;
  }

  private call(event: Event, line: number): Malformed | null {
    const { process, verb } = event;
    const before = this.open.get(process);
    if (before !== undefined) this.neverReturns(before);
    const asked = verb === "read" ? null : changeAsked(event);
    if (asked?.kind === "malformed") return asked;
    this.open.set(process, { event, called: line, asked });
    return null;
  }

  private return(event: Event, line: number): Malformed | null {
    const { process, what, verb, key, value } = event;
    const one = this.open.get(process);
    // A process may say more than once that it does not know.
    if (one === undefined) {
      return what === "info" ? null : malformed(`process ${process} has called nothing`);
    }
    if (one.event.verb !== verb || one.event.key !== key) {
      return malformed(`process ${process} has called something else, at line ${one.called}`);
    }
    this.open.delete(process);
    if (what === "info") {
      this.neverReturns(one);
      return null;
    }
    const action = what === "ok" ? this.happened(one, value) : failed(one, value);
    if (action === null) return null;
    if (action.kind === "malformed") return action;
    this.done.push({ process, operation: { key, action }, called: one.called, returned: line });
    return null;
  }

  private happened({ asked }: Open, value: EdnValue | null): CellAction | Malformed {
    if (asked !== null) return asked.kind === "cas" ? { ...asked, outcome: "done" } : asked;
    const read = value === null ? undefined : cellValue(value);
    if (read === undefined) return malformed("a read that is :ok has a value");
    return { kind: "read", value: read ?? this.initial };
  }

  /** A read whose answer nobody knows constrains nothing. */
  private neverReturns({ event, called, asked }: Open): void {
    const { process, key } = event;
    if (asked === null) return;
    this.done.push({ process, operation: { key, action: asked }, called, returned: null });
  }
}

/** What it tells that an operation had no effect. */
function failed({ asked }: Open, value: EdnValue | null): CellAction | null {
  if (asked?.kind !== "cas" || value?.kind !== "pair") return null;
  return { ...asked, outcome: "refused" };
}

function changeAsked({ verb, value }: Event): CellAction | Malformed {
  switch (verb) {
    case "cas": {
      if (value?.kind !== "pair") return malformed("a :cas needs a pair: [from to]");
      const [from, to] = [cellValue(value.one), cellValue(value.other)];
      if (from === undefined || to === undefined) return malformed("a :cas needs two plain values");
      return { kind: "cas", from, to, outcome: "unknown" };
    }
    case "append":
    case "write": {
      const written = value === null ? undefined : cellValue(value);
      if (written === undefined) return malformed(`a :${verb} needs a value`);
      if (verb === "write") return { kind: "write", value: written };
      return written === null
        ? malformed("an :append needs a text")
        : { kind: "append", value: written };
    }
    case "read":
      return malformed("a read asks for no change");
    default:
      return unreachable(verb);
  }
}

/** undefined where it is nothing that a cell can hold. */
function cellValue(value: EdnValue): CellValue | undefined {
  if (value.kind === "nil") return null;
  return value.kind === "text" || value.kind === "number" ? value.text : undefined;
}
