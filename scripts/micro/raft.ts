/** Steps of Raft: a follower that is sent a batch, and a leader from commands to their commit. */
import { logIndex, millis, nodeId } from "../../src/base/numbers.ts";
import { seededRandom } from "../../src/base/random.ts";
import { beginning } from "../../src/raft/log.ts";
import type { AppendRequest, AppendResponse, Message } from "../../src/raft/message.ts";
import { step, takeEffects } from "../../src/raft/raft.ts";
import { createState, defaultTiming, type State } from "../../src/raft/state.ts";
import { firstTerm, Puts, type PutsOptions } from "../measure/puts.ts";
import { type Bench, type Case, microCase } from "./case.ts";

/** What a batch holds under 64 clients. */
export const batchEntries = 37;
/** Batches in one piece of work: a leader's window. */
const batches = 64;
/** A log is compacted when it is this long, as a snapshot would have it. */
const logEntriesMax = 100_000;
const puts: PutsOptions = { keys: 10_000, valueBytes: 64, order: "chance" };
const now = millis(1000);
const [me, other, third] = [nodeId(1), nodeId(2), nodeId(3)];

export const raftCases = (): readonly Case[] => [
  microCase({
    name: `raft: a follower appends a batch of ${batchEntries}`,
    times: batches,
    make: followerAppends,
  }),
  microCase({
    name: `raft: a leader proposes ${batchEntries} commands and sends them to two`,
    times: batches,
    make: leaderProposes,
  }),
  microCase({
    name: "raft: a leader hears an answer, and commits a batch",
    times: batches,
    make: leaderHears,
  }),
];

function followerAppends(): Bench<readonly AppendRequest[]> {
  const state = newState();
  const source = new Puts(puts);
  return {
    prepare: () => {
      compact(state);
      return Array.from({ length: batches }, () => appendRequest(source));
    },
    work: (requests) => {
      for (const message of requests) {
        step(state, now, { kind: "message", message });
        state.log.takeUnrecorded();
        takeEffects(state);
      }
    },
  };
}

function leaderProposes(): Bench<readonly (readonly Uint8Array[])[]> {
  const leading = leaderAfterElection();
  return {
    prepare: () => newBatches(leading),
    work: (all) => {
      for (const batch of all) propose(leading, batch);
    },
  };
}

function leaderHears(): Bench<readonly Message[]> {
  const leading = leaderAfterElection();
  return {
    prepare: () => answersToBatches(leading),
    work: (answers) => {
      for (const message of answers) {
        step(leading.state, now, { kind: "message", message });
        takeEffects(leading.state);
      }
    },
  };
}

function appendRequest(source: Puts): AppendRequest {
  const before = source.next - 1;
  const previous = before === 0 ? beginning : { index: logIndex(before), term: firstTerm };
  const entries = source.entries(batchEntries);
  const commit = previous.index;
  const ends = { from: other, to: me };
  return { kind: "append-request", ...ends, term: firstTerm, previous, entries, commit };
}

type Leading = { readonly state: State; readonly source: Puts };

/** Elected by the others, and its opening entry committed. */
function leaderAfterElection(): Leading {
  const state = newState();
  step(state, now, { kind: "start" });
  step(state, state.electionAt, { kind: "time" });
  const ends = { from: other, to: me, term: state.term } as const;
  step(state, now, {
    kind: "message",
    message: { kind: "vote-response", ...ends, answer: "granted" },
  });
  step(state, now, { kind: "flush" });
  settle({ state, source: new Puts(puts) });
  return { state, source: new Puts(puts) };
}

/** Everything in its log is durable everywhere, and what the log may forget it forgets. */
function settle({ state }: Leading): void {
  step(state, now, { kind: "durable", last: state.log.last });
  for (const message of [answerOf(other, state), answerOf(third, state)]) {
    step(state, now, { kind: "message", message });
  }
  takeEffects(state);
  compact(state);
}

const answerOf = (from: typeof other, state: State): AppendResponse => {
  const answer = { kind: "matched", index: state.log.lastIndex } as const;
  return { kind: "append-response", from, to: me, term: state.term, answer };
};

function newBatches(leading: Leading): readonly (readonly Uint8Array[])[] {
  settle(leading);
  const body = (): Uint8Array => leading.source.entry().body as Uint8Array;
  return Array.from({ length: batches }, () => Array.from({ length: batchEntries }, body));
}

function propose({ state }: Leading, commands: readonly Uint8Array[]): void {
  for (const command of commands) step(state, now, { kind: "propose", command });
  step(state, now, { kind: "flush" });
  state.log.takeUnrecorded();
  takeEffects(state);
}

/** Of one follower, for each batch of a full window: with it and the leader, a majority has the batch. */
function answersToBatches(leading: Leading): readonly Message[] {
  const { state } = leading;
  const answers = newBatches(leading).map((batch) => {
    propose(leading, batch);
    return answerOf(other, state);
  });
  step(state, now, { kind: "durable", last: state.log.last });
  takeEffects(state);
  return answers;
}

function newState(): State {
  const voters = [me, other, third];
  return createState(
    { me, timing: defaultTiming, appendBytesMax: 59_000, preVote: "without-pre-vote" },
    {
      hardState: { term: firstTerm, votedFor: null },
      ...{ base: beginning, entries: [], commit: logIndex(0) },
      configuration: { voters, outgoing: [], learners: [] },
    },
    seededRandom(1),
  );
}

function compact(state: State): void {
  if (state.log.lastIndex - state.log.base.index < logEntriesMax) return;
  state.log.takeUnrecorded();
  step(state, now, { kind: "compact", to: state.commit });
}
