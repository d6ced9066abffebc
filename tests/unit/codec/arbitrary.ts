/** Everything that the wire can carry, for properties. */
import fc from "fast-check";
import { byteString } from "../../../src/base/bytes.ts";
import {
  logIndex,
  millis,
  type NodeId,
  nodeId,
  limits as numberLimits,
  term,
} from "../../../src/base/numbers.ts";
import type { Administration, AdministrationOutcome } from "../../../src/codec/administration.ts";
import type { ClientRequest, ClientResponse, Outcome } from "../../../src/codec/client-message.ts";
import {
  type Command,
  type Condition,
  type Guard,
  type Item,
  type LeaseItem,
  limits,
  type Operation,
  type Reply,
  relations,
  type Step,
  type StepReply,
  type Tenure,
} from "../../../src/kv/command.ts";
import { countRefusals } from "../../../src/kv/counting.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Configuration, Entry, EntryId } from "../../../src/raft/types.ts";

export const count = fc.oneof(
  fc.nat(300),
  fc.nat(),
  fc.integer({ min: 0, max: numberLimits.counterMax }),
  fc.constantFrom(127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, numberLimits.counterMax),
);
const positive = count.filter((n) => n > 0);
const index = count.map(logIndex);
const node = fc.integer({ min: 1, max: numberLimits.nodeIdMax }).map(nodeId);
export const ends = fc.record({ from: node, to: node });

/** Plain, so that it compares equal to what decoding makes, and of a length that matters now and then. */
const value = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 300 }))
  .map((bytes) => new Uint8Array(bytes));
const key = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(byteString);
const prefix = fc.uint8Array({ maxLength: 40 }).map(byteString);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: "always" }, { kind: "absent" }),
  index.map((revision) => ({ kind: "revision", revision }) as const),
);

const kind = <Kind extends string>(name: Kind) => fc.constant(name);

const get = fc.record({ kind: kind("get"), key });
const list = fc.record({
  kind: kind("list"),
  prefix,
  from: fc.oneof(fc.constant(""), prefix),
  to: fc.oneof(fc.constant(""), prefix),
  after: prefix,
  limit: fc.integer({ min: 1, max: limits.listKeysMax }),
  show: fc.constantFrom("keys" as const, "values" as const),
  revision: fc.oneof(
    fc.constantFrom({ kind: "now" } as const, { kind: "hold" } as const),
    index.map((at) => ({ kind: "at", index: at }) as const),
  ),
});

const by = fc.integer({ min: -limits.countByMax, max: limits.countByMax });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: kind("put"), key, value, condition: fc.constant({ kind: "always" } as const) }),
  fc.record({ kind: kind("delete"), key }),
  fc.record({ kind: kind("incr"), key, by }),
  get,
);
const relation = fc.constantFrom(...relations);
const { guard } = fc.letrec<{ guard: Guard }>((tie) => ({
  guard: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: kind("exists"), key }),
    fc.record({ kind: kind("revision"), key, relation, revision: index }),
    fc.record({ kind: kind("value"), key, relation, value }),
    fc.record({ kind: kind("not"), guard: tie("guard") }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      guards: fc.array(tie("guard"), { maxLength: 3 }),
    }),
  ),
}));
const span = fc.integer({ min: limits.leaseMsMin, max: limits.leaseMsMax });
const tenure: fc.Arbitrary<Tenure> = fc.oneof(
  fc.record({ kind: kind("own"), ttlMs: span }),
  fc.record({ kind: kind("granted"), lease: count }),
);
const leases = fc.record({
  kind: kind("leases"),
  after: count,
  limit: fc.integer({ min: 1, max: limits.listKeysMax }),
});
/** As an expiry names them. */
const leaseIds = fc
  .uniqueArray(positive, { maxLength: 12 })
  .map((ids) => ids.sort((a, b) => a - b));

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: kind("put"), key, value, condition }) },
  fc.record({ kind: kind("delete"), key }),
  fc.record({ kind: kind("cas"), key, expected: value, value }),
  get,
  list,
  fc.record({ kind: kind("incr"), key, by }),
  fc.record({ kind: kind("txn"), guard, holding: fc.array(step), otherwise: fc.array(step) }),
  fc.constant<Operation>({ kind: "noop" }),
  fc.record({ kind: kind("put-leased"), key, value, condition, tenure }),
  fc.record({ kind: kind("lease-grant"), ttlMs: span }),
  fc.record({ kind: kind("lease-revoke"), lease: count }),
  fc.record({ kind: kind("lease-keep-alive"), lease: count }),
  leases,
);

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: kind("register"), nonce: count }),
  fc.record({
    kind: kind("request"),
    session: positive,
    sequence: positive,
    acknowledged: count,
    operation: anyOperation,
  }),
  fc.record({ kind: kind("expire"), leases: leaseIds }),
);

