/** A command under a lock: when it is started, asked to end, made to; what signals do; what is said of it at last. */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, term } from "../../../src/base/numbers.ts";
import { Contender, type Patience } from "../../../src/client/contender.ts";
import {
  type AskStep,
  type CommandEnd,
  Errand,
  type PassedSignal,
  type Step,
} from "../../../src/client/errand.ts";
import { placeKey, prefixOf } from "../../../src/client/place-in-line.ts";
import type { Result } from "../../../src/client/request.ts";
import type { Reply } from "../../../src/kv/command.ts";

const prefix = prefixOf({ kind: "lock", name: "a" });

const committed = (reply: Reply): Result => ({
  ...{ kind: "committed", reply, index: logIndex(9), term: term(1), requestId: null },
});
const rejected: Result = {
  ...{ kind: "rejected", because: { kind: "no-leader" }, requestId: null, nodes: [] },
};
const well: CommandEnd = { code: 0, signal: null };

/** An errand with a lease of 1200 ms, that begins at 100: trusted to 900, over by 1100. The test plays the cluster. */
class Stage {
  now = millis(100);
  readonly errand: Errand;
  places = 0;
  /** All that it was told to do, without its questions. */
  readonly done: Step[] = [];
  #asked: AskStep[] = [];

  constructor(how: { patience?: Patience; waitMs?: number } = {}) {
    const { patience = "wait", waitMs = Number.POSITIVE_INFINITY } = how;
    const contend = (now: typeof this.now): Contender => {
      this.places += 1;
      return new Contender({
        ...{ prefix, nonce: this.places, value: utf8("me"), ttlMs: 1200, patience, now },
      });
    };
    this.errand = new Errand({ contend, ttlMs: 1200, waitMs, answerMs: 5000 }, this.now);
  }

  at(ms: number): this {
    this.now = millis(ms);
    for (const step of this.errand.take(this.now)) {
      if (step.kind === "ask") this.#asked.push(step);
      else this.done.push(step);
    }
    return this;
  }

  /** The one question under way in this lane. */
  question(lane: "place" | "lease"): AskStep {
    this.at(this.now);
    return must(
      this.#asked.find(({ ask }) => ask.lane === lane),
      `something is asked about its ${lane}`,
    );
  }

  /** The latest one. */
  again(lane: "place" | "lease"): AskStep {
    return must(
      this.#asked.findLast(({ ask }) => ask.lane === lane),
      `something more is asked about its ${lane}`,
    );
  }

  answer(lane: "place" | "lease", result: Result): this {
    const step = this.question(lane);
    this.#asked = this.#asked.filter((one) => one !== step);
    this.errand.answered(step, result, this.now);
    return this.at(this.now);
  }

  enter(index: number): this {
    return this.answer("place", committed({ kind: "written", index: logIndex(index) }));
  }

  line(...places: readonly (readonly [nonce: number, index: number])[]): this {
    const items = places.map(([nonce, index]) => ({
      ...{ key: placeKey(prefix, nonce), revision: logIndex(index), value: utf8("x") },
    }));
    return this.answer("place", committed({ kind: "listed", items, more: "end" }));
  }

  /** Started, with token 7. */
  run(): this {
    return this.enter(7).line([1, 7]);
  }

  hear(signal: PassedSignal): this {
    this.errand.signalled(signal, this.now);
    return this.at(this.now);
  }

  end(end: CommandEnd = well): this {
    this.errand.ended(end, this.now);
    return this.at(this.now);
  }

  left(): this {
    return this.answer("place", committed({ kind: "lease-revoked", lease: 7, keys: 1 }));
  }

  get signals(): readonly string[] {
    return this.done.flatMap((step) => (step.kind === "signal" ? [step.signal] : []));
  }

  get kinds(): readonly string[] {
    return this.done.map(({ kind }) => kind);
  }

  /** What is asked and has no answer yet. */
  get asks(): readonly string[] {
    return this.#asked.map(({ ask }) => ask.operation.kind);
  }

  get verdict() {
    const last = this.done.at(-1);
    return last?.kind === "end" ? last : null;
  }
}

