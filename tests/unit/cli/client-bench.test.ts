/** The load generator: what it counts, what it calls a latency, and when it fails. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Millis, millis } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { missedFloors } from "../../../src/cli/client/bench-report.ts";
import { Histogram } from "../../../src/cli/client/histogram.ts";
import { Load, type Measured, type Plan } from "../../../src/cli/client/load.ts";
import { mixFlag, Work } from "../../../src/cli/client/mix.ts";
import type { Cluster } from "../../../src/cli/client/place.ts";
import type { Request, Result } from "../../../src/client/request.ts";
import { client, FakeCluster } from "./client-support.ts";

describe("the histogram", () => {
  const latencies = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  const shares = fc.constantFrom(0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1);

  test("gives each quantile to within 1 part in 128 and a microsecond", () => {
    fc.assert(
      fc.property(latencies, shares, (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0;
        const given = histogram.quantileMs(share) ?? -1;
        // Rounded to microseconds first, so by half a microsecond either way.
        expect(given).toBeGreaterThanOrEqual(exact - 0.0006);
        expect(given).toBeLessThanOrEqual(exact * (1 + 1 / 128) + 0.001);
      }),
    );
  });

  test("never gives a quantile above the exact maximum, and grows with the share", () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        expect(histogram.maxMs).toBe(Math.max(...values));
        expect(histogram.count).toBe(values.length);
        const quantiles = [0, 0.5, 0.9, 0.99, 1].map((share) => histogram.quantileMs(share) ?? -1);
        expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
        expect(quantiles.at(-1)).toBeLessThanOrEqual(histogram.maxMs);
      }),
    );
  });

  test("is exact for small values, and at the edges of its buckets", () => {
    for (const micros of [0, 1, 127, 128, 129, 255]) {
      const histogram = new Histogram();
      histogram.add(micros / 1000);
      histogram.add(1000);
      expect(histogram.quantileMs(0.5)).toBe(micros / 1000);
    }
    for (let power = 8; power < 31; power++) {
      for (const micros of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
        const histogram = new Histogram();
        histogram.add(micros / 1000);
        histogram.add(2 ** 31 / 1000);
        const given = (histogram.quantileMs(0.5) ?? 0) * 1000;
        expect(given).toBeGreaterThanOrEqual(micros - 0.001);
        expect(given).toBeLessThanOrEqual(micros * (1 + 1 / 128));
      }
    }
  });

  test("of nothing has no quantiles", () => {
    expect(new Histogram().quantileMs(0.5)).toBeNull();
  });
});

/**
 * Answers each request after a time of its own, on a clock of its own that moves in small steps.
 */
class TimedCluster implements Cluster {
  readonly requests: { readonly at: number; readonly request: Request }[] = [];
  readonly #answers: { readonly at: number; readonly end: () => void }[] = [];
  readonly #latency: (at: number) => number;
  readonly #result: (at: number) => Result;
  #now = 0;
  #turn: "due" | "not-due" = "not-due";
  /** Requests under way at the same time, at most. */
  most = 0;

  constructor(latency: (at: number) => number, result: (at: number) => Result = () => committed) {
    this.#latency = latency;
    this.#result = result;
  }

