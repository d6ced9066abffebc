/** A server's Raft state, and messages, in the one notation. The same state prints the same bytes. */
import { formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import { form, list, type SexpInput, type SexpList, symbol } from "../sexp/value.ts";
import type { AppendAnswer, Message } from "./message.ts";
import type { Progress, Role, State } from "./state.ts";
import { knownLeader } from "./state.ts";
import type { Configuration, EntryId, Place } from "./types.ts";

const nobody = symbol("none");

/** The parts of `(node 1 (role leader) (term 3) …)` that Raft knows. */
export function describeState(state: State): readonly SexpList[] {
  const { log } = state;
  return [
    form("role", symbol(state.role.kind)),
    form("term", state.term),
    form("voted-for", state.votedFor ?? nobody),
    form("leader", knownLeader(state) ?? nobody),
    form("commit", state.commit),
    form("durable", state.durable),
    form("log", form("first", log.firstIndex), form("last", log.lastIndex)),
    form("members", ...describeConfiguration(state.membership.current)),
    ...describeChange(state),
    ...describeFollowers(state.role),
  ];
}

/** Groups that are empty are not shown. */
export function describeConfiguration(configuration: Configuration): readonly SexpList[] {
  const { voters, outgoing, learners } = configuration;
  const groups = [form("voters", ...voters)];
  if (outgoing.length > 0) groups.push(form("outgoing", ...outgoing));
  if (learners.length > 0) groups.push(form("learners", ...learners));
  const places = configuration.places ?? [];
  if (places.length > 0) groups.push(form("places", ...places.map(place)));
  return groups;
}

/** `(4 "127.0.0.1:7104" "00000000abcd")`, or `none` for what is not known. */
const place = ({ id, address, incarnation }: Place): SexpList =>
  list(
    id,
    address === null ? nobody : formatAddress(address),
    incarnation === null ? nobody : incarnation.toString(16).padStart(12, "0"),
  );

/** The configuration in force, where it is not committed yet: `(changing (since 17))`. */
function describeChange({ membership, commit }: State): readonly SexpList[] {
  const { since, current } = membership;
  if (since <= commit && current.outgoing.length === 0) return [];
  return [form("changing", form("since", since))];
}

function describeFollowers(role: Role): readonly SexpList[] {
  if (role.kind !== "leader") return [];
  const rows = [...role.followers].sort(([a], [b]) => a - b).map(([id, p]) => follower(id, p));
  return [form("followers", ...rows)];
}

const follower = (id: NodeId, progress: Progress): SexpInput => ({
  kind: "list",
  items: [
    { kind: "integer", value: id },
    form("match", progress.match),
    form("next", progress.next),
    form("mode", symbol(progress.mode)),
    form("in-flight", progress.inflight.length),
  ],
});

const entryId = (name: string, id: EntryId): SexpList => form(name, id.index, id.term);

/** `(append-request (from 1) (to 2) (term 3) (previous 4 2) (entries 5 6) (commit 4))` */
export const describeMessage = (m: Message): SexpList =>
  form(m.kind, form("from", m.from), form("to", m.to), form("term", m.term), ...details(m));

function details(m: Message): readonly SexpList[] {
  switch (m.kind) {
    case "pre-vote-request":
      return [entryId("last", m.lastLog)];
    case "vote-request":
      return [entryId("last", m.lastLog), form("reason", symbol(m.reason))];
    case "pre-vote-response":
    case "vote-response":
      return [form("answer", symbol(m.answer))];
    case "append-request":
      return [
        entryId("previous", m.previous),
        form("entries", ...m.entries.map((entry) => entry.term)),
        form("commit", m.commit),
      ];
    case "append-response":
      return [answer(m.answer)];
    case "heartbeat":
      return [form("commit", m.commit), form("round", m.round)];
    case "heartbeat-response":
      return [form("round", m.round), form("last", m.last)];
    case "snapshot-request":
      return [
        entryId("snapshot", m.snapshot.last),
        form("bytes", m.snapshot.bytes),
        form("offset", m.offset),
        form("piece", m.piece.length),
      ];
    case "snapshot-response":
      return [entryId("snapshot", m.snapshot.last), form("received", m.received)];
    case "timeout-now":
      return [];
    case "read-index-request":
      return [form("id", m.id)];
    case "read-index-response":
      return [form("id", m.id), form("index", m.index)];
    default:
      return unreachable(m);
  }
}

const answer = (a: AppendAnswer): SexpList =>
  a.kind === "matched"
    ? form("matched", a.index)
    : form("mismatched", form("previous", a.previous), entryId("hint", a.hint));
