/**
 * Clients that each count upwards in a key of their own, by compare-and-set, and readers that look on: nothing that was
 * acknowledged may be lost, no step may happen twice, and no read may go back. It also says how long the longest wait
 * for a write was.
 */
import { expect } from "bun:test";
import { must } from "../../src/base/assert.ts";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import type { RequestId } from "../../src/client/request.ts";
import type { ClusterClient } from "../../src/runtime/client.ts";
import { ask, keyOf } from "./real-cluster.ts";

/** What is known of one key: only its writer writes it, 1, 2, 3, … */
type Counter = { readonly key: string; asked: number; acknowledged: number; seen: number };

export class Counters {
  writes = 0;
  reads = 0;
  /** Between two acknowledged writes of any client. */
  longestGapMs = 0;
  private readonly client: ClusterClient;
  private readonly counters: readonly Counter[];
  private readonly work: readonly Promise<void>[];
  private state: "on" | "off" = "on";
  private lastDone = performance.now();

  constructor(client: ClusterClient, how: { readonly writers: number; readonly readers: number }) {
    this.client = client;
    this.counters = Array.from(
      { length: how.writers },
      (_, at): Counter => ({
        ...{ key: keyOf(`counter-${at}`), asked: 0, acknowledged: 0, seen: 0 },
      }),
    );
    this.work = [
      ...this.counters.map((counter) => this.count(counter)),
      ...Array.from({ length: how.readers }, () => this.look()),
    ];
  }

  /** Ends the work, and reads every counter once more. */
  async verify(): Promise<void> {
    this.state = "off";
    await Promise.all(this.work);
    for (const { key, acknowledged } of this.counters) {
      const result = await ask(this.client, { kind: "get", key });
      expect(result).toMatchObject({
        kind: "committed",
        reply: { kind: "found", value: utf8(`${acknowledged}`) },
      });
    }
  }

  /** One step after the other; a step in doubt is sent again under its name until it is known. */
  private async count(counter: Counter): Promise<void> {
    let doubtful: RequestId | null = null;
    while (this.state === "on" || doubtful !== null) {
      const next = counter.acknowledged + 1;
      counter.asked = next;
      const { key } = counter;
      const step =
        next === 1
          ? ({ kind: "put", key, value: utf8("1"), condition: { kind: "absent" } } as const)
          : ({ kind: "cas", key, expected: utf8(`${next - 1}`), value: utf8(`${next}`) } as const);
      const result = await ask(this.client, step, { withinMs: 5000, again: doubtful });
      if (result.kind === "committed") {
        expect(result.reply.kind, `step ${next} takes effect once`).toBe("written");
        counter.acknowledged = next;
        doubtful = null;
        this.writes += 1;
        const now = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, now - this.lastDone);
        this.lastDone = now;
      } else if (result.kind === "unknown") doubtful = result.requestId;
    }
  }

  /** At least what was acknowledged or seen before, at most what was asked for. */
  private async look(): Promise<void> {
    for (let turn = 0; this.state === "on"; turn++) {
      const counter = must(this.counters[turn % this.counters.length], "a counter");
      const floor = Math.max(counter.acknowledged, counter.seen);
      const result = await ask(this.client, { kind: "get", key: counter.key }, { withinMs: 5000 });
      if (result.kind !== "committed") continue;
      const read = result.reply.kind === "found" ? Number(textOf(result.reply.value)) : 0;
      expect(read).toBeGreaterThanOrEqual(floor);
      expect(read).toBeLessThanOrEqual(counter.asked);
      counter.seen = Math.max(counter.seen, read);
      this.reads += 1;
    }
  }
}