const item: fc.Arbitrary<Item> = fc.record({
  key,
  revision: index,
  value: fc.option(value, { nil: null }),
});

const counted = fc.record({ kind: kind("counted"), index, value: fc.maxSafeInteger() });
const refusal = fc.constantFrom(...countRefusals);
const stepReply: fc.Arbitrary<StepReply> = fc.oneof(
  fc.record({ kind: fc.constantFrom("written" as const, "deleted" as const), index }),
  fc.constant({ kind: "absent" } as const),
  fc.record({ kind: kind("found"), revision: index, value }),
  counted,
);
const leaseItem: fc.Arbitrary<LeaseItem> = fc.record({
  lease: count,
  origin: fc.constantFrom("granted" as const, "own" as const),
  ttlMs: count,
  deadline: count.map(millis),
  keys: count,
});

export const anyReply: fc.Arbitrary<Reply> = fc.oneof(
  counted,
  fc.record({ kind: kind("view-lost"), index }),
  fc.record({ kind: kind("count-refused"), because: refusal, revision: index }),
  fc.record({
    kind: kind("transacted"),
    index,
    branch: fc.constantFrom("then" as const, "else" as const),
    answers: fc.array(stepReply),
  }),
  fc.record({
    kind: kind("txn-refused"),
    because: fc.oneof(refusal, kind("answer-too-large")),
    step: fc.nat(limits.stepsMax),
  }),
  fc.record({ kind: kind("registered"), session: count }),
  fc.record({
    kind: fc.constantFrom("written" as const, "deleted" as const, "done" as const),
    index,
  }),
  fc.record({ kind: kind("found"), revision: index, value }),
  fc.record({
    kind: kind("listed"),
    items: fc.array(item, { maxLength: 8 }),
    more: fc.constantFrom("more" as const, "end" as const),
  }),
  fc.record({ kind: kind("condition-failed"), revision: index }),
  fc.record({
    kind: fc.constantFrom("lease-granted" as const, "lease-unknown" as const),
    lease: count,
  }),
  fc.record({ kind: kind("lease-kept"), lease: count, ttlMs: count }),
  fc.record({ kind: kind("lease-revoked"), lease: count, keys: count }),
  fc.record({ kind: kind("lease-limit"), of: fc.constantFrom("leases" as const, "keys" as const) }),
  fc.record({
    kind: kind("leases-listed"),
    now: count.map(millis),
    items: fc.array(leaseItem, { maxLength: 6 }),
    more: fc.constantFrom("more" as const, "end" as const),
  }),
  fc.record({ kind: kind("expired"), leases: leaseIds, keys: count }),
  fc.constantFrom<Reply>(
    { kind: "absent" },
    { kind: "session-unknown" },
    { kind: "already-acknowledged" },
    { kind: "window-exceeded" },
  ),
);

export const anyRequest: fc.Arbitrary<ClientRequest> = fc.record({
  id: count,
  body: fc.oneof(
    fc.record({ kind: kind("write"), command: value }),
    fc.record({
      kind: kind("read"),
      operation: fc.oneof(get, list, leases),
      consistency: fc.constantFrom("linearizable" as const, "stale" as const),
    }),
    fc.record({ kind: kind("bounded-read"), operation: fc.oneof(get, list), ageMsMax: count }),
  ),
});

