/**
 * The records that are written from now on, across rolls. The file is held by what it is: when its
 * name leads to another one it was closed, and is read to its end; then come the files that were
 * closed since, in order, and then the one that is written to now.
 */

import { fileStart, type ReadPlace } from "../../journal/reader.ts";
import { judge } from "../../journal/recovery.ts";
import type { CommandExit } from "../command.ts";
import type { Program } from "../program.ts";
import { exitOfSignal, type SignalName, Signals } from "../signals.ts";
import { logReplaced, notFollowable, refusedLog } from "./errors.ts";
import { closedFile, type LogFile, type LogFiles, logFile } from "./files.ts";
import { Listing, type ListPlan, type Records, recordsFor, sayWhereItBegins } from "./list.ts";
import { type Item, ItemStream, judgeLog, logItems } from "./log.ts";
import { type ActiveFile, inodeOf, stably } from "./paths.ts";

export const followLimits = { pollMs: 100 } as const;

/** Until a signal comes, or nobody reads any more. */
export async function followLog(
  log: LogFiles,
  plan: ListPlan,
  program: Program,
): Promise<CommandExit> {
  if (log.active === null) throw notFollowable(log.path);
  const judged = judgeLog(log);
  await sayWhereItBegins(judged, plan, program);
  const stream = new ItemStream();
  const follower = new Follower({ path: log.path, active: log.active, stream });
  const naming = log.files.length > 1 ? "named" : "alone";
  const listing = new Listing(program.output, plan.selection, naming);
  const showing = new Showing(recordsFor(judged, plan), listing);
  try {
    await showing.show(logItems(judged, stream));
    if (judged.refusal !== null) throw judged.refusal;
    while (showing.signal === null) {
      await showing.show(follower.news());
      await Promise.race([showing.interrupted, Bun.sleep(followLimits.pollMs)]);
    }
    await showing.end();
    return exitOfSignal(showing.signal);
  } finally {
    follower.close();
    showing.close();
  }
}

/** Records on their way to the reader, until a signal comes. */
class Showing {
  signal: SignalName | null = null;
  readonly interrupted: Promise<void>;
  private readonly signals = new Signals();
  private readonly records: Records;
  private readonly listing: Listing;

  constructor(records: Records, listing: Listing) {
    this.records = records;
    this.listing = listing;
    this.interrupted = this.signals.next().then((name) => {
      this.signal = name;
    });
  }

  async show(items: Iterable<Item>): Promise<void> {
    for (const item of items) {
      for (const shown of this.records.take(item)) await this.listing.show(shown);
      if (this.signal !== null) return;
    }
    await this.listing.lines.flush();
  }

  /** What is known of nothing that will come any more. */
  async end(): Promise<void> {
    for (const shown of this.records.end()) await this.listing.show(shown);
    await this.listing.lines.flush();
  }

  close(): void {
    this.signals.close();
  }
}

class Follower {
  private readonly path: string;
  private readonly stream: ItemStream;
  private readonly first: ActiveFile;
  private active: ActiveFile;
  private place: ReadPlace | null = null;

  constructor(parts: {
    readonly path: string;
    readonly active: ActiveFile;
    readonly stream: ItemStream;
  }) {
    this.path = parts.path;
    this.first = parts.active;
    this.active = parts.active;
    this.stream = parts.stream;
  }

  /** Files that were opened here. The first one was opened with the log, and is closed with it. */
  close(): void {
    if (this.active !== this.first) this.active.held.close();
  }

  *news(): Generator<Item> {
    this.place ??= this.stream.end.place;
    // In this order: once the name leads elsewhere, nothing more is written to what is held.
    const isRolled = inodeOf(this.path) !== this.active.inode;
    yield* this.readActive(this.place);
    if (isRolled && inodeOf(this.path) !== null) yield* this.readNextFiles();
  }

  private *readActive(place: ReadPlace): Generator<Item> {
    const source = this.active.held.source();
    if (source.size < place.offset) throw logReplaced(this.path);
    if (source.size === place.offset) return;
    yield* this.readFile(logFile(this.path, source), place);
    this.place = this.stream.end.place;
  }

  private *readFile(file: LogFile, place: ReadPlace): Generator<Item> {
    yield* this.stream.read(file, place);
    const { problem } = this.stream.end;
    if (problem === null || problem.kind === "unfinished") return;
    throw refusedLog(file.path, problem, readableBefore(this.stream.end.place));
  }

  /**
   * A file is closed when all of it is durable: one that ends in the middle of a write is damaged.
   */
  private checkEnd(path: string): void {
    const { place } = this.stream.end;
    const file = closedFile(path);
    if (file.source.size === place.offset) return;
    const problem = { file: file.name, ...judge(file, place, "cut-short") };
    throw refusedLog(path, problem, readableBefore(place));
  }

  private *readNextFiles(): Generator<Item> {
    const before = this.active;
    const { active, closed } = stably(this.path, "log");
    this.close();
    this.active = active;
    const own = closed.findLastIndex((path) => inodeOf(path) === before.inode);
    if (own < 0) throw logReplaced(this.path);
    this.checkEnd(closed[own] ?? this.path);
    for (const path of closed.slice(own + 1)) yield* this.readFile(closedFile(path), fileStart);
    yield* this.readActive(fileStart);
  }
}

const readableBefore = ({ offset }: ReadPlace): string => `the records before byte ${offset}`;
