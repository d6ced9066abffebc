/**
 * Measures the executable beside other programs under the same closed loop, in turns, on the same cores:
 *
 *   bun run bench [--limit FILE] [--etcd FILE] [--turns 5] [--seconds 4] [--only PATTERN] [--json FILE]
 *
 * `--limit` is a program that does only what a replicated log on UDP must do (default ../shared/bench/limit.ts);
 * `--etcd` is a built etcdbench beside its etcd-up.sh. What is missing is left out, and said. Figures of one machine
 * mean little: what counts are the ratios of one run. fdatasync is on, every process shares the machine's cores.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { bench, type Load, usualLoad, withCluster } from "./measure/cluster.ts";
import { buildExecutable, home, machine, output, say } from "./measure/programs.ts";
import { median } from "./measure/statistics.ts";

/** Until the programs are compiled to what they will run as: a node that serves is not one that was just started. */
const warmupMs = 4000;

type NamedLoad = Load & { readonly name: string; readonly nodes: number };

const load = (name: string, parts: Partial<Omit<NamedLoad, "name">>): NamedLoad => ({
  ...{ name, nodes: 3, ...usualLoad },
  ...parts,
});

const loads: readonly NamedLoad[] = [
  load("put, 1 client", { clients: 1 }),
  load("put, 16 clients", { clients: 16 }),
  load("put, 64 clients", {}),
  load("put, 256 clients", { clients: 256 }),
  load("put, 256 clients, 1 KiB", { clients: 256, valueBytes: 1024 }),
  load("put, 1000 clients", { clients: 1000 }),
  load("get, 64 clients", { mix: "get" }),
  load("put, 64 clients, 5 nodes", { nodes: 5 }),
];

type Figures = { readonly opsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number };

type Contender = {
  readonly name: string;
  /** null: it cannot run this load. */
  readonly measure: (load: NamedLoad, seconds: number) => Promise<Figures | null>;
};

const { values: flags } = parseArgs({
  options: {
    limit: { type: "string", default: join(home, "..", "shared", "bench", "limit.ts") },
    etcd: { type: "string" },
    turns: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    only: { type: "string", default: "" },
    json: { type: "string" },
  },
});

const rustyBoat: Contender = {
  name: "rusty-boat",
  measure: (one, seconds) =>
    withCluster({ nodes: one.nodes }, (cluster) => bench(cluster, one, { warmupMs, seconds })),
};

/** `… ops/s=123 p50=1.2ms p99=3.4ms …` */
function figuresIn(line: string): Figures {
  const figure = (name: string): number => Number(new RegExp(`${name}=([\\d.]+)`).exec(line)?.[1]);
  const found = { opsPerSecond: figure("ops/s"), p50Ms: figure("p50"), p99Ms: figure("p99") };
  if (Object.values(found).some(Number.isNaN)) throw new Error(`no figures in: ${line}`);
  return found;
}

const limit = (file: string): Contender => ({
  name: "limit",
  async measure({ nodes, clients, valueBytes, mix }, seconds) {
    if (mix !== "put" || nodes !== 3 || clients > 256) return null;
    const folder = mkdtempSync(join(tmpdir(), "limit-bench-"));
    const env = { ...process.env, LIMIT_DIR: folder };
    const nodeProcesses = [0, 1, 2].map((node) =>
      Bun.spawn([process.execPath, file, "node", `${node}`], {
        env,
        stdout: "ignore",
        stderr: "ignore",
      }),
    );
    try {
      await Bun.sleep(700);
      const words = [process.execPath, file, "client", `${clients}`, `${valueBytes}`, `${seconds}`];
      return figuresIn(await output(words));
    } finally {
      for (const child of nodeProcesses) child.kill("SIGKILL");
      await Promise.all(nodeProcesses.map((child) => child.exited));
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

const etcd = (file: string): Contender => ({
  name: "etcd",
  async measure({ nodes, clients, valueBytes, mix }, seconds) {
    if (nodes !== 3) return null;
    const folder = mkdtempSync(join(tmpdir(), "etcd-bench-"));
    const up = join(dirname(file), "etcd-up.sh");
    const endpoints = (await output(["bash", up, folder])).trim();
    try {
      await Bun.sleep(3000);
      const conns = Math.min(clients, 16);
      const words = [
        ...[`-endpoints=${endpoints}`, `-clients=${clients}`, `-conns=${conns}`, `-op=${mix}`],
        ...[`-vsize=${valueBytes}`, `-seconds=${seconds}`],
      ];
      return figuresIn(await output([file, ...words]));
    } finally {
      const pids = (await Bun.file(join(folder, "pids")).text()).trim().split("\n");
      for (const pid of pids) process.kill(Number(pid), "SIGKILL");
      await Bun.sleep(300);
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

function contenders(): Contender[] {
  const found = [rustyBoat];
  if (existsSync(flags.limit)) found.push(limit(flags.limit));
  else say(`left out: limit, because there is no ${flags.limit}`);
  if (flags.etcd !== undefined && existsSync(flags.etcd)) found.push(etcd(flags.etcd));
  else say("left out: etcd, because --etcd names no built etcdbench");
  return found;
}

type Row = {
  readonly load: string;
  readonly contender: string;
  readonly turns: readonly Figures[];
};

async function measureLoad(
  one: NamedLoad,
  all: readonly Contender[],
  turns: number,
  seconds: number,
): Promise<Row[]> {
  const rows = new Map(all.map(({ name }) => [name, [] as Figures[]]));
  for (let turn = 0; turn < turns; turn++) {
    for (const { name, measure } of all) {
      const figures = await measure(one, seconds);
      if (figures !== null) rows.get(name)?.push(figures);
    }
    say(`${one.name}: turn ${turn + 1} of ${turns}`);
  }
  return [...rows].map(([contender, figures]) => ({ load: one.name, contender, turns: figures }));
}

/** A Markdown table: medians, and the ratios of ours to each other, turn by turn. */
function table(rows: readonly Row[]): string {
  const lines = [
    "| load | program | ops/s | p50 ms | p99 ms | rusty-boat to it: ops/s | p50 |",
    "|---|---|---|---|---|---|---|",
  ];
  for (const { load: name, contender, turns } of rows) {
    if (turns.length === 0) continue;
    const ours =
      rows.find((row) => row.load === name && row.contender === rustyBoat.name)?.turns ?? [];
    const of = (pick: (figures: Figures) => number) => median(turns.map(pick));
    const ratio = (pick: (figures: Figures) => number) =>
      median(turns.map((figures, turn) => pick(ours[turn] ?? figures) / pick(figures))).toFixed(2);
    const own = contender === rustyBoat.name;
    const ratios = own ? ["", ""] : [ratio((f) => f.opsPerSecond), ratio((f) => f.p50Ms)];
    const cells = [
      ...[name, contender, Math.round(of((f) => f.opsPerSecond)).toLocaleString("en")],
      ...[of((f) => f.p50Ms).toFixed(2), of((f) => f.p99Ms).toFixed(2), ...ratios],
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}

await buildExecutable();
const rows: Row[] = [];
const chosen = loads.filter(({ name }) => name.includes(flags.only));
const all = contenders();
for (const one of chosen) {
  rows.push(...(await measureLoad(one, all, Number(flags.turns), Number(flags.seconds))));
}
process.stdout.write(
  `${table(rows)}\n\n${machine()}; ${flags.turns} turns of ${flags.seconds} s, medians.\n`,
);
if (flags.json !== undefined)
  writeFileSync(flags.json, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