const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: kind("replied"), reply: anyReply, index, term: count.map(term) }),
  fc.record({
    ...{ kind: kind("dated"), reply: anyReply, index, term: count.map(term) },
    ageMs: fc.option(count, { nil: null }),
  }),
  fc.record({
    kind: kind("not-leader"),
    leader: fc.option(node, { nil: null }),
    address: fc.constantFrom(null, "127.0.0.1:4001", "[::1]:4001", "node-3.example:65535"),
  }),
  fc.constantFrom<Outcome>(
    { kind: "busy" },
    { kind: "refused", because: "malformed" },
    { kind: "refused", because: "too-large" },
    { kind: "no-quorum" },
    { kind: "superseded" },
  ),
);

export const anyResponse: fc.Arbitrary<ClientResponse> = fc.record({
  id: count,
  outcome: anyOutcome,
});

const ids = (pool: readonly NodeId[]) =>
  fc.subarray([...pool]).map((chosen) => chosen.sort((a, b) => a - b));
const low = [1, 2, 3, 300].map(nodeId);
const high = [4, 5, 65535].map(nodeId);

const groups = fc.record({
  voters: ids(low).filter((voters) => voters.length > 0),
  outgoing: ids([...low, ...high]),
  learners: ids(high),
});

const host = fc.oneof(
  fc.constantFrom("127.0.0.1", "::1", "a.example", "x".repeat(255)),
  fc.ipV4(),
  fc.ipV6(),
);

/** Something is known of some of the members. */
export const configuration: fc.Arbitrary<Configuration> = groups.chain((members) =>
  fc
    .tuple(
      fc.subarray([...new Set([...members.voters, ...members.outgoing, ...members.learners])]),
      fc.infiniteStream(
        fc.record({
          address: fc.option(fc.record({ host, port: fc.integer({ min: 1, max: 65535 }) })),
          incarnation: fc.option(fc.integer({ min: 1, max: numberLimits.counterMax })),
        }),
      ),
    )
    .map(([known, stream]) => {
      const places = [...known].sort((a, b) => a - b).map((id) => ({ id, ...take(stream) }));
      return places.length === 0 ? members : { ...members, places };
    }),
);

const take = <T>(stream: Iterator<T>): T => stream.next().value as T;

/** What an entry holds; its index and term come from where it stands. */
type Content = { readonly time: number; readonly newTerm: number } & (
  | { readonly kind: "noop"; readonly body: null }
  | { readonly kind: "command"; readonly body: Uint8Array }
  | { readonly kind: "configuration"; readonly body: Configuration }
);

const content: fc.Arbitrary<Content> = fc
  .tuple(
    fc.record({ time: count, newTerm: fc.nat(2) }),
    fc.oneof(
      fc.constant({ kind: "noop", body: null } as const),
      fc.record({ kind: kind("command"), body: value }),
      fc.record({ kind: kind("configuration"), body: configuration }),
    ),
  )
  .map(([head, body]) => ({ ...head, ...body }));

/** Entries that follow `previous`, their terms rising here and there. */
function entriesAfter(previous: EntryId, contents: readonly Content[]): readonly Entry[] {
  let last = previous.term;
  return contents.map(({ time, newTerm, ...body }, at) => {
    last = term(Math.max(1, last + newTerm));
    return { index: logIndex(previous.index + 1 + at), term: last, time: millis(time), ...body };
  });
}

/** An id that a log can have: index 0 with term 0, or both above. */
const entryId: fc.Arbitrary<EntryId> = fc.oneof(
  fc.constant({ index: logIndex(0), term: term(0) }),
  fc
    .record({
      index: fc.integer({ min: 1, max: 2 ** 47 }),
      term: fc.integer({ min: 1, max: 2 ** 47 }),
    })
    .map((id) => ({ index: logIndex(id.index), term: term(id.term) })),
);

const answer = fc.constantFrom(
  "granted" as const,
  "stale-term" as const,
  "already-voted" as const,
  "log-behind" as const,
  "leader-alive" as const,
);

/** A term in which an entry of the given term can be known. */
const termFrom = (least: number, more: number) => term(Math.max(1, least + more));
const more = fc.nat(1000);

const append: fc.Arbitrary<Message> = fc
  .tuple(ends, entryId, fc.array(content, { maxLength: 6 }), more, index)
  .map(([its, previous, contents, later, commit]) => {
    const entries = entriesAfter(previous, contents);
    const newest = entries.at(-1)?.term ?? previous.term;
    return {
      kind: "append-request" as const,
      ...its,
      term: termFrom(newest, later),
      previous,
      entries,
      commit,
    };
  });

