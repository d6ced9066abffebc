/**
 * The store, once more, as plainly as possible: the committed log goes in, entry by entry, and what every answer
 * must be can be asked for any index there ever was. Shares no code with kv/.
 */
import { must } from "../../base/assert.ts";
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { type LogIndex, type Millis, millis, noIndex } from "../../base/numbers.ts";
import {
  type Command,
  type Item,
  isReadOperation,
  type LeaseId,
  type ListOperation,
  limits,
  type Operation,
  type ReadOperation,
  type Reply,
  type WriteOperation,
} from "../../kv/command.ts";
import type { SessionLimits } from "../../kv/sessions.ts";
import { LeaseModel, type Moment } from "./lease-model.ts";
import { type Held, sumOf, transaction } from "./model-transaction.ts";

type Request = Extract<Command, { kind: "request" }>;

/** What a key held from `index` on; null: nothing. `lease` is 0 where it has none. */
type Version = {
  readonly index: LogIndex;
  readonly value: Uint8Array | null;
  readonly lease: LeaseId;
};

export type ModelChange = {
  readonly index: LogIndex;
  readonly key: string;
  readonly value: Uint8Array | null;
};

type Session = {
  acknowledged: number;
  readonly replies: Map<number, Reply>;
  usedAt: Millis;
  usedBy: LogIndex;
};

/** What is at an index of the committed log. */
export type Outcome = {
  readonly command: Command;
  readonly reply: Reply;
  readonly at: Moment;
};

const requestName = (session: number, sequence: number): string => `${session}-${sequence}`;

export class Model {
  private readonly versions = new Map<string, Version[]>();
  /** Every change there was, in the order of the log. */
  private readonly changes: ModelChange[] = [];
  private readonly sessions = new Map<number, Session>();
  private readonly outcomes = new Map<number, Outcome>();
  /** Where each request had its effect, by its name. */
  private readonly effects = new Map<string, LogIndex>();
  /** Requests that came once more and were answered from memory. */
  repeated = 0;
  readonly leases = new LeaseModel();

  /** Sessions that were unused for too long, and that made room for others. */
  expired = 0;
  evicted = 0;
  private readonly limits: SessionLimits;
  /** Requests that were told once that their session is unknown. */
  private readonly disowned = new Set<string>();

  constructor(sessionLimits: SessionLimits = limits) {
    this.limits = sessionLimits;
  }

  apply(at: Moment, command: Command): void {
    this.outcomes.set(at.index, { command, reply: this.reply(at, command), at });
  }

  private reply(at: Moment, command: Command): Reply {
    if (command.kind === "register") return this.register(at.index, at.time);
    return command.kind === "expire" ? this.endDue(at, command.leases) : this.request(at, command);
  }

  outcomeAt(index: number): Outcome | null {
    return this.outcomes.get(index) ?? null;
  }

  effectOf(name: { readonly session: number; readonly sequence: number }): LogIndex | null {
    return this.effects.get(requestName(name.session, name.sequence)) ?? null;
  }

  /** Whether the log says to somebody that it does not know this request's session. */
  isDisowned(name: { readonly session: number; readonly sequence: number }): boolean {
    return this.disowned.has(requestName(name.session, name.sequence));
  }

  /** The names of all requests that had an effect, and where. */
  get allEffects(): ReadonlyMap<string, LogIndex> {
    return this.effects;
  }

  get keys(): readonly string[] {
    return [...this.versions.keys()].sort();
  }

  /** The sessions that are known, the one that was used longest ago first. */
  get sessionNames(): readonly number[] {
    const byUse = [...this.sessions].sort(([, a], [, b]) => a.usedBy - b.usedBy);
    return byUse.map(([name]) => name);
  }

  /** All of this as it was when the entry at `index` was the last one: the log goes in once more. */
  asOf(index: number): Model {
    const then = new Model(this.limits);
    for (const { command, at } of this.outcomes.values()) {
      if (at.index <= index) then.apply(at, command);
    }
    return then;
  }

  /** What a session has acknowledged, and remembers. */
  sessionOf(name: number): Pick<Session, "acknowledged" | "replies"> | null {
    const session = this.sessions.get(name);
    if (session === undefined) return null;
    const { acknowledged } = session;
    const replies = [...session.replies].filter(([sequence]) => sequence >= acknowledged);
    return { acknowledged, replies: new Map(replies) };
  }

  /**
   * A list in the log is of its own moment only, and nobody has kept an earlier one there. `now`: what an answer about
   * leases says of the time; it is not judged here.
   */
  read(operation: ReadOperation, index: number, now = millis(0)): Reply {
    if (operation.kind === "list") {
      const { revision } = operation;
      if (revision.kind === "at") return { kind: "view-lost", index: revision.index };
      return this.list(operation, index);
    }
    if (operation.kind === "leases") {
      const keysOf = (id: LeaseId): number =>
        this.keys.filter((key) => this.versionAt(key, index)?.lease === id).length;
      return { kind: "leases-listed", now, ...this.leases.listAt(index, operation, keysOf) };
    }
    const version = this.versionAt(operation.key, index);
    return version?.value == null
      ? { kind: "absent" }
      : { kind: "found", revision: version.index, value: version.value };
  }

