/**
 * What clients do all day. Each has so many slots; a slot thinks, asks, and waits for the answer. A request whose
 * outcome nobody knows is asked again under its name, until somebody does.
 *
 * Every client also counts upwards in a key of its own, by compare-and-set: a step that is refused there has been
 * taken twice, or was lost after it was acknowledged. That needs no log to be seen.
 */
import { formatAddress } from "../../base/address.ts";
import { must } from "../../base/assert.ts";
import { byteString, utf8 } from "../../base/bytes.ts";
import { type LogIndex, later, logIndex } from "../../base/numbers.ts";
import { between, type Random } from "../../base/random.ts";
import type { Consistency } from "../../client/request.ts";
import { type Condition, type Operation, wholeList } from "../../kv/command.ts";
import { exponential, happens, oneOf, weighted } from "../chance.ts";
import type { Wish } from "../check/oracle.ts";
import { Violation } from "../check/violation.ts";
import type { Asked, SimClient } from "../client.ts";
import { Contenders } from "./contenders.ts";
import { drawLeaseOperation, KnownLeases } from "./lease-draws.ts";
import type { Mix, Plan } from "./plan.ts";
import { type Draws, drawIncr, drawTransaction } from "./transactions.ts";
import { Watching } from "./watching.ts";
import type { World } from "./world.ts";

type Slot = {
  readonly owner: Client;
  wish: Wish | null;
  asked: Asked | null;
  counts: "yes" | "no";
};

type Client = {
  readonly number: number;
  half: SimClient;
  readonly slots: Slot[];
  /** What its counter held when it was last acknowledged, and the step under way. */
  counted: number;
  /** Revisions and values that it has seen, by key. */
  /** What follows the page that it was given last, as of the same moment. */
  page: { readonly operation: Operation; readonly consistency: Consistency } | null;
  readonly known: Map<string, { readonly value: Uint8Array; readonly revision: number }>;
};

type Drawn = {
  readonly operation: Operation;
  readonly consistency: Consistency;
  readonly ageMsMax?: number | null;
};

const counterKey = (client: Client): string => byteString(utf8(`count-${client.number}`));
const counterValue = (count: number): Uint8Array => utf8(String(count));

export class Workload {
  private readonly world: World;
  private readonly plan: Plan;
  private readonly random: Random;
  private readonly clients: Client[] = [];
  readonly watching: Watching;
  private readonly leases = new KnownLeases();
  private readonly contenders: Contenders;
  private going: "on" | "over" = "on";
  private written = 0;
  /** How long a request may take; more, once all is well. */
  private withinMs: number;

  constructor(world: World) {
    this.world = world;
    this.plan = world.plan;
    this.withinMs = world.plan.withinMs;
    this.random = world.stream("workload");
    for (let number = 1; number <= this.plan.clients; number++) this.addClient(number);
    this.watching = new Watching(world);
    this.contenders = new Contenders(world);
  }

  begin(): void {
    for (const client of this.clients) for (const slot of client.slots) this.think(slot);
    this.contenders.begin();
  }

  /** No new wishes; those that are open or in doubt are pursued until they are known. */
  finish(withinMs: number): void {
    this.going = "over";
    this.withinMs = withinMs;
    this.contenders.finish();
    for (const { slots } of this.clients) {
      for (const slot of slots) if (slot.wish?.outcome === "unknown") this.askAgain(slot);
    }
  }

  /** Requests that nobody knows the outcome of yet. */
  get open(): number {
    let count = 0;
    for (const { slots } of this.clients) {
      for (const { wish } of slots) {
        if (wish?.outcome === "open" || wish?.outcome === "unknown") count += 1;
      }
    }
    return count;
  }

  addressNames(): readonly string[] {
    const clients = this.clients.map(({ half }) => half.address);
    const others = [...this.watching.addresses(), ...this.contenders.addresses()];
    return [...clients, ...others].map(formatAddress);
  }

  /** Its process ends. A new one, at another address, pursues what the old one left in doubt. */
  restartClient(random: Random): void {
    if (random.below(3) === 0) this.watching.restartOne(random);
    const client = oneOf(random, this.clients);
    const old = client.half;
    client.half = this.world.cluster.client();
    client.half.onSettled = (asked) => this.settled(client, asked);
    old.close();
  }

  /** One request of every client, counted on to succeed. */
  askAll(): readonly Wish[] {
    return this.clients.flatMap(({ slots }) => {
      const slot = must(slots[0], "a client has a slot");
      this.step(slot);
      return slot.wish === null ? [] : [slot.wish];
    });
  }

  /** Every client reads every key that there ever was. */
  readAll(keys: readonly string[]): readonly Wish[] {
    return this.clients.flatMap((client) =>
      keys.map((key) => {
        const slot: Slot = { owner: client, wish: null, asked: null, counts: "no" };
        client.slots.push(slot);
        return this.ask(slot, { operation: { kind: "get", key }, consistency: "linearizable" });
      }),
    );
  }

