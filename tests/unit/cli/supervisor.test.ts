/**
 * The supervisor with nodes that are not processes: what is done to them, in which order, and what
 * is said.
 */
import { describe, expect, test } from "bun:test";
import { OperatorError } from "../../../src/base/error.ts";
import { type NodeId, nodeId } from "../../../src/base/numbers.ts";
import type { CommandEnd } from "../../../src/client/errand.ts";
import type { NodeProcess, NodeSignal } from "../../../src/runtime/node-process.ts";
import type { BlockMessage } from "../../../src/runtime/partition.ts";
import { Supervisor, type SupervisorEvent } from "../../../src/runtime/supervisor.ts";

/** Ends on SIGKILL, and on SIGTERM unless it is paused or told to be stubborn. */
class FakeNode implements NodeProcess {
  readonly pid: number;
  readonly told: BlockMessage[] = [];
  readonly #end = Promise.withResolvers<CommandEnd>();
  readonly #world: World;
  readonly #id: NodeId;
  #paused: "paused" | "awake" = "awake";
  #terminating: "asked" | "no" = "no";

  constructor(world: World, id: NodeId) {
    this.#world = world;
    this.#id = id;
    this.pid = world.nextPid++;
  }

  get ended(): Promise<CommandEnd> {
    return this.#end.promise;
  }

  readonly tell = (message: BlockMessage): void => {
    this.told.push(message);
  };

  readonly signal = (signal: NodeSignal): void => {
    this.#world.signals.push(`${signal} ${this.#id}`);
    if (signal === "SIGKILL") this.end({ code: null, signal });
    if (signal === "SIGSTOP") this.#paused = "paused";
    if (signal === "SIGCONT") this.#paused = "awake";
    if (signal === "SIGTERM") this.#terminating = "asked";
    const obeys = this.#terminating === "asked" && this.#paused === "awake";
    if (obeys && !this.#world.stubborn.has(this.#id)) this.end({ code: 0, signal: null });
  };

  end(end: CommandEnd): void {
    this.#end.resolve(end);
  }
}

class World {
  nextPid = 100;
  readonly signals: string[] = [];
  readonly stubborn = new Set<NodeId>();
  readonly events: SupervisorEvent[] = [];
  readonly running = new Map<NodeId, FakeNode>();
  /** Deadlines pass when the test says so. */
  readonly deadlines: (() => void)[] = [];
  readonly supervisor: Supervisor;

  constructor(count: number) {
    this.supervisor = new Supervisor({
      nodes: Array.from({ length: count }, (_, at) => nodeId(at + 1)),
      launch: (node) => {
        const process = new FakeNode(this, node);
        this.running.set(node, process);
        return process;
      },
      lastWords: (node) => [`node${node} said this`],
      wait: () => new Promise((resolve) => this.deadlines.push(resolve)),
      onEvent: (event) => this.events.push(event),
    });
  }

  async startAll(): Promise<World> {
    for (const { id } of this.supervisor.members) await this.supervisor.start(id);
    return this;
  }

  conditions(): string[] {
    return this.supervisor.members.map(({ condition }) => condition);
  }

  process(id: number): FakeNode {
    return this.running.get(nodeId(id))!;
  }
}

const started = (count: number) => new World(count).startAll();
const n1 = nodeId(1);
const n2 = nodeId(2);
const n3 = nodeId(3);

async function refusal(action: Promise<void>): Promise<OperatorError["parts"]> {
  const error: unknown = await action.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OperatorError);
  return (error as OperatorError).parts;
}

