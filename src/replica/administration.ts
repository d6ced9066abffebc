/**
 * What an operator asks of this server: other members, or another leader. A wish says what is to be; whoever asks it
 * again learns whether it is so, what it waits for, or why it makes no sense. Nothing about who asked is remembered.
 * A wish is for what the operator saw: where that has passed, a copy of it that comes late moves nothing.
 */
import { unreachable } from "../base/assert.ts";
import type { Millis, NodeId } from "../base/numbers.ts";
import type { Administration, AdministrationOutcome } from "../codec/administration.ts";
import { changeRefusal } from "../raft/change.ts";
import { edited, withPlaces } from "../raft/edits.ts";
import { step } from "../raft/raft.ts";
import { knownLeader, type State } from "../raft/state.ts";
import { bestSuccessor, transferRefusal } from "../raft/transfer.ts";
import type { Place } from "../raft/types.ts";

type Wish<Kind> = Extract<Administration, { readonly kind: Kind }>;

export class Administrator {
  private readonly state: State;
  private readonly placeOf: (node: NodeId) => Place | null;
  private readonly addressText: (node: NodeId | null) => string | null;

  constructor(parts: {
    state: State;
    /** What this server knows of another: it goes into the log with the first change, for all to know. */
    placeOf: (node: NodeId) => Place | null;
    addressText: (node: NodeId | null) => string | null;
  }) {
    this.state = parts.state;
    this.placeOf = parts.placeOf;
    this.addressText = parts.addressText;
  }

  ask(now: Millis, wish: Administration): AdministrationOutcome {
    if (this.state.role.kind !== "leader") {
      const leader = knownLeader(this.state);
      return { kind: "not-leader", leader, address: this.addressText(leader) };
    }
    switch (wish.kind) {
      case "change":
        return this.change(now, wish);
      case "transfer":
        return this.transfer(now, wish);
      default:
        return unreachable(wish);
    }
  }

  private change(now: Millis, { edits, seen }: Wish<"change">): AdministrationOutcome {
    const { state } = this;
    const unready = changeRefusal(state, null);
    if (unready !== null) return waiting(unready);
    const current = withPlaces(state.membership.current, this.placeOf);
    const wish = edited(current, edits);
    if (wish.kind === "fulfilled") return { kind: "done" };
    if (wish.kind === "senseless") return { kind: "refused", because: wish.because };
    if (seen !== state.membership.since) return outdated(state);
    const { target } = wish;
    const refusal = changeRefusal(state, target);
    if (refusal !== null) return waiting(refusal);
    step(state, now, { kind: "change", target, leaving: current.places ?? [] });
    return begun;
  }

  private transfer(now: Millis, wish: Wish<"transfer">): AdministrationOutcome {
    const { state } = this;
    if (wish.target === state.settings.me) return { kind: "done" };
    if (wish.seen !== state.term) return outdated(state);
    const target = wish.target ?? bestSuccessor(state);
    if (target === null) return { kind: "refused", because: "no-successor" };
    const refusal = transferRefusal(state, target);
    switch (refusal) {
      case null:
        step(state, now, { kind: "transfer", target });
        return begun;
      case "already-leader":
        return { kind: "done" };
      case "busy":
        return waiting("handing-over");
      case "not-a-voter":
        return { kind: "refused", because: refusal };
      case "not-leader":
        return { kind: "not-leader", leader: null, address: null };
      default:
        return unreachable(refusal);
    }
  }
}

const outdated = ({ membership, term }: State): AdministrationOutcome => ({
  kind: "outdated",
  since: membership.since,
  term,
});

const begun: AdministrationOutcome = { kind: "waiting", because: "begun" };

/** That it leads was asked before. */
const waiting = (because: NonNullable<ReturnType<typeof changeRefusal>>): AdministrationOutcome =>
  because === "not-leader"
    ? { kind: "not-leader", leader: null, address: null }
    : { kind: "waiting", because };