  /** A page as of an earlier moment. */
  readThen(operation: ListOperation, index: LogIndex): Reply {
    return this.list(operation, index);
  }

  versionAt(key: string, index: number): Version | null {
    return this.versions.get(key)?.findLast((version) => version.index <= index) ?? null;
  }

  private heldAt(key: string, index: number): Held | null {
    const version = this.versionAt(key, index);
    return version?.value == null ? null : { value: version.value, revision: version.index };
  }

  /**
   * What changed of the keys with this prefix, from one entry to another, both included; keys of one entry in order.
   * Of several steps of one transaction the last one counts, and what was absent before and after has not changed.
   */
  changesIn(prefix: string, range: { readonly from: number; readonly to: number }): ModelChange[] {
    let at = this.changes.length;
    while (at > 0 && must(this.changes[at - 1], "in the list").index >= range.from) at -= 1;
    const last = new Map<string, ModelChange>();
    for (const change of this.changes.slice(at)) {
      const { key, index } = change;
      if (index <= range.to && key.startsWith(prefix)) last.set(`${index} ${key}`, change);
    }
    return [...last.values()]
      .filter(({ key, index, value }) => value !== null || this.heldAt(key, index - 1) !== null)
      .sort((a, b) => a.index - b.index || (a.key < b.key ? -1 : 1));
  }

  private register(index: LogIndex, time: Millis): Reply {
    for (const [name, session] of this.sessions) if (this.isIdle(session, time)) this.expire(name);
    while (this.sessions.size >= this.limits.sessionsMax) {
      const [longest] = [...this.sessions].sort(([, a], [, b]) => a.usedBy - b.usedBy);
      this.sessions.delete(must(longest, "there is one too many")[0]);
      this.evicted += 1;
    }
    const replies = new Map<number, Reply>();
    this.sessions.set(index, { acknowledged: 1, replies, usedAt: time, usedBy: index });
    return { kind: "registered", session: index };
  }

  private isIdle({ usedAt }: Session, time: Millis): boolean {
    return usedAt + this.limits.sessionIdleMs <= time;
  }

  private expire(name: number): void {
    this.sessions.delete(name);
    this.expired += 1;
  }

  private request(at: Moment, command: Request): Reply {
    const { index, time } = at;
    const known = this.sessions.get(command.session);
    if (known !== undefined && this.isIdle(known, time)) this.expire(command.session);
    const session = this.sessions.get(command.session);
    if (session === undefined) {
      this.disowned.add(requestName(command.session, command.sequence));
      return { kind: "session-unknown" };
    }
    session.usedAt = time;
    session.usedBy = index;
    session.acknowledged = Math.max(session.acknowledged, command.acknowledged);
    const { sequence, operation } = command;
    if (sequence < session.acknowledged) return { kind: "already-acknowledged" };
    if (sequence >= session.acknowledged + this.limits.sessionWindow) {
      return { kind: "window-exceeded" };
    }
    const earlier = session.replies.get(sequence);
    if (earlier !== undefined) {
      this.repeated += 1;
      return earlier;
    }
    if (isReadOperation(operation)) return this.read(operation, index, at.time);
    const reply = this.write(at, operation);
    session.replies.set(sequence, reply);
    this.effects.set(requestName(command.session, sequence), index);
    return reply;
  }

  private write(at: Moment, operation: WriteOperation): Reply {
    const { index } = at;
    if (operation.kind === "noop") return { kind: "done", index };
    if (operation.kind === "txn") {
      const { reply, changes } = transaction(operation, index, (key) => this.heldAt(key, index));
      for (const { key, value, how } of changes) {
        const lease = how === "changed" ? (this.versionAt(key, index)?.lease ?? 0) : 0;
        this.change(key, { index, value, lease });
      }
      return reply;
    }
    if (!("key" in operation)) return this.writeLease(at, operation);
    const now = this.versionAt(operation.key, index);
    const revision = now?.value == null ? noIndex : now.index;
    if (operation.kind === "delete") {
      if (revision === noIndex) return { kind: "absent" };
      this.change(operation.key, { index, value: null, lease: 0 });
      return { kind: "deleted", index };
    }
    if (operation.kind === "incr") {
      const sum = sumOf(this.heldAt(operation.key, index), operation.by);
      if (typeof sum === "string") return { kind: "count-refused", because: sum, revision };
      const lease = now?.lease ?? 0;
      this.change(operation.key, { index, value: utf8(`${sum}`), lease });
      return { kind: "counted", index, value: Number(sum) };
    }
    const { key, value } = operation;
    if (operation.kind === "put-leased" && operation.tenure.kind === "granted") {
      const { lease } = operation.tenure;
      if (this.leases.open(lease) === null) return { kind: "lease-unknown", lease };
    }
    if (!fits(operation, now)) return { kind: "condition-failed", revision };
    if (operation.kind !== "put-leased") {
      const lease = operation.kind === "cas" ? (now?.lease ?? 0) : 0;
      this.change(key, { index, value, lease });
      return { kind: "written", index };
    }
    const { tenure } = operation;
    if (tenure.kind === "own") this.leases.begin({ id: index, origin: "own", ...tenure }, at);
    this.change(key, { index, value, lease: tenure.kind === "own" ? index : tenure.lease });
    return { kind: "written", index };
  }

