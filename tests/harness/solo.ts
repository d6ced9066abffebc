/**
 * One server, and a test that plays all the others. What it sends comes back as a list; its disk is instant, and
 * only what it says is looked at. Made for the sentences of the paper: "on receiving X, a server does Y".
 */
import { utf8 } from "../../src/base/bytes.ts";
import { later, logIndex, type Millis, millis, nodeId, term } from "../../src/base/numbers.ts";
import { seededRandom } from "../../src/base/random.ts";
import { beginning } from "../../src/raft/log.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Input } from "../../src/raft/raft.ts";
import { step, takeEffects } from "../../src/raft/raft.ts";
import type { Effects, PreVote, State, Timing } from "../../src/raft/state.ts";
import { createState, defaultTiming } from "../../src/raft/state.ts";
import type { Configuration, EntryId } from "../../src/raft/types.ts";
import { oldEntry } from "./cluster.ts";

export type SoloOptions = {
  /** Voters 1..of; the server itself is n1 unless told otherwise. */
  readonly of?: number;
  readonly me?: number;
  readonly term?: number;
  readonly votedFor?: number;
  readonly log?: readonly number[];
  readonly preVote?: PreVote;
  readonly seed?: number;
  readonly timing?: Timing;
  readonly appendBytesMax?: number;
  readonly largeAppends?: { readonly bytesMax: number; readonly inflightMax: number };
  readonly configuration?: Configuration;
};

export class Solo {
  readonly state: State;
  now: Millis = millis(0);
  /** Everything since the last `take`, besides messages. */
  effects: Effects;

  constructor(options: SoloOptions = {}) {
    const voters = Array.from({ length: options.of ?? 3 }, (_, at) => nodeId(at + 1));
    const settings = {
      me: nodeId(options.me ?? 1),
      timing: options.timing ?? defaultTiming,
      appendBytesMax: options.appendBytesMax ?? 10_000,
      ...(options.largeAppends === undefined ? {} : { largeAppends: options.largeAppends }),
      preVote: options.preVote ?? ("without-pre-vote" as const),
    };
    const recovered = {
      hardState: {
        term: term(options.term ?? Math.max(0, ...(options.log ?? []))),
        votedFor: options.votedFor === undefined ? null : nodeId(options.votedFor),
      },
      base: beginning,
      entries: (options.log ?? []).map((t, at) => oldEntry(at + 1, t)),
      configuration: options.configuration ?? { voters, outgoing: [], learners: [] },
      commit: logIndex(0),
    };
    this.state = createState(settings, recovered, seededRandom(options.seed ?? 1));
    this.effects = takeEffects(this.state);
    this.input({ kind: "start" });
  }

  /** One input, the end of its batch, and the disk: what the server says to it. */
  input(input: Input): readonly Message[] {
    step(this.state, this.now, input);
    step(this.state, this.now, { kind: "flush" });
    const sent = [...this.take()];
    const { durable, log } = this.state;
    if (durable < log.lastIndex) sent.push(...this.input({ kind: "durable", last: log.last }));
    return sent;
  }

  private take(): readonly Message[] {
    const { send, ...rest } = takeEffects(this.state);
    const { confirmed, abandoned, behind, snapshots, notes } = this.effects;
    this.effects = {
      send: [],
      confirmed: [...confirmed, ...rest.confirmed],
      abandoned: [...abandoned, ...rest.abandoned],
      behind: [...behind, ...rest.behind],
      snapshots: [...snapshots, ...rest.snapshots],
      notes: [...notes, ...rest.notes],
    };
    return send;
  }

  hear(message: Message): readonly Message[] {
    return this.input({ kind: "message", message });
  }

  /** The clock moves, and the server looks at it. */
  pass(ms: number): readonly Message[] {
    this.now = later(this.now, ms);
    return this.input({ kind: "time" });
  }

