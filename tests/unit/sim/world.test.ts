/** The parts of the pretended world that do harm: what they may do, and that they do it. */
import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { millis, nodeId } from "../../../src/base/numbers.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { deriveKeys, noKeys } from "../../../src/codec/authentication.ts";
import { openDatagram, sealDatagram } from "../../../src/codec/datagram.ts";
import { partition, shapes } from "../../../src/sim/campaign/partitions.ts";
import { drawPlan, faultKinds, presentKinds } from "../../../src/sim/campaign/plan.ts";
import { SimClock } from "../../../src/sim/clock.ts";
import { corrupt, corruptions } from "../../../src/sim/corruption.ts";
import { LocalClock } from "../../../src/sim/local-clock.ts";
import { BadWeather, calmWeather } from "../../../src/sim/weather.ts";

describe("a machine's own clock", () => {
  test("is the world's, as long as nobody touches it", () => {
    const world = new SimClock();
    const own = new LocalClock(world);
    world.run(123.25);
    expect(own.now()).toBe(world.now());
  });

  test("runs at its rate, jumps, and never goes back", () => {
    const world = new SimClock();
    const own = new LocalClock(world);
    const random = seededRandom(1);
    let before = own.now();
    for (let time = 0; time < 200; time++) {
      if (random.below(3) === 0) own.setRate(0.5 + random.below(100) / 66);
      if (random.below(5) === 0) own.jump(random.below(1000));
      world.run(random.below(50));
      expect(own.now()).toBeGreaterThanOrEqual(before);
      before = own.now();
    }
  });

  test("wakes when it shows the moment, not before, and soon after", () => {
    const random = seededRandom(2);
    for (let time = 0; time < 300; time++) {
      const world = new SimClock();
      const own = new LocalClock(world);
      world.run(random.below(1000));
      own.setRate(0.5 + random.below(1000) / 666);
      own.jump(random.below(1000) / 7);
      const moment = millis(own.now() + random.below(100_000) / 13);
      let woken = Number.NaN;
      own.wake(moment, () => {
        woken = own.now();
      });
      world.run(20_000);
      expect(woken).toBeGreaterThanOrEqual(moment);
      expect(woken).toBeLessThan(moment + 0.01);
    }
  });
});

describe("a datagram that was corrupted", () => {
  const parts = {
    kind: "heartbeat",
    cluster: 7,
    sender: nodeId(2),
    incarnation: 9,
    receiver: nodeId(1),
    body: new Uint8Array([0x93, 1, 1, 1]),
  } as const;
  const me = nodeId(1);

  test.each([...corruptions])("is never believed, and nothing is thrown: %s", (how) => {
    const random = seededRandom(3);
    for (const keys of [noKeys, deriveKeys(utf8("secret"))]) {
      const bytes = sealDatagram({ ...parts, keys });
      const other = sealDatagram({ ...parts, keys, body: new Uint8Array([0x93, 2, 2, 2]) });
      const before = bytes.slice();
      for (let time = 0; time < 300; time++) {
        const bad = corrupt(how, { bytes, other }, random);
        const opened = openDatagram(bad, { cluster: 7, me, keys });
        if (opened.kind === "dropped") continue;
        // What is whole all the same was cut and joined so that it is one of the two, or says nonsense, or comes
        // from somebody whom nobody knows.
        const isNonsense = opened.body[0] === 0xc1;
        const isStranger = opened.header.sender !== 2;
        const isOneOfThem = [0, 1].some((at) => same(bad, [bytes, other][at] ?? bytes));
        expect(isNonsense || isStranger || isOneOfThem).toBe(true);
        if (keys.peer !== null) expect(isOneOfThem).toBe(true);
      }
      expect(bytes).toEqual(before);
    }
  });
});

const same = (a: Uint8Array, b: Uint8Array): boolean => Bun.deepEquals(a, b);

