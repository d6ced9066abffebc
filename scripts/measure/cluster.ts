/** Clusters of the executable as it is shipped, on loopback, and the load that it makes itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable, output } from "./programs.ts";

/** Away from the ports that people use. */
const basePort = 17_700;

export type Load = {
  readonly clients: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly mix: "put" | "get";
};

export const usualLoad: Load = { clients: 64, valueBytes: 64, keys: 10_000, mix: "put" };

/** How long to run: unmeasured first, until the programs are compiled to what they will run as. */
export type Span = { readonly warmupMs: number; readonly seconds: number };

/** Of `client bench --json`. */
export type Figures = {
  readonly ops: number;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestGapMs: number;
};

export type Cluster = { readonly folder: string; readonly size: number };

const folders: string[] = [];

/** Gone when this process ends, at the latest. */
export function temporaryFolder(): string {
  if (folders.length === 0) process.once("exit", removeFolders);
  const folder = mkdtempSync(join(tmpdir(), "rusty-boat-measure-"));
  folders.push(folder);
  return folder;
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** Starts a cluster, hands it over, and takes it away again with its folder, whatever happens. */
export async function withCluster<T>(
  options: {
    readonly nodes: number;
    /** Of `cluster up`. */
    readonly flags?: readonly string[];
    /** Puts something into the folder before the nodes start. */
    readonly prepare?: (folder: string) => void;
  },
  use: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { nodes, flags = [], prepare } = options;
  const folder = temporaryFolder();
  const place = ["--data", folder];
  const end = takeDownOnSignal(folder);
  try {
    prepare?.(folder);
    const up = ["cluster", "up", `${nodes}`, ...place, "--base-port", `${basePort}`, "--detach"];
    await output([executable, ...up, ...flags]);
    try {
      return await use({ folder, size: nodes });
    } finally {
      await output([executable, "cluster", "down", ...place]);
    }
  } finally {
    end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The cluster would outlive whoever is interrupted. Returns what ends the watch. */
function takeDownOnSignal(folder: string): () => void {
  const takeDown = (_: string, signal: number): never => {
    Bun.spawnSync([executable, "cluster", "down", "--data", folder]);
    process.exit(128 + signal);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, takeDown);
  return () => {
    for (const signal of signals) process.off(signal, takeDown);
  };
}

/** The words of `client bench` under that load, without its length. */
export const benchWords = ({ folder }: Cluster, load: Load): string[] => [
  ...[executable, "client", "bench", "--data", folder, "--json"],
  ...["--clients", `${load.clients}`, "--value-size", `${load.valueBytes}`],
  ...["--keys", `${load.keys}`, "--mix", `${load.mix}:100`],
];

/** Throws where a request failed: figures of a cluster that is not well are none. */
export async function bench(cluster: Cluster, load: Load, span: Span): Promise<Figures> {
  const length = ["--seconds", `${span.seconds}`, "--warmup", `${span.warmupMs}ms`];
  return cleanFigures(await output([...benchWords(cluster, load), ...length]));
}

/** So many requests, with nothing before them that is not counted. */
export const benchOps = async (cluster: Cluster, load: Load, ops: number): Promise<Figures> =>
  cleanFigures(await output([...benchWords(cluster, load), "--ops", `${ops}`]));

function cleanFigures(said: string): Figures {
  const figures = JSON.parse(said);
  if (figures.errors > 0 || figures.outcomesUnknown > 0) throw new Error(`not clean: ${said}`);
  return figures;
}

export type NodeState = {
  readonly id: number;
  readonly pid: number;
  readonly role: string;
  readonly applied: number;
};

/** As every node describes itself. */
export async function nodesOf({ folder }: Cluster): Promise<readonly NodeState[]> {
  const said = await output([executable, "cluster", "status", "--json", "--data", folder]);
  return JSON.parse(said).nodes;
}