  private addClient(number: number): void {
    const half = this.world.cluster.client();
    const client: Client = { number, half, slots: [], counted: 0, page: null, known: new Map() };
    half.onSettled = (asked) => this.settled(client, asked);
    for (let at = 0; at < this.plan.width; at++) {
      client.slots.push({
        owner: client,
        wish: null,
        asked: null,
        counts: at === 0 ? "yes" : "no",
      });
    }
    this.clients.push(client);
  }

  private think(slot: Slot): void {
    const { clock } = this.world.cluster;
    const ms = Math.ceil(exponential(this.random, this.plan.thinkMsMean));
    clock.wake(later(clock.now(), ms), () => {
      if (this.going === "over" || slot.asked !== null) return;
      if (slot.wish?.outcome === "unknown") return this.askAgain(slot);
      if (slot.counts === "yes" && this.random.below(3) === 0) return this.step(slot);
      this.ask(slot, this.draw(slot.owner));
    });
  }

  /** The next step of the client's own counter. */
  private step(slot: Slot): void {
    const { owner } = slot;
    const key = counterKey(owner);
    const value = counterValue(owner.counted + 1);
    const first = { kind: "put", key, value, condition: { kind: "absent" } } as const;
    const expected = counterValue(owner.counted);
    const operation: Operation =
      owner.counted === 0 ? first : { kind: "cas", key, expected, value };
    this.ask(slot, { operation, consistency: "linearizable" });
  }

  private ask(slot: Slot, { operation, consistency, ageMsMax = null }: Drawn): Wish {
    const { number } = slot.owner;
    const parts = { client: number, operation, consistency, ageMsMax, began: this.world.now };
    const wish = this.world.oracle.begin(parts);
    slot.wish = wish;
    this.world.tell("asks", `c${number}`, operation.kind, consistency);
    this.submit(slot, wish);
    return wish;
  }

  private askAgain(slot: Slot): void {
    const wish = must(slot.wish, "there is something to ask again");
    this.world.tell("asks-again", `c${slot.owner.number}`, wish.operation.kind);
    wish.outcome = "open";
    this.submit(slot, wish);
  }

  private submit(slot: Slot, wish: Wish): void {
    const { operation, consistency, ageMsMax, requestId: again } = wish;
    const bound = ageMsMax === null ? {} : { ageMsMax };
    const how = { consistency, withinMs: this.withinMs, again, ...bound };
    slot.asked = slot.owner.half.ask(operation, how);
    const { asked } = slot;
    // What is over its limits is settled at once.
    if (asked.result !== null) this.settled(slot.owner, asked);
  }

  private settled(client: Client, asked: Asked): void {
    const slot = client.slots.find((one) => one.asked === asked);
    if (slot === undefined) return;
    const wish = must(slot.wish, "what was asked was wished for");
    const result = must(asked.result, "what is settled has a result");
    slot.asked = null;
    this.world.oracle.heard(wish, result, this.world.now);
    this.world.tell("hears", `c${client.number}`, wish.operation.kind, result.kind);
    this.learn(client, wish);
    if (result.kind === "committed") this.turnPage(client, wish, result.index);
    if (this.going === "on") this.think(slot);
    else if (wish.outcome === "unknown") this.askAgain(slot);
  }

  private learn(client: Client, wish: Wish): void {
    const { operation, outcome, reply } = wish;
    if (outcome === "forgotten") this.recount(client, wish);
    if (outcome !== "committed" || reply === null) return;
    this.leases.learn(operation, reply);
    if (operation.kind === "get" && reply.kind === "found") {
      client.known.set(operation.key, { value: reply.value, revision: reply.revision });
    }
    if (operation.kind === "txn" && reply.kind === "transacted") {
      for (const [at, answer] of reply.answers.entries()) {
        const key = (reply.branch === "then" ? operation.holding : operation.otherwise)[at]?.key;
        if (key !== undefined && answer.kind === "found") client.known.set(key, answer);
      }
    }
    if (operation.kind !== "put" && operation.kind !== "cas") return;
    const { key, value } = operation;
    if (reply.kind === "written") client.known.set(key, { value, revision: reply.index });
    if (key !== counterKey(client)) return;
    if (reply.kind !== "written") {
      const what = `step ${client.counted + 1} of client ${client.number}'s counter`;
      throw new Violation("I18", `${what} was refused, as if it had been taken twice`);
    }
    client.counted += 1;
  }