  /** To the very moment at which its election timeout ends. */
  timeOut(): readonly Message[] {
    return this.pass(this.state.electionAt - this.now);
  }

  propose(text = "x"): readonly Message[] {
    return this.input({ kind: "propose", command: utf8(text) });
  }

  /** Makes a candidate of it, and then, with the votes of all the others, a leader. */
  lead(): readonly Message[] {
    this.timeOut();
    const { me } = this.state.settings;
    const sent: Message[] = [];
    for (const id of this.state.membership.current.voters) {
      if (id !== me) sent.push(...this.hear(granted(id, me, this.state.term)));
    }
    return sent;
  }

  /** The terms of its log. */
  get terms(): readonly number[] {
    const terms: number[] = [];
    for (let at = 1; at <= this.state.log.lastIndex; at++) {
      terms.push(this.state.log.termAt(logIndex(at)) ?? 0);
    }
    return terms;
  }
}

// The messages of the others, in one line each.

const link = (from: number, to: number) => ({ from: nodeId(from), to: nodeId(to) });
export const entryId = (index: number, t: number): EntryId => ({
  index: logIndex(index),
  term: term(t),
});

export const granted = (from: number, to: number, t: number): Message => ({
  kind: "vote-response",
  ...link(from, to),
  term: term(t),
  answer: "granted",
});

export const refused = (from: number, to: number, t: number): Message => ({
  kind: "vote-response",
  ...link(from, to),
  term: term(t),
  answer: "already-voted",
});

export const voteRequest = (
  from: number,
  t: number,
  last: EntryId = beginning,
  reason: "timeout" | "transfer" = "timeout",
): Message => ({ kind: "vote-request", ...link(from, 1), term: term(t), lastLog: last, reason });

export const preVoteRequest = (from: number, t: number, last: EntryId = beginning): Message => ({
  kind: "pre-vote-request",
  ...link(from, 1),
  term: term(t),
  lastLog: last,
});

export const heartbeat = (from: number, t: number, more?: { commit?: number; round?: number }) =>
  ({
    kind: "heartbeat",
    ...link(from, 1),
    term: term(t),
    commit: logIndex(more?.commit ?? 0),
    round: more?.round ?? 1,
  }) satisfies Message;

/** From a follower that has lost nothing, unless `last` says where its log ends. */
export const heartbeatResponse = (
  from: number,
  t: number,
  round: number,
  last = 1000,
): Message => ({
  kind: "heartbeat-response",
  ...link(from, 1),
  term: term(t),
  round,
  last: logIndex(last),
});

/** Entries of the given terms, to stand after `previous`. */
export const append = (
  from: number,
  t: number,
  parts: { previous?: EntryId; entries?: readonly number[]; commit?: number },
): Message => {
  const previous = parts.previous ?? beginning;
  return {
    kind: "append-request",
    ...link(from, 1),
    term: term(t),
    previous,
    entries: (parts.entries ?? []).map((of, at) => oldEntry(previous.index + 1 + at, of)),
    commit: logIndex(parts.commit ?? 0),
  };
};

export const matched = (from: number, t: number, index: number): Message => ({
  kind: "append-response",
  ...link(from, 1),
  term: term(t),
  answer: { kind: "matched", index: logIndex(index) },
});

export const mismatched = (
  from: number,
  t: number,
  previous: number,
  hint: EntryId = beginning,
): Message => ({
  kind: "append-response",
  ...link(from, 1),
  term: term(t),
  answer: { kind: "mismatched", previous: logIndex(previous), hint },
});

/** The one message of a kind among those sent (to somebody); undefined when there is none. */
export function only<K extends Message["kind"]>(
  sent: readonly Message[],
  kind: K,
  to?: number,
): Extract<Message, { kind: K }> | undefined {
  return all(sent, kind).find((message) => to === undefined || message.to === to);
}

export const all = <K extends Message["kind"]>(sent: readonly Message[], kind: K) =>
  sent.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);
