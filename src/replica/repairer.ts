/**
 * A server that repairs its journal before it starts (docs/recovery.md). It takes no part in Raft: it gives no vote,
 * acknowledges nothing, campaigns for nothing, and is not counted by anybody. It asks the others for what is missing,
 * and answers those that do the same.
 *
 * Deterministic and synchronous, as the replica is: datagrams and time in, effects out. It is over when `outcome` says
 * so; whoever runs it then writes the repaired journal, and starts the replica on it.
 */
import type { Address } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { OperatorError } from "../base/error.ts";
import {
  earliest,
  later,
  type Millis,
  type NodeId,
  never,
  noIndex,
  noTerm,
} from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { RepairAnswer, RepairLack, RepairQuestion, RepairResponse } from "../codec/repair.ts";
import { type FetchedSnapshot, isBaseLost, replacementOf } from "../journal/open-damaged.ts";
import type { Replacement } from "../journal/replace.ts";
import type { Salvage } from "../journal/salvage.ts";
import { sameSnapshot } from "../journal/snapshot-format.ts";
import { Counters } from "./counters.ts";
import { describeRepair, progressOf } from "./describe-repair.ts";
import { diskFailure, repairRefused } from "./errors.ts";
import { type Effects, type Input, stopped } from "./input.ts";
import { RepairDesk } from "./repair-desk.ts";
import { SnapshotFetch } from "./snapshot-fetch.ts";
import { snapshotDefaults, snapshotFile } from "./snapshot-file.ts";
import { type Heard, Wire, type WireSettings } from "./wire.ts";

export const repairPace = {
  /** So long an answer is waited for before everybody is asked again. */
  retryMs: 200,
  /** So often all must have had nothing before it is believed. */
  roundsMin: 3,
  /** A server that gives up goes on answering for so long: others may need what it has. */
  lingerMs: 3000,
  /** So often it says what it waits for. */
  sayMs: 10_000,
} as const;

export class Repairer {
  readonly counters = new Counters();
  private readonly salvage: Salvage;
  private readonly refusal: OperatorError;
  private readonly wire: Wire;
  private readonly desk: RepairDesk;
  private readonly peers: Map<NodeId, number>;
  private now: Millis;
  private ticket = 0;
  /** Counts what was learnt: an answer to an older question is none. */
  private round = 1;
  private askAt: Millis;
  private sayAt: Millis;
  /** Who has nothing of what is asked for now, why, and how often that was said. */
  private lacks = new Map<NodeId, { readonly because: RepairLack; readonly times: number }>();
  private learntSince: "learnt" | "nothing" = "learnt";
  private fetch: SnapshotFetch | null = null;
  private fetched: FetchedSnapshot | null = null;
  /** How many entries came from whom. */
  private readonly sources = new Map<NodeId, number>();
  private givenUpAt: Millis = never;
  private failure: OperatorError | null = null;
  private notes: string[] = [];

  constructor(parts: {
    readonly settings: WireSettings;
    readonly salvage: Salvage;
    readonly refusal: OperatorError;
    readonly random: Random;
    readonly now: Millis;
  }) {
    const { settings, salvage, refusal, random, now } = parts;
    this.salvage = salvage;
    this.refusal = refusal;
    this.now = now;
    this.askAt = now;
    this.sayAt = now;
    this.peers = new Map(salvage.standing.peers);
    this.wire = new Wire({
      settings,
      incarnations: this.peers,
      configuration: salvage.standing.configuration,
      leader: () => null,
      ...{ random, counters: this.counters },
    });
    const { identity, snapshot, log } = salvage;
    const own = snapshot === null ? null : snapshotFile(identity.node, snapshot.id, snapshot.end);
    this.desk = new RepairDesk({
      wire: this.wire,
      source: () => log,
      newest: () => own,
      pieceBytes: snapshotDefaults.pieceBytes,
      now: () => this.now,
      takeTicket: () => this.takeTicket(),
      counters: this.counters,
    });
  }

  /** What is to be written, once nothing is missing. */
  get outcome(): Replacement | null {
    if (this.failure !== null || !this.isDone) return null;
    const { peers, fetched } = this;
    return replacementOf(this.salvage, { peers, fetched });
  }

