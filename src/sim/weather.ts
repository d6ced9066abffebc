/**
 * Bad weather on the network, drawn per seed: each link and direction has a loss of its own; delays are
 * exponential, and one in a hundred may take half a minute; copies come back when nobody thinks of them any
 * more; links clog and let everything through at once; large datagrams are lost with any of their fragments;
 * bytes change on the way and strangers send theirs.
 *
 * Cuts are rules that come and go (partitions.ts). Liveness needs a calm core: `calm` names the links that
 * nothing happens to any more.
 */
import type { Millis } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import { datagramLimits } from "../codec/datagram.ts";
import type { DatagramKind } from "../codec/kinds.ts";
import { kindOfCode } from "../codec/kinds.ts";
import { exponential, happens, oneOf } from "./chance.ts";
import { corrupt, corruptions } from "./corruption.ts";
import type { Arrival, Sent, Weather } from "./network.ts";

export type WeatherPlan = {
  /** Of every link its own part up to this. */
  readonly lossMax: number;
  readonly repeat: number;
  /** Of the copies, how many are very old when they come. */
  readonly ancient: number;
  readonly delayMsMin: number;
  readonly delayMsMean: number;
  /** How many datagrams are delayed by seconds. */
  readonly tail: number;
  /** How often a link clogs, by datagram, and for how long. */
  readonly clog: number;
  readonly clogMsMean: number;
  /** How often a fragment is lost: a datagram has one for every 1400 bytes. */
  readonly fragmentLoss: number;
  readonly corrupt: number;
};

export const calmWeather: WeatherPlan = {
  ...{ lossMax: 0, repeat: 0, ancient: 0, delayMsMin: 1, delayMsMean: 0, tail: 0 },
  ...{ clog: 0, clogMsMean: 0, fragmentLoss: 0, corrupt: 0 },
};

/** Whether a rule stops this datagram. */
export type LinkRule = (
  link: { readonly from: string; readonly to: string },
  kind: DatagramKind | null,
) => "stop" | "pass";

type Link = { readonly loss: number; cloggedUntil: number };

const fragmentBytes = 1400;
const tailMs = { min: 5000, max: 30_000 } as const;
/** Past datagrams that copies and splices are made of. */
const rememberedMax = 64;

export class BadWeather implements Weather {
  plan: WeatherPlan;
  readonly counts = { corrupted: 0, stopped: 0, ancient: 0, clogged: 0, fragmentsLost: 0 };
  /** Links between these ends are calm: nothing is lost there, and everything takes a millisecond. */
  calm: ReadonlySet<string> = new Set();
  /** Ends all of whose links are calm, whoever is at the other end. */
  calmToAll: ReadonlySet<string> = new Set();
  readonly rules = new Set<LinkRule>();
  private readonly random: Random;
  private readonly links = new Map<string, Link>();
  private readonly remembered: Sent[] = [];
  private rememberedAt = 0;

  constructor(plan: WeatherPlan, random: Random) {
    this.plan = plan;
    this.random = random;
  }

  carry(sent: Sent, now: Millis): readonly Arrival[] {
    if (this.isCalm(sent)) return [calmly(sent.bytes)];
    if (this.isStopped(sent)) {
      this.counts.stopped += 1;
      return [];
    }
    const { random, plan } = this;
    const arrivals: Arrival[] = [];
    this.send(arrivals, sent, now, "first");
    if (happens(random, plan.repeat) === "yes") this.send(arrivals, sent, now, "repeated");
    if (happens(random, plan.repeat * plan.ancient) === "yes") this.sendOld(arrivals, sent);
    this.remember(sent);
    return arrivals;
  }

  private isCalm({ from, to }: Sent): boolean {
    if (this.calm.has(from) && this.calm.has(to)) return true;
    return this.calmToAll.has(from) || this.calmToAll.has(to);
  }

  private isStopped(sent: Sent): boolean {
    if (this.rules.size === 0) return false;
    const kind = sent.bytes.length > 7 ? kindOfCode(sent.bytes[7]!) : null;
    for (const rule of this.rules) if (rule(sent, kind) === "stop") return true;
    return false;
  }

  private send(arrivals: Arrival[], sent: Sent, now: Millis, copy: Arrival["copy"]): void {
    const link = this.link(sent);
    if (this.isLost(link, sent)) return;
    const delayMs = this.delay(link, now);
    arrivals.push({ delayMs, bytes: this.maybeCorrupted(sent), copy });
  }

  /** One that went the same way long ago comes once more. */
  private sendOld(arrivals: Arrival[], { from, to }: Sent): void {
    const old = this.remembered.find((one) => one.from === from && one.to === to);
    if (old === undefined) return;
    this.counts.ancient += 1;
    const delayMs = exponential(this.random, 20 * (this.plan.delayMsMean + 10));
    arrivals.push({ delayMs, bytes: old.bytes, copy: "repeated" });
  }

  private isLost(link: Link, { bytes }: Sent): boolean {
    const { random, plan } = this;
    if (happens(random, link.loss) === "yes") return true;
    if (plan.fragmentLoss === 0) return false;
    const fragments = Math.ceil(bytes.length / fragmentBytes);
    if (happens(random, 1 - (1 - plan.fragmentLoss) ** fragments) === "no") return false;
    this.counts.fragmentsLost += 1;
    return true;
  }

  private delay(link: Link, now: Millis): number {
    const { random, plan } = this;
    if (happens(random, plan.clog) === "yes") {
      link.cloggedUntil = now + exponential(random, plan.clogMsMean);
      this.counts.clogged += 1;
    }
    if (happens(random, plan.tail) === "yes") {
      return tailMs.min + random.below(tailMs.max - tailMs.min);
    }
    const own = Math.floor(plan.delayMsMin + exponential(random, plan.delayMsMean));
    return Math.max(own, Math.ceil(link.cloggedUntil - now));
  }

  private maybeCorrupted({ bytes }: Sent): Uint8Array {
    const { random, plan } = this;
    if (happens(random, plan.corrupt) === "no") return bytes;
    if (bytes.length < datagramLimits.headerBytes) return bytes;
    this.counts.corrupted += 1;
    const other = this.remembered.length === 0 ? bytes : oneOf(random, this.remembered).bytes;
    return corrupt(oneOf(random, corruptions), { bytes, other }, random);
  }

  private remember(sent: Sent): void {
    if (this.plan.repeat * this.plan.ancient === 0 && this.plan.corrupt === 0) return;
    this.remembered[this.rememberedAt] = sent;
    // Not the next place: so some stay for long.
    this.rememberedAt = this.random.below(Math.min(rememberedMax, this.remembered.length + 1));
  }

  private link({ from, to }: Sent): Link {
    const name = `${from} ${to}`;
    const known = this.links.get(name);
    if (known !== undefined) return known;
    const loss = (this.random.below(1000) / 1000) * this.plan.lossMax;
    const link: Link = { loss, cloggedUntil: 0 };
    this.links.set(name, link);
    return link;
  }
}

const calmly = (bytes: Uint8Array): Arrival => ({ delayMs: 1, bytes, copy: "first" });
