/** What an operator can ask of a server, and how servers come to know each other by the log. */
import { describe, expect, test } from "bun:test";
import { logIndex, millis, type NodeId, nodeId, term } from "../../../src/base/numbers.ts";
import type { Edit } from "../../../src/raft/edits.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Configuration, Entry, Place } from "../../../src/raft/types.ts";
import { addressOf, incarnationOf, LoneReplica } from "../../harness/lone-replica.ts";

const [one, two, three, four] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];

const place = (id: number, incarnation = incarnationOf(id)): Place => ({
  id: nodeId(id),
  address: addressOf(id),
  incarnation,
});
const change = (...edits: Edit[]) => ({ kind: "change", edits, seen: logIndex(0) }) as const;
const addFour: Edit = { kind: "add", place: place(4) };

const matched = (from: NodeId, index: number, t = 1): Message => ({
  ...{ kind: "append-response", from, to: one, term: term(t) },
  answer: { kind: "matched", index: logIndex(index) },
});

/** Leads term 1, with its first entry committed. */
function leading(): LoneReplica {
  const replica = new LoneReplica();
  replica.lead();
  replica.hear(matched(two, 1));
  replica.hear(matched(three, 1));
  return replica;
}

const appendOf = (configuration: Configuration, from = two): Message => {
  const entry: Entry = {
    ...{ index: logIndex(1), term: term(1), time: millis(0) },
    ...{ kind: "configuration", body: configuration },
  };
  return {
    ...{ kind: "append-request", from, to: one, term: term(1), entries: [entry] },
    ...{ previous: { index: logIndex(0), term: term(0) }, commit: logIndex(0) },
  };
};

describe("a wish", () => {
  test("is sent to the leader by who is none", () => {
    const replica = new LoneReplica();
    expect(replica.wish(change(addFour))).toEqual({
      kind: "not-leader",
      leader: null,
      address: null,
    });
  });

  test("is begun, then under way, and done once it is committed", () => {
    const replica = leading();
    expect(replica.wish(change(addFour))).toEqual({ kind: "waiting", because: "begun" });
    expect(replica.wish(change(addFour))).toEqual({
      kind: "waiting",
      because: "change-under-way",
    });
    replica.finishSyncs();
    replica.hear(matched(two, 2));
    expect(replica.wish(change(addFour))).toEqual({ kind: "done" });
  });

  test("that makes no sense is refused with the reason", () => {
    const replica = leading();
    const wiped: Edit = { kind: "add", place: place(2, 4711) };
    expect(replica.wish(change(wiped))).toEqual({ kind: "refused", because: "other-incarnation" });
    const taken: Edit = { kind: "add", place: { ...place(4), address: addressOf(3) } };
    expect(replica.wish(change(taken))).toEqual({ kind: "refused", because: "address-taken" });
    expect(replica.wish({ kind: "transfer", target: four, seen: term(1) })).toEqual({
      kind: "refused",
      because: "not-a-voter",
    });
  });

  test("for another leader is begun, and done by the one that leads", () => {
    const replica = leading();
    expect(replica.wish({ kind: "transfer", target: one, seen: null })).toEqual({ kind: "done" });
    expect(replica.wish({ kind: "transfer", target: null, seen: term(1) })).toEqual({
      kind: "waiting",
      because: "begun",
    });
    expect(replica.wish({ kind: "transfer", target: two, seen: term(1) })).toEqual({
      kind: "waiting",
      because: "handing-over",
    });
  });
});

describe("a wish that comes late", () => {
  test("changes nothing: the configuration that it was for is in force no more", () => {
    const replica = leading();
    expect(replica.wish({ ...change(addFour), seen: null })).toEqual({
      kind: "outdated",
      since: logIndex(0),
      term: term(1),
    });
    replica.wish(change(addFour));
    replica.finishSyncs();
    replica.hear(matched(two, 2));
    const copy = change({ kind: "remove", id: three });
    expect(replica.wish(copy)).toMatchObject({ kind: "outdated", since: logIndex(2) });
    expect(replica.replica.state.membership.current.voters).toEqual([one, two, three]);
  });

  test("moves no leadership in a later term", () => {
    const replica = leading();
    const late = { kind: "transfer", target: two, seen: term(0) } as const;
    expect(replica.wish(late)).toMatchObject({ kind: "outdated", term: term(1) });
    expect(replica.wish({ ...late, seen: term(1) })).toMatchObject({ because: "begun" });
  });
});

