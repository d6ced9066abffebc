/**
 * What clients were told, held against the committed log, in time that grows with the number of requests only.
 *
 * The log is the witness: it says in which order everything happened, and the model (model.ts) what each answer
 * must have been. What remains is that this order is the one that clients saw: nothing happens before it was
 * asked, or after it was answered. Together that is linearizability, with the proof in hand; a request that is
 * sent again under its name is one request, and begins when it was asked first.
 */
import { must, unreachable } from "../../base/assert.ts";
import type { Millis } from "../../base/numbers.ts";
import {
  type Consistency,
  formatRequestId,
  type RequestId,
  type Result,
} from "../../client/request.ts";
import {
  isReadOperation,
  type ListOperation,
  type Operation,
  type Reply,
} from "../../kv/command.ts";
import { sameReply } from "./model.ts";
import { Violation } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** One request, however often it was sent. */
export type Wish = {
  readonly client: number;
  readonly operation: Operation;
  readonly consistency: Consistency;
  /** How old a stale answer may be; null: no matter. */
  readonly ageMsMax: number | null;
  readonly began: Millis;
  /** What the cluster had committed when it began. */
  readonly floor: number;
  requestId: RequestId | null;
  ended: Millis | null;
  /** `forgotten`: its session is, so nobody will ever say. */
  outcome: "open" | "committed" | "rejected" | "unknown" | "forgotten";
  reply: Reply | null;
};

type Committed = Extract<Result, { kind: "committed" }>;

export class Oracle {
  readonly wishes: Wish[] = [];
  readonly counts = {
    committed: 0,
    rejected: 0,
    unknown: 0,
    forgotten: 0,
    reads: 0,
    anywhere: 0,
    stale: 0,
    dated: 0,
    logged: 0,
    listed: 0,
    "view-lost": 0,
    "page-of-the-past": 0,
    counted: 0,
    "count-refused": 0,
    "txn-then": 0,
    "txn-else": 0,
    "txn-refused": 0,
  };
  private readonly witness: Witness;
  /** How much of the world's time may pass while a server's clock counts one. */
  private readonly clockSpread: number;
  /** What was committed at some moments, in their order. */
  private readonly floors: { readonly at: Millis; readonly committed: number }[] = [];

  constructor(witness: Witness, clockSpread: number) {
    this.witness = witness;
    this.clockSpread = clockSpread;
  }

  begin(parts: Pick<Wish, "client" | "operation" | "consistency" | "ageMsMax" | "began">): Wish {
    this.floors.push({ at: parts.began, committed: this.witness.committed });
    const wish: Wish = {
      ...parts,
      ...{ floor: this.witness.committed, requestId: null, ended: null },
      ...{ outcome: "open", reply: null },
    };
    this.wishes.push(wish);
    return wish;
  }

  /** A try is over. An unknown one may be tried again under its name. */
  heard(wish: Wish, result: Result, now: Millis): void {
    wish.ended = now;
    switch (result.kind) {
      case "committed":
        wish.outcome = "committed";
        wish.requestId = result.requestId;
        wish.reply = result.reply;
        this.counts.committed += 1;
        return this.checkAnswer(wish, result);
      case "rejected":
        wish.outcome = "rejected";
        wish.requestId = result.requestId;
        this.counts.rejected += 1;
        return;
      case "unknown":
        wish.outcome = result.because === "session-lost" ? "forgotten" : "unknown";
        wish.requestId = result.requestId;
        this.counts[wish.outcome] += 1;
        if (wish.outcome === "forgotten") this.checkForgotten(wish);
        return;
      case "status":
        return;
      default:
        return unreachable(result);
    }
  }

  private checkForgotten(wish: Wish): void {
    const id = must(wish.requestId, "what was told of a session was sent in one");
    if (this.witness.model.isDisowned(id)) return;
    throw new Violation(
      "I18",
      `${nameOf(wish)} was told that its session is forgotten, and it is not`,
    );
  }

  private checkAnswer(wish: Wish, result: Committed): void {
    const { operation, consistency } = wish;
    const isRead = isReadOperation(operation);
    this.countKind(result.reply);
    if (!isRead || consistency === "logged" || wish.requestId !== null) {
      if (isRead) this.counts.logged += 1;
      return this.checkLogged(wish, result);
    }
    this.counts[consistency === "linearizable" ? "reads" : consistency] += 1;
    const { index } = result;
    this.checkPlace(wish, result);
    this.checkAge(wish, result);
    if (consistency !== "stale" && index < wish.floor) {
      const what = `${nameOf(wish)} was answered as of entry ${index}`;
      throw new Violation("I19", `${what}, and ${wish.floor} was committed before it was asked`);
    }
    if (operation.kind === "list" && operation.revision.kind === "at") {
      return this.checkPage(wish, operation, result);
    }
    this.checkReply(wish, result, this.witness.model.read(operation, index));
  }

