/**
 * Reads a damaged journal for all that it still says. Changes nothing.
 *
 * Behind a byte that was right once and is not any more, reading goes on at the next mark or header that can be read.
 * Both say which term and vote were in force there and how far the log had gone, so nothing that was promised before
 * them is in doubt: only entries are missing, and PartialLog knows which. What cannot be known is how a journal went
 * on of which the end is gone as well: that is refused, as is what is not damage.
 */
import { AssertionError, unreachable } from "../base/assert.ts";
import { readU32 } from "../base/integers.ts";
import type { NodeId } from "../base/numbers.ts";
import { members } from "../raft/membership.ts";
import type { Configuration } from "../raft/types.ts";
import { firstMarkBehind } from "./damage.ts";
import type { Disk } from "./disk.ts";
import { findFiles } from "./folder.ts";
import type { Header, Identity } from "./header.ts";
import { entriesInHole } from "./hole.ts";
import { snapshotIndex, snapshotNames } from "./names.ts";
import type { RecoveredSnapshot } from "./open.ts";
import { PartialLog } from "./partial-log.ts";
import {
  type BadReason,
  fileSource,
  type JournalRecord,
  type ReadPlace,
  RecordReader,
} from "./reader.ts";
import { type Mark, markRecordBytes } from "./record.ts";
import { agrees, judge, type SegmentFile, sameIdentity } from "./recovery.ts";
import { loadSnapshot } from "./snapshot-load.ts";
import { type Contradiction, Standing, type StandingParts } from "./standing.ts";

/** Bytes that cannot be read any more: from `offset` on, so many; 0 where it is unknown how many there were. */
export type Damage = { readonly file: string; readonly offset: number; readonly bytes: number };

export type Salvage = {
  readonly identity: Identity;
  readonly segment: number;
  readonly run: number;
  /** Term and vote, the peers and the configuration, as they were when the node stopped. */
  readonly standing: Standing;
  readonly log: PartialLog;
  /** The newest whole one; null where there is none, or none is needed. */
  readonly snapshot: RecoveredSnapshot | null;
  /** In force at the log's base, where no snapshot says it. */
  readonly configuration: Configuration;
  /** All whom some configuration names, this node not among them. */
  readonly others: readonly NodeId[];
  readonly damages: readonly Damage[];
  /** Snapshots that are not what they were. */
  readonly damagedSnapshots: readonly string[];
};

/** Why a damaged journal cannot be mended with what others hold. */
export type Hopeless =
  | "identity-lost"
  | "end-lost"
  | "contradiction"
  | "incompatible"
  | "other-identity";

export type SalvageResult =
  | { readonly kind: "salvaged"; readonly salvage: Salvage }
  | { readonly kind: "hopeless"; readonly because: Hopeless };

export function salvageJournal(
  disk: Disk,
  wanted: { readonly node: NodeId; readonly cluster: number },
): SalvageResult {
  const { node, cluster } = wanted;
  const reading = new Salvaging();
  const because = reading.readAll(findFiles(disk, node).files);
  if (because !== null) return { kind: "hopeless", because };
  const { first, standing, log } = reading;
  if (first === null || standing === null || log === null) {
    return { kind: "hopeless", because: "identity-lost" };
  }
  const { identity } = first;
  if (identity.node !== node || (cluster !== 0 && identity.cluster !== cluster)) {
    return { kind: "hopeless", because: "other-identity" };
  }
  const { snapshot, damagedSnapshots } = snapshotsIn(disk, identity);
  if (snapshot !== null) log.standOn(snapshot.end.last);
  const isStood = snapshot !== null && log.base.index === snapshot.id.last.index;
  const configurations = [first.configuration, ...reading.configurations, standing.configuration];
  const { segment, run, damages } = reading;
  return {
    kind: "salvaged",
    salvage: {
      ...{ identity, segment, run, standing, log, damages, damagedSnapshots },
      snapshot: isStood ? snapshot : null,
      configuration: isStood ? snapshot.end.configuration : first.configuration,
      others: everybody(configurations).filter((id) => id !== node),
    },
  };
}

