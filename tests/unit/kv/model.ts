/**
 * The store as one would explain it: everything is kept, everything is sorted and looked through
 * anew each time, and sessions are forgotten the moment their time is up. Slow, and too short to be
 * wrong.
 */
import { byteString, sameBytes, textOf, utf8 } from "../../../src/base/bytes.ts";
import { logIndex } from "../../../src/base/numbers.ts";
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

export class Model {
  items: Item[] = [];
  sessions: ModelSession[] = [];
  readonly sessionLimits: SessionLimits;

  constructor(sessionLimits: SessionLimits) {
    this.sessionLimits = sessionLimits;
  }

  apply({ index, time, command }: Application): Reply {
    const { sessionsMax, sessionIdleMs, sessionWindow } = this.sessionLimits;
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
      if (command.operation.kind === "get" || command.operation.kind === "list") return reply;
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
        return item === undefined ? { kind: "absent" } : { kind: "deleted", index };
      case "put": {
        const { condition } = operation;
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
    return { kind: "written", index };
  }

  /** Step by step, and everything as it was where one of them is refused. */
  transact(at: number, { guard, holding, otherwise }: Extract<Operation, { kind: "txn" }>): Reply {
    const before = this.items;
    const branch = this.holds(guard) ? "then" : "else";
    const answers: StepReply[] = [];
    for (const [step, operation] of (branch === "then" ? holding : otherwise).entries()) {
      const answer = this.operate(at, operation);
      if (answer.kind === "count-refused") {
        this.items = before;
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