  /** While nothing is under way, looking at the clock is what moves it. */
  get now(): Millis {
    if (this.#answers.length === 0) this.#now += 0.01;
    return millis(this.#now);
  }

  submit(request: Request, done: (result: Result) => void): void {
    const began = this.#now;
    this.requests.push({ at: began, request });
    const at = began + this.#latency(began);
    this.#answers.push({ at, end: () => done(this.#result(began)) });
    this.most = Math.max(this.most, this.#answers.length);
    this.#arrange();
  }

  /** A tenth of a millisecond a turn of the event loop, so that a waiting load finds its moment. */
  #arrange(): void {
    if (this.#turn === "due") return;
    this.#turn = "due";
    setImmediate(() => {
      this.#turn = "not-due";
      this.#now += 0.1;
      const due = this.#answers.filter(({ at }) => at <= this.#now);
      for (const one of due) {
        this.#answers.splice(this.#answers.indexOf(one), 1);
        one.end();
      }
      if (this.#answers.length > 0) this.#arrange();
    });
  }

  giveUp(): void {}
  close(): void {}
}

const committed: Result = {
  kind: "committed",
  reply: { kind: "done", index: 1 as never },
  index: 1 as never,
  term: 1 as never,
  requestId: null,
};
const busy: Result = { kind: "rejected", because: { kind: "busy" }, requestId: null, nodes: [] };
const unknown: Result = { kind: "unknown", because: "deadline", requestId: null, nodes: [] };

const planOf = (parts: Partial<Plan>): Plan => ({
  work: new Work({
    mix: mixFlag("put:1"),
    keys: 100,
    valueBytes: 8,
    random: seededRandom(1),
  }),
  clients: 4,
  warmupMs: 0,
  end: { kind: "after-ms", ms: 100 },
  rate: null,
  timeoutMs: 1000,
  ...parts,
});

const measure = (cluster: Cluster, parts: Partial<Plan>): Promise<Measured> =>
  new Load(planOf(parts), [cluster]).run();

describe("a closed loop", () => {
  test("keeps each client busy, and no more requests under way than clients", async () => {
    const cluster = new TimedCluster(() => 5);
    const measured = await measure(cluster, {});
    expect(cluster.most).toBe(4);
    // 4 clients, 5 ms each, 100 ms: 80, and the clock moves in steps of 0.1 ms.
    expect(measured.latency.count).toBeGreaterThanOrEqual(76);
    expect(measured.latency.count).toBeLessThanOrEqual(84);
    expect(measured.latency.quantileMs(0.5)).toBeCloseTo(5, 0);
  });

  test("asks exactly as often as --ops says", async () => {
    const cluster = new TimedCluster(() => 3);
    const measured = await measure(cluster, { end: { kind: "after-ops", count: 37 } });
    expect(measured.latency.count).toBe(37);
    expect(cluster.requests).toHaveLength(37);
  });

  test("does not count what was asked before the warm-up ended", async () => {
    const slowAtFirst = new TimedCluster((at) => (at < 50 ? 20 : 2));
    const measured = await measure(slowAtFirst, { warmupMs: 50 });
    expect(measured.latency.maxMs).toBeLessThan(5);
    expect(slowAtFirst.requests.length).toBeGreaterThan(measured.latency.count);
  });

  test("counts a request to its end, though that comes after the measured time", async () => {
    const stalledAtTheEnd = new TimedCluster((at) => (at > 90 ? 500 : 2));
    const measured = await measure(stalledAtTheEnd, {});
    expect(measured.latency.maxMs).toBeGreaterThanOrEqual(500);
    expect(measured.elapsedMs).toBeGreaterThan(500);
  });

  test("shows the longest time without an acknowledged write", async () => {
    const stalled = new TimedCluster((at) => (at > 40 && at < 45 ? 31 : 2));
    const { longestGapMs } = await measure(stalled, {});
    expect(longestGapMs).toBeGreaterThan(28);
    expect(longestGapMs).toBeLessThan(40);
  });

  test("shows a gap that lasts to the end, where writes just stop", async () => {
    const dead = new TimedCluster(
      (at) => (at > 30 ? 70 : 2),
      (at) => (at > 30 ? unknown : committed),
    );
    const measured = await measure(dead, {});
    expect(measured.longestGapMs).toBeGreaterThan(65);
    expect(measured.outcomesUnknown).toBe(4);
  });

  test("counts errors by their code, and gives them no latency", async () => {
    const cluster = new TimedCluster(
      () => 2,
      (at) => (at > 50 ? busy : committed),
    );
    const measured = await measure(cluster, {});
    expect(measured.errorsByCode.get("busy")).toBeGreaterThan(50);
    const { size } = measured.errorsByCode;
    expect(size).toBe(1);
    expect(measured.latency.count).toBe(
      cluster.requests.length - (measured.errorsByCode.get("busy") ?? 0),
    );
  });
});

describe("a rate", () => {
  test("is kept, whatever the latency, while there are free clients", async () => {
    const cluster = new TimedCluster(() => 7);
    const measured = await measure(cluster, {
      clients: 64,
      rate: 1000,
      end: { kind: "after-ms", ms: 200 },
    });
    expect(measured.latency.count).toBe(200);
    expect(measured.unsent).toBe(0);
  });

  test("counts latency from when a request was due: a stall shows in full", async () => {
    // One client, one request a millisecond, and nothing is answered from 50 to 100 ms.
    const stalls = (at: number) => (at < 50 || at >= 100 ? 0.3 : 100 - at);
    const closed = await measure(new TimedCluster(stalls), { clients: 1 });
    const open = await measure(new TimedCluster(stalls), {
      clients: 1,
      rate: 1000,
      end: { kind: "after-ms", ms: 200 },
    });
    // The closed loop sees one slow request of hundreds; with a rate, some 50 of 200 waited.
    expect(closed.latency.quantileMs(0.9)).toBeLessThan(1);
    expect(open.latency.quantileMs(0.9)).toBeGreaterThan(20);
    expect(open.latency.maxMs).toBeGreaterThan(45);
  });

  test("that the cluster cannot follow ends in time, and says how many were not sent", async () => {
    const cluster = new TimedCluster(() => 10);
    const measured = await measure(cluster, { clients: 1, rate: 1000 });
    expect(measured.latency.count).toBeLessThanOrEqual(11);
    expect(measured.latency.count + measured.unsent).toBe(100);
  });
});

describe("the mix", () => {
  test("is chosen by weight, and the same seed chooses the same", () => {
    const choose = (seed: number) => {
      const random = seededRandom(seed);
      const work = new Work({ mix: mixFlag("put:3,get:1"), keys: 10, valueBytes: 4, random });
      return Array.from({ length: 4000 }, () => work.operation(work.kind()));
    };
    const puts = choose(7).filter(({ kind }) => kind === "put").length;
    expect(puts).toBeGreaterThan(2850);
    expect(puts).toBeLessThan(3150);
    expect(choose(7)).toEqual(choose(7));
    expect(choose(8)).not.toEqual(choose(7));
  });
});

describe("bench", () => {
  const words = ["bench", "--ops", "50", "--clients", "4", "--json"];

  test("prints the contract's JSON", async () => {
    const { exit, stdout } = await client(words);
    expect(exit).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ ops: 50, errors: 0, outcomesUnknown: 0, clients: 4, unsent: 0 });
    for (const name of [
      "opsPerSecond",
      "p50Ms",
      "p90Ms",
      "p99Ms",
      "p999Ms",
      "maxMs",
      "longestGapMs",
    ]) {
      expect(result[name], name).toBeNumber();
    }
  });

  test("does what it was told: keys, values, mix", async () => {
    const cluster = new FakeCluster();
    const more = ["--keys", "3", "--value-size", "1KiB", "--mix", "put:1,get:1,stale:1,del:1"];
    await client([...words, ...more], { cluster });
    const operations = cluster.requests.slice(1).map(({ operation }) => operation);
    const kinds = new Set(operations.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["put", "get", "delete"]));
    const keys = new Set(operations.map((one) => ("key" in one ? one.key : "")));
    expect(keys).toEqual(new Set(["bench-0", "bench-1", "bench-2"]));
    const put = operations.find(({ kind }) => kind === "put");
    expect(put?.kind === "put" ? put.value.length : 0).toBe(1024);
    const consistencies = new Set(cluster.requests.map(({ consistency }) => consistency));
    expect(consistencies).toEqual(new Set(["linearizable", "stale"]));
  });

  test("exits 1 below its floors, after it has printed what it measured", async () => {
    const slow = await client([...words, "--min-ops", "1000000000"]);
    expect(slow.exit).toBe(1);
    expect(JSON.parse(slow.stdout).ops).toBe(50);
    expect(slow.error).toMatchObject({ code: "too-slow", exit: 1 });
    const late = await client([...words, "--max-p99", "1ms"]);
    expect(late.exit).toBe(1);
    expect((await client([...words, "--min-ops", "1", "--max-p99", "1m"])).exit).toBe(0);
  });

  test("that nothing answered is never fast enough", () => {
    const nothing: Measured = {
      latency: new Histogram(),
      elapsedMs: 1000,
      longestGapMs: 1000,
      errorsByCode: new Map(),
      outcomesUnknown: 3,
      unsent: 0,
    };
    expect(missedFloors(nothing, { opsPerSecond: null, p99Ms: null })?.parts.exit).toBe(1);
  });

  test("without a cluster fails at once, like every verb", async () => {
    const cluster = new FakeCluster();
    cluster.manner = () => ({
      ...{ kind: "rejected", because: { kind: "unreachable" }, requestId: null, nodes: [] },
    });
    expect((await client(words, { cluster })).exit).toBe(3);
    expect(cluster.requests).toHaveLength(1);
  });

  test.each([
    ["--mix", "put"],
    ["--mix", "put:0"],
    ["--mix", "fly:1"],
    ["--mix", "put:1,put:2"],
    ["--clients", "0"],
    ["--value-size", "2MiB"],
    ["--seconds", "-1"],
    ["--rate", "0"],
    ["--warmup", "fast"],
  ])("%s %s is refused", async (flag, value) => {
    const cluster = new FakeCluster();
    const { exit } = await client(["bench", `${flag}=${value}`], { cluster });
    expect(exit).toBe(2);
    expect(cluster.requests).toHaveLength(0);
  });

  test("--seconds and --ops contradict each other", async () => {
    expect((await client([...words, "--seconds", "1"])).exit).toBe(2);
  });
});
