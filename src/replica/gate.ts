/**
 * The durability gate: a message that promises something waits until the journal holds what makes it true.
 *
 * A promise is a vote (the own one in a vote request included) and an acknowledged append; besides, no message
 * leaves in a term that the disk has not seen. Everything else goes at once, so that a leader writes its disk
 * while its followers write theirs (dissertation 10.2.1).
 */
import { assert, unreachable } from "../base/assert.ts";
import type { Term } from "../base/numbers.ts";
import type { JournalPosition } from "../journal/journal.ts";
import type { Message } from "../raft/message.ts";

type Held = { readonly message: Message; readonly after: JournalPosition };

export class Gate {
  /** In the order of their positions. */
  private held: Held[] = [];
  private durableTerm: Term;
  /** The newest term given to the journal, and where. */
  private recordedTerm: { readonly term: Term; readonly at: JournalPosition } | null = null;

  constructor(durableTerm: Term) {
    this.durableTerm = durableTerm;
  }

  get waiting(): number {
    return this.held.length;
  }

  /** The journal was given this term; it is durable once `at` is. */
  recorded(term: Term, at: JournalPosition): void {
    assert(term >= this.durableTerm, "terms are recorded in order");
    this.recordedTerm = { term, at };
  }

  /** What may leave of these messages now. The rest waits for `position`, where the journal stands. */
  admit(
    messages: readonly Message[],
    journal: { readonly position: JournalPosition; readonly durable: JournalPosition },
  ): readonly Message[] {
    if (journal.position <= journal.durable) return messages;
    const free: Message[] = [];
    for (const message of messages) {
      if (this.mustWait(message)) this.held.push({ message, after: journal.position });
      else free.push(message);
    }
    return free;
  }

  /** The journal is durable up to `durable`: what waited for it. */
  release(durable: JournalPosition): readonly Message[] {
    const { recordedTerm } = this;
    if (recordedTerm !== null && recordedTerm.at <= durable) {
      this.durableTerm = recordedTerm.term;
      this.recordedTerm = null;
    }
    let count = 0;
    while (count < this.held.length && this.held[count]!.after <= durable) count += 1;
    const freed = this.held.slice(0, count);
    this.held = this.held.slice(count);
    return freed.map(({ message }) => message);
  }

  private mustWait(message: Message): boolean {
    return isPromise(message) || message.term > this.durableTerm;
  }
}

function isPromise(message: Message): boolean {
  switch (message.kind) {
    case "vote-request":
    case "vote-response":
    case "append-response":
      return true;
    case "pre-vote-request":
    case "pre-vote-response":
    case "append-request":
    case "heartbeat":
    case "heartbeat-response":
    case "snapshot-request":
    case "snapshot-response":
    case "timeout-now":
    case "read-index-request":
    case "read-index-response":
      return false;
    default:
      return unreachable(message);
  }
}
