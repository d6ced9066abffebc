/**
 * What a campaign has met, by name. A campaign that never met one of these has proved nothing about it: with
 * enough seeds a counter that is still zero is a failure.
 */

/** From so many seeds on a campaign is large enough to have met what is common, and what is rare. */
const seedsForFloors = { common: 200, rare: 1000 } as const;

/** Name and what is counted. */
export const coverageNames = {
  elections: "leaders elected",
  "split-votes": "terms with several candidates and no leader",
  truncations: "logs that took entries back",
  "figure-8": "entries of an old term on a majority, uncommitted, under a newer leader",
  commits: "entries committed",
  "torn-tails-cut": "unfinished writes cut off at a start",
  "damage-refused": "starts refused because of damage",
  "damage-repaired": "starts after damage was repaired",
  "repairs-started": "servers that began to repair their journals",
  "repairs-finished": "servers that did, and went on",
  "repairs-refused": "servers that found no good copy of what they had lost",
  "repair-requests": "questions of servers that repair their journals",
  "lost-tails": "servers that came back without entries they had acknowledged",
  "match-forgotten": "leaders that noticed such a loss",
  "swapped-refused": "starts refused because the folder was another server's",
  "wiped-out": "servers whose folder was wiped",
  rolls: "journal segments begun",
  "snapshots-taken": "snapshots taken",
  "snapshots-compared": "snapshots compared with what the log amounts to",
  "snapshots-begun": "snapshots that a leader began to send",
  "snapshot-pieces": "pieces of snapshots sent",
  "snapshots-resumed": "snapshots that went on, or back, to what the follower had",
  "snapshots-instead-of-log": "snapshots installed in the place of a log",
  "snapshots-over-conflict": "logs that conflicted with a snapshot, and went",
  "tails-kept": "ends of the log kept beside a snapshot that has them",
  "segments-removed": "journal segments removed",
  repeated: "datagrams delivered once more",
  "repeated-outlived": "copies delivered to a later life of their receiver",
  outlived: "datagrams delivered to a later life of their receiver",
  corrupted: "datagrams corrupted",
  "ancient-copies": "very old datagrams sent once more",
  clogs: "links clogged",
  "fragments-lost": "large datagrams lost with a fragment",
  overflowed: "datagrams that found a full buffer",
  stopped: "datagrams stopped by a cut",
  chunks: "pieces of what is larger than a datagram",
  "bulk-appends": "appends that travelled in pieces",
  "dropped-too-short": "datagrams dropped: too short",
  "dropped-wrong-magic": "datagrams dropped: not ours",
  "dropped-wrong-length": "datagrams dropped: wrong length",
  "dropped-wrong-checksum": "datagrams dropped: wrong checksum",
  "dropped-wrong-cluster": "datagrams dropped: another cluster's",
  "dropped-wrong-receiver": "datagrams dropped: for somebody else",
  "dropped-wrong-version": "datagrams dropped: another version's",
  "dropped-unknown-kind": "datagrams dropped: unknown kind",
  "dropped-unexpected-tag": "datagrams dropped: a tag where no secret is set",
  "dropped-wrong-tag": "datagrams dropped: forged",
  "dropped-missing-tag": "datagrams dropped: a secret is set, and they have no tag",
  "dropped-unknown-peer": "datagrams dropped: of no member, where a member leads",
  "dropped-wrong-incarnation": "datagrams dropped: of a wiped server",
  "dropped-malformed": "datagrams dropped: nonsense in a right envelope",
  "power-cuts": "power cuts",
  "boundary-cuts": "power cuts between what a server decides and does",
  "disk-cuts": "power cuts at an operation of the disk",
  "opening-cuts": "power cuts while a journal is opened",
  blackouts: "power cuts of the whole cluster",
  kills: "processes killed",
  pauses: "servers paused",
  "clock-rates": "clocks made faster or slower",
  "clock-jumps": "clocks that jumped ahead",
  "clock-freezes": "clocks that stood still",
  partitions: "partitions of servers",
  "one-way-cuts": "links cut one way",
  "message-filters": "kinds of message held up",
  "client-cuts": "clients cut off from servers",
  "slow-disks": "disks made slow",
  "disk-stalls": "syncs that took longer than an election",
  "sync-errors": "servers stopped by a failed sync",
  "disk-full": "servers stopped by a full disk",
  "spoilt-stores": "servers whose store's hash was spoilt",
  "store-differs": "servers stopped because their store differs from their leader's",
  "hashes-compared": "hashes of stores compared",
  "hashes-too-late": "hashes of entries that were left behind already",
  "stalled-leaders": "leaders that stepped down because of their disk",
  "quorum-lost": "leaders that stepped down without a quorum",
  "hand-overs": "leaders asked to hand over",
  "taken-over": "leaders elected after a hand-over",
  "client-restarts": "clients that began anew with requests in doubt",
  "reads-confirmed": "linearizable reads answered",
  "reads-anywhere": "linearizable reads asked of any node",
  "read-indexes": "read indexes that followers were given by their leaders",
  "reads-abandoned": "batches of reads whose server lost its leadership, or its leader",
  "reads-stale": "stale reads answered",
  "reads-dated": "stale answers that said how old they may be",
  "reads-logged": "reads answered through the log",
  lists: "lists answered",
  "pages-of-the-past": "pages of a list as it was, after it had changed",
  "views-lost": "pages that nobody keeps any more",
  counted: "values counted on",
  "count-refused": "counting refused: no number, or too large",
  "txn-then": "transactions whose comparison held",
  "txn-else": "transactions whose comparison failed",
  "txn-refused": "transactions of which nothing was done",
  watched: "changes that watchers were told of",
  "watched-deletions": "deletions among them",
  "watch-restarts": "watchers that went on in another process",
  "watches-compacted": "watchers that were told that what they wanted is compacted",
  "watch-moves": "watchers that went to another server",
  "watch-gaps": "batches for watchers that did not join on to what had arrived",
  "watch-repeats": "batches for watchers that had arrived before",
  watchers: "watchers that a server came to know",
  "watchers-forgotten": "watchers forgotten because they said nothing",
  "watch-resends": "watchers told again because they acknowledged nothing",
  "watch-batches-in-pieces": "batches for watchers larger than a datagram",
  committed: "requests committed",
  rejected: "requests rejected",
  unknown: "requests whose outcome was unknown",
  "sessions-expired": "sessions forgotten because they were unused",
  "sessions-evicted": "sessions forgotten to make room for others",
  forgotten: "requests that were told that their session is forgotten",
  "answered-again": "requests that came again and were answered from memory",
  "not-leader": "requests sent to another server",
  superseded: "requests whose entry another one replaced",
  "came-to-rest": "healed clusters that came to one leader, log and store",
  "stayed-at-peace": "those of them that stayed so, without any excuse",
  "wishes-done": "changes of members that the operator was told are done",
  "changes-begun": "configurations appended by a leader",
  "changes-committed": "configurations committed",
  "changes-taken-back": "configurations taken back with their entries",
  "changes-and-elections": "leaders elected while a change of members was under way",
  "learners-promoted": "learners that got a vote",
  "leaders-removed": "leaders that committed a configuration without themselves",
  "members-lost": "members lost for good",
  "not-caught-up": "changes put off for a learner that lags",
  "would-lose-quorum": "changes refused because too few would be left",
  "voters-1": "configurations of one voter",
  "voters-many": "configurations of six or seven voters",
  "leases-granted": "leases begun",
  "leases-kept": "leases kept alive",
  "leases-kept-across": "leases kept alive in another term than before",
  "leases-expired": "leases ended by their expiry",
  "leases-spared": "leases that an expiry named, and that were kept alive or gone by then",
  "leases-revoked": "leases revoked",
  "locks-held": "holders of locks",
  "locks-passed-on": "locks that went from one holder to another",
  "locks-waited": "holders that had waited in line",
  "locks-lost": "places in line or locks that were lost",
  "locks-fenced": "uses that were turned away: a later holder had been there",
  "servers-1": "clusters of one",
  "servers-2": "clusters of two",
  "servers-3": "clusters of three",
  "servers-5": "clusters of five",
  "servers-7": "clusters of seven",
} as const;

/** Met once in fifty seeds or less. */
const rare: ReadonlySet<string> = new Set<CoverageName>(["repairs-refused"]);

export type CoverageName = keyof typeof coverageNames;

export class Coverage {
  private readonly counts = new Map<string, number>();

  add(name: CoverageName, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  /** For counters that others keep: those whose names are known here. */
  addKnown(name: string, by: number): void {
    if (name in coverageNames) this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  get(name: CoverageName): number {
    return this.counts.get(name) ?? 0;
  }

  entries(): readonly (readonly [string, number])[] {
    return [...this.counts];
  }

  /** What so many seeds should have met, and have not. */
  missing(seeds: number): readonly CoverageName[] {
    return (Object.keys(coverageNames) as CoverageName[]).filter((name) => {
      const floor = rare.has(name) ? seedsForFloors.rare : seedsForFloors.common;
      return seeds >= floor && this.get(name) === 0;
    });
  }
}
