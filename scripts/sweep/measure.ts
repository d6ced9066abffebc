/** The points of a sweep in turns, A B C A B C, each on a cluster of its own. */
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  bench,
  type Figures,
  type Span,
  temporaryFolder,
  withCluster,
} from "../measure/cluster.ts";
import { preparedCluster, prepareLogs } from "../measure/prepared.ts";
import { say } from "../measure/programs.ts";
import { number } from "../measure/table.ts";
import type { Point, Sweep } from "./sweeps.ts";

export type MeasuredPoint = Point & { readonly turns: readonly Figures[] };
export type MeasuredSweep = Omit<Sweep, "points"> & { readonly points: readonly MeasuredPoint[] };

/** A snapshot would make a long log short. */
const withoutSnapshots = "--snapshot-every=1000000000";

export type Effort = { readonly turns: number; readonly span: Span };

export async function measureSweep(sweep: Sweep, { turns, span }: Effort): Promise<MeasuredSweep> {
  const figures = sweep.points.map((): Figures[] => []);
  const shelf = temporaryFolder();
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const [at, point] of sweep.points.entries()) {
        const measured = await measurePoint(point, span, shelf);
        figures[at]?.push(measured);
        const where = `${sweep.name} ${sweep.x.show(point.x)}, turn ${turn + 1} of ${turns}`;
        say(`${where}: ${number(measured.opsPerSecond)} a second`);
      }
    }
  } finally {
    rmSync(shelf, { recursive: true, force: true });
  }
  const points = sweep.points.map((point, at) => ({ ...point, turns: figures[at] ?? [] }));
  return { ...sweep, points };
}

function measurePoint(point: Point, span: Span, shelf: string): Promise<Figures> {
  const { nodes, load, logEntries } = point;
  const use = (cluster: Parameters<typeof bench>[0]) => bench(cluster, load, span);
  if (logEntries === 0) return withCluster({ nodes, flags: [withoutSnapshots] }, use);
  const prepared = onShelf(point, shelf);
  return withCluster(
    {
      nodes,
      flags: [preparedCluster.flag, withoutSnapshots],
      prepare: (folder) => cpSync(prepared, folder, { recursive: true }),
    },
    use,
  );
}

/** The logs of a point are written once, and copied for each turn. */
function onShelf({ nodes, load, logEntries }: Point, shelf: string): string {
  const name = `${nodes}-${logEntries}-${load.keys}-${load.valueBytes}`;
  const folder = join(shelf, name);
  if (readdirSync(shelf).includes(name)) return folder;
  mkdirSync(folder);
  const { keys, valueBytes } = load;
  prepareLogs(folder, nodes, { entries: logEntries, keys, valueBytes });
  return folder;
}
