/**
 * Watchers of a campaign: each follows a prefix through whatever happens, and is held against the committed log. What
 * it is told up to an entry must be exactly what the model says has changed there: each change once, in order, nothing
 * that is not committed, nothing left out. One that ends goes on in another process where it had come to.
 */
import { byteString, sameBytes, utf8 } from "../../base/bytes.ts";
import { type LogIndex, logIndex } from "../../base/numbers.ts";
import { between, type Random } from "../../base/random.ts";
import type { WatchEvent } from "../../codec/watch.ts";
import { oneOf } from "../chance.ts";
import type { ModelChange } from "../check/model.ts";
import { Violation } from "../check/violation.ts";
import type { SimWatcher } from "../watcher.ts";
import type { World } from "./world.ts";

type Watch = {
  readonly number: number;
  readonly prefix: string;
  readonly tardyMs: number;
  half: SimWatcher;
  /** Everything before this entry was told. */
  next: LogIndex;
};

const prefixes = ["", "key-", "key-0", "count-", "nothing"].map((text) => byteString(utf8(text)));

export class Watching {
  readonly counts = {
    events: 0,
    deletions: 0,
    restarts: 0,
    moves: 0,
    gaps: 0,
    repeats: 0,
    compacted: 0,
  };
  private readonly world: World;
  private readonly watches: Watch[] = [];

  constructor(world: World) {
    this.world = world;
    const random = world.stream("watchers");
    const count = random.below(4);
    for (let number = 1; number <= count; number++) this.add(number, random);
  }

  private add(number: number, random: Random): void {
    const prefix = oneOf(random, prefixes);
    const tardyMs = random.below(3) === 0 ? between(random, { min: 1, max: 3000 }) : 0;
    const next = logIndex(random.below(2) === 0 ? 1 : between(random, { min: 1, max: 60 }));
    this.watches.push({
      number,
      prefix,
      tardyMs,
      next,
      half: this.open({ prefix, tardyMs }, next),
    });
    this.listen(this.watches.at(-1) as Watch);
  }

  private open({ prefix, tardyMs }: Pick<Watch, "prefix" | "tardyMs">, from: LogIndex): SimWatcher {
    return this.world.cluster.watcher({ prefix, tardyMs, from });
  }

  private listen(watch: Watch): void {
    watch.half.onEvents = (events, next) => this.onEvents(watch, events, next);
    watch.half.onCompacted = (first) => this.onCompacted(watch, first);
  }

  /** It is told so, and not left in the dark: what it missed it must learn by other ways. */
  private onCompacted(watch: Watch, first: LogIndex): void {
    if (first <= watch.next) {
      const what = `watcher ${watch.number} was told that entry ${watch.next} is compacted`;
      throw new Violation("I25", `${what}, and ${first} the first that is not`);
    }
    this.counts.compacted += 1;
    watch.next = first;
    this.reopen(watch);
  }

  private reopen(watch: Watch): void {
    this.collect(watch);
    watch.half.close();
    watch.half = this.open(watch, watch.next);
    this.listen(watch);
  }

  addresses(): readonly SimWatcher["address"][] {
    return this.watches.map(({ half }) => half.address);
  }

  /** One of their processes ends, and another one goes on where it had come to. */
  restartOne(random: Random): void {
    if (this.watches.length === 0) return;
    const watch = oneOf(random, this.watches);
    this.counts.restarts += 1;
    this.reopen(watch);
  }

  /** What a watcher still lacks of what is committed, or null. */
  missing(): string | null {
    const { committed } = this.world.witness;
    const behind = this.watches.find(({ next }) => next <= committed);
    if (behind === undefined) return null;
    return `watcher ${behind.number} was told up to entry ${behind.next - 1} of ${committed}`;
  }

  gather(): void {
    for (const watch of this.watches) this.collect(watch);
  }

  private collect({ half }: Watch): void {
    const { moves, gaps, repeats } = half.half.counters;
    this.counts.moves += moves;
    this.counts.gaps += gaps;
    this.counts.repeats += repeats;
  }

  private onEvents(watch: Watch, events: readonly WatchEvent[], next: LogIndex): void {
    const { witness } = this.world;
    const from = watch.next;
    // Who waits for entries that there are not yet is told of none.
    if (next === from && events.length === 0) return;
    if (next - 1 > witness.committed) {
      const what = `watcher ${watch.number} was told of entry ${next - 1}`;
      throw new Violation("I25", `${what}, and ${witness.committed} is the last one committed`);
    }
    const expected = witness.model.changesIn(watch.prefix, { from, to: next - 1 });
    const told = events.map(({ index, key, value }) => ({ index, key, value })).sort(byPlace);
    for (let at = 0; at < Math.max(expected.length, told.length); at++) {
      const [is, should] = [told[at], expected[at]];
      if (is !== undefined && should !== undefined && same(is, should)) continue;
      const what = `watcher ${watch.number} of "${watch.prefix}", entries ${from} to ${next - 1}`;
      throw new Violation("I25", `${what}: told ${shown(is)} where ${shown(should)} happened`);
    }
    for (let at = 1; at < events.length; at++) {
      if ((events[at]?.index ?? 0) >= (events[at - 1]?.index ?? 0)) continue;
      throw new Violation("I25", `watcher ${watch.number} was told of entries out of order`);
    }
    watch.next = next;
    this.counts.events += events.length;
    this.counts.deletions += events.filter(({ value }) => value === null).length;
  }
}

/** Within one entry the order of keys is nobody's promise. */
const byPlace = (a: ModelChange, b: ModelChange): number =>
  a.index - b.index || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

function same(a: ModelChange, b: ModelChange): boolean {
  if (a.index !== b.index || a.key !== b.key) return false;
  return a.value === null || b.value === null ? a.value === b.value : sameBytes(a.value, b.value);
}

const shown = (change: ModelChange | undefined): string =>
  change === undefined
    ? "nothing"
    : `${change.value === null ? "a deletion" : `${change.value.length} bytes`} of "${change.key}" at ${change.index}`;
