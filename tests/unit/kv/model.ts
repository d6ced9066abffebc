/**
 * The store as one would explain it: everything is kept, everything is sorted and looked through
 * anew each time, and sessions are forgotten the moment their time is up. Slow, and too short to be
 * wrong.
 */
import { byteString, sameBytes, textOf, utf8 } from "../../../src/base/bytes.ts";
import { type LogIndex, logIndex, millis } from "../../../src/base/numbers.ts";
import {
  type Guard,
  type Item,
  limits,
  type Operation,
  type Relation,
  type Reply,
  type StepReply,
} from "../../../src/kv/command.ts";
import type { SessionLimits } from "../../../src/kv/sessions.ts";
import type { Application } from "../../../src/kv/store.ts";

type ModelSession = {
  readonly id: number;
  readonly lastIndex: number;
  readonly lastTime: number;
  readonly acknowledged: number;
  readonly writes: readonly { readonly sequence: number; readonly reply: Reply }[];
};

function sumOf(value: Uint8Array | null, by: number): number | "not-an-integer" | "out-of-range" {
  const text = value === null ? "0" : (textOf(value) ?? "");
  const is = /^-?\d+$/.test(text) && String(Number(text)) === text;
  if (!is || !Number.isSafeInteger(Number(text))) return "not-an-integer";
  return Number.isSafeInteger(Number(text) + by) ? Number(text) + by : "out-of-range";
}

const compared = (order: number, relation: Relation): boolean =>
  ({
    "=": order === 0,
    "!=": order !== 0,
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
  })[relation];
type ModelLease = {
  readonly id: number;
  readonly origin: "granted" | "own";
  readonly ttlMs: number;
  readonly deadline: number;
};

export class Model {
  items: Item[] = [];
  leases: ModelLease[] = [];
  /** The lease of each key that has one. */
  leaseOf: { readonly key: string; readonly lease: number }[] = [];
  time = 0;
  sessions: ModelSession[] = [];
  readonly sessionLimits: SessionLimits;

  constructor(sessionLimits: SessionLimits) {
    this.sessionLimits = sessionLimits;
  }

  apply({ index, time, command }: Application): Reply {
    const { sessionsMax, sessionIdleMs, sessionWindow } = this.sessionLimits;
    this.time = time;
    if (command.kind === "expire") return this.expire(command.leases);
    this.sessions = this.sessions.filter((one) => time - one.lastTime < sessionIdleMs);
    if (command.kind === "register") {
      this.sessions.sort((a, b) => b.lastIndex - a.lastIndex);
      this.sessions = this.sessions.slice(0, sessionsMax - 1);
      const fresh = { id: index, lastIndex: index, lastTime: time, acknowledged: 1, writes: [] };
      this.sessions.push(fresh);
      return { kind: "registered", session: index };
    }
    const session = this.sessions.find((one) => one.id === command.session);
    if (session === undefined) return { kind: "session-unknown" };
    const acknowledged = Math.max(session.acknowledged, command.acknowledged);
    let used: ModelSession = { ...session, lastIndex: index, lastTime: time, acknowledged };
    const answer = (): Reply => {
      if (command.sequence < acknowledged) return { kind: "already-acknowledged" };
      if (command.sequence >= acknowledged + sessionWindow) return { kind: "window-exceeded" };
      const known = used.writes.find((write) => write.sequence === command.sequence);
      if (known !== undefined) return known.reply;
      const reply = this.operate(index, command.operation);
      if (["get", "list", "leases"].includes(command.operation.kind)) return reply;
      used = { ...used, writes: [...used.writes, { sequence: command.sequence, reply }] };
      return reply;
    };
    const reply = answer();
    this.sessions = this.sessions.map((one) => (one.id === used.id ? used : one));
    return reply;
  }

  operate(at: number, operation: Operation): Reply {
    const index = logIndex(at);
    if (operation.kind === "noop") return { kind: "done", index };
    if (operation.kind === "list") return this.list(operation);
    if (operation.kind === "txn") return this.transact(at, operation);
    if (!("key" in operation)) return this.lease(index, operation);
    const { key } = operation;
    const item = this.items.find((one) => one.key === key);
    const others = this.items.filter((one) => one.key !== key);
    const revision = item?.revision ?? logIndex(0);
    switch (operation.kind) {
      case "get":
        if (item === undefined) return { kind: "absent" };
        return { kind: "found", revision, value: item.value ?? new Uint8Array(0) };
      case "delete":
        this.items = others;
        this.leaseOf = this.leaseOf.filter((one) => one.key !== key);
        this.dropUnused();
        return item === undefined ? { kind: "absent" } : { kind: "deleted", index };
      case "put":
      case "put-leased": {
        const { condition } = operation;
        if (operation.kind === "put-leased" && operation.tenure.kind === "granted") {
          const { lease } = operation.tenure;
          if (!this.leases.some((one) => one.id === lease)) return { kind: "lease-unknown", lease };
        }
        const wanted = condition.kind === "revision" ? condition.revision : 0;
        if (condition.kind !== "always" && revision !== wanted) {
          return { kind: "condition-failed", revision };
        }
        break;
      }
      case "incr": {
        const sum = sumOf(item?.value ?? null, operation.by);
        if (typeof sum === "string") return { kind: "count-refused", because: sum, revision };
        this.items = [...others, { key, revision: index, value: utf8(`${sum}`) }];
        return { kind: "counted", index, value: sum };
      }
      case "cas":
        if (item?.value == null || !sameBytes(item.value, operation.expected)) {
          return { kind: "condition-failed", revision };
        }
        break;
    }
    this.items = [...others, { key, revision: index, value: operation.value }];
    if (operation.kind !== "cas") this.leaseOf = this.leaseOf.filter((one) => one.key !== key);
    if (operation.kind === "put-leased") {
      const { tenure } = operation;
      if (tenure.kind === "own") {
        const deadline = this.time + tenure.ttlMs;
        this.leases.push({ id: at, origin: "own", ttlMs: tenure.ttlMs, deadline });
      }
      this.leaseOf.push({ key, lease: tenure.kind === "own" ? at : tenure.lease });
    }
    this.dropUnused();
    return { kind: "written", index };
  }

