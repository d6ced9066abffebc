/**
 * A server promises nothing before it has met all the others, once in its life.
 *
 * Who has met them knows them by their incarnations, and will not take one whose folder was wiped for the one it was:
 * a wiped server has forgotten its votes and what it acknowledged, and beside a server that never knew better it could
 * make a majority that knows nothing of a committed entry (P16). So a cluster is born when all its members have met;
 * after that any majority will do.
 *
 * A configuration that was changed says which incarnation each member is: who reads it in its log need not meet them.
 * So a server that is lost for good is waited for by nobody once it is removed, or once anything was changed.
 * And one that joined waits for nobody: what it promises counts only under a configuration that let it in, and that one
 * says who everybody is, this server included. A snapshot may give it an older one first.
 *
 * Strangers are greeted with a question that asks for nothing: whether they would vote. Any answer tells who they are.
 */
import { later, type Millis, type NodeId, never, nextTerm } from "../base/numbers.ts";
import type { Message } from "../raft/message.ts";
import type { State } from "../raft/state.ts";

export class Acquaintance {
  private readonly strangers: () => readonly NodeId[];
  private unmet: readonly NodeId[];
  private greetAt: Millis;

  constructor(parts: { strangers: () => readonly NodeId[]; now: Millis }) {
    this.strangers = parts.strangers;
    this.unmet = parts.strangers();
    this.greetAt = this.unmet.length === 0 ? never : parts.now;
  }

  /** Whom this server has yet to meet. */
  get missing(): readonly NodeId[] {
    return this.unmet;
  }

  /** Somebody new was heard of, or there are other members. */
  met(now: Millis): void {
    this.unmet = this.strangers();
    if (this.unmet.length === 0) this.greetAt = never;
    else if (this.greetAt === never) this.greetAt = now;
  }

  nextDeadline(): Millis {
    return this.greetAt;
  }

  /** What to say to strangers now. */
  greetings(state: State): readonly Message[] {
    const { now, settings, log } = state;
    if (now < this.greetAt) return none;
    this.greetAt = later(now, settings.timing.heartbeatMs);
    const term = nextTerm(state.term);
    return this.unmet.map((to) => ({
      kind: "pre-vote-request",
      from: settings.me,
      to,
      term,
      lastLog: log.last,
    }));
  }

  /** Whether a message may be sent by a server that has strangers: not if anybody could count on it. */
  allows(message: Message): "say" | "withhold" {
    if (this.unmet.length === 0) return "say";
    switch (message.kind) {
      case "vote-request":
        return "withhold";
      case "vote-response":
      case "pre-vote-response":
        return message.answer === "granted" ? "withhold" : "say";
      case "append-response":
        return message.answer.kind === "matched" ? "withhold" : "say";
      default:
        return "say";
    }
  }
}

const none: readonly Message[] = [];
