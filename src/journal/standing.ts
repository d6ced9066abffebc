/**
 * What a journal's records amount to so far, as far as its next header must repeat it. The writer
 * and the recovery keep one each and refuse the same contradictions: what the one would not write,
 * the other does not believe, however right its checksum is.
 */
import { type LogIndex, maxIndex, type NodeId, nextIndex } from "../base/numbers.ts";
import type {
  Configuration,
  Entry,
  EntryId,
  HardState,
  SnapshotEnd,
  SnapshotId,
} from "../raft/types.ts";
import type { Header } from "./header.ts";
import type { Mark, SnapshotMark } from "./record.ts";

/** Why a record cannot follow the ones before it. */
export type Contradiction =
  /** There is no entry right before this one. */
  | "entry-gap"
  /** It would replace an entry that was committed. */
  | "committed-entry-replaced"
  /** Along a log, terms never fall. */
  | "entry-term-falls"
  /** The term is recorded before the entries that were made in it. */
  | "entry-of-unknown-term"
  | "term-falls"
  /** A vote is given once in a term. */
  | "vote-changed"
  | "commit-falls"
  /** A mark says that entries are committed which do not stand before it. */
  | "commit-of-unknown-entry"
  /** A mark repeats another term, vote or last entry than the records before it amount to. */
  | "mark-disagrees"
  /** Snapshots follow each other along the log. */
  | "snapshot-falls"
  /** The log is said to be kept, and does not reach the snapshot's last entry. */
  | "snapshot-of-unknown-entry";

/** A configuration, and the entry that it came with. */
type Since = { readonly index: LogIndex; readonly configuration: Configuration };

export type StandingParts = Pick<
  Header,
  "previous" | "hardState" | "commit" | "peers" | "configuration" | "snapshot"
>;

export class Standing {
  hardState: HardState;
  last: EntryId;
  commit: LogIndex;
  peers: ReadonlyMap<NodeId, number>;
  /** How often entries took the place of others, in the file that is being read or written. */
  replacements = 0;
  /** The one in force. */
  snapshot: SnapshotId | null;
  /** The configurations that are in the log, the one in force last. Never empty. */
  private configurations: readonly Since[];

  constructor(parts: StandingParts) {
    this.hardState = parts.hardState;
    this.last = parts.previous;
    this.commit = parts.commit;
    this.peers = parts.peers;
    this.snapshot = parts.snapshot;
    this.configurations = [{ index: parts.previous.index, configuration: parts.configuration }];
  }

  get configuration(): Configuration {
    return this.configurations[this.configurations.length - 1]!.configuration;
  }

  /** The same, apart from this one: a change of either is not seen in the other. */
  copy(): Standing {
    const copy = new Standing(this.parts());
    copy.configurations = this.configurations;
    copy.replacements = this.replacements;
    return copy;
  }

  /** What a header that is written now repeats. */
  parts(): StandingParts {
    const { hardState, last, commit, peers, configuration, snapshot } = this;
    const previous = { index: last.index, term: last.term };
    return { previous, hardState, commit, peers, configuration, snapshot };
  }

  takeEntry(entry: Entry): Contradiction | null {
    const { last } = this;
    if (entry.index > nextIndex(last.index)) return "entry-gap";
    if (entry.index <= this.commit) return "committed-entry-replaced";
    if (entry.term > this.hardState.term) return "entry-of-unknown-term";
    if (entry.index > last.index) {
      if (entry.term < last.term) return "entry-term-falls";
    } else {
      this.replacements += 1;
      this.configurations = this.configurations.filter(
        (since, at) => at === 0 || since.index < entry.index,
      );
    }
    if (entry.kind === "configuration") {
      const since = { index: entry.index, configuration: entry.body };
      this.configurations = [...this.configurations, since];
    }
    this.last = entry;
    return null;
  }

  takeState(state: HardState): Contradiction | null {
    const { term, votedFor } = this.hardState;
    if (state.term < term) return "term-falls";
    if (state.term === term && votedFor !== null && state.votedFor !== votedFor) {
      return "vote-changed";
    }
    this.hardState = state;
    return null;
  }

  /** What a snapshot holds is committed. A log that does not hold its last entry ends, and begins behind it. */
  takeSnapshot({ id, log, configuration }: SnapshotMark): Contradiction | null {
    const { index } = id.last;
    if (this.snapshot !== null && index <= this.snapshot.last.index) return "snapshot-falls";
    if (log === "kept") {
      if (index > this.last.index) return "snapshot-of-unknown-entry";
    } else {
      if (index <= this.commit) return "committed-entry-replaced";
      if (id.last.term > this.hardState.term) return "entry-of-unknown-term";
      this.last = id.last;
      this.replacements += 1;
      this.configurations = [{ index, configuration }];
    }
    this.commit = maxIndex(this.commit, index);
    this.snapshot = id;
    return null;
  }

  /** The configuration at a snapshot's end, which may be told nowhere else in the files that are left. */
  knowAt({ last, configuration }: Pick<SnapshotEnd, "last" | "configuration">): void {
    const later = this.configurations.filter(({ index }) => index > last.index);
    this.configurations = [{ index: last.index, configuration }, ...later];
  }

  takePeer(node: NodeId, incarnation: number): void {
    this.peers = new Map(this.peers).set(node, incarnation);
  }

  takeMark({ commit, hardState, last, replacements }: Mark): Contradiction | null {
    const { term, votedFor } = this.hardState;
    if (hardState.term !== term || hardState.votedFor !== votedFor) return "mark-disagrees";
    if (replacements !== this.replacements) return "mark-disagrees";
    if (last.index !== this.last.index || last.term !== this.last.term) return "mark-disagrees";
    return this.takeCommit(commit);
  }

  takeCommit(commit: LogIndex): Contradiction | null {
    if (commit < this.commit) return "commit-falls";
    if (commit > this.last.index) return "commit-of-unknown-entry";
    this.commit = maxIndex(this.commit, commit);
    return null;
  }
}