const everybody = (configurations: readonly Configuration[]): readonly NodeId[] =>
  [...new Set(configurations.flatMap(members))].sort((a, b) => a - b);

/**
 * The newest whole snapshot, whether or not the journal still says that it is in force: what has this name was taken
 * of committed entries, and whole before it got the name.
 */
function snapshotsIn(
  disk: Disk,
  { node, cluster }: Identity,
): { readonly snapshot: RecoveredSnapshot | null; readonly damagedSnapshots: readonly string[] } {
  const names = snapshotNames(node, disk.list()).filter((name) => snapshotIndex(name) !== null);
  const damagedSnapshots: string[] = [];
  for (const name of [...names].sort().reverse()) {
    const loaded = loadSnapshot(fileSource(disk, name), null);
    if (loaded.kind === "loaded" && loaded.head.cluster === cluster) {
      const { head: end, store, id } = loaded;
      return { snapshot: { id, end, store }, damagedSnapshots };
    }
    damagedSnapshots.push(name);
  }
  return { snapshot: null, damagedSnapshots };
}

/** No mark says so many. */
const uncounted = -1;

/** What a mark or a header says of everything before it. */
type Told = Pick<StandingParts, "hardState" | "commit"> &
  Partial<StandingParts> & {
    readonly last: StandingParts["previous"];
    /** Of this file, as a mark counts them; a header begins to count. */
    readonly replacements?: number;
  };

class Salvaging {
  first: Header | null = null;
  standing: Standing | null = null;
  log: PartialLog | null = null;
  segment = 0;
  run = 0;
  readonly damages: Damage[] = [];
  readonly configurations: Configuration[] = [];
  /** The checksum that the next header continues from; null where the end of the file before it is damaged. */
  private chain: number | null = 0;

  readAll(files: readonly SegmentFile[]): Hopeless | null {
    for (const file of files) {
      const because = this.readFile(file);
      if (because !== null) return because;
    }
    const active = files.at(-1);
    // A closed file's end is told by the next header; behind the last one nothing tells it.
    return active?.role === "active" && this.chain !== null ? null : "end-lost";
  }

  private readFile(file: SegmentFile): Hopeless | null {
    const reader = new RecordReader(file.source);
    const opening = reader.next();
    if (opening.kind !== "record") {
      const isIntact = opening.kind === "bad" && isIntactReason(opening.reason);
      return isIntact ? "incompatible" : this.withoutHeader(file);
    }
    if (opening.record.kind !== "header") throw new AssertionError("a file begins with a header");
    return this.takeHeader(file, opening.record) ?? this.readBody(file, reader);
  }

  /** Its header is damaged. What the files before it amount to is known: the marks tell the rest. */
  private withoutHeader(file: SegmentFile): Hopeless | null {
    // Its marks count from its header on. What was replaced before, at the end of the last file that can be read or in
    // one that is gone, nobody counts: that this one follows that one, only the header could say.
    if (this.standing !== null) this.standing.replacements = uncounted;
    this.chain = null;
    if (this.standing === null && file.role === "active") return "identity-lost";
    const { size } = file.source;
    const seed = size < 4 ? null : readU32(file.source.read(0, 4), 0);
    const mark =
      this.standing === null || seed === null
        ? null
        : firstMarkBehind(file.source, { offset: 0, seed });
    if (mark === null || seed === null) {
      this.damages.push({ file: file.name, offset: 0, bytes: size });
      return null;
    }
    this.segment += 1;
    return this.goOn(file, { offset: 0, chain: 0, seed }, mark);
  }

  private takeHeader(file: SegmentFile, header: Header): Hopeless | null {
    const { first, standing, log, chain, segment } = this;
    this.segment = header.segment;
    this.run = header.run;
    this.configurations.push(header.configuration);
    this.chain = null;
    if (first === null || standing === null || log === null) {
      this.first = header;
      this.standing = new Standing(header);
      this.log = new PartialLog(header.previous, header.commit);
      return null;
    }
    if (!sameIdentity(header.identity, first.identity)) return "other-identity";
    const follows = header.chain === chain && header.segment === segment + 1;
    if (follows && agrees(header, standing)) {
      standing.replacements = 0;
      return null;
    }
    if (!follows && chain !== null) this.damages.push({ file: file.name, offset: 0, bytes: 0 });
    // A bug, and no damage: all before it could be read.
    if (this.damages.length === 0) return "contradiction";
    return this.resume({ ...header, last: header.previous });
  }