  describe(): string {
    return describeRepair(this.salvage, this.counters);
  }

  /** What was damaged, what came and from whom: a sentence for the operator. */
  summary(): string {
    return progressOf(this.salvage, { sources: this.sources, fetched: this.fetched });
  }

  handle(now: Millis, inputs: readonly Input[]): Effects {
    if (now > this.now) this.now = now;
    for (const input of inputs) this.hear(input);
    if (!this.isDone) this.onTime();
    const notes = this.notes.splice(0);
    if (this.failure !== null) return stopped(this.failure, notes);
    const datagrams = this.wire.take(this.now);
    const disk = this.desk.takeReads();
    const wakeAt = earliest(this.wire.nextDeadline(), this.askAt);
    return { datagrams, disk, notes, wakeAt, stop: null };
  }

  private hear(input: Input): void {
    switch (input.kind) {
      case "datagram":
        for (const heard of this.wire.open(this.now, input.from, input.bytes)) {
          this.onHeard(input.from, heard);
        }
        return;
      case "read-done":
        this.desk.onRead(input.ticket, input.bytes);
        return;
      case "disk-failed":
        this.failure = diskFailure(input.error);
        return;
      case "synced":
      case "time":
      case "hand-over":
      case "seal":
        return;
      default:
        return unreachable(input);
    }
  }

  /** Of all that others say only this is heard: whoever repairs promises nothing to anybody. */
  private onHeard(from: Address, heard: Heard): void {
    switch (heard.kind) {
      case "new-peer":
        this.peers.set(heard.peer, heard.incarnation);
        return;
      case "repair-request":
        return this.desk.onRequest(heard.from, heard.request);
      case "repair-response":
        return this.onResponse(heard.from, heard.response);
      case "status-request":
        return this.wire.sendStatus({ to: from, id: heard.id, text: this.describe() });
      case "note":
        this.notes.push(heard.sentence);
        return;
      default:
        this.counters.add("unheard-while-repairing");
    }
  }

  /** What is missing first; null where nothing is. */
  private question(): Extract<RepairQuestion, { readonly kind: "entries" }> | null {
    const { log } = this.salvage;
    if (this.isBaseLost()) {
      const { index: from, term } = log.last;
      const previous = { index: noIndex, term: noTerm };
      return { kind: "entries", previous, to: noIndex, anchors: [{ from, to: from, term }] };
    }
    const { gap } = log;
    if (gap === null) return null;
    const { previous, to } = gap;
    return { kind: "entries", previous, to, anchors: log.anchors };
  }

  private get isDone(): boolean {
    return !this.isBaseLost() && this.salvage.log.gap === null;
  }

  private isBaseLost(): boolean {
    const { salvage, fetched } = this;
    return isBaseLost({ log: salvage.log, snapshot: fetched ?? salvage.snapshot });
  }

  // Answers.

  private onResponse(from: NodeId, response: RepairResponse): void {
    const { round, offered, answer } = response;
    if (
      answer.kind === "piece" ||
      (answer.kind === "none" && answer.because === "other-snapshot")
    ) {
      return this.onPieceResponse(from, response, answer);
    }
    if (round !== this.round || this.isDone) return;
    const learnt = this.isBaseLost() ? "nothing" : this.learn(from, answer);
    if (learnt === "learnt") return this.onLearnt(from);
    const because = answer.kind === "none" ? answer.because : "behind";
    this.lacks.set(from, { because, times: (this.lacks.get(from)?.times ?? 0) + 1 });
    if (offered === null || this.fetch !== null || this.learntSince === "learnt") return;
    const needed = this.isBaseLost() ? noIndex : (this.salvage.log.gap?.from ?? noIndex);
    if (offered.last.index < needed) return;
    this.fetch = new SnapshotFetch(from, offered, this.takeTicket());
    // What nobody had may come with it.
    this.givenUpAt = never;
    this.askForPiece();
  }

