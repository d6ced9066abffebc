/** Seeded bugs of leases: what ends when, who says so, what goes with it. */
import type { Mutant } from "./mutant.ts";

export const leaseMutants: readonly Mutant[] = [
  {
    name: "expiry-not-judged-again",
    why: "A keep-alive that stands before the expiry in the log is in vain (P30).",
    file: "kv/lease-writes.ts",
    before: "if (lease === undefined || lease.deadline > now) continue;",
    after: "if (lease === undefined) continue;",
  },
  {
    name: "keep-alive-lost",
    why: "A lease that was kept alive ends at its first deadline.",
    file: "kv/leases.ts",
    before: `  lease.deadline = deadline;
`,
    after: "",
  },
  {
    name: "kept-lease-stays-due",
    why: "The leader proposes expiries of a lease that was kept alive, without an end.",
    file: "kv/leases.ts",
    before: `  leases.deadlines.set(lease.id, deadline);
`,
    after: "",
  },
  {
    name: "put-leaves-the-key-its-lease",
    why: "A key that was written for good goes with the lease that it had.",
    file: "kv/values.ts",
    before: `  setValue(store, key, stored);
  detachKey(store.leases, key);
`,
    after: `  setValue(store, key, stored);
`,
  },
  {
    name: "deleted-key-leaves-its-lease-behind",
    why: "A key that is deleted and written again goes with a lease that it never had.",
    file: "kv/values.ts",
    before: `  store.changes.note(key, null);
  detachKey(store.leases, key);
`,
    after: `  store.changes.note(key, null);
`,
  },
  {
    name: "own-lease-outlives-its-key",
    why: "Every write with a time to live leaves a lease behind (I24).",
    file: "kv/leases.ts",
    before: `  if (lease.origin === "own" && lease.keys.size === 0) forget(leases, lease);
`,
    after: "",
  },
  {
    name: "own-lease-ends-with-its-first-key",
    why: "A key that hangs on another's lease has a lease that is none.",
    file: "kv/leases.ts",
    before: `if (lease.origin === "own" && lease.keys.size === 0) forget(leases, lease);`,
    after: `if (lease.origin === "own") forget(leases, lease);`,
  },
  {
    name: "transaction-forgets-a-lease",
    why: "A key that is counted in a transaction loses its lease, and stays.",
    file: "kv/transaction.ts",
    before: `if (drafted.how === "put") putValue`,
    after: `if (drafted.how !== null) putValue`,
  },
  {
    name: "keys-stay-when-their-lease-ends",
    why: "A lock is free, and its holder is still written down.",
    file: "kv/lease-writes.ts",
    before: `  for (const key of keys) dropValue(store, key);
`,
    after: "",
  },
  {
    name: "ended-lease-keeps-its-deadline",
    why: "A lease that was revoked comes due, and there is none.",
    file: "kv/leases.ts",
    before: `  leases.deadlines.remove(lease.id);
`,
    after: "",
  },
  {
    name: "leases-without-an-end",
    why: "Leases are begun without a limit (I24).",
    file: "kv/leases.ts",
    before: `return leases.byId.size < leases.limits.leasesMax ? "room" : "full";`,
    after: `return leases.byId.size < Number.POSITIVE_INFINITY ? "room" : "full";`,
  },
  {
    name: "expiry-of-everything-at-once",
    why: "One entry ends any number of leases, and everybody waits for it (I24).",
    file: "kv/leases.ts",
    before: `return due.length < limits.expiryLeasesMax ? "next" : "stop";`,
    after: `return due.length < limits.leasesMax ? "next" : "stop";`,
  },
  {
    name: "snapshot-of-leases-as-they-are-later",
    why: "A snapshot has leases that were kept alive after it, and lacks those that ended since (I17).",
    file: "kv/leases.ts",
    before: "if (leases.view !== null) keepLease(leases.view, lease);",
    after: "if (leases.view !== null && lease.id < 0) keepLease(leases.view, lease);",
  },
  {
    name: "snapshot-forgets-the-keys-of-leases",
    why: "After a restart a lease ends, and its keys stay (I17).",
    file: "codec/leases-section.ts",
    before: `    for (const key of lease.keys) yield keyItem(lease, key);
`,
    after: "",
  },
  {
    name: "restored-lease-never-comes-due",
    why: "A lease that a snapshot brought back has no deadline (I17).",
    file: "kv/leases.ts",
    before: `  leases.deadlines.set(lease.id, lease.deadline);
  leases.newest = lease.id;`,
    after: "  leases.newest = lease.id;",
  },
  {
    name: "heap-looks-at-one-side",
    why: "The first deadline is not the first: a lease lives on long after its time.",
    file: "kv/deadlines.ts",
    before:
      "const below = right < this.heap.length && this.at(right) < this.at(left) ? right : left;",
    after: "const below = left;",
  },
  {
    name: "heap-forgets-to-rise",
    why: "What takes the place of a lease that was taken out may be due before those above it.",
    file: "kv/deadlines.ts",
    before: `    this.put(last, place);
    this.rise(place);
`,
    after: `    this.put(last, place);
`,
  },
  {
    name: "client-says-what-time-it-is",
    why: "A client's expiry is put into the log: it is the leader's alone to propose (P30).",
    file: "replica/service.ts",
    before: `    if (command.kind === "expire") return desk.answer(asker, malformed);
`,
    after: "",
  },
  {
    name: "expiry-proposed-again-and-again",
    why: "Until an expiry is applied, every batch of inputs adds another (I24).",
    file: "replica/expiry.ts",
    before: "return isUnderWay ? null : state.role;",
    after: "return isUnderWay && state.now < 0 ? null : state.role;",
  },
  {
    name: "new-leader-ends-leases-at-once",
    why: "A leader that has not applied its predecessor's keep-alives proposes to end leases (U6).",
    file: "replica/expiry.ts",
    before: `    if (machine.applied < state.role.opening) return null;
`,
    after: "",
  },
  {
    name: "time-is-never-marked",
    why: "While nobody writes, an election gives every lease its whole time again (U6).",
    file: "replica/expiry.ts",
    before:
      "return earliest(this.machine.leases.deadlines.first, later(this.machine.time, timeMarkMs));",
    after: "return earliest(this.machine.leases.deadlines.first, never);",
  },
  {
    name: "nobody-is-woken-for-a-deadline",
    why: "A lease ends when something else happens to wake its leader.",
    file: "replica/expiry.ts",
    before: "return later(this.state.now, Math.max(1, Math.ceil(this.dueAt() - leader.time)));",
    after: "return leader.time < 0 ? this.dueAt() : never;",
  },
  {
    name: "expiry-before-its-time",
    why: "The leader rounds up: it proposes what the entry's own time refutes, again and again.",
    file: "replica/expiry.ts",
    before: "Math.floor(leader.time) as Millis;",
    after: "Math.ceil(leader.time + 1) as Millis;",
  },
  {
    name: "entries-stamped-by-the-own-clock",
    why: "Each leader's clock is another: an election moves time ahead, or back (P30; I15).",
    file: "raft/roles.ts",
    before: "const time = millis(Math.floor(role.time));",
    after: "const time = millis(Math.floor(state.now));",
  },
  {
    name: "election-ends-leases",
    why: "A new leader counts time in which there was none: nobody could keep anything alive (U6).",
    file: "raft/roles.ts",
    before: "time: state.log.lastTime,",
    after: "time: later(state.log.lastTime, state.settings.timing.electionMsMax),",
  },
];
