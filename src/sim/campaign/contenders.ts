/**
 * Clients that contend for locks, by the client half's own rules (client/contender.ts). Who holds one uses what it
 * guards now and then, as long as it holds by those rules, and then leaves. One that falls asleep in the middle of it,
 * as processes do, goes on where it was when it wakes, without a look at the clock: that is what tokens are for.
 */
import type { Address } from "../../base/address.ts";
import { must } from "../../base/assert.ts";
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { later, type Millis } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { type Ask, Contender } from "../../client/contender.ts";
import { nonceMax, prefixOf } from "../../client/place-in-line.ts";
import { exponential } from "../chance.ts";
import type { Wish } from "../check/oracle.ts";
import { Violation } from "../check/violation.ts";
import type { Asked, SimClient } from "../client.ts";
import type { World } from "./world.ts";

type Party = {
  readonly number: number;
  readonly who: string;
  readonly lock: string;
  readonly half: SimClient;
  readonly asking: Map<Asked, Asking>;
  /** Its request for a place in line. */
  entering: Wish | null;
  contender: Contender;
  /** The token that it relies on. */
  token: number | null;
  waited: "yes" | "no";
  /** Leaves at this moment, or when it has lost its hold. */
  until: Millis;
  state: "awake" | "asleep";
};

type Asking = { readonly ask: Ask; readonly wish: Wish; readonly contender: Contender };

export class Contenders {
  private readonly world: World;
  private readonly random: Random;
  private readonly parties: Party[] = [];
  private going: "on" | "over" = "on";

  constructor(world: World) {
    this.world = world;
    this.random = world.stream("contenders");
    const { locks, contenders } = world.plan.leases;
    for (let number = 1; number <= contenders; number++) {
      this.add(number, `lock-${1 + (number % locks)}`);
    }
  }

  begin(): void {
    for (const party of this.parties) this.turn(party);
  }

  /** Everybody leaves, and comes back no more. */
  finish(): void {
    this.going = "over";
    for (const party of this.parties) {
      party.contender.leave(this.world.now);
      this.turn(party);
    }
  }

  addresses(): readonly Address[] {
    return this.parties.map(({ half }) => half.address);
  }

  private add(number: number, lock: string): void {
    const half = this.world.cluster.client();
    const who = `lock client ${number}`;
    const contender = this.fresh(lock, who);
    const party: Party = {
      ...{ number, who, lock, half, contender, asking: new Map() },
      ...{ entering: null, token: null, waited: "no" },
      ...{ until: 0 as Millis, state: "awake" },
    };
    half.onSettled = (asked) => this.settled(party, asked);
    this.parties.push(party);
  }

  private fresh(lock: string, who: string): Contender {
    return new Contender({
      prefix: prefixOf({ kind: "lock", name: lock }),
      nonce: this.random.below(nonceMax),
      value: utf8(who),
      ttlMs: this.world.plan.leases.lockTtlMs,
      patience: this.random.below(8) === 0 ? "no-wait" : "wait",
      now: this.world.now,
    });
  }

  /** Asks what is to be asked, notes what has changed, and comes back when something is due. */
  private turn(party: Party): void {
    if (party.state === "asleep") return;
    const { now } = this.world;
    for (const ask of party.contender.take(now)) this.ask(party, ask);
    this.note(party);
    const { contender } = party;
    const wake = Math.min(contender.wakeAt(now), this.nextUse(party));
    if (!Number.isFinite(wake)) return;
    const { clock } = this.world.cluster;
    clock.wake(later(now, Math.max(1, Math.ceil(wake - now))), () => {
      if (party.contender !== contender) return;
      this.turn(party);
      this.use(party);
    });
  }

  private ask(party: Party, ask: Ask): void {
    const { world } = this;
    const { contender } = party;
    const { operation, consistency, again } = ask;
    const began = world.now;
    const wish = this.wishFor(party, ask);
    world.tell("asks", party.who, operation.kind);
    const withinMs = Math.max(1, Math.floor(ask.deadline - began));
    const asking: Asking = { ask, wish, contender };
    party.asking.set(party.half.ask(operation, { consistency, withinMs, again }), asking);
  }

