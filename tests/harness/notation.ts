/**
 * Servers and messages as the scenarios show them.
 *
 *     n1 * T4 [1 1|2 4]      n1 leads term 4; entries by their terms; the first two are committed, as it knows
 *     n2   T4 [1|1] durable=1       n2's own disk has not answered for entry 2 yet
 *     n2   T4 [..3 1|4]      entries 1 to 3 are forgotten: a snapshot stands for them
 *     n1 * T4 [1 4|4] {1 2 & 1 3} 4  the newest configuration in its log: joint, both groups decide; n4 learns
 *     n5->n3 vote? T3 last=1:1      a question; `vote!` is its answer; 1:1 is index 1, term 1
 *
 * Roles: * leader, ? candidate, ~ asks beforehand (pre-vote), x crashed, blank follower.
 */
import { unreachable } from "../../src/base/assert.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Role, State } from "../../src/raft/state.ts";
import type { Configuration, EntryId } from "../../src/raft/types.ts";
import type { Server } from "./server.ts";

export function row(server: Server): string {
  const { state, disk } = server;
  if (state !== null) {
    const terms: number[] = [];
    for (const entry of entriesOf(state)) terms.push(entry.term);
    const base = state.log.base.index;
    const log = forgotten(base) + bar(terms, state.commit - base);
    const line = `n${server.id} ${mark(state.role)} T${state.term} [${log}]`;
    const disk = state.durable < state.log.lastIndex ? ` durable=${state.durable}` : "";
    return line + disk + (state.membership.since > 0 ? membersText(state.membership.current) : "");
  }
  const terms = disk.entries.map((entry) => entry.term);
  const base = disk.snapshot?.last.index ?? 0;
  return `n${server.id} x T${disk.hardState.term} [${forgotten(base)}${terms.join(" ")}]`;
}

const forgotten = (base: number): string => (base === 0 ? "" : `..${base} `);

/** ` {1 2 4}`, or ` {1 2 4 & 1 2 3}` while both groups decide; ` {1 2 3} 4` with a learner. */
function membersText({ voters, outgoing, learners }: Configuration): string {
  const both = outgoing.length === 0 ? "" : ` & ${outgoing.join(" ")}`;
  const last = learners.length === 0 ? "" : ` ${learners.join(" ")}`;
  return ` {${voters.join(" ")}${both}}${last}`;
}

const entriesOf = ({ log }: State) =>
  log.lastIndex < log.firstIndex ? [] : log.slice(log.firstIndex, Number.POSITIVE_INFINITY);

function bar(terms: readonly number[], commit: number): string {
  return `${spans(terms.slice(0, commit))}|${spans(terms.slice(commit))}`;
}

/** `1 1 1 2` as it stands, and a long run as `1x40`. */
export function spans(terms: readonly number[]): string {
  const words: string[] = [];
  for (let at = 0; at < terms.length; ) {
    let end = at;
    while (end < terms.length && terms[end] === terms[at]) end += 1;
    if (end - at > 6) words.push(`${terms[at]}x${end - at}`);
    else for (let i = at; i < end; i++) words.push(String(terms[i]));
    at = end;
  }
  return words.join(" ");
}

function mark(role: Role): string {
  switch (role.kind) {
    case "leader":
      return "*";
    case "candidate":
      return "?";
    case "pre-candidate":
      return "~";
    case "follower":
      return " ";
    default:
      return unreachable(role);
  }
}

const id = (entry: EntryId): string => `${entry.index}:${entry.term}`;

/** The short name of a kind, as commands select it. */
export function nameOf(m: Message): string {
  switch (m.kind) {
    case "pre-vote-request":
      return "prevote?";
    case "pre-vote-response":
      return "prevote!";
    case "vote-request":
      return "vote?";
    case "vote-response":
      return "vote!";
    case "append-request":
      return "append?";
    case "append-response":
      return "append!";
    case "heartbeat":
      return "beat?";
    case "heartbeat-response":
      return "beat!";
    case "snapshot-request":
      return "snapshot?";
    case "snapshot-response":
      return "snapshot!";
    case "timeout-now":
      return "now!";
    case "read-index-request":
      return "index?";
    case "read-index-response":
      return "index!";
    default:
      return unreachable(m);
  }
}

export const messageText = (m: Message): string =>
  `n${m.from}->n${m.to} ${nameOf(m)} T${m.term}${details(m)}`;

function details(m: Message): string {
  switch (m.kind) {
    case "pre-vote-request":
      return ` last=${id(m.lastLog)}`;
    case "vote-request":
      return ` last=${id(m.lastLog)}${m.reason === "transfer" ? " transfer" : ""}`;
    case "pre-vote-response":
    case "vote-response":
      return ` ${m.answer}`;
    case "append-request": {
      const terms = spans(m.entries.map((entry) => entry.term));
      return ` prev=${id(m.previous)} entries=[${terms}] commit=${m.commit}`;
    }
    case "append-response":
      return m.answer.kind === "matched"
        ? ` matched=${m.answer.index}`
        : ` mismatched prev=${m.answer.previous} hint=${id(m.answer.hint)}`;
    case "heartbeat":
      return ` commit=${m.commit} round=${m.round}`;
    case "heartbeat-response":
      return ` round=${m.round}`;
    case "snapshot-request":
    case "snapshot-response":
      return ` last=${id(m.snapshot.last)}`;
    case "timeout-now":
      return "";
    case "read-index-request":
      return "";
    case "read-index-response":
      return ` index=${m.index}`;
    default:
      return unreachable(m);
  }
}