  private readBody(file: SegmentFile, begun: RecordReader): Hopeless | null {
    let reader = begun;
    for (;;) {
      const next = reader.next();
      this.chain = reader.place.chain;
      if (next.kind === "end") return null;
      if (next.kind === "record") {
        const contradiction = this.take(next.record);
        if (contradiction !== null) return "contradiction";
        continue;
      }
      const problem = judge(file, reader.place, next.reason);
      if (problem.kind === "unfinished") return null;
      if (problem.kind !== "damaged") return "incompatible";
      const mark = firstMarkBehind(file.source, reader.place);
      if (mark === null) {
        const { offset } = reader.place;
        this.chain = null;
        this.damages.push({ file: file.name, offset, bytes: file.source.size - offset });
        return null;
      }
      const because = this.resumeAt(file, reader.place, mark);
      if (because !== null) return because;
      reader = readerBehind(file, reader.place, mark);
    }
  }

  private goOn(file: SegmentFile, bad: ReadPlace, mark: Mark): Hopeless | null {
    return this.resumeAt(file, bad, mark) ?? this.readBody(file, readerBehind(file, bad, mark));
  }

  private resumeAt(file: SegmentFile, bad: ReadPlace, mark: Mark): Hopeless | null {
    const { offset } = bad;
    this.damages.push({ file: file.name, offset, bytes: mark.offset - offset });
    this.run = mark.run;
    const isUnreplaced = mark.replacements === this.standing?.replacements;
    const because = this.resume(mark);
    if (because !== null || !isUnreplaced || offset === 0) return because;
    this.log?.restore(entriesInHole(file.source, bad, mark.offset));
    return null;
  }

  private resume(told: Told): Hopeless | null {
    const { standing, log } = this;
    if (standing === null || log === null) return "identity-lost";
    const { hardState, commit, last } = told;
    const goesBack = hardState.term < standing.hardState.term || commit < standing.commit;
    if (goesBack || last.index < commit) return "contradiction";
    log.resume(last, {
      termBefore: standing.hardState.term,
      termBehind: hardState.term,
      replaced: told.replacements === standing.replacements ? "nothing" : "unknown",
    });
    log.commit = commit;
    const before = standing.parts();
    this.configurations.push(before.configuration);
    this.standing = new Standing({ ...before, ...told, previous: last });
    this.standing.replacements = told.replacements ?? 0;
    return null;
  }

  private take(record: JournalRecord): Contradiction | null {
    const { standing, log } = this;
    if (standing === null || log === null) throw new AssertionError("a header comes first");
    switch (record.kind) {
      case "entry": {
        const contradiction = standing.takeEntry(record.entry);
        if (contradiction === null) log.append(record.entry);
        return contradiction;
      }
      case "state":
        return standing.takeState(record.hardState);
      case "peer":
        standing.takePeer(record.node, record.incarnation);
        return null;
      case "mark": {
        const contradiction = standing.takeMark(record);
        this.run = record.run;
        log.commit = standing.commit;
        return contradiction;
      }
      case "snapshot": {
        const contradiction = standing.takeSnapshot(record);
        if (contradiction !== null) return contradiction;
        if (record.log === "discarded") log.restart(record.id.last);
        log.commit = standing.commit;
        return null;
      }
      case "header":
        throw new AssertionError("the reader reads a header only at the start of a file");
      default:
        return unreachable(record);
    }
  }
}

/** The checksum is right: it was not damage that made it so. */
const isIntactReason = (reason: BadReason): boolean =>
  reason === "unknown-version" || reason === "unknown-kind" || reason === "malformed";

/** The mark vouches for itself; what follows it continues from the checksum that it carries. */
function readerBehind({ source }: SegmentFile, { seed }: ReadPlace, mark: Mark): RecordReader {
  const chain = readU32(source.read(mark.offset, 4), 0);
  return new RecordReader(source, { offset: mark.offset + markRecordBytes, chain, seed });
}