  /** What is asked again under its name is one wish. */
  private wishFor(party: Party, { operation, consistency, again }: Ask): Wish {
    const { world } = this;
    if (again !== null && party.entering !== null) {
      party.entering.outcome = "open";
      return party.entering;
    }
    const began = world.now;
    const wish = world.oracle.begin({
      ...{ client: -party.number, operation, consistency, ageMsMax: null, began },
    });
    if (operation.kind === "put-leased") party.entering = wish;
    return wish;
  }

  private settled(party: Party, asked: Asked): void {
    const { world } = this;
    const { ask, wish, contender } = must(party.asking.get(asked), "what is settled was asked");
    party.asking.delete(asked);
    const result = must(asked.result, "what is settled has a result");
    world.oracle.heard(wish, result, world.now);
    world.tell("hears", party.who, wish.operation.kind, result.kind);
    if (contender !== party.contender) return;
    contender.answered(ask, result, world.now);
    this.turn(party);
  }

  private note(party: Party): void {
    const { world } = this;
    const { stand } = party.contender;
    if (stand.kind === "waiting" && stand.behind !== null && party.waited === "no") {
      party.waited = "yes";
      if (this.random.below(4) === 0) this.loseInterest(party);
    }
    if (stand.kind === "holding" && party.token === null) {
      party.token = stand.token;
      this.checkToken(party, stand.token);
      world.locks.begins(party.lock, { token: stand.token, who: party.who });
      if (party.waited === "yes") world.locks.counts.waited += 1;
      world.tell("holds", party.who, party.lock, `${stand.token}`);
      party.until = later(world.now, exponential(this.random, world.plan.leases.lockTtlMs));
    }
    if (stand.kind !== "holding" && party.token !== null) this.release(party);
    if (stand.kind !== "out") return;
    if (stand.because === "lost") world.locks.counts.lost += 1;
    if (this.going === "over") return;
    party.waited = "no";
    party.contender = this.fresh(party.lock, party.who);
    const pauseMs = Math.ceil(exponential(this.random, 300));
    const { contender } = party;
    world.cluster.clock.wake(later(world.now, pauseMs), () => {
      if (this.going === "on" && party.contender === contender) this.turn(party);
    });
  }

  /** Some do not wait until it is their turn. */
  private loseInterest(party: Party): void {
    const { world } = this;
    const { contender } = party;
    const ms = exponential(this.random, world.plan.leases.lockTtlMs);
    world.cluster.clock.wake(later(world.now, Math.ceil(ms)), () => {
      if (party.contender !== contender || contender.stand.kind !== "waiting") return;
      contender.leave(world.now);
      this.turn(party);
    });
  }

  /** The log has this party's place at its token. */
  private checkToken({ who, lock }: Party, token: number): void {
    const outcome = this.world.witness.model.outcomeAt(token);
    const operation = outcome?.command.kind === "request" ? outcome.command.operation : null;
    if (operation?.kind === "put-leased" && sameBytes(operation.value, utf8(who))) return;
    throw new Violation("I27", `${who} holds ${lock} with ${token}, which is no place of its own`);
  }

  private release(party: Party): void {
    const token = must(party.token, "who releases has a token");
    this.world.locks.ends(party.lock, token);
    this.world.tell("holds-no-more", party.who, party.lock, `${token}`);
    party.token = null;
  }

  private sleep(party: Party, token: number): void {
    const { world } = this;
    this.release(party);
    party.state = "asleep";
    const sleepMs = exponential(this.random, 2 * world.plan.leases.lockTtlMs);
    world.cluster.clock.wake(later(world.now, Math.ceil(sleepMs)), () => {
      party.state = "awake";
      world.locks.wakes(party.lock, { token, who: party.who });
      party.contender.leave(world.now);
      this.turn(party);
    });
  }

  private nextUse(party: Party): number {
    return party.token === null ? Number.POSITIVE_INFINITY : this.world.now + 20;
  }

  /** The contender has just been asked whether it still holds. */
  private use(party: Party): void {
    const { world } = this;
    if (party.token === null) return;
    world.locks.uses(party.lock, { token: party.token, who: party.who });
    if (this.random.below(16) === 0) return this.sleep(party, party.token);
    if (world.now < party.until) return;
    // It says first that it is done, and then lets go.
    this.release(party);
    party.contender.leave(world.now);
    this.turn(party);
  }
}
