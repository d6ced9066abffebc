/** A cluster from idle to millions of puts: memory and files along the way. */
import { segmentBytesDefault } from "../../src/journal/journal.ts";
import {
  benchOps,
  benchWords,
  type Cluster,
  type NodeState,
  nodesOf,
  usualLoad,
  withCluster,
} from "../measure/cluster.ts";
import { output, say } from "../measure/programs.ts";
import { bytes, markdownTable, number } from "../measure/table.ts";
import { growth } from "./growth.ts";
import { filesOf, type Memory, memoryOf, shownMemory } from "./memory.ts";
import { bounded, notMeasured, type Row, toldOnly } from "./row.ts";

const nodes = 3;
/** A busy load, to have the puts done soon. */
const steppingClients = 256;

/** An idle program's memory goes back to the system in its own time. */
const settling = { totalMs: 3000, pollMs: 250 } as const;

export type SeriesPlan = {
  readonly puts: number;
  readonly steps: number;
  readonly loadSeconds: number;
};

/** After so many puts in all: the leader and the mean of the followers. */
export type Sample = {
  readonly puts: number;
  readonly leader: Memory;
  readonly follower: Memory;
  readonly leaderFiles: number;
  readonly opsPerSecond: number;
};

export type Series = { readonly rows: readonly Row[]; readonly samples: readonly Sample[] };

export const goals = {
  idleOwnBytes: 64 << 20,
  loadedOwnBytes: 256 << 20,
  /** Of the least of a series, from the first half of the puts to the second. */
  growth: 1.25,
  /** The log's active file and the one before it, what is kept for followers, and snapshots. */
  filesBytes: 4 * segmentBytesDefault,
} as const;

export function measureSeries(plan: SeriesPlan): Promise<Series> {
  if (memoryOf(process.pid) === null) {
    const rows = [notMeasured("memory", "only Linux says it, in /proc/PID/smaps_rollup")];
    return Promise.resolve({ rows, samples: [] });
  }
  return withCluster({ nodes }, async (cluster) => {
    const idle = await sample(cluster, 0, 0);
    const loaded = await underLoad(cluster, plan.loadSeconds);
    const samples = [idle];
    let puts = 0;
    for (let step = 1; step <= plan.steps; step++) {
      const ops = Math.round((plan.puts * step) / plan.steps) - puts;
      const load = { ...usualLoad, clients: steppingClients };
      const { opsPerSecond } = await benchOps(cluster, load, ops);
      puts += ops;
      samples.push(await sample(cluster, puts, opsPerSecond));
      say(`${number(puts)} puts: leader ${shownMemory(samples.at(-1)?.leader ?? idle.leader)}`);
    }
    return { rows: rowsOf({ idle, loaded, samples }), samples };
  });
}

function rowsOf(found: {
  readonly idle: Sample;
  readonly loaded: Memory;
  readonly samples: readonly Sample[];
}): readonly Row[] {
  const { idle, loaded, samples } = found;
  const most = (value: number) => ({ value, shown: `${bytes(value)} private` });
  const memory = (of: Memory) => ({ value: of.own, shown: shownMemory(of) });
  const after = `after ${number(samples.at(-1)?.puts ?? 0)} puts over 10,000 keys`;
  const last = samples.at(-1) ?? idle;
  const mostFiles = Math.max(...samples.map(({ leaderFiles }) => leaderFiles));
  return [
    bounded("memory, idle leader after up", memory(idle.leader), most(goals.idleOwnBytes)),
    bounded("memory, idle follower after up", memory(idle.follower), most(goals.idleOwnBytes)),
    bounded("memory, leader under 64 clients", memory(loaded), most(goals.loadedOwnBytes)),
    toldOnly(`memory, leader ${after}`, shownMemory(last.leader)),
    toldOnly(`memory, follower ${after}`, shownMemory(last.follower)),
    flat("the leader's private memory", samples, ({ leader }) => leader.own),
    flat("a follower's private memory", samples, ({ follower }) => follower.own),
    bounded(
      "the leader's files, the most of all samples",
      { value: mostFiles, shown: bytes(mostFiles) },
      { value: goals.filesBytes, shown: `${bytes(goals.filesBytes)}: four segments` },
    ),
  ];
}

/** The sample before the first put is none of what puts make. */
function flat(what: string, samples: readonly Sample[], of: (sample: Sample) => number): Row {
  const factor = growth(samples.slice(1).map(of));
  const shown = `${factor.toFixed(2)} times, the least of the second half of the puts to that of the first`;
  const most = { value: goals.growth, shown: `${goals.growth} times` };
  return bounded(`growth of ${what}`, { value: factor, shown }, most);
}

/** What is left once the garbage of the load is collected: the least that each node takes while nothing is asked of it. */
async function sample(cluster: Cluster, puts: number, opsPerSecond: number): Promise<Sample> {
  const all = await nodesOf(cluster);
  const leader = leaderOf(all);
  const memories = new Map(all.map(({ pid }) => [pid, readMemory(pid)]));
  for (let waited = 0; waited < settling.totalMs; waited += settling.pollMs) {
    await Bun.sleep(settling.pollMs);
    for (const [pid, least] of memories) {
      const seen = readMemory(pid);
      if (seen.own < least.own) memories.set(pid, seen);
    }
  }
  const ofLeader = memories.get(leader.pid) ?? readMemory(leader.pid);
  memories.delete(leader.pid);
  return {
    ...{ puts, opsPerSecond },
    leader: ofLeader,
    follower: meanOf([...memories.values()]),
    leaderFiles: filesOf(cluster.folder, leader.id),
  };
}

/** The largest that the leader's memory is seen to be while clients put. */
async function underLoad(cluster: Cluster, seconds: number): Promise<Memory> {
  const leader = leaderOf(await nodesOf(cluster));
  const length = ["--seconds", `${seconds}`, "--warmup", "0ms"];
  const load = output([...benchWords(cluster, usualLoad), ...length]);
  let most = readMemory(leader.pid);
  let state: "running" | "over" = "running";
  const over = load.finally(() => {
    state = "over";
  });
  while (state === "running") {
    await Promise.race([Bun.sleep(100), over]);
    const seen = readMemory(leader.pid);
    if (seen.own > most.own) most = seen;
  }
  await over;
  return most;
}

function leaderOf(all: readonly NodeState[]): NodeState {
  const leader = all.find(({ role }) => role === "leader");
  if (leader === undefined) throw new Error("the cluster has no leader");
  return leader;
}

function readMemory(pid: number): Memory {
  const memory = memoryOf(pid);
  if (memory === null) throw new Error(`process ${pid} is gone`);
  return memory;
}

function meanOf(all: readonly Memory[]): Memory {
  const mean = (of: (memory: Memory) => number): number =>
    all.reduce((sum, memory) => sum + of(memory), 0) / all.length;
  return { rss: mean(({ rss }) => rss), pss: mean(({ pss }) => pss), own: mean(({ own }) => own) };
}

export function samplesTable(samples: readonly Sample[]): string {
  const columns = ["puts", "leader RSS", "PSS", "private", "follower private", "files", "puts/s"];
  const rows = samples.map(({ puts, leader, follower, leaderFiles, opsPerSecond }) => [
    ...[number(puts), bytes(leader.rss), bytes(leader.pss), bytes(leader.own)],
    ...[bytes(follower.own), bytes(leaderFiles), puts === 0 ? "" : number(opsPerSecond)],
  ]);
  return markdownTable(columns, rows);
}