describe("weather", () => {
  const sent = { from: "a:1", to: "b:1", bytes: new Uint8Array(3000) };

  test("that is calm loses nothing and delays by a millisecond", () => {
    const weather = new BadWeather(calmWeather, seededRandom(1));
    for (let time = 0; time < 100; time++) {
      const arrivals = weather.carry(sent, millis(time));
      expect(arrivals).toEqual([{ delayMs: 1, bytes: sent.bytes, copy: "first" }]);
    }
  });

  test("loses about what each link's part of the loss is, and links differ", () => {
    const weather = new BadWeather({ ...calmWeather, lossMax: 0.8 }, seededRandom(1));
    const lost = (to: string): number => {
      let count = 0;
      for (let time = 0; time < 1000; time++) {
        if (weather.carry({ ...sent, to }, millis(time)).length === 0) count += 1;
      }
      return count;
    };
    const counts = ["b:1", "b:2", "b:3", "b:4"].map(lost);
    for (const count of counts) expect(count).toBeLessThan(900);
    expect(Math.max(...counts) - Math.min(...counts)).toBeGreaterThan(100);
  });

  test("loses what has many fragments more often than what has one", () => {
    const weather = new BadWeather({ ...calmWeather, fragmentLoss: 0.1 }, seededRandom(1));
    const arrived = (bytes: Uint8Array): number => {
      let count = 0;
      for (let at = 0; at < 500; at++) count += weather.carry({ ...sent, bytes }, millis(0)).length;
      return count;
    };
    expect(arrived(new Uint8Array(100))).toBeGreaterThan(arrived(new Uint8Array(30_000)) + 200);
  });

  test("a clogged link lets nothing through before its time, and then all", () => {
    const plan = { ...calmWeather, clog: 1, clogMsMean: 1000 };
    const weather = new BadWeather(plan, seededRandom(4));
    const [first] = weather.carry(sent, millis(0));
    weather.plan = calmWeather;
    const [second] = weather.carry(sent, millis(10));
    expect(first?.delayMs).toBeGreaterThan(10);
    expect(second?.delayMs).toBe((first?.delayMs ?? 0) - 10);
  });

  test("spares the ends that are calm, whatever the rules", () => {
    const weather = new BadWeather({ ...calmWeather, lossMax: 1 }, seededRandom(1));
    weather.rules.add(() => "stop");
    expect(weather.carry(sent, millis(0))).toEqual([]);
    weather.calm = new Set(["a:1"]);
    expect(weather.carry(sent, millis(0))).toEqual([]);
    weather.calm = new Set(["a:1", "b:1"]);
    expect(weather.carry(sent, millis(0))).toHaveLength(1);
    weather.calm = new Set();
    weather.calmToAll = new Set(["b:1"]);
    expect(weather.carry(sent, millis(0))).toHaveLength(1);
  });
});

describe("a partition", () => {
  const all = ["1", "2", "3", "4", "5"];

  test.each([...shapes])(
    "stops some servers' datagrams both ways, and nobody else's: %s",
    (shape) => {
      for (let seed = 1; seed <= 30; seed++) {
        const rule = partition(shape, { all, leaders: ["2"] }, seededRandom(seed));
        const stops = (from: string, to: string): boolean => rule?.({ from, to }, null) === "stop";
        const pairs = all.flatMap((a) => all.map((b) => [a, b] as const));
        expect(pairs.some(([a, b]) => stops(a, b))).toBe(true);
        for (const [a, b] of pairs) expect(stops(a, b)).toBe(stops(b, a));
        for (const one of all) expect(stops(one, "client")).toBe(false);
      }
    },
  );

  test("around a bridge, somebody hears everybody; in a ring, everybody hears a majority", () => {
    const hears = (shape: "bridge" | "ring"): readonly number[] => {
      const rule = partition(shape, { all, leaders: [] }, seededRandom(1));
      return all.map((to) => all.filter((from) => rule?.({ from, to }, null) !== "stop").length);
    };
    expect(Math.max(...hears("bridge"))).toBe(5);
    expect(hears("ring")).toEqual([3, 3, 3, 3, 3]);
  });
});

describe("a plan", () => {
  test("is the seed's, and leaving one kind of fault out changes no other", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const plan = drawPlan(seed);
      expect(drawPlan(seed)).toEqual(plan);
      for (const kind of presentKinds(plan)) {
        const smaller = drawPlan(seed, { without: new Set([kind]) });
        expect(presentKinds(smaller)).toEqual(presentKinds(plan).filter((other) => other !== kind));
        expect(smaller.mix).toEqual(plan.mix);
      }
    }
  });

  test("has every kind of fault sometimes, and no seed has all", () => {
    const plans = Array.from({ length: 200 }, (_, at) => presentKinds(drawPlan(at + 1)));
    for (const kind of faultKinds) {
      const count = plans.filter((kinds) => kinds.includes(kind)).length;
      expect(count, kind).toBeGreaterThan(5);
      expect(count, kind).toBeLessThan(195);
    }
  });
});
