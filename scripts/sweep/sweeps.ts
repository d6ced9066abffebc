/** What is varied, and what is held still meanwhile. */
import { type Load, usualLoad } from "../measure/cluster.ts";
import type { ScaleKind } from "../measure/scale.ts";
import { bytes, short } from "../measure/table.ts";

export type Point = {
  /** What is varied. */
  readonly x: number;
  readonly nodes: number;
  readonly load: Load;
  /** How many entries the nodes' logs have before the load, over all of the load's keys. */
  readonly logEntries: number;
};

export type Sweep = {
  /** Also the name of its chart. */
  readonly name: string;
  readonly title: string;
  /** What is held still. */
  readonly subtitle: string;
  readonly x: { readonly title: string; readonly scale: ScaleKind; readonly show: Show };
  readonly yScale: ScaleKind;
  readonly points: readonly Point[];
};

type Show = (value: number) => string;

const usual: Omit<Point, "x"> = { nodes: 3, load: usualLoad, logEntries: 0 };

const point = (
  x: number,
  parts: Partial<Omit<Point, "load">> & { load?: Partial<Load> },
): Point => ({
  ...{ x, ...usual, ...parts },
  load: { ...usual.load, ...parts.load },
});

/** `entriesMax`: no log is longer before the load, and no more keys are varied over. */
export const sweeps = (entriesMax: number): readonly Sweep[] => [
  {
    name: "value-size",
    title: "Puts a second by the size of a value",
    subtitle: "3 nodes, 64 clients, 10,000 keys",
    x: { title: "size of a value", scale: "even", show: bytes },
    yScale: "log",
    points: [16, 64, 256, 1024, 4096, 16_384, 65_536].map((valueBytes) =>
      point(valueBytes, { load: { valueBytes } }),
    ),
  },
  {
    name: "nodes",
    title: "Puts a second by the number of nodes",
    subtitle: "64 clients, values of 64 bytes, 10,000 keys; all nodes on one machine",
    x: { title: "nodes", scale: "even", show: short },
    yScale: "linear",
    points: [1, 3, 5, 7].map((nodes) => point(nodes, { nodes })),
  },
  {
    name: "clients",
    title: "Puts a second by the number of clients",
    subtitle: "3 nodes, values of 64 bytes, 10,000 keys; each client waits for its answer",
    x: { title: "clients", scale: "even", show: short },
    yScale: "log",
    points: [1, 4, 16, 64, 256, 1024].map((clients) => point(clients, { load: { clients } })),
  },
  {
    name: "keys",
    title: "Puts a second by the number of keys",
    subtitle: `3 nodes, 64 clients, values of 64 bytes, logs of ${short(entriesMax)} entries`,
    x: { title: "keys in the store", scale: "log", show: short },
    yScale: "linear",
    points: [10, 100, 1000, 10_000, 100_000, 1_000_000]
      .filter((keys) => keys <= entriesMax)
      .map((keys) => point(keys, { load: { keys }, logEntries: entriesMax })),
  },
  {
    name: "log-length",
    title: "Puts a second by the length of the log",
    subtitle: "3 nodes, 64 clients, values of 64 bytes, 10,000 keys, no snapshots",
    x: { title: "entries in the log before the load", scale: "even", show: short },
    yScale: "linear",
    points: [0, 100_000, 1_000_000]
      .filter((entries) => entries <= entriesMax)
      .map((entries) => point(entries, { logEntries: entries })),
  },
];

/** The first, the middle and the last. */
export function thinned(sweep: Sweep): Sweep {
  const { points } = sweep;
  const kept = new Set([0, Math.floor((points.length - 1) / 2), points.length - 1]);
  return { ...sweep, points: points.filter((_, at) => kept.has(at)) };
}