describe("the first change", () => {
  test("writes into the log where all members are and who they are", () => {
    const replica = leading();
    replica.wish(change(addFour));
    expect(replica.replica.state.membership.current.places).toEqual([
      place(1, 77),
      place(2),
      place(3),
      place(4),
    ]);
  });

  test("says of those who go, too, where they are for as long as they decide", () => {
    const replica = leading();
    replica.wish(change(addFour, { kind: "remove", id: three }));
    const { current } = replica.replica.state.membership;
    expect(current.outgoing).toEqual([one, two, three]);
    expect(current.places).toEqual([place(1, 77), place(2), place(3), place(4)]);
  });

  test("is sent to the new server at once, at the address that it gave", () => {
    const replica = leading();
    replica.wish(change(addFour));
    const sent = replica.last?.datagrams.map(({ to }) => to.port) ?? [];
    expect(sent).toContain(addressOf(4).port);
  });
});

describe("who a member is", () => {
  const four3: Configuration = {
    voters: [one, two, three],
    outgoing: [],
    learners: [four],
    places: [place(1, 77), place(2), place(3), place(4)],
  };

  test("is read in the log: nobody need be met whom it names, and a lost one is waited for no more", () => {
    const replica = new LoneReplica({ acquaintance: "strangers" });
    replica.hear(appendOf(four3));
    const [answer] = replica.finishSync().messages;
    expect(answer).toMatchObject({ kind: "append-response", answer: { kind: "matched" } });
    expect(replica.replica.describe()).not.toContain("strangers");
    const vote: Message = {
      ...{ kind: "vote-request", from: three, to: one, term: term(9), reason: "transfer" },
      lastLog: { index: logIndex(9), term: term(8) },
    };
    replica.give(replica.fromPeer(vote, 4711));
    expect(replica.replica.state.term).toBe(term(1));
    expect(replica.replica.counters.get("dropped-wrong-incarnation")).toBe(1);
  });

  test("is forgotten when the configuration is taken back", () => {
    const replica = new LoneReplica();
    replica.hear(appendOf(four3));
    replica.finishSyncs();
    const noop: Entry = {
      ...{ index: logIndex(1), term: term(2), time: millis(0) },
      ...{ kind: "noop", body: null },
    };
    replica.hear({ ...appendOf(four3, three), term: term(2), entries: [noop] } as Message);
    expect(replica.replica.state.membership.current.learners).toEqual([]);
    expect(replica.wish(change(addFour)).kind).toBe("not-leader");
  });

  test("a server that waits to be let in hears its leader, and answers where it came from", () => {
    const replica = new LoneReplica({ joining: "joining" });
    replica.hear(appendOf({ ...four3, voters: [two, three, four], learners: [one] }));
    const [answer] = replica.finishSync().messages;
    expect(answer).toMatchObject({ kind: "append-response", to: two });
    expect(replica.replica.describe()).toContain("(learners 1)");
  });

  test("who is no member is heard, unless it is another folder than it was", () => {
    const replica = new LoneReplica();
    const ask = (from: NodeId, t: number): Message => ({
      ...{ kind: "pre-vote-request", from, to: one, term: term(t) },
      lastLog: { index: logIndex(9), term: term(1) },
    });
    replica.wait(700);
    expect(replica.hear(ask(four, 2)).messages).toMatchObject([{ to: four, answer: "granted" }]);
    replica.give(replica.fromPeer(ask(two, 2), 4711));
    expect(replica.replica.counters.get("dropped-wrong-incarnation")).toBe(1);
  });

  test("a member's address is nobody else's, where no secret tells who it is", () => {
    const replica = new LoneReplica();
    const ask: Message = {
      ...{ kind: "pre-vote-request", from: four, to: one, term: term(2) },
      lastLog: { index: logIndex(9), term: term(1) },
    };
    replica.wait(700);
    const datagram = replica.fromPeer(ask);
    replica.give({ ...datagram, from: addressOf(3) } as typeof datagram);
    expect(replica.replica.counters.get("dropped-wrong-address")).toBe(1);
  });

  test("only so many who are no members can be answered at once", () => {
    const replica = new LoneReplica();
    const ask = (from: number): Message => ({
      ...{ kind: "pre-vote-request", from: nodeId(from), to: one, term: term(2) },
      lastLog: { index: logIndex(9), term: term(1) },
    });
    replica.wait(700);
    const sixtyFive = Array.from({ length: 65 }, (_, at) => replica.fromPeer(ask(10 + at)));
    const { messages } = replica.give(...sixtyFive);
    expect(messages.filter(({ kind }) => kind === "pre-vote-response")).toHaveLength(64);
    expect(replica.replica.counters.get("unsent-unknown-address")).toBe(1);
  });
});