type VoteResponseKind = "pre-vote-response" | "vote-response";

const voteResponse = (itsKind: VoteResponseKind, terms: fc.Arbitrary<number>) =>
  fc
    .tuple(ends, terms, answer)
    .map(([its, n, said]): Message => ({ kind: itsKind, ...its, term: term(n), answer: said }));

const lastOfSnapshot = entryId.filter((last) => last.index > 0);

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  append,
  fc
    .tuple(ends, entryId, more, fc.constantFrom("timeout" as const, "transfer" as const))
    .chain(([its, lastLog, later, reason]) => {
      const common = { ...its, term: termFrom(lastLog.term, later), lastLog };
      return fc.constantFrom<Message>(
        { kind: "pre-vote-request", ...common },
        { kind: "vote-request", ...common, reason },
      );
    }),
  voteResponse("pre-vote-response", count),
  voteResponse("vote-response", positive),
  fc.tuple(ends, entryId, more, index).chain(([its, hint, later, at]) => {
    const common = { kind: "append-response" as const, ...its, term: termFrom(hint.term, later) };
    return fc.constantFrom<Message>(
      { ...common, answer: { kind: "matched", index: at } },
      { ...common, answer: { kind: "mismatched", previous: at, hint } },
    );
  }),
  fc
    .tuple(ends, positive, index, count)
    .chain(([its, n, commit, round]) =>
      fc.constantFrom<Message>(
        { kind: "heartbeat", ...its, term: term(n), commit, round },
        { kind: "heartbeat-response", ...its, term: term(n), round, last: commit },
        { kind: "timeout-now", ...its, term: term(n) },
        { kind: "read-index-request", ...its, term: term(n), id: n },
        { kind: "read-index-response", ...its, term: term(n), id: n, index: logIndex(n) },
      ),
    ),
  fc
    .tuple(ends, lastOfSnapshot, more, fc.uint8Array({ minLength: 1 }), fc.nat(2 ** 32 - 1))
    .chain(([its, last, later, piece, place]) => {
      const snapshot = { last, bytes: place + piece.length, checksum: place };
      const common = { ...its, term: termFrom(last.term, later), snapshot };
      return fc.constantFrom<Message>(
        { kind: "snapshot-request", ...common, offset: place, piece },
        { kind: "snapshot-response", ...common, received: place },
      );
    }),
);

const place = fc.record({
  id: node,
  address: fc.record({ host, port: fc.integer({ min: 1, max: 65535 }) }),
  incarnation: fc.integer({ min: 1, max: numberLimits.counterMax }),
});

export const anyAdministration: fc.Arbitrary<Administration> = fc.oneof(
  fc.record({
    kind: fc.constant("transfer" as const),
    target: fc.option(node),
    seen: fc.option(count.map(term)),
  }),
  fc.record({
    kind: fc.constant("change" as const),
    seen: fc.option(count.map(logIndex)),
    edits: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constantFrom("add" as const, "move" as const), place }),
        fc.record({ kind: fc.constantFrom("promote" as const, "remove" as const), id: node }),
      ),
      { minLength: 1, maxLength: 64 },
    ),
  }),
);

export const anyAdministrationOutcome: fc.Arbitrary<AdministrationOutcome> = fc.oneof(
  fc.constant({ kind: "done" as const }),
  fc.record({
    kind: fc.constant("outdated" as const),
    since: count.map(logIndex),
    term: count.map(term),
  }),
  fc.record({
    kind: fc.constant("waiting" as const),
    because: fc.constantFrom(
      "begun" as const,
      "not-caught-up" as const,
      "would-lose-quorum" as const,
    ),
  }),
  fc.record({
    kind: fc.constant("not-leader" as const),
    leader: fc.option(node),
    address: fc.option(fc.constantFrom("127.0.0.1:7101", "[::1]:9", "a.example:80")),
  }),
  fc.record({
    kind: fc.constant("refused" as const),
    because: fc.constantFrom("unknown-member" as const, "no-successor" as const),
  }),
);
