/**
 * One server as the harness runs it: the real Raft state, a pretend disk that remembers what was synced and
 * nothing else, and the gate between them. A promise (a vote, an acknowledged append) leaves only when the disk
 * holds what makes it true, as replica/ does it; here it is short enough to see at a glance.
 */
import { assert, must } from "../../src/base/assert.ts";
import type { LogIndex, NodeId, Term } from "../../src/base/numbers.ts";
import { millis } from "../../src/base/numbers.ts";
import type { Random } from "../../src/base/random.ts";
import { beginning } from "../../src/raft/log.ts";
import type { Message } from "../../src/raft/message.ts";
import { takeEffects } from "../../src/raft/raft.ts";
import type { Effects, Settings, State } from "../../src/raft/state.ts";
import { createState } from "../../src/raft/state.ts";
import type {
  Configuration,
  Entry,
  EntryId,
  HardState,
  SnapshotEnd,
} from "../../src/raft/types.ts";

/** "at-once": a write is durable before anything else happens. "by-hand": when the test says so. */
export type DiskMode = "at-once" | "by-hand";

/** What stands for the beginning of a log. `terms` are those of the entries in it: the witness asks for them. */
export type Snapshot = SnapshotEnd & { readonly terms: readonly Term[] };

/** What a restart finds. The entries follow the snapshot, where there is one. */
export type Disk = {
  hardState: HardState;
  commit: LogIndex;
  snapshot: Snapshot | null;
  entries: Entry[];
};

/** One batch on its way to the disk, and the messages that wait for it. */
type Write = {
  readonly hardState: HardState;
  /** Known to be committed when it was written: what a restart may begin with. */
  readonly commit: LogIndex;
  readonly install: Install | null;
  readonly entries: readonly Entry[];
  readonly last: EntryId;
  readonly waiting: Message[];
};

type Install = { readonly snapshot: Snapshot; readonly log: "log-kept" | "log-discarded" };

const gated: ReadonlySet<Message["kind"]> = new Set([
  "vote-request",
  "vote-response",
  "append-response",
]);

export class Server {
  readonly id: NodeId;
  readonly disk: Disk;
  private readonly settings: Settings;
  private readonly configuration: Configuration;
  private readonly random: Random;
  private recorded: HardState;
  private writes: Write[] = [];
  private installing: Install | null = null;
  /** null while crashed. */
  state: State | null = null;

  constructor(parts: {
    settings: Settings;
    configuration: Configuration;
    random: Random;
    disk: Disk;
  }) {
    this.id = parts.settings.me;
    this.settings = parts.settings;
    this.configuration = parts.configuration;
    this.random = parts.random;
    this.disk = parts.disk;
    this.recorded = parts.disk.hardState;
  }

  get live(): State {
    return must(this.state, `n${this.id} is up`);
  }

  get pendingWrites(): number {
    return this.writes.length;
  }

  restart(): void {
    assert(this.state === null, `n${this.id} is down before it restarts`);
    const { snapshot } = this.disk;
    const recovered = {
      hardState: this.disk.hardState,
      base: snapshot?.last ?? beginning,
      baseTime: snapshot?.time ?? millis(0),
      entries: [...this.disk.entries],
      configuration: snapshot?.configuration ?? this.configuration,
      commit: snapshot?.last.index ?? beginning.index,
    };
    this.recorded = this.disk.hardState;
    this.state = createState(this.settings, recovered, this.random);
  }

  /** The power goes. The first `survivingWrites` under way had reached the disk; nobody was told. */
  crash(survivingWrites: number): void {
    assert(survivingWrites <= this.writes.length, "only what was written survives");
    for (const write of this.writes.slice(0, survivingWrites)) this.persist(write);
    this.writes = [];
    this.installing = null;
    this.state = null;
  }

  /** Takes what the steps asked for: the messages that may leave now, and the effects. */
  settle(): { readonly free: readonly Message[]; readonly effects: Effects } {
    const state = this.live;
    const effects = takeEffects(state);
    const entries = state.log.takeUnrecorded();
    const { term, votedFor, commit } = state;
    const same = term === this.recorded.term && votedFor === this.recorded.votedFor;
    const install = this.installing;
    if (!same || entries.length > 0 || install !== null) {
      this.recorded = { term, votedFor };
      const { last } = state.log;
      this.writes.push({ hardState: this.recorded, commit, install, entries, last, waiting: [] });
      this.installing = null;
    }
    return { free: effects.send.filter((message) => this.mayLeave(message)), effects };
  }

  private mayLeave(message: Message): boolean {
    const last = this.writes[this.writes.length - 1];
    if (last === undefined) return true;
    if (!gated.has(message.kind) && message.term <= this.disk.hardState.term) return true;
    last.waiting.push(message);
    return false;
  }

  /** The oldest write has reached the disk: what it makes durable, and the messages it lets go. */
  completeWrite(): { readonly last: EntryId; readonly freed: readonly Message[] } {
    const write = must(this.writes.shift(), `n${this.id} is writing something`);
    this.persist(write);
    return { last: write.last, freed: write.waiting };
  }

  /** An entry at an index that exists already replaces it and all that follows it, as in the journal. */
  private persist(write: Write): void {
    this.disk.hardState = write.hardState;
    this.disk.commit = write.commit;
    if (write.install !== null) this.persistSnapshot(write.install);
    for (const entry of write.entries) {
      this.disk.entries = this.disk.entries.filter(({ index }) => index < entry.index);
      this.disk.entries.push(entry);
    }
  }

  private persistSnapshot({ snapshot, log }: Install): void {
    this.disk.snapshot = snapshot;
    this.disk.entries =
      log === "log-kept"
        ? this.disk.entries.filter(({ index }) => index > snapshot.last.index)
        : [];
  }

  /** A snapshot has come in whole. What becomes of the log goes to the disk with whatever is written next. */
  install(snapshot: Snapshot, log: Install["log"]): void {
    this.installing = { snapshot, log };
  }

  /** Takes a snapshot of what the disk holds, if it can be one, and forgets what is in it. */
  compact(to: LogIndex): Snapshot {
    const { log, commit, membership } = this.live;
    assert(to > log.base.index && to <= commit, "what is committed and not forgotten is forgotten");
    const { time, ...last } = log.at(to);
    assert(this.durableTermAt(to) === last.term, "what is forgotten is on the disk");
    const terms = Array.from({ length: to }, (_, at) =>
      must(this.durableTermAt(at + 1), "the disk holds what is before it"),
    );
    const configuration = membership.at(to);
    const snapshot = { last: { index: to, term: last.term }, time, configuration, terms };
    this.persistSnapshot({ snapshot, log: "log-kept" });
    return snapshot;
  }

  /** The term of the entry that a power cut would leave at `index`, or null. */
  durableTermAt(index: number): Term | null {
    const { snapshot, entries } = this.disk;
    const inSnapshot = snapshot?.terms[index - 1];
    if (inSnapshot !== undefined) return inSnapshot;
    return entries[index - 1 - (snapshot?.last.index ?? 0)]?.term ?? null;
  }
}