describe("one node", () => {
  test("killed is killed: SIGKILL alone, and it stays down", async () => {
    const world = await started(3);
    await world.supervisor.kill(n2);
    expect(world.signals).toEqual(["SIGKILL 2"]);
    expect(world.conditions()).toEqual(["running", "killed", "running"]);
    expect(world.supervisor.members[1]?.pid).toBeNull();
  });

  test("stopped in order by SIGTERM", async () => {
    const world = await started(1);
    await world.supervisor.stop(n1);
    expect(world.signals).toEqual(["SIGTERM 1"]);
    expect(world.conditions()).toEqual(["stopped"]);
  });

  test("that does not stop in time is killed", async () => {
    const world = await started(1);
    world.stubborn.add(n1);
    const stopping = world.supervisor.stop(n1);
    await Promise.resolve();
    expect(world.signals).toEqual(["SIGTERM 1"]);
    world.deadlines[0]?.();
    await stopping;
    expect(world.signals).toEqual(["SIGTERM 1", "SIGKILL 1"]);
    expect(world.conditions()).toEqual(["killed"]);
  });

  test("that is paused is woken to be stopped", async () => {
    const world = await started(1);
    await world.supervisor.pause(n1);
    await world.supervisor.stop(n1);
    expect(world.signals).toEqual(["SIGSTOP 1", "SIGTERM 1", "SIGCONT 1"]);
    expect(world.conditions()).toEqual(["stopped"]);
  });

  test("restarted is another process, whether it ran or not", async () => {
    const world = await started(1);
    await world.supervisor.restart(n1);
    await world.supervisor.kill(n1);
    await world.supervisor.restart(n1);
    expect(world.supervisor.members[0]).toMatchObject({ condition: "running", pid: 102 });
  });

  test("that ends by itself is reported with its last words, and not started again", async () => {
    const world = await started(2);
    world.process(2).end({ code: 6, signal: null });
    await world.process(2).ended;
    await Promise.resolve();
    expect(world.conditions()).toEqual(["running", "failed"]);
    expect(world.events.at(-1)).toEqual({
      kind: "ended",
      node: n2,
      condition: "failed",
      end: { code: 6, signal: null },
      lines: ["node2 said this"],
    });
  });

  test("refuses what makes no sense in its condition", async () => {
    const world = await started(1);
    expect((await refusal(world.supervisor.resume(n1))).what).toBe("node1 is not paused");
    await world.supervisor.pause(n1);
    expect((await refusal(world.supervisor.pause(n1))).what).toBe("node1 is paused already");
    await world.supervisor.kill(n1);
    for (const action of ["kill", "stop", "pause", "resume"] as const) {
      const parts = await refusal(world.supervisor[action](n1));
      expect(parts).toMatchObject({ what: "node1 is not running", exit: 1 });
    }
    expect((await refusal(world.supervisor.kill(nodeId(9)))).code).toBe("unknown-node");
  });

  test("is acted on in turn: a kill behind a stop finds it stopped", async () => {
    const world = await started(1);
    const stopping = world.supervisor.stop(n1);
    const killing = refusal(world.supervisor.kill(n1));
    await stopping;
    expect((await killing).what).toBe("node1 is not running");
    expect(world.signals).toEqual(["SIGTERM 1"]);
  });
});

describe("the whole cluster", () => {
  test("goes down one after the other, the leader last", async () => {
    const world = await started(3);
    await world.supervisor.kill(n3);
    world.signals.length = 0;
    await world.supervisor.shutDown(n1);
    expect(world.signals).toEqual(["SIGTERM 2", "SIGTERM 1"]);
    expect(world.conditions()).toEqual(["stopped", "stopped", "killed"]);
  });

  test("is killed at once, past a stop that waits", async () => {
    const world = await started(2);
    world.stubborn.add(n1);
    const ending = world.supervisor.shutDown(null);
    await Promise.resolve();
    world.supervisor.killAll();
    await ending;
    expect(world.conditions()).toEqual(["killed", "killed"]);
  });
});

describe("links", () => {
  const cut = (
    world: World,
    groups: number[][],
    direction: "both-ways" | "one-way" = "both-ways",
  ) => world.supervisor.cut({ groups: groups.map((group) => group.map(nodeId)), direction });
  const blocks = (world: World) =>
    [...world.running.values()].map(({ told }) => {
      const { receiveFrom, sendTo } = told.at(-1)!;
      return `${receiveFrom.join(",")}<-|->${sendTo.join(",")}`;
    });

  test("between two sides are cut both ways, within a side not at all", async () => {
    const world = await started(5);
    cut(world, [
      [1, 2],
      [3, 4, 5],
    ]);
    expect(blocks(world)).toEqual([
      "3,4,5<-|->3,4,5",
      "3,4,5<-|->3,4,5",
      "1,2<-|->1,2",
      "1,2<-|->1,2",
      "1,2<-|->1,2",
    ]);
  });

  test("one way: what the first side sends is lost, what it is sent arrives", async () => {
    const world = await started(3);
    cut(world, [[1], [2, 3]], "one-way");
    expect(blocks(world)).toEqual(["<-|->2,3", "1<-|->", "1<-|->"]);
  });

  test("of a single group to all others are cut; a node in no group keeps its own", async () => {
    const world = await started(3);
    cut(world, [[2]]);
    expect(blocks(world)).toEqual(["2<-|->2", "1,3<-|->1,3", "2<-|->2"]);
    cut(world, [[1], [3]]);
    expect(blocks(world)).toEqual(["3<-|->3", "<-|->", "1<-|->1"]);
  });

  test("stay cut for a node that starts again, and are whole after a heal", async () => {
    const world = await started(3);
    cut(world, [[1]]);
    await world.supervisor.restart(n1);
    expect(world.process(1).told).toEqual([{ kind: "block", receiveFrom: [2, 3], sendTo: [2, 3] }]);
    world.supervisor.heal();
    expect(blocks(world)).toEqual(["<-|->", "<-|->", "<-|->"]);
  });

  test.each([
    [[[1], [9]], "both-ways", "it names a node that the cluster does not have"],
    [[[1, 2], [2]], "both-ways", "a node stands in more than one group"],
    [[[1], [2], [3]], "one-way", "one way leads from the first group to the second"],
  ] as const)("cannot be cut into %p %s", async (groups, direction, why) => {
    const world = await started(3);
    expect(() => cut(world, groups as unknown as number[][], direction)).toThrow(why);
    expect(world.supervisor.partition).toBeNull();
  });
});