  /** A page of an earlier moment is that moment's, however much has changed since; or nobody keeps it any more. */
  private checkPage(wish: Wish, operation: ListOperation, result: Committed): void {
    const { model } = this.witness;
    const then = operation.revision.kind === "at" ? operation.revision.index : result.index;
    if (result.reply.kind === "view-lost" && then !== result.index) {
      this.counts["view-lost"] += 1;
      return;
    }
    this.checkReply(wish, result, model.readThen(operation, then));
    const now = model.readThen(operation, result.index);
    if (!sameReply(now, result.reply)) this.counts["page-of-the-past"] += 1;
  }

  private countKind(reply: Reply): void {
    const { counts } = this;
    if (reply.kind === "listed") counts.listed += 1;
    if (reply.kind === "transacted") counts[`txn-${reply.branch}`] += 1;
    if (reply.kind === "counted") counts.counted += 1;
    if (reply.kind === "count-refused" || reply.kind === "txn-refused") counts[reply.kind] += 1;
  }

  /** Everything that was committed so long before the question is in the answer. */
  private checkAge(wish: Wish, { index, age }: Committed): void {
    if (wish.ageMsMax !== null) this.checkFloor(wish, index, wish.ageMsMax);
    if (age?.kind !== "at-most") return;
    this.counts.dated += 1;
    this.checkFloor(wish, index, age.ms);
  }

  private checkFloor(wish: Wish, index: number, ageMs: number): void {
    const moment = wish.began - ageMs * this.clockSpread;
    let at = this.floors.length - 1;
    while (at >= 0 && must(this.floors[at], "in the list").at > moment) at -= 1;
    const floor = this.floors[at]?.committed ?? 0;
    if (index >= floor) return;
    const what = `${nameOf(wish)} was answered as of entry ${index}, said to be ${ageMs} ms old at most`;
    throw new Violation("I19", `${what}, and ${floor} was committed longer ago`);
  }

  /** Something that has a place in the log: it must stand there, and have been asked as it stands. */
  private checkLogged(wish: Wish, result: Committed): void {
    this.checkPlace(wish, result);
    const { model } = this.witness;
    const outcome = model.outcomeAt(result.index);
    const id = must(wish.requestId, "what is in the log has a name");
    if (outcome === null || outcome.command.kind !== "request") {
      throw new Violation(
        "I21",
        `${nameOf(wish)} was acknowledged at ${result.index}, where it is not`,
      );
    }
    const { command } = outcome;
    if (command.session !== id.session || command.sequence !== id.sequence) {
      throw new Violation("I21", `${nameOf(wish)} got the answer to ${formatRequestId(command)}`);
    }
    if (command.operation.kind !== wish.operation.kind) {
      throw new Violation(
        "I21",
        `${nameOf(wish)} stands in the log as a ${command.operation.kind}`,
      );
    }
    this.checkReply(wish, result, outcome.reply);
    const place = model.effectOf(id) ?? result.index;
    if (place > wish.floor) return;
    const what = `${nameOf(wish)} happened at ${place}`;
    throw new Violation("I18", `${what}, and ${wish.floor} was committed before it was asked`);
  }

  private checkPlace(wish: Wish, { index, term }: Committed): void {
    const known = this.witness.termAt(index);
    if (known === term) return;
    const what = `${nameOf(wish)} was answered from entry ${index} of term ${term}`;
    throw new Violation("I21", `${what}; what is committed there is of term ${known ?? "none"}`);
  }

  private checkReply(wish: Wish, result: Committed, expected: Reply): void {
    if (sameReply(result.reply, expected)) return;
    const what = `${nameOf(wish)} was answered ${shown(result.reply)}`;
    const isRead = isReadOperation(wish.operation);
    throw new Violation(isRead ? "I19" : "I18", `${what}, where ${shown(expected)} is right`);
  }

  /** When everything is over: nothing rejected is in the log, and nothing that nobody asked for. */
  checkEnd(): void {
    const asked = new Map<string, Wish>();
    for (const wish of this.wishes) {
      if (wish.requestId === null) continue;
      const name = formatRequestId(wish.requestId);
      const effect = this.witness.model.effectOf(wish.requestId);
      asked.set(name, wish);
      if (wish.outcome !== "rejected" || effect === null) continue;
      throw new Violation("I21", `${nameOf(wish)} was rejected, and happened at ${effect}`);
    }
    if (this.wishes.some(({ outcome }) => outcome === "open")) return;
    for (const [name, index] of this.witness.model.allEffects) {
      if (asked.has(name)) continue;
      throw new Violation("I19", `nobody asked for request ${name}, which is entry ${index}`);
    }
  }
}

const nameOf = (wish: Wish): string => {
  const name = wish.requestId === null ? "" : ` ${formatRequestId(wish.requestId)}`;
  return `the ${wish.consistency} ${wish.operation.kind}${name} of client ${wish.client}`;
};

function shown(reply: Reply): string {
  if (reply.kind === "found")
    return `found (revision ${reply.revision}, ${reply.value.length} bytes)`;
  if (reply.kind === "listed") return `listed (${reply.items.length} keys, ${reply.more})`;
  return JSON.stringify(reply);
}
