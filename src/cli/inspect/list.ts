/** The records, one on a line: of a file, of a log as far as it was asked for, or of one key. */
import { unreachable } from "../../base/assert.ts";
import type { Problem } from "../../journal/recovery.ts";
import { print } from "../../sexp/print.ts";
import { form, type Sexp, word } from "../../sexp/value.ts";
import type { Output } from "../output.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import type { LogFiles } from "./files.ts";
import { KeyHistory } from "./history.ts";
import { Lines } from "./lines.ts";
import { baseOf, type Item, type Judged, judgeLog, logItems, pathOfFile } from "./log.ts";
import { recordJson, recordSexp, type Shown } from "./record-view.ts";
import { isSelected, type Selection } from "./select.ts";

export type ListPlan = {
  readonly selection: Selection;
  /** Only the history of this key. */
  readonly key: string | null;
};

/**
 * Prints the logs, one after the other. Throws at the first that is damaged, after what is right of
 * it.
 */
export async function listLogs(
  logs: readonly LogFiles[],
  plan: ListPlan,
  program: Program,
): Promise<void> {
  const fileCount = logs.reduce((count, log) => count + log.files.length, 0);
  const listing = new Listing(program.output, plan.selection, fileCount > 1 ? "named" : "alone");
  for (const log of logs) {
    const judged = judgeLog(log);
    const records = recordsFor(judged, plan);
    for (const item of logItems(judged)) {
      for (const shown of records.take(item)) await listing.show(shown);
    }
    for (const shown of records.end()) await listing.show(shown);
    await endOfLog(judged, plan, listing, program);
  }
  await listing.lines.send();
}

/** Turns records into what is shown of them. */
export type Records = {
  readonly take: (item: Item) => readonly Shown[];
  readonly end: () => readonly Shown[];
};

export function recordsFor(judged: Judged, plan: ListPlan): Records {
  if (plan.key === null) return { take: (item) => [{ ...item, fate: null }], end: () => [] };
  const begins = baseOf(judged) === 0 ? "at-the-first-entry" : "later";
  return new KeyHistory(plan.key, begins);
}

async function endOfLog(
  judged: Judged,
  plan: ListPlan,
  listing: Listing,
  program: Program,
): Promise<void> {
  const { refusal, reading, log } = judged;
  await sayWhereItBegins(judged, plan, program);
  if (refusal !== null) {
    await listing.lines.send();
    throw refusal;
  }
  if (reading.problem === null) return;
  const tail = unfinishedTail(log, reading.problem);
  if (isWhole(plan)) listing.showTail(tail);
  await program.messages.line(tailSentence(tail));
}

const isWhole = ({ selection, key }: ListPlan): boolean =>
  key === null && Object.values(selection).every((wish) => wish === null);

/** Nobody is to take a part of a log for the whole. */
export async function sayWhereItBegins(
  judged: Judged,
  plan: ListPlan,
  program: Program,
): Promise<void> {
  const base = baseOf(judged);
  const wanted = plan.selection.from ?? (plan.key === null ? null : 1);
  if (wanted === null || wanted > base) return;
  await program.messages.line(
    `${visible(judged.log.path)}: the files that are there begin at entry ${base + 1}; ` +
      "what stood before it is not shown",
  );
}

export class Listing {
  readonly lines: Lines;
  private readonly format: Output["format"];
  private readonly paint: Output["paint"];
  private readonly selection: Selection;
  private readonly naming: "named" | "alone";
  private path = "";

  constructor(output: Output, selection: Selection, naming: "named" | "alone") {
    this.lines = new Lines(output);
    this.format = output.format;
    this.paint = output.paint;
    this.selection = selection;
    this.naming = naming;
  }

  /** Waits only where there is something to send. */
  async show(shown: Shown): Promise<void> {
    const { record } = shown.located;
    if (isSelected(this.selection, record) === "not") return;
    if (this.format === "json") this.lines.add(JSON.stringify(recordJson(shown)));
    else {
      this.name(shown.path);
      const isLoud = record.kind === "entry" || record.kind === "state";
      this.addSexp(recordSexp(shown), isLoud ? "loud" : "quiet");
    }
    if (this.lines.isFull) await this.lines.send();
  }

  showTail(tail: Tail): void {
    if (this.format === "json") {
      const { path, offset, bytes, because } = tail;
      const nothing = { index: null, term: null, command: null };
      const line = { file: path, offset, length: bytes, kind: "unfinished", ...nothing, because };
      this.lines.add(JSON.stringify(line));
      return;
    }
    this.name(tail.path);
    this.addSexp(
      form(
        "unfinished",
        form("offset", tail.offset),
        form("bytes", tail.bytes),
        form("because", word(tail.because)),
      ),
      "loud",
    );
  }

  /** Offsets mean something only with the file they are in. */
  private name(path: string): void {
    if (this.naming === "alone" || path === this.path) return;
    this.path = path;
    this.addSexp(form("file", path), "loud");
  }

  /** What is there for the machine's sake steps back a little on a terminal. */
  private addSexp(value: Sexp, loudness: "loud" | "quiet"): void {
    const line = print(value);
    const isDim = this.format === "text" && loudness === "quiet";
    this.lines.add(isDim ? this.paint.dim(line) : line);
  }
}

/** A write that is under way, or that a crash interrupted. */
export type Tail = {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly because: string;
};

export function unfinishedTail(log: LogFiles, problem: Problem): Tail {
  const size = log.files.find((file) => file.name === problem.file)?.source.size ?? problem.offset;
  const { offset } = problem;
  return {
    path: pathOfFile(log, problem.file),
    offset,
    bytes: size - offset,
    because: reasonOf(problem),
  };
}

function reasonOf(problem: Problem): string {
  switch (problem.kind) {
    case "unfinished":
    case "damaged":
    case "incompatible":
      return problem.reason;
    case "contradiction":
      return problem.contradiction;
    case "out-of-place":
      return problem.because;
    default:
      return unreachable(problem);
  }
}

export const tailSentence = (tail: Tail): string =>
  `${visible(tail.path)} ends in a write that is not finished: ${tail.bytes} bytes from byte ` +
  `${tail.offset} on. ` +
  "A node is writing now, or was interrupted and cuts it off when it starts.";
