/**
 * The store as it was right after one entry: every key in byte order, every session, every lease. Nothing in it
 * depends on the node that was asked, so that two nodes' states can be compared with `diff`: as
 * text it has a key on each line, and reads as one s-expression all the same.
 */
import { must } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { Item } from "../../kv/command.ts";
import { itemSexp, keySexp, replySexp } from "../../kv/describe.ts";
import { hashText } from "../../kv/hash.ts";
import { visitKeys } from "../../kv/key-order.ts";
import type { Lease } from "../../kv/leases.ts";
import type { Session } from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { print } from "../../sexp/print.ts";
import { form, list, type Sexp } from "../../sexp/value.ts";
import { keyJson } from "../client/notation.ts";
import type { CommandExit } from "../command.ts";
import type { Output } from "../output.ts";
import { visible } from "../paint.ts";
import type { Program } from "../program.ts";
import { beginsLater, noSuchEntry, unreadableCommand } from "./errors.ts";
import type { LogFiles } from "./files.ts";
import { baseOf, type Judged, judgeLog, logItems } from "./log.ts";
import { itemJson, replyText } from "./notation.ts";
import { type Beginning, Replay } from "./replay.ts";
import { settledEntries } from "./settle.ts";
import { snapshotBeside } from "./snapshot-beside.ts";

export type StatePlan = {
  readonly index: number;
  /** Only this key; the answer is "no" where it is absent. */
  readonly key: string | null;
};

export async function showState(
  log: LogFiles,
  plan: StatePlan,
  program: Program,
): Promise<CommandExit> {
  const judged = judgeLog(log);
  const replay = stateAt(judged, plan.index);
  const commit = judged.reading.standing?.commit ?? 0;
  if (plan.index > commit) {
    await program.messages.line(
      `${visible(log.path)} knows of nothing after entry ${commit} that it is committed: ` +
        `entry ${plan.index} may still be replaced`,
    );
  }
  await printState(program.output, replay, plan.key);
  const isAbsent = plan.key !== null && !replay.store.values.has(plan.key);
  return isAbsent ? exits.no : exits.done;
}

export function stateAt(judged: Judged, index: number): Replay {
  const { path } = judged.log;
  const snapshot = snapshotBeside(judged);
  const isBehind = snapshot !== null && snapshot.head.last.index <= index;
  if (!isBehind && baseOf(judged) > 0) throw beginsLater(path, firstState(judged, snapshot));
  const replay = new Replay(isBehind ? snapshot : null);
  if (index > replay.applied) {
    for (const { entry } of settledEntries(logItems(judged))) {
      const place = replay.place(entry);
      if (place === "known") continue;
      if (place === "beyond") throw beginsLater(path, entry.index);
      if (replay.apply(entry).kind === "unreadable") throw unreadableCommand(path, entry.index);
      if (replay.applied === index) break;
    }
  }
  if (replay.applied === index) return replay;
  throw judged.refusal ?? noSuchEntry({ path, index, last: replay.applied });
}

/** The first entry at which the state is known. */
const firstState = (judged: Judged, snapshot: Beginning | null): number =>
  snapshot?.head.last.index ?? baseOf(judged) + 1;

/** The brackets and what stands between the parts, which differ by notation and not by content. */
type Punctuation = {
  readonly open: string;
  readonly keys: string;
  readonly between: string;
  readonly sessions: string;
  readonly leases: string;
  readonly close: string;
  readonly end: string;
  readonly item: (item: Item) => string;
  readonly session: (session: Session) => string;
  readonly lease: (lease: Lease) => string;
};

/** Piece by piece: a store can be larger than the longest string. */
export async function printState(
  output: Output,
  replay: Replay,
  key: string | null,
): Promise<void> {
  const marks = punctuation(output.format, replay);
  await output.raw(marks.open + marks.keys);
  let separator = "";
  for (const item of items(replay.store, key)) {
    await output.raw(separator + marks.item(item));
    separator = marks.between;
  }
  if (key === null) {
    await output.raw(marks.close + marks.sessions);
    separator = "";
    for (const session of replay.store.sessions.byId.values()) {
      await output.raw(separator + marks.session(session));
      separator = marks.between;
    }
    await output.raw(marks.close + marks.leases);
    separator = "";
    for (const lease of replay.store.leases.byId.values()) {
      await output.raw(separator + marks.lease(lease));
      separator = marks.between;
    }
  }
  await output.raw(marks.close + marks.end);
}

function* items(store: Store, key: string | null): Generator<Item> {
  if (key !== null) {
    const stored = store.values.get(key);
    if (stored !== undefined) yield { key, ...stored };
    return;
  }
  const keys: string[] = [];
  visitKeys(store.order, "", (each) => {
    keys.push(each);
    return "next";
  });
  for (const each of keys) {
    const stored = must(store.values.get(each), "every key in order has a value");
    yield { key: each, ...stored };
  }
}

function punctuation(format: Output["format"], replay: Replay): Punctuation {
  const { applied, term, time } = replay;
  const hash = hashText(replay.store.hash);
  if (format === "json") {
    const head = JSON.stringify({ index: applied, term, time, hash }).slice(0, -1);
    return {
      open: head,
      keys: ',"keys":[',
      between: ",",
      sessions: ',"sessions":[',
      leases: ',"leases":[',
      close: "]",
      end: "}\n",
      item: (item) => JSON.stringify(itemJson(item)),
      session: (session) => JSON.stringify(sessionJson(session)),
      lease: (lease) => JSON.stringify(leaseJson(lease)),
    };
  }
  const place = [form("index", applied), form("term", term), form("time", time)];
  const head = print(form("state", ...place, form("hash", hash)));
  const [line, deeper] = format === "text" ? ["\n  ", "\n    "] : [" ", " "];
  return {
    open: head.slice(0, -1),
    keys: `${line}(keys`,
    between: "",
    sessions: `${line}(sessions`,
    leases: `${line}(leases`,
    close: ")",
    end: ")\n",
    item: (item) => deeper + print(itemSexp(item)),
    session: (session) => deeper + print(sessionSexp(session)),
    lease: (lease) => deeper + print(leaseSexp(lease)),
  };
}

const sessionSexp = ({ id, lastUsed, acknowledged, replies }: Session): Sexp =>
  form(
    "session",
    form("id", id),
    form("last-used", lastUsed),
    form("acknowledged", acknowledged),
    form(
      "replies",
      ...[...replies]
        .sort(([a], [b]) => a - b)
        .map(([sequence, reply]) => list(sequence, replySexp(reply))),
    ),
  );

const leaseSexp = (lease: Lease): Sexp =>
  form(
    "lease",
    form("id", lease.id),
    form(lease.origin),
    form("ttl", lease.ttlMs),
    form("deadline", lease.deadline),
    form("keys", ...[...lease.keys].sort().map(keySexp)),
  );

const leaseJson = ({ id, origin, ttlMs, deadline, keys }: Lease): object => ({
  ...{ id, origin, ttlMs, deadline },
  keys: [...keys].sort().map(keyJson),
});

const sessionJson = ({ id, lastUsed, acknowledged, replies }: Session): object => ({
  id,
  lastUsed,
  acknowledged,
  replies: [...replies]
    .sort(([a], [b]) => a - b)
    .map(([sequence, reply]) => ({ sequence, reply: replyText(reply) })),
});
