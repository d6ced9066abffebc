/** Seeded bugs of src/raft: log, commitment, follower's progress, configurations, reads, cluster time. */
import type { Mutant } from "./mutant.ts";

export const raftReplicationMutants: readonly Mutant[] = [
  {
    name: "commit-by-counting-older-entries",
    why: "An older term's entry on a majority is committed, and overwritten later (Fig. 8; I7, I8).",
    file: "raft/replication.ts",
    before: "if (index > state.commit && state.log.termAt(index) === state.term) state.commit",
    after: "if (index > state.commit) state.commit",
  },
  {
    name: "truncate-though-nothing-conflicts",
    why: "An overtaken append takes back entries that were acknowledged (P7; I6, I8).",
    file: "raft/replication.ts",
    before: "  state.commit = maxIndex(state.commit, minIndex(m.commit, lastNew));",
    after: `  if (lastNew < log.lastIndex) takeBack(state, nextIndex(lastNew), m);
  state.commit = maxIndex(state.commit, minIndex(m.commit, lastNew));`,
  },
  {
    name: "conflicting-entry-stays",
    why: "A follower keeps its own entry where the leader has another (I3).",
    file: "raft/replication.ts",
    before: "if (held !== null) takeBack(state, entry.index, m);",
    after: "if (held !== null) continue;",
  },
  {
    name: "previous-entry-not-compared",
    why: "Entries are appended behind a log that differs (I3).",
    file: "raft/replication.ts",
    before: "log.termAt(m.previous.index) !== m.previous.term) {",
    after: "log.termAt(m.previous.index) === null) {",
  },
  {
    name: "journal-not-told-of-a-truncation",
    why: "Entries that were taken back come out of the file again after a crash (I3, I8).",
    file: "raft/log.ts",
    before: `    this.firstUnrecorded = minIndex(this.firstUnrecorded, from);
`,
    after: "",
  },
  {
    name: "follower-commits-what-it-has",
    why: "A follower commits entries that the leader has not compared (P8; I5, I14).",
    file: "raft/replication.ts",
    before: "minIndex(m.commit, lastNew)",
    after: "minIndex(m.commit, log.lastIndex)",
  },
  {
    name: "heartbeat-commits-what-is-not-compared",
    why: "A heartbeat tells a follower to commit entries it may hold otherwise (P8; I5).",
    file: "raft/replication.ts",
    before: "const commit = minIndex(progress.match, state.commit);",
    after: "const commit = state.commit;",
  },
  {
    name: "follower-acknowledges-all-it-has",
    why: "Entries beyond those of the message count as the leader's (I6, I14).",
    file: "raft/replication.ts",
    before: `return { kind: "matched", index: lastNew };`,
    after: `return { kind: "matched", index: log.lastIndex };`,
  },
  {
    name: "acknowledgement-of-an-older-term-counts",
    why: "What a follower held in another term is taken for what it holds now (P9; I6, I14).",
    file: "raft/replication.ts",
    before: `export function onAppendResponse(state: State, m: AppendResponse): void {
  const progress = m.term === state.term ? progressOf(state, m.from) : null;`,
    after: `export function onAppendResponse(state: State, m: AppendResponse): void {
  const progress = progressOf(state, m.from);`,
  },
  {
    name: "overtaken-acknowledgement-takes-match-back",
    why: "An old acknowledgement makes the leader forget a newer one (P9; I14).",
    file: "raft/replication.ts",
    before: "const fresh = index > progress.match;",
    after: "const fresh = index !== progress.match;",
  },
  {
    name: "overtaken-refusal-counts",
    why: "An old refusal makes the leader look again for what it has found (P9).",
    file: "raft/replication.ts",
    before: 'answer.previous <= progress.match || progress.mode === "installing"',
    after: 'progress.mode === "installing"',
  },
  {
    name: "hint-skips-one-term-too-many",
    why: "A refusal sends the leader further back than the logs differ (§5.3, end).",
    file: "raft/log.ts",
    before: "this.at(at).term > term) at = previousIndex(at);",
    after: "this.at(at).term >= term) at = previousIndex(at);",
  },
  {
    name: "leader-counts-itself-before-its-disk",
    why: "An entry is committed that a minority of disks holds (I6).",
    file: "raft/replication.ts",
    before: "id === state.settings.me ? state.durable : (role",
    after: "id === state.settings.me ? state.log.lastIndex : (role",
  },
  {
    name: "late-disk-vouches-for-other-entries",
    why: "A sync of entries that were replaced meanwhile makes their successors durable (P12; I6).",
    file: "raft/replication.ts",
    before: `  if (state.log.termAt(last.index) !== last.term) return;
`,
    after: "",
  },
  {
    name: "truncated-entries-stay-durable",
    why: "What replaces durable entries counts as durable before it is (I6, I12).",
    file: "raft/replication.ts",
    before: `  state.durable = minIndex(state.durable, previousIndex(from));
`,
    after: "",
  },
  {
    name: "indexes-sorted-as-words",
    why: "Of 9 and 10, 9 counts as higher: JavaScript sorts numbers as words by itself (I6).",
    file: "raft/quorum.ts",
    before: "sort((a, b) => b - a)",
    after: "sort().reverse()",
  },
  {
    name: "joint-commit-asks-one-group",
    why: "During a joint change the new group alone commits (I16, I6).",
    file: "raft/quorum.ts",
    before: "return Math.min(first, second);",
    after: "return Math.min(first, first);",
  },
  {
    name: "configuration-not-in-force-when-appended",
    why: "A follower goes by the old members while the leader goes by the new (I16, I1).",
    file: "raft/replication.ts",
    before: `    state.membership.appended(entry);
`,
    after: "",
  },
  {
    name: "configuration-survives-its-truncation",
    why: "Members of a configuration that was taken back go on voting (P17; I16).",
    file: "raft/replication.ts",
    before: `  state.membership.truncated(from);
`,
    after: "",
  },
  {
    name: "new-leader-serves-reads-at-once",
    why: "Before its own first entry is committed a leader does not know what is (P2; I20, I19).",
    file: "raft/reads.ts",
    before: `return state.commit >= role.opening ? "begin" : "wait";`,
    after: `return state.commit >= 0 ? "begin" : "wait";`,
  },
  {
    name: "reads-confirmed-by-the-round-before",
    why: "Answers from before the read came confirm it: a newer leader may be at work (P27; I20).",
    file: "raft/reads.ts",
    before: "{ round: role.round, index",
    after: "{ round: role.round - 1, index",
  },
  {
    name: "reads-without-a-quorum",
    why: "A leader that was deposed answers reads from its old store (I20, I19).",
    file: "raft/reads.ts",
    before: `  if (reachedByQuorum(state.membership.current, answered) < confirming.round) return;
`,
    after: "",
  },
  {
    name: "stale-heartbeat-confirms-its-round",
    why: "A round of an older term confirms the present one's of that number (in the changelog; I20).",
    file: "raft/replication.ts",
    before: "const round = stale ? 0 : m.round;",
    after: "const round = m.round;",
  },
  {
    name: "heartbeat-answer-of-an-older-term-counts",
    why: "Who followed this server in another term is taken for a follower of now (I20).",
    file: "raft/replication.ts",
    before: `HeartbeatResponse): void {
  const progress = m.term === state.term ? progressOf(state, m.from) : null;`,
    after: `HeartbeatResponse): void {
  const progress = progressOf(state, m.from);`,
  },
  {
    name: "lost-tail-is-never-noticed",
    why: "A follower that lost the end of its log is not sent it again (in the changelog; liveness).",
    file: "raft/replication.ts",
    before: "if (m.round === state.role.round && m.last < progress.matchAtRound) {",
    after: "if (m.round < 0) {",
  },
  {
    name: "lost-tail-still-counts",
    why: "A follower that lost entries counts as holding them: they are committed on too few (I6).",
    file: "raft/replication.ts",
    before: `  progress.match = noIndex;
`,
    after: "",
  },
  {
    name: "answer-under-way-taken-for-a-loss",
    why: "An answer from before an acknowledgement makes the leader send everything again.",
    file: "raft/replication.ts",
    before: "m.last < progress.matchAtRound) {",
    after: "m.last < progress.match) {",
  },
  {
    name: "lost-append-starved-by-reads",
    why: "A stream of reads keeps lost appends from being sent again (in the changelog).",
    file: "raft/raft.ts",
    before: `  resendOverdue(state, role);
  if (state.now >= role.heartbeatAt) sendHeartbeats(state, role);`,
    after: `  if (state.now >= role.heartbeatAt) {
    resendOverdue(state, role);
    sendHeartbeats(state, role);
  }`,
  },
  {
    name: "lost-probe-starts-over",
    why: "A lost probe takes the search back to the beginning of the log (in the changelog).",
    file: "raft/replication.ts",
    before: `progress.mode === "probing" ? progress.next : nextIndex(progress.match);`,
    after: "nextIndex(progress.match);",
  },
  {
    name: "lost-append-is-gone",
    why: "An append whose datagram is lost is never sent again (P10; liveness).",
    file: "raft/replication.ts",
    before:
      "if (oldest === undefined || state.now < later(oldest.sentAt, progress.resendMs)) continue;",
    after: "if (oldest === undefined || state.now >= 0) continue;",
  },
  {
    name: "window-without-an-end",
    why: "A silent follower is sent ever more (I24).",
    file: "raft/replication.ts",
    before: `    if (progress.inflight.length >= inflightMessagesMax) return;
`,
    after: "",
  },
  {
    name: "cluster-time-starts-over",
    why: "A new leader stamps entries with an earlier time than the last one did (I18).",
    file: "raft/roles.ts",
    before: "time: state.log.lastTime,",
    after: "time: millis(0),",
  },
  {
    name: "pause-counts-in-full",
    why: "A leader that slept lets every session run out that nobody could use (I18).",
    file: "raft/roles.ts",
    before:
      "const counted = Math.min(elapsedMs, clusterTimeHeartbeatsMax * state.settings.timing.heartbeatMs);",
    after: "const counted = elapsedMs;",
  },
  {
    name: "time-goes-back",
    why: "A clock that jumps back takes the server's time with it.",
    file: "raft/raft.ts",
    before: "state.now = millis(Math.max(now, state.now));",
    after: "state.now = now;",
  },
  {
    name: "large-appends-without-a-window",
    why: "What travels in pieces waits in line, counts as lost, and is sent again: a third of the throughput.",
    file: "raft/replication.ts",
    before: "  return large >= largeAppends.inflightMax;",
    after: "  return large > 1000;",
  },
];