describe("an errand", () => {
  test("starts its command when it holds, leaves when that has ended, and says how", () => {
    const stage = new Stage().run();
    expect(stage.done).toEqual([{ kind: "start", token: 7, key: placeKey(prefix, 1) }]);
    stage.at(200).end({ code: 3, signal: null });
    expect(stage.question("place").ask.operation).toEqual({ kind: "lease-revoke", lease: 7 });
    stage.left();
    const verdict = { kind: "ran", end: { code: 3, signal: null } } as const;
    expect(stage.verdict).toEqual({ kind: "end", verdict, place: "left" });
  });

  test("does nothing more when it is over", () => {
    const stage = new Stage().run().end().left();
    const { length } = stage.done;
    stage.hear("SIGTERM").at(9000);
    expect(stage.done).toHaveLength(length);
    expect(Number(stage.errand.wakeAt(stage.now))).toBe(Number.POSITIVE_INFINITY);
  });

  test("says once behind whom it waits, and does not start before it is first", () => {
    const stage = new Stage().enter(7).line([5, 3], [1, 7]);
    expect(stage.done).toMatchObject([{ kind: "waits", behind: { revision: 3 } }]);
    stage
      .at(300)
      .answer("place", committed({ kind: "absent" }))
      .line([1, 7]);
    expect(stage.kinds).toEqual(["waits", "start"]);
  });

  test("that lost its place while it waited takes another", () => {
    const stage = new Stage().enter(7).line([5, 3]);
    expect(stage.places).toBe(2);
    stage.enter(11).line([2, 11]);
    expect(stage.done.at(-1)).toMatchObject({ kind: "start", token: 11 });
  });

  test("whose lease cannot be kept alive asks its command to end when it stops to trust it, and then makes it", () => {
    const stage = new Stage().run();
    stage.at(500).at(899);
    expect(stage.signals).toEqual([]);
    stage.at(900);
    expect(stage.signals).toEqual(["SIGTERM"]);
    expect(Number(stage.errand.wakeAt(stage.now))).toBe(1100);
    stage.at(1099);
    expect(stage.signals).toEqual(["SIGTERM"]);
    stage.at(1100).at(1200);
    expect(stage.signals).toEqual(["SIGTERM", "SIGKILL"]);
    stage.end({ code: null, signal: "SIGKILL" });
    expect(stage.verdict?.verdict).toMatchObject({
      ...{ kind: "lost", because: "not-renewed", ended: "by-force" },
    });
  });

  test("that comes late makes its command end at once", () => {
    const stage = new Stage().run().at(1100);
    expect(stage.signals).toEqual(["SIGKILL"]);
  });

  test("whose lease was ended by the cluster gives its command the grace, and no more", () => {
    const stage = new Stage().run().at(500);
    stage.answer("lease", committed({ kind: "lease-unknown", lease: 7 }));
    expect(stage.signals).toEqual(["SIGTERM"]);
    stage.at(699).at(700);
    expect(stage.signals).toEqual(["SIGTERM", "SIGKILL"]);
    stage.end();
    expect(stage.verdict?.verdict).toMatchObject({ kind: "lost", because: "lease-ended" });
  });

  test("goes on as long as its lease is kept alive", () => {
    const stage = new Stage().run().at(500);
    stage.answer("lease", committed({ kind: "lease-kept", lease: 7, ttlMs: 1200 })).at(1299);
    expect(stage.signals).toEqual([]);
    stage.at(1300);
    expect(stage.signals).toEqual(["SIGTERM"]);
  });

  test("ends what its command has left behind when the hold is lost, before it says that it is over", () => {
    const stage = new Stage().run().at(900).at(950).end({ code: null, signal: "SIGTERM" });
    expect(stage.kinds.slice(-3)).toEqual(["signal", "signal", "end"]);
    expect(stage.signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  test("does not call well what had ended when the hold may have been another's", () => {
    const stage = new Stage().run();
    stage.now = millis(5000);
    stage.end();
    expect(stage.verdict?.verdict).toMatchObject({ kind: "lost", ended: "by-itself", end: well });
  });

  test("passes signals on to its command, and keeps the lock until that has ended", () => {
    const stage = new Stage().run().hear("SIGINT").hear("SIGUSR1").hear("SIGHUP");
    expect(stage.signals).toEqual(["SIGINT", "SIGUSR1", "SIGHUP"]);
    expect(stage.verdict).toBeNull();
    // It is kept alive, and not given back.
    stage.at(500);
    expect(stage.asks).toEqual(["lease-keep-alive"]);
    stage.end({ code: null, signal: "SIGINT" }).left();
    expect(stage.verdict?.verdict).toMatchObject({ kind: "ran", end: { signal: "SIGINT" } });
  });

  test("that is told to go on after a stop looks at its lease first", () => {
    const early = new Stage().run();
    early.errand.resumed();
    expect(early.at(600).signals).toEqual(["SIGCONT"]);
    const late = new Stage().run();
    late.errand.resumed();
    expect(late.at(2000).signals).toEqual(["SIGKILL", "SIGCONT"]);
  });

  test("that is interrupted while it waits leaves and starts nothing, though it would be first then", () => {
    const stage = new Stage().enter(7);
    const look = stage.question("place");
    stage.hear("SIGTERM");
    const items = [{ key: placeKey(prefix, 1), revision: logIndex(7), value: utf8("x") }];
    stage.errand.answered(look, committed({ kind: "listed", items, more: "end" }), stage.now);
    const leaving = stage.at(150).again("place");
    expect(leaving.ask.operation).toEqual({ kind: "lease-revoke", lease: 7 });
    expect(stage.kinds).toEqual([]);
  });

  test("that is interrupted before it is in line leaves the place that it gets", () => {
    const stage = new Stage().at(100).hear("SIGINT").enter(7);
    expect(stage.question("place").ask.operation).toEqual({ kind: "lease-revoke", lease: 7 });
    stage.left();
    const verdict = { kind: "interrupted", signal: "SIGINT" } as const;
    expect(stage.verdict).toEqual({ kind: "end", verdict, place: "left" });
  });

  test("is not interrupted by a signal that only a command could have a use for", () => {
    const stage = new Stage().hear("SIGUSR1").run();
    expect(stage.kinds).toEqual(["start"]);
  });

  test("does not wait for ever to be let go: a second signal that is meant ends it, a repeated one does not", () => {
    const stage = new Stage().run().hear("SIGINT").end({ code: null, signal: "SIGINT" });
    stage.at(399).hear("SIGINT");
    expect(stage.verdict).toBeNull();
    stage.at(400).hear("SIGINT");
    expect(stage.verdict).toMatchObject({ verdict: { kind: "ran" }, place: "behind" });
  });

  test("gives its place up unheard when nobody answers for long", () => {
    const stage = new Stage().run().at(200).end().at(5199);
    expect(stage.verdict).toBeNull();
    stage.at(5200);
    expect(stage.verdict).toMatchObject({ verdict: { kind: "ran", end: well }, place: "behind" });
  });

  test("whose command could not be started leaves", () => {
    const stage = new Stage().run();
    stage.errand.notStarted(stage.now);
    stage.at(100).left();
    expect(stage.verdict).toMatchObject({ verdict: { kind: "not-started" }, place: "left" });
  });

  test("gives up when it has waited long enough, and leaves the line", () => {
    const stage = new Stage({ waitMs: 300 }).enter(7).line([5, 3], [1, 7]);
    expect(Number(stage.errand.wakeAt(stage.now))).toBe(300);
    stage
      .at(300)
      .answer("place", committed({ kind: "found", revision: logIndex(3), value: utf8("x") }));
    stage.at(400);
    stage.left();
    expect(stage.verdict).toMatchObject({
      verdict: { kind: "busy", behind: { revision: 3 } },
      place: "left",
    });
  });

  test("that does not want to wait is busy as soon as somebody is before it", () => {
    const stage = new Stage({ patience: "no-wait" }).enter(7).line([5, 3], [1, 7]);
    stage.left();
    expect(stage.verdict).toMatchObject({ verdict: { kind: "busy" }, place: "left" });
  });

  test("that nobody lets into the line says so in time", () => {
    const stage = new Stage().answer("place", rejected);
    expect(stage.at(5099).verdict).toBeNull();
    stage.at(5100);
    expect(stage.verdict?.verdict).toEqual({ kind: "unanswered", result: rejected });
  });

  test("that the cluster has no room for says so", () => {
    const reply = committed({ kind: "lease-limit", of: "leases" });
    const stage = new Stage().answer("place", reply);
    expect(stage.verdict?.verdict).toEqual({ kind: "refused", result: reply });
  });
});