  private draw(client: Client): Drawn {
    const { leases } = this.plan;
    if (leases.percent > 0 && this.random.below(100) < leases.percent) return this.drawLease();
    const mix = Object.entries(this.plan.mix) as [keyof Mix, number][];
    const kind = weighted(this.random, mix);
    const key = byteString(utf8(`key-${this.random.below(this.plan.keys)}`));
    const write = (operation: Operation) => ({ operation, consistency: "linearizable" }) as const;
    switch (kind) {
      case "put":
        return write({ kind, key, value: this.value(), condition: this.condition(client, key) });
      case "cas": {
        const expected = client.known.get(key)?.value ?? utf8("?");
        return write({ kind, key, expected, value: this.value() });
      }
      case "delete":
        return write({ kind, key });
      case "noop":
        return write({ kind });
      case "incr":
        return write(drawIncr(this.draws(client)));
      case "txn":
        return write(drawTransaction(this.draws(client)));
      case "get":
        return { operation: { kind, key }, consistency: "linearizable" };
      case "stale": {
        const stale = { operation: { kind: "get", key }, consistency: kind } as const;
        if (this.random.below(2) === 0) return stale;
        return { ...stale, ageMsMax: this.random.below(2 * this.plan.timing.electionMsMax) };
      }
      case "logged":
      case "anywhere":
        return { operation: { kind: "get", key }, consistency: kind };
      case "list": {
        const page = this.nextPage(client);
        if (page !== null) return page;
        const ways = ["linearizable", "anywhere", "stale", "logged"] as const;
        return { operation: this.list(), consistency: oneOf(this.random, ways) };
      }
    }
  }

  /** Nobody will tell the client whether its step was taken; so that it can go on, the log does. */
  private recount(client: Client, { operation, requestId }: Wish): void {
    if (!("key" in operation) || operation.key !== counterKey(client)) return;
    const { model } = this.world.witness;
    const taken = requestId === null ? null : model.effectOf(requestId);
    if (taken !== null && model.outcomeAt(taken)?.reply.kind === "written") client.counted += 1;
  }

  private drawLease(): { operation: Operation; consistency: Consistency } {
    const { random, plan, leases: known } = this;
    const value = () => this.value();
    const operation = drawLeaseOperation({ random, plan: plan.leases, known, value });
    const isList = operation.kind === "leases";
    const kinds = ["linearizable", "stale", "logged"] as const;
    return { operation, consistency: isList ? oneOf(random, kinds) : "linearizable" };
  }

  private draws({ known }: Client): Draws {
    return {
      random: this.random,
      keys: this.plan.keys,
      known: (key) => known.get(key) ?? null,
      value: () => this.value(),
    };
  }

  private condition(client: Client, key: string): Condition {
    const drawn = this.random.below(6);
    if (drawn === 0) return { kind: "absent" };
    const revision = logIndex(client.known.get(key)?.revision ?? 0);
    return drawn === 1 ? { kind: "revision", revision } : { kind: "always" };
  }

  /** The page after one that was held, more often than a new list. */
  private nextPage({ page }: Client): { operation: Operation; consistency: Consistency } | null {
    return page === null || this.random.below(3) === 0 ? null : page;
  }

  /** Of a list that was held, the next page is of the same moment. */
  private turnPage(client: Client, wish: Wish, index: LogIndex): void {
    const { operation, consistency, reply } = wish;
    if (operation.kind !== "list" || operation.revision.kind === "now") return;
    client.page = null;
    if (reply?.kind !== "listed" || reply.more === "end" || consistency === "logged") return;
    const after = must(reply.items.at(-1), "a page that more follows has a key").key;
    const revision =
      operation.revision.kind === "at" ? operation.revision : ({ kind: "at", index } as const);
    client.page = { operation: { ...operation, after, revision }, consistency };
  }

  private list(): Operation {
    const { random } = this;
    const after = random.below(2) === 0 ? "" : byteString(utf8(`key-${random.below(4)}`));
    return {
      ...wholeList,
      prefix: random.below(2) === 0 ? "" : byteString(utf8("key-")),
      from: random.below(4) === 0 ? byteString(utf8("key-1")) : "",
      to: random.below(4) === 0 ? byteString(utf8(`key-${2 + random.below(4)}`)) : "",
      after,
      limit: between(random, { min: 1, max: 6 }),
      show: random.below(2) === 0 ? "keys" : "values",
      revision: { kind: random.below(2) === 0 ? "now" : "hold" },
    };
  }

  /** No two are the same. */
  private value(): Uint8Array {
    this.written += 1;
    const name = utf8(`value ${this.written}`);
    const { bulk, bulkBytesMax } = this.plan;
    const isBulk = happens(this.random, bulk) === "yes";
    const length = isBulk ? this.random.below(bulkBytesMax) : this.random.below(40);
    const value = new Uint8Array(Math.max(length, name.length));
    value.fill(this.random.below(256));
    value.set(name);
    return value;
  }
}