  private writeLease(
    at: Moment,
    operation: Extract<Operation, { kind: "lease-grant" | "lease-revoke" | "lease-keep-alive" }>,
  ): Reply {
    const { index } = at;
    if (operation.kind === "lease-grant") {
      this.leases.begin({ id: index, origin: "granted", ttlMs: operation.ttlMs }, at);
      return { kind: "lease-granted", lease: index };
    }
    const { lease } = operation;
    const known = this.leases.open(lease);
    if (known === null) return { kind: "lease-unknown", lease };
    if (operation.kind === "lease-revoke") {
      this.leases.counts.revoked += 1;
      return { kind: "lease-revoked", lease, keys: this.endLease(lease, index) };
    }
    this.leases.keep(lease, at);
    return { kind: "lease-kept", lease, ttlMs: known.ttlMs };
  }

  /** No lease ends before its time, whoever says so. */
  private endDue({ index, time }: Moment, named: readonly LeaseId[]): Reply {
    const leases = named.filter((id) => {
      const standing = this.leases.standing(id);
      return standing !== null && standing.deadline <= time;
    });
    this.leases.counts.expired += leases.length;
    this.leases.counts.spared += named.length - leases.length;
    const keys = leases.map((id) => this.endLease(id, index));
    return { kind: "expired", leases, keys: keys.reduce((sum, count) => sum + count, 0) };
  }

  private endLease(id: LeaseId, index: LogIndex): number {
    const keys = this.keys.filter((key) => this.versionAt(key, index)?.lease === id);
    this.leases.end(id, index);
    for (const key of keys) {
      const version: Version = { index, value: null, lease: 0 };
      this.versions.get(key)?.push(version);
      this.changes.push({ key, ...version });
    }
    return keys.length;
  }

  /** A lease that began with a key is gone when no key has it any more. */
  private change(key: string, version: Version): void {
    const known = this.versions.get(key);
    this.changes.push({ key, ...version });
    const before = known?.at(-1)?.lease ?? 0;
    if (known === undefined) this.versions.set(key, [version]);
    else known.push(version);
    if (before === version.lease || this.leases.open(before)?.origin !== "own") return;
    const isHad = this.keys.some((other) => this.versions.get(other)?.at(-1)?.lease === before);
    if (!isHad) this.leases.end(before, version.index);
  }

  private list(operation: ListOperation, index: number): Reply {
    const { prefix, from, to, after, show } = operation;
    const keysMax = Math.max(1, Math.min(operation.limit, limits.listKeysMax));
    const items: Item[] = [];
    let bytes = 0;
    for (const key of this.keys) {
      if (!key.startsWith(prefix) || (after !== "" && key <= after)) continue;
      if (key < from || (to !== "" && key >= to)) continue;
      const version = this.versionAt(key, index);
      if (version?.value == null) continue;
      const value = show === "values" ? version.value : null;
      bytes += key.length + (value?.length ?? 0);
      if (items.length > 0 && (items.length >= keysMax || bytes > limits.listBytesMax)) {
        return { kind: "listed", items, more: "more" };
      }
      items.push({ key, revision: version.index, value });
    }
    return { kind: "listed", items, more: "end" };
  }
}

function fits(
  operation: Extract<Operation, { kind: "put" | "put-leased" | "cas" }>,
  now: Version | null,
): boolean {
  const value = now?.value ?? null;
  if (operation.kind === "cas") return value !== null && sameBytes(value, operation.expected);
  switch (operation.condition.kind) {
    case "always":
      return true;
    case "absent":
      return value === null;
    case "revision":
      return operation.condition.revision === (value === null ? 0 : must(now, "a value").index);
  }
}

export function sameReply(a: Reply, b: Reply): boolean {
  if (a === b) return true;
  if (a.kind === "listed" && b.kind === "listed") {
    if (a.more !== b.more || a.items.length !== b.items.length) return false;
    return a.items.every((item, at) => sameItem(item, must(b.items[at], "as many items")));
  }
  if (a.kind === "transacted" && b.kind === "transacted") {
    if (a.index !== b.index || a.branch !== b.branch) return false;
    if (a.answers.length !== b.answers.length) return false;
    return a.answers.every((one, at) => sameReply(one, must(b.answers[at], "as many answers")));
  }
  if (a.kind === "leases-listed" && b.kind === "leases-listed") {
    // What time it was there is the answering leader's to say.
    return JSON.stringify({ ...a, now: 0 }) === JSON.stringify({ ...b, now: 0 });
  }
  if (a.kind === "found" && b.kind === "found") {
    return a.revision === b.revision && sameBytes(a.value, b.value);
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameItem(a: Item, b: Item): boolean {
  if (a.key !== b.key || a.revision !== b.revision) return false;
  if (a.value === null || b.value === null) return a.value === b.value;
  return sameBytes(a.value, b.value);
}
