/**
 * Do the checkers notice? Each test breaks something on purpose, in a server, a disk or a network of the pretended
 * world, and expects the invariant by name that is there to see it.
 */
import { describe, expect, test } from "bun:test";
import { must } from "../../../src/base/assert.ts";
import { type LogIndex, millis } from "../../../src/base/numbers.ts";
import { durable } from "../../../src/journal/disk.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import type { FaultKind } from "../../../src/sim/campaign/plan.ts";
import { drawPlan, misfortuneKinds, weatherKinds } from "../../../src/sim/campaign/plan.ts";
import { type Failure, runSeed } from "../../../src/sim/campaign/run.ts";
import { shrink } from "../../../src/sim/campaign/shrink.ts";
import type { World } from "../../../src/sim/campaign/world.ts";
import type { SimServer } from "../../../src/sim/server.ts";

type Tamper = (world: World) => void;

const steps = 1500;

/** The failures that seeds come to, with this in them, up to the one that is looked for; three at most. */
function failures(tamper: Tamper, wanted: string | null, seeds = 12): readonly Failure[] {
  const found: Failure[] = [];
  for (let seed = 1; seed <= seeds && found.length < 3; seed++) {
    const { failure } = runSeed(seed, { steps, tamper });
    if (failure !== null) found.push(failure);
    if (failure?.invariant === wanted) break;
  }
  return found;
}

/** Something is done to every replica as it starts. */
const withEveryReplica =
  (change: (replica: Replica, server: SimServer, world: World) => void): Tamper =>
  (world) => {
    for (const server of world.all) {
      const begun = server["begun"].bind(server);
      server["begun"] = (opening) => {
        const running = begun(opening);
        if (running.kind === "replica") change(running.replica, server, world);
        return running;
      };
    }
  };

const invariantsOf = (found: readonly Failure[]): readonly string[] =>
  found.map(({ invariant }) => invariant);

describe("what is broken on purpose is noticed", () => {
  test("a disk that acknowledges syncs and loses them (I12)", () => {
    const found = failures((world) => {
      for (const { disk } of world.all) {
        const finish = disk.finishSync.bind(disk);
        disk.finishSync = (ticket) => {
          disk["syncs"].set(ticket, { ...must(disk["syncs"].get(ticket), "it"), fault: "lost" });
          finish(ticket);
          return { kind: "synced", ticket, outcome: durable };
        };
      }
    }, "I12");
    expect(invariantsOf(found)).toContain("I12");
  });

  test("a gate that holds nothing back (I12)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        replica["gate"].admit = (messages) => messages;
      }),
      "I12",
    );
    expect(invariantsOf(found)).toContain("I12");
  });

  test("a leader that counts what was sent as held (I14)", () => {
    const found = failures(
      withEveryReplica((replica, server) => {
        const { onStep } = server;
        server.onStep = (one) => {
          onStep(one);
          const { role, log } = replica.state;
          if (role.kind !== "leader") return;
          for (const progress of role.followers.values()) {
            progress.match = log.lastIndex;
            progress.next = (log.lastIndex + 1) as LogIndex;
          }
        };
      }),
      "I14",
    );
    expect(invariantsOf(found)).toContain("I14");
  });

  test("a leader that answers linearizable reads without asking anybody (I19)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        const service = replica["service"];
        const ask = service.ask.bind(service);
        service.ask = (now, from, request) => {
          const { body } = request;
          if (body.kind === "write") return ask(now, from, request);
          const answer = body.kind === "read" ? "plain" : "dated";
          const read = {
            asker: { from, id: request.id },
            operation: body.operation,
            answer,
          } as const;
          return service["answerRead"](now, read);
        };
      }),
      "I19",
      40,
    );
    expect(invariantsOf(found)).toContain("I19");
  });

  test("sessions that forget their replies (I18)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        // A snapshot of such sessions would be noticed first (I17).
        replica["snapshots"]["isDue"] = () => "not-due";
        const machine = replica["machine"];
        const apply = machine.apply.bind(machine);
        machine.apply = (entry, decoded) => {
          for (const { replies } of replica.store.sessions.byId.values()) replies.clear();
          return apply(entry, decoded);
        };
      }),
      "I18",
    );
    expect(invariantsOf(found)).toContain("I18");
  });

  test("answers that come before the commit (I21)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        const { state } = replica;
        const service = replica["service"];
        const catchUp = service.catchUp.bind(service);
        service.catchUp = (now) => {
          const { commit } = state;
          // It says what it will say once the entries are committed.
          if (state.role.kind === "leader") Object.assign(state, { commit: state.log.lastIndex });
          catchUp(now);
          Object.assign(state, { commit });
        };
      }),
      "I21",
    );
    expect(found.length).toBeGreaterThan(0);
    expect(["I21", "I5", "crash"]).toContain(must(found[0], "one").invariant);
  });

  test("damage that somebody mends without a word (I22)", () => {
    const mended: Tamper = (world) => {
      for (const { disk } of world.all) disk.overwrite = () => {};
    };
    const rotten = Array.from({ length: 200 }, (_, at) => at + 1)
      .filter((seed) => drawPlan(seed).misfortunes.rot > 1)
      .slice(0, 8);
    const isNoticed = (seed: number) =>
      runSeed(seed, { tamper: mended }).failure?.invariant === "I22";
    expect(rotten.some(isNoticed)).toBe(true);
  });

  test("a vote that is forgotten in a restart (the server's own assertions)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        Object.assign(replica.state, { votedFor: null });
      }),
      "crash",
      40,
    );
    expect(invariantsOf(found)).toContain("crash");
  });

  test("a server that never asks for votes again (L1)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        Object.defineProperty(replica.state, "electionAt", {
          get: () => millis(Number.POSITIVE_INFINITY),
          set: () => {},
        });
      }),
      null,
      2,
    );
    expect(invariantsOf(found)).toEqual(["L1", "L1"]);
  });

  test("an answer that never comes (L2)", () => {
    const found = failures(
      withEveryReplica((replica) => {
        const { desk } = replica["service"];
        const answer = desk.answer.bind(desk);
        let count = 0;
        desk.answer = (asker, outcome) => {
          count += 1;
          if (outcome.kind !== "replied" || count < 30) answer(asker, outcome);
        };
      }),
      "L2",
      3,
    );
    expect(invariantsOf(found)).toContain("L2");
  });
});

test("a failing run is made small: fewer steps, and no fault that it does not need", () => {
  const tamper = withEveryReplica((replica) => {
    replica["gate"].admit = (messages) => messages;
  });
  const first = runSeed(2, { tamper });
  const failure = must(first.failure, "it fails");
  const smallest = shrink(2, { failure, steps: first.plan.steps }, { tamper });
  expect(smallest.steps).toBeLessThanOrEqual(failure.step + 1);
  expect(smallest.kinds).toEqual([]);
  const again = runSeed(2, { tamper, steps: smallest.steps, without: smallest.without });
  expect(again.failure?.invariant).toBe(smallest.failure.invariant);
});

test("leaving out all faults leaves a cluster at peace", () => {
  const without = new Set<FaultKind>([...misfortuneKinds, ...weatherKinds]);
  const { failure, coverage } = runSeed(4, { steps, without });
  expect(failure).toBeNull();
  expect(coverage.get("power-cuts") + coverage.get("partitions") + coverage.get("repeated")).toBe(
    0,
  );
});