  /** Step by step, and everything as it was where one of them is refused. */
  transact(at: number, { guard, holding, otherwise }: Extract<Operation, { kind: "txn" }>): Reply {
    const { items, leases, leaseOf } = this;
    const branch = this.holds(guard) ? "then" : "else";
    const answers: StepReply[] = [];
    for (const [step, operation] of (branch === "then" ? holding : otherwise).entries()) {
      const answer = this.operate(at, operation);
      if (answer.kind === "count-refused") {
        Object.assign(this, { items, leases, leaseOf });
        return { kind: "txn-refused", because: answer.because, step };
      }
      answers.push(answer as StepReply);
    }
    return { kind: "transacted", index: logIndex(at), branch, answers };
  }

  holds(guard: Guard): boolean {
    if (guard.kind === "not") return !this.holds(guard.guard);
    if (guard.kind === "and") return guard.guards.every((one) => this.holds(one));
    if (guard.kind === "or") return guard.guards.some((one) => this.holds(one));
    const item = this.items.find((one) => one.key === guard.key);
    if (guard.kind === "exists") return item !== undefined;
    if (guard.kind === "value") {
      if (item?.value == null) return guard.relation === "!=";
      const [left, right] = [byteString(item.value), byteString(guard.value)];
      return compared(left < right ? -1 : left > right ? 1 : 0, guard.relation);
    }
    return compared((item?.revision ?? 0) - guard.revision, guard.relation);
  }

  /** A lease of one key's own is there as long as the key has it. */
  dropUnused(): void {
    this.leases = this.leases.filter(
      ({ id, origin }) => origin === "granted" || this.leaseOf.some(({ lease }) => lease === id),
    );
  }

  end(id: number): number {
    const gone = this.leaseOf.filter(({ lease }) => lease === id).map(({ key }) => key);
    this.items = this.items.filter(({ key }) => !gone.includes(key));
    this.leaseOf = this.leaseOf.filter(({ lease }) => lease !== id);
    this.leases = this.leases.filter((one) => one.id !== id);
    return gone.length;
  }

  expire(named: readonly number[]): Reply {
    const over = (id: number) =>
      this.leases.some((one) => one.id === id && one.deadline <= this.time);
    const leases = named.filter(over);
    return { kind: "expired", leases, keys: leases.reduce((sum, id) => sum + this.end(id), 0) };
  }

  lease(
    index: LogIndex,
    operation: Extract<
      Operation,
      { kind: "lease-grant" | "lease-revoke" | "lease-keep-alive" | "leases" }
    >,
  ): Reply {
    if (operation.kind === "leases") {
      const wanted = this.leases
        .filter(({ id }) => id > operation.after)
        .sort((a, b) => a.id - b.id)
        .map(({ id, origin, ttlMs, deadline }) => {
          const keys = this.leaseOf.filter(({ lease }) => lease === id).length;
          return { lease: id, origin, ttlMs, deadline: millis(deadline), keys };
        });
      const items = wanted.slice(0, operation.limit);
      const more = items.length < wanted.length ? "more" : "end";
      return { kind: "leases-listed", now: millis(this.time), items, more };
    }
    if (operation.kind === "lease-grant") {
      const { ttlMs } = operation;
      this.leases.push({ id: index, origin: "granted", ttlMs, deadline: this.time + ttlMs });
      return { kind: "lease-granted", lease: index };
    }
    const { lease } = operation;
    const known = this.leases.find(({ id }) => id === lease);
    if (known === undefined) return { kind: "lease-unknown", lease };
    const { ttlMs } = known;
    if (operation.kind === "lease-revoke") {
      return { kind: "lease-revoked", lease, keys: this.end(lease) };
    }
    this.leases = this.leases.map((one) =>
      one.id === lease ? { ...one, deadline: this.time + ttlMs } : one,
    );
    return { kind: "lease-kept", lease, ttlMs };
  }

  list(operation: Extract<Operation, { kind: "list" }>): Reply {
    const { revision, from, to } = operation;
    // Through the log there is no moment but that of the entry.
    if (revision.kind === "at") return { kind: "view-lost", index: revision.index };
    const wanted = this.items
      .filter(({ key }) => key >= from && (to === "" || key < to))
      .filter((item) => item.key.startsWith(operation.prefix) && item.key > operation.after)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((item) => (operation.show === "values" ? item : { ...item, value: null }));
    const fitting = wanted.filter((_, at) => {
      const bytes = wanted
        .slice(0, at + 1)
        .reduce((sum, item) => sum + item.key.length + (item.value?.length ?? 0), 0);
      return at === 0 || (at < operation.limit && bytes <= limits.listBytesMax);
    });
    return {
      kind: "listed",
      items: fitting,
      more: fitting.length < wanted.length ? "more" : "end",
    };
  }
}