  private learn(from: NodeId, answer: RepairAnswer): "learnt" | "nothing" {
    const { log } = this.salvage;
    const { gap } = log;
    if (gap === null) return "nothing";
    switch (answer.kind) {
      case "entries":
        if (log.fill(gap, answer.entries) === "wrong") return this.wrong();
        this.sources.set(from, (this.sources.get(from) ?? 0) + answer.entries.length);
        return "learnt";
      case "refuted":
        // Two servers that call different entries committed: one of them is wrong, and this one cannot tell.
        if (answer.truth.index <= log.commit || answer.truth.index < gap.from) return this.wrong();
        log.refute(answer.truth);
        return "learnt";
      case "parted":
        if (gap.previous.index !== log.base.index || log.base.index === 0) return this.wrong();
        log.dropAll();
        return "learnt";
      case "none":
      case "piece":
        return "nothing";
      default:
        return unreachable(answer);
    }
  }

  private wrong(): "nothing" {
    this.counters.add("repair-answers-wrong");
    return "nothing";
  }

  private onLearnt(from: NodeId): void {
    this.counters.add("repair-answers");
    this.round += 1;
    this.lacks = new Map();
    this.learntSince = "learnt";
    this.givenUpAt = never;
    this.ask(from);
  }

  /** Rounds of pieces and of entries are counted apart: the kind of the answer says which it is. */
  private onPieceResponse(
    from: NodeId,
    { round, offered }: RepairResponse,
    answer: Extract<RepairAnswer, { readonly kind: "piece" | "none" }>,
  ): void {
    const { fetch, salvage } = this;
    if (fetch === null || fetch.from !== from || fetch.round !== round) return;
    if (answer.kind === "none") {
      this.fetch = null;
      return;
    }
    if (offered === null || !sameSnapshot(offered, fetch.id)) return;
    const taken = fetch.take(answer, salvage.identity.cluster);
    if (taken.kind === "wrong") {
      this.fetch = null;
      this.wrong();
      return;
    }
    if (taken.kind === "more") {
      if (taken.isNew === "new") this.askForPiece();
      return;
    }
    this.fetch = null;
    this.fetched = taken.snapshot;
    salvage.log.standOn(taken.snapshot.end.last);
    this.counters.add("repair-snapshots");
    this.onLearnt(from);
  }

  // Questions.

  private onTime(): void {
    if (this.now >= this.givenUpAt) this.failure ??= this.refused();
    if (this.now < this.askAt) return;
    this.askAt = later(this.now, repairPace.retryMs);
    for (const to of this.salvage.others) this.ask(to);
    this.learntSince = "nothing";
    if (this.fetch?.isSilent() === "silent") this.fetch = null;
    if (this.fetch !== null) this.askForPiece();
    this.considerGivingUp();
    this.say();
  }

  private ask(to: NodeId): void {
    const question = this.question();
    if (question !== null) this.wire.sendRepairRequest(to, { round: this.round, ...question });
  }

  private askForPiece(): void {
    const { fetch } = this;
    if (fetch === null) return;
    const { round, id: snapshot, received: offset } = fetch;
    this.wire.sendRepairRequest(fetch.from, { kind: "piece", round, snapshot, offset });
  }

  /** Only when all others have said so, and more than once: a server that does not answer may have it. */
  private considerGivingUp(): void {
    const { others } = this.salvage;
    const saidByAll = others.every(
      (id) => (this.lacks.get(id)?.times ?? 0) >= repairPace.roundsMin,
    );
    if (!saidByAll || this.fetch !== null || this.givenUpAt !== never) return;
    this.counters.add("repairs-given-up");
    this.givenUpAt = later(this.now, repairPace.lingerMs);
    this.askAt = later(this.now, repairPace.retryMs);
  }

  private refused(): OperatorError {
    const { salvage, refusal, lacks } = this;
    const because = new Map([...lacks].map(([id, lack]) => [id, lack.because]));
    return repairRefused(refusal, { salvage, because });
  }

  private say(): void {
    if (this.now < this.sayAt) return;
    this.sayAt = later(this.now, repairPace.sayMs);
    const { node } = this.salvage.identity;
    const silent = this.salvage.others.filter((id) => !this.lacks.has(id)).map((id) => `n${id}`);
    const { missingCount } = this.salvage.log;
    const what = `n${node} repairs its journal: ${missingCount} entries are missing`;
    const waits = silent.length === 0 ? "" : `; it waits for ${silent.join(", ")}`;
    this.notes.push(`${what}${waits}`);
  }

  private takeTicket(): number {
    this.ticket += 1;
    return this.ticket;
  }
}
