/** Seeded bugs of src/replica: what waits for the disk, who is answered what, who is listened to. */
import type { Mutant } from "./mutant.ts";

export const replicaMutants: readonly Mutant[] = [
  {
    name: "vote-not-persisted",
    why: "A server that crashes after it voted votes again in the same term (I11, I12, I1).",
    file: "replica/recorder.ts",
    before: "if (term !== this.recorded.term || votedFor !== this.recorded.votedFor) {",
    after: "if (term !== this.recorded.term) {",
  },
  {
    name: "vote-leaves-before-the-disk-has-it",
    why: "A power cut takes back a vote that was counted (I12, I1).",
    file: "replica/gate.ts",
    before: `    case "vote-response":
    case "append-response":
      return true;`,
    after: `    case "append-response":
      return true;
    case "vote-response":`,
  },
  {
    name: "acknowledgement-leaves-before-the-disk-has-it",
    why: "A power cut takes back entries that were counted for a commit (I12, I6).",
    file: "replica/gate.ts",
    before: `    case "append-response":
      return true;`,
    after: `      return true;
    case "append-response":`,
  },
  {
    name: "term-leaves-before-the-disk-has-it",
    why: "A server speaks in a term that it does not remember after a power cut (I12, I9).",
    file: "replica/gate.ts",
    before: "return isPromise(message) || message.term > this.durableTerm;",
    after: "return isPromise(message);",
  },
  {
    name: "any-sync-opens-the-gate",
    why: "What waits for the next sync leaves with the one before it (I12).",
    file: "replica/gate.ts",
    before: "while (count < this.held.length && this.held[count]!.after <= durable) count += 1;",
    after: "while (count < this.held.length) count += 1;",
  },
  {
    name: "promises-of-an-older-term-are-sent",
    why: "An acknowledgement that was held back goes out when its term is over.",
    file: "replica/replica.ts",
    before: "if (message.term < this.state.term) continue;",
    after: "if (message.term < 0) continue;",
  },
  {
    name: "sync-makes-later-entries-durable",
    why: "The leader counts entries that were appended after the sync began (I6).",
    file: "replica/recorder.ts",
    before: "return { durable, last: syncing.last };",
    after: "return { durable, last: this.state.log.last };",
  },
  {
    name: "failed-sync-ignored",
    why: "The kernel forgot the bytes, and the server goes on as if it had them (P13; I12).",
    file: "replica/replica.ts",
    before: `if (input.outcome.kind === "durable") return this.onSynced(input.ticket);`,
    after: `this.onSynced(input.ticket);
        if (input.outcome.kind === "durable") return;
        this.counters.add("failed-syncs");
        if (this.counters.get("failed-syncs") > 0) return;`,
  },
  {
    name: "failed-write-ignored",
    why: "A full disk leaves half a record, and the next one is written behind it (I22).",
    file: "replica/replica.ts",
    before: `      case "disk-failed":
        this.failure = diskFailure(input.error);
        return;`,
    after: `      case "disk-failed":
        return;`,
  },
  {
    name: "acknowledged-when-appended",
    why: "A client is told of a write that no quorum holds (I21, I5).",
    file: "replica/service.ts",
    before: "while (machine.applied < state.commit) this",
    after: "while (machine.applied < state.log.lastIndex) this",
  },
  {
    name: "answer-for-another-s-entry",
    why: "A client is answered for the entry that took its own's place (I21, I5).",
    file: "replica/desk.ts",
    before: `    if (waiting.term !== place.term) return { kind: "superseded", asker };
`,
    after: "",
  },
  {
    name: "displaced-write-keeps-its-place",
    why: "A repeated request joins another's entry, and is told that it was written (I21).",
    file: "replica/desk.ts",
    before: `    if (displaced !== undefined) this.forget(place.index, displaced);
`,
    after: "",
  },
  {
    name: "answers-without-an-end",
    why: "A datagram of small reads of large values asks for gigabytes of answers (I24).",
    file: "replica/service.ts",
    before: `    if (this.answerBytes >= limits.answerBytesMax) return this.desk.answer(asker, busy);
`,
    after: "",
  },
  {
    name: "repeated-write-is-appended-again",
    why: "Every repetition of a request that waits grows the log (I24).",
    file: "replica/desk.ts",
    before: `    waiting.asker = asker;
    return "joined";`,
    after: `    return "new";`,
  },
  {
    name: "repeated-write-answers-the-first-asker",
    why: "The answer goes to a try that the client gave up.",
    file: "replica/desk.ts",
    before: `    waiting.asker = asker;
`,
    after: "",
  },
  {
    name: "every-read-is-stale",
    why: "A linearizable read is answered from the store as it is (I19).",
    file: "replica/service.ts",
    before: `    this.expectRead({ asker, operation: body.operation, answer: "plain" });`,
    after: `    this.answerRead(now, { asker, operation: body.operation, answer: "plain" });`,
  },
  {
    name: "unreadable-command-reaches-the-log",
    why: "What nobody can apply is replicated, and stops every server (I22).",
    file: "replica/service.ts",
    before: "if (command === null) return desk.answer(asker, malformed);",
    after: `if (command === null) return step(state, now, { kind: "propose", command: bytes });`,
  },
  {
    name: "desk-without-an-end",
    why: "Writes without a quorum are taken until the memory is full (I24).",
    file: "replica/service.ts",
    before: `    if (desk.hasRoomForWrite() === "full") return desk.answer(asker, busy);
`,
    after: "",
  },
  {
    name: "desk-never-empties",
    why: "The bytes of answered writes count for ever: after 64 MiB the server is busy (liveness).",
    file: "replica/desk.ts",
    before: `    this.writeBytes -= waiting.bytes;
`,
    after: "",
  },
  {
    name: "abandoned-reads-are-not-answered",
    why: "Whose leader stepped down hears nothing about its read (liveness).",
    file: "replica/replica.ts",
    before: `    service.abandonReads(effects.abandoned);
`,
    after: "",
  },
  {
    name: "wiped-peer-is-listened-to",
    why: "A server that has forgotten its votes votes again (P16; I11, I1).",
    file: "replica/peers.ts",
    before: `    if (incarnation !== null) return { kind: "refused", because: "wrong-incarnation" };
`,
    after: "    if (incarnation !== null) return known;\n",
  },
  {
    name: "incarnations-of-the-configuration-ignored",
    why: "A server that was added, and wiped since, is believed by who never met it before (P16).",
    file: "replica/peers.ts",
    before: "said.get(id)?.incarnation ?? this.incarnations.get(id) ?? null",
    after: "this.incarnations.get(id) ?? null",
  },
  {
    name: "addresses-of-the-configuration-ignored",
    why: "A server that was added, or has moved, is never reached.",
    file: "replica/peers.ts",
    before: "said.get(id)?.address ?? this.addresses.get(id) ?? null",
    after: "this.addresses.get(id) ?? null",
  },
  {
    name: "members-known-from-the-start-only",
    why: "Addresses and incarnations are not those of the configuration in force.",
    file: "replica/replica.ts",
    before: `    this.wire.adopt(current);
`,
    after: "",
  },
  {
    name: "lost-peer-waited-for-though-replaced",
    why: "A server goes on waiting for one that the configuration has told it of, or does not have any more.",
    file: "replica/replica.ts",
    before: `    this.wire.adopt(current);
    this.acquaintance.met(this.now);
`,
    after: `    this.wire.adopt(current);
`,
  },
  {
    name: "visitors-from-a-members-address",
    why: "Where no secret says who speaks, a datagram with another number in it makes a server follow nobody.",
    file: "replica/peers.ts",
    before: `      if (this.isMembers(from)) return { kind: "refused", because: "wrong-address" };
`,
    after: "",
  },
  {
    name: "visitors-heard-beside-a-live-leader",
    why: "Where no secret says who speaks, anybody raises the term of a cluster that has a leader.",
    file: "replica/peers.ts",
    before: "leader !== null && leader !== sender",
    after: "leader === undefined",
  },
  {
    name: "visitors-without-number",
    why: "Servers that are no members are remembered without a bound (I24).",
    file: "replica/peers.ts",
    before: "if (this.visitors.delete(visitor) || this.visitors.size < visitorsMax) {",
    after: "if (this.visitors.delete(visitor) || visitorsMax > 0) {",
  },
  {
    name: "late-wish-fulfilled",
    why: "A copy of an operator's wish changes the members long after (I16).",
    file: "replica/administration.ts",
    before: `    if (seen !== state.membership.since) return outdated(state);
`,
    after: "",
  },
  {
    name: "late-transfer",
    why: "A copy of an operator's wish takes leadership away in a later term.",
    file: "replica/administration.ts",
    before: `    if (wish.seen !== state.term) return outdated(state);
`,
    after: "",
  },
  {
    name: "peers-forgotten-by-a-restart",
    why: "After a restart a wiped peer passes for a new one (P16; I11).",
    file: "replica/replica.ts",
    before: `        this.journal.recordPeer(heard.peer, heard.incarnation);
`,
    after: "",
  },
  {
    name: "promises-among-strangers",
    why: "A wiped server and one that never met it lose an acknowledged write (P16; I8, I21).",
    file: "replica/acquaintance.ts",
    before: `if (this.unmet.length === 0) return "say";`,
    after: `if (this.unmet.length >= 0) return "say";`,
  },
  {
    name: "votes-among-strangers",
    why: "A stranger's vote elects a leader that lacks what the others committed (P16; I4).",
    file: "replica/acquaintance.ts",
    before: `return message.answer === "granted" ? "withhold" : "say";`,
    after: `return message.kind === "pre-vote-response" && message.answer === "granted" ? "withhold" : "say";`,
  },
  {
    name: "strangers-are-not-greeted",
    why: "Servers that have nothing to say to each other never meet, and never promise anything.",
    file: "replica/acquaintance.ts",
    before: "if (now < this.greetAt) return none;",
    after: "if (now >= 0) return none;",
  },
  {
    name: "peer-from-any-address",
    why: "Without a secret anybody speaks for a server (I22).",
    file: "replica/peers.ts",
    before: `if (this.sourceRule === "source-must-match" && !sameAddress(address, from)) {`,
    after: `if (this.sourceRule === "tag-is-proof" && !sameAddress(address, from)) {`,
  },
  {
    name: "idle-journal-is-never-sealed",
    why: "A rotten last write of an idle node passes for one that was not finished.",
    file: "replica/recorder.ts",
    before: `    this.sealAt = later(now, sealAfterMs);
`,
    after: "",
  },
];
